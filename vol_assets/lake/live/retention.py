"""How long the live store keeps what, and how it lets go.

Quotes, features and states go when they are in the lake and KEEP_SESSIONS old: what the lake lacks stays, however old.
Scored predictions are nowhere else, so they stay for a year. Rows leave a day a transaction, so a poll waits for no
more.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import TYPE_CHECKING

import pandas as pd

from vol_assets import clock
from vol_assets.lake.live import capabilities, schema
from vol_assets.lake.live.rows import held_value, instant
from vol_assets.lake.live.tables import INSTANT, Table

if TYPE_CHECKING:
    from sqlalchemy import Engine

KEEP_SESSIONS = 20
KEEP_PREDICTIONS = 252
DAY = dt.timedelta(days=1)  # what one transaction deletes


def kept_from(now: dt.datetime) -> dt.date:
    """The first of the sessions whose quotes, features and states stay in any case."""
    return clock.offset(now.astimezone(clock.NEW_YORK).date(), -KEEP_SESSIONS)


def keep_quotes_from(now: dt.datetime, lacking: Iterable[dt.date]) -> pd.Timestamp:
    """The instant (UTC) before which quotes, features and states may go, given the sessions that the lake lacks."""
    return midnight(min([kept_from(now), *lacking]))


def keep_predictions_from(now: dt.datetime) -> pd.Timestamp:
    """The instant (UTC) before which predictions may go."""
    return midnight(clock.offset(now.astimezone(clock.NEW_YORK).date(), -KEEP_PREDICTIONS))


def midnight(day: dt.date) -> pd.Timestamp:
    """The instant at which a New York day begins, in UTC."""
    return pd.Timestamp(day).tz_localize(clock.NEW_YORK).tz_convert("UTC")


def midnight_after(day: dt.date) -> pd.Timestamp:
    """The instant at which a New York day ends, in UTC."""
    return midnight(day + dt.timedelta(days=1))


def drop(writer: Engine, table: Table, before: dt.datetime) -> int:
    """Delete the rows of a table before an instant, a day a transaction; their number."""
    import sqlalchemy as sa

    dialect = writer.dialect.name
    ts = schema.metadata().tables[table.name].c.ts
    with writer.begin() as connection:
        dropped = capabilities.drop_chunks(connection, table, before)
    while True:
        with writer.begin() as connection:
            first = instant(connection.execute(sa.select(sa.func.min(ts))).scalar(), dialect)
            if first is None or first >= before:
                return dropped
            end = held_value(INSTANT, min(before, first + DAY), dialect)
            dropped += connection.execute(sa.delete(ts.table).where(ts < end)).rowcount
