"""The tables in SQLAlchemy: made where they lack, refused where they are others.

A table that is there keeps its rows and is never altered: one whose columns, types or key differ was made by another
version or another program, and the message says what differs. Looking takes no lock; making does, so that of two
processes that find an empty database one makes the tables and the other finds them.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from vol_assets.errors import StoreError
from vol_assets.lake.live import capabilities
from vol_assets.lake.live.rows import SQLITE
from vol_assets.lake.live.tables import DATE, INSTANT, INTEGER, NUMBER, OUTCOME_KEY, TABLES, TEXT, TRUTH, Table

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine, MetaData
    from sqlalchemy.types import TypeEngine

ADVISORY_LOCK = 7_061_983  # any number of our own: who holds it makes tables


@cache
def metadata() -> MetaData:
    """The tables as SQLAlchemy has them."""
    import sqlalchemy as sa

    made = sa.MetaData()
    types = _types()
    for table in TABLES.values():
        columns = [
            sa.Column(name, types[dtype], nullable=name in table.nullable, autoincrement=False)
            for name, dtype in table.dtypes.items()
        ]
        # SQLite keeps the rows in the key's own tree; an index beside them would take a third more.
        at = sa.Table(table.name, made, *columns, sa.PrimaryKeyConstraint(*table.key), sqlite_with_rowid=False)
        if table.outcome:
            open_rows = at.c[table.outcome].is_(None)
            sa.Index(
                f"{table.name}_open",
                *(at.c[name] for name in OUTCOME_KEY),
                sqlite_where=open_rows,
                postgresql_where=open_rows,
            )
    return made


def ensure(engine: Engine, writer: Engine) -> None:
    """Make the tables that lack, as hypertables where that can be; a StoreError names a table that is another."""
    with engine.connect() as connection:
        lacking = _lacking(connection)
    if lacking:
        with writer.begin() as connection:
            if connection.dialect.name == "postgresql":
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({ADVISORY_LOCK})")
            lacking = _lacking(connection)
            metadata().create_all(connection, [metadata().tables[table.name] for table in lacking])
            if capabilities.hypertables_possible(connection):
                for table in lacking:
                    capabilities.make_hypertable(connection, table)


def _lacking(connection: Connection) -> list[Table]:
    """The tables that are not there; a StoreError if one is there and another."""
    import sqlalchemy as sa

    inspector = sa.inspect(connection)
    there = set(inspector.get_table_names())
    for table in TABLES.values():
        if table.name in there:
            wanted = {
                column.name: column.type.compile(connection.dialect) for column in metadata().tables[table.name].c
            }
            found = {
                column["name"]: column["type"].compile(connection.dialect)
                for column in inspector.get_columns(table.name)
            }
            differences = _differences(wanted, found)
            key = inspector.get_pk_constraint(table.name)["constrained_columns"]
            if key != list(table.key):
                differences.append(f"its key is ({', '.join(key)}), not ({', '.join(table.key)})")
            if differences:
                raise StoreError(
                    f"the live store's table {table.name} is not this version's: {'; '.join(differences)}. "
                    "Rename or drop it, or point VOL_ASSETS_LIVE_URL at another database"
                )
    return [table for table in TABLES.values() if table.name not in there]


def _differences(wanted: dict[str, str], found: dict[str, str]) -> list[str]:
    told = [f"it lacks {name}" for name in wanted if name not in found]
    told += [f"it has {name} besides" for name in found if name not in wanted]
    told += [f"{name} is {found[name]}, not {kind}" for name, kind in wanted.items() if found.get(name, kind) != kind]
    return told


def _types() -> dict[str, TypeEngine]:
    """The types of the columns: where SQLite has none of its own, those of what `rows` makes of them."""
    import sqlalchemy as sa

    return {
        INSTANT: sa.DateTime(timezone=True).with_variant(sa.BigInteger(), SQLITE),
        DATE: sa.Date().with_variant(sa.Text(), SQLITE),
        INTEGER: sa.BigInteger(),
        NUMBER: sa.Double(),
        TEXT: sa.Text(),
        TRUTH: sa.Boolean(),
    }
