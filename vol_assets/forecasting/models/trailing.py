"""Models that say: what was, will be. They fit nothing but the width of their intervals."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from vol_assets.forecasting.calibration import Calibration
from vol_assets.forecasting.frame import VOL_FLOOR, input_array, training_arrays
from vol_assets.forecasting.protocol import Forecast


@dataclass(frozen=True)
class TrailingVol:
    """A trailing volatility taken at its word: E[vol] is the column itself, E[var] its square, neither rescaled.

    Quantiles are in-sample: the column times quantiles of realised / column over the training sessions.
    """

    name: str
    column: str

    def fit(self, frame: pd.DataFrame) -> FittedTrailingVol:
        """Measure the interval on the training sessions."""
        inputs, realised = training_arrays(frame, (self.column,))
        smeared = Calibration.smeared(realised, np.maximum(inputs[:, 0], VOL_FLOOR))
        return FittedTrailingVol(self.column, replace(smeared, vol=1.0, var=1.0))


@dataclass(frozen=True)
class FittedTrailingVol:
    """The column and its factors."""

    column: str
    calibration: Calibration

    def forecast(self, frame: pd.DataFrame) -> Forecast:
        """Forecast every row of a modelling frame."""
        return self.calibration.forecast(np.maximum(input_array(frame, (self.column,))[:, 0], VOL_FLOOR))


PERSISTENCE = TrailingVol("persistence", "rv_5d")
EWMA = TrailingVol("ewma", "ewma_vol")  # RiskMetrics; forecasts too much, which is what it is known for
