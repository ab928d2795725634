"""forecast/rv_backtest: walk-forward forecasts of every model over the history the lake holds."""

import dagster as dg

from vol_assets.assets.training import (
    REGISTERED,
    identity,
    modelling_history,
    pictures,
    progress,
    provenance,
    sessions,
    span,
    tags,
    training_asset,
)
from vol_assets.contracts.features import FEATURES_HAR, FEATURES_IMPLIED, FEATURES_L1
from vol_assets.contracts.forecast import RV_BACKTEST
from vol_assets.contracts.market import CURATED_MARKET
from vol_assets.forecasting.frame import complete
from vol_assets.forecasting.models import MODELS
from vol_assets.forecasting.walk_forward import walk_forward
from vol_assets.lake import Lake
from vol_assets.tracking import Tracking


class BacktestConfig(dg.Config):
    """How the walk-forward refits: sessions before the first forecast, and sessions between refits."""

    min_train: int = 750
    refit_every: int = 21


@training_asset(
    "rv_backtest",
    contract=RV_BACKTEST,
    deps=[dg.AssetKey(c.key) for c in (FEATURES_L1, FEATURES_HAR, FEATURES_IMPLIED, CURATED_MARKET)],
    kinds={"parquet", "xgboost", "mlflow"},
    description="Purged expanding walk-forward of every model and baseline: what each would have said at every close, "
    "knowing nothing of what came. forecast/rv_evaluation says how good it was.",
)
def rv_backtest(
    context: dg.AssetExecutionContext,
    config: BacktestConfig,
    lake: dg.ResourceParam[Lake],
    mlflow: dg.ResourceParam[Tracking],
) -> dg.MaterializeResult:
    import mlflow as ml

    from vol_assets.forecasting import charts

    mlflow.experiment_id()  # a store that does not answer is better known before the work than after it
    frame = modelling_history(lake)
    context.log.info(f"forecast/rv_backtest: {complete(frame).sum()} complete sessions, {span(frame)}")
    backtest = walk_forward(
        frame,
        MODELS,
        min_train=config.min_train,
        refit_every=config.refit_every,
        progress=progress(context, "forecast/rv_backtest"),
    )
    RV_BACKTEST.require(backtest)
    with mlflow.run("rv_backtest", identity(context), tags(lake, frame)) as run:
        ml.log_params({**config.model_dump(), "models": [model.name for model in MODELS], **sessions(frame)})
        shown = pictures({"forecast against what happened": charts.forecast_history(backtest, REGISTERED)})
        ml.log_text(backtest.to_csv(index=False), "backtest.csv")
    return dg.MaterializeResult(
        value=backtest,
        metadata={
            "dagster/row_count": len(backtest),
            "models": ", ".join(model.name for model in MODELS),
            "out of sample": f"{backtest['date'].min():%Y-%m-%d} ... {backtest['date'].max():%Y-%m-%d}, "
            f"{backtest['date'].nunique():,} sessions",
            **shown,
            **provenance(mlflow, run.info.run_id, frame),
        },
    )
