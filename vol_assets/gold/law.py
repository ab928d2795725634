"""Laws of the log return R = ln(S_T / F) to several horizons: mixtures of normals, with every reading a closed form.

Only a quantile is searched for. The normal equivalent of the distribution function, N^-1(P(R < k)), is nearly a line in
k and exactly one for a single normal, so that Newton's method on it is done in a few steps; and it does not flatten in
the tails. The quantiles of the single components bracket it; where a step leaves the bracket, or is not half as long as
the one before, the bracket is halved instead.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.special import logsumexp, ndtr, ndtri

_ROOT_2PI = np.sqrt(2.0 * np.pi)
_STEPS = 100  # of the search for a quantile: an ordinary one takes five
_CLOSE = 1e-14  # of the law's stdev: a last step


@dataclass(frozen=True)
class Law:
    """h laws of R, each a mixture of c normals: weights, means and stdevs (h, c).

    Unused components have weight 0. Log-moneyness k and probabilities are (m,) or (h, m), readings of them (h, m).
    """

    weights: np.ndarray
    means: np.ndarray
    stdevs: np.ndarray

    @cached_property
    def mean(self) -> np.ndarray:
        """E[R], (h,)."""
        return (self.weights * self.means).sum(axis=1)

    @cached_property
    def variance(self) -> np.ndarray:
        """Variance of R, (h,), to the horizon."""
        return (self.weights * (self._off_mean**2 + self.stdevs**2)).sum(axis=1)

    @cached_property
    def stdev(self) -> np.ndarray:
        """Standard deviation of R, (h,), to the horizon."""
        return np.sqrt(self.variance)

    @cached_property
    def skewness(self) -> np.ndarray:
        """Of R, (h,)."""
        d, e = self._off_mean, self._off_variance
        return (self.weights * d * (d**2 + 3.0 * e)).sum(axis=1) / self.variance**1.5

    @cached_property
    def excess_kurtosis(self) -> np.ndarray:
        """Of R, (h,); 0 for a normal."""
        d2, e = self._off_mean**2, self._off_variance
        between = (self.weights * d2).sum(axis=1)
        fourth = (self.weights * (d2**2 + 6.0 * d2 * e + 3.0 * e**2)).sum(axis=1)
        return (fourth - 3.0 * between**2) / self.variance**2

    @cached_property
    def expectation(self) -> np.ndarray:
        """E[exp R] = E[S_T] / F, (h,)."""
        return np.exp(self._log_expectation(self.means, self.stdevs))

    def part(self, which: np.ndarray) -> Law:
        """The laws of some of the horizons."""
        return Law(self.weights[which], self.means[which], self.stdevs[which])

    def distribution(self, k: np.ndarray) -> np.ndarray:
        """P(R < k)."""
        return self._mix(ndtr(self._standardised(k)))

    def density(self, k: np.ndarray) -> np.ndarray:
        """Density of R at k."""
        return self._mix(np.exp(-0.5 * self._standardised(k) ** 2) / (_ROOT_2PI * self.stdevs[:, None, :]))

    def quantile(self, probability: np.ndarray) -> np.ndarray:
        """R below which it ends with each probability, to 1e-12."""
        z = np.broadcast_to(ndtri(probability), (len(self.weights), np.shape(probability)[-1]))
        # A probability above one half is looked for from above, where it keeps its digits.
        side = np.where(z > 0, -1.0, 1.0)
        own = self.means[:, None, :] + self.stdevs[:, None, :] * z[..., None]
        used = (self.weights > 0)[:, None, :]
        low, high = np.where(used, own, np.inf).min(axis=-1), np.where(used, own, -np.inf).max(axis=-1)
        k = np.clip(self.mean[:, None] + self.stdev[:, None] * z, low, high)
        close, step = _CLOSE * self.stdev[:, None], np.inf
        for _ in range(_STEPS):
            reached = side * self._probit(k, side)
            low, high = np.where(reached < z, k, low), np.where(reached > z, k, high)
            with np.errstate(all="ignore"):
                slope = self.density(k) * _ROOT_2PI * np.exp(0.5 * reached**2)
                newton = k - (reached - z) / slope
            shrinks = np.abs(newton - k) <= np.maximum(0.5 * step, close)
            good = (newton >= low) & (newton <= high) & shrinks
            last, k = k, np.where(good, newton, 0.5 * (low + high))
            step = np.abs(k - last)
            if (step <= close).all():
                break
        return k

    def tail_mean(self, probability: np.ndarray) -> np.ndarray:
        """E[exp R | R <= quantile(probability)] = E[S_T | S_T in its lowest part] / F."""
        quantile = self.quantile(probability)
        mean = np.exp(self.means + 0.5 * self.stdevs**2)[:, None, :]
        return self._mix(mean * ndtr(self._standardised(quantile) - self.stdevs[:, None, :])) / probability

    def rescaled(self, stdev: np.ndarray) -> Law:
        """The same standardised R with another stdev (h,), shifted so that E[exp R] = 1."""
        ratio = (stdev / self.stdev)[:, None]
        means, stdevs = self._off_mean * ratio, self.stdevs * ratio
        return Law(self.weights, means - self._log_expectation(means, stdevs)[:, None], stdevs)

    @cached_property
    def _off_mean(self) -> np.ndarray:
        return self.means - self.mean[:, None]

    @cached_property
    def _off_variance(self) -> np.ndarray:
        """Variance of each component less their mean: moments made of it are exactly a normal's for a normal."""
        variances = self.stdevs**2
        return variances - (self.weights * variances).sum(axis=1, keepdims=True)

    def _log_expectation(self, means: np.ndarray, stdevs: np.ndarray) -> np.ndarray:
        return logsumexp(means + 0.5 * stdevs**2, b=self.weights, axis=1)

    def _standardised(self, k: np.ndarray) -> np.ndarray:
        """k in the stdevs of each component, (h, m, c)."""
        return (np.asarray(k, dtype=float)[..., None] - self.means[:, None, :]) / self.stdevs[:, None, :]

    def _mix(self, values: np.ndarray) -> np.ndarray:
        """(h, m, c) -> (h, m)."""
        return (values @ self.weights[..., None])[..., 0]

    def _probit(self, k: np.ndarray, side: np.ndarray) -> np.ndarray:
        """Normal quantile of the probability below k where side is 1, above it where side is -1."""
        return ndtri(self._mix(ndtr(side[..., None] * self._standardised(k))))
