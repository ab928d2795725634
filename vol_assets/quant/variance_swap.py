"""The fair strike of a variance swap: the variance a year that a strip of options, held to expiration, pays for.

-2 ln(S_T / F) / T is what the strip has to pay. With finitely many strikes Demeterfi, Derman, Kamal and Zou (1999)
replace the payoff by the polygon through them, which lies above it, so their strike is a little too high; with
a smile for all strikes the value is an integral over the smile itself (Chriss and Morokoff 1999):

    K_var T = integral of w(k) n(d_2) d(-d_2),    d_2 = -k / sqrt(w) - sqrt(w) / 2,

which has no kink, and no option needs pricing. It equals `Moments.model_free_variance` / T.
"""

from __future__ import annotations

import numpy as np

from vol_assets.quant.black import floats


def from_strikes(
    strike: np.ndarray, put: np.ndarray, call: np.ndarray, *, forward: float, boundary: float, years: float
) -> float:
    """Fair variance by piecewise linear replication, from undiscounted prices (n,) at increasing strikes.

    Puts are held up to `boundary`, one of the strikes, and calls from it on; the rest of the prices may be NaN. The
    polygon goes on for one more step beyond either end, as in the source. NaN where a price is missing.
    """
    strike, put, call = floats(strike, put, call)
    if len(strike) < 2 or boundary not in strike or not (strike[0] > 0 and forward > 0 and years > 0):
        return np.nan
    nodes = np.concatenate([[2 * strike[0] - strike[1]], strike, [2 * strike[-1] - strike[-2]]])
    nodes[0] = max(nodes[0], 0.5 * strike[0])  # never to zero, where the payoff is infinite
    relative = nodes / boundary
    payoff = 2.0 * (relative - 1.0 - np.log(relative))  # what calls and puts replicate: zero and flat at the boundary
    slope = np.diff(payoff) / np.diff(nodes)
    puts = np.where(strike <= boundary, np.where(strike < boundary, np.diff(slope), -slope[:-1]), 0.0)
    calls = np.where(strike >= boundary, np.where(strike > boundary, np.diff(slope), slope[1:]), 0.0)
    portfolio = puts @ np.where(strike <= boundary, put, 0.0) + calls @ np.where(strike >= boundary, call, 0.0)
    at_forward = 2.0 * (np.log(forward / boundary) - (forward / boundary - 1.0))
    return float((at_forward + portfolio) / years)


def from_smile(k: np.ndarray, w: np.ndarray, slope: np.ndarray, years: np.ndarray) -> np.ndarray:
    """Fair variance from total variance w and its slope dw/dk on a grid k, all (..., n); years (...,).

    By the trapezoid rule: very exact on a uniform grid that reaches where n(d_2) vanishes.
    """
    k, w, slope, years = floats(k, w, slope, years)
    root = np.sqrt(np.where(w > 0, w, np.nan))
    d2 = -k / root - root / 2
    minus_d2_slope = (1 - k * slope / (2 * root**2)) / root + slope / (4 * root)
    normal = np.exp(-0.5 * d2**2) / np.sqrt(2 * np.pi)
    return np.trapezoid(w * normal * minus_d2_slope, k, axis=-1) / years
