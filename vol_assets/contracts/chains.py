"""The option chains: quotes as they came, and the same quotes judged, with forward and European implied vols.

raw/<underlying>_chain holds every quote a source could put into a row. curated/<underlying>_chain holds the same
quotes again, none missing: each has a role, `fit` (enters the surface), `bound` (a strike without a bid, whose ask
bounds the surface from above) or `dropped`, and every quote that is not `fit` says why.

A session's rate is stored with its quotes, so that a replay needs nothing else: zero rates are continuously
compounded, a year has 365 days.
"""

from __future__ import annotations

import pandera.pandas as pa

from vol_assets.contracts.contract import Contract, column
from vol_assets.contracts.market import SESSION_CHECK, SOURCE_CHECK

UNDERLYINGS = ("SPY", "GLD")
RIGHTS = ("C", "P")
ROLES = ("fit", "bound", "dropped")
UNDERLYING_CHECK = pa.Check.isin(UNDERLYINGS, error="SPY or GLD")


def _quote() -> dict[str, pa.Column]:
    return {
        "date": column("datetime64[ns]", "exchange session (New York date)", SESSION_CHECK),
        "symbol": column("str", "the underlying", UNDERLYING_CHECK),
        "quote_time": column("datetime64[us, UTC]", "the instant of the quotes", unit="UTC"),
        "expiration": column("datetime64[ns]", "last day of trading"),
        "strike": column("float64", "strike", unit="USD", nullable=True),
        "right": column("str", "C or P", pa.Check.isin(RIGHTS, error="C or P")),
        "bid": column("float64", "best bid; 0 or null: none", unit="USD a share", nullable=True),
        "ask": column("float64", "best ask", unit="USD a share", nullable=True),
        "volume": column("float64", "contracts traded", unit="contracts", nullable=True),
        "open_interest": column("float64", "open contracts", unit="contracts", nullable=True),
        "root": column("str", "option root, SPY7 for instance; empty where the source has none"),
    }


def _raw(underlying: str) -> Contract:
    return Contract(
        key=("raw", f"{underlying.lower()}_chain"),
        description=f"Option quotes of {underlying} as fetched, never edited.",
        columns={
            **_quote(),
            "nonstandard": column("bool", "the source marks it a mini or adjusted contract"),
            "vendor_bid_vol": column("float64", "vendor's vol of the bid", unit="decimal a year", nullable=True),
            "vendor_ask_vol": column("float64", "vendor's vol of the ask", unit="decimal a year", nullable=True),
            "vendor_forward": column("float64", "vendor's forward of the expiration", unit="USD", nullable=True),
            "vendor_discount_factor": column(
                "float64", "vendor's discount factor", unit="USD today per USD", nullable=True
            ),
            "vendor_spot": column("float64", "vendor's price of the underlying", unit="USD", nullable=True),
            "rate": column(
                "float64",
                "zero rate to the expiration, continuously compounded; null where the source has no rate",
                unit="decimal a year",
                nullable=True,
            ),
            "rate_tenor_days": column("float64", "longest tenor of its curve", unit="days", nullable=True),
            "rate_age_sessions": column(
                "float64", "sessions since the rate was quoted", unit="sessions", nullable=True
            ),
            "rate_source": column("str", "where the rate came from: rates.csv, IRX, setting; empty: nowhere"),
            "source": column("str", "where the quotes came from", SOURCE_CHECK),
            "fetched_at": column("datetime64[us, UTC]", "when they came", unit="UTC"),
        },
        unique=(),
    )


def _curated(underlying: str) -> Contract:
    vol = {"unit": "decimal a year", "nullable": True}
    return Contract(
        key=("curated", f"{underlying.lower()}_chain"),
        description=f"Every quote of {underlying} judged: role, reason, forward, log-moneyness, European implied vols.",
        columns={
            **_quote(),
            "role": column(
                "str",
                "fit: enters the surface; bound: no bid, its ask bounds the surface; dropped: not used",
                pa.Check.isin(ROLES, error="fit, bound or dropped"),
            ),
            "reason": column("str", "why the quote is not `fit`; empty for those that are"),
            "years": column("float64", "time from quote to close of the expiration", unit="years", nullable=True),
            "rate": column("float64", "zero rate used", unit="decimal a year", nullable=True),
            "rate_source": column(
                "str", "rates.csv, IRX, setting, parity (put and call vols agree) or vendor; empty: nowhere"
            ),
            "rate_sensitivity": column(
                "float64",
                "change of the at-the-money vol were the rate 1 % a year higher; where rates are beyond their curve",
                unit="decimal a year",
                nullable=True,
            ),
            "discount_factor": column("float64", "exp(-rate years)", unit="USD today per USD", nullable=True),
            "forward": column("float64", "forward of the expiration", unit="USD", nullable=True),
            "forward_source": column("str", "parity or vendor; empty where none was found"),
            "carry": column(
                "float64",
                "yield q implied by the forward, from the slope of ln F over the expirations; no spot is used",
                unit="decimal a year",
                nullable=True,
            ),
            "parity_residual": column(
                "float64", "weighted rms of put-call parity after the fit", unit="USD", nullable=True
            ),
            "parity_strikes": column("float64", "strikes that the forward rests on", unit="strikes", nullable=True),
            "k": column("float64", "log-moneyness ln(strike / forward)", unit="log", nullable=True),
            "bid_vol": column("float64", "European implied vol of the bid", **vol),
            "mid_vol": column("float64", "European implied vol of the mid", **vol),
            "ask_vol": column("float64", "European implied vol of the ask", **vol),
            "american_vol": column("float64", "vol of the mid before early exercise was taken out", **vol),
            "vega": column("float64", "discounted Black vega", unit="USD per 1.00 of vol", nullable=True),
            "quality_flags": column("str", "comma-separated notices on the expiration, empty when there are none"),
        },
        unique=(),
        checks=(
            pa.Check(
                lambda frame: (frame["role"] == "fit") == (frame["reason"] == ""),
                name="a reason for every quote that is not fit",
                error="a reason for every quote that is not fit",
            ),
            pa.Check(
                lambda frame: (
                    (frame["role"] != "fit") | frame[["years", "forward", "k", "mid_vol"]].notna().all(axis=1)
                ),
                name="years, forward, k and vols for every fit quote",
                error="years, forward, k and vols for every fit quote",
            ),
        ),
    )


RAW_CHAINS = {underlying: _raw(underlying) for underlying in UNDERLYINGS}
CURATED_CHAINS = {underlying: _curated(underlying) for underlying in UNDERLYINGS}
