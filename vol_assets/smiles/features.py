"""The quotes of polls as features, a row a contract: where it is on its smile, what its vol is, what time it is.

The instant of a poll is that of its newest tick, or the start of its bucket where all ticks are older: what stood then
was good then. Time to expiry runs in seconds to the close of the last day of trading, over 365 days. The clock is New
York's: an hour of the day means the same in summer time and in winter.

The forward of an expiration is that of put-call parity at the strikes nearest the money, where both rights are quoted.
SPY's options are American. At a rate of 4.7 % early exercise puts raw parity at 60 days off by .04 % of the forward and
a put at the money by .24 vol points: both legs are brought to European vols first, as in the curated chain
(`quant.forward`), and so are the vols of all quotes. With fewer strikes than that takes, the median of raw parity has
to do.

Many polls go through together in a tenth of the time that they take one by one, and have no say in one another.
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
    """What became of quotes, each on its row's index.

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
    """The time of day in New York on a circle of 24 hours, and minutes since the open: of an instant, or of many."""

    hour_sin: float | np.ndarray
    hour_cos: float | np.ndarray
    minutes_since_open: float | np.ndarray


def features(quotes: pd.DataFrame, rate: float, opening: float) -> Featured:
    """Features of the quotes of one poll (QUOTE_COLUMNS; other columns are ignored).

    rate: zero rate, continuously compounded, decimal a year; opening: price of the share at the session's open, USD,
    NaN where it is unknown.
    Raises ContractError where columns are missing or `ts` is not one; no quote, however wrong, raises.
    """
    if "ts" in quotes and quotes["ts"].nunique(dropna=False) > 1:
        found = ", ".join(map(str, quotes["ts"].unique()[:3]))
        raise ContractError(f"features are made of one poll at a time; features_of_polls takes many: {found}")
    return features_of_polls(quotes, rate, opening)


def features_of_polls(quotes: pd.DataFrame, rate: float, opening: float) -> Featured:
    """As `features`, of many polls of one session, a `ts` each; their quotes may be in any order."""
    missing = [name for name in QUOTE_COLUMNS if name not in quotes]
    if missing:
        raise ContractError(f"features need the columns {', '.join(missing)} of a poll, which these quotes lack")
    if quotes.empty:
        return _featured(quotes, np.zeros(0, dtype=bool), np.empty(0, dtype=object), {})
    with np.errstate(all="ignore"):
        return _features(quotes, rate, opening)


def session_clock(instant: dt.datetime) -> SessionClock:
    """The clock of an instant (timezone-aware) on a session's day; a SessionError if that day is none."""
    clock.require_session(instant.astimezone(clock.NEW_YORK).date())
    instants = np.array([pd.Timestamp(instant).tz_convert("UTC").tz_localize(None).to_datetime64()])
    return SessionClock(*(float(value[0]) for value in _clock(instants)[0]))


def _features(quotes: pd.DataFrame, rate: float, opening: float) -> Featured:
    instants, poll = _instants(quotes)
    time_of_day, is_open = _clock(instants)
    days, day = np.unique(quotes["expiration"].to_numpy().astype("datetime64[D]"), return_inverse=True)
    expirations, row = np.unique(poll * len(days) + day, return_inverse=True)  # of each poll its own
    closes = np.array([_close_seconds(day) for day in days.tolist()])[expirations % len(days)]
    of_poll = expirations // len(days)
    years = (closes - instants[of_poll].astype(np.int64) / 1e9) / YEAR_SECONDS

    strike, bid, ask, price = (quotes[name].to_numpy(dtype=float) for name in ("strike", "bid", "ask", "underlying"))
    is_call, is_put = (quotes["right"].to_numpy() == right for right in "CP")
    order = np.lexsort((is_put, strike, row))
    wrong = {
        "closed": ~is_open[poll],
        "bad_contract": ~((strike > 0.0) & np.isfinite(strike) & (is_call | is_put)),
        "duplicate": _repeated(order, row, strike, is_put),
        "expired": ~(years[row] > 0.0),
        "no_bid": ~((bid > 0.0) & np.isfinite(bid)),
        "no_ask": ~((ask > 0.0) & np.isfinite(ask)),
        "crossed": bid > ask,
    }
    good = ~np.any(list(wrong.values()), axis=0)

    at = order[good[order]]
    forward, spots = _forwards(row[at], strike[at], bid[at], ask[at], years, rate, of_poll)
    for number in np.flatnonzero(np.isnan(spots)):  # nothing but raw parity: the share's own price
        spots[number] = median(price[None, poll == number])[0]
    carry_years = np.nan_to_num(np.log(spots[of_poll]) + rate * years - np.log(forward))
    forward, carry_years, years = forward[row], carry_years[row], years[row]
    discount, k = np.exp(-rate * years), np.log(strike / forward)
    prices, right = np.stack([bid, 0.5 * (bid + ask), ask]) / discount, np.where(is_put, "P", "C")
    american = implied_vol(prices, forward, strike, years, right) * np.sqrt(years)
    european, _ = de_americanise(american, k, rate * years, carry_years, right)
    bid_vol, mid_vol, ask_vol = european / np.sqrt(years)
    wrong |= {"no_forward": ~np.isfinite(forward), "no_vol": ~np.isfinite(mid_vol + ask_vol)}

    reason = np.select(list(wrong.values()), list(wrong), "").astype(object)
    columns = {
        "log_moneyness": k,
        "years": years,
        "forward": forward,
        **{name: values[poll] for name, values in time_of_day._asdict().items()},
        "spot_return": np.where((price > 0.0) & (opening > 0.0), np.log(price / opening), np.nan),
        "right_enc": np.where(is_put, 1.0, 0.0),
        "implied_vol": mid_vol,
        "vega": discount * black_vega(forward, strike, years, mid_vol),
        "bid_vol": bid_vol,
        "ask_vol": ask_vol,
    }
    return _featured(quotes, reason == "", reason, columns)


def _featured(quotes: pd.DataFrame, good: np.ndarray, reason: np.ndarray, columns: dict[str, np.ndarray]) -> Featured:
    def contracts(which: np.ndarray) -> dict[str, object]:
        return {name: quotes[name].array[which] for name in CONTRACT_COLUMNS}

    numbers = {name: columns[name][good] if columns else np.empty(0) for name in NUMBER_COLUMNS}
    used = pd.DataFrame(contracts(good) | numbers, index=quotes.index[good])
    return Featured(used, pd.DataFrame(contracts(~good) | {"reason": reason[~good]}, index=quotes.index[~good]))


def _instants(quotes: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """The instant of each poll, datetime64[ns] in UTC: of its newest tick, but not before its bucket starts, nor after
    the close of a session that it began in; and the poll of each quote."""
    starts, poll = np.unique(quotes["ts"].to_numpy("datetime64[ns]"), return_inverse=True)
    newest = starts.copy()
    np.fmax.at(newest, poll, quotes["quote_time"].to_numpy("datetime64[ns]"))
    _, _, closes = _session_of(starts)
    return np.where(starts < closes, np.minimum(newest, closes), newest), poll


def _clock(instants: np.ndarray) -> tuple[SessionClock, np.ndarray]:
    """The clock of instants, datetime64 in UTC, and whether the market is open then."""
    time_of_day, opens, closes = _session_of(instants)
    angle = 2.0 * np.pi * (time_of_day / np.timedelta64(24, "h"))
    since = (instants - opens) / np.timedelta64(1, "m")
    return SessionClock(np.sin(angle), np.cos(angle), since), (opens <= instants) & (instants <= closes)


def _session_of(instants: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of instants, datetime64 in UTC: the time since midnight in New York, the open and the close of that day (NaT)."""
    local = pd.DatetimeIndex(instants, tz="UTC").tz_convert(clock.NEW_YORK).tz_localize(None).to_numpy()
    days = local.astype("datetime64[D]")
    opens, closes = np.array([_hours(day) for day in days.tolist()], dtype=instants.dtype).T
    return local - days, opens, closes


def _repeated(order: np.ndarray, *columns: np.ndarray) -> np.ndarray:
    """Which rows have the values of one before them; `order` brings such rows together and leaves the first first."""
    same = np.all([column[order[1:]] == column[order[:-1]] for column in columns], axis=0)
    repeated = np.zeros(len(order), dtype=bool)
    repeated[order[1:]] = same
    return repeated


def _forwards(
    row: np.ndarray,
    strike: np.ndarray,
    bid: np.ndarray,
    ask: np.ndarray,
    years: np.ndarray,
    rate: float,
    of_poll: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Forward of each expiration (n,) and spot of each poll, NaN where there is none.

    row, strike, bid, ask: (p,) good quotes by expiration, strike and right; years, of_poll: (n,) of the expirations.
    """
    call = np.flatnonzero((row[:-1] == row[1:]) & (strike[:-1] == strike[1:]))  # its put is the next
    mid, half = 0.5 * (bid + ask), 0.5 * (ask - bid)
    discount = np.exp(-rate * years)
    each = (row[call], strike[call], mid[call], mid[call + 1], np.hypot(half[call], half[call + 1]))
    found = implied_forwards(near_the_money(*each, discount), years, np.full(len(years), rate), chain=of_poll)

    apart = mid[call] - mid[call + 1]
    nearest = rank(row[call], np.abs(apart))
    raw = median(table(row[call], nearest, RAW_PAIRS, len(years), strike[call] + apart / discount[row[call]]))
    return np.where(np.isfinite(found.forward), found.forward, raw), found.spots


@lru_cache(maxsize=64)
def _hours(day: dt.date) -> tuple[np.datetime64, np.datetime64]:
    """Open and close of a day, naive UTC; NaT if it is no session."""
    if not clock.is_session(day):
        return np.datetime64("NaT", "ns"), np.datetime64("NaT", "ns")
    return tuple(end(day).tz_localize(None).to_datetime64() for end in (clock.open_instant, clock.close_instant))


@lru_cache(maxsize=1024)
def _close_seconds(day: dt.date | None) -> float:
    """The close of that day, or of the last session before it, in seconds since 1970; NaN beyond the calendar."""
    try:
        return clock.close_instant(clock.offset(day, 0)).timestamp() if day else np.nan
    except SessionError:
        return np.nan
