"""Coordinates in which the early exercise of a put is smooth, for a carry above the rate.

Such a put is exercised below K a/b at the earliest, l = ln(b/a)/s stdevs further down than where a = b, so its early
exercise fades like N(1 - l) and is worthless from l = FADED on. Divided by `scale` it is smooth in the roots of z and
s, b/s, and the share that 1 - a/b has of its value at FADED. The box: z -5 ... 0.6, s to 1.5, b/s to
1.785/(1 + s/0.122), which is 0.8 at s = 0.15.
"""

from __future__ import annotations

import numpy as np
from scipy.special import ndtr

from vol_assets.quant.american.axes import s_of, unit_s, unit_z, z_of

COUNTS = (12, 7, 7, 7)  # points an axis: z, s, b/s, c
FADED = 4.0


def highest_carry(s: np.ndarray) -> np.ndarray:
    """The box's bound of b/s."""
    return 1.785 / (1.0 + s / 0.122)


def unit(z: np.ndarray, s: np.ndarray, a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, ...]:
    """(n,) arrays -> the four coordinates, each -1 ... 1 inside the box."""
    share = (1 - a / b) / -np.expm1(-FADED * s)
    return unit_z(z), unit_s(s), 2 * b / (s * highest_carry(s)) - 1, 2 * share - 1


def point(x: np.ndarray, y: np.ndarray, t: np.ndarray, c: np.ndarray) -> tuple[np.ndarray, ...]:
    """The inverse of `unit`: coordinates -> z, s, a, b."""
    z, s = z_of(x), s_of(y)
    b = s * highest_carry(s) * (t + 1) / 2
    return z, s, b * (1 + np.expm1(-FADED * s) * (c + 1) / 2), b


def scale(s: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """What the early exercise is divided by in the table: a/s N(1 - l)."""
    return a / s * ndtr(1 - np.log(b / a) / s)
