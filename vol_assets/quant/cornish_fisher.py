"""Cornish-Fisher: quantiles from skewness and kurtosis, with parameters that do give these moments.

The expansion z + (z^2 - 1) s/6 + (z^3 - 3z) k/24 - (2 z^3 - 5 z) s^2/36 of a normal quantile z is taken as a
distribution of its own, with parameters (s, k). It is one only where it increases in z (Maillard 2012):
|s| <= 6 (sqrt 2 - 1) and, with u = s/6,

    4 (1 + 11 u^2 - sqrt(u^4 - 6 u^2 + 1)) <= k <= 4 (1 + 11 u^2 + sqrt(u^4 - 6 u^2 + 1)).

s and k are not its skewness and excess kurtosis: (-1, 3) gives -1.41 and 5.36. Its mean is 0 and its moments are
polynomials in (s, k), which `fit` inverts by Newton's method. Moments that no parameters give are moved to the
boundary and flagged: the excess kurtosis into [0, 43.2], then the skewness towards 0. The boundary is steep in
kurtosis, so that this is close to the nearest pair. Arguments broadcast.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.polynomial import polynomial
from scipy.special import ndtri

from vol_assets.quant.black import floats

S_LIMIT = 6.0 * (np.sqrt(2.0) - 1.0)
KURTOSIS_LIMIT = 43.2  # excess kurtosis at s = 0, k = 8
_NEWTON_STEPS = 6

# E[z_cf^n] for n = 2, 3, 4; entry [i, j] belongs to s^i k^j.
_M2 = np.zeros((5, 3))
_M2[[0, 0, 2, 4], [0, 2, 1, 0]] = 1, 1 / 96, -1 / 36, 25 / 1296
_M3 = np.zeros((6, 3))
_M3[[1, 1, 3, 1, 3, 5], [0, 1, 0, 2, 1, 0]] = 1, 1 / 4, -19 / 54, 1 / 32, -13 / 144, 85 / 1296
_M4 = np.zeros((9, 5))
_M4[0, :5] = 3, 1, 7 / 16, 3 / 32, 31 / 3072
_M4[[4, 6, 8], 0] = -7 / 216, -25 / 486, 21665 / 559872
_M4[[2, 4, 6], 1] = -7 / 12, 113 / 432, -5155 / 46656
_M4[[2, 4], 2] = -7 / 24, 2455 / 20736
_M4[2, 3] = -65 / 1152
_MOMENTS = (_M2, _M3, _M4)


class CornishFisher(NamedTuple):
    """Parameters of a fit. stdev is the expansion's own: quantiles / stdev are those of a standardised variable."""

    s: np.ndarray
    k: np.ndarray
    stdev: np.ndarray
    reached: np.ndarray  # False: the moments asked for are out of reach and were moved to the boundary


@np.errstate(all="ignore")
def quantile(probability: np.ndarray, s: np.ndarray, k: np.ndarray) -> np.ndarray:
    """The expansion at a probability, of a variable with mean 0 and stdev `implied_moments`' root."""
    probability, s, k = floats(probability, s, k)
    z = ndtri(probability)
    return z + (z**2 - 1) * s / 6 + (z**3 - 3 * z) * k / 24 - (2 * z**3 - 5 * z) * np.square(s) / 36


@np.errstate(all="ignore")
def expected_shortfall(probability: np.ndarray, s: np.ndarray, k: np.ndarray) -> np.ndarray:
    """Mean of the lower tail of that probability, on the same scale as `quantile`; negative in the left tail."""
    probability, s, k = floats(probability, s, k)
    z = ndtri(probability)
    tail = 1 + s * z / 6 + k * (z**2 - 1) / 24 - np.square(s) * (2 * z**2 - 1) / 36
    return -np.exp(-0.5 * z**2) / np.sqrt(2 * np.pi) / probability * tail


def kurtosis_range(s: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Lowest and highest parameter k for which the quantile increases everywhere; NaN beyond |s| <= S_LIMIT."""
    (s,) = floats(s)
    u2 = np.square(s / 6)
    root = np.sqrt(np.where(np.abs(s) <= S_LIMIT, np.maximum(u2**2 - 6 * u2 + 1, 0.0), np.nan))
    return 4 * (1 + 11 * u2 - root), 4 * (1 + 11 * u2 + root)


def is_monotone(s: np.ndarray, k: np.ndarray) -> np.ndarray:
    """Whether (s, k) define a distribution."""
    (k,) = floats(k)
    low, high = kurtosis_range(s)
    return (low <= k) & (k <= high)


def implied_moments(s: np.ndarray, k: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Variance, skewness and excess kurtosis that the parameters give; the mean is 0."""
    m2, m3, m4 = (polynomial.polyval2d(*np.broadcast_arrays(*floats(s, k)), c) for c in _MOMENTS)
    return m2, m3 / m2**1.5, m4 / m2**2 - 3.0


def fit(skewness: np.ndarray, excess_kurtosis: np.ndarray) -> CornishFisher:
    """Parameters whose distribution has this skewness and excess kurtosis; NaN in, NaN out and not reached."""
    wanted_skew, wanted_kurt = np.broadcast_arrays(*floats(skewness, excess_kurtosis))
    sign = np.where(wanted_skew < 0, -1.0, 1.0)
    kurt = np.clip(wanted_kurt, 0.0, KURTOSIS_LIMIT)
    limit, s_limit, k_limit, k_symmetric = (np.interp(np.sqrt(kurt), *curve) for curve in _boundary())
    skew = np.minimum(np.abs(wanted_skew), limit)
    reached = (kurt == wanted_kurt) & (skew == np.abs(wanted_skew))
    share = np.divide(skew, limit, out=np.zeros_like(skew), where=limit > 0)
    s, k = share * s_limit, k_symmetric + share**2 * (k_limit - k_symmetric)
    for _ in range(_NEWTON_STEPS):
        s, k = _newton_step(s, k, skew, kurt)
    variance, *_ = implied_moments(s, k)
    return CornishFisher(sign * s, k, np.sqrt(variance), reached)


def _newton_step(s: np.ndarray, k: np.ndarray, skew: np.ndarray, kurt: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """One step towards the moments, kept inside the domain, where the Jacobian's determinant is at least 1."""
    m2, m3, m4 = (polynomial.polyval2d(s, k, c) for c in _MOMENTS)
    by_s, by_k = ([polynomial.polyval2d(s, k, polynomial.polyder(c, axis=axis)) for c in _MOMENTS] for axis in (0, 1))
    (skew_s, kurt_s), (skew_k, kurt_k) = (
        ((d3 - 1.5 * m3 / m2 * d2) / m2**1.5, (d4 - 2 * m4 / m2 * d2) / m2**2) for d2, d3, d4 in (by_s, by_k)
    )
    skew_error, kurt_error = m3 / m2**1.5 - skew, m4 / m2**2 - 3.0 - kurt
    determinant = skew_s * kurt_k - skew_k * kurt_s
    s = np.clip(s - (kurt_k * skew_error - skew_k * kurt_error) / determinant, 0.0, S_LIMIT)
    k = k - (skew_s * kurt_error - kurt_s * skew_error) / determinant
    return s, np.clip(k, *kurtosis_range(s))


@cache
def _boundary() -> tuple[tuple[np.ndarray, np.ndarray], ...]:
    """Over the root of the excess kurtosis: the largest skewness, its s, its k, and the k of skewness 0.

    s = S_LIMIT (1 - x^2) runs along the domain's lower edge for x from 1 to 0 and back along the upper to x = -1,
    a smooth curve; excess kurtosis grows along it until it passes the limit.
    """
    x = np.linspace(1.0, -1.0, 4001)
    s = S_LIMIT * (1.0 - x**2)
    k = np.where(x > 0, *kurtosis_range(s))
    _, skew, kurt = implied_moments(s, k)
    end = np.argmax(kurt > KURTOSIS_LIMIT) + 1
    root = np.sqrt(np.maximum(kurt[:end], 0.0))
    symmetric_k = np.linspace(0.0, 8.0, 4001)
    symmetric_root = np.sqrt(np.maximum(implied_moments(0.0, symmetric_k)[2], 0.0))
    return (root, skew[:end]), (root, s[:end]), (root, k[:end]), (symmetric_root, symmetric_k)
