"""Axes in data units: what they span, how values map to shares of their length, and where their labelled ticks are.

A chart passes the function that writes a number, `write(value, decimals)`, such as `words.number`; an axis finds out
how many decimals its ticks need. `shown` is the factor between data and what is written: 100 for decimals in percent.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from vol_assets.gold.pdf import ticks

Write = Callable[[float, int], str]

# Each maps what it can to numbers that are drawn to scale; the rest becomes NaN, which is not drawn.
SCALES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "linear": lambda values: values,
    "sqrt": lambda values: np.sqrt(np.where(values >= 0, values, np.nan)),
}


@dataclass(frozen=True)
class Axis:
    """From `low` (left, bottom) to `high`; `names` are the ticks' labels, `importance` (0 ... 1) which go last."""

    low: float
    high: float
    ticks: tuple[float, ...] = ()
    names: tuple[str, ...] = ()
    label: str = ""
    scale: str = "linear"
    importance: tuple[float, ...] = ()
    grid: bool = True

    def place(self, values: object) -> np.ndarray:
        """Shares of the axis' length, 0 at `low`; NaN for None, NaN and what the scale cannot hold."""
        low, high = self._ends
        return (SCALES[self.scale](numbers(values)) - low) / (high - low)

    @cached_property
    def _ends(self) -> tuple[float, float]:
        low, high = SCALES[self.scale](numbers((self.low, self.high))).tolist()
        return low, high


def numbers(values: object) -> np.ndarray:
    """Values as a float array of one dimension, None as NaN."""
    return np.atleast_1d(np.asarray(values, dtype=float))


def linear(
    values: object,
    write: Write,
    label: str = "",
    *,
    shown: float = 1.0,
    most: int = 5,
    pad: float = 0.07,
    zero: bool = False,
    least: float = 0.0,
    ends: tuple[float, float] | None = None,
    grid: bool = True,
) -> Axis:
    """An axis that holds the values with `pad` of their span on both sides, or exactly `ends`.

    zero: start at 0 where all values are above. least: shortest span, so that noise does not fill the plot.
    """
    low, high = ends or _span(values, pad, zero, least)
    at = ticks.linear(low, high, most)
    decimals = ticks.decimals([tick * shown for tick in at])
    return Axis(low, high, tuple(at), tuple(write(tick * shown, decimals) for tick in at), label, grid=grid)


def days(
    values: object,
    write: Write,
    label: str = "",
    *,
    pad: float = 0.03,
    start: float | None = None,
    at: Sequence[float] | None = None,
) -> Axis:
    """Times on a square-root axis: vol diffuses so, and weeks do not crowd out years.

    start: where it begins, if not a little before the first value; at: ticks, customary maturities unless told.
    """
    known = _known(values)
    known = known[known > 0]
    low, high = (float(known.min()), float(known.max())) if known.size else (1.0, 365.0)
    gap = pad * max(np.sqrt(high) - np.sqrt(low), 0.3 * np.sqrt(high))
    ends = max(np.sqrt(low) - gap, 0.0) ** 2 if start is None else start, (np.sqrt(high) + gap) ** 2
    if at is None:
        at = ticks.days(0.97 * low, 1.03 * high) if high > low else [low]
    names = tuple(write(tick, ticks.decimals([round(tick, 1)])) for tick in at)
    importance = tuple(map(ticks.day_importance, at))
    return Axis(*map(float, ends), tuple(map(float, at)), names, label, "sqrt", importance, grid=False)


def categories(names: Sequence[str], label: str = "", *, downwards: bool = False) -> Axis:
    """Named places: the i-th is at i, from -.5 to n - .5; downwards: the first is on top of a vertical axis."""
    count = len(names)
    ends = (count - 0.5, -0.5) if downwards else (-0.5, count - 0.5)
    return Axis(*ends, tuple(map(float, range(count))), tuple(names), label, grid=False)


def dates(first: dt.date, last: dt.date, write: Callable[[dt.date], str], most: int) -> Axis:
    """Dates as their ordinals, ticks on firsts of months or years, `most` at most."""
    at = ticks.dates(first, last, most)
    ends = (first.toordinal(), max(last.toordinal(), first.toordinal() + 1))
    return Axis(*map(float, ends), tuple(float(day.toordinal()) for day in at), tuple(map(write, at)), grid=False)


def bare(low: float, high: float) -> Axis:
    """An axis without ticks."""
    return Axis(low, high, grid=False)


def _known(values: object) -> np.ndarray:
    values = numbers(values)
    return values[np.isfinite(values)]


def _span(values: object, pad: float, zero: bool, least: float) -> tuple[float, float]:
    known = _known(values)
    if not known.size:
        return 0.0, 1.0
    low, high = float(known.min()), float(known.max())
    if zero and low >= 0:
        return 0.0, max(high * (1 + pad), least) or 1.0
    short = max(least, 0.02 * abs(high)) or 1.0
    if high - low < short:
        middle = 0.5 * (low + high)
        low, high = middle - 0.5 * short, middle + 0.5 * short
    gap = pad * (high - low)
    return low - gap, high + gap
