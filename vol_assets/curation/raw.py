"""A source's answer as raw/market rows, and which sessions of it differ from what the lake already holds.

Prices of one day may come back re-based after a split or with another rounding of the adjustment. Two fetches
are equal when every number agrees to `SAME`, which is finer than any vendor's tick and coarser than the rounding
of an adjusted price; an equal fetch leaves the stored file, its `fetched_at` included, as it is.
"""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd

from vol_assets import clock
from vol_assets.contracts.market import RAW_MARKET
from vol_assets.contracts.symbols import FUNDS, REQUIRED_SYMBOLS
from vol_assets.sources.protocol import DailyBars

SAME = 2e-6
NUMBERS = ["open", "high", "low", "close", "previous_close", "volume"]


def raw_bars(answer: DailyBars, source: str) -> pd.DataFrame:
    """The answer's bars with the columns of raw/market."""
    return answer.bars.assign(source=source)[list(RAW_MARKET.columns)].reset_index(drop=True)


def with_stored(fetched: pd.DataFrame, stored: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """The fetched bars, and with them the stored ones that the answer lacks, and how many those are.

    A vendor that fails on one bar today has not unmade what it delivered yesterday: neither that bar, nor the
    previous close of the bar after it, which is brought to the basis of the new close.
    """
    fetched = _with_stored_previous_close(fetched, stored)
    held = pd.MultiIndex.from_frame(stored[["date", "symbol"]])
    kept = stored[~held.isin(pd.MultiIndex.from_frame(fetched[["date", "symbol"]]))]
    if kept.empty:
        return fetched, 0
    both = pd.concat([fetched, kept]) if len(fetched) else kept
    return both.sort_values(["date", "symbol"], ignore_index=True), len(kept)


def _with_stored_previous_close(fetched: pd.DataFrame, stored: pd.DataFrame) -> pd.DataFrame:
    lacking = fetched["previous_close"].isna()
    if not lacking.any() or stored.empty:
        return fetched
    old = fetched[["date", "symbol"]].merge(stored, how="left", on=["date", "symbol"])
    rebased = (old["previous_close"] * (fetched["close"].to_numpy() / old["close"])).to_numpy()
    return fetched.assign(previous_close=np.where(lacking, rebased, fetched["previous_close"]))


def changed_sessions(stored: pd.DataFrame, fetched: pd.DataFrame) -> pd.DatetimeIndex:
    """Sessions of `fetched` that `stored` lacks, holds with other numbers or symbols, or held unfinished."""
    stored, fetched = (bars.assign(unfinished=unfinished(bars)) for bars in (stored, fetched))
    both = fetched.merge(stored, how="outer", on=["date", "symbol"], suffixes=("", "_stored"), indicator=True)
    both = both[both["date"].isin(fetched["date"].unique())]
    same = (both["_merge"] == "both").to_numpy() & (both["unfinished"] == both["unfinished_stored"]).to_numpy()
    for name in NUMBERS:
        new, old = both[name].to_numpy(float), both[f"{name}_stored"].to_numpy(float)
        same &= np.isclose(new, old, rtol=SAME, atol=0, equal_nan=True)
    return pd.DatetimeIndex(both.loc[~same, "date"].unique()).sort_values()


def unfinished(bars: pd.DataFrame) -> pd.Series:
    """Whether each bar was fetched before its session's close."""
    days = bars["date"].unique()
    closes = pd.Series([clock.close_instant(day) for day in days], index=days, dtype="datetime64[ns, UTC]")
    return bars["fetched_at"] < bars["date"].map(closes)


def incomplete_sessions(raw: pd.DataFrame) -> list[dt.date]:
    """Sessions that lack a finished bar of a required symbol, or of an optional one that a session before has.

    Before the first bar of an optional symbol there is no gap: the index did not exist, or the source begins there.
    A fund's bar without a previous close counts as lacking, unless it is the fund's first in `raw`.
    """
    first = raw["date"] == raw.groupby("symbol")["date"].transform("min")
    no_return = raw["symbol"].isin(FUNDS) & raw["previous_close"].isna() & ~first
    have = raw[raw["close"].notna() & ~no_return & ~unfinished(raw)]
    days = raw["date"].unique()
    begins = have.groupby("symbol")["date"].min().drop(list(REQUIRED_SYMBOLS), errors="ignore")
    expected = len(REQUIRED_SYMBOLS) + np.searchsorted(np.sort(begins.to_numpy()), days, side="right")
    counts = have.groupby("date")["symbol"].nunique().reindex(days, fill_value=0)
    return [day.date() for day in counts.index[counts.to_numpy() < expected]]
