"""Sensitivities of European options and the conventions of delta.

Prices here are discounted, V = e^(-rT) Black(F, K, T, sigma), with F = S e^((r-q)T); rate r and carry q (a dividend
yield, a foreign or a metal's lending rate) are continuously compounded and 0 unless given, which leaves the forward's
own, undiscounted sensitivities. Units are plain: per 1.00 of volatility or of a rate, per year of time. Definitions:
Clark, "Foreign Exchange Option Pricing" (2011), ch. 2-3; Wystup, "FX Options and Structured Products" (2017), ch. 1;
deltas and strikes from them: Reiswich and Wystup, "FX volatility smile construction" (2010).

With no time or no volatility left deltas, vega and rhos are their limits; the others are not defined there.
"""

from __future__ import annotations

from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import log_ndtr, ndtr, ndtri

from vol_assets.quant.black import (
    black_vega,
    d1_d2,
    floats,
    log_moneyness,
    mills_ratio,
    normal_density,
    sign_of,
    stdev_of,
)

STRIKE_STEPS = 100  # of Newton's method; a handful, but for deltas next to the largest there is


class Delta(StrEnum):
    """What a delta counts; phi is +1 for a call and -1 for a put.

    The premium-adjusted ones deduct the premium, paid in the underlying itself: Delta - V/S.
    """

    FORWARD = "forward"  # phi N(phi d1): forwards that hedge
    SPOT = "spot"  # phi e^(-qT) N(phi d1): dV/dS
    PREMIUM_ADJUSTED_FORWARD = "premium_adjusted_forward"  # phi K/F N(phi d2)
    PREMIUM_ADJUSTED_SPOT = "premium_adjusted_spot"  # phi e^(-qT) K/F N(phi d2)

    @classmethod
    def _missing_(cls, value: object) -> Delta:
        raise ValueError(f"{value!r} is no convention of delta; there are {', '.join(cls)}")


PREMIUM_ADJUSTED = (Delta.PREMIUM_ADJUSTED_FORWARD, Delta.PREMIUM_ADJUSTED_SPOT)
SPOT = (Delta.SPOT, Delta.PREMIUM_ADJUSTED_SPOT)


@np.errstate(all="ignore")
def delta(
    forward: ArrayLike,
    strike: ArrayLike,
    years: ArrayLike,
    sigma: ArrayLike,
    right: ArrayLike,
    convention: Delta | str = Delta.FORWARD,
    *,
    carry: ArrayLike = 0.0,
) -> np.ndarray:
    """Delta in the named convention, negative for puts; `carry` matters to the two spot deltas.

    A ValueError when the convention is none of `Delta`.
    """
    forward, strike = floats(forward, strike)
    convention = Delta(convention)
    sign = sign_of(right)
    d1, d2 = _d1_d2(forward, strike, years, sigma)
    count = strike / forward * ndtr(sign * d2) if convention in PREMIUM_ADJUSTED else ndtr(sign * d1)
    return sign * count * _spot_factor(convention, carry, years)


@np.errstate(all="ignore")
def gamma(
    forward: ArrayLike,
    strike: ArrayLike,
    years: ArrayLike,
    sigma: ArrayLike,
    *,
    rate: ArrayLike = 0.0,
    carry: ArrayLike = 0.0,
) -> np.ndarray:
    """d2V/dS2 = e^(-qT) n(d1) / (S sigma sqrt(T))."""
    (forward,) = floats(forward)
    d1, _ = _d1_d2(forward, strike, years, sigma)
    spot = forward * _discount(rate, years) / _discount(carry, years)
    return _discount(carry, years) * normal_density(d1) / (spot * stdev_of(years, sigma))


@np.errstate(all="ignore")
def vega(
    forward: ArrayLike, strike: ArrayLike, years: ArrayLike, sigma: ArrayLike, *, rate: ArrayLike = 0.0
) -> np.ndarray:
    """dV/dsigma = e^(-rT) F n(d1) sqrt(T)."""
    return _discount(rate, years) * black_vega(forward, strike, years, sigma)


@np.errstate(all="ignore")
def theta(
    forward: ArrayLike,
    strike: ArrayLike,
    years: ArrayLike,
    sigma: ArrayLike,
    right: ArrayLike,
    *,
    rate: ArrayLike = 0.0,
    carry: ArrayLike = 0.0,
) -> np.ndarray:
    """-dV/dT at fixed spot: e^(-rT) [-F n(d1) sigma / (2 sqrt(T)) + phi q F N(phi d1) - phi r K N(phi d2)], a year."""
    forward, strike, years, sigma, rate, carry = floats(forward, strike, years, sigma, rate, carry)
    sign = sign_of(right)
    d1, d2 = _d1_d2(forward, strike, years, sigma)
    decay = -forward * sigma * normal_density(d1) / (2 * np.sqrt(years))
    earned = sign * carry * forward * ndtr(sign * d1)
    paid = sign * rate * strike * ndtr(sign * d2)
    return _discount(rate, years) * (decay + earned - paid)


@np.errstate(all="ignore")
def vanna(
    forward: ArrayLike, strike: ArrayLike, years: ArrayLike, sigma: ArrayLike, *, carry: ArrayLike = 0.0
) -> np.ndarray:
    """d2V/(dS dsigma) = -e^(-qT) n(d1) d2 / sigma."""
    (sigma,) = floats(sigma)
    d1, d2 = _d1_d2(forward, strike, years, sigma)
    return -_discount(carry, years) * normal_density(d1) * d2 / sigma


@np.errstate(all="ignore")
def volga(
    forward: ArrayLike, strike: ArrayLike, years: ArrayLike, sigma: ArrayLike, *, rate: ArrayLike = 0.0
) -> np.ndarray:
    """d2V/dsigma2 = vega d1 d2 / sigma."""
    (sigma,) = floats(sigma)
    d1, d2 = _d1_d2(forward, strike, years, sigma)
    return vega(forward, strike, years, sigma, rate=rate) * d1 * d2 / sigma


@np.errstate(all="ignore")
def rho(
    forward: ArrayLike,
    strike: ArrayLike,
    years: ArrayLike,
    sigma: ArrayLike,
    right: ArrayLike,
    *,
    rate: ArrayLike = 0.0,
) -> np.ndarray:
    """dV/dr at fixed spot and carry: phi K T e^(-rT) N(phi d2)."""
    _, d2 = _d1_d2(forward, strike, years, sigma)
    return _paid_for_time(strike, years, right, d2, rate)


@np.errstate(all="ignore")
def carry_rho(
    forward: ArrayLike,
    strike: ArrayLike,
    years: ArrayLike,
    sigma: ArrayLike,
    right: ArrayLike,
    *,
    rate: ArrayLike = 0.0,
) -> np.ndarray:
    """dV/dq at fixed spot and rate: -phi F T e^(-rT) N(phi d1)."""
    d1, _ = _d1_d2(forward, strike, years, sigma)
    return -_paid_for_time(forward, years, right, d1, rate)


@np.errstate(all="ignore")
def strike_from_delta(
    forward: ArrayLike,
    years: ArrayLike,
    sigma: ArrayLike,
    delta: ArrayLike,
    right: ArrayLike,
    convention: Delta | str = Delta.FORWARD,
    *,
    carry: ArrayLike = 0.0,
) -> np.ndarray:
    """The strike whose delta in the named convention is `delta` (negative for puts); NaN where there is none.

    A call's premium-adjusted delta rises with the strike up to a maximum and falls beyond it: of the two strikes the
    higher one is meant, as in the market (Reiswich and Wystup 2010). A ValueError when the convention is none of
    `Delta`.
    """
    convention = Delta(convention)
    forward, delta = floats(forward, delta)
    sign, s = sign_of(right), stdev_of(years, sigma)
    s = np.where(s > 0, s, np.nan)
    size = sign * delta / _spot_factor(convention, carry, years)
    if convention in PREMIUM_ADJUSTED:
        k = -sign * s * _premium_adjusted_d2(size, sign, s) - 0.5 * s * s
    else:
        k = -sign * s * ndtri(size) + 0.5 * s * s
    return np.where(np.isfinite(k), forward * np.exp(k), np.nan)[()]


def _paid_for_time(amount: ArrayLike, years: ArrayLike, right: ArrayLike, d: np.ndarray, rate: ArrayLike) -> np.ndarray:
    """phi T e^(-rT) amount N(phi d): what a rate does to one of the two terms of Black's formula."""
    amount, years = floats(amount, years)
    sign = sign_of(right)
    return sign * amount * years * _discount(rate, years) * ndtr(sign * d)


def _premium_adjusted_d2(size: np.ndarray, sign: np.ndarray, s: np.ndarray) -> np.ndarray:
    """phi d2 = z of a premium-adjusted forward delta: ln N(z) - phi s z - s^2/2 = ln(size), by Newton's method.

    The left side is concave, so every step but the first stays left of the wanted root. For a call it begins at the
    strike of the unadjusted delta, which is always the higher one.
    """
    size, sign, s = np.broadcast_arrays(size, sign, s)
    target = np.log(size) + 0.5 * s * s
    z = ndtri(np.where(sign > 0, size, np.minimum(size, 0.5))) - sign * s
    for _ in range(STRIKE_STEPS):
        slope = 1 / mills_ratio(-z) - sign * s
        step = (target - log_ndtr(z) + sign * s * z) / slope
        z = z + step
        if not np.any(np.abs(step) > 1e-15 * (1 + np.abs(z))):
            break
    found = (slope > 0) & (np.abs(step) < 1e-6)
    return np.where(found, z, np.nan)


def _d1_d2(forward: ArrayLike, strike: ArrayLike, years: ArrayLike, sigma: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    return d1_d2(log_moneyness(forward, strike), stdev_of(years, sigma))


def _discount(rate: ArrayLike, years: ArrayLike) -> np.ndarray:
    rate, years = floats(rate, years)
    return np.exp(-rate * years)


def _spot_factor(convention: Delta, carry: ArrayLike, years: ArrayLike) -> np.ndarray:
    return _discount(carry, years) if convention in SPOT else np.float64(1.0)
