"""Pictures of the forecast, its quality and its reasons: each function returns a matplotlib Figure, drawn by Agg."""

from vol_assets.forecasting.charts.backtest import calibration, cumulative_qlike, forecast_history, qlike_bars
from vol_assets.forecasting.charts.evaluation import (
    every_fifth,
    exceedances,
    leakage,
    qlike_ladder,
    reliability,
    seed_dots,
    yearly_ratios,
)
from vol_assets.forecasting.charts.explanation import beeswarm, dependence, drift, importance, waterfall
from vol_assets.forecasting.charts.features import feature_history
from vol_assets.forecasting.charts.outlook import today
from vol_assets.forecasting.charts.scorecard import skill

__all__ = [
    "beeswarm",
    "calibration",
    "cumulative_qlike",
    "dependence",
    "drift",
    "every_fifth",
    "exceedances",
    "feature_history",
    "forecast_history",
    "importance",
    "leakage",
    "qlike_bars",
    "qlike_ladder",
    "reliability",
    "seed_dots",
    "skill",
    "today",
    "waterfall",
    "yearly_ratios",
]
