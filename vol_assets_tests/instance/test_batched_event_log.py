"""The batched event log leaves the rows the stock storage leaves, and knows what it does not know."""

import random
import sqlite3
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.definitions.asset_checks.asset_check_evaluation import AssetCheckEvaluationPlanned
from dagster._core.definitions.events import AssetKey, AssetMaterialization, AssetObservation
from dagster._core.events import (
    AssetMaterializationPlannedData,
    AssetObservationData,
    DagsterEvent,
    DagsterEventType,
    StepMaterializationData,
)
from dagster._core.events.log import EventLogEntry
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage

from vol_assets.instance.batched_event_log import BatchedSqliteEventLogStorage
from vol_assets.instance.partial import record_sessions

DAYS = dg.DailyPartitionsDefinition("2024-01-01", end_date="2024-01-11")
KEYS = (AssetKey(["raw", "market"]), AssetKey(["features", "l1"]))
MATERIALIZATION, OBSERVATION = DagsterEventType.ASSET_MATERIALIZATION, DagsterEventType.ASSET_OBSERVATION
PLANNED = DagsterEventType.ASSET_MATERIALIZATION_PLANNED

clock_of_events = iter(range(1_700_000_000, 1_800_000_000))


def entry(kind: DagsterEventType | None, data=None, run: str = "run-1") -> EventLogEntry:
    """An event as a run would log it, a second after the one before; without a kind, a line of a log."""
    event = DagsterEvent(kind.value, "a_job", step_key="step", event_specific_data=data) if kind else None
    return EventLogEntry(
        error_info=None,
        user_message="said",
        level=20,
        run_id=run,
        timestamp=float(next(clock_of_events)),
        step_key="step",
        job_name="a_job",
        dagster_event=event,
    )


def materialized(key=KEYS[0], day: str | None = "2024-01-02", run: str = "run-1", **tags: str) -> EventLogEntry:
    materialization = AssetMaterialization(key, partition=day, metadata={"rows": 9}, tags=tags)
    return entry(MATERIALIZATION, StepMaterializationData(materialization, []), run)


def observed(key=KEYS[0], day: str | None = "2024-01-02", run: str = "run-1", **tags: str) -> EventLogEntry:
    return entry(OBSERVATION, AssetObservationData(AssetObservation(key, partition=day, tags=tags)), run)


def planned(key=KEYS[0], day: str | None = "2024-01-02", run: str = "run-1") -> EventLogEntry:
    return entry(PLANNED, AssetMaterializationPlannedData(key, partition=day), run)


def tables(folder: Path) -> dict[str, list[tuple]]:
    """Every row of every table of every database of a storage, but for when the database was made."""
    found = {}
    for path in sorted(folder.glob("*.db")):
        connection = sqlite3.connect(path)
        names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in names:
            columns = [column[1] for column in connection.execute(f"PRAGMA table_info({table})")]
            kept = [column for column in columns if column not in ("create_timestamp", "migration_completed")]
            quoted = ", ".join(f'"{column}"' for column in kept)
            rows = connection.execute(f"SELECT {quoted} FROM {table} ORDER BY 1").fetchall()
            found[f"{path.name} {table}"] = rows
        connection.close()
    return found


@pytest.fixture(scope="module", autouse=True)
def batches():
    """Dagster sends batches, and what opening a storage does to the environment is undone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DAGSTER_EVENT_BATCH_SIZE", "1000")
        yield


def two_storages(folder: Path):
    """The stock storage and ours, each in a folder of its own."""
    storages = SqliteEventLogStorage(str(folder / "stock")), BatchedSqliteEventLogStorage(str(folder / "ours"))
    yield storages
    for storage in storages:
        storage.dispose()


@pytest.fixture
def both(tmp_path):
    yield from two_storages(tmp_path)


@pytest.fixture(scope="module")
def filling(tmp_path_factory):
    """The same for tests that add to what others left: making storages is most of their time."""
    yield from two_storages(tmp_path_factory.mktemp("filling"))


@pytest.fixture
def ours(both):
    return both[1]


def assert_same_rows(both, batches: list[list[EventLogEntry]]) -> dict[str, list[tuple]]:
    stock, ours = both
    for batch in batches:
        for event in batch:
            stock.store_event(event)
        ours.store_event_batch(batch)
    left, right = tables(Path(stock._base_dir)), tables(Path(ours._base_dir))
    assert left.keys() == right.keys()
    for name in left:
        assert left[name] == right[name], name
    return right


def stored_singly(ours, monkeypatch, batch) -> int:
    """How many events of a batch were stored one by one, the stock way."""
    singly = []
    real = type(ours).store_event
    monkeypatch.setattr(type(ours), "store_event", lambda self, event: (singly.append(event), real(self, event)))
    ours.store_event_batch(batch)
    return len(singly)


# ---------------------------------------------------------------------- rows equal to the stock storage's


def test_a_range_of_materializations_leaves_the_rows_of_the_stock_storage(both, monkeypatch):
    days = DAYS.get_partition_keys()
    rows = assert_same_rows(
        both,
        [
            [planned(day=day) for day in days],
            [materialized(day=day, source="sample", quality=day[-1]) for day in days],
            [materialized(KEYS[1], day=day, run="run-2") for day in days],
        ],
    )
    assert len(rows["run-1.db event_logs"]) == 2 * len(days)
    assert len(rows["index.db event_logs"]) == 3 * len(days)
    assert len(rows["index.db asset_keys"]) == 2


def test_tags_are_indexed_as_the_stock_storage_indexes_them(both):
    tagged = [materialized(day=day, **{"dagster/partition/day": day}) for day in DAYS.get_partition_keys()[:4]]
    rows = assert_same_rows(both, [tagged, [observed(day=None, **{"dagster/data_version": "3"})]])
    stock, ours = both
    assert ours.has_table("asset_event_tags")
    assert rows["index.db asset_event_tags"] == tables(Path(stock._base_dir))["index.db asset_event_tags"]


@pytest.mark.parametrize(
    "batch",
    [
        [materialized(), observed()],
        [materialized(), planned(run="run-1")],
        [observed(), materialized(day=None), observed()],
        [planned(), observed(KEYS[1]), materialized(KEYS[1]), planned(KEYS[1]), materialized()],
    ],
    ids=lambda batch: "-".join(event.dagster_event_type.name.split("_", 1)[1].lower() for event in batch),
)
def test_the_last_materialization_of_an_asset_is_known_whatever_follows_it_in_the_batch(filling, batch):
    """A materialization, a plan and an observation write different columns of the asset's row."""
    assert_same_rows(filling, [batch])
    last = [event for event in batch if event.dagster_event_type == MATERIALIZATION][-1]
    key = last.dagster_event.asset_key
    assert filling[1].get_latest_materialization_events([key]) == {key: last}


def test_any_mixture_of_batches_leaves_the_rows_of_the_stock_storage(both):
    draw = random.Random(11)
    kinds = (materialized, observed, planned)

    def some_batch() -> list[EventLogEntry]:
        run, size = draw.choice(("run-1", "run-2", "run-3")), draw.randint(1, 8)
        days = (None, *DAYS.get_partition_keys()[:3])
        return [draw.choice(kinds)(draw.choice(KEYS), draw.choice(days), run) for _ in range(size)]

    rows = assert_same_rows(both, [some_batch() for _ in range(16)])
    assert len(rows["index.db event_logs"]) > 50


def test_events_are_found_by_the_storages_own_queries(ours):
    days = DAYS.get_partition_keys()
    ours.store_event_batch([materialized(day=day) for day in days])
    assert ours.get_materialized_partitions(KEYS[0]) == set(days)
    (latest,) = ours.get_latest_materialization_events([KEYS[0]]).values()
    assert latest.dagster_event.partition == days[-1]
    assert len(ours.get_logs_for_run("run-1")) == len(days)
    records = ours.fetch_materializations(KEYS[0], limit=5).records
    assert [record.partition_key for record in records] == days[:-6:-1]


# ---------------------------------------------------------------------- what it does not know takes the stock way


def check_planned(run: str = "run-1", key=KEYS[0]) -> EventLogEntry:
    plan = AssetCheckEvaluationPlanned(asset_key=key, check_name="sound")
    return entry(DagsterEventType.ASSET_CHECK_EVALUATION_PLANNED, plan, run)


@pytest.mark.parametrize(
    ("batch", "singly"),
    [
        ([planned(), planned(day="2024-01-03")], 0),
        ([materialized(), observed()], 0),
        ([materialized(), materialized(run="run-2"), materialized()], 0),  # two runs have two databases
        ([materialized(run=""), materialized(run="")], 2),  # reported from outside a run
        ([materialized(), entry(DagsterEventType.STEP_START), materialized(KEYS[1])], 1),
        ([materialized(), entry(None)], 1),  # a line of a log
        ([planned(), check_planned(), check_planned("run-2"), planned(KEYS[1]), check_planned(key=KEYS[1])], 3),
        ([], 0),
    ],
    ids=["plans", "known kinds", "two runs", "runless", "unknown kind", "log line", "plans of checks", "nothing"],
)
def test_what_is_not_an_asset_event_of_a_run_is_stored_the_stock_way_in_its_place(filling, monkeypatch, batch, singly):
    stock, ours = filling
    for event in batch:
        stock.store_event(event)
    assert stored_singly(ours, monkeypatch, batch) == singly
    assert tables(Path(stock._base_dir)) == tables(Path(ours._base_dir))


# ---------------------------------------------------------------------- configuration


def test_the_storage_lies_in_dagster_home_unless_it_is_told_where(tmp_path, monkeypatch):
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    at_home = BatchedSqliteEventLogStorage.from_config_value(None, {})
    elsewhere = BatchedSqliteEventLogStorage.from_config_value(None, {"base_dir": str(tmp_path / "other")})
    assert Path(at_home._base_dir) == tmp_path / "history"
    assert Path(elsewhere._base_dir) == tmp_path / "other"


def test_opening_the_storage_makes_dagster_send_batches_unless_somebody_said_otherwise(tmp_path, monkeypatch):
    import os

    monkeypatch.setenv("DAGSTER_EVENT_BATCH_SIZE", "7")
    BatchedSqliteEventLogStorage(str(tmp_path / "one"))
    assert os.environ["DAGSTER_EVENT_BATCH_SIZE"] == "7"
    monkeypatch.delenv("DAGSTER_EVENT_BATCH_SIZE")
    BatchedSqliteEventLogStorage(str(tmp_path / "two"))
    assert os.environ["DAGSTER_EVENT_BATCH_SIZE"] == "1000"


# ---------------------------------------------------------------------- real runs


CHECKED = AssetKey(["features", "l1"])


@dg.asset(
    key=CHECKED,
    partitions_def=DAYS,
    backfill_policy=dg.BackfillPolicy.single_run(),
    check_specs=[dg.AssetCheckSpec("sound", asset=CHECKED), dg.AssetCheckSpec("odd", asset=CHECKED)],
)
def range_asset() -> dg.MaterializeResult:
    results = [
        dg.AssetCheckResult(check_name="sound", passed=True),
        dg.AssetCheckResult(check_name="odd", passed=False, severity=dg.AssetCheckSeverity.WARN),
    ]
    return dg.MaterializeResult(check_results=results)


@pytest.fixture
def instance(tmp_path):
    """An instance as dagster.yaml makes it, with our storage."""
    storage = {"module": "vol_assets.instance.batched_event_log", "class": "BatchedSqliteEventLogStorage"}
    base_dir = {"config": {"base_dir": str(tmp_path / "history")}}
    with dg.DagsterInstance.local_temp(str(tmp_path), overrides={"event_log_storage": {**storage, **base_dir}}) as made:
        assert isinstance(made.event_log_storage, BatchedSqliteEventLogStorage)
        yield made


def range_tags(first: str, last: str) -> dict[str, str]:
    return {"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last}


def check_rows(instance, run_id: str) -> list[tuple]:
    connection = sqlite3.connect(Path(instance.event_log_storage._base_dir) / "index.db")
    rows = connection.execute(
        "SELECT check_name, execution_status, partition FROM asset_check_executions WHERE run_id = ? ORDER BY 1",
        (run_id,),
    ).fetchall()
    connection.close()
    return rows


def test_a_range_run_stores_no_session_on_its_own(instance, monkeypatch):
    singly = []
    real = BatchedSqliteEventLogStorage.store_event
    monkeypatch.setattr(
        BatchedSqliteEventLogStorage,
        "store_event",
        lambda self, event: (singly.append(event.dagster_event_type), real(self, event)),
    )
    days = DAYS.get_partition_keys()
    assert dg.materialize([range_asset], instance=instance, tags=range_tags(days[0], days[-1])).success
    assert not {PLANNED, MATERIALIZATION} & set(singly)
    assert DagsterEventType.STEP_START in singly  # this does see single events
    assert instance.get_materialized_partitions(CHECKED) == set(days)


def test_a_range_run_plans_each_check_once_and_its_evaluation_updates_that_row(instance):
    days = DAYS.get_partition_keys()
    result = dg.materialize([range_asset], instance=instance, tags=range_tags(days[0], days[-1]))
    assert check_rows(instance, result.run_id) == [("odd", "FAILED", None), ("sound", "SUCCEEDED", None)]


def test_a_check_planned_for_a_range_is_one_row_until_it_is_evaluated(both):
    stock, ours = both
    subset = DAYS.subset_with_partition_keys(DAYS.get_partition_keys()).to_serializable_subset()
    plan = AssetCheckEvaluationPlanned(asset_key=CHECKED, check_name="sound", partitions_subset=subset)
    event = entry(DagsterEventType.ASSET_CHECK_EVALUATION_PLANNED, plan)
    for storage in both:
        storage.store_event(event)
    rows = {storage: tables(Path(storage._base_dir))["index.db asset_check_executions"] for storage in both}
    assert len(rows[stock]) == len(DAYS.get_partition_keys())
    assert len(rows[ours]) == 1
    # The stored event is the check's, only without the set of partitions.
    (record,) = ours.get_asset_check_execution_history(dg.AssetCheckKey(CHECKED, "sound"), limit=10)
    assert record.status.value == "PLANNED"
    assert record.event.dagster_event.asset_check_planned_data.partitions_subset is None
    assert record.partition is None


def test_a_one_session_run_leaves_no_check_planned_for_ever(instance):
    result = dg.materialize([range_asset], instance=instance, partition_key="2024-01-02")
    assert check_rows(instance, result.run_id) == [("odd", "FAILED", None), ("sound", "SUCCEEDED", None)]


def test_the_good_sessions_of_a_step_that_then_fails_are_recorded(instance):
    days = DAYS.get_partition_keys()[:5]

    @dg.asset(partitions_def=DAYS, backfill_policy=dg.BackfillPolicy.single_run())
    def partly_good(context: dg.AssetExecutionContext) -> None:
        record_sessions(context, context.partition_keys[:3], {"rows": 9})
        raise dg.Failure("two of five sessions refused")

    result = dg.materialize([partly_good], instance=instance, tags=range_tags(days[0], days[-1]), raise_on_error=False)
    assert not result.success
    assert instance.get_materialized_partitions(AssetKey("partly_good")) == set(days[:3])
    latest = instance.get_latest_materialization_event(AssetKey("partly_good"))
    assert latest.asset_materialization.partition == days[2]
    assert latest.asset_materialization.metadata["rows"].value == 9
