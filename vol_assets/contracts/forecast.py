"""The forecast tables: the walk-forward backtest, its scores, the explanation, and the ledger of forecasts made."""

from __future__ import annotations

import pandera.pandas as pa

from vol_assets.contracts.contract import Contract, column, date_column
from vol_assets.contracts.market import SESSION_CHECK

ORIGINS = ("walk_forward", "live", "replayed")


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

RV_EXPLANATION = Contract(
    key=("forecast", "rv_explanation"),
    description="SHAP values of the deployed model, a row a (date, feature); with the base value they add up.",
    columns={
        "date": date_column(),
        "feature": column("str", "name of the L1 feature"),
        "value": column("float64", "the feature's value", unit="as in features/l1"),
        "shap": column("float64", "its contribution to the forecast", unit="log of decimal a year"),
        "base": column("float64", "the model's average output", unit="log of decimal a year"),
    },
    unique=("date", "feature"),
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
