"""Which contracts are listed at a close: expirations by the calendar, strikes on a grid that widens with time.

The next six Fridays, every month's third Friday for a year, the quarters' for a year and a half, January's for two; a
Friday without trading expires on the session before. Beyond the exchange calendar every Friday is a session.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd

from vol_assets import clock

WEEKLIES = 6
MONTHLY_DAYS, QUARTERLY_DAYS, JANUARY_DAYS = 370, 555, 745

STRIKE_STEPS = np.array([0.5, 1.0, 2.5, 5.0, 10.0, 25.0, 50.0, 100.0])
NEAR = np.array([-2.0, 2.0])  # stdevs: a fine grid around the forward, the next step outside
NEAR_STRIKES = 44
WIDE = np.array([-7.0, 4.5])  # stdevs
WIDEST = np.log([0.2, 2.5])  # log-moneyness


@dataclass(frozen=True, eq=False)
class Expirations:
    """Expirations in order (n): the last day of trading (datetime64[D]), its close (UTC, datetime64[us]), monthly."""

    day: np.ndarray
    close: np.ndarray
    monthly: np.ndarray

    def __getitem__(self, which: np.ndarray | slice) -> Expirations:
        return Expirations(self.day[which], self.close[which], self.monthly[which])


def expirations(session: dt.date) -> Expirations:
    """What is listed at the close of `session` and still alive after it."""
    weeks, month = _weeks()
    start = int(np.searchsorted(weeks.day, np.datetime64(session, "D"), side="right"))
    stop = start + JANUARY_DAYS // 7 + 1
    ahead, month = weeks[start:stop], month[start:stop]
    days = (ahead.day - np.datetime64(session, "D")).astype(int)
    reach = np.select([month == 1, month % 3 == 0], [JANUARY_DAYS, QUARTERLY_DAYS], MONTHLY_DAYS)
    return ahead[(np.arange(len(days)) < WEEKLIES) | (ahead.monthly & (days <= reach))]


def last_expired(session: dt.date) -> np.datetime64:
    """The last expiration before `session`, as datetime64[D]."""
    day = _weeks()[0].day
    return day[np.searchsorted(day, np.datetime64(session, "D")) - 1]


def strikes(forward: float, stdev: float) -> np.ndarray:
    """Strikes where the log return has standard deviation `stdev`: about 60, most of them near the forward."""
    near, wide = (forward * np.exp(np.clip(stdev * ends, *WIDEST)) for ends in (NEAR, WIDE))
    step = min(int(np.searchsorted(STRIKE_STEPS, (near[1] - near[0]) / NEAR_STRIKES)), len(STRIKE_STEPS) - 2)
    return np.union1d(_multiples(STRIKE_STEPS[step], near), _multiples(STRIKE_STEPS[step + 1], wide))


def _multiples(step: float, ends: np.ndarray) -> np.ndarray:
    low, high = np.ceil(ends[0] / step), np.floor(ends[1] / step)
    return step * np.arange(max(low, 1.0), high + 1.0)


@cache
def _weeks() -> tuple[Expirations, np.ndarray]:
    """Every week's expiration from the calendar's start to two years and more past its end, and the Friday's month."""
    end = np.datetime64(clock.CALENDAR_END, "D")
    friday = np.arange(np.datetime64("2006-01-06"), end + JANUARY_DAYS + 14, 7, dtype="datetime64[D]")
    sessions = clock.session_days()
    before = np.searchsorted(sessions, friday, side="right") - 1
    known = friday <= end
    closes = clock.calendar().closes.to_numpy(dtype="datetime64[us]")
    beyond = pd.DatetimeIndex(friday + np.timedelta64(16, "h")).tz_localize(clock.NEW_YORK)
    beyond = beyond.tz_convert("UTC").tz_localize(None).to_numpy(dtype="datetime64[us]")
    dates = pd.DatetimeIndex(friday)
    day = np.where(known, sessions[before], friday)
    weeks = Expirations(day, np.where(known, closes[before], beyond), ((dates.day - 1) // 7 == 2))
    return weeks, dates.month.to_numpy()
