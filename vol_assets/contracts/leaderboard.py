"""smile/leaderboard: how well every model of the smile, network or baseline, predicted the sessions it never saw."""

from __future__ import annotations

import pandera.pandas as pa

from vol_assets.contracts.contract import Contract, column
from vol_assets.contracts.smiles import FAMILIES

ALL_HORIZONS = 0  # horizon_steps of the rows that the gate judges


def _number(description: str, *checks: pa.Check, unit: str = "") -> pa.Column:
    return column("float64", description, *checks, unit=unit, nullable=True)


def _share(description: str) -> pa.Column:
    return _number(description, pa.Check.in_range(0, 1, error="within 0 ... 1"), unit="0..1")


def _count(description: str) -> pa.Column:
    return column("int64", description, pa.Check.ge(0, error="at least 0"))


def _breaches(what: str) -> dict[str, pa.Column]:
    return {
        f"{what}_share": _share(f"{what} spreads of the predicted smiles worth less than -.005 USD"),
        f"{what}_worst": _number(f"that the worst {what} spread is worth less than nothing", unit="USD"),
    }


SMILE_LEADERBOARD = Contract(
    key=("smile", "leaderboard"),
    description="Predictions of every smile model against the contracts' next vols, a row a (family, model, horizon); "
    "horizon 0: all horizons together.",
    columns={
        "family": column("str", "live or daily", pa.Check.isin(FAMILIES, error="live or daily")),
        "model": column("str", "name of the network or baseline"),
        "horizon_steps": _count("steps ahead; 0: the mean of all horizons, each in units of raw persistence's loss"),
        "is_baseline": column("bool", "one of those that a network has to beat"),
        "sessions": _count("test sessions"),
        "snapshots": _count("snapshots scored"),
        "contracts": _count("predictions of a contract scored"),
        "loss": _number(
            "mean loss of a snapshot: squared error of its contracts; horizon 0: relative to raw's",
            unit="vol points^2",
        ),
        "rmse": _number("root of the mean loss", unit="vol points"),
        "mae": _number("mean absolute error", unit="vol points"),
        "mape": _number("mean of |error| / vol that came", unit="ratio"),
        "vega_rmse": _number("root mean squared error, contracts of a snapshot weighted by vega", unit="vol points"),
        "rmse_true": _number("against the vol without noise, on a simulated market", unit="vol points"),
        "rmse_then": _number("of the predicted smile read at the forward that came", unit="vol points"),
        "skill": _number("1 - loss / loss of persistence", unit="ratio"),
        "skill_then": _number("the same of the smiles read at the forward that came", unit="ratio"),
        "skill_held": _number(
            "1 - loss / loss of its own forecast for the shortest horizon, held to this one", unit="ratio"
        ),
        "best_baseline": column("str", "the baseline with the lowest loss"),
        "skill_best": _number("1 - loss / loss of the best baseline", unit="ratio"),
        "skill_best_error": _number("its standard error, by sessions", unit="ratio"),
        "dm_t": _number(
            "Diebold-Mariano t of the loss against the best baseline, by sessions; below 0 is better", unit="t"
        ),
        "dm_p": _share("its one-sided p: that the model is no better"),
        "dm_p_holm": _share("adjusted by Holm over the networks; null for baselines"),
        **_breaches("butterfly"),
        **_breaches("calendar"),
        "promoted": column("bool", "the gate lets it serve"),
        "verdict": column("str", "why, or why not; empty for baselines and single horizons"),
    },
    unique=("family", "model", "horizon_steps"),
    by_session=False,
)
