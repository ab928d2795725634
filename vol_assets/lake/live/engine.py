"""A URL to a SQLAlchemy engine: SQLite in a file, or PostgreSQL by psycopg2, and how both wait.

SQLite: write-ahead logging, so that readers never wait for the writer nor he for them, and a process killed in a
transaction leaves none of it. Writers take the lock when they begin: one that began as a reader could not wait for it.
`synchronous=NORMAL` may lose the last polls to a power cut, never the file. PostgreSQL: sessions in UTC, and a dead or
silent server is noticed.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

from vol_assets.errors import StoreError

if TYPE_CHECKING:
    from sqlalchemy import URL, Connection, Engine

WRITES = "vol_assets_writes"  # the execution option that says a transaction writes
FORMS = "sqlite:////absolute/path/live.db or postgresql://user:password@host/database"


def parse(url: str) -> URL:
    """The URL, with its driver; a StoreError says what it may be and repeats nothing of it, for its password's sake."""
    import sqlalchemy as sa

    try:
        parsed = sa.make_url(url)
        if "@" in (parsed.host or ""):
            raise ValueError
    except (sa.exc.ArgumentError, ValueError):
        raise StoreError(
            f"VOL_ASSETS_LIVE_URL is no database's URL; write {FORMS}, with @, :, / and % of a password as %40, %3A, "
            "%2F and %25"
        ) from None
    kind, _, driver = parsed.drivername.partition("+")
    if (kind, driver) in (("sqlite", ""), ("sqlite", "pysqlite")):
        if not Path(parsed.database or "").is_absolute():
            raise StoreError(
                f"VOL_ASSETS_LIVE_URL names the file {parsed.database or '(none, in memory)'!r}, which every process "
                "would take for one of its own; write an absolute path after sqlite:///, beginning with a fourth slash"
            )
        return parsed.set(drivername="sqlite+pysqlite")
    if (kind, driver) in (("postgresql", ""), ("postgresql", "psycopg2")):
        return parsed.set(drivername="postgresql+psycopg2")
    raise StoreError(f"VOL_ASSETS_LIVE_URL begins with {parsed.drivername}; it may be {FORMS}")


def place(url: URL) -> str:
    """Where the store is, without password and parameters."""
    return url.set(drivername=url.get_backend_name(), query={}).render_as_string(hide_password=True)


def open_engine(url: URL, patience: float) -> Engine:
    """An engine whose statements wait for another's lock for `patience` seconds; it has not connected yet."""
    return _sqlite(url, patience) if url.get_backend_name() == "sqlite" else _postgresql(url, patience)


def writer_of(engine: Engine) -> Engine:
    """The same engine, whose transactions write."""
    return engine.execution_options(**{WRITES: True})


def _sqlite(url: URL, patience: float) -> Engine:
    import sqlalchemy as sa

    file = Path(url.database)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(
            f"the live store's folder {file.parent} cannot be made ({error.strerror}); make it writable or point "
            "VOL_ASSETS_LIVE_URL elsewhere"
        ) from error
    # Without an isolation level of its own the driver begins nothing: `begin` below does.
    engine = sa.create_engine(url, connect_args={"timeout": patience, "isolation_level": None}, hide_parameters=True)

    @sa.event.listens_for(engine, "connect")
    def prepare(connection, _record) -> None:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")

    @sa.event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.get_execution_options().get(WRITES) else "BEGIN")

    return engine


def _postgresql(url: URL, patience: float) -> Engine:
    import sqlalchemy as sa

    waits = {"connect_timeout": math.ceil(patience), "keepalives_idle": 10, "keepalives_interval": 5}
    try:
        engine = sa.create_engine(
            url,
            connect_args={**waits, "keepalives_count": 3},
            paramstyle="format",
            pool_pre_ping=True,
            hide_parameters=True,
        )
    except ModuleNotFoundError as error:
        raise StoreError(
            "VOL_ASSETS_LIVE_URL is PostgreSQL's and psycopg2 is not installed; pip install 'vol_assets[postgres]'"
        ) from error

    @sa.event.listens_for(engine, "connect")
    def prepare(connection, _record) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET TIME ZONE 'UTC'")
            cursor.execute(f"SET lock_timeout = {math.ceil(patience * 1000)}")
        connection.commit()

    return engine
