"""HAR: volatility regressed on its own averages over a day, a week and a month (Corsi 2009, J. Fin. Econometrics 7)."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from vol_assets.forecasting.calibration import Calibration
from vol_assets.forecasting.frame import input_array, training_arrays
from vol_assets.forecasting.models.ols import Line
from vol_assets.forecasting.protocol import Forecast

COLUMNS = ("abs_return_1d", "rv_5d", "rv_22d")
# A regression in levels can go to zero or below, where QLIKE explodes: it is held at this quantile of past labels.
FLOOR_QUANTILE = 0.01


@dataclass(frozen=True)
class LevelHar:
    """The classic HAR by least squares on daily returns: the benchmark everybody knows.

    E[vol] is the fitted line (floored), unbiased by construction; E[var] is its square times the training mean of
    (realised / line)^2. Quantiles are in-sample ratios to the line.
    """

    name: str = "har"

    def fit(self, frame: pd.DataFrame) -> FittedLevelHar:
        """Least squares on the training sessions."""
        inputs, realised = training_arrays(frame, COLUMNS)
        line, floor = Line.fit(inputs, realised), float(np.quantile(realised, FLOOR_QUANTILE))
        smeared = Calibration.smeared(realised, np.maximum(line(inputs), floor))
        return FittedLevelHar(line, floor, replace(smeared, vol=1.0))


@dataclass(frozen=True)
class FittedLevelHar:
    """The line, its floor (annualised decimal) and the factors."""

    line: Line
    floor: float
    calibration: Calibration

    def forecast(self, frame: pd.DataFrame) -> Forecast:
        """Forecast every row of a modelling frame."""
        return self.calibration.forecast(np.maximum(self.line(input_array(frame, COLUMNS)), self.floor))


HAR = LevelHar()
