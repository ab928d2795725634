"""Is one forecast better than another, or was it luck: tests on losses of the same sessions.

The labels of neighbouring sessions share four of their five days, so losses are autocorrelated and a plain t of
their mean can be twice too large. Long-run variances are those of Newey and West (1987, Econometrica 55, 703-708),
and the bootstraps resample blocks of sessions. Two models are compared by Diebold and Mariano; many, among which the
best was picked, by the model confidence set and the test of superior predictive ability, which pay for the picking.

A result is null where there are too few sessions for its test: below 2 * (lags + 1), or two bootstrap blocks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from vol_assets.errors import ForecastError
from vol_assets.forecasting.frame import HORIZON

LAGS = 10  # twice the horizon: the overlap reaches back four sessions, the clustering of losses further
BLOCK = 20  # mean length of a bootstrap block, sessions
REPS = 1000
SEED = 7
MIN_SESSIONS = 30  # for a bootstrap, however short its blocks
ROUNDING = 1e-12  # what varies less than this, relative to its size, is constant


@dataclass(frozen=True)
class Estimate:
    """A number and its standard error."""

    value: float
    error: float


@dataclass(frozen=True)
class DieboldMariano:
    """difference: mean of loss - reference, negative where the model is better. p_better: of luck, if it is."""

    sessions: int
    difference: float
    t: float
    p_two_sided: float
    p_better: float


@dataclass(frozen=True)
class MincerZarnowitz:
    """realised = intercept + slope * forecast; p_unbiased is of intercept 0 and slope 1 together."""

    intercept: float
    slope: float
    intercept_error: float
    slope_error: float
    r2: float
    p_unbiased: float


@dataclass(frozen=True)
class ConfidenceSet:
    """The models that could be the best, `members`; p_values by model, in the order of the losses."""

    p_values: Mapping[str, float]
    members: tuple[str, ...]
    size: float
    block: int
    reps: int
    seed: int


@dataclass(frozen=True)
class SuperiorAbility:
    """p: how often chance alone makes the best of `models` models look as much better than the reference.

    best: the model furthest ahead of the reference in standard errors, t of them; p_lower and p_upper are Hansen's
    bounds of p (the least and the most conservative treatment of the models that are plainly worse).
    """

    models: int
    best: str | None
    t: float
    p: float
    p_lower: float
    p_upper: float
    block: int
    reps: int
    seed: int


def long_run_variance(x: np.ndarray, lags: int = LAGS) -> np.ndarray:
    """gamma_0 + 2 sum_{k=1..lags} (1 - k / (lags + 1)) gamma_k, of (n,) or of each column of (n, k).

    The variance of the mean is this over n. Bartlett's weights keep it from falling below zero.
    """
    deviation = np.asarray(x, dtype=float) - np.mean(x, axis=0)
    n = len(deviation)
    total = np.sum(deviation**2, axis=0)
    for k in range(1, min(lags, n - 1) + 1):
        total = total + 2 * (1 - k / (lags + 1)) * np.sum(deviation[k:] * deviation[:-k], axis=0)
    return np.maximum(total, 0.0) / n


def mean_with_error(x: np.ndarray, lags: int = LAGS) -> Estimate:
    """The mean of (n,), of a loss or of a share's zeros and ones, with its Newey-West error."""
    x = _finite(x, "the sample")
    return Estimate(float(x.mean()), _error(x, lags))


def ratio_with_error(loss: np.ndarray, reference: np.ndarray, lags: int = LAGS) -> Estimate:
    """mean(loss) / mean(reference), both (n,); the error by the delta method, of loss - ratio * reference."""
    loss, reference = _paired(loss, reference)
    ratio = loss.mean() / reference.mean()
    return Estimate(float(ratio), _error(loss - ratio * reference, lags) / reference.mean())


def diebold_mariano(
    loss: np.ndarray, reference: np.ndarray, *, horizon: int = HORIZON, lags: int = LAGS
) -> DieboldMariano:
    """Whether two models' losses (n,) differ on average (Diebold and Mariano 1995, J. Bus. Econ. Stat. 13, 253-263).

    t is the mean difference over its Newey-West error, times the small-sample factor of Harvey, Leybourne and Newbold
    (1997, Int. J. Forecasting 13, 281-291), sqrt((n + 1 - 2h + h (h - 1) / n) / n), read on Student's t with n - 1
    degrees. Losses that never differ give t = 0; losses that always differ by the same give an infinite t.
    """
    if lags < horizon - 1:
        raise ForecastError(f"losses {horizon} sessions ahead overlap over {horizon - 1}: set lags higher than {lags}")
    from scipy.stats import t as student

    loss, reference = _paired(loss, reference)
    n, gap = len(loss), loss - reference
    difference = float(gap.mean())
    if n < max(2 * (lags + 1), 2 * horizon):
        return DieboldMariano(n, difference, np.nan, np.nan, np.nan)
    tiny = ROUNDING * max(np.abs(loss).max(), np.abs(reference).max())
    if np.ptp(gap) <= tiny:
        t = 0.0 if abs(difference) <= tiny else float(np.copysign(np.inf, difference))
    else:
        small_sample = np.sqrt((n + 1 - 2 * horizon + horizon * (horizon - 1) / n) / n)
        t = float(small_sample * difference / np.sqrt(long_run_variance(gap, lags) / n))
    return DieboldMariano(n, difference, t, float(2 * student.sf(abs(t), n - 1)), float(student.cdf(t, n - 1)))


def mincer_zarnowitz(realised: np.ndarray, forecast: np.ndarray, *, lags: int = LAGS) -> MincerZarnowitz:
    """Regress what came (n,) on what was forecast (n,) (Mincer and Zarnowitz 1969); errors of Newey and West.

    An unbiased forecast has intercept 0 and slope 1; the joint Wald test is read on chi-squared of two degrees. A
    slope below 1 is a forecast that moves too much. Null throughout for a forecast that never changes.
    """
    from scipy.stats import chi2

    realised, forecast = _paired(realised, forecast)
    n = len(realised)
    if n < 2 * (lags + 1) or np.ptp(forecast) <= ROUNDING * np.abs(forecast).max():
        return MincerZarnowitz(*[np.nan] * 6)
    x = np.column_stack([np.ones(n), forecast])
    beta = np.linalg.lstsq(x, realised)[0]
    residual = realised - x @ beta
    spread = np.sum((realised - realised.mean()) ** 2)
    r2 = float(1 - np.sum(residual**2) / spread) if spread > 0 else np.nan
    miss = beta - (0.0, 1.0)
    if np.abs(residual).max() <= ROUNDING * np.abs(realised).max():
        return MincerZarnowitz(*beta.tolist(), 0.0, 0.0, r2, float(np.abs(miss).max() < 1e-9))
    score = x * residual[:, None]
    middle = score.T @ score
    for k in range(1, min(lags, n - 1) + 1):
        lagged = (1 - k / (lags + 1)) * score[k:].T @ score[:-k]
        middle += lagged + lagged.T
    bread = np.linalg.inv(x.T @ x)
    covariance = bread @ middle @ bread
    errors = np.sqrt(np.diag(covariance))
    p = float(chi2.sf(miss @ np.linalg.solve(covariance, miss), 2))
    return MincerZarnowitz(*beta.tolist(), *errors.tolist(), r2, p)


def model_confidence_set(
    losses: pd.DataFrame, *, size: float = 0.10, reps: int = REPS, block: int = BLOCK, seed: int = SEED
) -> ConfidenceSet:
    """The models among which the best is found in 1 - size of samples (Hansen, Lunde and Nason 2011, Econometrica 79).

    losses: sessions down, models across. By `arch.bootstrap.MCS` (range statistic, stationary bootstrap). The test
    drops the worst model again and again until equality of the rest can stand; a p-value is the largest up to the
    step at which its model went. It follows that order, so it need not follow the mean loss.

    Models whose losses differ by a constant have no variance to divide by: the worse one is out with p = 0, and
    models with the same losses share one p.
    """
    _finite(losses, "the losses")
    names = list(losses.columns)
    settings = {"size": size, "block": block, "reps": reps, "seed": seed}
    if not _enough(losses, block):
        return ConfidenceSet(dict.fromkeys(names, np.nan), tuple(names), **settings)
    stands_for = _stand_ins(losses)
    distinct = [name for name in names if stands_for[name] == name]
    if len(distinct) > 1:
        from arch.bootstrap import MCS

        test = MCS(losses[distinct], size=size, reps=reps, block_size=block, method="R", seed=seed)
        test.compute()
        found = test.pvalues["Pvalue"].to_dict()
    else:
        found = {distinct[0]: 1.0}
    p_values = {name: float(found.get(stands_for[name], 0.0)) for name in names}
    members = tuple(name for name in names if p_values[name] > size)
    return ConfidenceSet(p_values, members, **settings)


def superior_predictive_ability(
    reference: np.ndarray, losses: pd.DataFrame, *, reps: int = REPS, block: int = BLOCK, seed: int = SEED
) -> SuperiorAbility:
    """Whether the best of many models beats the reference, given that it is the best of many.

    Hansen (2005, J. Bus. Econ. Stat. 23, 365-380), his consistent p. reference (n,), losses sessions down, models
    across. By `arch.bootstrap.SPA` (stationary bootstrap), which centres as Hansen does but compares bare mean
    differences; we hand it each model's difference over its own long-run standard deviation, as the paper has it.
    Otherwise one model with wild losses sets the bar for all. p is 1 if no model has the lower mean loss.

    It pays only for the search among these models: variants that were tried and left out are not in the sample.
    """
    reference = _finite(reference, "the reference's losses")
    gain = reference[:, None] - _finite(losses, "the losses")
    settings = {"models": losses.shape[1], "block": block, "reps": reps, "seed": seed}
    if not _enough(losses, block):
        return SuperiorAbility(best=None, t=np.nan, p=np.nan, p_lower=np.nan, p_upper=np.nan, **settings)
    tiny = ROUNDING * np.abs(reference).max() or 1.0
    gain = gain / np.maximum(np.sqrt(long_run_variance(gain, block)), tiny)
    ahead = gain.mean(axis=0)
    if ahead.max(initial=0.0) <= 0:
        return SuperiorAbility(best=None, t=0.0, p=1.0, p_lower=1.0, p_upper=1.0, **settings)
    from arch.bootstrap import SPA

    test = SPA(np.zeros(len(gain)), -gain, reps=reps, block_size=block, seed=seed)
    test.compute()
    lower, consistent, upper = test.pvalues[["lower", "consistent", "upper"]].astype(float)
    return SuperiorAbility(
        best=str(losses.columns[ahead.argmax()]),
        t=float(np.sqrt(len(gain)) * ahead.max()),
        p=consistent,
        p_lower=lower,
        p_upper=upper,
        **settings,
    )


def _stand_ins(losses: pd.DataFrame) -> dict[str, str | None]:
    """For each model the first of those with the same losses; None if another is better by a constant."""
    means = losses.mean()
    moves = losses - means
    tiny = ROUNDING * np.abs(losses.to_numpy()).max()
    stands_for: dict[str, str | None] = {}
    for name in losses.columns:
        apart_by_constant = (moves.sub(moves[name], axis=0).abs().max() <= tiny).to_numpy()
        alike = means[apart_by_constant]
        best = alike.index[(alike <= alike.min() + tiny).to_numpy()]
        stands_for[name] = best[0] if name in best else None
    return stands_for


def _enough(losses: pd.DataFrame, block: int) -> bool:
    return len(losses) >= max(2 * block, MIN_SESSIONS)


def _error(x: np.ndarray, lags: int) -> float:
    return float(np.sqrt(long_run_variance(x, lags) / len(x))) if len(x) >= 2 * (lags + 1) else np.nan


def _finite(x: np.ndarray | pd.DataFrame, what: str) -> np.ndarray:
    values = np.asarray(x, dtype=float)
    if not len(values) or not np.isfinite(values).all():
        raise ForecastError(
            f"{what} must be finite numbers, at least one; got {len(values)} sessions with "
            f"{(~np.isfinite(values)).sum()} null or infinite values; leave out sessions that are not over"
        )
    return values


def _paired(first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    first, second = _finite(first, "the first sample"), _finite(second, "the second sample")
    if first.shape != second.shape:
        raise ForecastError(f"both samples must be of the same sessions; they have {len(first)} and {len(second)}")
    return first, second
