"""A range of sessions, the same sessions one by one, and the same again: what the lake holds is the same."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from code_location import BARS, CHAIN, CodeLocation, Ran, files

from vol_assets import clock
from vol_assets.contracts import CURATED_MARKET, FEATURES_HAR, FEATURES_IMPLIED, FEATURES_L1, RAW_MARKET
from vol_assets.sources import SYMBOLS

# Over Thanksgiving 2018 and the half day after it.
FIRST, LAST = "2018-11-21", "2018-11-26"
HISTORY = str(clock.offset(FIRST, -60)), "2018-11-20"
SESSIONS = [str(session) for session in clock.sessions(FIRST, LAST)]
DERIVED = (CURATED_MARKET, FEATURES_L1, FEATURES_HAR, FEATURES_IMPLIED)


@pytest.fixture(scope="module")
def ranged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CodeLocation]:
    """A lake with the sixty sessions before FIRST, and then FIRST ... LAST in one run."""
    folder = tmp_path_factory.mktemp("ranged")
    with CodeLocation.over(folder) as location:
        assert location.run(BARS, *HISTORY).success
        shutil.copytree(location.settings.lake, folder.with_name("history") / "lake")
        assert location.run(CHAIN, FIRST, LAST).success
        yield location


@pytest.fixture(scope="module")
def runs(ranged: CodeLocation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[CodeLocation, list[Ran]]]:
    """The same history, and then a run a session."""
    folder = tmp_path_factory.mktemp("daily")
    shutil.copytree(ranged.settings.data.with_name("history") / "lake", folder / "lake")
    with CodeLocation.over(folder) as location:
        runs = [location.run(CHAIN, session) for session in SESSIONS]
        assert all(run.success for run in runs)
        yield location, runs


@pytest.fixture(scope="module")
def daily(runs: tuple[CodeLocation, list[Ran]]) -> CodeLocation:
    return runs[0]


def contents(location: CodeLocation) -> dict[str, dict[str, bytes]]:
    """The bytes of every derived file, by table and session."""
    return {c.name: {day: held for day, (_, held) in files(location.lake, c).items()} for c in DERIVED}


def test_a_range_run_leaves_the_files_that_daily_runs_leave(ranged: CodeLocation, daily: CodeLocation):
    assert SESSIONS == ["2018-11-21", "2018-11-23", "2018-11-26"]
    assert [list(held)[-3:] for held in contents(ranged).values()] == [SESSIONS] * 4
    assert contents(ranged) == contents(daily)
    one, many = (each.read(RAW_MARKET, HISTORY[0], LAST).drop(columns="fetched_at") for each in (ranged, daily))
    assert len(one) == len(SYMBOLS) * 63
    pd.testing.assert_frame_equal(one, many, check_exact=True)


def test_daily_and_range_runs_record_the_same_sessions(ranged: CodeLocation, daily: CodeLocation):
    history = {str(session) for session in clock.sessions(*HISTORY)}
    for table in CHAIN.split(","):
        assert daily.recorded(table) == set(SESSIONS)
        assert ranged.recorded(table) - history == set(SESSIONS)


def test_features_with_their_whole_history_are_complete(ranged: CodeLocation):
    for table in (FEATURES_L1, FEATURES_HAR, FEATURES_IMPLIED):
        assert ranged.read(table, FIRST, LAST).notna().all(axis=None)


def test_sessions_before_the_first_of_an_index_are_complete_and_have_null_rows_without_a_warning(tmp_path: Path):
    """VIX9D begins on 2011-01-03."""
    with CodeLocation.over(tmp_path) as location:
        ran = location.run(f"{BARS},features/implied", "2010-12-29", "2011-01-05")
        assert ran.success, ran.lines
        for table, check in (("raw/market", "complete"), ("curated/market", "flags"), ("features/implied", "no_gaps")):
            assert ran.check(table, check).passed, table
        implied = location.read(FEATURES_IMPLIED, "2010-12-29", "2011-01-05").set_index("date")
        assert implied.notna().all(axis=1).tolist() == implied.notna().any(axis=1).tolist() == [False] * 3 + [True] * 3
        flags = location.read(CURATED_MARKET, "2010-12-31", "2011-01-03").set_index(["symbol", "date"])["quality_flags"]
        assert flags["VIX9D"].tolist() == ["missing_symbol", "no_previous_close"]


def test_a_lake_with_one_session_of_features_has_no_picture_of_them_yet(runs: tuple[CodeLocation, list[Ran]]):
    first, second, *_ = runs[1]
    assert "over time" not in first.metadata("features/l1")
    assert second.metadata("features/l1")["over time"].startswith("![picture](data:image/png;base64,")


def test_the_same_run_again_leaves_raw_untouched_and_the_rest_equal_to_the_byte(ranged: CodeLocation):
    raw, derived = files(ranged.lake, RAW_MARKET), contents(ranged)

    again = ranged.run(CHAIN, FIRST, LAST)

    assert again.success
    assert files(ranged.lake, RAW_MARKET) == raw  # when they were written, too
    assert contents(ranged) == derived
    assert f"raw/market {FIRST} ... {LAST}: 3 unchanged" in again.lines
    assert again.metadata("raw/market")["sessions written"] == 0
    assert again.metadata("raw/market")["stored sessions that changed"] == 0
    assert ranged.recorded("raw/market") >= set(SESSIONS)
