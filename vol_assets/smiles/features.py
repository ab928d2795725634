"""The quotes of one poll as features, a row a contract: where it is on its smile, what its vol is, what time it is.

The instant of a poll is that of its newest tick, or the start of its bucket where all ticks are older: what stood then
was good then. Time to expiry runs in seconds to the close of the last day of trading, over 365 days. The clock is New
York's: an hour of the day means the same in summer time and in winter.

The forward of an expiration is that of put-call parity at the strikes nearest the money, where both rights are quoted.
SPY's options are American. At a rate of 4.7 % early exercise puts raw parity at 60 days off by .04 % of the forward and
a put at the money by .24 vol points: both legs are brought to European vols first, as in the curated chain
(`quant.forward`), and so are the vols of all quotes. With fewer strikes than that takes, the median of raw parity has
to do.
"""

from __future__ import annotations

import datetime as dt
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import pandas as pd

from vol_assets import clock
from vol_assets.errors import ContractError, SessionError
from vol_assets.quant import black_vega, de_americanise, implied_forwards, implied_vol, near_the_money
from vol_assets.quant.rows import median, rank, table

YEAR_SECONDS = 365.0 * 86400.0
RAW_PAIRS = 3  # nearest the money: of raw parity

QUOTE_COLUMNS = ("ts", "quote_time", "con_id", "expiration", "strike", "right", "bid", "ask", "underlying")
CONTRACT_COLUMNS = ("ts", "con_id", "expiration", "strike", "right")
NUMBER_COLUMNS = (
    *("log_moneyness", "years", "forward", "hour_sin", "hour_cos", "minutes_since_open", "spot_return", "right_enc"),
    *("implied_vol", "vega", "bid_vol", "ask_vol"),
)
FEATURE_COLUMNS = (*CONTRACT_COLUMNS, *NUMBER_COLUMNS)


class Featured(NamedTuple):
    """What became of a poll's quotes, each on its row's index.

    used: FEATURE_COLUMNS. log_moneyness: ln(strike / forward); years to the close of the expiration; forward in USD;
    hour_sin, hour_cos: of the hour in New York on a circle of 24; minutes_since_open; spot_return: log return of the
    share since the open, NaN where either price is unknown; right_enc: 0 call, 1 put; implied_vol, bid_vol, ask_vol:
    European vols of mid, bid and ask, decimals a year, bid_vol NaN where the bid is worth no more than exercise; vega:
    USD today per 1.00 of vol.
    dropped: CONTRACT_COLUMNS and `reason`.
    """

    used: pd.DataFrame
    dropped: pd.DataFrame


class SessionClock(NamedTuple):
    """The time of day in New York on a circle of 24 hours, and minutes since the open of the session."""

    hour_sin: float
    hour_cos: float
    minutes_since_open: float


def features(quotes: pd.DataFrame, rate: float, opening: float) -> Featured:
    """Features of the quotes of one poll (QUOTE_COLUMNS; other columns are ignored).

    rate: zero rate, continuously compounded, decimal a year; opening: price of the share at the session's open, USD,
    NaN where it is unknown.
    Raises ContractError where columns are missing or `ts` is not one; no quote, however wrong, raises.
    """
    missing = [name for name in QUOTE_COLUMNS if name not in quotes]
    if missing:
        raise ContractError(f"features need the columns {', '.join(missing)} of a poll, which these quotes lack")
    if quotes["ts"].nunique(dropna=False) > 1:
        found = ", ".join(map(str, quotes["ts"].unique()[:3]))
        raise ContractError(f"features are made of one poll at a time, so group the quotes by ts; here it is {found}")
    if quotes.empty or not _is_open(poll_instant(quotes)):
        contracts = quotes[list(CONTRACT_COLUMNS)]
        none = contracts[:0].assign(**dict.fromkeys(NUMBER_COLUMNS, np.empty(0)))
        return Featured(none, contracts.assign(reason="closed"))
    with np.errstate(all="ignore"):
        return _features(quotes, rate, opening)


def session_clock(instant: dt.datetime) -> SessionClock:
    """The clock of an instant (timezone-aware) on a session's day; a SessionError if that day is none."""
    local = instant.astimezone(clock.NEW_YORK)
    hours = local.hour + local.minute / 60.0 + (local.second + local.microsecond / 1e6) / 3600.0
    angle = 2.0 * np.pi * hours / 24.0
    since = (instant - clock.open_instant(local.date())).total_seconds() / 60.0
    return SessionClock(float(np.sin(angle)), float(np.cos(angle)), since)


def poll_instant(quotes: pd.DataFrame) -> pd.Timestamp:
    """The instant of one poll's quotes, UTC: of the newest tick, but not before its bucket starts."""
    start, newest = pd.Timestamp(quotes["ts"].iloc[0]), quotes["quote_time"].max()
    return (start if pd.isna(newest) else max(start, newest)).tz_convert("UTC")


def _features(quotes: pd.DataFrame, rate: float, opening: float) -> Featured:
    instant = poll_instant(quotes)
    days = quotes["expiration"].to_numpy().astype("datetime64[D]")
    expirations, row = np.unique(days, return_inverse=True)
    closes = np.array([_close_seconds(day) for day in expirations.tolist()])
    years = (closes - instant.timestamp()) / YEAR_SECONDS
    strike, bid, ask = (quotes[name].to_numpy(dtype=float) for name in ("strike", "bid", "ask"))
    right = quotes["right"].to_numpy()
    wrong = {
        "bad_contract": ~((strike > 0.0) & np.isfinite(strike) & ((right == "C") | (right == "P"))),
        "duplicate": quotes.duplicated(["expiration", "strike", "right"]).to_numpy(),
        "expired": ~(years[row] > 0.0),
        "no_bid": ~((bid > 0.0) & np.isfinite(bid)),
        "no_ask": ~((ask > 0.0) & np.isfinite(ask)),
        "crossed": bid > ask,
    }
    good = ~np.any(list(wrong.values()), axis=0)

    at = np.flatnonzero(good)
    forward, carry_years = _forwards(
        row[at], strike[at], right[at], bid[at], ask[at], years, rate, quotes["underlying"]
    )
    forward, carry_years, years = forward[row], carry_years[row], years[row]
    discount, k = np.exp(-rate * years), np.log(strike / forward)
    prices = np.stack([bid, 0.5 * (bid + ask), ask]) / discount
    american = implied_vol(prices, forward, strike, years, right.astype("U1")) * np.sqrt(years)
    european, _ = de_americanise(american, k, rate * years, carry_years, right.astype("U1"))
    bid_vol, mid_vol, ask_vol = european / np.sqrt(years)
    wrong |= {"no_forward": ~np.isfinite(forward), "no_vol": ~np.isfinite(mid_vol + ask_vol)}

    good = ~np.any(list(wrong.values()), axis=0)
    reason = np.select(list(wrong.values()), list(wrong), "").astype(object)

    price = quotes["underlying"].to_numpy(dtype=float)
    columns = {
        "log_moneyness": k,
        "years": years,
        "forward": forward,
        **{name: np.full(len(quotes), value) for name, value in session_clock(instant)._asdict().items()},
        "spot_return": np.where((price > 0.0) & (opening > 0.0), np.log(price / opening), np.nan),
        "right_enc": np.where(right == "P", 1.0, 0.0),
        "implied_vol": mid_vol,
        "vega": discount * black_vega(forward, strike, years, mid_vol),
        "bid_vol": bid_vol,
        "ask_vol": ask_vol,
    }
    contracts = quotes[list(CONTRACT_COLUMNS)]
    numbers = pd.DataFrame({name: values[good] for name, values in columns.items()}, index=contracts.index[good])
    used = pd.concat([contracts[good], numbers], axis=1)
    return Featured(used, contracts[~good].assign(reason=reason[~good]))


def _forwards(
    row: np.ndarray,
    strike: np.ndarray,
    right: np.ndarray,
    bid: np.ndarray,
    ask: np.ndarray,
    years: np.ndarray,
    rate: float,
    underlying: pd.Series,
) -> tuple[np.ndarray, np.ndarray]:
    """Forward and carry (times years) of each expiration (n,) from good quotes (p,) of expirations number `row`."""
    order = np.lexsort((right, strike, row))
    row, strike, right, bid, ask = (values[order] for values in (row, strike, right, bid, ask))
    call = np.flatnonzero((row[:-1] == row[1:]) & (strike[:-1] == strike[1:]))  # its put is the next
    mid, half = 0.5 * (bid + ask), 0.5 * (ask - bid)
    discount = np.exp(-rate * years)
    each = (row[call], strike[call], mid[call], mid[call + 1], np.hypot(half[call], half[call + 1]))
    found = implied_forwards(near_the_money(*each, discount), years, np.full(len(years), rate))

    apart = mid[call] - mid[call + 1]
    nearest = rank(row[call], np.abs(apart))
    raw = median(table(row[call], nearest, RAW_PAIRS, len(years), strike[call] + apart / discount[row[call]]))
    forward = np.where(np.isfinite(found.forward), found.forward, raw)
    spot = found.spot if np.isfinite(found.spot) else float(underlying.median())
    carry_years = np.log(spot) + rate * years - np.log(forward)
    return forward, np.nan_to_num(carry_years)


def _is_open(instant: pd.Timestamp) -> bool:
    session = instant.astimezone(clock.NEW_YORK).date()
    return clock.is_session(session) and clock.open_instant(session) <= instant <= clock.close_instant(session)


@lru_cache(maxsize=1024)
def _close_seconds(day: dt.date | None) -> float:
    """The close of that day, or of the last session before it, in seconds since 1970; NaN beyond the calendar."""
    try:
        return clock.close_instant(clock.offset(day, 0)).timestamp() if day else np.nan
    except SessionError:
        return np.nan
