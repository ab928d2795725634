"""Coordinates in which the early exercise of a put is smooth, for a rate at or above the carry.

With k and s as the American price has them, z = k/s, a = rT and b = qT, a put is worth more alive than exercised while

    e = call(k, s) + (e^b - 1) - e^k (e^a - 1) > 0,

the undiscounted time value over exercise, in forwards: the Black put, by parity, less exercise value. As e falls to 0
the European stdev has a square-root singularity; as a falls to b it goes like a power of a - b. Let e0 be e at a = b:
f = 1 - e/e0 is proportional to e^(a - b) - 1, and theta = arcsin sqrt(f) takes both ends away. Out of the money f
would reach 1 only at absurd rates, so the highest theta is where the rate ends, by a smooth minimum. The axes are the
roots of z and s, theta, and b/s. The box: z -5 ... 0.6, s to 1.5, a/s to 1.2/(1 + s/0.3), which is 0.8 at s = 0.15,
two years at 6 %, and b/s to 1.1/(1 + s/0.2).
"""

from __future__ import annotations

import numpy as np
from scipy.special import ndtr

from vol_assets.quant.american.axes import s_of, unit_s, unit_z, z_of

COUNTS = (22, 10, 7, 6)  # points an axis: z, s, theta, b/s
NEAREST = 0.006  # e/e0 below which the inverse is too steep to be of use
BEND = 4  # of the smooth minimum
MARGIN = 1.3  # by which the smooth minimum passes over the box


def highest_rate(s: np.ndarray) -> np.ndarray:
    """The box's bound of a/s."""
    return 1.2 / (1.0 + s / 0.3)


def highest_carry(s: np.ndarray) -> np.ndarray:
    """The box's bound of b/s."""
    return 1.1 / (1.0 + s / 0.2)


def exercise(z: np.ndarray, s: np.ndarray, a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """e0/s, and f: 1 and more where exercise is due, below 0 for a rate below the carry."""
    start = _at_equal_rates(z, s, b)
    f = np.exp(z * s + b) * np.expm1(a - b) / (s * start)
    return start, np.where(start > 0, f, np.inf)


def unit(z: np.ndarray, s: np.ndarray, b: np.ndarray, start: np.ndarray, f: np.ndarray) -> tuple[np.ndarray, ...]:
    """(n,) arrays, the last two from `exercise` -> the four coordinates, each -1 ... 1 inside the box."""
    theta = np.arcsin(np.sqrt(np.minimum(f, 1.0)))
    return unit_z(z), unit_s(s), 2 * theta / _highest_theta(z, s, start) - 1, 2 * b / (s * highest_carry(s)) - 1


def point(x: np.ndarray, y: np.ndarray, t: np.ndarray, c: np.ndarray) -> tuple[np.ndarray, ...]:
    """The inverse of `unit`: coordinates -> z, s, a, b."""
    z, s = z_of(x), s_of(y)
    b = s * highest_carry(s) * (c + 1) / 2
    start = _at_equal_rates(z, s, b)
    f = np.sin(_highest_theta(z, s, start) * (t + 1) / 2) ** 2
    return z, s, b + np.log1p(f * s * start * np.exp(-z * s - b)), b


def _at_equal_rates(z: np.ndarray, s: np.ndarray, b: np.ndarray) -> np.ndarray:
    """e0/s."""
    strike = np.exp(z * s)
    return (ndtr(0.5 * s - z) - strike * ndtr(-0.5 * s - z) - (strike - 1) * np.expm1(b)) / s


def _highest_theta(z: np.ndarray, s: np.ndarray, start: np.ndarray) -> np.ndarray:
    over = start / (MARGIN * highest_rate(s) * np.exp(z * s))
    return np.arcsin(np.sqrt((1 - NEAREST) * (1 + over**BEND) ** (-1 / BEND)))
