"""The drop folder: daily bars and option chains a person saved, CSV or Parquet.

    VOL_ASSETS_FILES/bars/SPY.csv       date,open,high,low,close,adj_close,volume   (`=` is `_`: GC_F.csv)
    VOL_ASSETS_FILES/chains/SPY/...     see `chain_files`; rates.csv, see `chain_rates`

Of bars only `date` and `close` must be there. Without open, high, low the series is close-only and they are null;
without `adj_close` the closes are taken as adjusted already; without `volume` it is null (0 would say that nothing
was traded). Column names may be in Yahoo's spelling (`Adj Close`), rows in any order, other columns are ignored.

Dates are ISO. A time of day is dropped; with an offset, the New York day of that instant counts, except at
midnight, which is a day's label whatever its zone (2019-01-02T00:00Z is 2 January).

A row that cannot be read costs its session, and a file that cannot be read stops the run: it is for its owner to
mend. `fetched_at` is the file's modification time, so a file saved before the close is known to be unfinished.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from vol_assets import clock
from vol_assets.errors import SourceError
from vol_assets.sources import assemble, chain_rates
from vol_assets.sources.cells import csv_rows, day_of, numbers_of, version
from vol_assets.sources.chain_files import ChainFolder
from vol_assets.sources.protocol import REQUIRED_SYMBOLS, DailyBars, OptionChain, Problem

NUMBERS = ("open", "high", "low", "close", "adj_close", "volume")


class FilesMarket:
    """A MarketSource on a drop folder. A file is read once, and again when it has changed."""

    name = "files"

    def __init__(self, folder: Path | None, rate: float | None = None):
        self.folder = folder
        self.rate = rate
        self._read: dict[Path, tuple[tuple[int, int], _History]] = {}

    def daily_bars(self, symbols: Sequence[str], first: dt.date, last: dt.date) -> DailyBars:
        """Bars of `symbols` on the sessions first ... last; a SourceError when a file or all of them cannot be read."""
        days = assemble.window(first, last)
        paths = self._paths(symbols)
        histories: dict[str, _History] = {}
        absent = [symbol for symbol in symbols if symbol not in paths]
        notes = [f"{symbol}: bars/{_stem(symbol)}.csv (or .parquet) is not there" for symbol in absent]
        for symbol, path in paths.items():
            try:
                histories[symbol] = self._history(path)
            except SourceError as error:
                if symbol in REQUIRED_SYMBOLS or not set(symbols) & set(REQUIRED_SYMBOLS):
                    raise
                notes.append(f"{symbol}: left out, for {error}")
        problems: list[Problem] = []
        for symbol, history in histories.items():
            found = history.problems(symbol, days[1:])
            problems += found
            notes += history.notes(symbol, days[1:], bool(found))
        rows = [
            history.rows.assign(symbol=symbol, fetched_at=history.fetched_at) for symbol, history in histories.items()
        ]
        bars = assemble.bars(pd.concat(rows, ignore_index=True), days)
        if not problems and not assemble.is_answer(bars, symbols):
            ends = ", ".join(f"{history.name} {history.extent()}" for history in histories.values())
            raise SourceError(
                f"{self.folder} has no bar of {', '.join(symbols)} on {first} ... {last} ({ends}); "
                "put files with those sessions there, or ask for sessions they have"
            )
        return DailyBars(bars, tuple(problems), tuple(notes))

    def option_chains(self, underlying: str, first: dt.date, last: dt.date) -> Iterator[OptionChain]:
        """The chains of `underlying` on the sessions first ... last as chains/<UNDERLYING> has them, a session at a
        time; a SourceError when it has none at all, or a file of rates or of many sessions cannot be read."""
        sessions = clock.require_range(first, last)
        folder = self._folder("chains", "chains/<UNDERLYING>/<YYYY-MM-DD>.csv") / underlying
        if not folder.is_dir():
            raise SourceError(f"{folder} is not there; put the chains of {underlying} there, <YYYY-MM-DD>.csv each")
        chains = ChainFolder(folder, underlying)
        curves, notes = self._rates()
        return (chains.chain(session, curves, self.rate, notes) for session in sessions)

    def _rates(self) -> tuple[list[chain_rates.Curves], list[str]]:
        """Curves in the order they are asked for, and notes on what could not be read."""
        path = self.folder / "rates.csv"
        curves, notes = [chain_rates.read(path)] if path.is_file() else [], []
        if (self.folder / "bars").is_dir():
            for symbol, path in self._there(["IRX"]).items():
                try:
                    rows = self._history(path).rows
                except SourceError as error:
                    notes.append(f"{symbol}: not used for rates, for {error}")
                else:
                    curves.append(chain_rates.bill(rows["date"].dt.date.tolist(), rows["close"].tolist()))
        return curves, notes

    def last_session(self) -> dt.date:
        """The last session with a bar of SPY; a SourceError when its file is not there or cannot be read."""
        rows = self._history(self._paths(["SPY"])["SPY"]).rows
        return rows.loc[clock.are_sessions(rows["date"]), "date"].iloc[-1].date()

    def _paths(self, symbols: Sequence[str]) -> dict[str, Path]:
        folder = self._folder("bars", "bars/<SYMBOL>.csv")
        paths = self._there(symbols)
        if not paths:
            raise SourceError(
                f"{folder} has no file of {', '.join(symbols)}; save each as <SYMBOL>.csv or .parquet "
                "with the columns date and close at least"
            )
        return paths

    def _there(self, symbols: Sequence[str]) -> dict[str, Path]:
        paths = {}
        for symbol in symbols:
            choices = [self.folder / "bars" / f"{_stem(symbol)}.{suffix}" for suffix in ("csv", "parquet")]
            there = [path for path in choices if path.is_file()]
            if len(there) > 1:
                raise SourceError(f"{there[0]} and {there[1].name} are both there; remove the one not to be used")
            if there:
                paths[symbol] = there[0]
        return paths

    def _folder(self, name: str, holds: str) -> Path:
        if self.folder is None:
            raise SourceError(f"VOL_ASSETS_FILES is not set; set it to the folder that holds {holds}")
        folder = self.folder / name
        for needed in (self.folder, folder):
            if not needed.is_dir():
                raise SourceError(f"{needed} is not there; VOL_ASSETS_FILES must name a folder that holds {holds}")
        return folder

    def _history(self, path: Path) -> _History:
        found = version(path)
        if path not in self._read or self._read[path][0] != found:
            fetched_at = dt.datetime.fromtimestamp(path.stat().st_mtime, dt.UTC)
            self._read[path] = (found, _parse(path, fetched_at))
        return self._read[path][1]


def _stem(symbol: str) -> str:
    return symbol.replace("=", "_")


@dataclass(frozen=True)
class _History:
    """A file as read: one row a day that has a readable close, and what was wrong with the other rows."""

    name: str
    rows: pd.DataFrame  # date, NUMBERS, place; ascending dates
    faults: tuple[tuple[dt.date, str, str], ...]  # day, rule, value
    repeats: tuple[tuple[dt.date, str], ...]  # day and place of rows that say the same again
    fetched_at: dt.datetime

    def problems(self, symbol: str, sessions: np.ndarray) -> list[Problem]:
        asked = set(sessions.tolist())
        return [Problem(day, symbol, rule, value) for day, rule, value in self.faults if day in asked]

    def notes(self, symbol: str, sessions: np.ndarray, has_problems: bool) -> list[str]:
        first, last = sessions[[0, -1]].tolist()
        rows = self.rows[self.rows["date"].between(pd.Timestamp(first), pd.Timestamp(last))]
        on_session = clock.are_sessions(rows["date"])
        notes = []
        if not on_session.any() and not has_problems:
            notes.append(f"{symbol}: {self.name} has no session in {first} ... {last}; it {self.extent()}")
        if symbol not in assemble.OTHER_CALENDARS and not on_session.all():
            off = rows[~on_session].iloc[0]
            where = f"in {off['place']} ({off['date']:%Y-%m-%d})"
            notes.append(f"{self.name}: {assemble.left_out((~on_session).sum(), 'on days without a session', where)}")
        repeats = [(day, place) for day, place in self.repeats if first <= day <= last]
        if repeats:
            where = f"in {repeats[0][1]} ({repeats[0][0]})"
            notes.append(f"{self.name}: {assemble.left_out(len(repeats), 'repeating another', where)}")
        return notes

    def extent(self) -> str:
        """From when to when there are rows."""
        if self.rows.empty:
            return "has no readable row"
        return f"runs {self.rows['date'].iloc[0]:%Y-%m-%d} ... {self.rows['date'].iloc[-1]:%Y-%m-%d}"


def _parse(path: Path, fetched_at: dt.datetime) -> _History:
    name = f"bars/{path.name}"
    table = _read_parquet(path) if path.suffix == ".parquet" else _read_csv(path)
    cells = table.cells
    missing = [column for column in ("date", "close") if column not in cells]
    if missing:
        raise SourceError(
            f"{path} has no column {' and no column '.join(missing)} among {', '.join(table.header)}; "
            "it must be comma-separated with date and close at least"
        )
    if not len(cells):
        raise SourceError(f"{path} holds no rows; fill it or remove it")

    rows = pd.DataFrame({"date": _dates(path, cells["date"], table.places), "place": table.places})
    wrong: dict[int, list[str]] = {row: [text] for row, text in table.ragged.items()}
    for column in NUMBERS:
        if column not in cells:
            continue
        rows[column], no_number = numbers_of(cells[column])
        for row in np.flatnonzero(no_number):
            wrong.setdefault(row, []).append(f"{column} = {cells[column].iloc[row]!r}")
    if "adj_close" not in cells:
        rows["adj_close"] = rows["close"]
    rows = rows.reindex(columns=["date", *NUMBERS, "place"])

    empty_close = rows["close"].isna().to_numpy()
    rows["rule"] = np.where(empty_close, "every session has a close", "")
    rows["value"] = np.where(empty_close, "close is empty", "")
    for row, texts in wrong.items():
        rows.loc[row, ["rule", "value"]] = ["a row holds a number or nothing in each column", ", ".join(texts)]

    # Rows that agree in all but their place are one; those that differ cannot both be true.
    again = rows.duplicated([column for column in rows if column != "place"])
    repeats = [(day.date(), place) for day, place in rows.loc[again, ["date", "place"]].itertuples(index=False)]
    rows = rows[~again]
    clashing = rows.duplicated("date", keep=False)
    faults = [
        (day.date(), "one row a session", f"{name} {' and '.join(group['place'])} differ")
        for day, group in rows[clashing].groupby("date")
    ]
    rows = rows[~clashing]
    faulty = rows["rule"] != ""
    faults += [
        (row.date.date(), row.rule, f"{name} {row.place}: {row.value}") for row in rows[faulty].itertuples(index=False)
    ]
    rows = rows[~faulty].sort_values("date", ignore_index=True).drop(columns=["rule", "value"])
    return _History(name, rows, tuple(sorted(faults)), tuple(repeats), fetched_at)


@dataclass(frozen=True)
class _Table:
    """A file's cells, and where each row stands in it."""

    cells: pd.DataFrame  # columns by our names
    header: list[str]  # column names as the file spells them
    places: list[str]  # "line 12" of a CSV, "row 11" of a Parquet file
    ragged: dict[int, str]  # rows with another number of cells than the header, and what is wrong


def _read_csv(path: Path) -> _Table:
    reader = csv_rows(path)
    _, header = next(reader)
    width = len(header)
    lines, rows, ragged = [], [], {}
    for number, (line, row) in enumerate(reader):
        if len(row) != width:
            if any(row[width:]) or len(row) < width:
                ragged[number] = f"{len(row)} cells where the header has {width}"
            row = row[:width] + [""] * (width - len(row))
        lines.append(line)
        rows.append(row)
    columns = list(zip(*rows, strict=True)) or [()] * width
    frame = pd.DataFrame(dict(enumerate(columns)), dtype=object)
    return _Table(_named(path, frame, header), header, [f"line {line}" for line in lines], ragged)


def _read_parquet(path: Path) -> _Table:
    try:
        frame = pq.read_table(path).to_pandas()
    except (pa.ArrowException, OSError, ValueError, TypeError) as error:
        raise SourceError(f"{path} is not a readable Parquet file ({error}); write it again or remove it") from error
    if not isinstance(frame.index, pd.RangeIndex):
        frame = frame.reset_index()
    header = [str(column) for column in frame.columns]
    places = [f"row {number}" for number in range(1, len(frame) + 1)]
    return _Table(_named(path, frame, header), header, places, {})


def _named(path: Path, frame: pd.DataFrame, header: list[str]) -> pd.DataFrame:
    """The columns we know, under our names: `Adj Close`, `AdjClose` and `adj_close` are one."""
    spellings = {column.replace("_", ""): column for column in ("date", *NUMBERS)}
    names = [spellings.get(re.sub(r"[\s_]", "", text).lower(), "") for text in header]
    twice = sorted({name for name in names if name and names.count(name) > 1})
    if twice:
        raise SourceError(f"{path} has more than one column {', '.join(twice)}; keep one of each")
    return frame.set_axis(names, axis=1)[[name for name in names if name]]


def _dates(path: Path, cells: pd.Series, places: list[str]) -> np.ndarray:
    days = []
    for place, cell in zip(places, cells, strict=True):
        try:
            days.append(day_of(cell))
        except ValueError:
            raise SourceError(
                f"{path} {place}: date = {str(cell)!r} is no date; write it as YYYY-MM-DD, or remove the row"
            ) from None
    # Seconds, not nanoseconds: a wrong year such as 0219 is a day like any other until it is left out.
    ordinals = np.fromiter(map(dt.date.toordinal, days), dtype="int64", count=len(days))
    return (ordinals - dt.date(1970, 1, 1).toordinal()).astype("datetime64[D]").astype("datetime64[s]")
