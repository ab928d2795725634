"""What several charts and tables read off the `analysis` block."""

from __future__ import annotations

from typing import Any

import numpy as np


def column(rows: list[dict[str, Any]], name: str) -> list[Any]:
    """One field of every row."""
    return [row[name] for row in rows]


def nearest(rows: list[dict[str, Any]], days: float) -> dict[str, Any] | None:
    """The row nearest in days, the earlier of two; None of none."""
    return min(rows, key=lambda row: abs(row["days"] - days), default=None)


def within_a_year(horizons: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The horizons to 365 days; all where there is none."""
    return [horizon for horizon in horizons if horizon["days"] <= 365.5] or horizons


def is_beyond(horizon: dict[str, Any], *prices: float) -> bool:
    """Whether a price lies outside the strikes quoted around a horizon, where a law is an extrapolation."""
    return min(prices) < horizon["lowest_quoted"] or max(prices) > horizon["highest_quoted"]


def at(rows: list[dict[str, Any]], days: float, name: str) -> float | None:
    """A field between rows that ascend in days, linear in the root of time; None outside them."""
    known = [(row["days"], row[name]) for row in rows if row[name] is not None]
    if not known or not known[0][0] <= days <= known[-1][0]:
        return None
    times, values = zip(*known)
    return float(np.interp(np.sqrt(days), np.sqrt(times), values))
