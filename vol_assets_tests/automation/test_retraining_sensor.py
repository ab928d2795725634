"""When the retraining sensor asks for a run, and why it does not; the lake holds what the assets would have left."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import numpy as np
import pandas as pd
import pytest
from code_location import CodeLocation, at_home

from vol_assets import clock
from vol_assets.automation.sensors import REASON_TAG, Serving, build_retraining_sensor, plan_retraining
from vol_assets.contracts import CONTRACTS
from vol_assets.contracts.forecast import RV_5D
from vol_assets.contracts.monitoring import SCORECARD
from vol_assets.forecasting.scorecard import Degradation
from vol_assets.settings import Settings

LAST = dt.date(2024, 6, 28)
DAYS = clock.sessions("2023-09-01", LAST)[-150:]
TRAINED = pd.Timestamp("2024-02-29")


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CodeLocation]:
    with CodeLocation.over(tmp_path_factory.mktemp("sensor")) as location:
        yield location


@pytest.fixture
def location(opened: CodeLocation) -> CodeLocation:
    """The code location over an empty lake."""
    shutil.rmtree(opened.settings.lake, ignore_errors=True)
    return opened


def keep(location: CodeLocation, worse_by: float, *, model: str = "ensemble", trained: pd.Timestamp = TRAINED) -> None:
    """A lake whose scored forecasts lose to the baseline by that much on average, and whose newest is made today."""
    draw = np.random.default_rng(1)
    loss, days = draw.gamma(2.0, 0.15, len(DAYS)) + 1.0, pd.DatetimeIndex(DAYS).as_unit("ns")
    noise = draw.normal(0.0, 0.1, len(DAYS))
    rows = pd.DataFrame({"date": days, "forecast_date": pd.DatetimeIndex([clock.offset(day, -5) for day in DAYS])})
    who = {"model": model, "model_version": "3", "trained_through": trained.as_unit("ns"), "origin": "live"}
    vols = dict.fromkeys(("forecast_vol", "baseline_vol", "p10", "p50", "p90", "realised"), 0.15)
    rows = rows.assign(**who, **vols, error=0.0, inside=True, qlike=loss + worse_by + noise - noise.mean())
    rows = rows.assign(baseline_qlike=loss)
    for window in (63, 252):
        rows = rows.assign(**{f"{name}_{window}": np.nan for name in ("qlike_ratio", "worse_t", "coverage", "bias")})
        rows[f"live_{window}"] = 0
    location.lake.write(SCORECARD, SCORECARD.require(rows[list(SCORECARD.columns)]))
    made = rows.tail(1).assign(made_at=pd.Timestamp("2024-06-28 22:30", tz="UTC"), flags="")
    made = made.assign(forecast_var=0.0225, baseline_var=0.0225).astype({"made_at": pd.DatetimeTZDtype("us", "UTC")})
    location.lake.write(RV_5D, RV_5D.require(made[list(RV_5D.columns)]))


def tick(location: CodeLocation, cursor: str | None = None):
    """What the sensor of the code location decides."""
    repository = location.defs.get_repository_def()
    with (
        at_home(location.settings),
        dg.build_sensor_context(location.instance, cursor=cursor, repository_def=repository) as context,
    ):
        return repository.get_sensor_def("retraining_sensor").evaluate_tick(context)


def test_a_lake_without_scores_is_skipped_with_the_reason(location: CodeLocation):
    decided = tick(location)
    assert decided.run_requests == []
    assert decided.skip_message.startswith("no forecast has been scored yet")


def test_a_degraded_model_is_asked_about_once_with_the_reason_on_the_run(location: CodeLocation):
    keep(location, 0.1)
    decided = tick(location)
    (request,) = decided.run_requests
    assert request.run_key == decided.cursor == "2024-02-29/2024-06"
    assert request.tags[REASON_TAG].startswith("ensemble does worse than log_har_iv: QLIKE 1.")

    again = tick(location, decided.cursor)
    assert again.run_requests == []
    assert "training was asked for this month, and version 3, trained through 2024-02-29, serves" in (
        again.skip_message
    )


@pytest.mark.parametrize("worse_by", [-0.5, -0.1, 0.0])
def test_a_model_that_is_better_or_as_good_is_left_alone(location: CodeLocation, worse_by: float):
    keep(location, worse_by)
    decided = tick(location)
    assert decided.run_requests == []
    assert "does not do demonstrably worse than log_har_iv" in decided.skip_message


def test_a_champion_trained_within_a_month_is_left_alone(location: CodeLocation):
    keep(location, 0.1, trained=pd.Timestamp(clock.offset(LAST, -21)))
    assert "is 21 sessions old: training would see little new" in tick(location).skip_message
    keep(location, 0.1, trained=pd.Timestamp(clock.offset(LAST, -22)))
    assert len(tick(location).run_requests) == 1


WORSE = Degradation(True, "ensemble does worse", "ensemble", pd.Timestamp(LAST), 126)
CHAMPION = Serving("ensemble", "3", TRAINED.date())


def test_scores_of_a_model_that_serves_no_more_ask_for_nothing():
    for champion, said in (
        (Serving("log_har_iv", "4", TRAINED.date()), "but log_har_iv version 4 serves now"),
        (None, "but nobody serves now"),
    ):
        decided = plan_retraining(WORSE, champion, None)
        assert isinstance(decided, dg.SkipReason)
        assert said in decided.skip_message


def test_a_state_that_lasts_for_two_months_of_hourly_ticks_is_two_requests_and_no_storm():
    asked, cursor = [], None
    for session in clock.sessions("2024-06-03", "2024-07-31"):
        for _ in range(24):
            verdict = Degradation(True, "ensemble does worse", "ensemble", pd.Timestamp(session), 126)
            decided = plan_retraining(verdict, CHAMPION, cursor)
            if isinstance(decided, dg.SensorResult):
                asked += [request.run_key for request in decided.run_requests]
                cursor = decided.cursor
    assert asked == ["2024-02-29/2024-06", "2024-02-29/2024-07"]


def test_a_champion_that_takes_over_after_a_request_is_not_asked_about_for_a_month():
    asked, cursor, champion = [], None, CHAMPION
    for session in clock.sessions("2024-06-03", "2024-07-31"):
        verdict = Degradation(True, "ensemble does worse", "ensemble", pd.Timestamp(session), 126)
        decided = plan_retraining(verdict, champion, cursor)
        if isinstance(decided, dg.SensorResult):
            asked.append(session)
            cursor, champion = decided.cursor, Serving("ensemble", "4", clock.offset(session, -5))
    assert asked == [dt.date(2024, 6, 3), dt.date(2024, 7, 1)]


@pytest.mark.parametrize(
    ("setting", "status"),
    [("stopped", dg.DefaultSensorStatus.STOPPED), ("running", dg.DefaultSensorStatus.RUNNING)],
)
def test_it_runs_by_default_where_the_schedules_do_and_looks_once_an_hour(setting: str, status, tmp_path: Path):
    environment = {"VOL_ASSETS_DATA": str(tmp_path), "VOL_ASSETS_SCHEDULES": setting}
    sensor = build_retraining_sensor(Settings.from_env(environment))
    assert sensor.default_status is status
    assert sensor.minimum_interval_seconds == 3600
    assert sensor.job_name == "train_rv_model"


def test_the_scorecard_has_its_contract_under_its_key():
    assert CONTRACTS[("monitoring", "scorecard")] is SCORECARD
