"""HAR: volatility regressed on its own averages over a day, a week and a month (Corsi 2009, J. Fin. Econometrics 7)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from vol_assets.forecasting.frame import input_array, label, training_inputs
from vol_assets.forecasting.models.ols import Line
from vol_assets.forecasting.protocol import Model, Residuals

COLUMNS = ("abs_return_1d", "rv_5d", "rv_22d")
# A regression in levels can go to zero or below, where QLIKE explodes: it is held at this quantile of past labels.
FLOOR_QUANTILE = 0.01


@dataclass(frozen=True)
class LevelHar:
    """The classic HAR by least squares on daily returns: the benchmark everybody knows."""

    name: str = "har"
    bases: tuple[Model, ...] = ()
    residuals: Residuals = Residuals.OUT_OF_FOLD

    def fit(self, frame: pd.DataFrame) -> HarLevel:
        """Least squares on the training sessions."""
        inputs, realised = training_inputs(frame, COLUMNS), label(frame)
        return HarLevel(Line.fit(inputs, realised), float(np.quantile(realised, FLOOR_QUANTILE)))


@dataclass(frozen=True)
class HarLevel:
    """The line and its floor (annualised decimal)."""

    line: Line
    floor: float

    def __call__(self, frame: pd.DataFrame) -> np.ndarray:
        return np.maximum(self.line(input_array(frame, COLUMNS)), self.floor)


HAR = LevelHar()
