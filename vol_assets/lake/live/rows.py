"""Frames to the rows of a statement and back: types, time zones, nulls, and what a table refuses.

A frame is judged whole before anything of it is sent, alike for every database (PostgreSQL would keep a NaN that SQLite
makes a null). Then it is translated a column at a time: value by value, as SQLAlchemy's types do it, takes longer than
the database. SQLite has neither instants nor dates and holds them as microseconds since 1970 and as ISO text.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from vol_assets.errors import StoreError
from vol_assets.lake.live.tables import DATE, INSTANT, INTEGER, NUMBER, TEXT, TRUTH, Table

SQLITE = "sqlite"
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MICROSECOND = dt.timedelta(microseconds=1)


def rows(
    table: Table, frame: pd.DataFrame, columns: Sequence[str], key: Sequence[str], dialect: str
) -> list[tuple[Any, ...]]:
    """The frame's rows as the database of `dialect` holds them, in the order of `key`; of rows with one key the last.

    A StoreError names a column that lacks or is not the table's, a wrong type, and the first row with a wrong value.
    """
    _require_columns(table, frame, columns)
    for name in columns:
        _require_values(table, name, frame)
    if table.any_of and set(table.any_of) <= set(columns):
        _refuse(table, frame, frame[list(table.any_of)].isna().all(axis=1), f"has no {' and no '.join(table.any_of)}")
    held = {name: _HELD[table.dtypes[name]](table, frame[name], dialect) for name in columns}
    by_key = dict(zip(zip(*(held[name] for name in key)), zip(*held.values())))
    # Writers that take rows in one order wait for each other, where otherwise they might do so in a circle.
    return [by_key[place] for place in sorted(by_key)]


def frame(table: Table, columns: Sequence[str], found: Sequence[Sequence[Any]], dialect: str) -> pd.DataFrame:
    """Rows as a database gives them, as a frame: instants as datetime64[us, UTC], dates as datetime64[ns]."""
    values = list(zip(*found)) if found else [()] * len(columns)
    return pd.DataFrame({name: _series(table.dtypes[name], value, dialect) for name, value in zip(columns, values)})


def held_value(dtype: str, value: Any, dialect: str) -> Any:
    """One value as the database holds it; a StoreError for an instant without a time zone."""
    if dtype == INSTANT:
        if not isinstance(value, dt.datetime) or value.tzinfo is None:
            raise StoreError(f"the live store's instants have a time zone, {value!r} has none; give it in UTC")
        value = value.astimezone(dt.UTC)
        return (value - _EPOCH) // _MICROSECOND if dialect == SQLITE else value
    if dtype == DATE:
        day = pd.Timestamp(value).date()
        return day.isoformat() if dialect == SQLITE else day
    return value


def instant(value: Any, dialect: str) -> dt.datetime | None:
    """An instant as the database holds it, in UTC; None for a null."""
    return _EPOCH + value * _MICROSECOND if dialect == SQLITE and value is not None else value


# ---------------------------------------------------------------------- judging


def _require_columns(table: Table, frame: pd.DataFrame, columns: Sequence[str]) -> None:
    absent = [name for name in columns if name not in frame]
    unknown = [str(name) for name in frame if name not in columns]
    if absent or unknown:
        told = [f"lacks {', '.join(absent)}"] * bool(absent) + [f"has {', '.join(unknown)} besides"] * bool(unknown)
        raise StoreError(f"{table.name} takes the columns {', '.join(columns)}; the frame {' and '.join(told)}")


def _require_values(table: Table, name: str, frame: pd.DataFrame) -> None:
    null = frame[name].isna()
    if name not in table.nullable or name == table.outcome:
        _refuse(table, frame, null, f"has no {name}")
    if table.dtypes[name] == NUMBER:
        values = _numbers(table, frame[name])
        _refuse(table, frame, np.isinf(values), f"has an infinite {name}")
        if name in table.positive:
            _refuse(table, frame, values <= 0, f"has a {name} that is not above 0; null says that there is none")
    if name in table.allowed:
        words = table.allowed[name]
        _refuse(table, frame, ~null & ~frame[name].isin(words), f"has a {name} that is none of {', '.join(words)}")


def _refuse(table: Table, frame: pd.DataFrame, wrong: pd.Series | np.ndarray, what: str) -> None:
    places = np.flatnonzero(wrong)
    if len(places):
        row = frame.iloc[places[0]]
        names = dict.fromkeys((*table.key, "expiration", "strike", "right"))
        described = ", ".join(f"{name} {row[name]}" for name in names if name in row)
        others = f" ({len(places)} rows)" if len(places) > 1 else ""
        raise StoreError(f"{table.name}: a row {what}{others}; nothing was stored. The row: {described}")


# ---------------------------------------------------------------------- to the database


def _numbers(table: Table, values: pd.Series) -> np.ndarray:
    if values.dtype == np.float64:
        return values.to_numpy()
    if not (pd.api.types.is_numeric_dtype(values) or _all(values, (int, float, np.number))):
        raise _wrong_type(table, values, "numbers")
    return values.to_numpy(dtype=np.float64, na_value=np.nan)


def _held_numbers(table: Table, values: pd.Series, dialect: str) -> list[float | None]:
    numbers = _numbers(table, values)
    null = np.isnan(numbers)
    return np.where(null, None, numbers).tolist() if null.any() else numbers.tolist()


def _held_integers(table: Table, values: pd.Series, dialect: str) -> list[int]:
    numbers = values.to_numpy() if values.dtype == np.int64 else _numbers(table, values)
    if not (numbers == np.floor(numbers)).all():
        raise _wrong_type(table, values, "whole numbers")
    return numbers.astype(np.int64).tolist()


def _held_instants(table: Table, values: pd.Series, dialect: str) -> list[dt.datetime] | list[int]:
    if not isinstance(values.dtype, pd.DatetimeTZDtype):
        if not _all(values, dt.datetime, lambda value: value.tzinfo):
            raise _wrong_type(table, values, "instants with a time zone")
        values = pd.to_datetime(values, utc=True)
    stamps = pd.DatetimeIndex(values).tz_convert("UTC").as_unit("us")
    return stamps.asi8.tolist() if dialect == SQLITE else stamps.to_pydatetime().tolist()


def _held_dates(table: Table, values: pd.Series, dialect: str) -> list[dt.date] | list[str]:
    if not (pd.api.types.is_datetime64_dtype(values) or _all(values, dt.date, _naive)):
        raise _wrong_type(table, values, "dates")
    days = values.to_numpy().astype("datetime64[D]")
    return days.astype(str).tolist() if dialect == SQLITE else days.tolist()


def _held_texts(table: Table, values: pd.Series, dialect: str) -> list[str]:
    if not _all(values, str):
        raise _wrong_type(table, values, "text")
    return values.tolist()


def _held_truths(table: Table, values: pd.Series, dialect: str) -> list[bool]:
    if not (pd.api.types.is_bool_dtype(values) or _all(values, (bool, np.bool_))):
        raise _wrong_type(table, values, "true or false")
    return values.astype(bool).tolist()


_HELD: dict[str, Callable[[Table, pd.Series, str], list]] = {
    NUMBER: _held_numbers,
    INTEGER: _held_integers,
    INSTANT: _held_instants,
    DATE: _held_dates,
    TEXT: _held_texts,
    TRUTH: _held_truths,
}


def _all(values: pd.Series, kind: type | tuple[type, ...], further: Callable[[Any], Any] = lambda value: True) -> bool:
    return all(isinstance(value, kind) and further(value) for value in values.dropna())


def _naive(day: dt.date) -> bool:
    return getattr(day, "tzinfo", None) is None


def _wrong_type(table: Table, values: pd.Series, wanted: str) -> StoreError:
    odd = next(iter(values.dropna()), None)
    return StoreError(
        f"{table.name}.{values.name} holds {wanted}; the frame's column is {values.dtype} ({odd!r} for instance)"
    )


# ---------------------------------------------------------------------- from the database


def _series(dtype: str, values: Sequence[Any], dialect: str) -> pd.Series:
    if dtype == INSTANT:
        since_epoch = np.array(values, dtype=np.int64).view("datetime64[us]") if dialect == SQLITE else list(values)
        return pd.Series(pd.DatetimeIndex(pd.to_datetime(since_epoch, utc=True)).as_unit("us"))
    if dtype == DATE:
        return pd.Series(np.array(values, dtype="datetime64[D]").astype("datetime64[ns]"))
    return pd.Series(values, dtype=object) if dtype == TEXT else pd.Series(np.array(values, dtype=dtype))
