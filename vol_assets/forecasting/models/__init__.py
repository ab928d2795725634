"""The volatility models. To add one: write its `fit`, give it a name, list it in MODELS."""

from vol_assets.forecasting.models.boosted import XGB_21
from vol_assets.forecasting.models.level_har import HAR
from vol_assets.forecasting.models.log_linear import LOG_HAR_IV, VIX
from vol_assets.forecasting.models.trailing import EWMA, PERSISTENCE

MODELS = (PERSISTENCE, EWMA, VIX, HAR, LOG_HAR_IV, XGB_21)

__all__ = ["EWMA", "HAR", "LOG_HAR_IV", "MODELS", "PERSISTENCE", "VIX", "XGB_21"]
