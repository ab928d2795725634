"""Exchange time against exchange_calendars itself, facts of the exchange's history, and laws of session arithmetic."""

import datetime as dt

import exchange_calendars
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vol_assets import clock
from vol_assets.errors import SessionError

REFERENCE = exchange_calendars.get_calendar("XNYS", start="2005-01-03", end="2036-12-31")
ALL = clock.sessions(clock.CALENDAR_START, clock.CALENDAR_END)

days = st.dates(dt.date(2006, 6, 1), dt.date(2035, 6, 1))
calendar_days = st.dates(clock.CALENDAR_START, clock.CALENDAR_END)
a_session = st.sampled_from(clock.sessions("2006-06-01", "2035-06-01"))
steps = st.integers(-50, 50)  # two of them stay within the calendar


def utc(text: str) -> pd.Timestamp:
    return pd.Timestamp(text, tz="UTC")


def test_sessions_are_those_of_exchange_calendars_over_the_whole_horizon():
    expected = REFERENCE.sessions_in_range(str(clock.CALENDAR_START), str(clock.CALENDAR_END))
    assert [stamp.date() for stamp in expected] == ALL


def test_the_calendar_reaches_to_its_two_stated_ends_and_covers_hygs_first_day():
    assert clock.calendar().sessions[0].date() == clock.CALENDAR_START
    assert clock.calendar().sessions[-1].date() == clock.CALENDAR_END
    assert clock.is_session(clock.FIRST_SESSION)
    assert ALL.index(clock.FIRST_SESSION) > 60  # a lookback from the first session has something to count


@given(calendar_days, calendar_days)
def test_a_range_holds_exactly_the_sessions_between_its_ends(one, other):
    first, last = sorted((one, other))
    assert clock.sessions(first, last) == [day for day in ALL if first <= day <= last]


def test_a_range_of_one_holiday_is_empty_and_of_one_session_is_that_session():
    assert clock.sessions("2024-07-04", "2024-07-04") == []
    assert clock.sessions("2024-07-03", "2024-07-03") == [dt.date(2024, 7, 3)]


@given(calendar_days)
def test_a_day_is_a_session_when_the_reference_says_so(day):
    assert clock.is_session(day) == REFERENCE.is_session(str(day))
    assert clock.is_session(str(day)) == clock.is_session(pd.Timestamp(day)) == clock.is_session(day)


@pytest.mark.parametrize(
    ("day", "reason"),
    [
        ("2012-10-29", "special closure"),  # Hurricane Sandy
        ("2012-10-30", "special closure"),
        ("2018-12-05", "special closure"),  # George H. W. Bush
        ("2025-01-09", "special closure"),  # Jimmy Carter
        ("2007-01-02", "special closure"),  # Gerald Ford
        ("2024-03-29", "Good Friday"),
        ("2024-11-28", "Thanksgiving"),
        ("2021-12-24", "Christmas"),  # the 25th was a Saturday
        ("2022-06-20", "Juneteenth"),
        ("2024-06-29", "weekend"),
        ("2024-06-30", "weekend"),
    ],
)
def test_a_closed_day_is_refused_with_its_reason_and_its_neighbours(day, reason):
    assert not clock.is_session(day)
    before, after = REFERENCE.date_to_session(day, "previous").date(), REFERENCE.date_to_session(day, "next").date()
    with pytest.raises(SessionError) as raised:
        clock.require_session(day)
    assert day in str(raised.value)
    assert reason in str(raised.value)
    assert f"the one before it is {before}, the one after {after}" in str(raised.value)


def test_days_around_the_special_closures_are_sessions():
    for day in ("2012-10-26", "2012-10-31", "2018-12-04", "2018-12-06", "2025-01-08", "2025-01-10", "2021-06-18"):
        assert clock.require_session(day) == dt.date.fromisoformat(day)


def test_juneteenth_is_a_session_before_the_exchange_kept_it():
    assert clock.is_session("2020-06-19")
    assert clock.is_session("2021-06-18")  # the Friday before the first federal Juneteenth
    assert not clock.is_session("2023-06-19")


@pytest.mark.parametrize(
    "ask", [clock.require_session, lambda day: clock.sessions(day, day), lambda d: clock.offset(d, 0)]
)
@pytest.mark.parametrize("day", ["2005-12-30", "2036-01-02"])
def test_a_day_outside_the_calendar_is_refused_naming_the_calendars_ends(ask, day):
    with pytest.raises(SessionError, match=rf"{day} is outside the calendar, which runs 2006-01-03 \.\.\. 2035-12-31"):
        ask(day)


@pytest.mark.parametrize("day", ["2005-12-30", "2036-01-02"])
def test_no_day_outside_the_calendar_is_a_session(day):
    assert not clock.is_session(day)


@pytest.mark.parametrize("text", ["yesterday?", "2024-13-01", "2024-02-30", "03/04/2024", "", "20240304T"])
def test_text_that_is_no_iso_date_is_refused_and_quoted(text):
    with pytest.raises(SessionError, match="write it as YYYY-MM-DD") as raised:
        clock.require_session(text)
    assert repr(text) in str(raised.value)


@pytest.mark.parametrize("nothing", [pd.NaT, None, float("nan")])
def test_a_missing_date_is_refused_and_never_compared(nothing):
    with pytest.raises(SessionError, match="is not a date"):
        clock.sessions(nothing, "2024-01-02")


def test_swapped_ends_of_a_range_are_refused_naming_both():
    with pytest.raises(
        SessionError, match=r"2024-03-05 \.\.\. 2024-03-01 has its ends swapped; give the earlier date first"
    ):
        clock.require_range("2024-03-05", "2024-03-01")


def test_a_required_range_has_sessions_at_both_ends():
    assert clock.require_range("2024-03-28", "2024-04-01") == [dt.date(2024, 3, 28), dt.date(2024, 4, 1)]
    with pytest.raises(SessionError, match="2024-03-29 is no XNYS session"):
        clock.require_range("2024-03-29", "2024-04-01")
    with pytest.raises(SessionError, match="2024-03-31 is no XNYS session"):
        clock.require_range("2024-03-28", "2024-03-31")


@given(a_session, steps)
def test_stepping_there_and_back_returns_to_the_session(session, count):
    assert clock.offset(clock.offset(session, count), -count) == session


@given(a_session, steps, steps)
def test_steps_add_up(session, one, other):
    assert clock.offset(clock.offset(session, one), other) == clock.offset(session, one + other)


@given(a_session, steps)
def test_the_sessions_between_a_session_and_its_offset_are_count_plus_one(session, count):
    first, last = sorted((session, clock.offset(session, count)))
    assert len(clock.sessions(first, last)) == abs(count) + 1


@given(days)
def test_offset_zero_is_the_day_itself_or_the_last_session_before_it(day):
    session = clock.offset(day, 0)
    assert session == REFERENCE.date_to_session(str(day), "previous").date()
    assert clock.offset(day, 1) == REFERENCE.next_session(str(session)).date()


def test_a_lookback_longer_than_the_calendar_begins_with_it():
    assert clock.at_most_before("2024-03-15", 2) == clock.offset("2024-03-15", -2)
    assert clock.at_most_before("2008-01-15", 1512) == clock.session_days()[0].item()
    assert clock.at_most_before("2024-03-16", 0) == clock.as_date("2024-03-15")


def test_an_offset_past_either_end_is_refused():
    with pytest.raises(SessionError, match="-1 sessions from 2006-01-03 is outside the calendar"):
        clock.offset(clock.CALENDAR_START, -1)
    with pytest.raises(SessionError, match="1 sessions from 2035-12-31 is outside the calendar"):
        clock.offset(clock.CALENDAR_END, 1)


@pytest.mark.parametrize(
    ("session", "close"),
    [
        ("2024-01-16", "2024-01-16 21:00"),  # winter: New York is UTC-5
        ("2024-07-16", "2024-07-16 20:00"),  # summer: UTC-4
        ("2024-03-08", "2024-03-08 21:00"),  # the Friday before the clocks change
        ("2024-03-11", "2024-03-11 20:00"),
        ("2024-11-29", "2024-11-29 18:00"),  # half day, the day after Thanksgiving
        ("2024-12-24", "2024-12-24 18:00"),  # half day
        ("2024-07-03", "2024-07-03 17:00"),  # half day, summer
    ],
)
def test_the_close_is_sixteen_new_york_time_and_thirteen_on_half_days(session, close):
    instant = clock.close_instant(session)
    assert instant == utc(close)
    assert str(instant.tz) == "UTC"


@pytest.mark.parametrize(("session", "opens"), [("2024-01-16", "2024-01-16 14:30"), ("2024-07-03", "2024-07-03 13:30")])
def test_the_open_is_half_past_nine_new_york_time(session, opens):
    assert clock.open_instant(session) == utc(opens)


def test_closing_a_holiday_is_refused():
    with pytest.raises(SessionError, match="Christmas"):
        clock.close_instant("2024-12-25")


@pytest.mark.parametrize(
    ("now", "last"),
    [
        ("2024-07-03 16:59:59", "2024-07-02"),
        ("2024-07-03 17:00:00", "2024-07-03"),  # the instant of the close itself; a half day
        ("2024-07-05 12:00:00", "2024-07-03"),  # Independence Day in between
        ("2024-07-07 23:00:00", "2024-07-05"),  # a Sunday
        ("2024-07-09 02:00:00", "2024-07-08"),  # already the 9th in UTC, still the 8th in New York
    ],
)
def test_the_last_closed_session_turns_at_the_closing_instant(now, last):
    assert str(clock.last_closed(utc(now))) == last


def test_the_last_closed_session_does_not_depend_on_the_zone_now_is_written_in():
    now = utc("2024-07-03 17:00:00")
    assert clock.last_closed(now.tz_convert("Asia/Tokyo")) == clock.last_closed(now)


def test_closures_are_the_weekdays_that_are_no_sessions():
    closed = clock.closures(dt.date(2012, 1, 1), dt.date(2012, 12, 31))
    weekdays = [day.date() for day in pd.date_range("2012-01-01", "2012-12-31") if day.weekday() < 5]
    assert closed == [day for day in weekdays if not REFERENCE.is_session(str(day))]
    assert {dt.date(2012, 10, 29), dt.date(2012, 10, 30)} <= set(closed)
    assert len(closed) == 11  # nine holidays and Sandy's two days


@given(calendar_days)
def test_every_day_is_a_session_a_weekend_or_a_closure(day):
    kinds = [clock.is_session(day), day.weekday() >= 5, day in clock.closures(day, day)]
    assert sum(kinds) == 1
