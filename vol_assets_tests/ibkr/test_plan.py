"""Which contracts a poll asks for."""

from __future__ import annotations

import datetime as dt
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from smile_market import EXPIRATIONS, NOON, SESSION, STRIKES

from vol_assets import clock
from vol_assets.ibkr.plan import CALL_DELTA, DRIFT, PAIRS, PUT_DELTA, expirations, plan
from vol_assets.quant import delta

VOL, LINES = 0.18, 89


def forward_of(expiration: dt.date, spot: float) -> float:
    return spot * np.exp(DRIFT * years_to(expiration))


def years_to(expiration: dt.date) -> float:
    return (clock.close_instant(expiration) - NOON) / dt.timedelta(days=365)


def days(*texts: str) -> tuple[dt.date, ...]:
    return tuple(dt.date.fromisoformat(text) for text in texts)


def test_of_daily_expirations_the_weeks_last_and_those_near_7_30_and_60_days_are_taken():
    monday = dt.date(2024, 3, 11)
    daily = [day for day in (monday + dt.timedelta(days=count) for count in range(90)) if clock.is_session(day)]
    assert expirations(daily, monday) == days("2024-03-15", "2024-03-18", "2024-04-10", "2024-05-10")


def test_on_an_expirations_day_the_next_weekly_one_is_the_nearest():
    fridays = [dt.date(2024, 3, 15) + dt.timedelta(weeks=count) for count in range(12)]
    listed = [day if clock.is_session(day) else day - dt.timedelta(days=1) for day in fridays]
    assert expirations(listed, SESSION) == days("2024-03-22", "2024-03-28", "2024-04-12", "2024-05-17")


def test_a_weekly_expiration_before_a_holiday_is_its_weeks_last():
    monday = dt.date(2024, 3, 25)  # of the week of Good Friday
    daily = [day for day in (monday + dt.timedelta(days=count) for count in range(12)) if clock.is_session(day)]
    assert expirations(daily, monday) == days("2024-03-28", "2024-04-01", "2024-04-04", "2024-04-05")


def test_days_without_trading_and_past_ones_are_no_expirations():
    assert expirations(days("2024-03-29", "2024-03-14", "2024-03-15"), SESSION) == ()


def test_both_rights_are_asked_for_at_the_three_strikes_nearest_the_forward():
    keys = plan(dict.fromkeys(EXPIRATIONS, STRIKES), 500.0, VOL, NOON, LINES)
    for day in EXPIRATIONS:
        rights = Counter(key.strike for key in keys if key.expiration == day)
        pairs = sorted(strike for strike, count in rights.items() if count == 2)
        nearest = sorted(sorted(STRIKES, key=lambda strike: abs(strike - forward_of(day, 500.0)))[:PAIRS])
        assert pairs == nearest


def test_all_others_are_out_of_the_money_and_within_the_range_of_deltas():
    keys = plan(dict.fromkeys(EXPIRATIONS, STRIKES), 500.0, VOL, NOON, LINES)
    for day in EXPIRATIONS:
        of_day = [key for key in keys if key.expiration == day]
        forward, twice = forward_of(day, 500.0), Counter(key.strike for key in of_day)
        single = [key for key in of_day if twice[key.strike] == 1]
        assert {key.right for key in single} == {"C", "P"}
        for key in single:
            assert key.right == ("C" if key.strike >= forward else "P")
            value = float(delta(forward, key.strike, years_to(day), VOL, key.right))
            assert value <= PUT_DELTA if key.right == "P" else value >= CALL_DELTA


def test_what_is_next_to_the_money_is_asked_for_first():
    keys = plan(dict.fromkeys(EXPIRATIONS, STRIKES), 500.0, VOL, NOON, LINES)
    distances = [
        abs(np.log(key.strike / forward_of(key.expiration, 500.0))) / np.sqrt(years_to(key.expiration)) for key in keys
    ]
    assert distances == sorted(distances)


def test_a_share_that_moves_a_little_leaves_most_contracts_the_same():
    listing = dict.fromkeys(EXPIRATIONS, STRIKES)
    before, after = (set(plan(listing, spot, VOL, NOON, LINES)) for spot in (500.0, 500.6))
    assert len(before & after) > 0.85 * len(before)


def test_the_lines_are_used_up_where_strikes_suffice():
    assert len(plan(dict.fromkeys(EXPIRATIONS, STRIKES), 500.0, 0.3, NOON, LINES)) == LINES


@pytest.mark.parametrize("count", [1000, 5000])
def test_a_thousand_strikes_take_no_more_lines(count):
    strikes = np.linspace(300.0, 700.0, count)
    keys = plan(dict.fromkeys(EXPIRATIONS, strikes), 500.0, VOL, NOON, LINES)
    assert 0.8 * LINES < len(keys) <= LINES
    assert len(set(keys)) == len(keys)


@given(
    strikes=st.lists(st.integers(2, 4000).map(lambda quarter: quarter / 4.0), max_size=80),
    spot=st.floats(1.0, 2000.0),
    vol=st.floats(0.02, 2.0),
    lines=st.integers(0, 120),
)
def test_whatever_is_listed_the_plan_keeps_to_it_and_to_the_lines(strikes, spot, vol, lines):
    keys = plan(dict.fromkeys(EXPIRATIONS[:2], strikes), spot, vol, NOON, lines)
    assert len(keys) == len(set(keys)) <= lines
    assert {key.strike for key in keys} <= set(strikes)


def test_nothing_listed_is_nothing_to_ask_for():
    assert plan({}, 500.0, VOL, NOON, LINES) == ()
    assert expirations([], SESSION) == ()
