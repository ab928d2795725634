"""The equal-weight ensemble: what no member has found by chance alone survives the average.

Weights are not estimated. Fitted weights have errors of their own, which on correlated forecasts cost more than they
gain (Timmermann 2006, Handbook of Economic Forecasting 1, ch. 4).

Where the source has VVIX, VIX9D and SKEW, a line on them is fitted to what the average leaves of the quieter range
label. On sessions that lack them, and until there is a year of them to learn from, it is not there.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from vol_assets.features.implied import IMPLIED_FEATURES
from vol_assets.forecasting.frame import RANGE_LABEL, label
from vol_assets.forecasting.models.additive import LogAdditive, OptionalLine, geometric_mean
from vol_assets.forecasting.models.ols import Line
from vol_assets.forecasting.protocol import Model, Residuals

OPTIONAL_ROWS = 250  # three slopes on a year of labels, of which fifty do not overlap


@dataclass(frozen=True)
class EqualWeights:
    """The geometric mean of the levels of `bases`, which must be `LogAdditive`; its factors are its own."""

    name: str
    bases: tuple[Model, ...]
    optional: tuple[str, ...] = IMPLIED_FEATURES
    residuals: Residuals = Residuals.OUT_OF_FOLD

    def fit(self, frame: pd.DataFrame, *bases: LogAdditive) -> LogAdditive:
        """The members' mean, and the line on the optional inputs where there are enough of them."""
        mean = geometric_mean(bases)
        there = frame.reindex(columns=list(self.optional))
        rows = np.isfinite(there).all(axis=1).to_numpy()
        if not self.optional or rows.sum() < OPTIONAL_ROWS:
            return mean
        known, inputs = frame[rows], there[rows].to_numpy(dtype=float)
        line = Line.fit(inputs, np.log(label(known, RANGE_LABEL)) - mean.log_level(known))
        return replace(mean, optional=OptionalLine(self.optional, line.slopes, tuple(inputs.mean(axis=0).tolist())))
