"""The realised history of an instrument: moments of its returns, the volatility cone, its jumps.

The cone holds, for each window length, the percentiles of realised vol over all windows of the history, and the newest:

    close   sqrt(252 * sample variance of the window's returns), the mean removed
    range   sqrt(252 / h * sum of the window's Garman-Klass and overnight variances)

Overlapping windows resemble each other, so that their spread is too small, and too small by more the longer they are:
percentiles of ln vol are widened about its mean (Hodges and Tompkins 2002, see `widening`). A window holds a return of
every session or is unknown. A length whose newest window is unknown is left out: nothing older passes for current.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd

from vol_assets import clock
from vol_assets.features.har import VARIANCE_FLOOR
from vol_assets.features.l1 import SESSIONS_A_YEAR
from vol_assets.features.windows import total, windows
from vol_assets.gold.jumps import NOTICE, find_jumps
from vol_assets.gold.report import ConeWindow, Realised

CONE_WINDOWS = (7, 14, 21, 30, 60, 90, 120, 180)  # sessions
LEAST_RETURNS = 20
LEAST_WINDOWS = 20
_LEVELS = (0.10, 0.25, 0.50, 0.75, 0.90)


def realised(returns: pd.Series, variances: pd.Series | None) -> Realised | None:
    """Daily log returns and variances (decimal^2 a session; None: no ranges) by session; None below 20 returns."""
    returns = by_session(returns)
    known = returns.dropna()
    if len(known) < LEAST_RETURNS:
        return None
    cone = [*_cone("close", returns.to_numpy(), close_vols)]
    if variances is not None:
        cone += _cone("range", by_session(variances, returns).to_numpy(), range_vols)
    jumps = find_jumps(returns)
    return Realised(
        first=known.index[0].date(),
        last=known.index[-1].date(),
        sessions=len(known),
        mean_return=float(known.mean() * SESSIONS_A_YEAR),
        vol=float(known.std() * np.sqrt(SESSIONS_A_YEAR)),
        skewness=float(known.skew()),
        excess_kurtosis=float(known.kurt()),
        cone=tuple(cone),
        jumps=jumps.listed,
        jump_notice=NOTICE,
        jump_significance=jumps.significance,
        jumps_found=jumps.found,
        jumps_expected=jumps.expected,
    )


def by_session(series: pd.Series, span: pd.Series | None = None) -> pd.Series:
    """A row for every session from the first to the last known value of `span` (itself), NaN where unknown."""
    known = (series if span is None else span).dropna()
    if known.empty:
        return pd.Series(dtype=float, index=pd.DatetimeIndex([]))
    return series.reindex(pd.DatetimeIndex(clock.sessions(known.index.min(), known.index.max()))).astype(float)


def close_vols(returns: np.ndarray, window: int) -> np.ndarray:
    """Close-to-close vol (decimal a year) of the window that ends at each session, (sessions,); NaN over a gap."""
    variance = windows(returns, window).var(axis=1, ddof=1)
    return np.sqrt(SESSIONS_A_YEAR * np.maximum(variance, VARIANCE_FLOOR))


def range_vols(variances: np.ndarray, window: int) -> np.ndarray:
    """Vol (decimal a year) from the daily variances of the window that ends at each session, (sessions,)."""
    return np.sqrt(SESSIONS_A_YEAR * np.maximum(total(variances, window) / window, VARIANCE_FLOOR))


def widening(known: np.ndarray, window: int) -> float:
    """Factor on the stdev of the known windows' estimates: (sessions,) which windows, by their last session, are known.

    Two windows of h sessions that end i - j apart share o = max(1 - |i - j| / h, 0) of them, which is the correlation
    of their estimates for independent terms; the mean of n estimates then has Var * (mean of o over all n^2 pairs), and
    their sample variance expects Var less that. Without gaps, n >= h: mean of o = h / n - (h^2 - 1) / (3 n^2).
    """
    near = np.convolve(known, np.ones(window))  # known windows among each `window` ends in a row: o is their overlap
    shared = np.square(near).sum() / (window * np.square(known.sum(dtype=float)))
    return float(1.0 / np.sqrt(1.0 - shared))


def _cone(estimator: str, daily: np.ndarray, vols: Callable[[np.ndarray, int], np.ndarray]) -> Iterator[ConeWindow]:
    for window in CONE_WINDOWS:
        by_end = vols(daily, window)
        known = np.isfinite(by_end)
        if known.sum() < LEAST_WINDOWS or not known[-1]:
            continue
        logs, factor = np.log(by_end[known]), widening(known, window)
        p10, p25, p50, p75, p90 = np.exp(logs.mean() + factor * (np.quantile(logs, _LEVELS) - logs.mean())).tolist()
        yield ConeWindow(
            window=window,
            estimator=estimator,
            p10=p10,
            p25=p25,
            p50=p50,
            p75=p75,
            p90=p90,
            current=float(by_end[-1]),
            observations=int(known.sum()),
            independent=float(np.isfinite(daily).sum() / window),
            widening=factor,
        )
