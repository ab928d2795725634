"""forecast/rv_model: trains spy_rv_5d, registers it as challenger, and has the gate say whether it takes the crown.

There is always something to serve and to beat: where nobody has been crowned, or the champion cannot be read any
more, the reference is trained, registered and crowned first. Where the reference serves and the challenger fails, the
reference trained anew takes the place of the older one: it is the bar itself, so no gate stands before it. A champion
deposed by the gate is as well registered as before, and `make rollback` brings it back.
"""

from typing import Any

import dagster as dg
import pandas as pd

from vol_assets.assets.pages import table
from vol_assets.assets.publish import warning
from vol_assets.assets.training import identity, modelling_history, provenance, sessions, tags, training_asset
from vol_assets.contracts.forecast import RV_BACKTEST
from vol_assets.errors import ForecastError
from vol_assets.forecasting.frame import complete
from vol_assets.forecasting.gate import Verdict, judge
from vol_assets.forecasting.models import REFERENCE
from vol_assets.forecasting.rv_model import RvForecaster, train
from vol_assets.lake import Lake
from vol_assets.tracking import GATE, Tracking
from vol_assets.tracking.serving import require_source

GATE_CHECK = "gate"
REFRESHED = "the reference goes on serving, trained on all sessions there are now"
STALE_SESSIONS = 21  # that a backtest may lag behind the features: the time between two refits
NO_CHAMPION = "no champion before it: the reference serves until a challenger beats it"
EXAMPLE_ROWS = 10


@training_asset(
    "rv_model",
    deps=[dg.AssetKey(RV_BACKTEST.key)],
    kinds={"xgboost", "mlflow"},
    description="The ensemble, trained on every complete session and registered in MLflow as spy_rv_5d, challenger. "
    "Promoted to champion if its walk-forward beats log_har_iv, is calibrated, and is not worse than the champion's.",
    checks=[
        dg.AssetCheckSpec(
            GATE_CHECK,
            asset=dg.AssetKey(["forecast", "rv_model"]),
            description="The challenger was promoted; otherwise the champion before it goes on serving.",
        )
    ],
)
def rv_model(
    context: dg.AssetExecutionContext, lake: dg.ResourceParam[Lake], mlflow: dg.ResourceParam[Tracking]
) -> dg.MaterializeResult:
    import mlflow as ml

    from vol_assets.tracking.rv_model import MODEL, promote, register, walk_forward_of

    vacant, before = _vacant(lake, mlflow)
    backtest = lake.read_table(RV_BACKTEST)
    frame = modelling_history(lake)
    _require_recent(backtest, frame)
    challenger, reference = train(frame), train(frame, REFERENCE)
    made_from, example = tags(lake, frame), frame[complete(frame)].tail(EXAMPLE_ROWS)
    with mlflow.run("rv_model", identity(context), made_from) as run:
        ml.log_params({"model": challenger.name, "inputs": len(challenger.columns), **sessions(frame)})
        if vacant and _vacant(lake, mlflow)[0]:  # asked anew: another training may have crowned somebody meanwhile
            stand_in = register(mlflow, reference, example, backtest, made_from)
            promote(mlflow, stand_in, vacant, lake.source, GATE)
            context.log.warning(f"forecast/rv_model: {MODEL} version {stand_in} is champion: {vacant}")
        version = register(mlflow, challenger, example, backtest, made_from)
        mlflow.challenge(MODEL, version)
        reigning = mlflow.champion(MODEL)  # asked anew: training took minutes
        champion = str(reigning.version)
        verdict = judge(backtest, challenger.name, champion=walk_forward_of(mlflow, champion))
        said = "promoted" if verdict.passed else f"not promoted, version {champion} stays champion"
        ml.log_metrics({f"gate.{c.name}": c.figure for c in verdict.conditions if pd.notna(c.figure)})
        mlflow.tag(MODEL, version, "gate", f"{said}: {verdict.reason}")
        if verdict.passed:
            promote(mlflow, version, verdict.reason, lake.source, GATE)
        elif _older_reference(reigning, reference):
            champion = register(mlflow, reference, example, backtest, made_from)
            promote(mlflow, champion, REFRESHED, lake.source, GATE)
            said += f", its model trained anew as version {champion}"
    tell = context.log.info if verdict.passed else context.log.warning
    tell(f"forecast/rv_model: {MODEL} version {version} {said}: {verdict.reason}")
    return dg.MaterializeResult(
        metadata={
            "verdict": f"{said}: {verdict.reason}",
            "gate": table(_gate(verdict)),
            "registered model": MODEL,
            "version": version,
            "champion before": before or "none",
            "champion now": version if verdict.passed else champion,
            "trained through": f"{challenger.trained_through:%Y-%m-%d}",
            "training sessions": challenger.trained_rows,
            "feature ranges": table(_ranges(challenger)),
            **provenance(mlflow, run.info.run_id, frame),
        },
        check_results=[
            warning(GATE_CHECK, verdict.passed, verdict=said, reason=verdict.reason, table=table(_gate(verdict)))
        ],
    )


def _vacant(lake: Lake, tracking: Tracking) -> tuple[str, str | None]:
    """Why there is nobody to serve, empty if there is; and the version that has the crown.

    A RegistryError when MLflow does not answer: then nothing is trained for nobody to keep. A ForecastError when the
    champion was trained on another source, which must not depose it.
    """
    from vol_assets.tracking.rv_model import MODEL, load

    champion = tracking.champion(MODEL)
    if champion is None:
        return NO_CHAMPION, None
    version = str(champion.version)
    require_source(MODEL, version, champion.tags.get("source", ""), lake.source)
    try:
        load(tracking, version)
    except ForecastError as error:
        return f"{error}; the reference serves until a challenger beats it", version
    return "", version


def _gate(verdict: Verdict) -> pd.DataFrame:
    """The conditions as a table: 513, not 513.0000."""
    conditions = verdict.to_frame()
    return conditions.assign(figure=[f"{figure:.4g}" if pd.notna(figure) else "" for figure in conditions["figure"]])


def _older_reference(champion: Any, reference: RvForecaster) -> bool:
    """Whether the reference serves as it was trained on fewer sessions."""
    trained_through = f"{reference.trained_through:%Y-%m-%d}"
    return champion.tags.get("model") == reference.name and champion.tags.get("trained_through") != trained_through


def _require_recent(backtest: pd.DataFrame, frame: pd.DataFrame) -> None:
    """A ForecastError for a backtest that is too old to judge what is trained today by."""
    days = frame.index[complete(frame)]
    newest = backtest["date"].max()
    behind = int((days > newest).sum())
    if behind > STALE_SESSIONS:
        raise ForecastError(
            f"forecast/rv_backtest ends {newest:%Y-%m-%d}, {behind} sessions before the features do: a challenger "
            "cannot be judged by it; materialize it anew, or run the job train_rv_model"
        )


def _ranges(forecaster: RvForecaster) -> pd.DataFrame:
    """The training range of each input."""
    return pd.DataFrame(forecaster.feature_ranges, index=["min", "max"]).T.rename_axis("feature").reset_index()
