"""De-Americanisation: the European volatility behind the price of an American option, by table.

SPY and GLD options may be exercised early. Inverting their prices with Black's formula gives a stdev s that carries
the value of early exercise, up to several volatility points for long in-the-money puts. The share (s - s_E)/s that it
has in s, with s_E the European stdev, is a function of four numbers alone: z = k/s, s, rT and qT (undiscounted prices
in forwards know no other). It is tabulated for puts from prices of QuantLib's engine of Andersen, Lake and Offengenden
("High performance American option pricing", 2016), once for a rate at or above the carry and once for one below it
(`high_rate`, `high_carry`). A call at k with rate r and carry q has the stdevs of a put at -k with rate q and carry r
(McDonald and Schroder, "A parity result for American options", 1998). `build` makes the tables.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr

from vol_assets.quant.american import axes, chebyshev, high_carry, high_rate
from vol_assets.quant.black import SQRT_2PI, sign_of

WORTHLESS = 1e-7  # share of s below which early exercise is left out
STEEPEST = 5.0  # the share is never more than this times a/s


class NoEuropean(IntEnum):
    """Why there is no European stdev."""

    OK = 0
    NOT_A_NUMBER = 1
    UNKNOWN_RIGHT = 2
    EXERCISED = 3  # at, below or next to its value if exercised now, which tells nothing of volatility
    OUTSIDE = 4  # of the tables


def de_americanise(
    american_stdev: ArrayLike, k: ArrayLike, rate_years: ArrayLike, carry_years: ArrayLike, right: ArrayLike
) -> tuple[np.ndarray, np.ndarray]:
    """European total stdev of American options, and NoEuropean codes (int8); NaN where the code is not OK.

    american_stdev: the Black stdev that the undiscounted American price implies with its own right; k = ln(K/F);
    rate_years = rT and carry_years = qT. All broadcast. A rate or carry below zero counts as zero: where it is not
    noise of an implied forward, it is no more than that of one.
    """
    arrays = (american_stdev, k, rate_years, carry_years, sign_of(right))
    s, k, rate, carry, sign = np.broadcast_arrays(*(np.asarray(array, dtype=float) for array in arrays))
    shape = s.shape
    s, k, rate, carry, sign = (np.ravel(array) for array in (s, k, rate, carry, sign))
    rate, carry = np.maximum(rate, 0.0), np.maximum(carry, 0.0)
    is_call = sign > 0
    a, b = np.where(is_call, carry, rate), np.where(is_call, rate, carry)
    stdev, reason = s.copy(), np.zeros(s.shape, dtype=np.int8)
    with np.errstate(all="ignore"):
        z = -sign * k / s
        reason[~(np.isfinite(z + a + b) & (s > 0))] = NoEuropean.NOT_A_NUMBER
        reason[np.isnan(sign)] = NoEuropean.UNKNOWN_RIGHT
        rows = np.flatnonzero((reason == NoEuropean.OK) & (a > 0) & ~_worthless(z, s, a, b))
        share, reason[rows] = _share(z[rows], s[rows], a[rows], b[rows])
        stdev[rows] -= s[rows] * share
    stdev[reason != NoEuropean.OK] = np.nan
    return stdev.reshape(shape)[()], reason.reshape(shape)[()]


def _worthless(z: np.ndarray, s: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Interest on the strike while the put is exercised, a bound of early exercise, over vega."""
    h = z + 0.5 * s
    exercised = np.where(b > a, ndtr(h - np.log(b / a) / s), 1.0)
    return a * exercised * SQRT_2PI <= WORTHLESS * np.exp(-0.5 * h * h)


def _share(z: np.ndarray, s: np.ndarray, a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(s - s_E)/s of puts, and codes."""
    share, reason = np.zeros(z.shape), np.zeros(z.shape, dtype=np.int8)
    too_wide, lift = s > axes.HIGHEST_STDEV, np.maximum(axes.LOWEST_STDEV / s, 1.0)
    s, a, b = s * lift, a * lift, b * lift  # a limit: at smaller s only the ratios matter
    start, f = high_rate.exercise(z, s, a, b)
    fits = (z >= axes.LOWEST_Z) & (z <= axes.HIGHEST_Z) & ~too_wide
    exercised = f > 1 - high_rate.NEAREST

    rows = np.flatnonzero((a >= b) & fits & ~exercised)
    where = high_rate.unit(z[rows], s[rows], b[rows], start[rows], f[rows])
    share[rows] = chebyshev.evaluate(chebyshev.table("high_rate"), where)
    fits[rows] = (where[2] <= 1) & (where[3] <= 1)
    exercised[rows] = (where[2] > 1) & (a[rows] <= s[rows] * high_rate.highest_rate(s[rows]))

    rows = np.flatnonzero((a < b) & fits & ~exercised)
    where = high_carry.unit(z[rows], s[rows], a[rows], b[rows])
    share[rows] = chebyshev.evaluate(chebyshev.table("high_carry"), where) * high_carry.scale(s[rows], a[rows], b[rows])
    share[rows[where[3] > 1]] = 0.0
    fits[rows] = (where[2] <= 1) | (where[3] > 1)

    reason[~fits] = NoEuropean.OUTSIDE
    reason[exercised] = NoEuropean.EXERCISED
    return np.clip(share, 0.0, STEEPEST * a / s), reason
