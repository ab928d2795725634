"""forecast/rv_backtest, rv_model, rv_explanation: what is made from all sessions at once.

They read every session the lake holds, by the lake reader, and say which those were. Each keeps its own MLflow run.
"""

import hashlib
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import dagster as dg
import numpy as np
import pandas as pd

from vol_assets.assets.champion import champion_of
from vol_assets.assets.pages import column_schema, picture, table
from vol_assets.assets.publish import OWNERS
from vol_assets.contracts import Contract
from vol_assets.contracts.features import FEATURES_HAR, FEATURES_L1, L1_FEATURES
from vol_assets.contracts.forecast import RV_BACKTEST, RV_EXPLANATION
from vol_assets.contracts.market import CURATED_MARKET
from vol_assets.errors import ForecastError
from vol_assets.forecasting.evaluation import score, score_by_year
from vol_assets.forecasting.explanation import BASE_VALUE, mean_abs_shap, shap_values
from vol_assets.forecasting.frame import complete, modelling_frame
from vol_assets.forecasting.models import MODELS, XGB_21
from vol_assets.forecasting.models.boosted import BoostedTrees
from vol_assets.forecasting.rv_model import train
from vol_assets.forecasting.walk_forward import walk_forward
from vol_assets.lake import Lake
from vol_assets.tracking import Tracking

REGISTERED = XGB_21.name  # the model of the backtest that is trained, registered and served
EXPLAINED_SESSIONS = 504  # SHAP of the last two years: the page shows these, and the table stays small


class BacktestConfig(dg.Config):
    """How the walk-forward refits: sessions before the first forecast, and sessions between refits."""

    min_train: int = 750
    refit_every: int = 21


def _training_asset(name: str, *, contract: Contract | None = None, deps: list, kinds: set[str], description: str):
    """`dg.asset` for what is made from all sessions at once; single-run, so that a range can select it too."""
    metadata: dict[str, Any] = {"dagster/column_schema": column_schema(contract)} if contract else {}
    return dg.asset(
        key=["forecast", name],
        group_name="forecast",
        owners=OWNERS,
        kinds=kinds,
        deps=deps,
        backfill_policy=dg.BackfillPolicy.single_run(),
        metadata=metadata,
        description=description,
    )


@_training_asset(
    "rv_backtest",
    contract=RV_BACKTEST,
    deps=[dg.AssetKey(c.key) for c in (FEATURES_L1, FEATURES_HAR, CURATED_MARKET)],
    kinds={"parquet", "xgboost", "mlflow"},
    description="Purged expanding walk-forward of every model and baseline: RMSE, MAE and R2 on volatility, QLIKE on "
    "variance, beside HAR and log-HAR-IV on the same sessions.",
)
def rv_backtest(
    context: dg.AssetExecutionContext,
    config: BacktestConfig,
    lake: dg.ResourceParam[Lake],
    mlflow: dg.ResourceParam[Tracking],
) -> dg.MaterializeResult:
    import mlflow as ml

    from vol_assets.forecasting import charts

    frame = modelling_history(lake)
    context.log.info(f"forecast/rv_backtest: {complete(frame).sum()} complete sessions, {_span(frame)}")
    backtest = walk_forward(
        frame,
        MODELS,
        min_train=config.min_train,
        refit_every=config.refit_every,
        progress=_progress(context, "forecast/rv_backtest"),
    )
    RV_BACKTEST.require(backtest)
    scores = score(backtest)
    pictures = {
        "forecast against what happened": charts.forecast_history(backtest, REGISTERED),
        "models": charts.qlike_bars(backtest),
        "cumulative QLIKE": charts.cumulative_qlike(backtest),
        "calibration": charts.calibration(backtest, (REGISTERED, "log_har_iv", "har")),
    }
    with mlflow.run("rv_backtest", _identity(context), _tags(lake, frame)) as run:
        ml.log_params({**config.model_dump(), "models": [model.name for model in MODELS], **_sessions(frame)})
        for model, losses in scores.iterrows():
            ml.log_metrics({f"{model}.{name}": float(value) for name, value in losses.items() if pd.notna(value)})
        for (year, model), losses in score_by_year(backtest).iterrows():
            ml.log_metric(f"{model}.qlike_by_year", float(losses["qlike"]), step=int(year))
        for name, figure in pictures.items():
            ml.log_figure(figure, f"{name.replace(' ', '_')}.png")
        ml.log_text(scores.to_csv(), "scores.csv")
        ml.log_text(backtest.to_csv(index=False), "backtest.csv")
    best = scores["qlike"].idxmin()
    context.log.info(
        f"forecast/rv_backtest: {REGISTERED} QLIKE {scores.loc[REGISTERED, 'qlike']:.3f}, "
        f"{scores.loc[REGISTERED, 'qlike_vs_log_har_iv']:.2f} of log_har_iv's; best is {best}"
    )
    return dg.MaterializeResult(
        value=backtest,
        metadata={
            "dagster/row_count": len(backtest),
            "finding": _finding(scores),
            "scores": table(_in_short(scores), decimals=3),
            **{name: picture(figure) for name, figure in pictures.items()},
            **_provenance(mlflow, run.info.run_id, frame),
        },
    )


@_training_asset(
    "rv_model",
    deps=[rv_backtest],
    kinds={"xgboost", "mlflow"},
    description="XGBoost on the 21 features (log target, smeared), trained on every complete session and registered "
    "in MLflow as spy_rv_5d with the alias champion.",
)
def rv_model(
    context: dg.AssetExecutionContext, lake: dg.ResourceParam[Lake], mlflow: dg.ResourceParam[Tracking]
) -> dg.MaterializeResult:
    import mlflow as ml

    from vol_assets.tracking.rv_model import MODEL, register

    champion_of(lake, mlflow)  # refuses to depose a champion that was trained on another source
    frame = modelling_history(lake)
    scores = score(lake.read_table(RV_BACKTEST))
    forecaster = train(frame)
    with mlflow.run("rv_model", _identity(context), _tags(lake, frame)) as run:
        ml.log_params({"model": forecaster.name, **_parameters(XGB_21), **_sessions(frame)})
        ml.log_metrics({f"walk_forward.{k}": float(v) for k, v in scores.loc[REGISTERED].items() if pd.notna(v)})
        tags = {
            "source": lake.source,
            "data_fingerprint": fingerprint(frame),
            "trained_through": f"{forecaster.trained_through:%Y-%m-%d}",
        }
        version = register(mlflow, forecaster, frame[complete(frame)].tail(10), tags)
    mlflow.crown(MODEL, version)
    context.log.info(
        f"forecast/rv_model: {MODEL} version {version} is champion, trained on {forecaster.trained_rows} sessions "
        f"through {forecaster.trained_through:%Y-%m-%d}"
    )
    ranges = pd.DataFrame(forecaster.feature_ranges, index=["min", "max"]).T.rename_axis("feature").reset_index()
    return dg.MaterializeResult(
        metadata={
            "registered model": MODEL,
            "version": version,
            "trained through": f"{forecaster.trained_through:%Y-%m-%d}",
            "training sessions": forecaster.trained_rows,
            "walk-forward QLIKE": float(scores.loc[REGISTERED, "qlike"]),
            "walk-forward R2": float(scores.loc[REGISTERED, "r2"]),
            "feature ranges": table(ranges),
            **_provenance(mlflow, run.info.run_id, frame),
        }
    )


@_training_asset(
    "rv_explanation",
    contract=RV_EXPLANATION,
    deps=[rv_model, dg.AssetKey(FEATURES_L1.key)],
    kinds={"parquet", "mlflow"},
    description="SHAP values of the champion over the last two years: what drove each forecast, in log volatility. "
    "With the base value they add up to the model's output, which is checked.",
)
def rv_explanation(
    context: dg.AssetExecutionContext, lake: dg.ResourceParam[Lake], mlflow: dg.ResourceParam[Tracking]
) -> dg.MaterializeResult:
    import mlflow as ml

    from vol_assets.forecasting import charts

    frame = modelling_history(lake)
    recent = frame[complete(frame)].tail(EXPLAINED_SESSIONS)
    champion = champion_of(lake, mlflow)
    if champion is None:
        raise ForecastError("there is no champion of spy_rv_5d to explain; materialize forecast/rv_model first")
    values = shap_values(champion.forecaster, recent)
    last = recent.index[-1]
    pictures = {
        "importance": charts.importance(values),
        "beeswarm": charts.beeswarm(values, recent),
        "why the last one": charts.waterfall(values, recent, last),
    }
    with mlflow.run("rv_explanation", _identity(context), _tags(lake, frame)) as run:
        ml.log_params({"model_version": champion.version, **_sessions(recent)})
        for feature, value in mean_abs_shap(values).items():
            ml.log_metric(f"mean_abs_shap.{feature}", float(value))
        for name, figure in pictures.items():
            ml.log_figure(figure, f"{name.replace(' ', '_')}.png")
    context.log.info(f"forecast/rv_explanation: {len(recent)} sessions explained, model version {champion.version}")
    return dg.MaterializeResult(
        value=RV_EXPLANATION.require(_long(values, recent)),
        metadata={
            "dagster/row_count": values.shape[0] * len(L1_FEATURES),
            "model version": champion.version,
            "mean |SHAP|": table(mean_abs_shap(values).reset_index()),
            **{name: picture(figure) for name, figure in pictures.items()},
            **_provenance(mlflow, run.info.run_id, recent),
        },
    )


def modelling_history(lake: Lake) -> pd.DataFrame:
    """The modelling frame of every session the lake has features for."""
    held = lake.sessions(FEATURES_L1)
    if not held:
        raise ForecastError("features/l1 is empty; backfill it first (`make backfill FROM=... TO=... SELECT=...`)")
    first, last = held[0], held[-1]
    # Returns from before the first features fill the baselines' first windows.
    bars = lake.read(CURATED_MARKET, lake.sessions(CURATED_MARKET)[0], last, ["symbol", "log_return"])
    return modelling_frame(
        lake.read(FEATURES_L1, first, last).set_index("date"),
        lake.read(FEATURES_HAR, first, last).set_index("date"),
        bars[bars["symbol"] == "SPY"].set_index("date")["log_return"],
    )


def fingerprint(frame: pd.DataFrame) -> str:
    """A short hash of the sessions and numbers a model was trained on."""
    digest = hashlib.sha256(pd.util.hash_pandas_object(frame, index=True).to_numpy().tobytes())
    return digest.hexdigest()[:16]


def _long(values: pd.DataFrame, frame: pd.DataFrame) -> pd.DataFrame:
    shape = values.shape[0], len(L1_FEATURES)
    return pd.DataFrame(
        {
            "date": values.index.repeat(shape[1]),
            "feature": np.tile(L1_FEATURES, shape[0]),
            "value": frame[list(L1_FEATURES)].to_numpy(float).ravel(),
            "shap": values[list(L1_FEATURES)].to_numpy(float).ravel(),
            "base": values[BASE_VALUE].to_numpy(float).repeat(shape[1]),
        }
    )


def _finding(scores: pd.DataFrame) -> str:
    """Whether the registered model earns its keep, said plainly."""
    ratio = scores.loc[REGISTERED, "qlike_vs_log_har_iv"]
    verdict = "beats" if ratio < 1 else "does not beat"
    return (
        f"{REGISTERED} {verdict} log_har_iv on QLIKE: ratio {ratio:.3f} over {scores.loc[REGISTERED, 'n']:.0f} sessions"
    )


def _in_short(scores: pd.DataFrame) -> pd.DataFrame:
    """The scores as a table that fits a page: best first, short headings."""
    names = {"qlike_vs_har": "/ har", "qlike_vs_log_har_iv": "/ log_har_iv", "coverage": "in 80 %"}
    return scores.sort_values("qlike").reset_index().astype({"n": int}).rename(columns=names)


def _progress(context: dg.AssetExecutionContext, name: str) -> Callable[[int, int], None]:
    """Report at every fifth of the way."""

    def report(done: int, total: int) -> None:
        if done == total or done * 5 // total > (done - 1) * 5 // total:
            context.log.info(f"{name}: {done} of {total} refits")

    return report


def _identity(context: dg.AssetExecutionContext) -> dict[str, str]:
    return {"dagster.run_id": context.run.run_id, "dagster.asset": context.asset_key.to_user_string()}


def _tags(lake: Lake, frame: pd.DataFrame) -> dict[str, str]:
    return {"source": lake.source, "data_fingerprint": fingerprint(frame)}


def _sessions(frame: pd.DataFrame) -> dict[str, Any]:
    rows = frame.index[complete(frame)]
    return {"first_session": f"{rows[0]:%Y-%m-%d}", "last_session": f"{rows[-1]:%Y-%m-%d}", "sessions": len(rows)}


def _provenance(tracking: Tracking, run_id: str, frame: pd.DataFrame) -> dict[str, Any]:
    return {
        "MLflow run": dg.MetadataValue.url(tracking.url(run_id)),
        "MLflow run id": run_id,
        "data fingerprint": fingerprint(frame),
        "sessions read": _span(frame),
    }


def _parameters(model: BoostedTrees) -> dict[str, Any]:
    return {name: value for name, value in asdict(model).items() if name not in ("name", "columns")}


def _span(frame: pd.DataFrame) -> str:
    return f"{frame.index[0]:%Y-%m-%d} ... {frame.index[-1]:%Y-%m-%d}"
