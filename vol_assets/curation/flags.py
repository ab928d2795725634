"""Flags: what a person should know about a bar that is nevertheless kept.

missing_symbol     the source had no bar for this symbol
no_previous_close  no total return: the source had no bar for the session before
unfinished         fetched before the session's close
stale_bar          open, high, low and close all equal to the session before
repeated_close     close equal to the session before
vix_equals_vix3m   the two indices' closes agree to the tick, as in a known fault of Yahoo's
impossible_range   high or low contradicts the other prices, or the range is wider than the symbol ever saw
implausible_level  a close further out than VVIX, VIX9D or SKEW ever were
not_positive       a price at or below zero (an optional symbol's: a required one's session is refused)
carried_N          the rate of N sessions before, because this session has none
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from vol_assets.contracts.market import ROUNDING
from vol_assets.contracts.symbols import PLAUSIBLE_LEVELS, SYMBOLS
from vol_assets.curation.raw import unfinished

PRICES = ["open", "high", "low", "close"]
RATES = ("IRX",)
MAX_CARRY_SESSIONS = 5

# ln(high/low) beyond this is a bad tick. Widest seen: SPY .12 (2008-10-13), HYG .13 (2008-09-29), VIX 1.03
# (2024-08-05), VIX9D 1.22 and VIX3M .63 (both 2018-02-05), where Cboe's VIX3M file has bad ticks up to .94. Of VVIX and
# SKEW Cboe has closes only, which moved by at most .45 (2007-02-27) and .19 (2015-09-14) from one session to the next.
RANGE_LIMIT = {"VIX": 1.1, "VIX3M": 0.75, "GVZ": 1.1, "IRX": np.inf, "VVIX": 0.75, "VIX9D": 1.3}
FUND_RANGE_LIMIT = 0.25

FLAGS = (
    "missing_symbol",
    "no_previous_close",
    "unfinished",
    "stale_bar",
    "repeated_close",
    "vix_equals_vix3m",
    "impossible_range",
    "implausible_level",
    "not_positive",
)


def flag_bars(bars: pd.DataFrame, before: pd.DataFrame) -> pd.DataFrame:
    """One boolean column a flag, on the index of `bars` (a row for every symbol a session).

    bars: date, symbol, prices, previous_close, fetched_at. before: the same rows' prices one session earlier,
    aligned with `bars`, null where there are none.
    """
    prices = bars[PRICES]
    known = bars["close"].notna()
    limit = bars["symbol"].map(RANGE_LIMIT).fillna(FUND_RANGE_LIMIT)
    positive = ~(prices <= 0).any(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        width = np.log(bars["high"].where(positive) / bars["low"].where(positive))
    top, bottom = prices[["open", "close", "low"]].max(axis=1), prices[["open", "close", "high"]].min(axis=1)
    contradicts = (bars["high"] < top - ROUNDING * top.abs()) | (bars["low"] > bottom + ROUNDING * bottom.abs())
    is_rate = bars["symbol"].isin(RATES)
    lowest, highest = (bars["symbol"].map({s: ends[i] for s, ends in PLAUSIBLE_LEVELS.items()}) for i in (0, 1))
    flags = {
        "missing_symbol": ~known,
        "no_previous_close": known & bars["previous_close"].isna() & ~is_rate,
        "unfinished": known & unfinished(bars),
        "stale_bar": (prices.to_numpy() == before[PRICES].to_numpy()).all(axis=1),
        "repeated_close": known & ~is_rate & (bars["close"].to_numpy() == before["close"].to_numpy()),
        "vix_equals_vix3m": _vix_equals_vix3m(bars),
        "impossible_range": known & (contradicts | (width > limit)),
        "implausible_level": (bars["close"] < lowest) | (bars["close"] > highest),
        "not_positive": ~positive & ~is_rate,  # a bill's yield may touch zero and below
    }
    return pd.DataFrame(flags, index=bars.index)[list(FLAGS)]


def _vix_equals_vix3m(bars: pd.DataFrame) -> pd.Series:
    close = bars.pivot(index="date", columns="symbol", values="close").reindex(columns=SYMBOLS)
    same = close.index[close["VIX"] == close["VIX3M"]]
    return bars["date"].isin(same) & bars["symbol"].isin(["VIX", "VIX3M"])


def in_words(flags: pd.DataFrame) -> pd.Series:
    """Boolean columns -> 'a,b' strings, empty where none is set."""
    names = np.array(flags.columns)
    words = np.full(len(flags), "", dtype=object)
    flagged = flags.to_numpy()
    for row in np.flatnonzero(flagged.any(axis=1)):  # few rows have any
        words[row] = ",".join(names[flagged[row]])
    return pd.Series(words, index=flags.index)
