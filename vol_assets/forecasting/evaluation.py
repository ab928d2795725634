"""How good the forecasts were: losses on the same sessions for every model.

QLIKE on variance ranks forecasts rightly although five squared returns are a noisy view of the true variance
(Patton 2011, J. Econometrics 160, 246-256). RMSE, MAE and R2 on volatility do not have that property and are read
beside it.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from vol_assets.errors import ForecastError
from vol_assets.forecasting.frame import VOL_FLOOR

REFERENCES = ("har", "log_har_iv")
# log(2.5) - digamma(2.5): what the true variance scores on five squared Gaussian returns, by their noise alone. Only
# the excess over it can be worked on.
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


def score(backtest: pd.DataFrame) -> pd.DataFrame:
    """A row a model, indexed by its name: n, rmse, mae, r2, qlike, qlike_vs_har, qlike_vs_log_har_iv, coverage.

    Only sessions that every model has forecast and whose five sessions are over count. The ratios are below 1 where
    the model is better (null if the reference was not run); coverage is the share of sessions that fell within
    p10 ... p90, 0.8 when the interval is right.
    """
    return _score(_common(backtest))


def score_by_year(backtest: pd.DataFrame) -> pd.DataFrame:
    """`score` of each calendar year, indexed by (year, model). R2 is against that year's own mean."""
    common = _common(backtest)
    years = common.groupby(common["date"].dt.year.rename("year"), sort=True)
    return pd.concat({year: _score(rows) for year, rows in years}, names=["year"])


def qlike_by_session(backtest: pd.DataFrame) -> pd.DataFrame:
    """QLIKE of each session, sessions down and models across, over the sessions that `score` counts."""
    common = _common(backtest)
    common = common.assign(qlike=qlike(common["realised"] ** 2, common["forecast_var"]))
    return common.pivot(index="date", columns="model", values="qlike")[list(backtest["model"].unique())]


def _common(backtest: pd.DataFrame) -> pd.DataFrame:
    known = backtest[backtest["realised"].notna()]
    models_a_session = known.groupby("date")["model"].transform("size")
    common = known[models_a_session == backtest["model"].nunique()]
    if common.empty:
        raise ForecastError(
            f"no session was forecast by all of {', '.join(backtest['model'].unique())} and has its five sessions "
            f"over; run the walk-forward on a longer history"
        )
    return common


def _score(common: pd.DataFrame) -> pd.DataFrame:
    rows = {}
    for model, part in common.groupby("model", sort=False):
        realised, vol = part["realised"].to_numpy(), part["forecast_vol"].to_numpy()
        rows[model] = {
            "n": len(part),
            "rmse": rmse(realised, vol),
            "mae": mae(realised, vol),
            "r2": r2(realised, vol),
            "qlike": float(qlike(realised**2, part["forecast_var"].to_numpy()).mean()),
            "coverage": float(part["realised"].between(part["p10"], part["p90"]).mean()),
        }
    scores = pd.DataFrame.from_dict(rows, orient="index").rename_axis("model")
    for reference in REFERENCES:
        ratio = scores["qlike"] / scores["qlike"].get(reference, np.nan)
        scores.insert(scores.columns.get_loc("coverage"), f"qlike_vs_{reference}", ratio)
    return scores.astype({"n": int})
