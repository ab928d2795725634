"""A quote next to its neighbours in strike: is its spread theirs, is its vol on the curve that they make.

Vols are compared with the quadratic through the three quotes on either side (six on one side at an end), fitted
without the quote itself by weighted least squares with a mild prior on its curvature, and with the error that this
prediction has by the neighbours' half-spreads. One bad quote bends the curve under its neighbours too: so of those that
are off, the worst of a neighbourhood goes first, the others are judged again without it, and in the end it is by those
that stayed.
"""

from __future__ import annotations

import numpy as np

SIDE = 3  # quotes on either side
FEWEST = 5  # neighbours below which nobody is judged
TOLERANCE = 3.5  # standard errors of quote and prediction, a half-spread being one
ROUNDS = 3
CURVE_ERROR = (0.003, 0.015)  # vol, and share of the vol: standard error of a quadratic in place of a smile
CURVATURE = 0.1  # share of the vol: the curve's usual curvature over a window, without which an end would tell nothing
SPREADS = 9  # quotes whose spreads are compared


def local_spread(group: np.ndarray, strike: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """Median spread of the SPREADS quotes of the group nearest in rank, a quote's own included; arrays (n,)."""
    order = np.lexsort((strike, group))
    first, last = _ends(group[order], group[order])
    at = np.arange(len(order))
    start = np.clip(at - SPREADS // 2, first, np.maximum(last - SPREADS, first))
    window = start[:, None] + np.arange(SPREADS)
    inside = window < last[:, None]
    spreads = np.sort(np.where(inside, spread[order][np.minimum(window, len(order) - 1)], np.inf), axis=1)
    local = np.empty(len(order))
    local[order] = spreads[at, (inside.sum(axis=1) - 1) // 2]
    return local


def outliers(group: np.ndarray, k: np.ndarray, vol: np.ndarray, half_spread: np.ndarray) -> np.ndarray:
    """Which quotes (n,) lie off the curve of their neighbours in the same group; half_spread in vol; all finite."""
    order = np.lexsort((k, group))
    quotes = (group[order], k[order], vol[order], half_spread[order])
    misfit = _misfit(*quotes, np.ones(len(k), dtype=bool), np.ones(len(k), dtype=bool))
    off, gone = misfit > 1.0, np.zeros(len(k), dtype=bool)
    for _ in range(ROUNDS):
        if not off.any():
            break
        gone |= _worst(quotes[0], np.where(off, misfit, 0.0))
        off &= ~gone
        misfit[off] = _misfit(*quotes, off, ~gone)[off]
        off &= misfit > 1.0
    gone |= off
    if gone.any():
        gone &= _misfit(*quotes, gone, ~gone) > 1.0
    found = np.empty(len(k), dtype=bool)
    found[order] = gone
    return found


def _worst(group: np.ndarray, misfit: np.ndarray) -> np.ndarray:
    """Whose positive misfit no other within SIDE quotes of the group exceeds."""
    worst = misfit > 0.0
    for shift in range(1, SIDE + 1):
        same = group[shift:] == group[:-shift]
        worst[shift:] &= ~(same & (misfit[:-shift] > misfit[shift:]))
        worst[:-shift] &= ~(same & (misfit[shift:] > misfit[:-shift]))
    return worst


@np.errstate(all="ignore")
def _misfit(
    group: np.ndarray,
    k: np.ndarray,
    vol: np.ndarray,
    half_spread: np.ndarray,
    judged: np.ndarray,
    judges: np.ndarray,
) -> np.ndarray:
    """How far the `judged` are off the curve of the nearest `judges`, over what is tolerated; 0 where too few judge.

    All arrays (n,), sorted by group and k.
    """
    misfit = np.zeros(len(k))
    who, judge = np.flatnonzero(judged), np.flatnonzero(judges)
    if len(judge) < FEWEST:
        return misfit
    first, last = _ends(group[judge], group[who])
    at = np.searchsorted(judge, who)
    itself = judges[who]  # a judge steps out of its own window
    size = 2 * SIDE + itself
    start = np.clip(at - SIDE, first, np.maximum(last - size, first))
    window = start[:, None] + np.arange(2 * SIDE + 1)
    inside = (window < np.minimum(last, start + size)[:, None]) & ~(itself[:, None] & (window == at[:, None]))
    enough = inside.sum(axis=1) >= FEWEST
    who, window, inside = who[enough], judge[np.minimum(window, len(judge) - 1)][enough], inside[enough]

    x = np.where(inside, k[window] - k[who, None], 0.0)
    x /= np.abs(x).max(axis=1, keepdims=True)
    level = np.where(inside, vol[window], 0.0).sum(axis=1) / inside.sum(axis=1)
    smile = (CURVE_ERROR[0] + CURVE_ERROR[1] * level) ** 2
    weight = np.where(inside, 1.0 / (half_spread[window] ** 2 + smile[:, None]), 0.0)
    # Normal equations of value, slope and curvature at x = 0, of which the first row of the inverse is needed.
    weight_x, square = weight * x, x * x
    s0, s1, s2 = weight.sum(axis=1), weight_x.sum(axis=1), np.einsum("nj,nj->n", weight, square)
    s3 = np.einsum("nj,nj->n", weight_x, square)
    s4 = np.einsum("nj,nj,nj->n", weight, square, square) + (CURVATURE * level) ** -2
    a, b, c = s2 * s4 - s3 * s3, s2 * s3 - s1 * s4, s1 * s3 - s2 * s2
    determinant = s0 * a + s1 * b + s2 * c
    share = weight * (a[:, None] + b[:, None] * x + c[:, None] * square) / determinant[:, None]
    predicted = np.einsum("nj,nj->n", share, vol[window])
    error = np.sqrt(half_spread[who] ** 2 + smile + a / determinant)
    misfit[who] = np.nan_to_num(np.abs(vol[who] - predicted) / (TOLERANCE * error))
    return misfit


def _ends(sorted_groups: np.ndarray, groups: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return np.searchsorted(sorted_groups, groups, "left"), np.searchsorted(sorted_groups, groups, "right")
