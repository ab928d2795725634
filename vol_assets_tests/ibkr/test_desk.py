"""The desk that polls, made of settings: its gateway, its clock, and the names of its buckets."""

from __future__ import annotations

import datetime as dt
import time
from dataclasses import replace
from pathlib import Path

from smile_market import FAST, FEW, NOON

from vol_assets.ibkr import Gateway, Outcome
from vol_assets.ibkr.desk import Desk
from vol_assets.ibkr.simulator import SimulatedClock
from vol_assets.settings import Settings

MINUTE = dt.timedelta(minutes=1)


def test_a_desk_is_what_the_settings_say(tmp_path):
    desk = Desk.of(
        Settings.from_env(
            {
                "VOL_ASSETS_DATA": str(tmp_path),
                "VOL_ASSETS_IBKR": "gateway.lan:4002:7",
                "VOL_ASSETS_IBKR_CLOCK": "2024-03-15T16:00:00Z,6,1732600000",
                "VOL_ASSETS_BUCKET": "30",
            }
        )
    )
    assert desk.gateway == Gateway("gateway.lan", 4002, 7)
    assert desk.folder == tmp_path / "live" / "contracts"
    assert desk.step == dt.timedelta(seconds=30)
    assert desk.speed == 6.0
    assert list(tmp_path.iterdir()) == []


def test_its_clock_is_the_machines_or_the_simulators_own():
    machines = Desk(Gateway(), Path("contracts"))
    assert abs(machines.now() - dt.datetime.now(dt.UTC)) < MINUTE
    theirs = SimulatedClock(NOON, 60.0, time.time() - 60.0)
    simulated = replace(machines, clock=(theirs.start, theirs.speed, theirs.began))
    assert dt.timedelta(0) <= simulated.now() - (NOON + dt.timedelta(hours=1)) < dt.timedelta(hours=1)


def test_what_is_fresh_is_a_bucket_and_a_half_old_and_on_a_fast_clock_what_a_run_takes():
    desk = Desk(Gateway(), Path("contracts"))
    assert desk.fresh == 1.5 * MINUTE
    assert replace(desk, clock=(NOON, 6.0, 0.0)).fresh == 2 * MINUTE


def test_a_bucket_has_a_name_that_no_other_clock_gives_to_one():
    desk = Desk(Gateway(), Path("contracts"), bucket=300)
    bucket = desk.bucket_of(NOON + dt.timedelta(minutes=7))
    assert bucket == NOON + dt.timedelta(minutes=5)
    assert desk.name_of(bucket) == "2024-03-15T16:05:00Z"
    names = {replace(desk, clock=(NOON, 6.0, began)).name_of(bucket) for began in (1.0, 2.0)}
    assert len(names | {desk.name_of(bucket)}) == 3


def test_it_polls_its_gateway_on_its_clock(simulate, known):
    simulator = simulate(FAST)
    clock = simulator.clock
    desk = Desk(Gateway(port=simulator.port), known, (clock.start, clock.speed, clock.began), limits=FEW)
    done = desk.poll()
    assert done.outcome is Outcome.COMPLETE
    assert set(done.quotes["ts"]) == {NOON}
