"""The market source that needs no network: one simulated path, the same on every machine."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Sequence
from functools import cache

import numpy as np
import pandas as pd

from vol_assets import clock
from vol_assets.errors import SourceError
from vol_assets.sources.protocol import BAR_COLUMNS, SYMBOLS, DailyBars
from vol_assets.sources.sample import bars, closes
from vol_assets.sources.sample.variance import VariancePath


class SampleMarket:
    """A simulated market that looks like the real one; no price of it was ever quoted. A `MarketSource`."""

    name = "sample"

    def daily_bars(self, symbols: Sequence[str], first: dt.date, last: dt.date) -> DailyBars:
        """Bars of `symbols` on the sessions first ... last, any of 2007-04-11 ... 2035-12-31, future ones too.

        `fetched_at` is now, or the close of a session that is still to come. Raises SourceError out of that range and
        for a symbol that is not simulated, SessionError where an end is no session.
        """
        unknown = sorted(set(symbols) - set(SYMBOLS))
        if unknown:
            raise SourceError(f"the sample market has {', '.join(SYMBOLS)}; it was asked for {', '.join(unknown)}")
        days = _slice(first, last)
        table = _bars().iloc[days.start * len(SYMBOLS) : days.stop * len(SYMBOLS)]
        fetched = np.maximum(_closing_instants()[days], np.datetime64(time.time_ns() // 1000, "us"))
        table = table.assign(fetched_at=pd.DatetimeIndex(fetched, tz="UTC").repeat(len(SYMBOLS)))
        table = table.loc[table["symbol"].isin(list(symbols)), list(BAR_COLUMNS)]
        return DailyBars(table.reset_index(drop=True), notes=("simulated: none of these prices was ever quoted",))


def true_spot_variance(first: dt.date, last: dt.date) -> pd.Series:
    """Annualised variance (decimal) of SPY at each session's close: what the next session's return is drawn with."""
    return _series(_path().spot, first, last, "spot_variance")


def true_expected_variance(first: dt.date, last: dt.date, sessions: int) -> pd.Series:
    """Annualised variance (decimal) of SPY expected at each close over the next `sessions` sessions, in closed form."""
    return _series(_path().expected(sessions), first, last, "expected_variance")


@cache
def _closes() -> closes.Closes:
    return closes.simulate(len(clock.calendar().sessions))


def _path() -> VariancePath:
    return _closes().spy


@cache
def _bars() -> pd.DataFrame:
    return bars.daily_bars(clock.calendar().sessions, _first(), _closes())


@cache
def _closing_instants() -> np.ndarray:
    return clock.calendar().closes.to_numpy(dtype="datetime64[us]")[_first() :]


@cache
def _first() -> int:
    """Number of the first session; the simulation starts with the calendar, so that its state has spread by then."""
    return int(clock.calendar().sessions.searchsorted(pd.Timestamp(clock.FIRST_SESSION)))


def _slice(first: dt.date, last: dt.date) -> slice:
    """Positions of the sessions first ... last, counted from FIRST_SESSION."""
    for end in (first, last):
        if not clock.FIRST_SESSION <= clock.as_date(end) <= clock.CALENDAR_END:
            span = f"{clock.FIRST_SESSION} ... {clock.CALENDAR_END}"
            raise SourceError(f"the sample market runs {span}; it was asked for {end}")
    count = len(clock.require_range(first, last))
    start = int(clock.calendar().sessions.searchsorted(pd.Timestamp(first))) - _first()
    return slice(start, start + count)


def _series(values: np.ndarray, first: dt.date, last: dt.date, name: str) -> pd.Series:
    days = _slice(first, last)
    whole = pd.Series(values[_first() :], index=clock.calendar().sessions[_first() :], name=name)
    return whole.iloc[days]
