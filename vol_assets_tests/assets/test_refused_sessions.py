"""One bad session among many: the others are written and recorded, the bad one is named and found again."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from pathlib import Path

import dagster as dg
import pytest
from code_location import BARS, CHAIN, CodeLocation, DropFolder, files

from vol_assets import clock
from vol_assets.contracts import CURATED_MARKET, FEATURES_HAR, RAW_MARKET, Contract
from vol_assets.lake import Lake

YEAR = clock.sessions("2017-12-29", "2018-12-31")[:251]  # a session for the first returns, and 250
MONTH = YEAR[:21]
BAD = YEAR[12]


@pytest.fixture
def month(tmp_path: Path) -> Iterator[tuple[CodeLocation, DropFolder]]:
    """An empty lake over a drop folder of twenty sessions, for the test to break."""
    drop = DropFolder(tmp_path / "drop", MONTH[0], MONTH[-1])
    with CodeLocation.over(tmp_path, source="files", drop=drop.folder) as location:
        yield location, drop


class Year:
    """250 sessions of which one is broken, and the run over them."""

    def __init__(self, location: CodeLocation, drop: DropFolder):
        self.location, self.drop = location, drop
        self.sound = drop.prices["SPY"].loc[BAD].copy()
        drop.prices["SPY"].loc[BAD, "high"] = self.sound["low"] - 0.01
        drop.save()
        self.ran = location.run(CHAIN, YEAR[1], YEAR[-1])


@pytest.fixture(scope="module")
def year(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Year]:
    folder = tmp_path_factory.mktemp("year")
    drop = DropFolder(folder / "drop", YEAR[0], YEAR[-1])
    with CodeLocation.over(folder, source="files", drop=drop.folder) as location:
        yield Year(location, drop)


def test_249_of_250_sessions_are_written_and_recorded_and_the_bad_one_is_neither(year: Year):
    location = year.location
    good = {str(session) for session in YEAR[1:] if session != BAD}
    assert len(good) == 249
    assert {str(session) for session in location.lake.sessions(CURATED_MARKET)} == good
    assert location.recorded("curated/market") == good
    assert location.recorded("raw/market") == good | {str(BAD)}  # raw is never judged


def test_the_step_fails_naming_session_symbol_rule_and_value_and_where_the_rest_is(year: Year):
    assert not year.ran.success
    assert year.ran.failed == ["curated__market"]
    high, low = year.sound["low"] - 0.01, year.sound["low"]
    (line,) = [line for line in year.ran.lines.splitlines() if "FAILED" in line]
    assert "curated/market: 1 of 250 sessions refused, the others are written" in line
    assert f"{BAD} SPY high >= max(open, close, low): " in line
    assert f"high {high:g}" in line
    assert f"low {low:g}" in line
    assert str(year.location.settings.lake / "rejects" / "curated" / "market") in line


def test_what_hangs_on_a_failed_table_is_not_made_from_half_of_it(year: Year):
    assert year.ran.started == ["raw__market", "curated__market"]
    assert year.location.recorded("features/l1") == set()


def test_the_rejects_say_which_session_symbol_rule_and_value(year: Year):
    rejects = year.location.lake.read_rejects(CURATED_MARKET)
    assert list(rejects.columns) == ["date", "symbol", "rule", "value"]
    assert {(str(r.date.date()), r.symbol, r.rule) for r in rejects.itertuples()} == {
        (str(BAD), "SPY", "high >= max(open, close, low)"),
        (str(BAD), "SPY", "low <= min(open, close, high)"),
    }
    assert all(f"low {year.sound['low']:g}" in value for value in rejects["value"])


def test_the_contract_check_of_a_run_with_a_refused_session_is_recorded_as_failed(year: Year):
    for table, passed in (("raw/market", True), ("curated/market", False)):
        key = dg.AssetCheckKey(dg.AssetKey(table.split("/")), "contract")
        (record,) = year.location.instance.event_log_storage.get_asset_check_execution_history(key, limit=5)
        assert record.status.value == ("SUCCEEDED" if passed else "FAILED")
        assert year.ran.check(table, "contract").passed is passed
    assert str(BAD) in year.ran.check("curated/market", "contract").metadata["refused"].value


def test_the_ui_shows_249_sessions_green_and_the_refused_one_failed(year: Year):
    from dagster._core.storage.partition_status_cache import get_and_update_asset_status_cache_value

    key = dg.AssetKey(["curated", "market"])
    sessions = year.location.defs.resolve_asset_graph().get(key).partitions_def
    status = get_and_update_asset_status_cache_value(year.location.instance, key, sessions)
    assert status.deserialize_failed_partition_subsets(sessions).get_partition_keys() == [str(BAD)]
    assert len(status.deserialize_materialized_partition_subsets(sessions).get_partition_keys()) == 249


def test_a_refused_session_costs_no_event_a_session_beyond_its_plan_and_its_record(year: Year):
    events = year.ran.events
    assert events.pop("ASSET_MATERIALIZATION_PLANNED") == 5 * 250
    assert events.pop("ASSET_MATERIALIZATION") == 250 + 249
    assert sum(events.values()) < 60, events


def test_after_the_file_is_mended_the_same_run_succeeds_and_clears_the_rejects(year: Year):
    location, drop = year.location, year.drop
    drop.prices["SPY"].loc[BAD] = year.sound
    drop.save()

    again = location.run(CHAIN, YEAR[1], YEAR[-1])

    assert again.success, again.lines
    assert f"warning: raw/market: 1 stored sessions came back different: {BAD}" in again.lines
    assert location.lake.read_rejects(CURATED_MARKET).empty
    assert not list((location.settings.lake / "rejects").rglob("*.parquet"))
    for table, contract in (("curated/market", CURATED_MARKET), ("features/har", FEATURES_HAR)):
        assert location.lake.missing(contract, YEAR[1], YEAR[-1]) == []
        assert location.recorded(table) == {str(session) for session in YEAR[1:]}
    assert again.check("curated/market", "contract").passed


def text_in_a_number(drop: DropFolder) -> None:
    drop.prices["SPY"].loc[BAD, "close"] = "n.a. (see note)"


def no_row_of_a_required_symbol(drop: DropFolder) -> None:
    drop.prices["TLT"] = drop.prices["TLT"].drop(BAD)


def high_below_low(drop: DropFolder) -> None:
    drop.prices["SPY"].loc[BAD, "high"] = drop.prices["SPY"].loc[BAD, "low"] - 0.01


FAULTS = [
    pytest.param(
        text_in_a_number, RAW_MARKET, "SPY", "number", "bars/SPY.csv line 14: close = 'n.a. (see note)'", id="text"
    ),
    pytest.param(
        no_row_of_a_required_symbol, CURATED_MARKET, "TLT", "a close for every required symbol", "", id="symbol"
    ),
    pytest.param(high_below_low, CURATED_MARKET, "SPY", "high >= max", "high ", id="high"),
]


@pytest.mark.parametrize("span", [(MONTH[1], MONTH[-1]), (BAD, None)], ids=["range", "alone"])
@pytest.mark.parametrize(("fault", "refusing", "symbol", "rule", "value"), FAULTS)
def test_each_kind_of_fault_is_refused_alike_in_a_range_and_alone_and_can_be_mended(
    month: tuple[CodeLocation, DropFolder],
    fault: Callable[[DropFolder], None],
    refusing: Contract,
    symbol: str,
    rule: str,
    value: str,
    span: tuple[dt.date, dt.date | None],
):
    location, drop = month
    sound = {name: prices.copy() for name, prices in drop.prices.items()}
    fault(drop)
    drop.save()
    asked = clock.sessions(span[0], span[1] or span[0])
    good = [session for session in asked if session != BAD]

    ran = location.run(BARS, *span)

    assert ran.failed == [refusing.name.replace("/", "__")]
    assert f"{refusing.name}: 1 of {len(asked)} sessions refused" in ran.lines
    assert location.lake.sessions(refusing) == good
    assert location.recorded(refusing.name) == {str(session) for session in good}
    assert not ran.check(refusing.name, "contract").passed
    (reject, *_) = location.lake.read_rejects(refusing).itertuples()
    assert (reject.date.date(), reject.symbol) == (BAD, symbol)
    assert rule in reject.rule
    assert value in reject.value

    drop.prices = sound
    drop.save()
    again = location.run(BARS, *span)

    assert again.success, again.lines
    assert location.lake.sessions(CURATED_MARKET) == asked
    assert location.recorded(refusing.name) == {str(session) for session in asked}
    assert location.lake.read_rejects(refusing).empty


def test_a_range_of_which_nothing_is_good_names_ten_and_writes_none(month: tuple[CodeLocation, DropFolder]):
    location, drop = month
    drop.prices["SPY"]["high"] = drop.prices["SPY"]["low"] - 0.01
    drop.save()

    ran = location.run(BARS, MONTH[1], MONTH[-1])

    assert ran.failed == ["curated__market"]
    assert "curated/market: 20 of 20 sessions refused" in ran.lines
    assert "; and 30 more. All are in " in ran.lines
    assert location.lake.sessions(CURATED_MARKET) == []
    assert location.recorded("curated/market") == set()


def test_a_session_refused_later_keeps_the_good_rows_it_had(month: tuple[CodeLocation, DropFolder]):
    location, drop = month
    drop.save()
    assert location.run(BARS, MONTH[1], MONTH[-1]).success
    before = files(location.lake, CURATED_MARKET)
    high_below_low(drop)
    drop.save()

    assert not location.run(BARS, BAD).success

    assert files(location.lake, CURATED_MARKET) == before
    assert set(location.lake.read_rejects(CURATED_MARKET)["date"].dt.date) == {BAD}


def test_a_refused_raw_session_is_refused_by_name_in_curated_too(month: tuple[CodeLocation, DropFolder]):
    location, drop = month
    text_in_a_number(drop)
    drop.save()
    assert not location.run("raw/market", MONTH[1], MONTH[-1]).success

    ran = location.run("curated/market", MONTH[1], MONTH[-1])

    assert ran.failed == ["curated__market"]
    assert f"{BAD} rows for the session: none came" in ran.lines
    assert len(location.lake.sessions(CURATED_MARKET)) == 19


def test_the_lake_of_a_failed_range_is_what_single_runs_would_have_left(
    month: tuple[CodeLocation, DropFolder], tmp_path: Path
):
    location, drop = month
    high_below_low(drop)
    drop.save()
    location.run(BARS, BAD, MONTH[13])
    with CodeLocation.over(tmp_path / "daily", source="files", drop=drop.folder) as daily:
        for session in MONTH[12:14]:
            daily.run(BARS, session)

        one, many = (
            {day: held for day, (_, held) in files(Lake(each.settings.lake, "files"), CURATED_MARKET).items()}
            for each in (location, daily)
        )
        assert len(one) == 1
        assert one == many
        assert location.recorded("curated/market") == daily.recorded("curated/market")
