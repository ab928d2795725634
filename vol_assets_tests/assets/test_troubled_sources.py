"""What a source gets wrong today must not undo what it got right before, nor block what does not need it."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from code_location import BARS, CHAIN, CodeLocation, DropFolder

from vol_assets import clock
from vol_assets.automation.schedules import refetch_from
from vol_assets.contracts import CURATED_MARKET, FEATURES_HAR, FEATURES_IMPLIED, RAW_MARKET

DAYS = clock.sessions("2018-03-01", "2018-04-30")
BAD, AFTER, LAST = DAYS[-8], DAYS[-7], DAYS[-1]


@pytest.fixture
def loaded(tmp_path: Path) -> Iterator[tuple[CodeLocation, DropFolder]]:
    """Two months from a drop folder, in the lake up to the HAR block."""
    drop = DropFolder(tmp_path / "drop", DAYS[0], LAST)
    drop.save()
    with CodeLocation.over(tmp_path / "data", source="files", drop=drop.folder) as location:
        assert location.run(CHAIN, DAYS[0], LAST).success
        yield location, drop


def spy_return(location: CodeLocation, session: dt.date) -> float:
    bars = location.read(CURATED_MARKET, session, session)
    return bars.loc[bars["symbol"] == "SPY", "log_return"].iloc[0]


def test_a_bar_lost_by_the_vendor_takes_nothing_from_what_is_stored(loaded: tuple[CodeLocation, DropFolder]):
    location, drop = loaded
    before = {session: spy_return(location, session) for session in (BAD, AFTER)}
    drop.prices["SPY"] = drop.prices["SPY"].drop(index=BAD)
    drop.save()
    ran = location.run(CHAIN, BAD, LAST)
    assert ran.success, ran.lines
    assert "1 stored bars that files no longer has were kept" in ran.lines
    assert {session: spy_return(location, session) for session in (BAD, AFTER)} == pytest.approx(before, abs=1e-9)
    assert location.read(FEATURES_HAR, BAD, LAST).notna().all(axis=None)


def test_a_session_whose_return_is_missing_is_named_by_the_check_and_healed_by_the_schedule(tmp_path: Path):
    """The gap was mended, but only its own session was fetched again."""
    drop = DropFolder(tmp_path / "drop", DAYS[0], LAST)
    whole = drop.prices["SPY"]
    drop.prices["SPY"] = whole.drop(index=BAD)
    drop.save()
    with CodeLocation.over(tmp_path / "data", source="files", drop=drop.folder) as location:
        location.run(BARS, DAYS[0], LAST)
        drop.prices["SPY"] = whole
        drop.save()
        assert location.run(BARS, BAD).success
        assert np.isnan(spy_return(location, AFTER))
        location.run("curated/market", AFTER, LAST)
        ran = location.run("features/har", AFTER, LAST)
        check = ran.check("features/har", "no_gaps")
        assert not check.passed
        assert check.metadata["sessions without bars or returns"].value == str(AFTER)
        assert f"features/har: 7 null rows, for want of bars or returns on {AFTER}" in ran.lines
        assert refetch_from(location.lake, clock.offset(LAST, 1)) <= AFTER
        assert location.run(CHAIN, BAD, LAST).success
        assert location.read(FEATURES_HAR, AFTER, LAST).notna().all(axis=None)


@pytest.mark.parametrize(("symbol", "cell"), [("IRX", ""), ("GVZ", "-"), ("GC=F", "n/a?"), ("VVIX", "x")])
def test_an_odd_row_of_an_optional_symbol_is_left_out_by_name_and_blocks_nothing(
    loaded: tuple[CodeLocation, DropFolder], symbol: str, cell: str
):
    location, drop = loaded
    drop.prices[symbol].loc[LAST, "close"] = cell
    drop.save()
    location.lake.path(RAW_MARKET, LAST).unlink()
    ran = location.run(CHAIN, LAST)
    assert ran.success, ran.lines
    assert f"{LAST} {symbol} left out" in ran.lines
    bars = location.read(CURATED_MARKET, LAST, LAST).set_index("symbol")
    assert "missing_symbol" in bars.loc[symbol, "quality_flags"]
    assert bars.loc["IRX", "close"] > 0  # its own, or carried


@pytest.mark.parametrize(("close", "flag"), [("", "missing_symbol"), (15.71, "implausible_level")])
def test_a_lapse_of_an_optional_index_costs_one_row_of_implied_features_and_is_named(
    tmp_path: Path, close: object, flag: str
):
    drop = DropFolder(tmp_path / "drop", DAYS[0], LAST)
    drop.prices["VVIX"].loc[BAD, "close"] = close
    drop.save()
    with CodeLocation.over(tmp_path / "data", source="files", drop=drop.folder) as location:
        assert location.run(BARS, DAYS[0], DAYS[-9]).success
        for span in ((BAD, None), (BAD, LAST)):  # alone, on its evening, and in a range
            ran = location.run(f"{BARS},features/implied", *span)
            assert ran.success, ran.lines
            check = ran.check("features/implied", "no_gaps")
            assert not check.passed
            assert check.metadata["sessions without bars or returns"].value == str(BAD)
        bars = location.read(CURATED_MARKET, BAD, BAD).set_index("symbol")
        assert flag in bars.loc["VVIX", "quality_flags"]
        implied = location.read(FEATURES_IMPLIED, BAD, LAST).set_index("date")
        assert implied.index[implied.isna().any(axis=1)].date.tolist() == [BAD]
        assert implied.loc[pd.Timestamp(BAD)].isna().all()


def test_an_unreadable_file_of_an_optional_symbol_is_a_note_and_one_of_a_required_symbol_an_error(
    loaded: tuple[CodeLocation, DropFolder],
):
    location, drop = loaded
    (drop.folder / "bars" / "GVZ.csv").write_text("date,close\n")
    assert location.run(BARS, LAST).success
    (drop.folder / "bars" / "TLT.csv").write_text("date,close\n")
    ran = location.run(BARS, LAST)
    assert not ran.success
    assert "TLT.csv" in ran.lines


def test_bars_saved_before_the_close_are_flagged_and_fetched_again(loaded: tuple[CodeLocation, DropFolder]):
    location, drop = loaded
    noon = clock.close_instant(LAST).timestamp() - 4 * 3600
    for path in (drop.folder / "bars").iterdir():
        os.utime(path, (noon, noon))
    assert location.run(BARS, LAST).success
    flags = location.read(CURATED_MARKET, LAST, LAST).set_index("symbol")["quality_flags"]
    assert "unfinished" in flags["SPY"]
    assert refetch_from(location.lake, clock.offset(LAST, 1)) == LAST
