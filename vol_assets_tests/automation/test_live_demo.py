"""The live demonstration's parts that need no quarter of an hour: whom it refuses, its gateway, and what it tells."""

from __future__ import annotations

import datetime as dt
import os

import numpy as np
import pandas as pd
import pytest
import smile_world
from live_desk import ALWAYS

from vol_assets import clock
from vol_assets.automation.live_demo import SPEED, _simulator, run
from vol_assets.automation.live_summary import _picture, summary
from vol_assets.automation.resources import open_tracking
from vol_assets.contracts.live import LIVE_HISTORY
from vol_assets.errors import ForecastError, SettingError
from vol_assets.ibkr import greet
from vol_assets.ibkr.desk import Desk
from vol_assets.lake import Lake
from vol_assets.lake.live import FEATURES, PREDICTIONS
from vol_assets.settings import Settings
from vol_assets.smiles import state_rows
from vol_assets.smiles.dataset import split
from vol_assets.smiles.networks import train
from vol_assets.smiles.panel import LENGTH, LIVE
from vol_assets.tracking.smile_model import register

SESSION = dt.date(2024, 3, 15)


def test_simulated_quotes_are_kept_out_of_a_lake_of_real_ones(tmp_path):
    asked = []
    settings = Settings.from_env({"VOL_ASSETS_DATA": str(tmp_path), "VOL_ASSETS_SOURCE": "yahoo"})
    with pytest.raises(SettingError, match="they would lie among real ones"):
        run(settings, SESSION, lambda *request: asked.append(request))
    assert asked == []


def test_the_gateway_is_found_by_its_settings_lives_just_before_the_open_and_ends():
    with _simulator(SESSION) as environment:
        desk = Desk.of(Settings.from_env({**os.environ, **environment}))
        assert greet(desk.gateway, 5.0).version == 176
        before_open = pd.Timestamp("2024-03-15 13:30", tz="UTC") - desk.now()
        assert -60.0 * SPEED < before_open.total_seconds() <= 6.0 * SPEED
    with pytest.raises(Exception, match="no gateway"):
        greet(desk.gateway, 1.0)


def test_what_was_polled_is_summed_up_with_errors_by_horizon(desk_with):
    desk = desk_with()
    assert desk.ticks()
    with desk.store() as store:
        predictions, features = store.read(PREDICTIONS, *ALWAYS), store.read(FEATURES, *ALWAYS)
        due = predictions[predictions["horizon_steps"] == 1]
        off = due.assign(realised_vol=due["predicted_vol"] + 0.002)
        store.score(off[["family", "target_ts", "expiration", "strike", "right", "realised_vol"]])
    told = summary(desk.settings, *ALWAYS).splitlines()
    assert told[0].startswith(f"1 polls, {len(features)} quotes with features, {len(predictions)} predicted vols")
    steps, scored, rmse = told[2].split()[:3]
    assert (steps, scored, float(rmse)) == ("1", str(len(due)), pytest.approx(0.2, abs=1e-3))
    assert any("persistence (100% flagged)" in line for line in told)
    assert any("picture   none" in line for line in told)


def test_the_newest_prediction_of_ten_steps_with_an_outcome_is_drawn(tmp_path):
    settings = Settings.from_env({"VOL_ASSETS_DATA": str(tmp_path)})
    taught = smile_world.panel(LIVE, clock.sessions("2024-03-06", "2024-03-14"), count=30)
    states = smile_world.live_states([SESSION], 25)
    lake = Lake(settings.lake, "sample")
    smile_world.fill_live(lake, states)
    history = lake.read(LIVE_HISTORY, SESSION, SESSION)
    features = history.assign(log_moneyness=np.log(history["strike"] / history["forward"]), vega=1.0)
    features = features.rename(columns={"own_vol": "implied_vol"})
    assert _picture(settings, state_rows(*states), features) is None
    tracking, gru = open_tracking(settings), train("gru", taught, split(taught)).model
    with tracking.run("by hand", {"test": "gru"}):
        register(tracking, gru, taught.windows([LENGTH - 1]), {"source": "sample"})
    path = _picture(settings, state_rows(*states), features)
    assert path == settings.reports / "live" / f"smile_{states[-11].ts:%Y-%m-%dT%H%MZ}.png"
    assert path.read_bytes().startswith(b"\x89PNG")
    assert _picture(settings, state_rows(*states[:19]), features) is None  # the first outcome is still to come


def test_nothing_polled_is_said_to_be_so(desk_with):
    desk = desk_with()
    with desk.store():
        pass
    with pytest.raises(ForecastError, match="nothing was polled and predicted"):
        summary(desk.settings, *ALWAYS)
