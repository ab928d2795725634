"""A lognormal mixture as the law of S_T / F: sum of weights w_i of lognormals with means m_i and log-stdevs s_i.

With w >= 0, sum w = 1 and sum w m = 1 it is a density with the forward as its mean: free of butterfly arbitrage by
construction, and price, density, distribution and moments are closed forms (Brigo and Mercurio 2002). Parameter
arrays are (..., c) for c components; log-moneyness arrays (..., n) broadcast against their leading axes.
"""

from __future__ import annotations

import numpy as np
from scipy.special import ndtr

_ROOT_2PI = np.sqrt(2.0 * np.pi)


def otm_price(k: np.ndarray, weights: np.ndarray, means: np.ndarray, stdevs: np.ndarray) -> np.ndarray:
    """Undiscounted out-of-the-money price / forward at log-moneyness k: puts below 0, calls from 0 on."""
    side, strike, d1, s = _terms(k, means, stdevs)
    legs = side * (means[..., None, :] * ndtr(side * d1) - strike * ndtr(side * (d1 - s)))
    return np.einsum("...c,...c->...", legs, np.broadcast_to(weights[..., None, :], legs.shape))


def distribution(k: np.ndarray, weights: np.ndarray, means: np.ndarray, stdevs: np.ndarray) -> np.ndarray:
    """P(ln(S_T / F) < k)."""
    _, _, d1, s = _terms(k, means, stdevs)
    return (ndtr(s - d1) * weights[..., None, :]).sum(axis=-1)


def density(k: np.ndarray, weights: np.ndarray, means: np.ndarray, stdevs: np.ndarray) -> np.ndarray:
    """Density of ln(S_T / F) at k."""
    _, _, d1, s = _terms(k, means, stdevs)
    return (np.exp(-0.5 * (d1 - s) ** 2) * (weights[..., None, :] / (_ROOT_2PI * s))).sum(axis=-1)


def _terms(k: np.ndarray, means: np.ndarray, stdevs: np.ndarray) -> tuple[np.ndarray, ...]:
    k = np.asarray(k, dtype=float)[..., None]
    s = stdevs[..., None, :]
    return np.where(k < 0, -1.0, 1.0), np.exp(k), (np.log(means)[..., None, :] - k) / s + 0.5 * s, s
