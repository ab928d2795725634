"""Volatility as the exponential of a sum of named terms: what every log model here is, averages of them included.

    level = exp(intercept + sum_i slope_i x_i + sum_j weight_j trees_j(x) + sum_k slope_k (z_k - mean_k))

where the last sum, over inputs that not every source has, counts on rows that have them all and is left out on others.
A regression in logs has the line alone, a gamma GLM half of its own (the square root of a variance), boosted trees
the trees alone, trees on a regression's residuals both. The geometric mean of such levels is such a level again, so an
ensemble is saved, served and explained exactly as one regression is: by its terms.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from vol_assets.forecasting.frame import input_array
from vol_assets.forecasting.models.ols import Line

if TYPE_CHECKING:
    import xgboost


@dataclass(frozen=True)
class Trees:
    """A booster whose margin is a part of log volatility, counted `weight` times."""

    columns: tuple[str, ...]
    booster: xgboost.Booster
    weight: float = 1.0

    def margin(self, frame: pd.DataFrame) -> np.ndarray:
        """The booster's own output (n,), unweighted. XGBoost adds trees in float32."""
        import xgboost

        inputs = input_array(frame, self.columns)
        data = xgboost.DMatrix(inputs, feature_names=list(self.columns), nthread=1)
        return self.booster.predict(data, output_margin=True).astype(float)


@dataclass(frozen=True)
class OptionalLine:
    """A line around the training means of inputs that may be missing, so that leaving it out is the average case."""

    columns: tuple[str, ...]
    slopes: tuple[float, ...]
    means: tuple[float, ...]

    def present(self, frame: pd.DataFrame) -> np.ndarray:
        """Which rows (n,) have all the inputs; none do where the frame lacks the columns."""
        return np.isfinite(self._inputs(frame)).all(axis=1)

    def terms(self, frame: pd.DataFrame) -> np.ndarray:
        """slope (z - mean), (n, columns); 0 on rows that lack an input."""
        terms = (self._inputs(frame) - np.array(self.means)) * np.array(self.slopes)
        return np.where(self.present(frame)[:, None], terms, 0.0)

    def _inputs(self, frame: pd.DataFrame) -> np.ndarray:
        return frame.reindex(columns=list(self.columns)).to_numpy(dtype=float)


@dataclass(frozen=True)
class LogAdditive:
    """A line over `columns`, trees, and what is optional; the sum is log of annualised volatility, up to a constant."""

    columns: tuple[str, ...]
    line: Line
    trees: tuple[Trees, ...] = ()
    optional: OptionalLine | None = None

    @property
    def inputs(self) -> tuple[str, ...]:
        """Every column that has to be there, each once."""
        return tuple(dict.fromkeys((*self.columns, *(name for part in self.trees for name in part.columns))))

    def log_level(self, frame: pd.DataFrame) -> np.ndarray:
        """Rows -> log volatility (n,)."""
        total = self.line(input_array(frame, self.columns))
        for part in self.trees:
            total = total + part.weight * part.margin(frame)
        if self.optional is not None:
            total = total + self.optional.terms(frame).sum(axis=1)
        return total

    def __call__(self, frame: pd.DataFrame) -> np.ndarray:
        return np.exp(self.log_level(frame))

    def plus(self, trees: Trees) -> LogAdditive:
        """With trees added."""
        return replace(self, trees=(*self.trees, trees))


def geometric_mean(levels: tuple[LogAdditive, ...]) -> LogAdditive:
    """The level whose logarithm is the mean of the levels' logarithms; of levels without optional inputs."""
    columns = tuple(dict.fromkeys(name for level in levels for name in level.columns))
    slopes = dict.fromkeys(columns, 0.0)
    for level in levels:
        for name, slope in zip(level.columns, level.line.slopes, strict=True):
            slopes[name] += slope / len(levels)
    intercept = sum(level.line.intercept for level in levels) / len(levels)
    trees = tuple(replace(part, weight=part.weight / len(levels)) for level in levels for part in level.trees)
    return LogAdditive(columns, Line(intercept, tuple(slopes.values())), trees)
