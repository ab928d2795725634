"""A smile and its moments from three quotes: at-the-money vol, 25-delta risk reversal and butterfly.

Malz (1997): vol is a parabola in the call's forward delta d = N(d_1),

    sigma(d) = ATM - 2 RR (d - 1/2) + 16 BF (d - 1/2)^2,

which gives back the three quotes at d = 1/4, 1/2 and 3/4, with RR = sigma(25-delta call) - sigma(25-delta put) and
BF their mean less ATM.

Backus, Foresi and Wu (2004): a Gram-Charlier law with skewness g_1 and excess kurtosis g_2 has, to first order, vols
sigma (1 - g_1 d_1 / 3! - g_2 (1 - d_1^2) / 4!). At 25 delta d_1 = -x for the call and x for the put, x = N^-1(3/4) =
0.67449. Their difference is sigma g_1 x / 3, their mean less the vol at d_1 = 0 is sigma g_2 x^2 / 24, so

    g_1 = (3 / x) RR / ATM = 4.4478 RR / ATM,    g_2 = (24 / x^2) BF / ATM = 52.7546 BF / ATM.

An approximation for want of a surface: `moments` is exact. Arguments broadcast; quotes that are no smile give NaN.
"""

from __future__ import annotations

import numpy as np
from scipy.special import ndtr, ndtri

from vol_assets.quant.black import floats

QUARTER = float(ndtri(0.75))
SKEWNESS_FACTOR = 3.0 / QUARTER
KURTOSIS_FACTOR = 24.0 / QUARTER**2
_BISECTIONS = 60
_FAR = 40.0  # |d_1| at which N(d_1) is 0 or 1, and the vol has reached its limit


def vol_at_delta(delta: np.ndarray, atm: np.ndarray, risk_reversal: np.ndarray, butterfly: np.ndarray) -> np.ndarray:
    """Vol at a call's forward delta in [0, 1]; NaN where the parabola is not positive."""
    delta, atm, risk_reversal, butterfly = floats(delta, atm, risk_reversal, butterfly)
    x = delta - 0.5
    sigma = atm - 2.0 * risk_reversal * x + 16.0 * butterfly * x**2
    return np.where(sigma > 0, sigma, np.nan)


@np.errstate(all="ignore")
def k_at_delta(
    delta: np.ndarray, years: np.ndarray, atm: np.ndarray, risk_reversal: np.ndarray, butterfly: np.ndarray
) -> np.ndarray:
    """Log-moneyness of the call with that forward delta."""
    delta, years = floats(delta, years)
    s = vol_at_delta(delta, atm, risk_reversal, butterfly) * np.sqrt(years)
    return 0.5 * s**2 - s * ndtri(delta)


def vol_at_k(
    k: np.ndarray, years: np.ndarray, atm: np.ndarray, risk_reversal: np.ndarray, butterfly: np.ndarray
) -> np.ndarray:
    """Vol at log-moneyness k: the parabola at the delta that this very vol gives the strike.

    The equation d_1(sigma(N(d_1))) = d_1 is bisected in d_1; vols are flat in the limit of deltas 0 and 1. Quotes
    so skewed that one strike has two deltas get one of them.
    """
    k, years, atm, risk_reversal, butterfly = np.broadcast_arrays(*floats(k, years, atm, risk_reversal, butterfly))
    root = np.sqrt(np.where(years > 0, years, np.nan))

    def stdev(d1: np.ndarray) -> np.ndarray:
        return vol_at_delta(ndtr(d1), atm, risk_reversal, butterfly) * root

    low, high = np.full(k.shape, -_FAR), np.full(k.shape, _FAR)
    for _ in range(_BISECTIONS):
        d1 = 0.5 * (low + high)
        s = stdev(d1)
        too_low = 0.5 * s**2 - s * d1 > k  # k falls as d_1 rises
        low, high = np.where(too_low, d1, low), np.where(too_low, high, d1)
    known = _positive_everywhere(atm, risk_reversal, butterfly) & np.isfinite(k)
    return np.where(known, stdev(0.5 * (low + high)) / root, np.nan)


def backus_foresi_wu(
    atm: np.ndarray, risk_reversal: np.ndarray, butterfly: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Skewness and excess kurtosis of the log return to the expiration of the quotes."""
    atm, risk_reversal, butterfly = floats(atm, risk_reversal, butterfly)
    atm = np.where(atm > 0, atm, np.nan)
    return SKEWNESS_FACTOR * risk_reversal / atm, KURTOSIS_FACTOR * butterfly / atm


def _positive_everywhere(atm: np.ndarray, risk_reversal: np.ndarray, butterfly: np.ndarray) -> np.ndarray:
    """Whether the parabola is above 0 at all deltas: at both ends, and at its vertex where that lies between."""
    ends = atm + 4.0 * butterfly > np.abs(risk_reversal)
    vertex_inside = np.abs(risk_reversal) < 8.0 * butterfly
    return ends & (~vertex_inside | (16.0 * butterfly * atm > risk_reversal**2))
