"""What a volatility model is: a recipe that is fitted, a fitted thing that forecasts, and the forecast."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pandas as pd


@dataclass(frozen=True)
class Forecast:
    """What realised volatility over the next five sessions will be; arrays (n,) in annualised decimals.

    vol is E[volatility] and var is E[variance]: two numbers for two losses, since sqrt(E[var]) exceeds E[vol] by
    about a tenth. p10, p50, p90 are quantiles of realised volatility.
    """

    vol: np.ndarray
    var: np.ndarray
    p10: np.ndarray
    p50: np.ndarray
    p90: np.ndarray


class FittedModel(Protocol):
    """A model with its parameters; knows nothing of the sessions it was fitted on."""

    def forecast(self, frame: pd.DataFrame) -> Forecast:
        """Forecast every row of a modelling frame; a ForecastError names sessions whose inputs are null."""
        ...


class Model(Protocol):
    """A recipe: a frozen dataclass of hyper-parameters."""

    @property
    def name(self) -> str:
        """Its name in the backtest, in snake_case."""
        ...

    def fit(self, frame: pd.DataFrame) -> FittedModel:
        """Fit on every row of a modelling frame; a ForecastError if rows have nulls or are too few."""
        ...
