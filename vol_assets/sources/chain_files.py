"""The option chains of a drop folder: one file a session, or one of many sessions, CSV or Parquet.

    VOL_ASSETS_FILES/chains/SPY/2015-01-05.csv       a session by its name
    VOL_ASSETS_FILES/chains/SPY/<anything>.parquet   sessions by its column `date`: a data set's year, a vendor's file

The layouts are those of `chain_layouts`. A session may stand in one file only. A quote without a time of its own has
that of the session's close; `fetched_at` is the file's modification time.

A file of many sessions is looked through once for its dates, and read a session at a time: from Parquet the row
groups that hold it, from CSV all lines, so that years are better kept as Parquet.
"""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from vol_assets.errors import SourceError
from vol_assets.sources import assemble, chain_layouts, chain_rates
from vol_assets.sources.cells import csv_rows, day_of, version
from vol_assets.sources.protocol import CHAIN_COLUMNS, OptionChain, Problem

SUFFIXES = (".csv", ".parquet")
NO_RATE = (
    "there is no rate: rates.csv and bars/IRX.csv have none of the last "
    f"{chain_rates.MAX_AGE} sessions, and VOL_ASSETS_RATE is not set"
)


class ChainFolder:
    """The chain files of one underlying. `folder` is chains/<UNDERLYING> and must be there."""

    def __init__(self, folder: Path, underlying: str):
        self.folder = folder
        self.underlying = underlying
        self._by_name: dict[dt.date, list[Path]] = {}
        self._many: list[_ManyCsv | _ManyParquet] = []
        for path in _files(folder):
            session = _session(path)
            if session is None:
                many = _many_csv if path.suffix.lower() == ".csv" else _many_parquet
                self._many.append(many(path, version(path)))
            else:
                self._by_name.setdefault(session, []).append(path)
        if not self._by_name and not self._many:
            raise SourceError(
                f"{folder} has no chain; save each session's quotes as <YYYY-MM-DD>.csv or .parquet, with the columns "
                "expiration, strike, type, bid and ask at least"
            )

    def chain(
        self, session: dt.date, curves: Sequence[chain_rates.Curves], setting: float | None, notes: Sequence[str] = ()
    ) -> OptionChain:
        """The quotes of one session; faults of its file are the session's problems and not raised."""
        paths = [*self._by_name.get(session, []), *(many.path for many in self._many if session in many.days)]
        if len(paths) > 1:
            names = " and ".join([str(paths[0]), *(path.name for path in paths[1:])])
            return self._none(session, "one file a session", f"{names} both hold it; remove the one not to be used")
        if not paths:
            where = f"{self.folder / str(session)}.csv (or .parquet) is not there, and no other file there has its date"
            return OptionChain(session, empty(), notes=(where,))
        path = paths[0]
        try:
            frame, said = self._read(path, session)
            saved = dt.datetime.fromtimestamp(path.stat().st_mtime, dt.UTC)
        except SourceError as error:
            return self._none(session, "a readable file of the session's quotes", str(error))
        except OSError as error:
            return self._none(session, "a readable file of the session's quotes", f"{path} cannot be read ({error})")
        rates = chain_rates.columns(frame["expiration"], session, curves, setting)
        if not rates["rate_source"]:
            said.append(NO_RATE)
        return OptionChain(session, finished(frame, self.underlying, session, saved, rates), notes=(*notes, *said))

    def _read(self, path: Path, session: dt.date) -> tuple[pd.DataFrame, list[str]]:
        many = next((many for many in self._many if many.path == path), None)
        if many is not None:
            cells, place, notes = many.read(session)
        elif path.suffix.lower() == ".csv":
            cells, place, notes = _read_csv(path)
        else:
            cells, place, notes = _read_parquet(path)
        frame, said = chain_layouts.quotes(str(path), cells, self.underlying, session, place)
        return frame, [*notes, *said]

    def _none(self, session: dt.date, rule: str, value: str) -> OptionChain:
        return OptionChain(session, empty(), problems=(Problem(session, self.underlying, rule, value),))


def finished(
    frame: pd.DataFrame, underlying: str, session: dt.date, fetched_at: dt.datetime, rates: dict[str, object]
) -> pd.DataFrame:
    """Quotes of `chain_layouts` with all CHAIN_COLUMNS."""
    frame = frame.assign(
        date=pd.Timestamp(session).as_unit("ns"), symbol=underlying, fetched_at=pd.Timestamp(fetched_at), **rates
    )
    frame["fetched_at"] = frame["fetched_at"].astype("datetime64[us, UTC]")
    frame["date"] = frame["date"].astype("datetime64[ns]")
    return frame[list(CHAIN_COLUMNS)]


def empty() -> pd.DataFrame:
    """No quotes."""
    return pd.DataFrame(columns=list(CHAIN_COLUMNS))


def _files(folder: Path) -> list[Path]:
    """Visible files a chain may be in."""
    return sorted(
        path
        for path in folder.iterdir()
        if path.suffix.lower() in SUFFIXES and not path.name.startswith(".") and path.is_file()
    )


def _session(path: Path) -> dt.date | None:
    try:
        return dt.date.fromisoformat(path.stem)
    except ValueError:
        return None


Place = Callable[[int], str]
Cells = tuple[pd.DataFrame, Place, list[str]]  # by the names of chain_layouts; where each row stands; notes


def _read_csv(path: Path, only: Callable[[str], bool] | None = None) -> Cells:
    """The columns a chain is made of, of all rows or of those whose date is asked for."""
    rows = csv_rows(path)
    _, header = next(rows)
    names = chain_layouts.recognise(str(path), header)
    positions = list(names)
    date = next((position for position, name in names.items() if name == "date"), None)
    width, lines, kept, ragged = len(header), [], [], []
    for line, row in rows:
        if len(row) != width and (len(row) < width or any(row[width:])):
            ragged.append(line)
        elif only is None or only(row[date]):
            lines.append(line)
            kept.append([row[position] for position in positions])
    cells = pd.DataFrame(kept, columns=list(names.values()), dtype=object)
    notes = []
    if ragged:
        what = f"with another number of cells than the header's {width}"
        notes.append(f"{path}: {assemble.left_out(len(ragged), what, f'in line {ragged[0]}')}")
    return cells, lambda row: f"line {lines[row]}", notes


def _read_parquet(path: Path) -> Cells:
    file = _Parquet(path)
    return _pandas(file.read(range(file.groups))), _row, []


def _row(row: int) -> str:
    return f"row {row + 1}"


class _ManyCsv:
    """A CSV of many sessions: which, by what their dates are written as."""

    def __init__(self, path: Path):
        self.path = path
        rows = csv_rows(path)
        _, header = next(rows)
        position = _date_position(path, chain_layouts.recognise(str(path), header))
        first_line: dict[str, int] = {}
        for line, row in rows:
            if len(row) > position:
                first_line.setdefault(row[position], line)
        self.days: dict[dt.date, set[str]] = {}
        for text, line in first_line.items():
            self.days.setdefault(_day(f"{path} line {line}", text), set()).add(text)

    def read(self, session: dt.date) -> Cells:
        return _read_csv(self.path, self.days[session].__contains__)


class _ManyParquet:
    """A Parquet file of many sessions: which, by row group and what their dates are written as."""

    def __init__(self, path: Path):
        self.path = path
        self.file = _Parquet(path)
        _date_position(path, self.file.names)
        self.days: dict[dt.date, dict[int, list[object]]] = {}
        for group in range(self.file.groups):
            for value in self.file.read([group], ["date"]).column("date").unique():
                session = _day(f"{path} row group {group}", value.as_py())
                self.days.setdefault(session, {}).setdefault(group, []).append(value)

    def read(self, session: dt.date) -> Cells:
        parts, rows = [], []
        for group, values in self.days[session].items():
            table = _row_group(self.file, group)
            mask = pc.is_in(table.column("date"), value_set=pa.array(values))
            parts.append(table.filter(mask))
            rows.append(self.file.first_row[group] + np.flatnonzero(mask.to_numpy()))
        places = np.concatenate(rows)
        return _pandas(pa.concat_tables(parts)), lambda row: _row(places[row]), []


# A range of years is asked for in many short ranges, by processes that share nothing: each keeps what it has looked
# through, and the row groups of the last session, which are most often those of the next.
@lru_cache(maxsize=256)
def _many_csv(path: Path, _version: tuple[int, int]) -> _ManyCsv:
    return _ManyCsv(path)


@lru_cache(maxsize=256)
def _many_parquet(path: Path, _version: tuple[int, int]) -> _ManyParquet:
    return _ManyParquet(path)


@lru_cache(maxsize=2)
def _row_group(file: _Parquet, group: int) -> pa.Table:
    return file.read([group])


def _date_position(path: Path, names: dict[int, str]) -> int:
    for position, name in names.items():
        if name == "date":
            return position
    raise SourceError(
        f"{path} has neither the date of a session for a name nor a column date; name it <YYYY-MM-DD>{path.suffix}"
    )


def _day(place: str, value: object) -> dt.date:
    try:
        return day_of(value)
    except (ValueError, OverflowError):
        raise SourceError(
            f"{place}: date = {str(value)!r} is no date; write it as YYYY-MM-DD, or remove the row"
        ) from None


class _Parquet:
    """The columns a chain is made of, by the names of `chain_layouts`, a few row groups at a time."""

    def __init__(self, path: Path):
        self.path = path
        with _opened(path) as file:
            header = file.schema_arrow.names
            sizes = [file.metadata.row_group(group).num_rows for group in range(file.num_row_groups)]
        self.names = chain_layouts.recognise(str(path), header)
        self.groups = len(sizes)
        self.first_row = np.concatenate([[0], np.cumsum(sizes, dtype=int)])
        self._spelled = {name: header[position] for position, name in self.names.items()}

    def read(self, groups: Iterable[int], names: Sequence[str] | None = None) -> pa.Table:
        spelled = {name: self._spelled[name] for name in names or self._spelled}
        with _opened(self.path) as file:
            table = file.read_row_groups(list(groups), columns=list(spelled.values())).select(list(spelled.values()))
            columns = [
                column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column
                for column in table.columns
            ]
        return pa.table(columns, names=list(spelled))


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[pq.ParquetFile]:
    try:
        with pq.ParquetFile(path) as file:
            yield file
    except (pa.ArrowException, OSError, ValueError, TypeError) as error:
        raise SourceError(f"{path} is not a readable Parquet file ({error}); write it again or remove it") from error


def _pandas(table: pa.Table) -> pd.DataFrame:
    return table.to_pandas(ignore_metadata=True)
