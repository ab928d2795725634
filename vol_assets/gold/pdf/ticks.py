"""Where an axis has its ticks: round numbers, round times, and no more of them than there is room for."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator

DAYS = (1, 2, 3, 5, 7, 14, 21, 30, 61, 91, 122, 182, 273, 365, 547, 730, 1095)
FIRST_DAYS = (30, 91, 182, 365, 7, 730, 14, 61)  # the last to be left out where there is little room
LONGEST_OVER_SHORTEST = 120  # below that share of the longest, days are too close together for names
STEPS = (1.0, 2.0, 2.5, 5.0)  # times powers of ten


def linear(low: float, high: float, most: int) -> list[float]:
    """Multiples of a round step in low ... high (above low), `most` at most, as many as may be."""
    for step in _steps((high - low) / most):
        first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
        if last - first < most:
            return [round(number * step, 12) for number in range(first, last + 1)]


def decimals(values: list[float]) -> int:
    """Decimals that tell neighbouring ticks apart, and write each of them exactly, 6 at most."""
    return next((n for n in range(6) if all(abs(round(v, n) - v) < 1e-9 * max(1.0, abs(v)) for v in values)), 6)


def days(low: float, high: float) -> list[float]:
    """Customary maturities in low ... high, in calendar days; the ends where there is none."""
    least = max(low, high / LONGEST_OVER_SHORTEST)
    return [float(day) for day in DAYS if least <= day <= high] or sorted({low, high})


def day_importance(day: float) -> float:
    """0 ... 1: which of the customary maturities goes last where not all have room."""
    return 1.0 - FIRST_DAYS.index(int(day)) / 10 if day in FIRST_DAYS else 0.0


def dates(first: dt.date, last: dt.date, most: int) -> list[dt.date]:
    """Firsts of years or months in first ... last, at equal steps, `most` at most; the ends where there is none."""
    firsts = (_firsts(first, last, months) for months in (1, 2, 3, 6, 12, 24, 60, 120))
    return next(found for found in firsts if len(found) <= most) or sorted({first, last})


def _firsts(first: dt.date, last: dt.date, months: int) -> list[dt.date]:
    numbers = range(12 * first.year, 12 * last.year + 12)
    found = [dt.date(number // 12, number % 12 + 1, 1) for number in numbers if number % months == 0]
    return [day for day in found if first <= day <= last]


def _steps(least: float) -> Iterator[float]:
    """Round numbers from `least` on, ascending."""
    power = math.floor(math.log10(least))
    while True:
        yield from (step * 10.0**power for step in STEPS if step * 10.0**power >= least * (1 - 1e-9))
        power += 1
