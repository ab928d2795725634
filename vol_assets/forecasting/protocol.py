"""What a volatility model is: a recipe that is fitted to levels, calibrated to a forecast.

    Model    a recipe: hyper-parameters, and the models it is built on
    Level    what a fitted recipe predicts for a session: a volatility up to a factor
    Fitted   a level with the factors that past outcomes called for (`calibration`): it forecasts

Levels and factors are apart because every model owes its factors to the same measurement (`fitting`), and because
levels can be averaged where forecasts in two losses cannot.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

import numpy as np
import pandas as pd

Level = Callable[[pd.DataFrame], np.ndarray]
"""Rows of a modelling frame -> annualised volatility (n,) above zero, right up to a factor. A ForecastError names
sessions whose inputs are null. It depends on each row alone, but for `Garch`, which also needs those before it."""


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


class Residuals(Enum):
    """Whence a model's factors are measured."""

    OUT_OF_FOLD = "out_of_fold"  # the rule: rows that a fit has seen are predicted too well
    IN_SAMPLE = "in_sample"  # a model that cannot skip sessions, and has few parameters
    AS_IT_IS = "as_it_is"  # the level is taken at its word; only quantiles are measured


class Model(Protocol):
    """A recipe: a frozen dataclass of hyper-parameters."""

    @property
    def name(self) -> str:
        """Its name in the backtest, in snake_case."""
        ...

    @property
    def bases(self) -> tuple[Model, ...]:
        """The models whose levels `fit` is given, in this order."""
        ...

    @property
    def residuals(self) -> Residuals:
        """Whence its factors are measured."""
        ...

    def fit(self, frame: pd.DataFrame, *bases: Level) -> Level:
        """Fit on every row of a modelling frame; a ForecastError if rows have nulls or are too few."""
        ...
