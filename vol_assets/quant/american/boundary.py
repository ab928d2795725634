"""The exercise boundary of American puts, tabulated.

A put is exercised once the spot falls to B(u), with a share u of its years left. In stdevs of the whole life,
y(u) = ln(K/B(u))/s depends on s, a = rT and b = qT. The tables give y at the shares left that the integral of `price`
needs, and at 1. For a rate at or above the carry y is smooth in the fourth root of s, log of a/s and log of
1 + (1 - b/a)/s. Below it B starts from K a/b, and the distance from there is smooth in the fourth root of s, log of
b/s and l = ln(b/a)/s. Outside a table the boundary at its edge is taken; what is then earned beyond it is still that
of the option's own rates.
"""

from __future__ import annotations

import numpy as np

from vol_assets.quant.american import chebyshev

HIGH_RATE_COUNTS, HIGH_CARRY_COUNTS = (9, 10, 6), (7, 7, 14)  # points an axis
LOWEST_STDEV, HIGHEST_STDEV = 0.003, 1.75
LOWEST_RATE, LOWEST_CARRY = 4e-5, 3e-4  # of a/s where a >= b, of b/s where a < b, over the highest
FARTHEST = 5.0  # highest l

# Gauss-Legendre points in the angle whose sine is root of the share elapsed: both ends of the integral go like roots.
_X, _WEIGHT = np.polynomial.legendre.leggauss(12)
_ANGLE = np.pi / 4 * (_X + 1)
ELAPSED, LEFT = np.sin(_ANGLE)[:, None] ** 2, np.cos(_ANGLE)[:, None] ** 2
WEIGHT = np.pi / 4 * _WEIGHT * np.sin(2 * _ANGLE)
ALL_LEFT = np.append(LEFT, 1.0)  # what the table has

_S = LOWEST_STDEV**0.25, HIGHEST_STDEV**0.25


def distance(s: np.ndarray, a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """y at LEFT (12, n) and y with the whole life left (n,), of options with a > 0."""
    found = np.empty((len(ALL_LEFT), len(s)))
    above = a >= b
    rows = np.flatnonzero(above)
    found[:, rows] = chebyshev.evaluate_all(
        chebyshev.table("boundary_high_rate"), unit_high_rate(s[rows], a[rows], b[rows])
    )
    rows = np.flatnonzero(~above)
    below = chebyshev.evaluate_all(chebyshev.table("boundary_high_carry"), unit_high_carry(s[rows], a[rows], b[rows]))
    found[:, rows] = below + np.log(b[rows] / a[rows]) / s[rows]
    return found[:-1], found[-1]


def highest_rate(s: np.ndarray) -> np.ndarray:
    """The bound of a/s and b/s in the tables."""
    return 2.4 / (1.0 + s / 0.15)


def unit_high_rate(s: np.ndarray, a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, ...]:
    """The coordinates where a >= b, each -1 ... 1 inside the table."""
    return _unit_s(s), _unit_rate(s, a, LOWEST_RATE), 2 * np.log1p((1 - b / a) / s) / np.log1p(1 / s) - 1


def unit_high_carry(s: np.ndarray, a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, ...]:
    """The coordinates where a < b, each -1 ... 1 inside the table."""
    return _unit_s(s), _unit_rate(s, b, LOWEST_CARRY), 2 * np.log(b / a) / (s * FARTHEST) - 1


def point_high_rate(x: float, y: float, t: float) -> tuple[float, float, float]:
    """The inverse of `unit_high_rate`: coordinates -> s, a, b."""
    s, a = _s_of(x), _rate_of(x, y, LOWEST_RATE)
    return s, a, a * (1 - s * np.expm1(np.log1p(1 / s) * (t + 1) / 2))


def point_high_carry(x: float, y: float, t: float) -> tuple[float, float, float]:
    """The inverse of `unit_high_carry`: coordinates -> s, a, b."""
    s, b = _s_of(x), _rate_of(x, y, LOWEST_CARRY)
    return s, b * np.exp(-s * FARTHEST * (t + 1) / 2), b


def _unit_s(s: np.ndarray) -> np.ndarray:
    return 2 * (np.sqrt(np.sqrt(s)) - _S[0]) / (_S[1] - _S[0]) - 1


def _s_of(x: float) -> float:
    return (_S[0] + (_S[1] - _S[0]) * (x + 1) / 2) ** 4


def _unit_rate(s: np.ndarray, rate: np.ndarray, lowest: float) -> np.ndarray:
    return 1 - 2 * np.log(rate / (s * highest_rate(s))) / np.log(lowest)


def _rate_of(x: float, y: float, lowest: float) -> float:
    s = _s_of(x)
    return s * highest_rate(s) * lowest ** ((1 - y) / 2)
