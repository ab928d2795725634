"""The volatility forecaster as a registered MLflow model: logged with its signature, loaded back as itself.

Import this module inside functions only: it imports MLflow.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import mlflow
import pandas as pd
from mlflow.models import infer_signature

from vol_assets.contracts.features import L1_FEATURES
from vol_assets.forecasting.rv_model import RvForecaster
from vol_assets.tracking.store import Tracking

MODEL = "spy_rv_5d"
ARTIFACT = "forecaster"
REQUIREMENTS = ["xgboost", "numpy", "pandas"]


def forecast_frame(forecaster: RvForecaster, features: pd.DataFrame) -> pd.DataFrame:
    """The forecast of every row, as a frame on the same index."""
    forecast = forecaster.forecast(features)
    columns = {
        "forecast_vol": forecast.vol,
        "forecast_var": forecast.var,
        "p10": forecast.p10,
        "p50": forecast.p50,
        "p90": forecast.p90,
    }
    return pd.DataFrame(columns, index=features.index)


def register(tracking: Tracking, forecaster: RvForecaster, example: pd.DataFrame, tags: dict[str, str]) -> str:
    """Log the forecaster to the active run and register it; returns the version, tagged, without an alias."""
    features = example[list(L1_FEATURES)]
    with tempfile.TemporaryDirectory() as folder:
        forecaster.save(Path(folder) / ARTIFACT)
        logged = mlflow.pyfunc.log_model(
            name=MODEL,
            python_model=str(Path(__file__).with_name("rv_python_model.py")),
            artifacts={ARTIFACT: str(Path(folder) / ARTIFACT)},
            signature=infer_signature(features, forecast_frame(forecaster, features)),
            input_example=features.tail(2),
            pip_requirements=REQUIREMENTS,
        )
    client = tracking.client
    if not client.search_registered_models(f"name = '{MODEL}'"):
        client.create_registered_model(MODEL, description="SPY realised volatility over the next five sessions")
    run_id = mlflow.active_run().info.run_id
    made = client.create_model_version(MODEL, logged.model_uri, run_id, tags=tags, model_id=logged.model_id)
    return str(made.version)


def load_champion(tracking: Tracking) -> tuple[RvForecaster, str, str] | None:
    """The champion, its version and its source tag; None when nobody has been crowned."""
    version = tracking.champion(MODEL)
    if version is None:
        return None
    folder = tracking.download(f"models:/{MODEL}/{version.version}")
    return RvForecaster.load(folder / "artifacts" / ARTIFACT), str(version.version), version.tags.get("source", "")
