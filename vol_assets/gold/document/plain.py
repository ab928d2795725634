"""Dataclasses as plain data: what `json` knows, in the order of the fields, the same for equal objects.

Dates and instants become ISO text (instants in UTC, with Z), numpy's scalars Python's, tuples lists. A number that is
not finite is unknown, which is None here as everywhere in a report.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import math
from typing import Any

import numpy as np

from vol_assets.errors import ReportError


def plain(value: Any) -> Any:
    """Any part of a report as dicts, lists, text, numbers, booleans and None; a ReportError for what cannot be."""
    if isinstance(value, np.number | np.bool_):
        value = value.item()
    if value is None or isinstance(value, str | int):  # a bool is an int
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if dataclasses.is_dataclass(value):
        return {key_of(each.name): plain(getattr(value, each.name)) for each in dataclasses.fields(value)}
    if isinstance(value, tuple | list):
        return [plain(each) for each in value]
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, dt.datetime):
        return _instant(value)
    if isinstance(value, dt.date):
        return value.isoformat()
    raise ReportError(f"a report holds numbers, text, dates and dataclasses; {value!r} is a {type(value).__name__}")


def key_of(name: str) -> str:
    """The key of a field: its name, less the underscore that keeps it from being a word of Python."""
    return name.removesuffix("_")


def _instant(value: dt.datetime) -> str:
    if value.tzinfo is None:
        raise ReportError(f"an instant has a time zone; {value!r} has none (a session is a date)")
    return value.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")
