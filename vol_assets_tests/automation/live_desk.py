"""The live smile's job over a simulated gateway and a data folder of its own, run in this process; its sensor too."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import dagster as dg
import pandas as pd
from dagster._core.definitions.job_base import InMemoryJob
from dagster._core.execution.api import execute_run  # execute_in_process would have its own executor, which retries
from smile_market import FAST, NOON, SmileMarket

from vol_assets.assets.live_smile import JOB, LIVE_ASSETS
from vol_assets.automation.jobs import live_smile_job
from vol_assets.automation.resources import build_resources
from vol_assets.automation.smile_sensor import build_smile_sensor
from vol_assets.ibkr import Limits
from vol_assets.ibkr.desk import Desk
from vol_assets.ibkr.known import Known, known_path
from vol_assets.ibkr.simulator import Behaviour, SimulatedClock, Simulator
from vol_assets.ibkr.simulator.contracts import SHARE_NUMBER
from vol_assets.lake.live import TABLES, LiveStore
from vol_assets.settings import Settings

QUICK = Limits(budget=10.0, answer=5.0, quiet=5.0, lines=36)  # enough for four smiles, in one burst of messages
IMPATIENT = replace(QUICK, answer=0.6, quiet=0.6)
ALWAYS = (pd.Timestamp("1970-01-02", tz="UTC"), pd.Timestamp("2100-01-01", tz="UTC"))
SILENT = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
AT_ONCE = {"execution": {"config": {"retries": {"disabled": {}}}}}


@dataclass
class Ran:
    """What a run did: whether it succeeded, its events, and what its steps said."""

    success: bool
    events: list[dg.DagsterEvent]

    def steps(self, kind: str) -> list[str]:
        """The steps that ended in a way: SUCCESS, FAILURE, SKIPPED; or those tried again: UP_FOR_RETRY."""
        found = [event for event in self.events if event.event_type_value == f"STEP_{kind}"]
        return [event.step_key.removeprefix("live__") for event in found]

    @property
    def reason(self) -> str:
        """What the failed step says; of its reason alone, whatever Dagster wraps around it."""
        (failed,) = [event.step_failure_data for event in self.events if event.is_step_failure]
        if failed.user_failure_data is not None:
            return failed.user_failure_data.description
        error = failed.error
        while error.cause is not None:
            error = error.cause
        return error.message

    def metadata(self, name: str) -> dict[str, Any]:
        """What a step left on the page of its asset, as a materialization or an observation."""
        for event in self.events:
            if event.step_key == f"live__{name}" and event.event_type_value in (
                "ASSET_MATERIALIZATION",
                "ASSET_OBSERVATION",
            ):
                data = event.event_specific_data
                found = data.materialization if hasattr(data, "materialization") else data.asset_observation
                return {key: value.value for key, value in found.metadata.items()}
        raise AssertionError(f"{name} left nothing")


@dataclass
class LiveDesk:
    """A gateway, a data folder and an instance."""

    simulator: Simulator
    settings: Settings
    instance: dg.DagsterInstance
    limits: Limits = QUICK
    patience: float = 0.3  # seconds for a lock of the store
    desk: Desk = field(init=False)

    def __post_init__(self) -> None:
        self.desk = Desk.of(self.settings)

    def run(self, config: dict[str, Any] = AT_ONCE, *, select: str | None = None, job: str = JOB, **desk: Any) -> Ran:
        """One run of the job, or of one asset by it or by another; without retries unless told otherwise."""
        resources = build_resources(self.settings) | {
            "ibkr": replace(self.desk, limits=self.limits, **desk),
            "live_store": partial(LiveStore, self.settings.live_url, self.patience),
        }
        defs = dg.Definitions(
            assets=LIVE_ASSETS, jobs=[live_smile_job], resources=resources, executor=dg.in_process_executor
        )
        definition = defs.resolve_job_def(job)
        if select:
            definition = definition.get_subset(asset_selection={dg.AssetKey(["live", select])})
        run = self.instance.create_run_for_job(definition, run_config=SILENT | config, tags=definition.run_tags)
        execute_run(InMemoryJob(definition), run, self.instance)
        events = [entry.dagster_event for entry in self.instance.all_logs(run.run_id) if entry.is_dagster_event]
        return Ran(self.instance.get_run_by_id(run.run_id).is_success, events)

    def look(self, cursor: str | None = None) -> dg.SensorResult | dg.SkipReason:
        """One tick of the sensor."""
        with dg.build_sensor_context(instance=self.instance, cursor=cursor) as context:
            return build_smile_sensor(self.settings)(context)

    def ticks(self) -> bool:
        """Whether the next tick of the sensor asks for a run, and the run stores quotes and predictions."""
        asked = self.look()
        assert isinstance(asked, dg.SensorResult), asked.skip_message
        assert len(asked.run_requests) == 1
        return self.run().steps("SUCCESS") == ["spy_quotes", "spy_features", "spy_predicted"]

    @contextmanager
    def store(self) -> Iterator[LiveStore]:
        with LiveStore(self.settings.live_url) as store:
            yield store

    def stored(self) -> dict[str, int]:
        """Rows by table."""
        with self.store() as store:
            return {table.name: len(store.read(table, *ALWAYS)) for table in TABLES.values()}


@contextmanager
def open_desk(
    folder: Path,
    behaviour: Behaviour = FAST,
    market: SmileMarket | None = None,
    at: dt.datetime = NOON,
    limits: Limits = QUICK,
) -> Iterator[LiveDesk]:
    """A desk and its gateway, where it is noon of a session and every contract is known already."""
    market = market or SmileMarket()
    known = Known(
        share=SHARE_NUMBER,
        expirations=sorted({key.expiration for key in market.numbers}),
        strikes=sorted({key.strike for key in market.numbers}),
        multiplier="100",
        numbers=dict(market.numbers),
        vol=0.18,
    )
    known.write(known_path(folder / "live" / "contracts", "simulator", "SPY", at.date()))
    clock = SimulatedClock(at)
    with Simulator(market, clock, behaviour) as simulator, dg.DagsterInstance.ephemeral() as instance:
        yield LiveDesk(simulator, settings_of(folder, simulator), instance, limits)


def settings_of(folder: Path, simulator: Simulator, **environment: str) -> Settings:
    """Settings that name a simulated gateway and its clock."""
    clock = simulator.clock
    return Settings.from_env(
        {
            "VOL_ASSETS_DATA": str(folder),
            "VOL_ASSETS_IBKR": f"127.0.0.1:{simulator.port}",
            "VOL_ASSETS_IBKR_CLOCK": f"{clock.start.isoformat()},{clock.speed},{clock.began}",
            **environment,
        }
    )
