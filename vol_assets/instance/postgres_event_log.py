"""Dagster's PostgreSQL event log with the events of a range in one statement, planned ones too.

The stock storage batches materializations and stores planned ones one by one: one empty asset over ten years took
36 s to start, and launching a range over four assets ran into the web server's time limit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dagster._core.events.log import EventLogEntry
from dagster._core.storage.event_log.schema import SqlEventLogStorageTable
from dagster._serdes import ConfigurableClassData
from dagster_postgres.event_log import PostgresEventLogStorage
from dagster_postgres.utils import pg_url_from_config

from vol_assets.instance.range_events import RangeEvents


class PostgresEventLog(RangeEvents, PostgresEventLogStorage):
    """Configured as the stock storage: `postgres_url` or `postgres_db`."""

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> PostgresEventLog:
        return cls(
            inst_data=inst_data,
            postgres_url=pg_url_from_config(config_value),
            should_autocreate_tables=config_value.get("should_autocreate_tables", True),
        )

    def store_asset_events(self, events: Sequence[EventLogEntry]) -> None:
        table = SqlEventLogStorageTable
        rows = [self._event_to_row(event) for event in events]
        with self._connect() as connection:
            inserted = connection.execute(table.insert().returning(table.c.id, sort_by_parameter_order=True), rows)
            ids = [row[0] for row in inserted]
        with self.index_transaction() as connection:
            self._index_asset_events(connection, events, ids)
