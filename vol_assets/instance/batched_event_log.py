"""A SQLite event log that stores the events of a range in one transaction.

Dagster records two events a partition (planned, materialized). The stock SQLite storage opens two databases and
commits four times for each, which makes bookkeeping the cost of a ten-year backfill. Here a batch of them goes
into each database with one `executemany`. The rows are those the stock storage writes, which a test holds us to;
whatever this class does not know takes the stock way.

The storage is named in `dagster.yaml`. Dagster hands it batches only while DAGSTER_EVENT_BATCH_SIZE is above 0, so
opening it sets that variable unless somebody has.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from dagster import Field
from dagster._config import StringSource
from dagster._core.events.log import EventLogEntry
from dagster._core.storage.event_log.schema import SqlEventLogStorageTable
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage
from dagster._serdes import ConfigurableClassData

from vol_assets.instance.range_events import RangeEvents

EVENTS_A_BATCH = "1000"


class BatchedSqliteEventLogStorage(RangeEvents, SqliteEventLogStorage):
    """Stock SQLite event log, batches of asset events excepted. `base_dir` defaults to $DAGSTER_HOME/history."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None):
        os.environ.setdefault("DAGSTER_EVENT_BATCH_SIZE", EVENTS_A_BATCH)
        super().__init__(base_dir, inst_data)

    @classmethod
    def config_type(cls) -> dict[str, Field]:
        return {"base_dir": Field(StringSource, is_required=False)}

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> BatchedSqliteEventLogStorage:
        base_dir = config_value.get("base_dir") or os.path.join(os.environ["DAGSTER_HOME"], "history")
        return cls(base_dir, inst_data)

    def store_asset_events(self, events: Sequence[EventLogEntry]) -> None:
        table = SqlEventLogStorageTable
        rows = [self._event_to_row(event) for event in events]
        with self.run_connection(events[0].run_id) as connection:
            connection.execute(table.insert(), rows)
        with self.index_transaction() as connection:
            inserted = connection.execute(table.insert().returning(table.c.id, sort_by_parameter_order=True), rows)
            self._index_asset_events(connection, events, [row[0] for row in inserted])
