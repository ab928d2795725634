"""The volatility forecaster as a registered MLflow model: logged with its signature, loaded back as itself.

    spy_rv_5d, version 4
      artifacts/forecaster/         what `RvForecaster.save` wrote: JSON, the only thing that is ever loaded here
      artifacts/walk_forward.csv    what the model had said in the backtest: the next challenger is held against it
      tags                          source, model, trained_through, data_fingerprint, crownings

Import this module inside functions only: it imports MLflow.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, DataType, Schema

from vol_assets.errors import ForecastError, RegistryError
from vol_assets.forecasting.rv_model import RvForecaster
from vol_assets.tracking import serving
from vol_assets.tracking.crownings import HAND
from vol_assets.tracking.store import Tracking

MODEL = "spy_rv_5d"
ARTIFACT = "forecaster"
WALK_FORWARD = "walk_forward"
FORECAST_COLUMNS = ("forecast_vol", "forecast_var", "p10", "p50", "p90")
WALK_FORWARD_COLUMNS = ["date", "forecast_vol", "forecast_var", "p10", "p90", "realised"]
REQUIREMENTS = ["xgboost", "numpy", "pandas"]

Loaded = tuple[RvForecaster, str, str]
"""A forecaster, the version it is registered under, and the source of the bars it was trained on."""


def forecast_frame(forecaster: RvForecaster, features: pd.DataFrame) -> pd.DataFrame:
    """The forecast of every row, as a frame on the same index."""
    forecast = forecaster.forecast(features)
    numbers = (forecast.vol, forecast.var, forecast.p10, forecast.p50, forecast.p90)
    return pd.DataFrame(dict(zip(FORECAST_COLUMNS, numbers, strict=True)), index=features.index)


def register(
    tracking: Tracking, forecaster: RvForecaster, example: pd.DataFrame, backtest: pd.DataFrame, tags: dict[str, str]
) -> str:
    """Log the forecaster to the active run and register it; returns the version, tagged, without an alias.

    example: rows of a modelling frame. backtest: forecast/rv_backtest; the rows of the forecaster's model are kept.
    """
    features = example[list(forecaster.columns)]
    with tempfile.TemporaryDirectory() as folder, tracking.answering():
        saved, walk_forward = Path(folder) / ARTIFACT, Path(folder) / f"{WALK_FORWARD}.csv"
        forecaster.save(saved)
        backtest.loc[backtest["model"] == forecaster.name, WALK_FORWARD_COLUMNS].to_csv(walk_forward, index=False)
        logged = mlflow.pyfunc.log_model(
            name=MODEL,
            python_model=str(Path(__file__).with_name("rv_python_model.py")),
            artifacts={ARTIFACT: str(saved), WALK_FORWARD: str(walk_forward)},
            signature=_signature(forecaster),
            input_example=features.tail(2),
            pip_requirements=REQUIREMENTS,
        )
        client = tracking.client
        if not client.search_registered_models(f"name = '{MODEL}'"):
            client.create_registered_model(MODEL, description="SPY realised volatility over the next five sessions")
        run_id = mlflow.active_run().info.run_id
        tags = {**tags, "model": forecaster.name, "trained_through": f"{forecaster.trained_through:%Y-%m-%d}"}
        made = client.create_model_version(MODEL, logged.model_uri, run_id, tags=tags, model_id=logged.model_id)
    return str(made.version)


def load_champion(tracking: Tracking) -> Loaded | None:
    """The champion; None when nobody has been crowned.

    A RegistryError when MLflow does not answer, a ForecastError when what it holds is no forecaster of ours.
    """
    version = tracking.champion(MODEL)
    return None if version is None else load(tracking, str(version.version))


def load(tracking: Tracking, version: str) -> Loaded:
    """A version, read as the JSON it is: nothing that lies with it is ever run or unpickled."""
    found = tracking.version(MODEL, version)
    with tempfile.TemporaryDirectory() as folder:
        try:
            saved = tracking.artifact(MODEL, str(found.version), ARTIFACT, folder)
            return RvForecaster.load(saved), str(found.version), found.tags.get("source", "")
        except ForecastError as error:
            raise ForecastError(f"{MODEL} version {found.version} cannot be loaded: {error}") from error


def walk_forward_of(tracking: Tracking, version: str) -> pd.DataFrame:
    """What a version had said in the backtest when it was registered; no rows if that was not kept, or is damaged."""
    found = tracking.version(MODEL, version)
    with tempfile.TemporaryDirectory() as folder:
        try:
            path = tracking.artifact(MODEL, str(found.version), f"{WALK_FORWARD}.csv", folder)
            rows = pd.read_csv(path, parse_dates=["date"], float_precision="round_trip")
            rows["date"] = rows["date"].dt.as_unit("ns")
            return rows[WALK_FORWARD_COLUMNS].astype(dict.fromkeys(WALK_FORWARD_COLUMNS[1:], float))
        except (ForecastError, ValueError, KeyError, AttributeError):
            return pd.DataFrame({name: [] for name in WALK_FORWARD_COLUMNS}).astype({"date": "datetime64[ns]"})


def promote(tracking: Tracking, version: str, reason: str, source: str, by: str = HAND) -> tuple[Any, Any]:
    """Crown a version, if it can be loaded and was trained on this source; the champion before (or None) and now."""
    loaded = _servable(tracking, version, source)
    before = tracking.champion(MODEL)
    if tracking.crown(MODEL, loaded[1], reason, by) is None:
        raise RegistryError(f"version {loaded[1]} of {MODEL} is the champion already; nothing was changed")
    serving.keep(tracking, MODEL, loaded)
    return before, tracking.champion(MODEL)


def roll_back(tracking: Tracking, reason: str, source: str) -> tuple[Any, Any]:
    """As `promote`, for the version that had the crown before the champion."""
    loaded = _servable(tracking, tracking.predecessor(MODEL), source)
    before = tracking.champion(MODEL)
    tracking.roll_back(MODEL, reason)
    serving.keep(tracking, MODEL, loaded)
    return before, tracking.champion(MODEL)


def _signature(forecaster: RvForecaster) -> ModelSignature:
    """Doubles in, required or not, and doubles out; without it MLflow would hand on whatever it is given."""
    required = {**dict.fromkeys(forecaster.columns, True), **dict.fromkeys(forecaster.optional_columns, False)}
    return ModelSignature(
        inputs=Schema([ColSpec(DataType.double, name, needed) for name, needed in required.items()]),
        outputs=Schema([ColSpec(DataType.double, name) for name in FORECAST_COLUMNS]),
    )


def _servable(tracking: Tracking, version: str, source: str) -> Loaded:
    loaded = load(tracking, version)
    if loaded[2] != source:
        raise RegistryError(
            f"version {loaded[1]} of {MODEL} was trained on the source {loaded[2]!r}, this lake holds {source!r}; "
            "choose a version of this source"
        )
    return loaded
