"""A range of sessions, the same sessions one by one, and the same again: what the lake holds is the same."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pandas as pd
import pytest
from code_location import BARS, CHAIN, CodeLocation, files

from vol_assets import clock
from vol_assets.contracts import CURATED_MARKET, FEATURES_HAR, FEATURES_L1, RAW_MARKET

# Over Thanksgiving 2018 and the half day after it.
FIRST, LAST = "2018-11-21", "2018-11-27"
HISTORY = str(clock.offset(FIRST, -60)), "2018-11-20"
SESSIONS = [str(session) for session in clock.sessions(FIRST, LAST)]
DERIVED = (CURATED_MARKET, FEATURES_L1, FEATURES_HAR)


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
def daily(ranged: CodeLocation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[CodeLocation]:
    """The same history, and then a run a session."""
    folder = tmp_path_factory.mktemp("daily")
    shutil.copytree(ranged.settings.data.with_name("history") / "lake", folder / "lake")
    with CodeLocation.over(folder) as location:
        for session in SESSIONS:
            assert location.run(CHAIN, session).success
        yield location


def test_a_range_run_leaves_the_files_that_daily_runs_leave(ranged: CodeLocation, daily: CodeLocation):
    assert SESSIONS == ["2018-11-21", "2018-11-23", "2018-11-26", "2018-11-27"]
    for contract in DERIVED:
        one, many = ({day: content for day, (_, content) in files(each.lake, contract).items()} for each in (ranged, daily))
        assert set(SESSIONS) <= set(one), contract.name
        assert one == many, contract.name
    one, many = (each.read(RAW_MARKET, HISTORY[0], LAST).drop(columns="fetched_at") for each in (ranged, daily))
    assert len(one) == 9 * 64
    pd.testing.assert_frame_equal(one, many, check_exact=True)


def test_daily_and_range_runs_record_the_same_sessions(ranged: CodeLocation, daily: CodeLocation):
    for table in CHAIN.split(","):
        assert daily.recorded(table) == set(SESSIONS)
        assert ranged.recorded(table) - set(SESSIONS) == (set() if "features" in table else ranged.recorded(table) - set(SESSIONS))
        assert ranged.recorded(table) >= set(SESSIONS)


def test_features_with_their_whole_history_are_complete(ranged: CodeLocation):
    assert ranged.read(FEATURES_L1, FIRST, LAST).notna().all(axis=None)
    assert ranged.read(FEATURES_HAR, FIRST, LAST).notna().all(axis=None)


def test_the_same_run_again_leaves_raw_untouched_and_the_rest_equal_to_the_byte(ranged: CodeLocation):
    raw, derived = files(ranged.lake, RAW_MARKET), {c: files(ranged.lake, c) for c in DERIVED}

    again = ranged.run(CHAIN, FIRST, LAST)

    assert again.success
    assert files(ranged.lake, RAW_MARKET) == raw
    assert f"raw/market {FIRST} ... {LAST}: 4 unchanged" in again.lines
    assert again.metadata("raw/market")["sessions written"] == 0
    for contract, before in derived.items():
        after = files(ranged.lake, contract)
        assert {day: content for day, (_, content) in after.items()} == {d: c for d, (_, c) in before.items()}
