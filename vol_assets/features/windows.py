"""Trailing windows with finite memory: the value at a session depends on its own window alone, to the last bit.

pandas' rolling sums carry a running total, so their rounding depends on where the series began and a daily run
would differ from a rebuild in the last digits. Here every window is summed on its own.
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view


def windows(values: np.ndarray, width: int) -> np.ndarray:
    """All trailing windows: shape (n,) -> (n, width), the first width - 1 rows all NaN."""
    padded = np.concatenate([np.full(width - 1, np.nan), np.asarray(values, dtype=float)])
    # A contiguous copy, so that the order of additions in a row cannot depend on how many rows there are.
    return np.ascontiguousarray(sliding_window_view(padded, width))


def total(values: np.ndarray, width: int) -> np.ndarray:
    """Sum of the last `width` values; NaN where any of them is."""
    return windows(values, width).sum(axis=1)


def correlation(x: np.ndarray, y: np.ndarray, width: int) -> np.ndarray:
    """Pearson correlation over the last `width` pairs; NaN where any is missing or one side does not move."""
    x, y = windows(x, width), windows(y, width)
    both_move = (np.ptp(x, axis=1) > 0) & (np.ptp(y, axis=1) > 0)  # the mean of equal numbers may differ from them
    x, y = x - x.mean(axis=1, keepdims=True), y - y.mean(axis=1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = (x * y).sum(axis=1) / np.sqrt((x * x).sum(axis=1) * (y * y).sum(axis=1))
    return np.where(both_move, np.clip(ratio, -1.0, 1.0), np.nan)
