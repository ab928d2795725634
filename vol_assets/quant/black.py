"""Black's formula (1976) for European options on a forward, undiscounted, kept accurate into the far wings.

With F the forward, K the strike, s = sigma sqrt(T), x = |ln(K/F)|, h = x/s and t = s/2, an out-of-the-money option
costs min(F, K) times

    c = N(t - h) - max(F, K)/min(F, K) N(-t - h) = n(h - t) [R(h - t) - R(h + t)],    R(z) = N(-z) / n(z),

the same for a call above the forward and a put below it (N, n: the normal distribution and density; R: Mills'
ratio). In-the-money options follow by parity. Where the two terms nearly cancel, R(h - t) - R(h + t) is taken as its
Taylor series in t, whose terms follow from R' = z R - 1 (as in Jaeckel, "Let's be rational", 2015): the relative
error stays near h^2 rounding errors, no more than a rounding of k or s brings about by itself.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import erfcx, ndtr

SQRT_2PI = np.sqrt(2 * np.pi)
SQRT_HALF = np.sqrt(0.5)
SQRT_HALF_PI = np.sqrt(np.pi / 2)
FAR = 1e3  # a value of h at which every price is 0


def black_price(
    forward: ArrayLike, strike: ArrayLike, years: ArrayLike, sigma: ArrayLike, right: ArrayLike
) -> np.ndarray:
    """Undiscounted price in the forward's currency, all arguments broadcast; `right` is "C" or "P".

    No time or no volatility gives the intrinsic value. NaN for a forward or strike that is not positive, a negative
    time or volatility, an unknown right.
    """
    forward, strike = floats(forward, strike)
    with np.errstate(all="ignore"):
        otm = forward * otm_price(log_moneyness(forward, strike), stdev_of(years, sigma))
        intrinsic = np.maximum(sign_of(right) * (forward - strike), 0)  # np.maximum hands NaN on
        return otm + intrinsic


def black_vega(forward: ArrayLike, strike: ArrayLike, years: ArrayLike, sigma: ArrayLike) -> np.ndarray:
    """Change of the undiscounted price per unit of sigma, F n(d1) sqrt(T); a call's and a put's alike."""
    forward, years = floats(forward, years)
    with np.errstate(all="ignore"):
        d1, _ = d1_d2(log_moneyness(forward, strike), stdev_of(years, sigma))
        return forward * np.sqrt(years) * normal_density(d1)


def otm_price(k: ArrayLike, stdev: ArrayLike) -> np.ndarray:
    """Undiscounted out-of-the-money price over the forward: the put for k = ln(K/F) < 0, the call for k >= 0.

    stdev: total standard deviation sigma sqrt(T), 0 gives 0. Arguments broadcast; NaN stays NaN.
    """
    k, stdev = np.broadcast_arrays(*floats(k, stdev))
    with np.errstate(all="ignore"):
        x, t = np.abs(k), 0.5 * np.where(stdev >= 0, stdev, np.nan)
        h = np.where((x == 0) & (t == 0), 0.0, np.minimum(0.5 * x / t, FAR))
        near = (t < 0.15) & (x < 1)
        c = np.full(k.shape, np.nan)
        for formula, rows in ((_series, near), (_mills, ~near & (h >= t)), (_plain, ~near & (h < t))):
            c[rows] = formula(h[rows], t[rows])
        return (c * np.exp(np.minimum(k, 0)))[()]


def mills_ratio(z: np.ndarray) -> np.ndarray:
    """R(z) = N(-z) / n(z)."""
    return SQRT_HALF_PI * erfcx(SQRT_HALF * z)


def _plain(h: np.ndarray, t: np.ndarray) -> np.ndarray:
    """c where it is no small difference and R would overflow: wide options."""
    return ndtr(t - h) - np.exp(2 * h * t) * ndtr(-t - h)


def _mills(h: np.ndarray, t: np.ndarray) -> np.ndarray:
    return normal_density(h - t) * (mills_ratio(h - t) - mills_ratio(h + t))


def _series(h: np.ndarray, t: np.ndarray) -> np.ndarray:
    """c for small t: the odd terms of the Taylor series at h, with R^(n+1) = h R^(n) + n R^(n-1)."""
    before = mills_ratio(h)
    this = h * before - 1
    power = t
    total = this * power
    for n in range(1, 12, 2):
        before, this = this, h * this + n * before
        before, this = this, h * this + (n + 1) * before
        power = power * t * t / ((n + 1) * (n + 2))
        total = total + this * power
    return -2 * normal_density(h - t) * total


def floats(*arguments: ArrayLike) -> list[np.ndarray]:
    return [np.asarray(argument, dtype=float) for argument in arguments]


def log_moneyness(forward: ArrayLike, strike: ArrayLike) -> np.ndarray:
    """k = ln(K/F) without the rounding of K/F where the two are close; NaN unless both are positive."""
    forward, strike = floats(forward, strike)
    with np.errstate(all="ignore"):
        ratio = strike / forward
        k = np.where(np.abs(ratio - 1) < 0.5, np.log1p((strike - forward) / forward), np.log(ratio))
        return np.where((forward > 0) & (strike > 0), k, np.nan)[()]


def stdev_of(years: ArrayLike, sigma: ArrayLike) -> np.ndarray:
    """sigma sqrt(T); NaN where either is negative."""
    years, sigma = floats(years, sigma)
    with np.errstate(all="ignore"):
        return np.where(sigma >= 0, sigma, np.nan) * np.sqrt(years)


def d1_d2(k: np.ndarray, stdev: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """d1 = (-k + s^2/2) / s and d2 = d1 - s; without volatility infinite, or 0 at the forward."""
    with np.errstate(all="ignore"):
        middle = np.where((k == 0) & (stdev == 0), 0.0, -k / stdev)
        return middle + 0.5 * stdev, middle - 0.5 * stdev


def normal_density(d: np.ndarray) -> np.ndarray:
    """n(d)."""
    return np.exp(-0.5 * d * d) / SQRT_2PI


def sign_of(right: ArrayLike) -> np.ndarray:
    """+1.0 for "C", -1.0 for "P", NaN for anything else."""
    right = np.asarray(right)
    if right.dtype == "<U1":  # one code point an item; integers compare 50 times as fast as text
        right, call, put = right.view(np.uint32), ord("C"), ord("P")
    else:
        call, put = "C", "P"
    sign = np.subtract(right == call, right == put, dtype=float)
    return np.where(sign == 0, np.nan, sign)[()]
