"""From closes to daily bars: prices as they were quoted, on the tick, with dividends, a split and volumes."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd

from vol_assets.sources.protocol import SYMBOLS
from vol_assets.sources.sample.closes import FUNDS, Closes
from vol_assets.sources.sample.intraday import Intraday
from vol_assets.sources.sample.process import mean_reverting, stream

SPLITS = {"SPY": (dt.date(2020, 8, 31), 2.0)}
DIVIDENDS = {"SPY": (4, 0.019), "TLT": (12, 0.032), "HYG": (12, 0.060)}  # payments a year, yearly yield
FIRST_SESSIONS = {"VIX9D": dt.date(2011, 1, 3)}  # of an index that did not exist before
FIRST_PRICES = {"SPY": 143.9, "TLT": 88.3, "HYG": 104.1, "GLD": 67.1}  # at the close before the first session

OVERNIGHT = {"SPY": 0.33, "TLT": 0.43, "HYG": 0.28, "GLD": 0.48, "GC=F": 0.30, "VIX": 0.32, "VIX3M": 0.40}
"""Share of close-to-close variance that falls between the close and the open (measured 2007-2019)."""
WITH_SPY = {"SPY": 1.0, "TLT": -0.4, "HYG": 0.6, "GLD": 0.0, "GC=F": 0.0, "VIX": -0.85, "VIX3M": -0.8}
"""Correlation with SPY on the way from one close to the next."""
INDEX_SIGMAS = {"VIX": 0.062, "VIX3M": 0.042}  # of the daily log change

VOLUMES = {"SPY": (9.0e7, 0.0), "TLT": (1.5e7, 2.5), "HYG": (3.0e7, 7.5), "GLD": (8.0e6, 0.0)}
"""Shares on an ordinary day, and ln of how many times fewer there were in the first year."""

FUTURE_SETTLES = 48  # steps to 13:30: gold moves another 2.5 hours in GLD, but not in that day's close of the future
EXPENSES = 0.004  # a year: what GLD loses against the ounce
UNTRADED = 0.06  # of the future's sessions: the front month changes hands once or never, and the bar is flat


def daily_bars(sessions: pd.DatetimeIndex, first: int, closes: Closes) -> pd.DataFrame:
    """Bars of every symbol from session number `first` on, sorted by date and symbol; BAR_COLUMNS less `fetched_at`.

    A symbol that did not exist yet has a row of nulls, so that every session has as many rows.
    """
    intraday = Intraday(len(sessions))
    none = np.full(len(sessions), np.nan)
    series = {}
    for fund in FUNDS:
        move, sigma = closes.returns[fund], closes.sigmas[fund]
        points, high, low = intraday.path(fund, move, sigma, closes.jumps[fund], OVERNIGHT[fund], WITH_SPY[fund])
        payout, split = _dividend_share(fund, sessions), _split_ratio(fund, sessions)
        close = np.exp(np.cumsum(move + np.log1p(-payout) - np.log(split)))
        close *= FIRST_PRICES[fund] / close[first - 1]
        previous = _before(close) * (1.0 - payout) / split
        series[fund] = _quotes(points, high, low, previous, close) | {"volume": _volume(fund, sessions, first, closes)}
        if fund == "GLD":
            ounce = np.log(previous) + points[:, FUTURE_SETTLES]
    series["GC=F"] = _future(ounce, sessions, closes.sigmas["GLD"], intraday)
    for index, level in closes.levels.items():
        if index in FIRST_SESSIONS:
            level = np.where(sessions >= pd.Timestamp(FIRST_SESSIONS[index]), level, np.nan)
        if index in INDEX_SIGMAS:
            previous, sigma = _before(level), np.full(len(level), INDEX_SIGMAS[index])
            path = intraday.path(index, np.log(level / previous), sigma, 0.0 * sigma, OVERNIGHT[index], WITH_SPY[index])
            series[index] = _quotes(*path, previous, level)
        else:
            series[index] = {"open": none, "high": none, "low": none, "previous_close": _before(level), "close": level}
        series[index]["volume"] = np.zeros(len(sessions))
    return _table(sessions, first, series)


def dividend_yield(fund: str) -> float:
    """What a fund pays a year, as a continuous yield: the quoted close grows by so much less than the total return."""
    payments, dividend = DIVIDENDS.get(fund, (1, 0.0))
    return -payments * float(np.log1p(-dividend / payments))


def _future(ounce: np.ndarray, sessions: pd.DatetimeIndex, sigma: np.ndarray, intraday: Intraday) -> dict:
    """GC=F from `ounce`, ln of GLD when the future settles; the fund began at a tenth of an ounce less its expenses."""
    random = stream("GC=F")
    years = (sessions - pd.Timestamp(2004, 11, 18)).days.to_numpy() / 365.25
    close = 10.0 * np.exp(ounce + EXPENSES * years)
    previous = _before(close)
    path = intraday.path("GC=F", np.log(close / previous), sigma, 0.0 * sigma, OVERNIGHT["GC=F"], WITH_SPY["GC=F"])
    quotes = _quotes(*path, previous, close)
    flat = random.random_sample(len(close)) < UNTRADED
    for column in ("open", "high", "low"):
        quotes[column] = np.where(flat, quotes["close"], quotes[column])
    return quotes | {"volume": np.ceil(200.0 * np.exp(1.5 * random.standard_normal(len(close))))}


def _quotes(points: np.ndarray, high: np.ndarray, low: np.ndarray, previous: np.ndarray, close: np.ndarray) -> dict:
    opened = previous * np.exp(points[:, 0])
    return {
        "open": opened,
        "high": np.maximum.reduce([previous * np.exp(high), opened, close]),  # the path ends at the close but for a bit
        "low": np.minimum.reduce([previous * np.exp(low), opened, close]),
        "close": close,
        "previous_close": previous,
    }


def _dividend_share(fund: str, sessions: pd.DatetimeIndex) -> np.ndarray:
    """What a share goes ex on each session, as a share of the close before.

    Quarterly: the third Friday of a quarter's last month, or the session before a holiday; monthly: the first session.
    """
    payments, dividend = DIVIDENDS.get(fund, (0, 0.0))
    if payments == 4:
        fridays = pd.date_range(sessions[0], sessions[-1], freq="WOM-3FRI")
        ex = sessions.isin(sessions[sessions.searchsorted(fridays[fridays.month % 3 == 0], side="right") - 1])
    else:
        ex = np.append(True, sessions.month[1:] != sessions.month[:-1])
    return ex * dividend / max(payments, 1)


def _split_ratio(fund: str, sessions: pd.DatetimeIndex) -> np.ndarray:
    """New shares for an old one on each session."""
    day, ratio = SPLITS.get(fund, (None, 1.0))
    return np.where(sessions == pd.Timestamp(day), ratio, 1.0) if day else np.ones(len(sessions))


def _volume(fund: str, sessions: pd.DatetimeIndex, first: int, closes: Closes) -> np.ndarray:
    """Shares traded: more when volatility is high and on a large move, with a memory of days, in round lots."""
    ordinary, youth = VOLUMES[fund]
    sigma = closes.sigmas[fund]
    years = np.maximum(np.arange(len(sessions)) - first, 0) / 252.0
    noise = mean_reverting(0.2 * stream(f"{fund} volume").standard_normal(len(sessions)), 3.0)
    surprise = 0.15 * np.minimum(np.abs(closes.returns[fund] / sigma), 4.0)
    activity = 0.9 * (np.log(sigma) - np.log(sigma).mean()) + surprise + noise - youth * np.exp(-years / 2.5)
    return np.round(ordinary * np.exp(activity) * np.cumprod(_split_ratio(fund, sessions)) / 100.0) * 100.0


def _before(values: np.ndarray) -> np.ndarray:
    """The value one session earlier; null on the first."""
    return np.concatenate([[np.nan], values[:-1]])


def _table(sessions: pd.DatetimeIndex, first: int, series: dict[str, dict[str, np.ndarray]]) -> pd.DataFrame:
    """Long form from session `first` on. Prices are on the tick, which also hides how a CPU rounds its last bit."""
    symbols = sorted(SYMBOLS)
    days = sessions[first:]
    table = {"date": days.repeat(len(symbols)), "symbol": np.tile(np.array(symbols, dtype=object), len(days))}
    for column in ("open", "high", "low", "close", "previous_close", "volume"):
        values = np.column_stack([series[symbol][column][first:] for symbol in symbols]).round(2)
        if column == "previous_close":
            values[0, symbols.index("HYG")] = np.nan  # HYG's first day of trading
        table[column] = values.ravel()
    return pd.DataFrame(table)
