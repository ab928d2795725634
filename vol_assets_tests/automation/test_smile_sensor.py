"""The smile sensor: what it asks for when, and that a tick is a run's request or a reason a person understands."""

from __future__ import annotations

import datetime as dt
import socket
from dataclasses import replace
from pathlib import Path

import dagster as dg
import pytest
from live_desk import LiveDesk
from smile_market import NOON

from vol_assets.automation.smile_sensor import (
    PATIENCE,
    build_smile_sensor,
    in_progress,
    look_every,
    plan_poll,
    why_shut,
)
from vol_assets.definitions import build_defs
from vol_assets.errors import GatewayError
from vol_assets.ibkr import Gateway
from vol_assets.ibkr.desk import Desk
from vol_assets.ibkr.simulator.messages import Ask
from vol_assets.settings import Settings

DESK = Desk(Gateway(), Path("contracts"))


def at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


def plan(now: dt.datetime, asked: str | None = None, desk: Desk = DESK, busy: str = "", answers: bool = True):
    def knock() -> None:
        if not answers:
            raise GatewayError("no gateway at 127.0.0.1:7497")

    return plan_poll(desk, now, asked, lambda: busy, knock)


def never(*_: object):
    raise AssertionError("not to be asked")


# ---------------------------------------------------------------------- hours


@pytest.mark.parametrize(
    ("now", "words"),
    [
        ("2024-03-16T16:00", ["2024-03-16: weekend", "It opens on Monday, 2024-03-18, at 09:30:00 New York"]),
        ("2024-07-04T16:00", ["July 4th", "It opens on Friday, 2024-07-05"]),
        ("2024-03-15T13:29:59", ["it is 09:29 New York, before the open", "It opens on Friday, 2024-03-15"]),
        ("2024-03-15T20:00", ["the session of 2024-03-15 closed at 16:00:00", "Monday, 2024-03-18"]),
        ("2024-07-03T17:00", ["the session of 2024-07-03, a half day, closed at 13:00:00", "Friday, 2024-07-05"]),
        ("2024-11-29T18:00", ["2024-11-29, a half day, closed at 13:00:00", "Monday, 2024-12-02"]),
        ("2018-12-05T16:00", ["2018-12-05: special closure", "Thursday, 2018-12-06"]),
    ],
)
def test_while_the_exchange_is_shut_it_says_why_and_when_it_opens_and_asks_nobody(now, words):
    said = plan_poll(DESK, at(now), None, never, never).skip_message
    for word in words:
        assert word in said


@pytest.mark.parametrize("now", ["2024-03-15T13:30", "2024-03-15T19:59:59", "2024-01-16T14:30", "2024-07-03T16:59:59"])
def test_from_the_open_to_the_close_it_asks_summer_and_winter_and_on_half_days(now):
    assert not why_shut(at(now))
    assert plan(at(now)).run_requests


# ---------------------------------------------------------------------- buckets


def test_a_bucket_is_asked_for_once_and_the_next_one_when_it_has_begun():
    asked = plan(at("2024-03-15T16:00:14"))
    assert [request.run_key for request in asked.run_requests] == [asked.cursor] == ["2024-03-15T16:00:00Z"]
    again = plan_poll(DESK, at("2024-03-15T16:00:59"), asked.cursor, never, never)
    assert again.skip_message == ("12:00:00 New York was asked for; the next bucket begins at 12:01:00 New York")
    assert plan(at("2024-03-15T16:01:00"), asked.cursor).cursor == "2024-03-15T16:01:00Z"


def test_after_a_gap_the_bucket_of_now_is_asked_for_and_no_other():
    asked = plan(at("2024-03-15T16:40:30"), "2024-03-15T14:00:00Z")
    assert [request.run_key for request in asked.run_requests] == ["2024-03-15T16:40:00Z"]


def test_buckets_of_another_length_begin_where_they_divide_the_hour():
    half = plan(at("2024-03-15T16:00:44"), desk=replace(DESK, bucket=30))
    five = plan(at("2024-03-15T16:04:44"), desk=replace(DESK, bucket=300))
    assert (half.cursor, five.cursor) == ("2024-03-15T16:00:30Z", "2024-03-15T16:00:00Z")


def test_a_simulated_clock_that_begins_again_asks_for_the_same_buckets_again():
    first, second = (replace(DESK, clock=(NOON, 6.0, began)) for began in (1_700_000_000.0, 1_700_000_100.0))
    asked = plan(NOON, desk=first)
    assert plan(NOON, asked.cursor, first).skip_message
    assert plan(NOON, asked.cursor, second).run_requests[0].run_key != asked.cursor


@pytest.mark.parametrize(
    ("bucket", "speed", "seconds"), [(60, 1.0, 15), (60, 6.0, 5), (60, 600.0, 5), (300, 1.0, 30), (20, 1.0, 5)]
)
def test_it_looks_often_enough_not_to_miss_a_bucket_and_no_oftener(bucket, speed, seconds):
    assert look_every(replace(DESK, bucket=bucket, clock=(NOON, speed, 0.0))) == seconds


# ---------------------------------------------------------------------- what stands in the way


def test_without_a_gateway_it_says_so_and_asks_at_the_next_look():
    skipped = plan(NOON, answers=False)
    assert skipped.skip_message == "no gateway at 127.0.0.1:7497"
    assert plan(NOON).run_requests


def test_a_run_in_progress_is_waited_for_without_a_word_to_the_gateway():
    skipped = plan_poll(DESK, NOON, None, lambda: "run 12345678 of live_smile_job has been running for 30 s", never)
    assert skipped.skip_message.startswith("run 12345678 of live_smile_job has been running for 30 s; the bucket")


@pytest.fixture
def desk(desk_with) -> LiveDesk:
    return desk_with()


@pytest.mark.parametrize("started", [False, True])
def test_no_second_run_is_asked_for_until_the_one_before_has_ended(desk: LiveDesk, started):
    job = build_defs(desk.settings).resolve_job_def("live_smile_job")
    run = desk.instance.create_run_for_job(job)
    if started:
        desk.instance.report_dagster_event(dg.DagsterEvent("PIPELINE_START", job.name), run_id=run.run_id)
    words = "has been running for 0 s" if started else "has waited to start for 0 s"
    assert desk.look().skip_message.startswith(f"run {run.run_id[:8]} of live_smile_job {words}; ")
    desk.instance.report_run_failed(run)
    assert desk.look().run_requests


def test_a_run_that_outlasts_what_it_may_take_is_said_to(desk: LiveDesk):
    job = build_defs(desk.settings).resolve_job_def("live_smile_job")
    run = desk.instance.create_run_for_job(job)
    desk.instance.report_dagster_event(dg.DagsterEvent("PIPELINE_START", job.name), run_id=run.run_id)
    said = in_progress(desk.instance, dt.datetime.now(dt.UTC) + dt.timedelta(seconds=120))
    assert said.endswith("has been running for 120 s, more than the 90 s it may: the daemon ends it soon")


def test_a_tick_greets_the_gateway_and_takes_neither_client_id_nor_lines(desk: LiveDesk):
    asked = desk.look()
    assert asked.run_requests[0].run_key == asked.cursor == f"2024-03-15T16:00:00Z of {desk.desk.clock[2]:.3f}"
    assert not desk.simulator.clients
    assert not desk.simulator.asked[Ask.START]
    assert "was asked for" in desk.look(asked.cursor).skip_message


def test_a_tick_where_nothing_listens_says_what_to_start(desk: LiveDesk, free_port):
    desk.settings = replace(desk.settings, ibkr=("127.0.0.1", free_port(), 10))
    assert "start TWS or IB Gateway" in desk.look().skip_message


def test_a_tick_at_a_gateway_that_says_nothing_ends_long_before_dagster_ends_it(desk: LiveDesk):
    with socket.create_server(("127.0.0.1", 0)) as mute:
        desk.settings = replace(desk.settings, ibkr=("127.0.0.1", mute.getsockname()[1], 10))
        assert (
            f"nothing answered at 127.0.0.1:{mute.getsockname()[1]} within {PATIENCE:g} s" in desk.look().skip_message
        )
    assert PATIENCE < 60 / 10


def test_a_sample_lake_asks_no_gateway_but_a_simulator_unless_a_person_does(desk: LiveDesk):
    assert desk.look().run_requests  # of the sample source, on a simulator's clock
    desk.settings = replace(desk.settings, ibkr_clock=None)
    said = desk.look().skip_message
    assert said.startswith("VOL_ASSETS_SOURCE is sample")
    assert "VOL_ASSETS_IBKR_CLOCK" in said


def test_it_runs_by_itself_where_the_schedules_do():
    stopped, running = (
        build_smile_sensor(Settings.from_env({"VOL_ASSETS_SCHEDULES": word})) for word in ("stopped", "running")
    )
    assert stopped.default_status is dg.DefaultSensorStatus.STOPPED
    assert running.default_status is dg.DefaultSensorStatus.RUNNING
    assert stopped.job_name == "live_smile_job"
