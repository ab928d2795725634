"""What a forecast is charged for missing: losses on volatility and on variance.

QLIKE on variance ranks forecasts rightly although five squared returns are a noisy view of the true variance
(Patton 2011, J. Econometrics 160, 246-256). RMSE, MAE and R2 on volatility do not have that property and are read
beside it.
"""

from __future__ import annotations

import numpy as np

from vol_assets.forecasting.frame import VOL_FLOOR

# log(2.5) - digamma(2.5): what the true variance scores on five squared Gaussian returns of one variance, by their
# noise alone. Fatter tails, or a variance that moves within the week, make the noise greater; so the excess over
# this number is the most that could be worked on.
QLIKE_OF_THE_TRUTH = 0.2131


def rmse(realised: np.ndarray, forecast: np.ndarray) -> float:
    """sqrt(mean((y - f)^2)), volatilities (n,)."""
    return float(np.sqrt(np.mean((realised - forecast) ** 2)))


def mae(realised: np.ndarray, forecast: np.ndarray) -> float:
    """mean(|y - f|), volatilities (n,)."""
    return float(np.mean(np.abs(realised - forecast)))


def r2(realised: np.ndarray, forecast: np.ndarray) -> float:
    """1 - sum((y - f)^2) / sum((y - mean(y))^2), volatilities (n,); null where y does not vary (a single session)."""
    spread = np.sum((realised - realised.mean()) ** 2)
    return float(1 - np.sum((realised - forecast) ** 2) / spread) if spread > 0 else np.nan


def qlike(realised_var: np.ndarray, forecast_var: np.ndarray) -> np.ndarray:
    """y/f - ln(y/f) - 1 of each session, variances (n,) -> (n,); half the gamma deviance, 0 only where y = f.

    A realised variance below VOL_FLOOR^2 counts as that: at exactly 0 the logarithm would be infinite, and one
    week without a trade would decide the average.
    """
    ratio = np.maximum(realised_var, VOL_FLOOR**2) / forecast_var
    return ratio - np.log(ratio) - 1
