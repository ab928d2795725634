"""Models that say: what was, will be. They fit nothing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from vol_assets.forecasting.frame import VOL_FLOOR, input_array, training_inputs
from vol_assets.forecasting.protocol import Model, Residuals


@dataclass(frozen=True)
class TrailingVol:
    """A trailing volatility taken at its word: E[vol] is the column itself, E[var] its square, neither rescaled."""

    name: str
    column: str
    bases: tuple[Model, ...] = ()
    residuals: Residuals = Residuals.AS_IT_IS

    def fit(self, frame: pd.DataFrame) -> TrailingLevel:
        """Nothing to fit; the rows are checked like any model's."""
        training_inputs(frame, (self.column,))
        return TrailingLevel(self.column)


@dataclass(frozen=True)
class TrailingLevel:
    """The column."""

    column: str

    def __call__(self, frame: pd.DataFrame) -> np.ndarray:
        return np.maximum(input_array(frame, (self.column,))[:, 0], VOL_FLOOR)


PERSISTENCE = TrailingVol("persistence", "rv_5d")
EWMA = TrailingVol("ewma", "ewma_vol")  # RiskMetrics; forecasts too much, which is what it is known for
