"""Gradient-boosted trees (XGBoost; Chen and Guestrin 2016): on log volatility itself, or what a line leaves of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from vol_assets.features.l1 import L1_FEATURES
from vol_assets.forecasting.frame import LABEL, label, training_inputs
from vol_assets.forecasting.models.additive import LogAdditive, Trees
from vol_assets.forecasting.models.log_linear import HAR_IV_PLUS
from vol_assets.forecasting.models.ols import Line
from vol_assets.forecasting.protocol import Model, Residuals

if TYPE_CHECKING:
    import xgboost

NOTHING = LogAdditive((), Line(0.0, ()))


@dataclass(frozen=True)
class BoostedTrees:
    """Trees on log realised volatility less the level of the base, if there is one; shallow, slow and damped, because
    five squared returns are a noisy label.

    On a base that learnt from the quieter range label the trees also learn where that label and squared returns
    differ, which is not the same everywhere.

    One seed gives one model, to the bit: XGBoost runs on one thread, and parallelism is the caller's affair.
    """

    name: str
    rounds: int
    """Of XGB_21, blocked cross-validation is best at 75 to 150 and worse at 300 in every window tried (to 2010, 2014,
    2019)."""
    learning_rate: float
    max_depth: int
    min_child_weight: float
    bases: tuple[Model, ...] = ()
    learns_from: str = LABEL
    columns: tuple[str, ...] = L1_FEATURES
    subsample: float = 0.7
    colsample_bytree: float = 0.5
    reg_lambda: float = 5.0
    max_bin: int = 64
    """A fit of 3,000 sessions takes 0.6 of the time it does with 256."""
    seed: int = 7
    residuals: Residuals = Residuals.OUT_OF_FOLD

    def fit(self, frame: pd.DataFrame, base: LogAdditive = NOTHING) -> LogAdditive:
        """Boost what the base leaves on the training sessions."""
        left = np.log(label(frame, self.learns_from)) - base.log_level(frame)
        return base.plus(Trees(self.columns, self._boost(training_inputs(frame, self.columns), left)))

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


XGB_21 = BoostedTrees("xgb_21", rounds=150, learning_rate=0.03, max_depth=3, min_child_weight=20.0)
XGB_RESIDUAL = BoostedTrees(
    "xgb_residual", rounds=200, learning_rate=0.02, max_depth=2, min_child_weight=50.0, bases=(HAR_IV_PLUS,)
)
