"""raw/<underlying>_chain -> curated/<underlying>_chain: every quote judged, with forward and European implied vols.

One session at a time, one row a raw quote, in the same order:

1. Rules that need no forward (`chain_rules.BEFORE_FORWARD`).
2. Rates: the session's own; else what the vendor's discount factor says; else interpolated between the expirations
   that have one; else, where no expiration has any, the one rate at which put and call vols agree.
3. Forwards from put-call parity without early exercise (`quant.forward`); the vendor's where an expiration has no
   strike with both a call and a put. Spot and carry are implied by the forwards.
4. European vols of the out-of-the-money bids, mids and asks, and the rules that need them.

Time runs in actual seconds from the quote to the close of the last day of trading, half days included. Monthly options
expired on Saturdays until 2015: their last day is the session before.

A vendor whose prices follow from its own forward, discount factor and vols by Black's formula has European prices,
whatever the contract says; from those no early exercise is taken out (`european_prices` among the flags).
"""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from functools import lru_cache

import numpy as np
import pandas as pd

from vol_assets import clock
from vol_assets.contracts.chains import CURATED_CHAINS, RAW_CHAINS
from vol_assets.curation.chain_rules import (
    AFTER_FORWARD,
    BEFORE_FORWARD,
    BOUND,
    BOUND_CODE,
    FIT,
    REASONS,
    STILL_PRICED,
    Quotes,
    judge,
)
from vol_assets.curation.chain_terms import Terms, expiration_terms
from vol_assets.errors import ContractError, SessionError
from vol_assets.quant.american import NoEuropean, de_americanise
from vol_assets.quant.black import black_vega
from vol_assets.quant.implied_vol import implied_stdev

YEAR_SECONDS = 365.0 * 86400.0
QUOTE_COLUMNS = tuple(name for name in RAW_CHAINS["SPY"].columns if name in CURATED_CHAINS["SPY"].columns)


def curate_chain(raw: pd.DataFrame) -> pd.DataFrame:
    """The quotes of one session and underlying (columns of RAW_CHAINS) with the columns of CURATED_CHAINS.

    One row a raw quote, in the same order. A ContractError where `raw` lacks columns or holds several sessions or
    underlyings; no quote, however wrong, raises.
    """
    _check(raw)
    if raw.empty:
        return CURATED_CHAINS["SPY"].empty()
    with np.errstate(all="ignore"):
        return _curated(raw)


def _check(raw: pd.DataFrame) -> None:
    missing = [name for name in RAW_CHAINS["SPY"].columns if name not in raw]
    if missing:
        raise ContractError(f"a raw chain needs the columns {', '.join(missing)}, which this one lacks")
    for name in ("date", "symbol"):
        if raw[name].nunique(dropna=False) > 1:
            found = ", ".join(map(str, raw[name].unique()[:3]))
            raise ContractError(f"a chain is curated one session and underlying at a time; {name} is {found}")


def _curated(raw: pd.DataFrame) -> pd.DataFrame:
    expirations, expiry = np.unique(raw["expiration"].to_numpy().astype("datetime64[D]"), return_inverse=True)
    years = _years(raw, expirations, expiry)
    quotes = _quotes(raw, expirations, expiry, years)
    codes = judge(BEFORE_FORWARD, quotes, np.zeros(len(raw), dtype=np.int8))

    terms = expiration_terms(raw, quotes, codes, years)
    quotes = replace(
        quotes,
        forward=terms.forward[expiry],
        discount=terms.discount[expiry],
        spot=terms.spot,
        k=np.log(quotes.strike / terms.forward[expiry]),
    )
    quotes, american_vol = _with_vols(quotes, codes, terms)
    codes = judge((*AFTER_FORWARD, BOUND), quotes, codes)

    role = np.full(len(raw), "dropped", dtype=object)
    role[codes == FIT] = "fit"
    role[codes == BOUND_CODE] = "bound"
    columns = {
        "role": role,
        "reason": REASONS[codes],
        "years": np.where(quotes.years >= 0, quotes.years, np.nan),
        "rate": terms.rate[expiry],
        "rate_source": terms.rate_source[expiry],
        "rate_sensitivity": terms.rate_sensitivity[expiry],
        "discount_factor": quotes.discount,
        "forward": quotes.forward,
        "forward_source": terms.forward_source[expiry],
        "carry": (terms.carry_years / years)[expiry],
        "parity_residual": terms.residual[expiry],
        "parity_strikes": terms.strikes[expiry],
        "k": quotes.k,
        "bid_vol": quotes.bid_vol,
        "mid_vol": quotes.mid_vol,
        "ask_vol": quotes.ask_vol,
        "american_vol": american_vol,
        "vega": quotes.discount * black_vega(quotes.forward, quotes.strike, quotes.years, quotes.mid_vol),
        "quality_flags": terms.flags[expiry],
    }
    columns = {
        name: np.where(np.isfinite(values), values, np.nan) if values.dtype.kind == "f" else values
        for name, values in columns.items()
    }
    as_came = {name: raw[name].to_numpy() if name != "quote_time" else raw[name].array for name in QUOTE_COLUMNS}
    return pd.DataFrame({name: {**as_came, **columns}[name] for name in CURATED_CHAINS["SPY"].columns})


def _years(raw: pd.DataFrame, expirations: np.ndarray, expiry: np.ndarray) -> np.ndarray:
    """Time from the quotes (their median instant) to the close of each expiration; NaN beyond the calendar."""
    instant = raw["quote_time"].dt.tz_localize(None).to_numpy().astype("datetime64[us]").astype(np.int64)
    closes = np.array([_close_seconds(day) for day in expirations.tolist()])
    return (closes - np.median(instant) / 1e6) / YEAR_SECONDS


@lru_cache(maxsize=8192)
def _close_seconds(day: dt.date | None) -> float:
    """The close of that day, or of the last session before it, in seconds since 1970; NaN beyond the calendar."""
    try:
        return clock.close_instant(clock.offset(day, 0)).timestamp() if day else np.nan
    except SessionError:
        return np.nan


def _quotes(raw: pd.DataFrame, expirations: np.ndarray, expiry: np.ndarray, years: np.ndarray) -> Quotes:
    bid, ask, strike = (raw[name].to_numpy(dtype=float) for name in ("bid", "ask", "strike"))
    return Quotes(
        session=raw["date"].iloc[0].to_datetime64().astype("datetime64[D]"),
        symbol=raw["symbol"].iloc[0],
        expiration=expirations[expiry],
        expiry=expiry,
        years=years[expiry],
        strike=strike,
        is_call=(raw["right"] == "C").to_numpy(),
        bid=np.where(np.isfinite(bid) & (bid > 0), bid, np.nan),
        ask=np.where(np.isfinite(ask) & (ask > 0), ask, np.nan),
        root=raw["root"].to_numpy(),
        nonstandard=raw["nonstandard"].to_numpy(dtype=bool),
    )


def _with_vols(quotes: Quotes, codes: np.ndarray, terms: Terms) -> tuple[Quotes, np.ndarray]:
    """`quotes` with the European vols of its out-of-the-money quotes, and the vols of their mids before that."""
    priced = np.isin(codes, STILL_PRICED) & np.isfinite(quotes.k) & (quotes.is_call == (quotes.k >= 0))
    at = np.flatnonzero(priced)
    k, row, root_years = quotes.k[at], quotes.expiry[at], np.sqrt(quotes.years[at])
    prices = np.stack([quotes.bid[at], quotes.mid[at], quotes.ask[at]])
    american = implied_stdev(prices / (quotes.discount[at] * quotes.forward[at]), k)
    exercise = np.where(terms.european, 0.0, 1.0)
    european, reason = de_americanise(
        american,
        k,
        (exercise * terms.rate_years)[row],
        (exercise * terms.carry_years)[row],
        np.where(quotes.is_call[at], "C", "P"),
    )
    vols = np.full((4, len(codes)), np.nan)
    vols[:3, at], vols[3, at] = european / root_years, american[1] / root_years
    no_european = np.zeros(len(codes), dtype=np.int8)
    no_european[at] = np.where(np.isfinite(american), reason, NoEuropean.OK).max(axis=0)
    return replace(quotes, bid_vol=vols[0], mid_vol=vols[1], ask_vol=vols[2], no_european=no_european), vols[3]
