"""The monthly training: when it is due, and what it runs; and the crown by hand where nothing was trained yet."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import dagster as dg
import pytest
from dagster._utils.schedules import schedule_execution_time_iterator

from vol_assets import clock
from vol_assets.automation import cli
from vol_assets.definitions import build_defs
from vol_assets.settings import Settings


def retraining(folder: Path, **environment: str) -> tuple[dg.ScheduleDefinition, dg.RepositoryDefinition]:
    defs = build_defs(Settings.from_env({"VOL_ASSETS_DATA": str(folder), **environment}))
    return defs.resolve_schedule_def("retraining_schedule"), defs.get_repository_def()


def test_training_is_due_on_first_saturdays_at_eight_in_new_york_winter_and_summer(tmp_path: Path):
    schedule, _ = retraining(tmp_path)
    start = dt.datetime(2024, 1, 1, tzinfo=dt.UTC).timestamp()
    ticks = schedule_execution_time_iterator(start, schedule.cron_schedule, schedule.execution_timezone)
    local = [next(ticks).astimezone(clock.NEW_YORK) for _ in range(24)]
    assert {(time.hour, time.minute, time.weekday()) for time in local} == {(8, 0, 5)}
    assert all(time.day <= 7 for time in local)
    assert [(time.year, time.month) for time in local] == [(y, m) for y in (2024, 2025) for m in range(1, 13)]
    assert not any(clock.is_session(time.date()) for time in local)


def test_a_tick_asks_for_one_run_of_the_training_job(tmp_path: Path):
    schedule, repository = retraining(tmp_path)
    assert schedule.job_name == "train_rv_model"
    with (
        dg.DagsterInstance.ephemeral() as instance,
        dg.build_schedule_context(instance, repository_def=repository) as context,
    ):
        (request,) = schedule.evaluate_tick(context).run_requests
    assert request.partition_key is None


@pytest.mark.parametrize(("setting", "status"), [("stopped", "STOPPED"), ("running", "RUNNING")])
def test_it_waits_to_be_switched_on_as_the_other_schedules_do(tmp_path: Path, setting: str, status: str):
    schedule, _ = retraining(tmp_path, VOL_ASSETS_SCHEDULES=setting)
    assert schedule.default_status.value == status


def test_where_nothing_was_trained_there_is_nothing_to_crown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv("VOL_ASSETS_DATA", str(tmp_path))
    for arguments, line in (
        (["promote", "--version", "1"], "promote: spy_rv_5d has no version 1; nothing is registered yet, train it"),
        (["rollback"], "rollback: spy_rv_5d has no champion to roll back from"),
    ):
        with pytest.raises(SystemExit) as ended:
            cli.main([*arguments, "--reason", "why not"])
        assert ended.value.code == 2
        assert line in capsys.readouterr().err
