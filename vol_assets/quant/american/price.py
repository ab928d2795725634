"""Prices of American options, for simulated chains.

An American put is worth its European price and, for as long as it would be exercised, the interest on the strike less
the carry on the spot (Kim, "The analytic valuation of American options", 1990). Undiscounted and in forwards, with
s the total stdev, a = rT, b = qT, t the share of the life elapsed and u = 1 - t left:

    integral over t of  a e^(k + a u) N(-d-) - b e^(b u) N(-d+),
    d+- = ln(S_0 e^((a - b) t) / B(u)) / (s sqrt(t)) +- s sqrt(t) / 2.

`boundary` has B by table, twelve points give the integral. A call at k with rate r and carry q takes it from a put at
-k with rate q and carry r. Simulated prices owe nothing to the tables of `european`, which are to be judged by them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr

from vol_assets.quant.american import boundary
from vol_assets.quant.black import black_price, log_moneyness, sign_of, stdev_of

BLOCK = 1024  # rows at a time: the integrand stays in the cache
WORTHLESS = 1e-10  # early exercise over the forward, left out


def american_price(
    forward: ArrayLike,
    strike: ArrayLike,
    years: ArrayLike,
    sigma: ArrayLike,
    right: ArrayLike,
    rate: ArrayLike,
    carry: ArrayLike,
) -> np.ndarray:
    """Price today of American options, discounted, in the forward's currency; all arguments broadcast.

    rate and carry: continuous, a year; for early exercise one below zero counts as zero. At and beyond the exercise
    boundary, however deep in the money, the price is exactly what exercise brings; it is never below that, nor below
    the European price. NaN where `black_price` is. Within .005 volatility points of QuantLib for sigma 7-120 %, a day
    to two years, rates to 6 % and carries to 2 %, wherever vega is above a tenth of its highest.
    """
    arrays = [np.asarray(array, dtype=float) for array in (forward, strike, years, sigma, rate, carry)]
    *arrays, right = np.broadcast_arrays(*arrays, right)
    shape, right = right.shape, np.ravel(right)
    forward, strike, years, sigma, rate, carry = (np.ravel(array) for array in arrays)
    with np.errstate(all="ignore"):
        sign, discount = sign_of(right), np.exp(-rate * years)
        spot = forward * np.exp((carry - rate) * years)
        alive = discount * black_price(forward, strike, years, sigma, right)
        k, s = log_moneyness(forward, strike), stdev_of(years, sigma)
        rate, carry = np.maximum(rate, 0.0) * years, np.maximum(carry, 0.0) * years
        a, b = np.where(sign > 0, carry, rate), np.where(sign > 0, rate, carry)
        rows = np.flatnonzero((s > 0) & (a > 0) & ~_worthless(-sign * k, s, a, b))
        early = _early_exercise(-sign[rows] * k[rows], s[rows], a[rows], b[rows])
        alive[rows] += discount[rows] * np.where(sign[rows] > 0, strike[rows], forward[rows]) * early
        return np.maximum(alive, sign * (spot - strike)).reshape(shape)[()]


def _worthless(k: np.ndarray, s: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Whether interest on the strike, earned where a carry above the rate lets a put be exercised, comes to nothing."""
    return (b > a) & (a * np.exp(k) * ndtr((k - np.log(b / a)) / s + 0.5 * s) < WORTHLESS)


def _early_exercise(k: np.ndarray, s: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The integral; 0 beyond the boundary."""
    value = np.zeros(k.shape)
    for start in range(0, len(value), BLOCK):
        rows = slice(start, start + BLOCK)
        y, now = boundary.distance(s[rows], a[rows], b[rows])
        spot = (b[rows] - a[rows] - k[rows]) / s[rows]  # ln(S_0/K)/s
        held = np.flatnonzero(spot + now > 0) + start
        value[held] = _integral(y[:, held - start], spot[held - start], k[held], s[held], a[held], b[held])
    return value


def _integral(
    y: np.ndarray, spot: np.ndarray, k: np.ndarray, s: np.ndarray, a: np.ndarray, b: np.ndarray
) -> np.ndarray:
    root = np.sqrt(boundary.ELAPSED)
    d = (spot + y) / root + (a - b) / s * root
    half = 0.5 * s * root
    interest = a * np.exp(k + a * boundary.LEFT) * ndtr(half - d)
    lost = b * np.exp(b * boundary.LEFT) * ndtr(-half - d)
    return np.maximum(boundary.WEIGHT @ (interest - lost), 0.0)
