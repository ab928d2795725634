"""The monitoring table: every forecast of the ledger scored against what happened, and how the last ones did."""

from __future__ import annotations

import pandera.pandas as pa

from vol_assets.contracts.contract import Contract, column
from vol_assets.contracts.forecast import ORIGINS
from vol_assets.contracts.market import SESSION_CHECK

SCORE_WINDOWS = (63, 252)  # scored sessions: a quarter, a year

_VOL = pa.Check.in_range(0, 5, error="within 0 ... 5")
_LOSS = pa.Check.ge(0, error="at least 0")
_SHARE = pa.Check.in_range(0, 1, error="within 0 ... 1")


def _vol(description: str, *, nullable: bool = False) -> pa.Column:
    return column("float64", description, _VOL, unit="decimal a year", nullable=nullable)


def _rolling(window: int) -> dict[str, pa.Column]:
    over = f"over the last {window} scored sessions; null until there are as many"
    return {
        f"qlike_ratio_{window}": column(
            "float64", f"mean qlike over mean baseline_qlike {over}", _LOSS, unit="ratio", nullable=True
        ),
        f"worse_t_{window}": column(
            "float64",
            f"Diebold-Mariano t of qlike less baseline_qlike {over}; above 1.645 the forecast is worse than the "
            "baseline, at 5 % one-sided",
            unit="standard errors",
            nullable=True,
        ),
        f"coverage_{window}": column("float64", f"share inside p10 ... p90 {over}", _SHARE, unit="0..1", nullable=True),
        f"bias_{window}": column("float64", f"mean error {over}", unit="decimal a year", nullable=True),
        f"live_{window}": column(
            "int64",
            f"how many of the last {window} scored forecasts were live",
            pa.Check.in_range(0, window, error=f"within 0 ... {window}"),
            unit="sessions",
        ),
    }


SCORECARD = Contract(
    key=("monitoring", "scorecard"),
    description="The ledger scored: the forecast of five sessions before, what came, its loss and the baseline's.",
    columns={
        "date": column("datetime64[ns]", "session whose close ended the forecast's five sessions", SESSION_CHECK),
        "forecast_date": column("datetime64[ns]", "session at whose close the forecast stands", SESSION_CHECK),
        "model": column("str", "model name"),
        "model_version": column("str", "as in the ledger"),
        "trained_through": column("datetime64[ns]", "last session the model was trained on"),
        "origin": column("str", "as in the ledger", pa.Check.isin(ORIGINS)),
        "forecast_vol": _vol("the forecast"),
        "baseline_vol": _vol(
            "log_har_iv's forecast of the same session; null where the ledger has none", nullable=True
        ),
        "p10": _vol("10 % quantile of the forecast"),
        "p90": _vol("90 % quantile of the forecast"),
        "realised": _vol("realised volatility of the five sessions"),
        "error": column("float64", "forecast_vol less realised", unit="decimal a year"),
        "inside": column("bool", "realised lies within p10 ... p90; four in five should"),
        "qlike": column("float64", "loss of forecast_var", _LOSS, unit="QLIKE"),
        "baseline_qlike": column(
            "float64", "loss of baseline_var; null where the ledger has none", _LOSS, unit="QLIKE", nullable=True
        ),
        **{name: spec for window in SCORE_WINDOWS for name, spec in _rolling(window).items()},
    },
    checks=(
        pa.Check(
            lambda frame: frame["forecast_date"] < frame["date"],
            name="forecast before it is scored",
            error="forecast before it is scored",
        ),
    ),
)
