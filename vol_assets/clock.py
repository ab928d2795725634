"""Exchange time: XNYS sessions, closing instants and session arithmetic.

A session is a New York trading day, held as a `datetime.date`. The calendar's two ends are explicit: a
calendar whose horizon moves with today would change the identity of everything partitioned by it. The first
sessions before `FIRST_SESSION` are there so that lookbacks from it have something to count.
"""

from __future__ import annotations

import datetime as dt
from functools import cache
from zoneinfo import ZoneInfo

import exchange_calendars
import numpy as np
import pandas as pd

from vol_assets.errors import SessionError

NEW_YORK = ZoneInfo("America/New_York")
FIRST_SESSION = dt.date(2007, 4, 11)  # HYG's first day of trading
CALENDAR_START = dt.date(2006, 1, 3)
CALENDAR_END = dt.date(2035, 12, 31)


@cache
def calendar() -> exchange_calendars.ExchangeCalendar:
    """The XNYS calendar from CALENDAR_START to CALENDAR_END, both explicit."""
    return exchange_calendars.get_calendar("XNYS", start=str(CALENDAR_START), end=str(CALENDAR_END))


@cache
def session_days() -> np.ndarray:
    """Every session of the calendar, ascending, as datetime64[D]."""
    return calendar().sessions.values.astype("datetime64[D]")


def as_date(day: str | dt.date | pd.Timestamp | np.datetime64) -> dt.date:
    """The calendar day of any date-like value; a SessionError names text that is no ISO date."""
    try:
        return dt.date.fromisoformat(day if isinstance(day, str) else pd.Timestamp(day).strftime("%Y-%m-%d"))
    except (ValueError, TypeError) as error:
        raise SessionError(f"{day!r} is not a date; write it as YYYY-MM-DD") from error


def is_session(day: str | dt.date) -> bool:
    """Whether the exchange trades on that day."""
    day = np.datetime64(as_date(day), "D")
    position = np.searchsorted(session_days(), day)
    return position < len(session_days()) and session_days()[position] == day


def are_sessions(dates: pd.Series) -> pd.Series:
    """Which of the dates (datetime64, naive) are sessions, on their index."""
    return pd.Series(np.isin(dates.to_numpy().astype("datetime64[D]"), session_days()), index=dates.index)


def sessions(first: str | dt.date, last: str | dt.date) -> list[dt.date]:
    """Every session from `first` to `last`, both ends included; neither end need be a session."""
    days = session_days()
    first, last = as_date(first), as_date(last)
    _within_calendar(first)
    _within_calendar(last)
    start = np.searchsorted(days, np.datetime64(first, "D"), side="left")
    stop = np.searchsorted(days, np.datetime64(last, "D"), side="right")
    return days[start:stop].tolist()


def require_session(day: str | dt.date) -> dt.date:
    """`day` as a date; a SessionError with the reason and the nearest session before it if it is none."""
    day = as_date(day)
    _within_calendar(day)
    if not is_session(day):
        raise SessionError(
            f"{day} is no XNYS session ({why_closed(day)}); the one before it is {offset(day, 0)}, "
            f"the one after {offset(day, 1)}"
        )
    return day


def require_range(first: str | dt.date, last: str | dt.date) -> list[dt.date]:
    """The sessions of a range whose two ends must be sessions in order; otherwise a SessionError."""
    first, last = as_date(first), as_date(last)
    if first > last:
        raise SessionError(f"the range {first} ... {last} has its ends swapped; give the earlier date first")
    return sessions(require_session(first), require_session(last))


def offset(day: str | dt.date, count: int) -> dt.date:
    """The session `count` sessions after `day` (before it, if negative); 0 is `day` itself or the last before it."""
    day = as_date(day)
    _within_calendar(day)
    position = int(np.searchsorted(session_days(), np.datetime64(day, "D"), side="right")) - 1 + count
    if not 0 <= position < len(session_days()):
        raise SessionError(f"{count} sessions from {day} is outside the calendar ({CALENDAR_START} ... {CALENDAR_END})")
    return session_days()[position].item()


def at_most_before(day: str | dt.date, count: int) -> dt.date:
    """The session `count` sessions before `day`, or the calendar's first where it does not reach so far back."""
    day = as_date(day)
    _within_calendar(day)
    before = int(np.searchsorted(session_days(), np.datetime64(day, "D"), side="right")) - 1
    return session_days()[max(before - count, 0)].item()


def close_instant(session: str | dt.date) -> pd.Timestamp:
    """The instant of the closing auction in UTC: 16:00 New York, 13:00 on half days."""
    return calendar().session_close(pd.Timestamp(require_session(session)))


def open_instant(session: str | dt.date) -> pd.Timestamp:
    """The instant of the opening auction in UTC: 09:30 New York."""
    return calendar().session_open(pd.Timestamp(require_session(session)))


def last_closed(now: dt.datetime) -> dt.date:
    """The last session whose close is not after `now` (timezone-aware)."""
    today = now.astimezone(NEW_YORK).date()
    session = offset(today, 0)
    return session if close_instant(session) <= now else offset(session, -1)


def why_closed(day: str | dt.date) -> str:
    """Why the exchange does not trade on that day: the holiday's name, `weekend` or `special closure`."""
    day = as_date(day)
    if day.weekday() >= 5:
        return "weekend"
    stamp = pd.Timestamp(day)
    names = calendar().regular_holidays.holidays(stamp, stamp, return_name=True)
    return str(names.iloc[0]) if len(names) else "special closure"


def closures(first: dt.date, last: dt.date) -> list[dt.date]:
    """The weekdays between the two dates, both included, on which the exchange is shut."""
    weekdays = pd.bdate_range(first, last).values.astype("datetime64[D]")
    return np.setdiff1d(weekdays, session_days()).tolist()


def _within_calendar(day: dt.date) -> None:
    if not CALENDAR_START <= day <= CALENDAR_END:
        raise SessionError(f"{day} is outside the calendar, which runs {CALENDAR_START} ... {CALENDAR_END}")
