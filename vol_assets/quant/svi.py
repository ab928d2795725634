"""Stochastic-volatility-inspired slices, and what any total variance w(k) says of arbitrage and density.

Raw SVI is w(k) = a + b (rho (k - m) + sqrt((k - m)^2 + s^2)) (Gatheral 2004). For any twice differentiable w, with
d_2 = -k / sqrt(w) - sqrt(w) / 2, the law of ln(S_T / F) has (Gatheral and Jacquier 2014)

    g = (1 - k w' / (2 w))^2 - w'^2 (1/w + 1/4) / 4 + w'' / 2,
    density g exp(-d_2^2 / 2) / sqrt(2 pi w),    distribution N(-d_2) + n(d_2) w' / (2 sqrt(w)),

so that a slice is free of butterfly arbitrage where Durrleman's g >= 0. Wings may not grow faster than 2 |k| (Lee
2004). The surface is not fitted with SVI: a raw slice is a way to report one, the jump-wings (JW) parameters are its
readable form.

Parameters are scalars or arrays of one shape; give them a trailing axis of length 1 to go with k (n,).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.special import ndtr


class RawSvi(NamedTuple):
    """a is a level of total variance, b the slope of the wings, rho their tilt, m the centre, s the width."""

    a: np.ndarray
    b: np.ndarray
    rho: np.ndarray
    m: np.ndarray
    s: np.ndarray


class JumpWings(NamedTuple):
    """v and lowest are variances a year, at the money and least; psi, p, c are slopes: at the money, puts, calls."""

    v: np.ndarray
    psi: np.ndarray
    p: np.ndarray
    c: np.ndarray
    lowest: np.ndarray


@np.errstate(all="ignore")
def total_variance(k: np.ndarray, raw: RawSvi) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """w and its first two derivatives in k."""
    a, b, rho, m, s = raw
    x = np.asarray(k, dtype=float) - m
    root = np.hypot(x, s)
    return a + b * (rho * x + root), b * (rho + x / root), b * np.square(s) / root**3


def durrleman(k: np.ndarray, w: np.ndarray, slope: np.ndarray, curvature: np.ndarray) -> np.ndarray:
    """Durrleman's g from w and its derivatives; negative where there is butterfly arbitrage, NaN where w <= 0."""
    w = _positive(w)
    return (1 - k * slope / (2 * w)) ** 2 - np.square(slope) * (1 / w + 0.25) / 4 + curvature / 2


def density(k: np.ndarray, w: np.ndarray, slope: np.ndarray, curvature: np.ndarray) -> np.ndarray:
    """Density of ln(S_T / F) at k. In the strike it is density / K."""
    normal = np.exp(-0.5 * _d2(k, w) ** 2) / np.sqrt(2 * np.pi * _positive(w))
    return durrleman(k, w, slope, curvature) * normal


def distribution(k: np.ndarray, w: np.ndarray, slope: np.ndarray) -> np.ndarray:
    """P(ln(S_T / F) < k)."""
    d2 = _d2(k, w)
    return ndtr(-d2) + np.exp(-0.5 * d2**2) / np.sqrt(2 * np.pi) * slope / (2 * np.sqrt(_positive(w)))


def lee_bound_holds(raw: RawSvi) -> np.ndarray:
    """Whether neither wing is steeper than 2: b (1 + |rho|) <= 2."""
    return np.asarray(raw.b) * (1 + np.abs(raw.rho)) <= 2.0


@np.errstate(all="ignore")
def to_jump_wings(raw: RawSvi, years: np.ndarray) -> JumpWings:
    """Raw -> JW (Gatheral and Jacquier 2014)."""
    a, b, rho, m, s = raw
    radius = np.hypot(m, s)
    w = _positive(a + b * (radius - rho * m))
    root = np.sqrt(w)
    lowest = (a + b * s * np.sqrt(1 - np.square(rho))) / years
    return JumpWings(w / years, b / (2 * root) * (rho - m / radius), b * (1 - rho) / root, b * (1 + rho) / root, lowest)


@np.errstate(all="ignore")
def from_jump_wings(jw: JumpWings, years: np.ndarray) -> RawSvi:
    """JW -> raw; NaN where no raw slice has these parameters, or many: psi = 0 puts the minimum at the money.

    With tilt = m / sqrt(m^2 + s^2), w(0) less the lowest w is b sqrt(m^2 + s^2) (1 - cos(angle between the two
    unit vectors of rho and of the tilt)).
    """
    v, psi, p, c, lowest = (np.asarray(values, dtype=float) for values in jw)
    w = _positive(v * years)
    root = np.sqrt(w)
    b = _positive(0.5 * root * (c + p))
    rho = 1.0 - p * root / b
    tilt = rho - 2.0 * psi * root / b
    tilt = np.where(np.abs(tilt) <= 1, tilt, np.nan)
    gap = 2.0 * np.sin(0.5 * (np.arcsin(np.clip(rho, -1, 1)) - np.arcsin(tilt))) ** 2
    radius = (v - lowest) * years / (b * np.where(gap > 0, gap, np.nan))
    s = radius * np.sqrt(1 - tilt**2)
    return RawSvi(lowest * years - b * s * np.sqrt(np.maximum(1 - rho**2, 0.0)), b, rho, radius * tilt, s)


def repair_butterfly(raw: RawSvi, years: np.ndarray) -> RawSvi:
    """The slice of SSVI with the same v, psi and p, so without butterfly arbitrage at ordinary levels.

    Gatheral and Jacquier 2014: c' = p + 2 psi, lowest' = 4 v p c' / (p + c')^2.
    """
    jw = to_jump_wings(raw, years)
    c = jw.p + 2 * jw.psi
    return from_jump_wings(jw._replace(c=c, lowest=jw.v * 4 * jw.p * c / (jw.p + c) ** 2), years)


@np.errstate(all="ignore")
def from_essvi(theta: np.ndarray, rho: np.ndarray, psi: np.ndarray) -> RawSvi:
    """The raw parameters of an eSSVI slice, with psi = theta phi."""
    theta, rho, psi = (np.asarray(values, dtype=float) for values in (theta, rho, psi))
    width = theta / _positive(psi)
    return RawSvi(theta * (1 - rho**2) / 2, psi / 2, rho, -rho * width, np.sqrt(1 - rho**2) * width)


def _d2(k: np.ndarray, w: np.ndarray) -> np.ndarray:
    root = np.sqrt(_positive(w))
    return -k / root - root / 2


def _positive(values: np.ndarray) -> np.ndarray:
    values = np.asarray(values, dtype=float)
    return np.where(values > 0, values, np.nan)
