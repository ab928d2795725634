"""The lake on disk: `<key>/date=YYYY-MM-DD/data.parquet` for session tables, `<key>/data.parquet` for the others.

Writes are atomic. A batch of sessions is written aside under `.aside/`, synced to disk once, and then every
session is renamed into place: a killed process leaves whole partitions and, at most, files aside that nobody
reads. (One sync a file would cost more than the writing.) Two processes may write different sessions at once;
for the same session the last rename wins, whole.

The folder is the date and the files hold no such column, so `pandas.read_parquet` of a table's folder works.
"""

from __future__ import annotations

import datetime as dt
import itertools
import json
import os
import re
import shutil
import time
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow
import pyarrow.parquet

from vol_assets import clock
from vol_assets.contracts import REJECT_COLUMNS, Contract
from vol_assets.errors import LakeError

BATCH_SESSIONS = 512  # written aside, synced and renamed together: a kill loses at most this much work
ASIDE_HOURS = 24  # what lies aside for longer than this was left by a process that died
FILE_NAME = "data.parquet"
SESSION_FOLDER = re.compile(r"date=(\d{4}-\d{2}-\d{2})")


class Lake:
    """Reads and writes the tables under one root folder, which hold data of one source.

    Frames of session tables carry a `date` column.
    """

    def __init__(self, root: Path, source: str):
        self.root = Path(root)
        self.source = source

    # ------------------------------------------------------------------ what is there

    def folder(self, contract: Contract) -> Path:
        return self.root.joinpath(*contract.key)

    def path(self, contract: Contract, session: dt.date | None = None) -> Path:
        """The file of one session, or of an unpartitioned table."""
        folder = self.folder(contract)
        return folder / f"date={session}" / FILE_NAME if contract.by_session else folder / FILE_NAME

    def sessions(self, contract: Contract) -> list[dt.date]:
        """The sessions a table holds, ascending."""
        try:
            names = os.listdir(self.folder(contract))
        except FileNotFoundError:
            return []
        days = filter(None, map(SESSION_FOLDER.fullmatch, names))
        return sorted(
            dt.date.fromisoformat(day[1]) for day in days if (self.folder(contract) / day[0] / FILE_NAME).exists()
        )

    def missing(self, contract: Contract, first: dt.date, last: dt.date) -> list[dt.date]:
        """The sessions of a range that the table does not hold."""
        return [s for s in clock.sessions(first, last) if not self.path(contract, s).exists()]

    # ------------------------------------------------------------------ reading

    def read(
        self, contract: Contract, first: dt.date, last: dt.date, columns: Sequence[str] | None = None
    ) -> pd.DataFrame:
        """The rows of every session there is from `first` to `last`, as one frame ordered by date.

        `columns` are read alone, in the table's order and with the date; a LakeError names one that is none.
        """
        names = _chosen(contract, columns)
        # Plain strings: a Path each costs more than looking whether it is there.
        folder = self.folder(contract)
        paths = {s: f"{folder}/date={s}/{FILE_NAME}" for s in clock.sessions(first, last)}
        held = [s for s, path in paths.items() if os.path.exists(path)]
        fields = pyarrow.schema([contract.arrow_schema.field(name) for name in names])
        tables = [self._read_file(paths[s], contract, fields) for s in held]
        if not tables:
            empty = contract.arrow_schema.empty_table().select(names).to_pandas()
            empty.insert(0, "date", pd.Series(dtype="datetime64[ns]"))
            return empty
        frame = pyarrow.concat_tables(tables).to_pandas()
        lengths = [table.num_rows for table in tables]
        frame.insert(0, "date", pd.DatetimeIndex(held).as_unit("ns").repeat(lengths))
        return frame

    def iterate(
        self, contract: Contract, first: dt.date, last: dt.date, columns: Sequence[str] | None = None
    ) -> Iterator[tuple[dt.date, pd.DataFrame]]:
        """The sessions there are from `first` to `last`, one at a time."""
        for session in clock.sessions(first, last):
            if self.path(contract, session).exists():
                yield session, self.read(contract, session, session, columns)

    def read_table(self, contract: Contract, columns: Sequence[str] | None = None) -> pd.DataFrame:
        """An unpartitioned table; a LakeError says which asset makes it when it is not there."""
        path = self.path(contract)
        if not path.exists():
            raise LakeError(f"{contract.name} is not in the lake yet ({path}); materialize it first")
        fields = pyarrow.schema([contract.arrow_schema.field(name) for name in _chosen(contract, columns)])
        return self._read_file(path, contract, fields).to_pandas()

    def _read_file(self, path: Path | str, contract: Contract, fields: pyarrow.Schema) -> pyarrow.Table:
        try:
            # A file of a session takes a millisecond: threads, and a cast that changes nothing, would double it.
            table = pyarrow.parquet.ParquetFile(path).read(columns=fields.names, use_threads=False)
            return table if table.schema.equals(fields) else table.select(fields.names).cast(fields)
        except (pyarrow.ArrowException, OSError, KeyError) as error:
            raise LakeError(
                f"{path} cannot be read as {contract.name} ({error}); "
                "delete the file and materialize that session again"
            ) from error

    # ------------------------------------------------------------------ writing

    def write(self, contract: Contract, frame: pd.DataFrame) -> list[dt.date]:
        """Write a frame, split by its `date` column into sessions; returns the sessions written."""
        frame = frame if frame["date"].is_monotonic_increasing else frame.sort_values("date", kind="stable")
        table = self._arrow(contract, frame)  # converted once and sliced: ten times cheaper than row by row
        return self._write_batches(contract, ((s, table.slice(a, b - a)) for s, a, b in session_slices(frame)))

    def write_sessions(self, contract: Contract, sessions: Iterable[tuple[dt.date, pd.DataFrame]]) -> list[dt.date]:
        """Write (session, rows) pairs as they come, a batch at a time; returns the sessions written."""
        return self._write_batches(contract, ((session, self._arrow(contract, rows)) for session, rows in sessions))

    def write_empty(self, contract: Contract, sessions: Iterable[dt.date]) -> list[dt.date]:
        """Write sessions that have no rows: that there are none is known, not missing."""
        nothing = contract.arrow_schema.empty_table()
        return self._write_batches(contract, ((session, nothing) for session in sessions))

    def _write_batches(self, contract: Contract, tables: Iterable[tuple[dt.date, pyarrow.Table]]) -> list[dt.date]:
        written: list[dt.date] = []
        tables = iter(tables)
        while batch := list(itertools.islice(tables, BATCH_SESSIONS)):
            self._replace([(self.path(contract, session), table) for session, table in batch])
            written += [session for session, _ in batch]
        return written

    def write_table(self, contract: Contract, frame: pd.DataFrame) -> None:
        """Replace an unpartitioned table."""
        self._replace([(self.path(contract), self._arrow(contract, frame))])

    def _arrow(self, contract: Contract, frame: pd.DataFrame) -> pyarrow.Table:
        names = contract.arrow_schema.names
        unknown = set(frame.columns) - set(names) - {"date"}
        absent = set(names) - set(frame.columns)
        if unknown or absent:
            raise LakeError(
                f"{contract.name} has columns {', '.join(names)}; the frame "
                + "; ".join(
                    part
                    for part in (
                        f"lacks {', '.join(sorted(absent))}" if absent else "",
                        f"has {', '.join(sorted(unknown))} besides" if unknown else "",
                    )
                    if part
                )
            )
        try:
            return pyarrow.Table.from_pandas(frame[names], contract.arrow_schema, preserve_index=False, nthreads=1)
        except (pyarrow.ArrowException, ValueError) as error:
            raise LakeError(f"{contract.name}: the frame's types are not the contract's: {error}") from error

    def _replace(self, files: list[tuple[Path, pyarrow.Table]]) -> None:
        with self._aside() as aside:
            names = [aside / str(number) for number in range(len(files))]
            for name, (_, table) in zip(names, files, strict=True):
                name.mkdir()
                pyarrow.parquet.write_table(table, name / FILE_NAME, compression="snappy")
            os.sync()
            for name, (path, _) in zip(names, files, strict=True):
                if path.parent.exists():
                    os.replace(name / FILE_NAME, path)
                else:
                    path.parent.parent.mkdir(parents=True, exist_ok=True)
                    _rename_folder(name, path)

    @contextmanager
    def _aside(self) -> Iterator[Path]:
        """A fresh folder to write in, on the lake's own file system; gone afterwards, whatever happened."""
        home = self.root / ".aside"
        folder = home / uuid.uuid4().hex
        try:
            folder.mkdir(parents=True)
        except OSError as error:
            raise LakeError(
                f"the data folder {self.root} cannot be written ({error.strerror}); "
                "make it writable or point VOL_ASSETS_DATA at another"
            ) from error
        try:
            yield folder
        except OSError as error:
            raise LakeError(f"writing under {self.root} failed ({error}); nothing half-written was kept") from error
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            _sweep(home)

    # ------------------------------------------------------------------ refused rows

    def write_rejects(self, contract: Contract, rejects: pd.DataFrame) -> None:
        """Keep why sessions were refused: `rejects/<key>/date=.../data.parquet`, replaced when refused again."""
        rejects = rejects.sort_values("date", kind="stable")
        table = pyarrow.Table.from_pandas(rejects[REJECT_COLUMNS[1:]], preserve_index=False)
        self._replace(
            [
                (self._rejects_path(contract, session), table.slice(start, stop - start))
                for session, start, stop in session_slices(rejects)
            ]
        )

    def clear_rejects(self, contract: Contract, sessions: Iterable[dt.date]) -> None:
        """Forget the refusals of sessions that are good now."""
        for session in sessions:
            folder = self._rejects_path(contract, session).parent
            if folder.exists():
                shutil.rmtree(folder)

    def read_rejects(self, contract: Contract) -> pd.DataFrame:
        """Every refusal that stands, columns date, symbol, rule, value."""
        folder = self.root.joinpath("rejects", *contract.key)
        frames = []
        for path in sorted(folder.glob(f"date=*/{FILE_NAME}")):
            rows = pd.read_parquet(path, partitioning=None)
            rows.insert(0, "date", pd.Timestamp(path.parent.name[5:]).as_unit("ns"))
            frames.append(rows)
        return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=REJECT_COLUMNS)

    def _rejects_path(self, contract: Contract, session: dt.date) -> Path:
        return self.root.joinpath("rejects", *contract.key, f"date={session}", FILE_NAME)

    # ------------------------------------------------------------------ one source

    def claim(self) -> None:
        """Bind the lake to its source, or check that it is bound to this one, so that two never mix."""
        stamp = self.root / "source.json"
        if not stamp.exists():
            self._write_stamp(stamp)
        try:
            owner = json.loads(stamp.read_text())["source"]
        except (ValueError, TypeError, KeyError, OSError) as error:
            raise LakeError(f"{stamp} is not the lake's source stamp any more; restore or delete it") from error
        if owner != self.source:
            raise LakeError(
                f"the lake {self.root} holds data of the source {owner!r}, this run uses {self.source!r}; "
                "set VOL_ASSETS_DATA to another folder, or VOL_ASSETS_SOURCE back"
            )

    def _write_stamp(self, stamp: Path) -> None:
        with self._aside() as aside:
            (aside / stamp.name).write_text(json.dumps({"source": self.source}) + "\n")
            with suppress(FileExistsError):  # unlike a rename, a link fails if another run stamped it meanwhile
                os.link(aside / stamp.name, stamp)


def session_slices(frame: pd.DataFrame) -> Iterator[tuple[dt.date, int, int]]:
    """(session, start, stop) of each run of rows with one date, in a frame ordered by date."""
    days = frame["date"].to_numpy().astype("datetime64[D]")
    edges = [0, *(np.flatnonzero(days[1:] != days[:-1]) + 1), len(days)] if len(days) else []
    for start, stop in itertools.pairwise(edges):
        yield days[start].item(), int(start), int(stop)


def _chosen(contract: Contract, columns: Sequence[str] | None) -> list[str]:
    """The columns of the files that are asked for, all by default, in the table's order."""
    unknown = set(columns or ()) - set(contract.columns)
    if unknown:
        raise LakeError(f"{contract.name} has no column {', '.join(sorted(unknown))}")
    return [name for name in contract.arrow_schema.names if columns is None or name in columns]


def _rename_folder(folder: Path, path: Path) -> None:
    try:
        os.rename(folder, path.parent)
    except OSError:  # another run made the session's folder meanwhile
        path.parent.mkdir(exist_ok=True)
        os.replace(folder / FILE_NAME, path)


def _sweep(home: Path) -> None:
    now = time.time()
    for left in home.iterdir():
        with suppress(FileNotFoundError):  # its writer has just finished
            if now - left.stat().st_mtime > ASIDE_HOURS * 3600:
                shutil.rmtree(left, ignore_errors=True)
