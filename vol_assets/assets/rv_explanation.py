"""forecast/rv_explanation: the terms of the champion's forecasts over the history the lake holds."""

import dagster as dg
import numpy as np
import pandas as pd

from vol_assets.assets.champion import champion_of
from vol_assets.assets.pages import table
from vol_assets.assets.training import (
    identity,
    modelling_history,
    pictures,
    provenance,
    sessions,
    tags,
    training_asset,
)
from vol_assets.charts.style import day
from vol_assets.contracts.features import FEATURES_HAR, FEATURES_IMPLIED, FEATURES_L1
from vol_assets.contracts.forecast import RV_EXPLANATION
from vol_assets.errors import ForecastError
from vol_assets.forecasting.charts.readings import reading
from vol_assets.forecasting.explanation import OTHERS, Explanation, explain
from vol_assets.forecasting.frame import complete
from vol_assets.lake import Lake
from vol_assets.tracking import Tracking

RECENT = 504  # two years of sessions: a swarm of more has no points to be told apart


@training_asset(
    "rv_explanation",
    contract=RV_EXPLANATION,
    deps=[
        dg.AssetKey(["forecast", "rv_model"]),
        *(dg.AssetKey(c.key) for c in (FEATURES_L1, FEATURES_HAR, FEATURES_IMPLIED)),
    ],
    kinds={"parquet", "xgboost", "mlflow"},
    description="Why the champion forecasts what it does: each forecast as the sum of its terms in log volatility, "
    "slopes of its line and SHAP values of its trees, which add up to it. One model explains the whole history: "
    "up to its last training session in sample, what it would have said rather than what was said.",
)
def rv_explanation(
    context: dg.AssetExecutionContext, lake: dg.ResourceParam[Lake], mlflow: dg.ResourceParam[Tracking]
) -> dg.MaterializeResult:
    import mlflow as ml

    from vol_assets.forecasting import charts

    frame = modelling_history(lake)
    history = frame[complete(frame)]
    if history.empty:
        raise ForecastError("no session has all inputs, so there is no forecast to explain; backfill a longer history")
    champion = champion_of(lake, mlflow, context.log.warning)
    if champion is None:
        raise ForecastError("there is no champion of spy_rv_5d to explain; materialize forecast/rv_model first")
    explanation = explain(champion.forecaster, history)
    mean_abs = explanation.importance()
    last = history.index[-1]
    figures = {
        "waterfall of the last forecast": charts.waterfall(explanation, last),
        "what it listens to": charts.importance(explanation),
        "how each term moves it": charts.beeswarm(explanation.last(RECENT)),
        "what terms make of inputs": charts.dependence(explanation),
        "year by year": charts.drift(explanation),
    }
    with mlflow.run("rv_explanation", identity(context), tags(lake, frame)) as run:
        ml.log_params({"model": champion.forecaster.name, "model_version": champion.version, **sessions(history)})
        ml.log_metrics({f"mean_abs.{term}": float(value) for term, value in mean_abs.items()})
        shown = pictures(figures)
    context.log.info(
        f"forecast/rv_explanation: {len(history)} sessions explained by {champion.forecaster.name} version "
        f"{champion.version}; {mean_abs.index[0]} moves them most"
    )
    rows = RV_EXPLANATION.require(explanation.rows())
    return dg.MaterializeResult(
        value=rows,
        metadata={
            "dagster/row_count": len(rows),
            "model": f"{champion.forecaster.name} version {champion.version}",
            "how to read it": _in_sample(explanation),
            "why the last forecast": table(_why(explanation, last)),
            **shown,
            **provenance(mlflow, run.info.run_id, frame),
        },
    )


def _in_sample(explanation: Explanation) -> str:
    """What an explanation of a session that the model was trained on is worth, said plainly."""
    through = explanation.trained_through
    known = int((explanation.terms.index <= through).sum())
    return (
        f"One model throughout, the present champion, trained on sessions to {day(through)}: of those, {known:,} of "
        f"{len(explanation.terms):,} here, this explains what it would have said, in sample. What was said at each "
        "close is in forecast/rv_5d."
    )


def _why(explanation: Explanation, session: pd.Timestamp) -> pd.DataFrame:
    """The forecast of a session from the average one on, a row a term, in a person's units."""
    steps = explanation.why(session)
    others = explanation.terms.shape[1] - (len(steps) - 1)
    rows = [("an average session", "", "", np.exp(explanation.base))]
    reached = explanation.base
    for term, (value, part) in steps.iterrows():
        reached += part
        named = (f"{others} other terms", "") if term == OTHERS else (term, reading(term).text(value))
        rows.append((*named, f"{np.expm1(part):+.1%}", np.exp(reached)))
    told = pd.DataFrame(rows, columns=["term", "value", "change", "forecast so far"])
    return told.assign(**{"forecast so far": told["forecast so far"].map("{:.2%}".format)})
