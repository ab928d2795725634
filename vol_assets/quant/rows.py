"""Robust statistics of many short rows at once: tables (n, m) whose rows are filled up with NaN.

A chain has some dozen expirations of unequal numbers of strikes; one numpy call serves them all.
"""

from __future__ import annotations

import numpy as np

BISQUARE = 4.685  # 95 % as efficient as the mean under normal errors (Beaton and Tukey 1974)
ROUNDS = 3


def table(row: np.ndarray, column: np.ndarray, width: int, count: int, values: np.ndarray) -> np.ndarray:
    """Values (p,) into a (count, width) table at their row and column; what lies beyond the width is left out."""
    filled = np.full((count, width), np.nan)
    fits = column < width
    filled[row[fits], column[fits]] = values[fits]
    return filled


def rank(group: np.ndarray, value: np.ndarray) -> np.ndarray:
    """Rank of each value (p,) within its group, from 0; NaN last."""
    order = np.lexsort((value, group))
    ordered = group[order]
    ranks = np.empty(len(group), dtype=np.intp)
    ranks[order] = np.arange(len(group)) - np.searchsorted(ordered, ordered)
    return ranks


def median(values: np.ndarray) -> np.ndarray:
    """Median of each row (n,) without what is not finite; NaN of an empty row, of which numpy's own would warn."""
    count = np.isfinite(values).sum(axis=1)
    ordered = np.sort(np.where(np.isfinite(values), values, np.inf), axis=1)
    rows = np.arange(len(values))
    low, high = ordered[rows, np.maximum(count - 1, 0) // 2], ordered[rows, count // 2 * (count > 0)]
    return np.where(count > 0, 0.5 * (low + high), np.nan)


@np.errstate(all="ignore")
def location(values: np.ndarray, weight: np.ndarray, least_scale: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Bisquare mean of each row (n,), started at the median, and the weights (n, m) it came to, 0 for bad values.

    weight: (n, m), of good values; least_scale: (n,) error below which values are never told apart.
    """
    weight = np.where(np.isfinite(values), weight, 0.0)
    centre, values = median(values), np.nan_to_num(values)
    for _ in range(ROUNDS):
        off = np.abs(values - centre[:, None])
        scale = np.maximum(1.4826 * median(np.where(weight > 0, off, np.nan)), least_scale)
        robust = weight * np.clip(1.0 - (off / (BISQUARE * scale[:, None])) ** 2, 0.0, 1.0) ** 2
        centre = (robust * values).sum(axis=1) / robust.sum(axis=1)
    return centre, robust


@np.errstate(all="ignore")
def line(x: np.ndarray, y: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Weighted line through each row: its value at x = 0, its slope, the slope's standard error; (n,) each."""
    use = np.isfinite(x + y) & (weight > 0)
    x, y, weight = (np.where(use, values, 0.0) for values in (x, y, weight))
    total = weight.sum(axis=1)
    mean_x, mean_y = (weight * x).sum(axis=1) / total, (weight * y).sum(axis=1) / total
    from_mean = np.where(use, x - mean_x[:, None], 0.0)
    spread = (weight * from_mean**2).sum(axis=1)
    slope = (weight * from_mean * y).sum(axis=1) / spread
    off = np.where(use, y - mean_y[:, None], 0.0) - slope[:, None] * from_mean
    error = np.sqrt((weight * off**2).sum(axis=1) / (use.sum(axis=1) - 2) / spread)
    return mean_y - slope * mean_x, slope, error
