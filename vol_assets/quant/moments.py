"""Moments of the log return R = ln(S_T / F) from option prices, exact: no series is cut.

With o(k) the undiscounted out-of-the-money price / forward at k = ln(K / F), any smooth payoff is a strip of options
(Carr and Madan 2001), and for R^n the strip is

    M_n = E[R^n] = integral of (n (n-1) k^(n-2) - n k^(n-1)) e^-k o(k) dk,    n = 1 .. 4.

-2 M_1 is the model-free variance. o(k) has a kink at the forward, where puts give way to calls; a lognormal with the
at-the-money stdev has the same one. So the lognormal is integrated in closed form and only the difference by the
trapezoid rule, which on a uniform grid converges faster than any power of the step. Beyond its ends the grid has
nothing to say and the lognormal stands: `grid` gives it room enough.

The same strips cut at a strike tell how much of a moment comes from each wing. For a lognormal mixture everything is
a closed form.

Shapes: k and price (..., n); a mixture's weights, means and stdevs (..., c). Moments are totals to the expiration,
not annualised. What cannot be computed is NaN.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from scipy.special import ndtr, ndtri

from vol_assets.quant import black

# Integrals of e^-k o(k) times 1, k, k^2, k^3 -> the strips M_1 .. M_4.
_STRIP = np.array([[-1.0, 2.0, 0.0, 0.0], [0.0, -2.0, 6.0, 0.0], [0.0, 0.0, -3.0, 12.0], [0.0, 0.0, 0.0, -4.0]])
_FAR = 50.0  # |k| that no price reaches: stands for an infinite strike
_STRIPS = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]


class Moments(NamedTuple):
    """Of the log return to the expiration: kurtosis is 3 for a normal, model_free_variance is -2 E[ln(S_T / F)]."""

    mean: np.ndarray
    variance: np.ndarray
    skewness: np.ndarray
    kurtosis: np.ndarray
    model_free_variance: np.ndarray


def grid(stdev: np.ndarray, *, below: float = 100.0, above: float = 60.0, step: float = 0.1) -> np.ndarray:
    """Log-moneyness for `from_prices`: (...,) at-the-money total stdevs -> (..., n), multiples of each stdev.

    As wide as the heaviest tails that an eSSVI slice may have need: kurtosis is then right to 1e-8.
    """
    return np.asarray(stdev, dtype=float)[..., None] * np.linspace(-below, above, round((below + above) / step) + 1)


@np.errstate(all="ignore")
def from_prices(k: np.ndarray, price: np.ndarray) -> Moments:
    """Moments from out-of-the-money prices on an increasing grid, fine and wide (`grid`) beside the stdev."""
    return _central(_raw_from_prices(k, price))


@np.errstate(all="ignore")
def from_mixture(weights: np.ndarray, means: np.ndarray, stdevs: np.ndarray) -> Moments:
    """Moments of a lognormal mixture: component i of S_T / F has mean m_i and log-stdev s_i, sum w_i m_i = 1."""
    return _central(_raw_from_mixture(weights, means, stdevs))


@np.errstate(all="ignore")
def bakshi_kapadia_madan(k: np.ndarray, price: np.ndarray, carry: np.ndarray = 0.0) -> Moments:
    """Moments of ln(S_T / S_0) as Bakshi, Kapadia and Madan (2003) estimate them; carry is (r - q) T = ln(F / S_0).

    Their V, W and X are exact second to fourth moments about the spot; only their mean is a series cut after X,
    exp(carry) - 1 - V/2 - W/6 - X/24 with V, W, X undiscounted, and the error of the mean enters the others.
    """
    m1, m2, m3, m4 = np.moveaxis(_raw_from_prices(k, price), -1, 0)
    g = np.asarray(carry, dtype=float)
    v = m2 + 2 * g * m1 + g**2
    w = m3 + 3 * g * m2 + 3 * g**2 * m1 + g**3
    x = m4 + 4 * g * m3 + 6 * g**2 * m2 + 4 * g**3 * m1 + g**4
    mean = np.expm1(g) - v / 2 - w / 6 - x / 24
    return _central(np.stack([mean, v, w, x], axis=-1))._replace(model_free_variance=-2.0 * m1)


@np.errstate(all="ignore")
def up_down_variance(k: np.ndarray, price: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The model-free variance's parts from calls and from puts; they add up to it."""
    return _up_down(_strips_of_prices(k, price), np.shape(price)[:-1])


@np.errstate(all="ignore")
def mixture_up_down_variance(
    weights: np.ndarray, means: np.ndarray, stdevs: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """`up_down_variance` of a lognormal mixture."""
    return _up_down(_strips_of_mixture(weights, means, stdevs), np.shape(weights)[:-1])


@np.errstate(all="ignore")
def moments_outside(k: np.ndarray, price: np.ndarray, k_low: np.ndarray, k_high: np.ndarray) -> np.ndarray:
    """Share of each integral M_1 .. M_4 that lies outside [k_low, k_high]: (..., 4) in [0, 1], M_1 the variance's.

    Shares are of absolute contributions, since in M_3 puts and calls have opposite signs.
    """
    return _outside(_strips_of_prices(k, price), k_low, k_high)


@np.errstate(all="ignore")
def mixture_moments_outside(
    weights: np.ndarray, means: np.ndarray, stdevs: np.ndarray, k_low: np.ndarray, k_high: np.ndarray
) -> np.ndarray:
    """`moments_outside` of a lognormal mixture."""
    return _outside(_strips_of_mixture(weights, means, stdevs), k_low, k_high)


def _central(raw: np.ndarray) -> Moments:
    """Raw moments (..., 4) -> mean, variance, skewness, kurtosis."""
    m1, m2, m3, m4 = np.moveaxis(raw, -1, 0)
    variance = m2 - m1**2
    variance = np.where(variance > 0, variance, np.nan)[()]
    skewness = (m3 - 3 * m1 * m2 + 2 * m1**3) / variance**1.5
    kurtosis = (m4 - 4 * m1 * m3 + 6 * m1**2 * m2 - 3 * m1**4) / variance**2
    return Moments(m1, variance, skewness, kurtosis, -2.0 * m1)


def _raw_from_mixture(weights: np.ndarray, means: np.ndarray, stdevs: np.ndarray) -> np.ndarray:
    weights, means, s = (np.asarray(values, dtype=float) for values in (weights, means, stdevs))
    mu = np.log(means) - 0.5 * s**2
    normal = [mu, mu**2 + s**2, mu**3 + 3 * mu * s**2, mu**4 + 6 * mu**2 * s**2 + 3 * s**4]
    return np.stack([(weights * moment).sum(axis=-1) for moment in normal], axis=-1)


def _raw_from_prices(k: np.ndarray, price: np.ndarray) -> np.ndarray:
    k, difference, lognormal = _beside_lognormal(k, price)
    powers = [np.trapezoid(f, k, axis=-1) for f in _times_powers(k, difference)]
    return _raw_from_mixture(*lognormal) + np.stack(powers, axis=-1) @ _STRIP


def _beside_lognormal(k: np.ndarray, price: np.ndarray) -> tuple[np.ndarray, np.ndarray, tuple[np.ndarray, ...]]:
    """k, e^-k times price less lognormal, both (..., n), and that lognormal as a mixture of one.

    Any stdev is right; the at-the-money one leaves the least to integrate. o(0) = 2 N(s/2) - 1.
    """
    k, price = np.broadcast_arrays(np.asarray(k, dtype=float), np.asarray(price, dtype=float))
    nearest = np.argmin(np.abs(k), axis=-1)[..., None]
    at_money = np.take_along_axis(price, nearest, axis=-1)
    stdev = 2.0 * ndtri(0.5 + 0.5 * np.where((at_money > 0) & (at_money < 1), at_money, np.nan))
    difference = np.exp(-k) * (price - black.otm_price(k, stdev))
    return k, difference, (np.ones_like(stdev), np.ones_like(stdev), stdev)


def _times_powers(k: np.ndarray, f: np.ndarray) -> Iterator[np.ndarray]:
    """f, k f, k^2 f, k^3 f."""
    yield f
    for _ in range(3):
        f = f * k
        yield f


def _strips_of_prices(k: np.ndarray, price: np.ndarray) -> _STRIPS:
    """x -> the integrals over puts below x and over calls above x, (..., 4) each."""
    k, difference, lognormal = _beside_lognormal(k, price)
    of_lognormal = _strips_of_mixture(*lognormal)
    curves = list(_times_powers(k, difference))
    spacing = np.gradient(k, axis=-1)
    slopes = [np.gradient(curve, axis=-1) / spacing for curve in curves]

    def integrals(x: np.ndarray) -> np.ndarray:
        values, tangents = _weights_below(x, k)
        powers = [(values * f + tangents * slope).sum(axis=-1) for f, slope in zip(curves, slopes)]
        return np.stack(powers, axis=-1) @ _STRIP

    total = integrals(np.asarray(np.inf))

    def strips(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        below, above = of_lognormal(x)
        more = integrals(x)
        return below + more, above + total - more

    return strips


def _weights_below(x: np.ndarray, k: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Weights of values and slopes at k (..., n) in the integral up to x (...,) of the piecewise cubic through them."""
    step = np.diff(k)
    t = np.clip((x[..., None] - k[..., :-1]) / step, 0.0, 1.0)
    t2, t3, t4 = t**2 / 2, t**3 / 3, t**4 / 4
    values, slopes = (np.zeros((*t.shape[:-1], k.shape[-1])) for _ in range(2))
    values[..., :-1] += step * (t - 3 * t3 + 2 * t4)
    values[..., 1:] += step * (3 * t3 - 2 * t4)
    slopes[..., :-1] += step**2 * (t2 - 2 * t3 + t4)
    slopes[..., 1:] += step**2 * (t4 - t3)
    return values, slopes


def _strips_of_mixture(weights: np.ndarray, means: np.ndarray, stdevs: np.ndarray) -> _STRIPS:
    """As `_strips_of_prices`. The strip of H(S) above a strike K is E[(H(S) - H(K) - H'(K) (S - K)); S > K]."""
    weights, means, s = (np.asarray(values, dtype=float) for values in (weights, means, stdevs))
    mu = np.log(means) - 0.5 * s**2

    def strip(x: np.ndarray, side: float) -> np.ndarray:
        x = x[..., None]
        a = (x - mu) / s
        edge = side * s * np.exp(-0.5 * a**2) / np.sqrt(2 * np.pi)
        partial = [ndtr(-side * a)]  # E[R^n; R beyond x] of a normal, by parts
        for n in range(1, 5):
            before = (n - 1) * s**2 * partial[n - 2] if n > 1 else 0.0
            partial.append(mu * partial[n - 1] + before + edge * x ** (n - 1))
        share = np.exp(-x) * means * ndtr(-side * (a - s)) - partial[0]  # E[S / K - 1; beyond]
        cut = [partial[n] - x**n * partial[0] - n * x ** (n - 1) * share for n in range(1, 5)]
        return np.stack([(weights * c).sum(axis=-1) for c in cut], axis=-1)

    return lambda x: (strip(x, -1.0), strip(x, 1.0))


def _up_down(strips: _STRIPS, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    puts, calls = strips(np.zeros(shape))
    return -2.0 * calls[..., 0], -2.0 * puts[..., 0]


def _outside(strips: _STRIPS, k_low: np.ndarray, k_high: np.ndarray) -> np.ndarray:
    puts, calls = (np.abs(part) for part in strips(np.zeros(np.broadcast_shapes(np.shape(k_low), np.shape(k_high)))))

    def below(x: np.ndarray) -> np.ndarray:
        """Absolute contributions of all out-of-the-money options below x."""
        x = np.clip(np.asarray(x, dtype=float), -_FAR, _FAR)
        lower, upper = strips(x)
        return np.where(x[..., None] < 0, np.abs(lower), puts + calls - np.abs(upper))

    return np.clip(1.0 - (below(k_high) - below(k_low)) / (puts + calls), 0.0, 1.0)
