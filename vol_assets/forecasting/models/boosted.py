"""Gradient-boosted trees on the 21 features (XGBoost; Chen and Guestrin 2016)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from vol_assets.features.l1 import L1_FEATURES
from vol_assets.forecasting.calibration import Calibration
from vol_assets.forecasting.frame import input_array, training_arrays
from vol_assets.forecasting.protocol import Forecast

if TYPE_CHECKING:
    import xgboost


@dataclass(frozen=True)
class BoostedTrees:
    """Trees on log realised volatility; shallow, slow and damped, because five squared returns are a noisy label.

    E[vol] = exp(trees) * mean(exp(e)) and E[var] = exp(2 trees) * mean(exp(2e)), where e are residuals out of fold:
    trees shrink the residuals of rows they have seen. Quantiles come from the same e. The two folds are alternate
    blocks of `block` consecutive sessions, and training keeps `gap` sessions away from the held-out ones (labels
    reach five ahead). With one long block a fold, 2008 is predicted by trees that never saw a crisis, and the
    residuals are far wider than those of a forecast a month ahead (QLIKE of 2010: 0.47 against 0.20).

    One seed gives one model, to the bit: XGBoost runs on one thread, and parallelism is the caller's affair.
    """

    name: str = "xgb_21"
    columns: tuple[str, ...] = L1_FEATURES
    rounds: int = 150
    """Blocked cross-validation is best at 75 to 150 and worse at 300 in every window tried (to 2010, 2014, 2019)."""
    learning_rate: float = 0.03
    max_depth: int = 3
    subsample: float = 0.7
    colsample_bytree: float = 0.5
    min_child_weight: float = 20.0
    reg_lambda: float = 5.0
    max_bin: int = 64
    """A fit of 3,000 sessions takes 0.6 of the time it does with 256."""
    block: int = 126
    gap: int = 10
    seed: int = 7

    def fit(self, frame: pd.DataFrame) -> FittedBoostedTrees:
        """Boost on the training sessions, and once more a fold for the residuals."""
        inputs, realised = training_arrays(frame, self.columns)
        target = np.log(realised)
        calibration = Calibration.smeared(realised, np.exp(self._out_of_fold(inputs, target)))
        return FittedBoostedTrees(self.columns, self._boost(inputs, target), calibration)

    def _out_of_fold(self, inputs: np.ndarray, target: np.ndarray) -> np.ndarray:
        block = min(self.block, len(target) // 2)
        second_fold = np.arange(len(target)) // block % 2 == 1
        predicted = np.empty(len(target))
        for held_out in (~second_fold, second_fold):
            near = np.convolve(held_out, np.ones(2 * self.gap + 1), "same") > 0
            booster = self._boost(inputs[~near], target[~near])
            predicted[held_out] = log_vol(booster, inputs[held_out], self.columns)
        return predicted

    def _boost(self, inputs: np.ndarray, target: np.ndarray) -> xgboost.Booster:
        import xgboost

        parameters = {
            "objective": "reg:squarederror",
            "tree_method": "hist",
            "max_bin": self.max_bin,
            "eta": self.learning_rate,
            "max_depth": self.max_depth,
            "subsample": self.subsample,
            "colsample_bytree": self.colsample_bytree,
            "min_child_weight": self.min_child_weight,
            "reg_lambda": self.reg_lambda,
            "seed": self.seed,
            "nthread": 1,
        }
        # Named afterwards: names on the data are read back from C++ every round, under the interpreter's lock, and
        # two threads then take as long as one (walk-forward of 13 years: 11.8 s against 7.3 s).
        booster = xgboost.train(parameters, xgboost.DMatrix(inputs, label=target, nthread=1), self.rounds)
        booster.feature_names = list(self.columns)
        return booster


@dataclass(frozen=True)
class FittedBoostedTrees:
    """The booster, whose margin is log volatility, and the factors."""

    columns: tuple[str, ...]
    booster: xgboost.Booster
    calibration: Calibration

    def forecast(self, frame: pd.DataFrame) -> Forecast:
        """Forecast every row of a modelling frame."""
        inputs = input_array(frame, self.columns)
        return self.calibration.forecast(np.exp(log_vol(self.booster, inputs, self.columns)))


def log_vol(booster: xgboost.Booster, inputs: np.ndarray, columns: tuple[str, ...]) -> np.ndarray:
    """The booster's margin, log of annualised volatility: (n, columns) -> (n,). XGBoost adds trees in float32."""
    import xgboost

    data = xgboost.DMatrix(inputs, feature_names=list(columns), nthread=1)
    return booster.predict(data).astype(float)


XGB_21 = BoostedTrees()
