"""Stochastic-volatility-inspired slices, and what any total variance w(k) says of arbitrage and density.

Raw SVI is w(k) = a + b (rho (k - m) + sqrt((k - m)^2 + s^2)) (Gatheral 2004). For any twice differentiable w, with
d_2 = -k / sqrt(w) - sqrt(w) / 2, the law of ln(S_T / F) has (Gatheral and Jacquier 2014)

    g = (1 - k w' / (2 w))^2 - w'^2 (1/w + 1/4) / 4 + w'' / 2,
    density g exp(-d_2^2 / 2) / sqrt(2 pi w),    distribution N(-d_2) + n(d_2) w' / (2 sqrt(w)),

so that a slice is free of butterfly arbitrage where Durrleman's g >= 0. Wings may not grow faster than 2 |k| (Lee
2004). The surface is not made of SVI: raw slices are fitted to its quotes beside it, for reference, and reported by
their jump-wings (JW) parameters, the readable form.

Parameters are scalars or arrays of one shape; give them a trailing axis of length 1 to go with k (n,).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.special import expit, logit, ndtr

from vol_assets.quant import least_squares
from vol_assets.quant.black import floats

STEEPEST = 2.0  # wing of a total variance (Lee 2004)
RIDGE = 1e-4  # weight of the distance from the start: few quotes do not tell five parameters
RHO_LIMIT, STEEPNESS_LIMIT = 0.9999, 0.9999  # of a start: within the range of what is fitted
LONGEST_STEP, STEPS = 2.0, 30  # of the fit: in a parameter at once, and how many


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
    k, a, b, rho, m, s = floats(k, *raw)
    x = k - m
    root = np.hypot(x, s)
    return a + b * (rho * x + root), b * (rho + x / root), b * np.square(s) / root**3


def durrleman(k: np.ndarray, w: np.ndarray, slope: np.ndarray, curvature: np.ndarray) -> np.ndarray:
    """Durrleman's g from w and its derivatives; negative where there is butterfly arbitrage, NaN where w <= 0."""
    k, slope, curvature = floats(k, slope, curvature)
    w = _positive(w)
    return (1 - k * slope / (2 * w)) ** 2 - np.square(slope) * (1 / w + 0.25) / 4 + curvature / 2


def density(k: np.ndarray, w: np.ndarray, slope: np.ndarray, curvature: np.ndarray) -> np.ndarray:
    """Density of ln(S_T / F) at k. In the strike it is density / K."""
    normal = np.exp(-0.5 * _d2(k, w) ** 2) / np.sqrt(2 * np.pi * _positive(w))
    return durrleman(k, w, slope, curvature) * normal


def distribution(k: np.ndarray, w: np.ndarray, slope: np.ndarray) -> np.ndarray:
    """P(ln(S_T / F) < k)."""
    (slope,) = floats(slope)
    d2 = _d2(k, w)
    return ndtr(-d2) + np.exp(-0.5 * d2**2) / np.sqrt(2 * np.pi) * slope / (2 * np.sqrt(_positive(w)))


def lee_bound_holds(raw: RawSvi) -> np.ndarray:
    """Whether neither wing is steeper than 2: b (1 + |rho|) <= 2."""
    b, rho = floats(raw.b, raw.rho)
    return b * (1 + np.abs(rho)) <= STEEPEST


@np.errstate(all="ignore")
def to_jump_wings(raw: RawSvi, years: np.ndarray) -> JumpWings:
    """Raw -> JW (Gatheral and Jacquier 2014)."""
    a, b, rho, m, s, years = floats(*raw, years)
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
    v, psi, p, c, lowest, years = floats(*jw, years)
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
    theta, rho, psi = floats(theta, rho, psi)
    width = theta / _positive(psi)
    return RawSvi(theta * (1 - rho**2) / 2, psi / 2, rho, -rho * width, np.sqrt(1 - rho**2) * width)


@np.errstate(all="ignore")
def fit(k: np.ndarray, stdev: np.ndarray, weight: np.ndarray, start: RawSvi) -> RawSvi:
    """Raw slices through total stdevs by least squares: all (B, n), padded with weight 0; start and result (B,).

    Never further from the quotes than its start, above 0 and within Lee's bound: fitted are arctanh rho, the logit of
    b (1 + |rho|) / 2, the log of the lowest w, m and ln s, with a Jacobian in closed form. Butterfly arbitrage is
    possible. A start that is no such slice is returned as it is.
    """
    k, stdev, weight, *begun = floats(k, stdev, weight, *start)
    scale = np.sqrt(_positive(total_variance(0.0, start)[0]))  # of m, in stdevs
    origin = _to_free(RawSvi(*begun), scale)

    def residuals(x: np.ndarray, which: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        _, b, rho, m, s = (values[:, None] for values in _from_free(x, scale[which]))
        lean = np.sqrt(1 - rho**2)
        moved = k[which] - m
        root = np.hypot(moved, s)
        above = rho * moved + root - lean * s  # (w - lowest) / b
        lowest = np.exp(x[:, 2:3])
        fitted = np.sqrt(lowest + b * above)
        by_rho = b * (moved + s * rho / lean - np.sign(rho) * above / (1 + np.abs(rho)))
        slopes = [
            by_rho * lean**2,
            b * above * expit(-x[:, 1:2]),
            np.broadcast_to(lowest, k[which].shape),
            -b * (rho + moved / root) * scale[which, None],
            b * (s / root - lean) * s,
        ]
        r = np.hstack([(fitted - stdev[which]) * weight[which], RIDGE * (x - origin[which])])
        jacobian = np.stack(slopes, axis=1) * (0.5 * weight[which] / fitted)[:, None]
        return r, np.concatenate([jacobian, np.broadcast_to(RIDGE * np.eye(5), (len(x), 5, 5))], axis=2)

    x, cost = least_squares.solve(residuals, origin, iterations=STEPS, longest_step=LONGEST_STEP)
    return RawSvi(*(np.where(np.isfinite(cost), *pair) for pair in zip(_from_free(x, scale), begun)))


def _to_free(raw: RawSvi, scale: np.ndarray) -> np.ndarray:
    """(B,) parameters -> (B, 5) unconstrained."""
    a, b, rho, m, s = raw
    steepness = np.minimum(b * (1 + np.abs(rho)) / STEEPEST, STEEPNESS_LIMIT)
    lowest = _positive(a + b * s * np.sqrt(1 - rho**2))
    rho = np.clip(rho, -RHO_LIMIT, RHO_LIMIT)
    return np.stack([np.arctanh(rho), logit(steepness), np.log(lowest), m / scale, np.log(s)], axis=1)


def _from_free(x: np.ndarray, scale: np.ndarray) -> RawSvi:
    rho = np.tanh(x[:, 0])
    b = STEEPEST * expit(x[:, 1]) / (1 + np.abs(rho))
    s = np.exp(x[:, 4])
    return RawSvi(np.exp(x[:, 2]) - b * s * np.sqrt(1 - rho**2), b, rho, scale * x[:, 3], s)


def _d2(k: np.ndarray, w: np.ndarray) -> np.ndarray:
    (k,) = floats(k)
    root = np.sqrt(_positive(w))
    return -k / root - root / 2


def _positive(values: np.ndarray) -> np.ndarray:
    values = np.asarray(values, dtype=float)
    return np.where(values > 0, values, np.nan)
