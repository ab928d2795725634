"""A poll that is killed with -9, under a real daemon: its place in the gateway's pool is free again in time, and the
next one works. A run that is killed alone is noticed by its code server within a second; here nobody is left to."""

from __future__ import annotations

import datetime as dt
import os
import signal
import sqlite3
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import dagster as dg
import pytest
from code_location import at_home, command, dagster_home
from live_desk import settings_of
from smile_market import FAST, NOON, SmileMarket
from waiting import until

from vol_assets.assets.live_smile import MAX_RUNTIME
from vol_assets.ibkr.simulator import NEVER, SimulatedClock, Simulator
from vol_assets.lake.live import PREDICTIONS, LiveStore
from vol_assets.settings import Settings

RUNS = dg.DagsterRunStatus
SLOW = replace(FAST, greeks_delay=NEVER)  # a poll waits for greeks for some seconds
SPEED = 6.0  # a bucket is ten seconds
PATIENTLY = {"seconds": 180.0, "every": 0.2}  # three minutes are what a killed poll may cost


@dataclass
class Location:
    """A data folder with its instance, and the programs of Dagster over it."""

    folder: Path
    settings: Settings
    instance: dg.DagsterInstance
    told: list[str] = field(default_factory=list)

    @contextmanager
    def daemon(self) -> Iterator[None]:
        """The daemon with its code server, its words in `told`; on leaving the block all of it is killed at once."""
        start, speed, began = self.settings.ibkr_clock
        process = command(
            self.folder,
            *("dagster-daemon", "run", "-m", "vol_assets.definitions"),
            OMP_NUM_THREADS="1",
            VOL_ASSETS_SCHEDULES="running",
            VOL_ASSETS_IBKR=":".join(map(str, self.settings.ibkr)),
            VOL_ASSETS_IBKR_CLOCK=f"{start.isoformat()},{speed},{began}",
        )
        threading.Thread(target=lambda: self.told.extend(process.stdout), daemon=True).start()
        try:
            yield
        finally:
            for pid in (process.pid, *descendants(process.pid)):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            process.wait()

    def newest(self) -> dg.DagsterRun:
        return self.instance.get_runs(limit=1)[0]

    def status(self, run: dg.DagsterRun) -> RUNS:
        return self.instance.get_run_by_id(run.run_id).status

    def queue_another(self, run: dg.DagsterRun) -> dg.DagsterRun:
        """A run like another, in the queue."""
        another = run._replace(run_id=str(uuid.uuid4()), status=RUNS.NOT_STARTED)
        self.instance.add_run(another)
        self.instance.report_dagster_event(dg.DagsterEvent.job_enqueue(another), another.run_id)
        return another

    def process_of(self, run: dg.DagsterRun) -> int:
        """The process that a run is in."""
        events = [entry.dagster_event for entry in self.instance.all_logs(run.run_id) if entry.is_dagster_event]
        told = [event.engine_event_data.metadata for event in events if event.is_engine_event]
        (pid,) = {int(metadata["pid"].value) for metadata in told if "pid" in metadata}
        return pid

    def words(self, run: dg.DagsterRun) -> str:
        """All that the instance has of a run."""
        return "\n".join(entry.user_message or entry.message for entry in self.instance.all_logs(run.run_id))


def descendants(pid: int) -> list[int]:
    """The processes that a process started, and those that they did."""
    parents = {}
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            parents[int(entry.name)] = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
    found = [child for child, parent in parents.items() if parent == pid]
    return [*found, *(further for child in found for further in descendants(child))]


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator(SmileMarket(), SimulatedClock(NOON - dt.timedelta(hours=2), SPEED), SLOW) as simulator:
        yield simulator


@pytest.fixture
def location(tmp_path, simulator) -> Iterator[Location]:
    settings = settings_of(tmp_path, simulator)
    dagster_home(tmp_path)
    with at_home(settings), dg.DagsterInstance.get() as instance:
        yield Location(tmp_path, settings, instance)


def test_a_poll_killed_with_all_of_dagster_frees_its_place_and_the_next_one_works(location: Location, simulator):
    with location.daemon():
        until(lambda: simulator.clients and location.instance.get_runs_count(), **PATIENTLY)
        first = location.newest()
        os.kill(location.process_of(first), signal.SIGSTOP)  # it keeps its connection, and does nothing any more
        second = location.queue_another(first)
        blocked = f"Run {second.run_id} is blocked by global concurrency limits"  # one poll at a time
        until(lambda: any(blocked in line for line in location.told), **PATIENTLY)
    assert location.status(first) is RUNS.STARTED  # nobody was left to say that it is dead
    with sqlite3.connect(location.folder / "dagster" / "history" / "runs.db") as runs:  # the time it may take passes
        runs.execute("UPDATE runs SET start_time = start_time - ? WHERE run_id = ?", (MAX_RUNTIME, first.run_id))
    simulator.behaviour = FAST
    with location.daemon():
        until(lambda: location.status(first) is RUNS.FAILURE, **PATIENTLY)
        until(lambda: location.status(second) is RUNS.SUCCESS, **PATIENTLY)
    assert f"exceeding maximum runtime of {MAX_RUNTIME} seconds" in location.words(first)
    with LiveStore(location.settings.live_url) as store:
        assert len(store.latest(PREDICTIONS)) > 100
