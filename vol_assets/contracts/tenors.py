"""The standard surface: twelve tenors a session, the smile of each by delta and by moneyness, and where it stands.

Nodes are call-equivalent forward deltas N(d1): .10 is a far call, .90 a far put. Vols are decimals a year, a year has
365 days. The last columns compare a session with those stored before it.
"""

from __future__ import annotations

import pandas as pd
import pandera.pandas as pa

from vol_assets.contracts.chains import UNDERLYING_CHECK, UNDERLYINGS
from vol_assets.contracts.contract import Contract, column
from vol_assets.contracts.market import SESSION_CHECK

TENOR_DAYS = (7, 14, 30, 60, 91, 122, 152, 182, 273, 365, 547, 730)
DELTAS = tuple(range(10, 95, 5))  # percent
MONEYNESS = tuple(range(80, 125, 5))  # strike over forward, percent
COMPARED = ("atm_vol", "rr25", "bf25")  # columns whose changes and percentiles are kept
CHANGE_SESSIONS = (1, 5)
PERCENTILE_SESSIONS = 252
STICKINESS_SESSIONS = 60

VOL = "decimal a year"
POSITIVE = pa.Check.gt(0, error="above 0")
SHARE = pa.Check.in_range(0, 1, error="within 0 ... 1")


def _in_order(frame: pd.DataFrame) -> pd.Series:
    """Which rows' at-the-money total variance is not below that of the tenor before."""
    rows = frame.sort_values(["date", "tenor_days"])
    variance = rows["atm_vol"] ** 2 * rows["years"]
    falls = variance < variance.groupby(rows["date"]).shift() * (1.0 - 1e-9)
    return ~falls.reindex(frame.index)


def _no_sign_wrong(frame: pd.DataFrame) -> pd.Series:
    nodes = frame[[f"{name}_d{d}" for name in ("vol", "strike", "premium") for d in DELTAS]]
    others = frame[[f"vol_m{m}" for m in MONEYNESS] + [f"forward_vol_{days}" for days in TENOR_DAYS[:-1]]]
    return (nodes > 0).all(axis=1) & ~(others < 0).any(axis=1)


def _smile() -> dict[str, pa.Column]:
    nodes = {}
    for name, what, unit in (
        ("vol", "vol at call delta", VOL),
        ("strike", "strike at call delta", "USD"),
        ("premium", "discounted out-of-the-money price at call delta", "USD"),
    ):
        nodes |= {f"{name}_d{d}": column("float64", f"{what} {d} %", unit=unit) for d in DELTAS}
    wings = {}
    for d in (25, 10):
        wings[f"rr{d}"] = column("float64", f"risk reversal: {d} % call delta vol less {100 - d} %'s", unit=VOL)
        wings[f"bf{d}"] = column("float64", f"butterfly: mean of {d} % and {100 - d} % vols less atm_vol", unit=VOL)
    moneyness = {
        f"vol_m{m}": column("float64", f"vol at {m} % of the forward", unit=VOL, nullable=True) for m in MONEYNESS
    }
    return {
        **nodes,
        **wings,
        "slope": column("float64", "d vol / d k at the forward, k = ln(strike / forward)", unit="vol per 1 of k"),
        "curvature": column("float64", "d2 vol / d k2 at the forward", unit="vol per 1 of k^2"),
        "slope_sqrt_t": column("float64", "slope * sqrt(years): comparable across tenors", unit="vol sqrt(year)"),
        "curvature_t": column("float64", "curvature * years: comparable across tenors", unit="vol year"),
        **moneyness,
    }


def _distribution() -> dict[str, pa.Column]:
    forward_vols = {
        f"forward_vol_{days}": column(
            "float64",
            f"at-the-money forward vol from {days} days to this tenor; null for tenors up to {days} days",
            unit=VOL,
            nullable=True,
        )
        for days in TENOR_DAYS[:-1]
    }
    return {
        **forward_vols,
        "implied_move": column("float64", "E|S_T / F - 1|: the straddle over the forward", POSITIVE, unit="decimal"),
        "daily_breakeven": column("float64", "atm_vol / sqrt(252)", POSITIVE, unit="decimal a session"),
        "model_free_vol": column("float64", "sqrt(-2 E ln(S_T / F) / years), the log contract", POSITIVE, unit=VOL),
        "up_variance": column("float64", "part of model_free_vol^2 from calls", POSITIVE, unit="decimal^2 a year"),
        "down_variance": column("float64", "part of model_free_vol^2 from puts", POSITIVE, unit="decimal^2 a year"),
        "skewness": column("float64", "skewness of ln(S_T / F)", unit="decimal"),
        "kurtosis": column("float64", "kurtosis of ln(S_T / F), 3 for a normal law", POSITIVE, unit="decimal"),
        "extrapolated": column("bool", "before the first or after the last expiration"),
        "confidence": column(
            "float64",
            "share of the delta nodes inside the quoted strikes of the expirations around, the nearer in time weighing "
            "more; 0 where extrapolated",
            SHARE,
            unit="decimal",
        ),
        "index_model_free": column("float64", "30-day model_free_vol, on every row", POSITIVE, unit=VOL),
        "index_vix_style": column(
            "float64",
            "30-day volatility index by Cboe's rules on the quotes as they came (American), on every row; null unless "
            "two expirations with a strip enclose 30 days",
            POSITIVE,
            unit=VOL,
            nullable=True,
        ),
        "index_quoted": column(
            "float64", "the index that is quoted, VIX or GVZ, on every row", POSITIVE, unit=VOL, nullable=True
        ),
    }


def _history() -> dict[str, pa.Column]:
    changes = {
        f"change_{count}_{name}": column(
            "float64",
            f"{name} less that of {count} sessions before; null where that session is not stored",
            unit=VOL,
            nullable=True,
        )
        for name in COMPARED
        for count in CHANGE_SESSIONS
    }
    percentiles = {
        f"percentile_{name}": column(
            "float64",
            f"share of the last {PERCENTILE_SESSIONS} sessions stored, this one among them, whose {name} was not "
            "higher; null until there are as many",
            SHARE,
            unit="decimal",
            nullable=True,
        )
        for name in COMPARED
    }
    stickiness = column(
        "float64",
        f"skew-stickiness ratio over the last {STICKINESS_SESSIONS} one-session changes: change of atm_vol per log "
        "return of the forward, over the slope; 1 sticky strike, 0 sticky delta; null until there are as many",
        unit="decimal",
        nullable=True,
    )
    return {**changes, **percentiles, "skew_stickiness": stickiness}


HISTORY_COLUMNS = _history()


def _tenors(underlying: str) -> Contract:
    return Contract(
        key=("tenors", underlying.lower()),
        description=f"{underlying}: a row a tenor of 7 to 730 days. Smile by delta, prices, skew, moments, indices.",
        columns={
            "date": column("datetime64[ns]", "exchange session (New York date)", SESSION_CHECK),
            "symbol": column("str", "the underlying", UNDERLYING_CHECK),
            "tenor_days": column("int64", "calendar days from the quotes", pa.Check.isin(TENOR_DAYS), unit="days"),
            "years": column("float64", "tenor_days / 365", POSITIVE, unit="years"),
            "forward": column("float64", "forward", POSITIVE, unit="USD"),
            "rate": column("float64", "zero rate, between those of the expirations", unit=VOL),
            "implied_yield": column("float64", "q in F = S exp((r - q) T): dividends and borrow", unit=VOL),
            "atm_vol": column("float64", "vol at the forward", POSITIVE, unit=VOL),
            **_smile(),
            **_distribution(),
            **HISTORY_COLUMNS,
        },
        unique=("date", "tenor_days"),
        checks=(
            # One rule for 71 columns: for twelve numbers a rule costs as much as for a table.
            pa.Check(_no_sign_wrong, name="vols and prices above 0", error="vols, strikes and premiums above 0"),
            pa.Check(
                _in_order,
                name="at-the-money total variance grows with the tenor",
                error="at-the-money total variance grows with the tenor",
            ),
            pa.Check(
                lambda frame: frame.groupby("date")["tenor_days"].transform("size") == len(TENOR_DAYS),
                name=f"a row for each of the {len(TENOR_DAYS)} tenors",
                error=f"a row for each of the {len(TENOR_DAYS)} tenors",
            ),
        ),
    )


TENORS = {underlying: _tenors(underlying) for underlying in UNDERLYINGS}
BASE_COLUMNS = tuple(name for name in TENORS["SPY"].columns if name not in HISTORY_COLUMNS)
