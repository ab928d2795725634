"""Pictures of the forecast, its quality and its reasons: each function returns a matplotlib Figure, drawn by Agg."""

from vol_assets.forecasting.charts.backtest import calibration, cumulative_qlike, forecast_history, qlike_bars
from vol_assets.forecasting.charts.explanation import beeswarm, importance, waterfall
from vol_assets.forecasting.charts.features import feature_history

__all__ = [
    "beeswarm",
    "calibration",
    "cumulative_qlike",
    "feature_history",
    "forecast_history",
    "importance",
    "qlike_bars",
    "waterfall",
]
