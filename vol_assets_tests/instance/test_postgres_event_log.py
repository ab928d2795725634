"""The event log of deploy/dagster.yaml, on a real PostgreSQL."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from vol_assets.instance.postgres_event_log import PostgresEventLog

DAGSTER_YAML = Path(__file__).parents[2] / "deploy" / "dagster.yaml"
DAYS = dg.DailyPartitionsDefinition("2026-01-01", end_date="2026-01-21")
KEY = dg.AssetKey(["range", "asset"])


@dg.asset(
    key=KEY,
    partitions_def=DAYS,
    backfill_policy=dg.BackfillPolicy.single_run(),
    check_specs=[dg.AssetCheckSpec("sound", asset=KEY)],
)
def range_asset() -> dg.MaterializeResult:
    return dg.MaterializeResult(check_results=[dg.AssetCheckResult(passed=True)])


@pytest.fixture
def instance(postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    dagster = {"DAGSTER_HOME": str(tmp_path), "DAGSTER_EVENT_BATCH_SIZE": "1000"}
    for name, value in {**postgres.environment, **dagster}.items():
        monkeypatch.setenv(name, value)
    shutil.copy(DAGSTER_YAML, tmp_path)
    with dg.DagsterInstance.get() as instance:
        yield instance


def test_a_range_run_plans_each_check_once_and_records_every_partition(instance: dg.DagsterInstance, postgres):
    days = DAYS.get_partition_keys()
    tags = {"dagster/asset_partition_range_start": days[0], "dagster/asset_partition_range_end": days[-1]}

    result = dg.materialize([range_asset], instance=instance, tags=tags)

    assert isinstance(instance.event_log_storage, PostgresEventLog)
    assert len(days) == 20
    assert result.success
    assert instance.get_materialized_partitions(KEY) == set(days)
    checks = postgres.execute(
        "dagster",
        f"SELECT check_name, execution_status, partition FROM asset_check_executions WHERE run_id = '{result.run_id}'",
    )
    assert checks == [("sound", "SUCCEEDED", None)]
