"""The zero rate of each quote of a chain: the last curve quoted, up to five sessions old, and where it came from.

    VOL_ASSETS_FILES/rates.csv        date,tenor_days,bank_discount_percent  (or rate_percent, continuously compounded)

A day may have any number of tenors. Between tenors the rate is a straight line, beyond them flat. The first of these
that has a curve for the session is taken whole: rates.csv, the 13-week bill (IRX), the setting VOL_ASSETS_RATE.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd

from vol_assets import clock
from vol_assets.errors import SourceError
from vol_assets.quant.rates import BILL_DAYS, bank_discount_to_rate, zero_rate
from vol_assets.sources.cells import csv_rows, day_of, is_empty, version

MAX_AGE = 5  # sessions; a bill's rate moves less in a week than its distance from the financing rate of options
LARGEST_PERCENT = 30.0  # what is beyond is no rate in percent
VALUES = ("bank_discount_percent", "rate_percent")


@dataclass(frozen=True)
class Curves:
    """Zero rates by day from one place: curves[day] is (ascending tenors in days, rates as decimals a year)."""

    source: str
    curves: dict[dt.date, tuple[np.ndarray, np.ndarray]]

    def on(self, session: dt.date) -> tuple[np.ndarray, np.ndarray, int] | None:
        """The last curve not after the session, with its age in sessions; None where that is more than MAX_AGE."""
        # The longest time over which MAX_AGE sessions can stretch is far below these days.
        for back in range(4 * MAX_AGE):
            day = session - dt.timedelta(days=back)
            if day in self.curves:
                age = len(clock.sessions(day, session)) - clock.is_session(day)
                return (*self.curves[day], age) if age <= MAX_AGE else None
        return None


def bill(days: Sequence[dt.date], percent: Sequence[float]) -> Curves:
    """Curves of one tenor from the 13-week bill's bank discount in percent (IRX)."""
    rates = bank_discount_to_rate(np.asarray(percent, dtype=float), BILL_DAYS)
    tenor = np.array([float(BILL_DAYS)])
    return Curves(
        "IRX",
        {day: (tenor, np.array([rate])) for day, rate in zip(days, rates, strict=True) if np.isfinite(rate)},
    )


def columns(
    expirations: pd.Series, session: dt.date, sources: Sequence[Curves], setting: float | None
) -> dict[str, object]:
    """rate, rate_tenor_days, rate_age_sessions and rate_source for quotes that expire on `expirations`."""
    for source in sources:
        found = source.on(session)
        if found is not None:
            tenors, rates, age = found
            days = (expirations - pd.Timestamp(session)).dt.days
            return {
                "rate": zero_rate(tenors, rates, days.to_numpy(dtype=float)),
                "rate_tenor_days": tenors[-1],
                "rate_age_sessions": float(age),
                "rate_source": source.source,
            }
    return {
        "rate": np.nan if setting is None else setting,
        "rate_tenor_days": np.nan,
        "rate_age_sessions": np.nan,
        "rate_source": "" if setting is None else "setting",
    }


def read(path: Path) -> Curves:
    """The curves of a rates.csv; a SourceError names the line that cannot be read."""
    return _read(path, version(path))


@lru_cache(maxsize=8)  # asked for again with every few sessions of a long range
def _read(path: Path, _version: tuple[int, int]) -> Curves:
    rows = csv_rows(path)
    _, header = next(rows)
    names = [name.strip().lower() for name in header]
    values = [name for name in names if name in VALUES]
    if not {"date", "tenor_days"} <= set(names) or len(values) != 1:
        raise SourceError(
            f"{path} must have the columns date, tenor_days and either {VALUES[0]} or {VALUES[1]}; "
            f"it has {', '.join(header)}"
        )
    (value,) = values
    points: dict[dt.date, dict[float, tuple[float, int]]] = {}
    for line, row in rows:
        where = f"{path} line {line}"
        if len(row) != len(header):
            raise SourceError(f"{where} has {len(row)} cells where the header has {len(header)}; mend it")
        cells = dict(zip(names, row, strict=True))
        if is_empty(cells[value]):
            continue  # a holiday of the bond market
        day, tenor, percent = _day(where, cells), _number(where, cells, "tenor_days"), _number(where, cells, value)
        rate = float(bank_discount_to_rate(percent, tenor)) if value == VALUES[0] else percent / 100.0
        if tenor <= 0.0 or abs(percent) > LARGEST_PERCENT or not math.isfinite(rate):
            raise SourceError(f"{where}: {value} = {percent:g} over {tenor:g} days is no rate in percent; mend it")
        before, before_line = points.setdefault(day, {}).setdefault(tenor, (rate, line))
        if before != rate:
            raise SourceError(
                f"{path} lines {before_line} and {line} give different rates for {day} and {tenor:g} days; keep one"
            )
    return Curves(path.name, {day: _curve(tenors) for day, tenors in points.items()})


def _curve(points: dict[float, tuple[float, int]]) -> tuple[np.ndarray, np.ndarray]:
    tenors = sorted(points)
    return np.array(tenors), np.array([points[tenor][0] for tenor in tenors])


def _day(where: str, cells: dict[str, str]) -> dt.date:
    try:
        return day_of(cells["date"])
    except ValueError:
        raise SourceError(f"{where}: date = {cells['date']!r} is no date; write it as YYYY-MM-DD") from None


def _number(where: str, cells: dict[str, str], name: str) -> float:
    try:
        number = float(cells[name])
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise SourceError(f"{where}: {name} = {cells[name]!r} is no number; mend it")
    return number
