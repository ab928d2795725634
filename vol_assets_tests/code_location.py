"""Our code location over a data folder of its own, as a laptop has it, and the drop folder a person would fill."""

from __future__ import annotations

import datetime as dt
import logging
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import dagster as dg
import pandas as pd
import pytest

from vol_assets.assets import surfaces
from vol_assets.automation.progress import in_a_line
from vol_assets.contracts import CURATED_MARKET, FEATURES_HAR, FEATURES_IMPLIED, FEATURES_L1, Contract
from vol_assets.contracts.symbols import FUNDS
from vol_assets.curation.bars import curate
from vol_assets.curation.raw import raw_bars
from vol_assets.definitions import build_defs
from vol_assets.features.har import har_features
from vol_assets.features.implied import implied_features
from vol_assets.features.l1 import l1_features
from vol_assets.lake import Lake
from vol_assets.settings import Settings
from vol_assets.sources import SYMBOLS
from vol_assets.sources.sample import SampleMarket
from vol_assets.surfaces import charts

ROOT = Path(__file__).parent.parent
BARS = "raw/market,curated/market"
CHAIN = f"{BARS},features/l1,features/har,features/implied"
RANGE = ("dagster/asset_partition_range_start", "dagster/asset_partition_range_end")


@dataclass(frozen=True)
class Ran:
    """What a run did, as the instance has it."""

    result: dg.ExecuteInProcessResult
    instance: dg.DagsterInstance

    @property
    def success(self) -> bool:
        return self.result.success

    @property
    def failed(self) -> list[str]:
        """The steps that failed."""
        return [event.step_key for event in self.result.all_events if event.is_step_failure]

    @property
    def started(self) -> list[str]:
        """The steps that were tried at all."""
        return [event.step_key for event in self.result.all_events if event.event_type_value == "STEP_START"]

    @cached_property
    def lines(self) -> str:
        """What the progress logger tells of it."""
        told = []
        for entry in self.instance.all_logs(self.result.run_id):
            record = logging.makeLogRecord({"levelno": entry.level, "msg": entry.user_message})
            record.dagster_meta = {"dagster_event": entry.dagster_event, "orig_message": entry.user_message}
            told.append(in_a_line(record))
        return "\n".join(filter(None, told))

    @property
    def events(self) -> Counter[str]:
        """How many events of each type the instance keeps."""
        entries = self.instance.all_logs(self.result.run_id)
        return Counter(entry.dagster_event.event_type_value for entry in entries if entry.is_dagster_event)

    def check(self, table: str, name: str) -> dg.AssetCheckEvaluation:
        (found,) = [
            evaluation
            for evaluation in self.result.get_asset_check_evaluations()
            if evaluation.asset_key == _key(table) and evaluation.check_name == name
        ]
        return found

    def metadata(self, table: str) -> Mapping[str, Any]:
        """The metadata values on the last record of a table."""
        records = self.result.asset_materializations_for_node(table.replace("/", "__"))
        return {name: value.value for name, value in records[-1].metadata.items()}


class CodeLocation:
    """Our definitions over `folder`, run in this process and recorded by a Dagster instance in `folder/dagster`."""

    def __init__(self, settings: Settings, instance: dg.DagsterInstance):
        self.settings = settings
        self.instance = instance
        self.defs = build_defs(settings)
        self.lake = Lake(settings.lake, settings.source)

    @classmethod
    @contextmanager
    def over(
        cls,
        folder: Path,
        *,
        source: str = "sample",
        drop: Path | None = None,
        mlflow: str | None = None,
        store: Path | None = None,
    ) -> Iterator[CodeLocation]:
        """Open one; `drop` is the folder of the files source, `mlflow` another store than the folder's own, `store` a
        database that becomes the folder's own."""
        if store is not None:
            (folder / "mlflow").mkdir()
            shutil.copy(store, folder / "mlflow" / "mlflow.db")
        environment = {"VOL_ASSETS_DATA": str(folder), "VOL_ASSETS_SOURCE": source}
        environment |= {"VOL_ASSETS_FILES": str(drop)} if drop else {}
        environment |= {"MLFLOW_TRACKING_URI": mlflow} if mlflow else {}
        settings = Settings.from_env(environment)
        with at_home(settings):
            instance = dg.DagsterInstance.from_config(os.environ["DAGSTER_HOME"])
        with instance:
            yield cls(settings, instance)

    def run(
        self,
        select: str,
        first: str | dt.date | None = None,
        last: str | dt.date | None = None,
        *,
        job: str | None = None,
        config: Mapping[str, Any] | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> Ran:
        """Materialize tables (`a/b,c/d`; all of the job when empty) for a session, a range, or none; or by tags."""
        definition = self.defs.resolve_job_def(job) if job else self.defs.resolve_implicit_global_asset_job_def()
        ranged = dict(zip(RANGE, (str(first), str(last)), strict=True)) if last else {}
        result = definition.execute_in_process(
            instance=self.instance,
            asset_selection=[_key(name) for name in select.split(",")] if select else None,
            partition_key=str(first) if first and not last else None,
            tags={**ranged, **(tags or {})},
            run_config={"loggers": {"progress": {}}, **(config or {})},
            raise_on_error=False,
        )
        return Ran(result, self.instance)

    def fill(self, first: dt.date, last: dt.date) -> None:
        """Write curated bars and features of the sample market as their assets do, but leave Dagster out."""
        bars = curate(raw_bars(SampleMarket().daily_bars(SYMBOLS, first, last), "sample"))
        self.lake.claim()
        self.lake.write(CURATED_MARKET, bars)
        tables = ((FEATURES_L1, l1_features), (FEATURES_HAR, har_features), (FEATURES_IMPLIED, implied_features))
        for contract, compute in tables:
            self.lake.write(contract, compute(bars).reset_index())

    def recorded(self, table: str) -> set[str]:
        """The sessions the instance calls materialized."""
        return self.instance.get_materialized_partitions(_key(table))

    def read(self, contract: Contract, first: str | dt.date, last: str | dt.date) -> pd.DataFrame:
        return self.lake.read(contract, pd.Timestamp(first).date(), pd.Timestamp(last).date())


class DropFolder:
    """Bars that a person saved from a vendor: the sample market's, one CSV a symbol, free to be edited.

    `prices[symbol]` is a frame indexed by session, of anything that can stand in a cell; `save` writes them all.
    """

    def __init__(self, folder: Path, first: dt.date, last: dt.date):
        self.folder = folder
        self.prices: dict[str, pd.DataFrame] = {}
        for symbol, rows in SampleMarket().daily_bars(SYMBOLS, first, last).bars.groupby("symbol"):
            rows = rows.set_index(rows["date"].dt.date)
            total_return = (rows["close"] / rows["previous_close"]).cumprod()
            adjusted = total_return * (rows["close"] / total_return).iloc[-1] if symbol in FUNDS else rows["close"]
            numbers = rows[["open", "high", "low", "close"]].assign(adj_close=adjusted, volume=rows["volume"])
            self.prices[symbol] = numbers.round(6).astype(object)

    def save(self, last: dt.date | None = None) -> None:
        """Write the files, with the sessions up to `last`."""
        (self.folder / "bars").mkdir(parents=True, exist_ok=True)
        for symbol, prices in self.prices.items():
            shown = prices if last is None else prices.loc[:last]
            shown.to_csv(self.folder / "bars" / f"{symbol.replace('=', '_')}.csv", index_label="date")


@contextmanager
def at_home(settings: Settings) -> Iterator[None]:
    """DAGSTER_HOME in the environment: whoever opens the instance anew asks it where the event log is."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DAGSTER_HOME", str(dagster_home(settings.data)))
        yield


@contextmanager
def undrawn() -> Iterator[None]:
    """No pictures of surfaces: they take half of a run, and those of one run are enough."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(surfaces, "picture", lambda figure: dg.MetadataValue.md("not drawn"))
        for name in ("smiles", "term_structure", "densities", "heat_map"):
            patch.setattr(charts, name, lambda *_: None)
        yield


def dagster_home(folder: Path) -> Path:
    """`folder/dagster` with our dagster.yaml in it, as make leaves it."""
    home = folder / "dagster"
    home.mkdir(parents=True, exist_ok=True)
    if not (home / "dagster.yaml").exists():
        shutil.copy(ROOT / "deploy" / "dagster.local.yaml", home / "dagster.yaml")
    return home


def command(folder: Path, *arguments: str, **environment: str) -> subprocess.Popen[str]:
    """Start a program of the environment (`python`, `dagster`) over a data folder, as make would."""
    home = dagster_home(folder)
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("VOL_ASSETS", "DAGSTER"))}
    settings = {"VOL_ASSETS_DATA": str(folder), "DAGSTER_HOME": str(home), "PYTHONWARNINGS": "ignore", **environment}
    return subprocess.Popen(
        [Path(sys.executable).parent / arguments[0], *arguments[1:]],
        cwd=home,
        env={**inherited, **settings},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def files(lake: Lake, contract: Contract) -> dict[str, tuple[int, bytes]]:
    """When each file of a table was written, and what it holds."""
    paths = sorted(lake.folder(contract).glob("date=*/data.parquet"))
    return {path.parent.name[5:]: (path.stat().st_mtime_ns, path.read_bytes()) for path in paths}


def _key(name: str) -> dg.AssetKey:
    return dg.AssetKey(name.split("/"))
