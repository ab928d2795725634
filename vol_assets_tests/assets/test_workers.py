"""One function over many sessions: in order whoever works, lazily, and a failure is the caller's to see."""

from __future__ import annotations

import math
import operator
import os
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from vol_assets import clock
from vol_assets.assets import workers
from vol_assets.assets.workers import BLOCK_SESSIONS, BLOCKS_AHEAD, FROM_SESSIONS, MAX_WORKERS, in_order
from vol_assets.contracts.market import CURATED_MARKET
from vol_assets.curation.bars import curate
from vol_assets.curation.raw import raw_bars
from vol_assets.errors import SessionError, VolAssetsError
from vol_assets.lake import Lake, Stored
from vol_assets.sources import SYMBOLS
from vol_assets.sources.sample import SampleMarket

LONG = 10 * FROM_SESSIONS + 1


def pairs(count: int) -> Iterator[tuple[int, int]]:
    return ((number, number % 7) for number in range(count))


@pytest.fixture(autouse=True)
def two_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers, on a machine with one core too."""
    monkeypatch.setattr(workers, "_workers", lambda: 2)


@pytest.mark.parametrize("count", [0, 1, FROM_SESSIONS - 1, FROM_SESSIONS, LONG])
def test_a_range_of_any_length_has_its_answers_in_order(count: int):
    assert list(in_order(operator.pow, pairs(count), count)) == [a**b for a, b in pairs(count)]


def test_short_ranges_are_worked_on_here_and_long_ones_by_others():
    assert set(in_order(os.getpid, ((),) * 3, 3)) == {os.getpid()}
    there = set(in_order(os.getpid, ((),) * LONG, LONG))
    assert 1 <= len(there) <= MAX_WORKERS
    assert os.getpid() not in there


def test_what_takes_seconds_is_sent_one_by_one_and_sooner():
    few = FROM_SESSIONS // BLOCK_SESSIONS
    assert set(in_order(os.getpid, ((),) * (few - 1), few - 1, block=1)) == {os.getpid()}
    there = set(in_order(os.getpid, ((),) * few, few, block=1))
    assert os.getpid() not in there
    assert list(in_order(operator.pow, pairs(LONG), LONG, block=1)) == [a**b for a, b in pairs(LONG)]


def test_the_same_workers_serve_one_range_after_the_other():
    workers._pool.cache_clear()
    one, other = (set(in_order(os.getpid, ((),) * LONG, LONG)) for _ in range(2))
    assert len(one | other) <= 2


@pytest.mark.parametrize("count", [2, FROM_SESSIONS])
def test_a_stored_session_is_read_where_it_is_worked_on_and_has_no_row_where_there_is_none(tmp_path: Path, count: int):
    lake = Lake(tmp_path / "lake", "sample")
    days = clock.sessions("2024-01-02", "2024-02-29")[:count]
    bars = curate(raw_bars(SampleMarket().daily_bars(SYMBOLS, days[0], days[-1]), "sample"))
    lake.write(CURATED_MARKET, bars[bars["date"] != pd.Timestamp(days[0])])
    stored = Stored.sessions(lake, CURATED_MARKET, days, ("symbol", "close"))
    found = list(in_order(pd.DataFrame.copy, zip(stored), count))
    assert [len(rows) for rows in found] == [0] + [len(SYMBOLS)] * (count - 1)
    for day, rows in zip(days[1:], found[1:], strict=True):
        pd.testing.assert_frame_equal(rows, lake.read(CURATED_MARKET, day, day, ["symbol", "close"]))


def test_few_sessions_are_taken_ahead_of_those_answered():
    taken = []

    def noting() -> Iterator[tuple[float]]:
        for number in range(LONG):
            taken.append(number)
            yield (float(number),)

    answers = in_order(math.sqrt, noting(), LONG)
    assert taken == []
    next(answers)
    assert len(taken) <= MAX_WORKERS * BLOCKS_AHEAD * BLOCK_SESSIONS < LONG
    answers.close()
    assert list(in_order(math.sqrt, ((4.0,),) * LONG, LONG)) == [2.0] * LONG  # what was left undone is in nobody's way


@pytest.mark.parametrize("count", [3, LONG])
def test_an_exception_comes_as_itself_after_the_answers_before_it(count: int):
    days = ["2024-07-03"] * (count - 1) + ["2024-07-04"]
    answers = in_order(clock.require_session, ((day,) for day in days), count)
    with pytest.raises(SessionError, match=r"^2024-07-04 is no XNYS session \(July 4th\)"):
        for number, answer in enumerate(answers):
            assert str(answer) == days[number]
    assert list(in_order(operator.neg, ((number,) for number in range(LONG)), LONG))[-1] == 1 - LONG


def test_a_worker_that_dies_is_told_with_what_to_do_and_the_next_range_has_new_ones():
    with pytest.raises(VolAssetsError, match="a worker process died.*run a shorter range"):
        list(in_order(os._exit, ((9,),) * LONG, LONG))
    assert sum(in_order(operator.mul, pairs(LONG), LONG)) == sum(a * b for a, b in pairs(LONG))
