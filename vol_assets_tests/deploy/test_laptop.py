"""The files a laptop uses: deploy/dagster.local.yaml and workspace.yaml."""

from __future__ import annotations

import shutil
from pathlib import Path

import dagster as dg
import pytest
import yaml
from dagster._core.workspace.load import location_origins_from_yaml_paths

from vol_assets.assets.live_smile import MAX_RUNTIME
from vol_assets.instance.batched_event_log import BatchedSqliteEventLogStorage

ROOT = Path(__file__).parents[2]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copy(ROOT / "deploy" / "dagster.local.yaml", tmp_path / "dagster.yaml")
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    return tmp_path


def test_the_laptops_instance_stores_events_in_batches_in_its_home(home: Path):
    with dg.DagsterInstance.get() as instance:
        assert isinstance(instance.event_log_storage, BatchedSqliteEventLogStorage)
        assert (home / "history").is_dir()
        assert not instance.telemetry_enabled


def test_laptop_and_containers_run_three_runs_at_a_time_one_of_a_pool_and_end_those_that_report_nothing(home: Path):
    both = [yaml.safe_load((ROOT / "deploy" / name).read_text()) for name in ("dagster.local.yaml", "dagster.yaml")]
    for config in both:
        assert config["concurrency"]["runs"]["max_concurrent_runs"] == 3
        assert config["concurrency"]["pools"] == {"default_limit": 1, "granularity": "run"}
        monitoring = config["run_monitoring"]
        assert monitoring["enabled"]
        longest = max(MAX_RUNTIME, monitoring["start_timeout_seconds"]) + monitoring["poll_interval_seconds"]
        assert (
            longest + monitoring["free_slots_after_run_end_seconds"] <= 150
        )  # of the three minutes a poll may be lost
        assert not config["telemetry"]["enabled"]
    assert both[0]["retention"] == both[1]["retention"]
    with dg.DagsterInstance.get() as instance:
        assert instance.get_concurrency_config().run_queue_config.max_concurrent_runs == 3


def test_every_workspace_has_the_one_location_vol_assets():
    for path in (ROOT / "workspace.yaml", ROOT / "deploy" / "workspace.yaml"):
        origins = location_origins_from_yaml_paths([str(path)])
        assert [origin.location_name for origin in origins] == ["vol_assets"]
