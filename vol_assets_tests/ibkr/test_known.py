"""Contracts remembered for a day, and IB's limits as the simulator counts them."""

from __future__ import annotations

import datetime as dt

from smile_market import EXPIRATIONS

from vol_assets.ibkr.known import Known, known_path
from vol_assets.ibkr.plan import OptionKey
from vol_assets.ibkr.simulator.limits import HistoricalPacing, Lag, Pacing

FRIDAY, MONDAY = dt.date(2024, 3, 15), dt.date(2024, 3, 18)
KNOWN = Known(
    share=1,
    expirations=list(EXPIRATIONS),
    strikes=[499.0, 500.0, 501.5],
    multiplier="100",
    numbers={OptionKey(EXPIRATIONS[0], 500.0, "C"): 7, OptionKey(EXPIRATIONS[1], 501.5, "P"): None},
    vol=0.15,
)


def test_what_was_written_is_read(tmp_path):
    path = known_path(tmp_path, "ibkr", "SPY", FRIDAY)
    KNOWN.write(path)
    assert Known.read(path) == KNOWN


def test_a_strike_without_a_contract_is_none_of_its_expirations():
    assert KNOWN.strikes_of(EXPIRATIONS[0]) == [499.0, 500.0, 501.5]
    assert KNOWN.strikes_of(EXPIRATIONS[1]) == [499.0, 500.0]


def test_only_the_days_own_file_is_kept_and_each_source_has_its_own(tmp_path):
    friday, monday = (known_path(tmp_path, "ibkr", "SPY", day) for day in (FRIDAY, MONDAY))
    other, simulated = known_path(tmp_path, "ibkr", "GLD", FRIDAY), known_path(tmp_path, "simulator", "SPY", FRIDAY)
    for path in (friday, other, simulated, monday):
        KNOWN.write(path)
    assert [path.exists() for path in (friday, other, simulated, monday)] == [False, True, True, True]
    assert sorted(path.name for path in monday.parent.iterdir()) == [monday.name]


def test_where_nothing_was_written_nothing_is_known(tmp_path):
    assert Known.read(known_path(tmp_path, "ibkr", "SPY", FRIDAY)) == Known()


def test_messages_are_counted_in_a_window_that_slides():
    pacing = Pacing(2)
    assert [pacing.allows(now, lag=0.0) for now in (0.0, 0.1, 0.8, 1.05)] == [True, True, False, True]


def test_messages_read_late_are_not_held_against_the_client():
    pacing, lag = Pacing(40), Lag()
    assert all(pacing.allows(0.85, lag.until(0.85)) for _ in range(40))  # sent at 0, read after a pause
    lag.note(0.86, 0.85)
    assert all(pacing.allows(1.0, lag.until(1.0)) for _ in range(40))
    assert not pacing.allows(1.0, lag=0.0)
    assert lag.until(2.0) == 0.0


def test_bars_are_given_sixty_times_in_ten_minutes_and_no_request_twice_in_15_seconds():
    pacing = HistoricalPacing()
    assert pacing.allows(0.0, ("a",))
    assert not pacing.allows(14.0, ("a",))
    assert pacing.allows(16.0, ("a",))
    assert all(pacing.allows(20.0 + number, (str(number),)) for number in range(58))
    assert not pacing.allows(100.0, ("b",))
    assert pacing.allows(601.0, ("b",))
