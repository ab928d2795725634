"""Why the forecast is what it is: SHAP values of the booster, in units of log volatility.

A forecast's margin is base_value + the sum of its features' values (Lundberg et al. 2020, Nature Machine
Intelligence 2, 56-67), so exp(value) is the factor by which a feature raised or lowered the volatility forecast.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from vol_assets.errors import ForecastError
from vol_assets.forecasting.frame import input_array
from vol_assets.forecasting.models.boosted import log_vol
from vol_assets.forecasting.rv_model import RvForecaster

BASE_VALUE = "base_value"


def shap_values(forecaster: RvForecaster, frame: pd.DataFrame) -> pd.DataFrame:
    """SHAP values of each forecast: indexed as the frame, a column a feature, and `base_value`.

    By shap.TreeExplainer on the booster's own trees (path-dependent). They must add up to the booster's margin; a
    ForecastError says by how much they do not.
    """
    import shap

    booster, columns = forecaster.fitted.booster, forecaster.fitted.columns
    inputs = input_array(frame, columns)
    explanation = shap.TreeExplainer(booster)(pd.DataFrame(inputs, columns=list(columns)))
    values = pd.DataFrame(explanation.values.astype(float), index=frame.index, columns=list(columns))
    values[BASE_VALUE] = explanation.base_values.astype(float)
    _require_additive(values, log_vol(booster, inputs, columns), booster.num_boosted_rounds())
    return values


def mean_abs_shap(values: pd.DataFrame) -> pd.Series:
    """Mean |value| of each feature over the sessions, largest first: how much it moves the log forecast."""
    features = values.drop(columns=BASE_VALUE)
    return features.abs().mean().sort_values(ascending=False).rename("mean_abs_shap").rename_axis("feature")


def _require_additive(values: pd.DataFrame, margin: np.ndarray, trees: int) -> None:
    # XGBoost adds its trees one after the other in float32: half a unit in the last place of the margin a tree.
    tolerance = trees * np.finfo(np.float32).eps / 2 * max(1.0, np.abs(margin).max())
    gap = np.abs(values.sum(axis=1).to_numpy() - margin)
    if gap.max() > tolerance:
        raise ForecastError(
            f"SHAP values of {values.index[gap.argmax()]} miss the booster's margin by {gap.max():.1e} (allowed "
            f"{tolerance:.1e}); the installed shap cannot read this booster, use the versions of pyproject.toml"
        )
