"""One MLflow store on SQLite for all tests of this room: making one costs seconds, and names keep them apart."""

from __future__ import annotations

import socket
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from vol_assets import clock
from vol_assets.forecasting.frame import INPUTS, LABEL, RANGE_LABEL
from vol_assets.forecasting.models import LOG_HAR_IV, XGB_21
from vol_assets.forecasting.rv_model import RvForecaster, train
from vol_assets.tracking import Tracking


@pytest.fixture(scope="session")
def tracking(tmp_path_factory) -> Tracking:
    folder = tmp_path_factory.mktemp("mlflow")
    return Tracking(f"sqlite:///{folder}/made/when/needed/mlflow.db", "rooms", folder / "artifacts")


@pytest.fixture
def nobody(tmp_path, monkeypatch) -> Tracking:
    """An MLflow server that is not running, asked once and not again."""
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    return Tracking(f"http://127.0.0.1:{port}", "rooms", tmp_path / "mlflow" / "artifacts")


@pytest.fixture(scope="session")
def frame() -> pd.DataFrame:
    """Random inputs, and a label that VIX explains: enough for a model to have something to say."""
    draw = np.random.default_rng(5)
    index = pd.DatetimeIndex(clock.sessions("2021-01-04", "2023-09-29"), name="date").as_unit("ns")
    frame = pd.DataFrame(draw.normal(size=(len(index), len(INPUTS))), index=index, columns=list(INPUTS))
    frame["vix"] = 0.2 * np.exp(0.3 * frame["vix"])
    frame["log_vix"] = np.log(frame["vix"])
    for label in (LABEL, RANGE_LABEL):
        frame[label] = frame["vix"] * np.exp(0.2 * draw.normal(size=len(index)))
    return frame


@pytest.fixture(scope="session")
def forecaster(frame) -> RvForecaster:
    """With trees, beside the reference's line."""
    return train(frame, replace(XGB_21, rounds=15))


@pytest.fixture(scope="session")
def line(frame) -> RvForecaster:
    return train(frame, LOG_HAR_IV)


@pytest.fixture(scope="session")
def backtest(frame, forecaster, line) -> pd.DataFrame:
    """As forecast/rv_backtest has it; which numbers is of no matter here."""
    days = frame.tail(300)
    numbers = {"forecast_vol": 1 / 3, "forecast_var": 0.1, "p10": 0.1, "p50": 0.2, "p90": 0.3, "realised": days[LABEL]}
    tables = [
        pd.DataFrame({**numbers, "model": model, "date": days.index, "trained_through": frame.index[0]})
        for model in (line.name, forecaster.name)
    ]
    backtest = pd.concat(tables, ignore_index=True)
    backtest.loc[backtest["date"] >= days.index[-5], "realised"] = np.nan
    return backtest
