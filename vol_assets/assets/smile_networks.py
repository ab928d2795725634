"""smile/gru, smile/lstm, smile/mlp, smile/transformer: each trains its network on both families and registers it.

A version is registered whatever it is worth; smile/leaderboard says that, and who serves.
"""

from typing import Any

import dagster as dg
import pandas as pd

from vol_assets.assets.pages import table
from vol_assets.assets.smile_families import GROUP, Data, Progress, data_of, provenance, run_tags, version_tags
from vol_assets.assets.training import identity, pictures, training_asset
from vol_assets.contracts.smiles import SMILE_DATASET
from vol_assets.errors import ForecastError
from vol_assets.lake import Lake
from vol_assets.smiles.dataset import TRAIN, VALIDATION, samples
from vol_assets.smiles.networks import NETWORKS, Trained
from vol_assets.tracking import Tracking

TOLD_EPOCHS = 10


class TrainingConfig(dg.Config):
    """Where a network's first weights and the order of its samples come from."""

    seed: int = 0


def network(kind: str) -> dg.AssetsDefinition:
    """The asset smile/<kind>."""

    @training_asset(
        kind,
        group=GROUP,
        deps=[dg.AssetKey(SMILE_DATASET.key)],
        kinds={"pytorch", "mlflow"},
        description=f"The {kind} network, trained on each family of smile/dataset with early stopping and registered "
        f"as spy_smile_live_{kind} and spy_smile_daily_{kind}. It says how far each node of the smile moves, and "
        "starts from not at all.",
    )
    def asset(
        context: dg.AssetExecutionContext,
        config: TrainingConfig,
        lake: dg.ResourceParam[Lake],
        mlflow: dg.ResourceParam[Tracking],
    ) -> dg.MaterializeResult:
        import mlflow as ml

        from vol_assets.smiles import charts

        mlflow.experiment_id()  # a store that does not answer is better known before the work than after it
        progress = Progress(context)
        data = data_of(lake, progress)
        page: dict[str, Any] = {}
        with mlflow.run(f"smile_{kind}", identity(context), run_tags(lake, data)) as run:
            ml.log_params({"network": kind, **config.model_dump()})
            for family, one in data.items():
                try:
                    trained = _train(kind, family, one, config.seed, progress)
                except ForecastError as error:
                    progress.skip(family, str(error))
                    continue
                page |= _register(lake, mlflow, one, trained)
                page |= pictures({f"{family} training": charts.training(trained.curve, f"{family} {kind}")})
                progress.finish(family, page[f"{family} best epoch"])
            progress.require_any()
        return dg.MaterializeResult(
            metadata={**page, **progress.metadata, **provenance(mlflow, run.info.run_id, data)},
        )

    return asset


NETWORK_ASSETS = [network(kind) for kind in NETWORKS]


def _train(kind: str, family: str, data: Data, seed: int, progress: Progress) -> Trained:
    """Train a network, every epoch told to the active MLflow run and some to the log."""
    import mlflow as ml

    from vol_assets.smiles.networks import train

    def report(epoch: int, learnt: float, chosen: float) -> None:
        ml.log_metrics({f"{family}.train": learnt, f"{family}.validation": chosen}, step=epoch)
        if epoch % TOLD_EPOCHS == 0:
            progress.context.log.info(
                f"{progress.asset}: {family}: epoch {epoch}, {learnt:.3f} of persistence's error in training, "
                f"{chosen:.3f} in validation"
            )

    return train(kind, data.panel, data.split, seed=seed, report=report)


def _register(lake: Lake, tracking: Tracking, data: Data, trained: Trained) -> dict[str, Any]:
    """Register a network; its part of the page."""
    import mlflow as ml

    from vol_assets.tracking.smile_model import line, register

    model, curve = trained.model, trained.curve
    windows = {which: len(samples(data.panel, data.split, which)) for which in (TRAIN, VALIDATION)}
    ml.log_params({f"{model.family}.windows.{which}": count for which, count in windows.items()})
    best = curve.loc[curve["validation"].idxmin()]
    example = data.panel.windows(data.panel.last_of_windows()[-1:])
    version = register(tracking, model, example, version_tags(lake, data))
    family = model.family
    ml.log_metrics({f"{family}.best_epoch": best["epoch"], f"{family}.best_validation": best["validation"]})
    return {
        f"{family} registered model": line(family, model.kind),
        f"{family} version": version,
        f"{family} best epoch": f"epoch {best['epoch']:.0f} of {curve['epoch'].max():.0f}: {best['validation']:.3f} of "
        "persistence's error in validation",
        f"{family} last epochs": table(_last_epochs(curve)),
    }


def _last_epochs(curve: pd.DataFrame) -> pd.DataFrame:
    return curve.tail(TOLD_EPOCHS).astype({"epoch": int})
