"""The forecast tables: the walk-forward backtest, its scores, the explanation, and the ledger of forecasts made."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pandera.pandas as pa

from vol_assets.contracts.contract import Contract, column, date_column
from vol_assets.contracts.market import SESSION_CHECK

ORIGINS = ("walk_forward", "live", "replayed")
TERM_KINDS = ("linear", "trees", "linear + trees")
EXPLAINED_WITHIN = 1e-6  # of log volatility


def _vol(description: str, *, nullable: bool = False) -> pa.Column:
    sane = pa.Check.in_range(0, 5, error="within 0 ... 5")
    return column("float64", description, sane, unit="decimal a year", nullable=nullable)


def _forecast_columns() -> dict[str, pa.Column]:
    return {
        "forecast_vol": _vol("expected realised volatility of the next 5 sessions"),
        "forecast_var": column(
            "float64",
            "expected realised variance",
            pa.Check.in_range(0, 25, error="within 0 ... 25"),
            unit="decimal^2 a year",
        ),
        "p10": _vol("10 % quantile of realised volatility"),
        "p50": _vol("median of realised volatility"),
        "p90": _vol("90 % quantile of realised volatility"),
    }


RV_BACKTEST = Contract(
    key=("forecast", "rv_backtest"),
    description="Walk-forward forecasts of every model and baseline, a row a (date, model).",
    columns={
        "date": date_column(),
        "model": column("str", "model name"),
        **_forecast_columns(),
        "realised": _vol("realised volatility of the next 5 sessions; null until they are complete", nullable=True),
        "trained_through": column("datetime64[ns]", "last session the model was trained on"),
    },
    unique=("date", "model"),
    by_session=False,
)


def _adds_up(frame: pd.DataFrame) -> pd.Series:
    terms = frame.groupby("date")["contribution"].transform("sum")
    return (frame["base"] + terms - np.log(frame["forecast_vol"])).abs() < EXPLAINED_WITHIN


RV_EXPLANATION = Contract(
    key=("forecast", "rv_explanation"),
    description="The terms of the champion's forecasts, a row a (date, term): of each date, base + the sum of its "
    "contributions = ln forecast_vol. Up to trained_through it is what the present model would have said, in sample.",
    columns={
        "date": date_column(),
        "term": column("str", "the input, a column of features/l1, features/har or features/implied"),
        "kind": column(
            "str",
            "linear: slope x distance from the training mean; trees: SHAP value",
            pa.Check.isin(TERM_KINDS),
        ),
        "value": column(
            "float64", "the input's value; null where an optional one is missing", unit="as in its table", nullable=True
        ),
        "contribution": column(
            "float64", "the term's part in ln forecast_vol; exp of it is the factor it makes", unit="log of a factor"
        ),
        "base": column("float64", "ln of an average session's forecast", unit="log of decimal a year"),
        "forecast_vol": _vol("expected realised volatility of the next 5 sessions by the present model"),
        "trained_through": column("datetime64[ns]", "last session the model was trained on"),
    },
    unique=("date", "term"),
    checks=(pa.Check(_adds_up, name="terms add up", error="base + contributions of a date = ln forecast_vol"),),
    by_session=False,
)

RV_5D = Contract(
    key=("forecast", "rv_5d"),
    description="The ledger: the forecast of SPY's next 5 sessions made at each close, and by which model.",
    columns={
        "date": column("datetime64[ns]", "session at whose close the forecast stands", SESSION_CHECK),
        **_forecast_columns(),
        "model": column("str", "model name"),
        "model_version": column("str", "version of the registered model; walk_forward if by the backtest"),
        "trained_through": column("datetime64[ns]", "last session the model was trained on"),
        "made_at": column("datetime64[us, UTC]", "when the forecast was made", unit="UTC"),
        "origin": column(
            "str",
            "walk_forward: out-of-sample forecast of the backtest; live: made before the next open; "
            "replayed: made later by a model trained earlier",
            pa.Check.isin(ORIGINS),
        ),
        "baseline_vol": _vol(
            "forecast_vol of log_har_iv fitted on the same sessions; null where the backtest has none",
            nullable=True,
        ),
        "baseline_var": column(
            "float64",
            "forecast_var of log_har_iv fitted on the same sessions; null where the backtest has none",
            pa.Check.in_range(0, 25, error="within 0 ... 25"),
            unit="decimal^2 a year",
            nullable=True,
        ),
        "flags": column(
            "str",
            "comma-separated notices on this forecast: outside_training_range:<feature>, one a feature; "
            "without_optional_inputs; registry_unreachable or champion_unreadable, if the last good champion stood in. "
            "Empty when there is nothing to say",
        ),
    },
    checks=(
        pa.Check(
            lambda frame: frame["trained_through"] < frame["date"],
            name="trained before the session",
            error="trained before the session",
        ),
        pa.Check(
            lambda frame: (frame["p10"] <= frame["p50"]) & (frame["p50"] <= frame["p90"]),
            name="p10 <= p50 <= p90",
            error="p10 <= p50 <= p90",
        ),
    ),
)
