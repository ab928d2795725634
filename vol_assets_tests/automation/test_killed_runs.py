"""Runs that are killed, and runs at the same time: only whole sessions remain, and the same command finishes."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from pathlib import Path

import dagster as dg
import pyarrow.parquet
from code_location import at_home, command

from vol_assets import clock
from vol_assets.automation.cli import prepare_instance
from vol_assets.contracts import CURATED_MARKET, RAW_MARKET
from vol_assets.lake import Lake
from vol_assets.settings import Settings
from vol_assets.sources import SYMBOLS
from vol_assets.sources.sample import SampleMarket

# From the first session on, so that no history is brought before it; more than the lake writes at a time.
FIRST, LAST = "2007-04-11", "2011-06-30"
DAYS = clock.sessions(FIRST, LAST)


def test_a_backfill_killed_in_its_middle_leaves_whole_sessions_and_the_same_command_finishes(tmp_path: Path):
    backfill = ("python", "-m", "vol_assets", "backfill", "--select", "raw/market", "--from", FIRST, "--to", LAST)
    lake = Lake(tmp_path / "lake", "sample")
    folder = lake.folder(RAW_MARKET)
    process = command(tmp_path, *backfill)
    while process.poll() is None and not (folder.exists() and len(os.listdir(folder)) > 50):
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    printed, _ = process.communicate()
    assert process.returncode == -signal.SIGKILL, printed

    whole = SampleMarket().daily_bars(SYMBOLS, DAYS[0], DAYS[-1]).bars.drop(columns="fetched_at")
    rows = whole.groupby(whole["date"].dt.strftime("date=%Y-%m-%d")).size()
    left = list(folder.glob("*"))
    assert 0 < len(left) < len(DAYS)
    for session in left:
        assert [path.name for path in session.iterdir()] == ["data.parquet"]
        assert pyarrow.parquet.read_table(session / "data.parquet").num_rows == rows[session.name]

    again = command(tmp_path, *backfill)
    printed, _ = again.communicate()

    assert again.returncode == 0, printed
    assert f"raw/market {FIRST} ... {LAST}: {len(DAYS) - len(left)} written, {len(left)} unchanged" in printed
    held = lake.read(RAW_MARKET, DAYS[0], DAYS[-1]).drop(columns=["fetched_at", "source"])
    assert held.equals(whole)
    with at_home(Settings.from_env({"VOL_ASSETS_DATA": str(tmp_path)})), dg.DagsterInstance.get() as instance:
        assert instance.get_materialized_partitions(dg.AssetKey(["raw", "market"])) == {str(day) for day in DAYS}


def test_two_runs_on_different_sessions_at_once_both_complete(tmp_path: Path):
    halves = [("2019-01-02", "2019-02-15"), ("2019-02-19", "2019-03-29")]
    chain = ("python", "-m", "vol_assets", "materialize", "--select", "raw/market,curated/market", "--partition")
    both = [command(tmp_path, *chain, f"{first}...{last}") for first, last in halves]
    for process in both:
        printed, _ = process.communicate()
        assert process.returncode == 0, printed

    lake = Lake(tmp_path / "lake", "sample")
    days = clock.sessions("2019-01-02", "2019-03-29")
    assert lake.sessions(RAW_MARKET) == lake.sessions(CURATED_MARKET) == days
    assert len(lake.read(CURATED_MARKET, days[0], days[-1])) == len(SYMBOLS) * len(days)
    with at_home(Settings.from_env({"VOL_ASSETS_DATA": str(tmp_path)})), dg.DagsterInstance.get() as instance:
        assert instance.get_materialized_partitions(dg.AssetKey(["curated", "market"])) == {str(day) for day in days}
        assert [run.status for run in instance.get_runs()] == [dg.DagsterRunStatus.SUCCESS] * 2


def test_programs_that_open_a_new_instance_at_once_leave_one_that_opens(tmp_path: Path):
    fork = multiprocessing.get_context("fork")
    with at_home(Settings.from_env({"VOL_ASSETS_DATA": str(tmp_path)})):
        start = fork.Barrier(4)
        openers = [fork.Process(target=lambda: start.wait() >= 0 and prepare_instance()) for _ in range(4)]
        for opener in openers:
            opener.start()
        for opener in openers:
            opener.join()
        assert [opener.exitcode for opener in openers] == [0] * 4
        with dg.DagsterInstance.get() as instance:
            assert instance.get_runs_count() == 0
