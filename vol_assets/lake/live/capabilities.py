"""What the database can do besides: TimescaleDB's hypertables, where the extension is there and preloaded.

Nothing else depends on it: the tables, the statements and the results are those of plain PostgreSQL. A hypertable is
one of chunks, a day each, which leave the disk whole when their time is over. Plain tables stay what they are, since
moving years of rows into chunks would hold a poll up for minutes.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from vol_assets.lake.live.tables import Table

if TYPE_CHECKING:
    from sqlalchemy import Connection

CHUNK = "1 day"


def hypertables_possible(connection: Connection) -> bool:
    """Whether TimescaleDB is available, preloaded by the server and ours to use; created where it is not yet."""
    if connection.dialect.name != "postgresql":
        return False
    from sqlalchemy.exc import DBAPIError

    available = connection.exec_driver_sql("SELECT 1 FROM pg_available_extensions WHERE name = 'timescaledb'").scalar()
    loaded = connection.exec_driver_sql("SELECT current_setting('shared_preload_libraries', true)").scalar() or ""
    if not available or "timescaledb" not in loaded:
        return False
    try:
        with connection.begin_nested():
            connection.exec_driver_sql("CREATE EXTENSION IF NOT EXISTS timescaledb")
    except DBAPIError:  # this user may not
        return False
    return True


def make_hypertable(connection: Connection, table: Table) -> None:
    """Turn a new table into a hypertable by its time."""
    connection.exec_driver_sql(f"SELECT create_hypertable('{table.name}', by_range('ts', INTERVAL '{CHUNK}'))")


def drop_chunks(connection: Connection, table: Table, before: dt.datetime) -> int:
    """Drop a hypertable's chunks that end before an instant; the number of their rows. 0 for any other table."""
    import sqlalchemy as sa

    if connection.dialect.name != "postgresql" or not _is_hypertable(connection, table):
        return 0
    older = sa.text(f"SELECT count(*) FROM {table.name} WHERE ts < :before")
    held = connection.execute(older, {"before": before}).scalar_one()
    drop = sa.text("SELECT drop_chunks(:name, older_than => CAST(:before AS timestamptz))")
    connection.execute(drop, {"name": table.name, "before": before})
    return held - connection.execute(older, {"before": before}).scalar_one()


def _is_hypertable(connection: Connection, table: Table) -> bool:
    if not connection.exec_driver_sql("SELECT 1 FROM pg_extension WHERE extname = 'timescaledb'").scalar():
        return False
    import sqlalchemy as sa

    known = sa.text("SELECT 1 FROM timescaledb_information.hypertables WHERE hypertable_name = :name")
    return bool(connection.execute(known, {"name": table.name}).scalar())
