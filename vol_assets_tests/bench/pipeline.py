"""The pipeline as it is run: by the command line, in a warm process, and Dagster's own share."""

from __future__ import annotations

from collections.abc import Iterator

from vol_assets import clock
from vol_assets_tests.bench.processes import ROOT, data_folder, materialize, run

BARS = "raw/market,curated/market,features/l1,features/har,features/implied"
CHAINS = "raw/spy_chain,raw/gld_chain,curated/spy_chain,curated/gld_chain,group:surface"
TEN_YEARS = "2014-01-02...2023-12-29"


def validate() -> Iterator[tuple[str, str, str]]:
    """Loading the definitions, as every Dagster process does."""
    with data_folder() as folder:
        ran = run(folder, "dagster", "definitions", "validate", "-w", str(ROOT / "workspace.yaml"))
        yield "dagster definitions validate", f"{ran.wall:.1f} s", "target 6 s"


def one_session() -> Iterator[tuple[str, str, str]]:
    """One session through the chain: the command, and a warm process."""
    with data_folder() as folder:
        materialize(folder, BARS, "2023-09-01...2023-12-28")
        ran = materialize(folder, BARS, "2023-12-29")
        yield "one session, command line", f"{ran.wall:.1f} s", f"target 15 s; {ran.cpu:.1f} s of CPU"
        script = WARM_SESSION.format(sessions=["2023-12-27", "2023-12-28", "2023-12-29"])
        first, *others = (float(seconds) for seconds in run(folder, "python", "-c", script).printed.split())
        yield "one session, warm process", f"{min(others):.2f} s", f"target 2 s; {first:.1f} s the first time"


def ten_years() -> Iterator[tuple[str, str, str]]:
    """Ten years of bars and features in one run, and the same again."""
    with data_folder() as folder:
        count = len(clock.sessions(*TEN_YEARS.split("...")))
        first, again = (materialize(folder, BARS, TEN_YEARS) for _ in range(2))
        yield (
            f"ten years ({count} sessions), five tables",
            f"{first.wall:.1f} s",
            f"target 30 s; {first.cpu:.1f} s of CPU",
        )
        yield "the same again, nothing changed", f"{again.wall:.1f} s", f"{again.cpu:.1f} s of CPU"
        yield "peak memory of these processes", f"{max(first.peak, again.peak):.2f} GB", "target 2 GB"


def chains() -> Iterator[tuple[str, str, str]]:
    """Ten years of both underlyings' chains, from quotes to tenors and richness, in one run."""
    with data_folder() as folder:
        count = len(clock.sessions(*TEN_YEARS.split("...")))
        ran = materialize(folder, CHAINS, TEN_YEARS)
        size = sum(path.stat().st_size for path in (folder / "lake").rglob("*.parquet")) / 2**30
        yield (
            f"ten years ({count} sessions) of chains, SPY and GLD",
            f"{ran.wall / 60:.1f} min",
            f"target 8 min; {ran.cpu / 60:.1f} min of CPU",
        )
        yield "peak memory of its processes together", f"{ran.peak:.2f} GB", "target 4 GB"
        yield "its ten tables on disk", f"{size:.2f} GB", ""


def bookkeeping() -> Iterator[tuple[str, str, str]]:
    """Three empty assets over 500 sessions: Dagster's own cost, batched and stock, start-up apart."""
    seconds = {}
    for name in ("batched", "stock"):
        with data_folder(stock_event_log=name == "stock") as folder:
            seconds[name] = float(run(folder, "python", "-c", EMPTY_ASSETS).printed)
    ratio = seconds["batched"] / seconds["stock"]
    yield "bookkeeping, 3 empty assets x 500, batched event log", f"{seconds['batched']:.1f} s", "start-up apart"
    yield "the same, stock SQLite event log", f"{seconds['stock']:.1f} s", f"batched is {ratio:.2f} of it, target 0.20"


WARM_SESSION = """
import logging, time
import dagster as dg
from vol_assets.definitions import defs
logging.disable(logging.CRITICAL)
job = defs.resolve_implicit_global_asset_job_def()
tables = "raw/market,curated/market,features/l1,features/har,features/implied"
keys = [dg.AssetKey(name.split("/")) for name in tables.split(",")]
with dg.DagsterInstance.get() as instance:
    for session in {sessions}:
        started = time.perf_counter()
        assert job.execute_in_process(instance=instance, partition_key=session, asset_selection=keys).success
        print(time.perf_counter() - started)
"""

EMPTY_ASSETS = """
import logging, time
import dagster as dg
from vol_assets.assets.partitions import SESSIONS

logging.disable(logging.CRITICAL)

def empty(number):
    @dg.asset(name=f"empty_{number}", partitions_def=SESSIONS, backfill_policy=dg.BackfillPolicy.single_run())
    def asset() -> None:
        return None
    return asset

defs = dg.Definitions([empty(number) for number in range(3)], executor=dg.in_process_executor)
job = defs.resolve_implicit_global_asset_job_def()
keys = [key for key in SESSIONS.get_partition_keys() if key >= "2014-01-02"][:500]
ends = {"dagster/asset_partition_range_start": keys[0], "dagster/asset_partition_range_end": keys[-1]}
with dg.DagsterInstance.get() as instance:
    started = time.perf_counter()
    assert job.execute_in_process(instance=instance, tags=ends).success
    print(time.perf_counter() - started)
"""
