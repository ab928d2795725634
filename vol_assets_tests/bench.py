"""`make bench`: what the main job costs, each figure beside the alternative it is held against, in the same run.

    make bench                 everything, a few minutes
    make bench ONLY=ten_years  one of: validate one_session ten_years bookkeeping walk_forward lake drop_folder

Every measurement works in a temporary folder on the embedded sample market. Wall seconds are the whole process;
peak memory is the operating system's account of it.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from vol_assets import clock

ROOT = Path(__file__).parent.parent
CHAIN = "raw/market,curated/market,features/l1,features/har"
TEN_YEARS = "2014-01-02...2023-12-29"
BINARIES = Path(sys.executable).parent


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench")
    parser.add_argument("--only", choices=[measure.__name__ for measure in MEASURES])
    only = parser.parse_args().only
    print(f"{'what':<58}{'measured':>12}   against")
    for measure in MEASURES:
        if only in (None, measure.__name__):
            for what, value, against in measure():
                print(f"{what:<58}{value:>12}   {against}", flush=True)


def validate() -> Iterator[tuple[str, str, str]]:
    """Loading the definitions, as every Dagster process does."""
    with data_folder() as folder:
        wall, _, _ = run(folder, "dagster", "definitions", "validate", "-w", str(ROOT / "workspace.yaml"))
        yield "dagster definitions validate", f"{wall:.1f} s", "target 6 s"


def one_session() -> Iterator[tuple[str, str, str]]:
    """One session through the chain: the command, and a warm process."""
    with data_folder() as folder:
        chain(folder, "2023-09-01...2023-12-28")
        wall, cpu, _ = chain(folder, "2023-12-29")
        yield "one session, command line", f"{wall:.1f} s", f"target 15 s; {cpu:.1f} s of CPU"
        script = WARM_SESSION.format(sessions=["2023-12-27", "2023-12-28", "2023-12-29"])
        _, _, printed = run(folder, "python", "-c", script)
        first, *others = (float(seconds) for seconds in printed.split())
        yield "one session, warm process", f"{min(others):.2f} s", f"target 2 s; {first:.1f} s the first time"


def ten_years() -> Iterator[tuple[str, str, str]]:
    """Ten years through the chain in one run, and the same again."""
    with data_folder() as folder:
        count = len(clock.sessions(*TEN_YEARS.split("...")))
        wall, cpu, _ = chain(folder, TEN_YEARS)
        yield f"ten years ({count} sessions), four tables", f"{wall:.1f} s", f"target 30 s; {cpu:.1f} s of CPU"
        wall, cpu, _ = chain(folder, TEN_YEARS)
        yield "the same again, nothing changed", f"{wall:.1f} s", f"{cpu:.1f} s of CPU"
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
        yield "peak memory of these processes", f"{peak:.2f} GB", "target 2 GB"


def bookkeeping() -> Iterator[tuple[str, str, str]]:
    """Three empty assets over 500 sessions: Dagster's own cost, batched and stock, start-up apart."""
    seconds = {}
    for name in ("batched", "stock"):
        with data_folder(stock_event_log=name == "stock") as folder:
            _, _, printed = run(folder, "python", "-c", EMPTY_ASSETS)
            seconds[name] = float(printed)
    ratio = seconds["batched"] / seconds["stock"]
    yield "bookkeeping, 3 empty assets x 500, batched event log", f"{seconds['batched']:.1f} s", "start-up apart"
    yield "the same, stock SQLite event log", f"{seconds['stock']:.1f} s", f"batched is {ratio:.2f} of it, target 0.20"


def walk_forward() -> Iterator[tuple[str, str, str]]:
    """Nineteen years of every model, on two threads and on one."""
    with data_folder() as folder:
        _, _, printed = run(folder, "python", "-c", WALK_FORWARD)
        rows, two, one, peak, models = printed.split()
        yield (
            f"walk-forward, {models} models, {rows} sessions, two threads",
            f"{float(two):.1f} s",
            f"target 90 s; {float(one):.1f} s on one",
        )
        yield "its peak memory", f"{float(peak):.2f} GB", "target 2 GB"


def lake() -> Iterator[tuple[str, str, str]]:
    """Writing and reading ten years of curated bars."""
    with data_folder() as folder:
        _, _, printed = run(folder, "python", "-c", LAKE)
        write, each, read, pandas_read = (float(seconds) for seconds in printed.split())
        yield "lake, write ten years, one sync a batch", f"{write:.1f} s", f"one sync a file {each:.1f} s"
        yield "lake, read ten years as one frame", f"{read:.1f} s", f"pandas.read_parquet {pandas_read:.1f} s"


def drop_folder() -> Iterator[tuple[str, str, str]]:
    """Reading nine bar files of a drop folder, parsing and judging every row."""
    with data_folder() as folder:
        _, _, printed = run(folder, "python", "-c", DROP_FOLDER)
        read, pandas_read = (float(seconds) for seconds in printed.split())
        yield "drop folder, nine bar files of 3,400 rows", f"{read:.2f} s", f"pandas.read_csv alone {pandas_read:.2f} s"


MEASURES: list[Callable[[], Iterator[tuple[str, str, str]]]] = [
    validate,
    one_session,
    ten_years,
    bookkeeping,
    walk_forward,
    lake,
    drop_folder,
]


@contextlib.contextmanager
def data_folder(stock_event_log: bool = False) -> Iterator[Path]:
    """An empty data folder with its Dagster home, on the disk of the project, not in memory."""
    folder = Path(tempfile.mkdtemp(prefix=".bench-", dir=ROOT))
    (folder / "dagster").mkdir()
    if not stock_event_log:
        shutil.copy(ROOT / "deploy" / "dagster.local.yaml", folder / "dagster" / "dagster.yaml")
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def chain(folder: Path, partition: str) -> tuple[float, float, str]:
    return run(folder, "python", "-m", "vol_assets", "materialize", "--select", CHAIN, "--partition", partition)


def run(folder: Path, program: str, *arguments: str) -> tuple[float, float, str]:
    """Wall and CPU seconds of a command, and what it printed; fails loudly."""
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("VOL_ASSETS", "DAGSTER"))},
        "VOL_ASSETS_DATA": str(folder),
        "DAGSTER_HOME": str(folder / "dagster"),
        "PYTHONWARNINGS": "ignore",
        "PYTHONPATH": str(ROOT),
    }
    before, started = _cpu(), time.perf_counter()
    done = subprocess.run(
        [BINARIES / program, *arguments], env=environment, cwd=folder, capture_output=True, text=True, check=False
    )
    wall = time.perf_counter() - started
    if done.returncode != 0:
        sys.exit(f"{program} {' '.join(arguments)} failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return wall, _cpu() - before, done.stdout


def _cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


WARM_SESSION = """
import logging, time
import dagster as dg
from vol_assets.definitions import defs
logging.disable(logging.CRITICAL)
job = defs.resolve_implicit_global_asset_job_def()
keys = [dg.AssetKey(k.split("/")) for k in "raw/market,curated/market,features/l1,features/har".split(",")]
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

WALK_FORWARD = """
import resource, time
import pandas as pd
from vol_assets.curation.bars import curate
from vol_assets.curation.raw import raw_bars
from vol_assets.features.har import har_features
from vol_assets.features.l1 import l1_features
from vol_assets.forecasting.frame import modelling_frame
from vol_assets.forecasting.models import MODELS
from vol_assets.forecasting.walk_forward import walk_forward
from vol_assets import clock
from vol_assets.sources.sample import SampleMarket
from vol_assets.sources import SYMBOLS

first, last = clock.sessions("2007-04-11", "2026-06-30")[0], clock.offset("2026-06-30", 0)
bars = curate(raw_bars(SampleMarket().daily_bars(SYMBOLS, first, last), "sample"))
spy = bars[bars["symbol"] == "SPY"].set_index("date")["log_return"]
frame = modelling_frame(l1_features(bars), har_features(bars), spy)
seconds = []
for workers in (2, 1):
    started = time.perf_counter()
    walk_forward(frame, MODELS, workers=workers)
    seconds.append(time.perf_counter() - started)
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
print(len(frame), *seconds, peak, len(MODELS))
"""

LAKE = """
import os, time
import pandas as pd
from pathlib import Path
from vol_assets import clock
from vol_assets.contracts.market import CURATED_MARKET
from vol_assets.curation.bars import curate
from vol_assets.curation.raw import raw_bars
from vol_assets.lake import Lake, parquet
from vol_assets.sources.sample import SampleMarket
from vol_assets.sources import SYMBOLS

first, last = clock.sessions("2014-01-02", "2014-01-02")[0], clock.offset("2023-12-29", 0)
bars = curate(raw_bars(SampleMarket().daily_bars(SYMBOLS, first, last), "sample"))

def timed(work):
    started = time.perf_counter()
    work()
    return time.perf_counter() - started

root = Path(os.environ["VOL_ASSETS_DATA"])
batched, each = Lake(root / "batched", "sample"), Lake(root / "each", "sample")
write = timed(lambda: batched.write(CURATED_MARKET, bars))
read = timed(lambda: batched.read(CURATED_MARKET, first, last))
pandas_read = timed(lambda: pd.read_parquet(batched.folder(CURATED_MARKET)))
parquet.BATCH_SESSIONS = 1
one_sync_a_file = timed(lambda: each.write(CURATED_MARKET, bars))
print(write, one_sync_a_file, read, pandas_read)
"""

DROP_FOLDER = """
import os, time
import pandas as pd
from pathlib import Path
from vol_assets import clock
from vol_assets.sources import SYMBOLS
from vol_assets.sources.files import FilesMarket

root = Path(os.environ["VOL_ASSETS_DATA"])
bars = root / "bars"
bars.mkdir()
days = clock.sessions("2006-07-03", "2019-12-31")
rows = pd.DataFrame({"Date": days, "Open": 100.0, "High": 105.0, "Low": 99.0, "Close": 104.5, "Volume": 1000})
for symbol in SYMBOLS:
    rows.to_csv(bars / f"{symbol.replace('=', '_')}.csv", index=False)

def best(work):
    seconds = []
    for _ in range(3):
        started = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - started)
    return min(seconds)

read = best(lambda: FilesMarket(root).daily_bars(SYMBOLS, days[1], days[-1]))
print(read, best(lambda: [pd.read_csv(path, parse_dates=["Date"]) for path in bars.iterdir()]))
"""

if __name__ == "__main__":
    main()
