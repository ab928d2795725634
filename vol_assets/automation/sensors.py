"""The retraining sensor: asks for a training run when the serving model does worse than the baseline.

It reads what is in the lake, never when something last ran, and it asks about a state that lasts once: a model stays
degraded for weeks, and a request at every tick would be a storm of runs. The key of a request is the session the
champion was trained through and the month of the newest score; a month has one request at most, whatever became of its
run. A champion that was trained within the last month is left alone: training again would see little new.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import dagster as dg
import pandas as pd

from vol_assets import clock
from vol_assets.automation.jobs import train_rv_model
from vol_assets.contracts.forecast import RV_5D
from vol_assets.contracts.monitoring import SCORECARD
from vol_assets.forecasting.scorecard import ENOUGH, JUDGED_SESSIONS, Degradation, degradation
from vol_assets.lake import Lake
from vol_assets.settings import Settings

EVERY_SECONDS = 3600
FRESH_SESSIONS = 21  # a month, as between the backtest's refits
REASON_TAG = "vol_assets/reason"
SCORES = ["model", "origin", "qlike", "baseline_qlike"]


@dataclass(frozen=True)
class Serving:
    """The model that made the ledger's newest forecast."""

    model: str
    version: str
    trained_through: dt.date


def build_retraining_sensor(settings: Settings) -> dg.SensorDefinition:
    """The sensor over a lake; it runs by default where the schedules do."""
    status = dg.DefaultSensorStatus

    @dg.sensor(
        job=train_rv_model,
        name="retraining_sensor",
        minimum_interval_seconds=EVERY_SECONDS,
        default_status=status.RUNNING if settings.schedules_running else status.STOPPED,
        description="Asks for train_rv_model when the scored forecasts of the serving model are worse than "
        "log_har_iv's, at most once a month.",
    )
    def retraining_sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        lake = Lake(settings.lake, settings.source)
        return plan_retraining(degradation(recent_scores(lake)), serving(lake), context.cursor)

    return retraining_sensor


def plan_retraining(
    verdict: Degradation, champion: Serving | None, asked_before: str | None
) -> dg.SensorResult | dg.SkipReason:
    """What a tick asks for; `asked_before` is the key of the last request."""
    if not verdict.degraded:
        return dg.SkipReason(verdict.reason)
    if champion is None or champion.model != verdict.model:
        now = f"{champion.model} version {champion.version}" if champion else "nobody"
        return dg.SkipReason(f"{verdict.reason}; but {now} serves now, of which no forecast has been scored yet")
    who = f"version {champion.version}, trained through {champion.trained_through}"
    age = len(clock.sessions(champion.trained_through, verdict.through.date())) - 1
    if age <= FRESH_SESSIONS:
        return dg.SkipReason(f"{verdict.reason}; but {who}, is {age} sessions old: training would see little new")
    month = f"/{verdict.through:%Y-%m}"
    if asked_before and asked_before.endswith(month):
        return dg.SkipReason(
            f"{verdict.reason}; training was asked for this month, and {who}, serves. Look at what that run's gate "
            "said, or launch train_rv_model by hand; the next request is next month"
        )
    key = f"{champion.trained_through}{month}"
    return dg.SensorResult(run_requests=[dg.RunRequest(run_key=key, tags={REASON_TAG: verdict.reason})], cursor=key)


def recent_scores(lake: Lake) -> pd.DataFrame:
    """The newest rows of monitoring/scorecard: as many sessions as are judged, and a quarter more for empty ones."""
    held = lake.sessions(SCORECARD)[-(JUDGED_SESSIONS + ENOUGH) :]
    return lake.read(SCORECARD, held[0], held[-1], SCORES) if held else SCORECARD.empty()


def serving(lake: Lake) -> Serving | None:
    """Who made the newest of the ledger's last forecasts; None where there is none."""
    held = lake.sessions(RV_5D)[-FRESH_SESSIONS:]
    rows = lake.read(RV_5D, held[0], held[-1], ["model", "model_version", "trained_through"]) if held else RV_5D.empty()
    if rows.empty:
        return None
    newest = rows.iloc[-1]
    return Serving(newest["model"], newest["model_version"], newest["trained_through"].date())
