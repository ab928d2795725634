"""The live store: quotes, features, states and predictions of the last weeks, written by every poll while others read.

One code path over SQLAlchemy Core for SQLite and PostgreSQL. A write is one transaction of upserts: a poll that runs
twice stores nothing twice, and one that is killed stores nothing. Every method raises a StoreError where the database
is down, locked, full or another's.
"""

from __future__ import annotations

import datetime as dt
import itertools
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pandas as pd

from vol_assets import clock
from vol_assets.errors import StoreError
from vol_assets.lake.live import engine, faults, retention, schema
from vol_assets.lake.live.rows import frame as frame_of
from vol_assets.lake.live.rows import held_value, instant, rows
from vol_assets.lake.live.tables import FEATURES, INSTANT, OUTCOME_KEY, PREDICTIONS, QUOTES, STATES, TABLES, Table

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection
    from sqlalchemy.sql.base import ReadOnlyColumnCollection

PATIENCE = 5.0  # seconds
PAGE = 500  # rows a statement: SQLite takes 32,766 values


class LiveStore:
    """The store at a URL (`sqlite:////absolute/path` or `postgresql://...`), opened, its tables made where they lack.

    patience: seconds to wait for a lock of another process, or for a server that does not answer. Frames come back with
    instants in UTC (datetime64[us, UTC]), dates as datetime64[ns], in the order of the table's key; `where` are columns
    and the values they shall have. Instants that are given have a time zone, any.
    """

    def __init__(self, url: str, patience: float = PATIENCE):
        self._url = engine.parse(url)
        self._patience = patience
        self.place = engine.place(self._url)
        self._reader = engine.open_engine(self._url, patience)
        self._writer = engine.writer_of(self._reader)
        self._dialect = self._reader.dialect.name
        try:
            with self._answering():
                schema.ensure(self._reader, self._writer)
        except StoreError:
            self.close()
            raise

    def __enter__(self) -> LiveStore:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Close every connection."""
        self._reader.dispose()

    # ------------------------------------------------------------------ writing

    def write_quotes(self, quotes: pd.DataFrame) -> int:
        """Store quotes, replacing those of the same bucket and contract; the number of rows."""
        return self._upsert(QUOTES, quotes)

    def write_features(self, features: pd.DataFrame) -> int:
        """Store features, replacing those of the same bucket and contract; the number of rows."""
        return self._upsert(FEATURES, features)

    def write_states(self, states: pd.DataFrame) -> int:
        """Store states, replacing those of the same bucket and expiration; the number of rows."""
        return self._upsert(STATES, states)

    def write_predictions(self, predictions: pd.DataFrame) -> int:
        """Store predictions (without `realised_vol`), replacing those of the same key; the number of rows given.

        A prediction that is scored stands: nothing is predicted after the event.
        """
        return self._upsert(PREDICTIONS, predictions)

    def score(self, realised: pd.DataFrame) -> int:
        """Fill in what came: columns family, target_ts, expiration, strike, right, realised_vol.

        Every prediction of that vol is scored, whatever its horizon, and once; the number of those that were.
        """
        import sqlalchemy as sa

        found = rows(PREDICTIONS, realised, [*OUTCOME_KEY, "realised_vol"], OUTCOME_KEY, self._dialect)
        if not found:
            return 0
        at = _columns(PREDICTIONS)
        statement = (
            sa.update(schema.metadata().tables[PREDICTIONS.name])
            .where(*(at[name] == sa.bindparam(f"of_{name}") for name in OUTCOME_KEY), at.realised_vol.is_(None))
            .values(realised_vol=sa.bindparam("of_realised_vol"))
        )
        names = [f"of_{name}" for name in (*OUTCOME_KEY, "realised_vol")]
        with self._writing() as connection:
            return connection.execute(statement, [dict(zip(names, row)) for row in found]).rowcount

    def drop_before(self, moment: dt.datetime, tables: Sequence[Table] = tuple(TABLES.values())) -> dict[str, int]:
        """Delete the rows whose `ts` is before a moment; how many left each table."""
        before = instant(self._held(moment), self._dialect)
        with self._answering():
            return {table.name: retention.drop(self._writer, table, before) for table in tables}

    def retain(self, now: dt.datetime, lacking: Sequence[dt.date]) -> dict[str, int]:
        """Delete what is kept long enough, given the sessions that the lake lacks; how many rows left each table."""
        quotes = self.drop_before(retention.keep_quotes_from(now, lacking), (QUOTES, FEATURES, STATES))
        return quotes | self.drop_before(retention.keep_predictions_from(now), (PREDICTIONS,))

    # ------------------------------------------------------------------ reading

    def read(
        self, table: Table, first: dt.datetime, last: dt.datetime, columns: Sequence[str] | None = None, **where: Any
    ) -> pd.DataFrame:
        """The rows with `ts` from `first` to `last`, both included; all columns or some."""
        return self._select(table, columns, [self._between(_columns(table).ts, first, last)], where)

    def latest(self, table: Table, **where: Any) -> pd.DataFrame:
        """The rows of the newest `ts` there is; none of an empty table."""
        import sqlalchemy as sa

        ts = _columns(table).ts
        newest = sa.select(sa.func.max(ts)).where(*self._equal(table, where)).scalar_subquery()
        return self._select(table, None, [ts == newest], where)

    def buckets(self, first: dt.datetime, last: dt.datetime, table: Table = QUOTES) -> pd.DatetimeIndex:
        """The different `ts` from `first` to `last`, both included, ascending."""
        import sqlalchemy as sa

        ts = _columns(table).ts
        with self._reading() as connection:
            found = connection.execute(
                sa.select(ts).where(self._between(ts, first, last)).distinct().order_by(ts)
            ).all()
        return pd.DatetimeIndex(frame_of(table, ["ts"], found, self._dialect)["ts"])

    def days(self, table: Table = QUOTES) -> list[dt.date]:
        """The New York days that have rows, ascending."""
        import sqlalchemy as sa

        ts = _columns(table).ts
        days: list[dt.date] = []
        statement = sa.select(sa.func.min(ts))
        with self._reading() as connection:
            while (first := instant(connection.execute(statement).scalar(), self._dialect)) is not None:
                days.append(first.astimezone(clock.NEW_YORK).date())
                statement = sa.select(sa.func.min(ts)).where(ts >= self._held(retention.midnight_after(days[-1])))
        return days

    def unscored(self, family: str, first: dt.datetime, last: dt.datetime) -> pd.DataFrame:
        """A family's predictions without a realised vol whose `target_ts` is from `first` to `last`, both included."""
        at = _columns(PREDICTIONS)
        due = [self._between(at.target_ts, first, last), at.realised_vol.is_(None)]
        return self._select(PREDICTIONS, None, due, {"family": family})

    # ------------------------------------------------------------------ statements

    def _upsert(self, table: Table, frame: pd.DataFrame) -> int:
        found = rows(table, frame, table.written, table.key, self._dialect)
        if found:
            with self._writing() as connection:
                _upsert(connection, table, found)
        return len(found)

    def _select(
        self, table: Table, columns: Sequence[str] | None, conditions: list[ColumnElement], where: dict[str, Any]
    ) -> pd.DataFrame:
        import sqlalchemy as sa

        names = list(table.dtypes) if columns is None else _known(table, columns)
        at = _columns(table)
        statement = sa.select(*(at[name] for name in names)).where(*conditions, *self._equal(table, where))
        with self._reading() as connection:
            found = connection.execute(statement.order_by(*(at[name] for name in table.key))).all()
        return frame_of(table, names, found, self._dialect)

    def _between(self, column: ColumnElement, first: dt.datetime, last: dt.datetime) -> ColumnElement:
        return column.between(self._held(first), self._held(last))

    def _equal(self, table: Table, where: dict[str, Any]) -> list[ColumnElement]:
        at = _columns(table)
        return [at[name] == held_value(table.dtypes[name], where[name], self._dialect) for name in _known(table, where)]

    def _held(self, moment: dt.datetime) -> Any:
        return held_value(INSTANT, moment, self._dialect)

    @contextmanager
    def _answering(self) -> Iterator[None]:
        with faults.in_words(self._url, self.place, self._patience):
            yield

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with self._answering(), self._reader.connect() as connection:
            yield connection

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        with self._answering(), self._writer.begin() as connection:
            yield connection


def _upsert(connection: Connection, table: Table, found: list[tuple[Any, ...]]) -> None:
    """INSERT ... ON CONFLICT DO UPDATE, which both databases have in one form; rows with an outcome are left alone.

    It goes a page of rows a statement: given rows one by one, SQLAlchemy takes thrice as long as the database.
    """
    from sqlalchemy.dialects import postgresql, sqlite

    into = schema.metadata().tables[table.name]
    statement = {"postgresql": postgresql, "sqlite": sqlite}[connection.dialect.name].insert(into)
    statement = statement.on_conflict_do_update(
        index_elements=list(table.key),
        set_={name: statement.excluded[name] for name in table.written if name not in table.key},
        where=into.c[table.outcome].is_(None) if table.outcome else None,
    )
    sql = str(statement.compile(dialect=connection.dialect, column_keys=table.written))
    one_row = re.search(r"(?<= VALUES )\(.*?\)", sql)[0]
    for start in range(0, len(found), PAGE):
        page = found[start : start + PAGE]
        values = tuple(itertools.chain.from_iterable(page))
        connection.exec_driver_sql(sql.replace(one_row, ", ".join([one_row] * len(page)), 1), values)


def _columns(table: Table) -> ReadOnlyColumnCollection:
    return schema.metadata().tables[table.name].c


def _known(table: Table, names: Sequence[str] | dict[str, Any]) -> list[str]:
    unknown = [name for name in names if name not in table.dtypes]
    if unknown:
        raise StoreError(f"{table.name} has no column {', '.join(unknown)}; it has {', '.join(table.dtypes)}")
    return list(names)
