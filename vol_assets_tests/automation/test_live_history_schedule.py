"""The schedule that brings polls into the lake: which sessions it asks for, and why it skips the others."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path

import dagster as dg
import numpy as np
from dagster._utils.schedules import schedule_execution_time_iterator
from smile_market import SESSION

from vol_assets import clock
from vol_assets.automation.schedules import build_live_history_schedule
from vol_assets.definitions import build_defs
from vol_assets.ibkr.simulator.history import simulated_polls
from vol_assets.lake.live import LiveStore
from vol_assets.settings import Settings


def tick(settings: Settings, day: dt.date) -> dg.RunRequest | dg.SkipReason | list[dg.RunRequest]:
    """What the schedule says at a quarter past six in the evening of a day."""
    evening = dt.datetime.combine(day, dt.time(18, 15), clock.NEW_YORK)
    with dg.DagsterInstance.ephemeral() as instance, dg.build_schedule_context(instance, evening) as context:
        return build_live_history_schedule(settings)(context)


def test_a_session_with_polls_is_asked_for_and_one_without_is_skipped_with_the_store_named(desk_with):
    desk = desk_with()
    assert desk.run(select="spy_quotes").success
    settings = replace(desk.settings, source="yahoo")
    (request,) = tick(settings, SESSION)
    assert (request.run_key, request.partition_key) == ("2024-03-15", "2024-03-15")
    skipped = tick(settings, clock.offset(SESSION, 1)).skip_message
    assert skipped.startswith("the live store sqlite:///")
    assert skipped.endswith("live.db has no quotes of 2024-03-18; nobody polled")


def test_sessions_that_missed_their_evening_are_asked_for_with_todays_in_runs_of_their_own(tmp_path):
    settings = Settings.from_env({"VOL_ASSETS_DATA": str(tmp_path), "VOL_ASSETS_SOURCE": "yahoo"})
    with LiveStore(settings.live_url) as store:
        for day in (dt.date(2024, 3, 13), SESSION):
            store.write_quotes(simulated_polls("SPY", day, 1800.0).assign(source="ibkr", own_vol=np.nan))
    requests = tick(settings, SESSION)
    assert [request.partition_key for request in requests] == ["2024-03-13", "2024-03-15"]
    assert [request.run_key for request in requests] == ["2024-03-13 on 2024-03-15", "2024-03-15"]
    later = tick(settings, clock.offset(SESSION, 1))  # nobody polled then
    assert [request.run_key for request in later] == ["2024-03-13 on 2024-03-18", "2024-03-15 on 2024-03-18"]


def test_a_store_that_does_not_answer_at_the_tick_does_not_lose_the_evening(tmp_path):
    settings = Settings.from_env({"VOL_ASSETS_DATA": str(tmp_path), "VOL_ASSETS_SOURCE": "yahoo"})
    store = Path(settings.live_url.removeprefix("sqlite:///"))
    store.parent.mkdir(parents=True)
    store.write_bytes(b"no database at all" * 100)
    (request,) = tick(settings, SESSION)
    assert request.partition_key == "2024-03-15"


def test_holidays_are_skipped_without_a_look_at_the_store(tmp_path):
    settings = Settings.from_env({"VOL_ASSETS_DATA": str(tmp_path / "none"), "VOL_ASSETS_SOURCE": "yahoo"})
    assert tick(settings, dt.date(2024, 7, 4)).skip_message == "2024-07-04 is no session: July 4th"
    assert not (tmp_path / "none").exists()


def test_on_the_sample_source_every_session_is_simulated_and_no_store_is_made(tmp_path):
    settings = Settings.from_env({"VOL_ASSETS_DATA": str(tmp_path / "none")})
    assert tick(settings, SESSION).run_key == "2024-03-15"
    assert not (tmp_path / "none").exists()


def test_it_comes_on_weekdays_at_a_quarter_past_six_in_new_york_when_the_partition_is_there(tmp_path):
    defs = build_defs(Settings.from_env({"VOL_ASSETS_DATA": str(tmp_path)}))
    schedule = defs.resolve_schedule_def("live_history_schedule")
    start = dt.datetime(2024, 3, 8, 12, tzinfo=clock.NEW_YORK)
    times = schedule_execution_time_iterator(start.timestamp(), schedule.cron_schedule, "America/New_York")
    said = [next(times).strftime("%a %H:%M") for _ in range(3)]
    assert said == ["Fri 18:15", "Mon 18:15", "Tue 18:15"]  # summer time begins on the Sunday between
    partitions = defs.resolve_job_def("live_history_job").partitions_def
    evening = dt.datetime(2024, 11, 29, 18, 15, tzinfo=clock.NEW_YORK)  # a half day in winter
    assert partitions.get_partition_keys(evening)[-1] == "2024-11-29"
