"""Linear models of log volatility: the ones that are hard to beat.

Audrino and Chassot ("HARd to beat", Int. J. Forecasting 42, 2026) and Clements and Preve (2021, J. Banking & Finance
133): in logs, with implied volatility among the regressors, a line beats most learning machines.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from vol_assets.errors import ForecastError
from vol_assets.features.har import HAR_FEATURES
from vol_assets.forecasting.frame import LABEL, RANGE_LABEL, label, training_inputs
from vol_assets.forecasting.models.additive import LogAdditive
from vol_assets.forecasting.models.ols import Line
from vol_assets.forecasting.protocol import Model, Residuals

RANGES = ("log_var_1d", "log_var_5d", "log_var_22d")  # Garman-Klass + overnight
STEPS = 50  # of the GLM's iteration, which needs five or six
SMALL_STEP = 1e-10


@dataclass(frozen=True)
class LogLinear:
    """Least squares of a log volatility on the columns, which should be logs (or near-linear in one).

    `learns_from` is the label it is fitted to. The quieter range label suits a line: what it measures differs from
    realised volatility by little more than a factor, and factors are measured on the realised label anyway.
    """

    name: str
    columns: tuple[str, ...]
    learns_from: str = LABEL
    bases: tuple[Model, ...] = ()
    residuals: Residuals = Residuals.OUT_OF_FOLD

    def fit(self, frame: pd.DataFrame) -> LogAdditive:
        """Least squares on the training sessions."""
        inputs = training_inputs(frame, self.columns)
        return LogAdditive(self.columns, Line.fit(inputs, np.log(label(frame, self.learns_from))))


@dataclass(frozen=True)
class GammaGlm:
    """A generalised linear model of variance with log link and gamma deviance, which is twice QLIKE.

    E[variance] = exp(line), fitted by iteratively reweighted least squares (McCullagh and Nelder 1989, sec. 8.2): with
    this link and deviance the weights are all one, so a step is the least-squares line of y / exp(line) - 1.
    """

    name: str
    columns: tuple[str, ...]
    learns_from: str = RANGE_LABEL
    bases: tuple[Model, ...] = ()
    residuals: Residuals = Residuals.OUT_OF_FOLD

    def fit(self, frame: pd.DataFrame) -> LogAdditive:
        """Minimise mean QLIKE on the training sessions."""
        inputs, variance = training_inputs(frame, self.columns), label(frame, self.learns_from) ** 2
        line = Line.fit(inputs, np.log(variance))
        for _ in range(STEPS):
            step = Line.fit(inputs, variance / np.exp(line(inputs)) - 1.0)
            line = line + step
            if np.abs(step(inputs)).max() < SMALL_STEP:
                return LogAdditive(self.columns, line * 0.5)
        raise ForecastError(
            f"{self.name} did not settle in {STEPS} steps on {len(frame)} sessions to {frame.index[-1]:%Y-%m-%d}; look "
            f"for bars that cannot be among those of {', '.join(self.columns)}"
        )


# Raw VIX lies above realised volatility by the variance risk premium; calibrated it is a fair opponent.
VIX = LogLinear("vix", ("log_vix",))
LOG_HAR = LogLinear("log_har", RANGES)
# The one to beat. (Fitted to the range label it is worse: QLIKE .397 against .392 on SPY 2012-19.)
LOG_HAR_IV = LogLinear("log_har_iv", (*RANGES, "log_vix"))
# With the slope of the term structure of implied volatility and the leverage effect.
HAR_IV_PLUS = LogLinear("har_iv_plus", HAR_FEATURES, RANGE_LABEL)
GAMMA_GLM = GammaGlm("gamma_glm", HAR_FEATURES)
