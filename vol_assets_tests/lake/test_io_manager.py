"""The lake's IO manager with Dagster's own contexts: sessions, ranges, iterators, and what it must refuse."""

import datetime as dt
from collections.abc import Iterable, Iterator

import dagster as dg
import pandas as pd
import pytest

from vol_assets import clock
from vol_assets.assets.partitions import session_partitions
from vol_assets.contracts.features import FEATURES_HAR
from vol_assets.contracts.forecast import RV_BACKTEST
from vol_assets.errors import LakeError
from vol_assets.lake.io_manager import LakeIOManager

PARTITIONS = session_partitions(dt.date(2024, 5, 1))
FIRST, LAST = dt.date(2024, 6, 17), dt.date(2024, 6, 28)
SESSIONS = clock.sessions(FIRST, LAST)
DAY = SESSIONS[3]
HAR, BACKTEST = dg.AssetKey(FEATURES_HAR.key), dg.AssetKey(RV_BACKTEST.key)


@pytest.fixture(scope="module", autouse=True)
def instance():
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


@pytest.fixture
def manager(lake) -> LakeIOManager:
    return LakeIOManager(lake)


@pytest.fixture
def frame(make_frame) -> pd.DataFrame:
    return make_frame(FEATURES_HAR, str(FIRST), str(LAST), rows=1)


def keys(first: dt.date, last: dt.date | None) -> dict:
    if last is None:
        return {"partition_key": str(first)}
    return {"asset_partition_key_range": dg.PartitionKeyRange(str(first), str(last))}


@pytest.fixture
def output(instance):
    """output(first[, last]) is the context of a run over those sessions."""

    def context(first: dt.date = FIRST, last: dt.date | None = None) -> dg.OutputContext:
        return dg.build_output_context(
            asset_key=HAR, asset_partitions_def=PARTITIONS, instance=instance, **keys(first, last)
        )

    return context


@pytest.fixture
def asking(instance):
    """asking(first[, last, annotation, columns]) is the context of an input over those sessions."""

    def context(first=FIRST, last=None, annotation=pd.DataFrame, columns=None) -> dg.InputContext:
        @dg.op
        def reader(rows: annotation):
            pass

        return dg.build_input_context(
            asset_key=HAR,
            asset_partitions_def=PARTITIONS,
            instance=instance,
            dagster_type=reader.input_dict["rows"].dagster_type,
            definition_metadata={"columns": columns} if columns else {},
            **keys(first, last),
        )

    return context


def same(one: pd.DataFrame, other: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(one.reset_index(drop=True), other.reset_index(drop=True), check_exact=True)


def of(frame: pd.DataFrame, *sessions: dt.date) -> pd.DataFrame:
    return frame[frame["date"].isin(pd.DatetimeIndex(sessions))]


def pairs(frame: pd.DataFrame) -> Iterator[tuple[dt.date, pd.DataFrame]]:
    return ((day.date(), rows) for day, rows in frame.groupby("date"))


def test_one_session_is_stored_and_loaded(manager, output, asking, frame):
    manager.handle_output(output(DAY), of(frame, DAY))
    same(manager.load_input(asking(DAY)), of(frame, DAY))
    assert manager.lake.sessions(FEATURES_HAR) == [DAY]


def test_a_range_is_stored_and_loaded_as_one_frame(manager, output, asking, frame):
    manager.handle_output(output(FIRST, LAST), frame)
    assert manager.lake.sessions(FEATURES_HAR) == SESSIONS
    same(manager.load_input(asking(FIRST, LAST)), frame)
    same(manager.load_input(asking(SESSIONS[1], SESSIONS[4])), of(frame, *SESSIONS[1:5]))


def test_an_iterator_of_sessions_is_stored_like_a_frame(manager, output, asking, frame):
    manager.handle_output(output(FIRST, LAST), pairs(frame))
    same(manager.load_input(asking(FIRST, LAST)), frame)


@pytest.mark.parametrize("annotation", [Iterator, Iterable])
def test_an_input_annotated_as_an_iterator_comes_session_by_session(manager, output, asking, frame, annotation):
    manager.handle_output(output(FIRST, LAST), frame)
    loaded = manager.load_input(asking(FIRST, LAST, annotation))
    assert isinstance(loaded, Iterator)
    loaded = list(loaded)
    assert [session for session, _ in loaded] == SESSIONS
    same(pd.concat([rows for _, rows in loaded]), frame)


@pytest.mark.parametrize("annotation", [pd.DataFrame, Iterator])
def test_the_columns_of_an_inputs_metadata_are_read_alone(manager, output, asking, frame, annotation):
    manager.handle_output(output(FIRST, LAST), frame)
    loaded = manager.load_input(asking(FIRST, LAST, annotation, columns=["log_vix"]))
    if annotation is not pd.DataFrame:
        loaded = pd.concat([rows for _, rows in loaded])
    same(loaded, frame[["date", "log_vix"]])


def test_sessions_nobody_asked_for_are_refused_by_name_and_nothing_is_written(manager, output, frame):
    for stray in (of(frame, *SESSIONS[:3]), pairs(of(frame, *SESSIONS[:3]))):
        with pytest.raises(LakeError) as raised:
            manager.handle_output(output(SESSIONS[0], SESSIONS[1]), stray)
        assert f"holds {SESSIONS[2]}, which the run did not ask for" in str(raised.value)
        assert manager.lake.sessions(FEATURES_HAR) == []


def test_a_session_asked_for_without_rows_is_refused_by_name(manager, output, frame):
    with pytest.raises(LakeError, match=f"holds no rows for {DAY}, which the run asked for"):
        manager.handle_output(output(FIRST, LAST), frame[frame["date"] != pd.Timestamp(DAY)])


def test_many_missing_sessions_are_counted_after_the_first_five(manager, output, frame):
    with pytest.raises(LakeError, match=r"2024-06-17, .*2024-06-24 and 3 more, which the run asked for"):
        manager.handle_output(output(FIRST, LAST), of(frame, LAST))


def test_an_unchanged_session_that_the_lake_holds_need_not_come_again(manager, output, asking, frame):
    manager.lake.write(FEATURES_HAR, of(frame, DAY))
    before = manager.lake.path(FEATURES_HAR, DAY).stat().st_mtime_ns
    manager.handle_output(output(FIRST, LAST), frame[frame["date"] != pd.Timestamp(DAY)])
    same(manager.load_input(asking(FIRST, LAST)), frame)
    assert manager.lake.path(FEATURES_HAR, DAY).stat().st_mtime_ns == before


def test_an_empty_frame_is_fine_when_the_lake_holds_every_session(manager, output, frame):
    manager.lake.write(FEATURES_HAR, frame)
    manager.handle_output(output(FIRST, LAST), frame.iloc[:0])
    manager.handle_output(output(FIRST, LAST), pd.DataFrame(columns=list(frame.columns)))
    same(manager.lake.read(FEATURES_HAR, FIRST, LAST), frame)


def test_wrong_columns_are_refused(manager, output, frame):
    with pytest.raises(LakeError, match="lacks log_vix"):
        manager.handle_output(output(FIRST, LAST), frame.drop(columns="log_vix"))


def test_a_range_with_its_ends_swapped_is_refused(manager, asking, frame):
    manager.lake.write(FEATURES_HAR, frame)
    with pytest.raises(LakeError, match="empty range of sessions; are its ends swapped"):
        manager.load_input(asking(LAST, FIRST))


def test_an_unpartitioned_table_is_stored_loaded_and_projected(manager, make_frame):
    frame = make_frame(RV_BACKTEST, str(FIRST), str(LAST))
    manager.handle_output(dg.build_output_context(asset_key=BACKTEST), frame)
    same(manager.load_input(dg.build_input_context(asset_key=BACKTEST)), frame)
    two = dg.build_input_context(asset_key=BACKTEST, definition_metadata={"columns": ["model", "realised"]})
    same(manager.load_input(two), frame[["model", "realised"]])


def test_an_asset_without_a_contract_is_refused_by_name(manager, frame):
    context = dg.build_output_context(asset_key=["somewhere", "else"])
    with pytest.raises(LakeError, match=r"somewhere/else has no contract; add one to vol_assets\.contracts"):
        manager.handle_output(context, frame)


@pytest.mark.filterwarnings("ignore::dagster.BetaWarning")
def test_a_range_run_of_two_assets_goes_through_the_lake(manager, instance, frame):
    """The whole way once: Dagster asks for a range, the second asset gets it session by session."""
    got = []

    @dg.asset(key=HAR, partitions_def=PARTITIONS, backfill_policy=dg.BackfillPolicy.single_run())
    def har(context) -> pd.DataFrame:
        return of(frame, *[dt.date.fromisoformat(key) for key in context.partition_keys])

    @dg.asset(partitions_def=PARTITIONS, backfill_policy=dg.BackfillPolicy.single_run(), ins={"rows": dg.AssetIn(HAR)})
    def reader(rows: Iterator) -> None:
        got.extend(rows)

    result = dg.materialize(
        [har, reader],
        instance=instance,
        resources={"io_manager": manager},
        tags={
            "dagster/asset_partition_range_start": str(SESSIONS[1]),
            "dagster/asset_partition_range_end": str(SESSIONS[5]),
        },
    )
    assert result.success
    assert [session for session, _ in got] == SESSIONS[1:6]
    same(pd.concat([rows for _, rows in got]), of(frame, *SESSIONS[1:6]))
    assert manager.lake.sessions(FEATURES_HAR) == SESSIONS[1:6]
