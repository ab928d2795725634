"""A forecast of realised variance for every horizon by itself: the direct log-HAR (Corsi 2009).

For a horizon of h sessions, with v the day's Garman-Klass and overnight variance (floored at 1e-8),

    ln(mean of the next h v) = b0 + b1 ln v + b5 ln(mean of the last 5) + b22 ln(mean of the last 22) + error

by least squares over every session whose next h are over. Ranges make a good ruler but not what is forecast, and the
exponential of a mean logarithm is no mean; both are put right by one factor, the training mean of the next h squared
returns' sum over h exp(line): after it the ratio of realised to forecast variance averages 1.

A horizon may be a sixth of the history at most, so that it holds six labels that do not overlap; beyond, the variance a
session of the longest such horizon goes on. Without enough history, or where the last 22 sessions have a gap, the
forecast is trailing: the mean squared return of the last 63. Totals never fall with the horizon (isotonic regression).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.optimize import isotonic_regression

from vol_assets.features.har import VARIANCE_FLOOR
from vol_assets.features.windows import total
from vol_assets.gold.realised import by_session

LAGS = (1, 5, 22)
FIRST_FIT = 504  # sessions of history
REFIT_EVERY = 63  # sessions, out of sample
LABELS = 6  # that do not overlap
LEAST_ROWS = 252
TRAILING = 63
LEAST_TRAILING = 21


@dataclass(frozen=True, eq=False)
class VarianceForecast:
    """Realised variance expected over some horizons, from the close of the last session."""

    horizons: np.ndarray  # (h,) sessions
    total_variance: np.ndarray  # (h,) of the log return to the horizon, decimal^2
    source: str  # har or trailing
    sessions: int  # of history it was learned from

    def to(self, horizon: int) -> float:
        """Total variance to one of `horizons`; a ValueError for another."""
        (place,) = np.nonzero(self.horizons == horizon)
        if not len(place):
            raise ValueError(f"no variance was forecast for {horizon} sessions, only for {self.horizons.tolist()}")
        return float(self.total_variance[place[0]])


def forecast_variance(
    returns: pd.Series, variances: pd.Series | None, horizons: Sequence[int] | np.ndarray
) -> VarianceForecast | None:
    """Daily log returns and variances (decimal^2 a session) by session, horizons (h,) in sessions, at least 1.

    None with fewer than 21 returns.
    """
    horizons = np.asarray(horizons, dtype=int)
    direct = None if variances is None else _direct(_History.of(returns, variances), horizons)
    if direct is None:
        last = returns.dropna().to_numpy()[-TRAILING:]
        if len(last) < LEAST_TRAILING:
            return None
        return VarianceForecast(horizons, horizons * max(np.square(last).mean(), VARIANCE_FLOOR), "trailing", len(last))
    return direct


def out_of_sample(returns: pd.Series, variances: pd.Series, horizon: int) -> pd.DataFrame:
    """Forecast and realised total variance (decimal^2) of the next `horizon` sessions, by session, each NaN if unknown.

    Fits are made every 63 sessions from the 504th on, each on what was over by then, and serve until the next.
    """
    history = _History.of(returns, variances)
    forecast = np.full(len(history.index), np.nan)
    for at in range(FIRST_FIT - 1, len(forecast), REFIT_EVERY):
        line = history.fit(horizon, at)
        if line is not None:
            served = slice(at, at + REFIT_EVERY)
            forecast[served] = line.total_variance(history.regressors[served])
    return pd.DataFrame({"forecast": forecast, "realised": history.next_squares(horizon)}, index=history.index)


def next_sums(values: np.ndarray, horizon: int) -> np.ndarray:
    """Sum of the next `horizon` values after each, (sessions,); NaN where one is unknown or not there yet."""
    sums = np.full(len(values), np.nan)
    if len(values) > horizon:
        sums[:-horizon] = total(values, horizon)[horizon:]
    return sums


@dataclass(frozen=True, eq=False)
class _Line:
    """A fitted horizon."""

    horizon: int
    slopes: np.ndarray  # (4,)
    factor: float

    def total_variance(self, regressors: np.ndarray) -> np.ndarray:
        """(..., 4) -> (...)."""
        return self.horizon * self.factor * np.exp((regressors * self.slopes).sum(axis=-1))


@dataclass(frozen=True, eq=False)
class _History:
    """What lines are fitted on, a row a session from the first with return and variance."""

    index: pd.DatetimeIndex
    squares: np.ndarray  # (n,) squared returns
    variances: np.ndarray  # (n,) floored
    regressors: np.ndarray  # (n, 4)

    @classmethod
    def of(cls, returns: pd.Series, variances: pd.Series) -> _History:
        both = returns.where(variances.reindex(returns.index).notna()).dropna()
        returns = by_session(returns.loc[both.index.min() :] if len(both) else both)
        daily = np.maximum(by_session(variances, returns).to_numpy(), VARIANCE_FLOOR)
        logs = [np.log(total(daily, lag) / lag) if len(daily) else daily for lag in LAGS]
        return cls(returns.index, np.square(returns.to_numpy()), daily, np.column_stack([np.ones(len(daily)), *logs]))

    def next_squares(self, horizon: int) -> np.ndarray:
        """Sum of the next squared returns (n,), floored at 1e-8 a session: what a forecast is held against."""
        return np.maximum(next_sums(self.squares, horizon), horizon * VARIANCE_FLOOR)

    def fit(self, horizon: int, at: int) -> _Line | None:
        """The line at the close of session number `at`; None where the history is too short for the horizon."""
        if at + 1 < max(FIRST_FIT, LABELS * horizon):
            return None
        over = slice(0, at + 1 - horizon)  # the last label ends at `at`
        x, realised = self.regressors[over], self.next_squares(horizon)[over]
        label = np.log(next_sums(self.variances, horizon)[over] / horizon)
        known = np.isfinite(x).all(axis=1) & np.isfinite(label) & np.isfinite(realised)
        if known.sum() < LEAST_ROWS:
            return None
        slopes = np.linalg.lstsq(x[known], label[known], rcond=None)[0]
        line = _Line(horizon, slopes, 1.0)
        return _Line(horizon, slopes, float(np.mean(realised[known] / line.total_variance(x[known]))))


def _direct(history: _History, horizons: np.ndarray) -> VarianceForecast | None:
    sessions = len(history.index)
    if sessions < FIRST_FIT or not np.isfinite(history.regressors[-1]).all():
        return None
    fitted, place = np.unique(np.minimum(horizons, sessions // LABELS), return_inverse=True)
    lines = [history.fit(horizon, sessions - 1) for horizon in fitted.tolist()]
    if lines[0] is None:
        return None
    for i, line in enumerate(lines):  # where gaps leave too few labels the next shorter horizon goes on
        lines[i] = line or lines[i - 1]
    a_session = np.array([float(line.total_variance(history.regressors[-1])) / line.horizon for line in lines])
    order = np.argsort(horizons, kind="stable")
    total_variance = np.empty(len(horizons))
    total_variance[order] = isotonic_regression((horizons * a_session[place])[order]).x
    return VarianceForecast(horizons, total_variance, "har", sessions)
