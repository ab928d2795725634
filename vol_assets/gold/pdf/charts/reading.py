"""What several charts read off the `analysis` block."""

from __future__ import annotations

from typing import Any

import numpy as np


def column(rows: list[dict[str, Any]], name: str) -> list[Any]:
    """One field of every row."""
    return [row[name] for row in rows]


def nearest(rows: list[dict[str, Any]], days: float) -> dict[str, Any]:
    """The row nearest in days; the earlier of two."""
    return min(rows, key=lambda row: abs(row["days"] - days))


def at(rows: list[dict[str, Any]], days: float, name: str) -> float | None:
    """A field between rows that ascend in days, linear in the root of time; None outside them."""
    known = [(row["days"], row[name]) for row in rows if row[name] is not None]
    if not known or not known[0][0] <= days <= known[-1][0]:
        return None
    times, values = zip(*known)
    return float(np.interp(np.sqrt(days), np.sqrt(times), values))
