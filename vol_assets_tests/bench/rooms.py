"""Rooms by themselves: the lake, the drop folder."""

from __future__ import annotations

from collections.abc import Iterator

from vol_assets_tests.bench.processes import data_folder, run


def lake() -> Iterator[tuple[str, str, str]]:
    """Writing and reading ten years of curated bars."""
    with data_folder() as folder:
        printed = run(folder, "python", "-c", LAKE).printed
        write, each, read, pandas_read = (float(seconds) for seconds in printed.split())
        yield "lake, write ten years, one sync a batch", f"{write:.1f} s", f"one sync a file {each:.1f} s"
        yield "lake, read ten years as one frame", f"{read:.1f} s", f"pandas.read_parquet {pandas_read:.1f} s"


def drop_folder() -> Iterator[tuple[str, str, str]]:
    """Reading the bar files of a drop folder, parsing and judging every row."""
    with data_folder() as folder:
        read, pandas_read = (float(seconds) for seconds in run(folder, "python", "-c", DROP_FOLDER).printed.split())
        yield (
            "drop folder, bar files of 3,400 rows, one a symbol",
            f"{read:.2f} s",
            f"pandas.read_csv alone {pandas_read:.2f} s",
        )


def chain_files() -> Iterator[tuple[str, str, str]]:
    """Reading chains of a drop folder: a CSV of 50,000 rows, and sessions out of a year of Parquet."""
    with data_folder() as folder:
        printed = run(folder, "python", "-c", CHAIN_FILES).printed
        read, pandas_read, session = (float(seconds) for seconds in printed.split())
        yield "chain file, CSV of 50,000 rows", f"{read:.2f} s", f"pandas.read_csv alone {pandas_read:.2f} s"
        yield "a session of 8,000 out of a year of Parquet", f"{session:.2f} s", ""


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

CHAIN_FILES = """
import datetime as dt, os, time
from pathlib import Path
import numpy as np
import pandas as pd
from vol_assets import clock
from vol_assets.sources.files import FilesMarket

root = Path(os.environ["VOL_ASSETS_DATA"])
folder = root / "chains" / "SPY"
folder.mkdir(parents=True)
count = 8000
expiration = np.datetime64("2020-01-17") + 7 * (np.arange(count) % 25)
chain = pd.DataFrame(
    {"expiration": expiration.astype(str), "strike": np.arange(count) / 10, "type": "call", "bid": 1.0, "ask": 1.1}
)
days = clock.sessions("2019-01-02", "2019-12-31")
pd.concat([chain.assign(date=str(day)) for day in days]).to_parquet(folder / "options_2019.parquet")
pd.concat([chain] * 7).head(50_000).to_csv(folder / "2018-07-02.csv", index=False)

def best(work):
    seconds = []
    for _ in range(3):
        started = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - started)
    return min(seconds)

session = dt.date(2018, 7, 2)
print(
    best(lambda: list(FilesMarket(root).option_chains("SPY", session, session))),
    best(lambda: pd.read_csv(folder / "2018-07-02.csv", parse_dates=["expiration"])),
    best(lambda: list(FilesMarket(root).option_chains("SPY", days[100], days[109]))) / 10,
)
"""
