"""From a vendor's history to bars: what Yahoo and the drop folder share.

A history is a long frame with `date`, `symbol`, `open`, `high`, `low`, `close`, `adj_close`, `volume` and
`fetched_at`, one row a (date, symbol), prices float64. It may reach one session back before the range asked for.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import numpy as np
import pandas as pd

from vol_assets import clock
from vol_assets.sources.protocol import BAR_COLUMNS, REQUIRED_SYMBOLS

# COMEX keeps other holidays than the New York Stock Exchange, so its rows on days without a session are no fault.
OTHER_CALENDARS = frozenset({"GC=F"})


def window(first: dt.date, last: dt.date) -> np.ndarray:
    """The sessions first ... last and the one before them, as datetime64[D]; a SessionError if an end is none.

    One session before is all that is needed: previous_close looks at the session just before and no further.
    """
    clock.require_range(first, last)
    return np.array(clock.sessions(clock.offset(first, -1), last), dtype="datetime64[D]")


def bars(history: pd.DataFrame, days: np.ndarray) -> pd.DataFrame:
    """The history's rows on the sessions days[1:] with BAR_COLUMNS, sorted by date and symbol; others are left out.

    previous_close is close_t * adj_{t-1} / adj_t: both adjusted closes come from one answer, so whatever factor
    the vendor applies to all of history later cancels. It is null unless t-1 is the session just before t.
    """
    dates = history["date"].to_numpy().astype("datetime64[D]")
    history = history[np.isin(dates, days)].sort_values(["symbol", "date"])
    ordinal = pd.Series(np.searchsorted(days, history["date"].to_numpy().astype("datetime64[D]")), index=history.index)
    symbol = history["symbol"]
    follows = (ordinal.groupby(symbol).diff() == 1).to_numpy()
    adjusted_before = history["adj_close"].groupby(symbol).shift()
    # The quotient first: it is exactly 1 where close is the adjusted close, and nothing is rounded.
    previous = history["close"] / history["adj_close"] * adjusted_before
    history = history.assign(
        date=history["date"].astype("datetime64[ns]"),
        previous_close=previous.where(follows & np.isfinite(previous)),
        fetched_at=history["fetched_at"].astype("datetime64[us, UTC]"),
    )
    numbers = ["open", "high", "low", "close", "previous_close", "volume"]
    history = history[(ordinal > 0).to_numpy()].astype(dict.fromkeys(numbers, "float64"))
    return history.sort_values(["date", "symbol"], ignore_index=True)[list(BAR_COLUMNS)]


def is_answer(bars: pd.DataFrame, symbols: Sequence[str]) -> bool:
    """Whether there is a bar of any required symbol asked for (of any at all, if no required one was asked for)."""
    wanted = [symbol for symbol in symbols if symbol in REQUIRED_SYMBOLS] or symbols
    return bool(bars["symbol"].isin(wanted).any())


def left_out(count: int, what: str, first: str) -> str:
    """The note that rows were left out: how many, why, and where the first is."""
    return f"{count} row{'s' if count > 1 else ''} {what} left out, the first {first}"
