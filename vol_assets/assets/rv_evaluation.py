"""forecast/rv_evaluation: how good the walk-forward was, with errors and p-values, and what it cannot show."""

import dagster as dg
import pandas as pd

from vol_assets.assets.pages import table
from vol_assets.assets.rv_backtest import rv_backtest
from vol_assets.assets.training import (
    REGISTERED,
    identity,
    modelling_history,
    pictures,
    provenance,
    spy_returns,
    tags,
    training_asset,
)
from vol_assets.contracts.evaluation import RV_EVALUATION
from vol_assets.contracts.forecast import RV_BACKTEST
from vol_assets.forecasting.canary import leakage_canary, seed_spread
from vol_assets.forecasting.evaluation import Evaluation, evaluate
from vol_assets.forecasting.models import with_seed
from vol_assets.forecasting.walk_forward import trainable_before
from vol_assets.lake import Lake
from vol_assets.tracking import Tracking

HOW_TO_READ = (
    "QLIKE is the loss of a variance forecast, lower is better; / log_har_iv and / har are its ratios to the "
    "baselines', below 1 is better. DM t and p: Diebold-Mariano against log_har_iv, p the chance of such a lead by "
    "luck. MCS p below 0.10: surely not the best. MZ slope near 1 and in 80 % near 0.80: the forecast means what it "
    "says."
)


class EvaluationConfig(dg.Config):
    """How far the evidence goes: sessions between refits of the walk-forwards for other seeds and of the leakage
    canary, which begin where the backtest does; how many other seeds."""

    refit_every: int = 126
    seeds: int = 5


@training_asset(
    "rv_evaluation",
    contract=RV_EVALUATION,
    deps=[rv_backtest],
    kinds={"parquet", "xgboost", "mlflow"},
    description="How good each model's walk-forward forecasts were on the sessions all have forecast: losses, tests "
    "against HAR and log-HAR-IV, confidence set, calibration, years, other seeds, and what shuffled folds would claim.",
)
def rv_evaluation(
    context: dg.AssetExecutionContext,
    config: EvaluationConfig,
    lake: dg.ResourceParam[Lake],
    mlflow: dg.ResourceParam[Tracking],
) -> dg.MaterializeResult:
    import mlflow as ml

    from vol_assets.forecasting import charts

    mlflow.experiment_id()  # as in rv_backtest
    frame, backtest = modelling_history(lake), lake.read_table(RV_BACKTEST)
    context.log.info(f"forecast/rv_evaluation: {config.seeds} other seeds, and the leakage canary")
    begin = trainable_before(frame, backtest["date"].min())
    walk = {"min_train": begin, "refit_every": config.refit_every}
    seeds = seed_spread(frame, with_seed, range(1, config.seeds + 1), **walk) if config.seeds else None
    found = evaluate(backtest, returns=spy_returns(lake), seeds=seeds, canary=leakage_canary(frame, **walk))
    figures = {
        "ladder": charts.qlike_ladder(found),
        "more than luck": charts.every_fifth(found),
        "year by year": charts.yearly_ratios(found),
        "when it gained": charts.cumulative_qlike(backtest),
        "does it come true": charts.calibration(backtest, (REGISTERED, "log_har_iv", "har")),
        "calibration of every model": charts.reliability(found),
        "returns over forecasts": charts.exceedances(found),
        **({} if seeds is None else {"other seeds": charts.seed_dots(seeds)}),
        "shuffled folds": charts.leakage(found.canary),
    }
    with mlflow.run("rv_evaluation", identity(context), tags(lake, frame)) as run:
        ml.log_params(config.model_dump())
        ml.log_metrics(found.to_metrics())
        for (year, model), row in found.by_year.iterrows():
            ml.log_metric(f"{model}.qlike_by_year", float(row["qlike"]), step=int(year))
        shown = pictures(figures)
        ml.log_text(found.summary(REGISTERED), "summary.txt")
        ml.log_text(found.to_frame().to_csv(index=False), "scores.csv")
    context.log.info(f"forecast/rv_evaluation: {verdict(found)}")
    return dg.MaterializeResult(
        value=RV_EVALUATION.require(found.to_frame()),
        metadata={
            "dagster/row_count": len(found.scores),
            "finding": verdict(found),
            "how to read the scores": HOW_TO_READ,
            "scores": table(in_short(found), decimals=3),
            "in words": dg.MetadataValue.md(f"```\n{found.summary(REGISTERED)}\n```"),
            **shown,
            **provenance(mlflow, run.info.run_id, frame),
        },
    )


def verdict(found: Evaluation, name: str = REGISTERED) -> str:
    """Whether a model earns its keep, said plainly."""
    row = found.scores.loc[name]
    ratio, p = row["qlike_vs_log_har_iv"], row["dm_p_vs_log_har_iv"]
    beats = "does not beat" if ratio >= 1 else "beats" if p < 0.05 else "is ahead of, but not surely better than,"
    return f"{name} {beats} log_har_iv on QLIKE: ratio {ratio:.3f}, one-sided p {p:.3f}, {row['n']:.0f} sessions"


def in_short(found: Evaluation) -> pd.DataFrame:
    """The scores as a table that fits a page: best first, short headings."""
    names = {
        "model": "model",
        "qlike": "QLIKE",
        "qlike_vs_log_har_iv": "/ log_har_iv",
        "qlike_vs_har": "/ har",
        "dm_t_vs_log_har_iv": "DM t",
        "dm_p_vs_log_har_iv": "p",
        "mcs_p": "MCS p",
        "rmse": "RMSE",
        "mae": "MAE",
        "r2": "R2",
        "mz_slope": "MZ slope",
        "coverage": "in 80 %",
    }
    return found.to_frame().sort_values("qlike")[list(names)].rename(columns=names)
