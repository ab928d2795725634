"""Cells of files people saved: rows of a CSV with their lines, days, numbers and what counts as empty."""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import numpy as np
import pandas as pd

from vol_assets import clock
from vol_assets.errors import SourceError

EMPTY = ("", "nan", "null", "none", "na", "n/a", "<na>")


def csv_rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """The rows of a CSV that hold anything, the header first, each with its line; a SourceError names what is wrong."""
    reader, empty = None, True
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(_sound(path, file), strict=True, skipinitialspace=True)
            for row in reader:
                if any(map(str.strip, row)):
                    empty = False
                    yield reader.line_num, row
    except UnicodeDecodeError as error:
        raise SourceError(f"{path} is not UTF-8 text ({error}); save it as comma-separated UTF-8") from error
    except csv.Error as error:
        raise SourceError(f"{path} line {reader.line_num} is not CSV ({error}); mend or remove the file") from error
    except OSError as error:
        raise SourceError(f"{path} cannot be read ({error}); check its permissions") from error
    if empty:
        raise SourceError(f"{path} is empty; fill it or remove it")


def _sound(path: Path, file: TextIO) -> Iterator[str]:
    for number, line in enumerate(file, start=1):
        if "\0" in line:  # the tail of a file whose machine went down; a number would silently end there
            raise SourceError(f"{path} line {number} holds null bytes; save the file again or remove it")
        yield line


def version(path: Path) -> tuple[int, int]:
    """What changes with a file's content: time of modification and size."""
    stat = path.stat()
    return stat.st_mtime_ns, stat.st_size


def day_of(cell: object) -> dt.date:
    """The day a cell means; a ValueError when it means none.

    A time of day is dropped; with an offset, the New York day of that instant counts, except at midnight, which is a
    day's label whatever its zone.
    """
    if not isinstance(cell, dt.date):
        text = str(cell).strip()
        if len(text) == len("2019-01-02"):
            return dt.date.fromisoformat(text)
        cell = dt.datetime.fromisoformat(text)
    if cell is pd.NaT:
        raise ValueError("no date")
    if not isinstance(cell, dt.datetime):
        return cell
    if cell.tzinfo is None or cell.time() == dt.time.min:
        return cell.date()
    return cell.astimezone(clock.NEW_YORK).date()


def numbers_of(cells: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """The cells as float64, and which of them are neither a finite number nor empty."""
    values = pd.to_numeric(cells, errors="coerce").to_numpy(dtype="float64", na_value=np.nan)
    wrong = ~np.isfinite(values)
    wrong[wrong] = [not is_empty(cell) for cell in cells[wrong]]
    return values, wrong


def is_empty(cell: object) -> bool:
    """Whether nothing stands in the cell, in any of the ways that is written."""
    return str(cell).strip().lower() in EMPTY
