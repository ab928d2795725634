"""A SQLite event log that stores the events of a range in one transaction.

Dagster records two events a partition (planned, materialized). The stock SQLite storage opens two databases and
commits four times for each, which makes bookkeeping the cost of a ten-year backfill. Here a batch of them goes
into each database with one `executemany`. The rows are those the stock storage writes, which a test holds us to.

Whatever this class does not know (another event type, a batch over several runs) takes the stock way. The
storage is named in `dagster.yaml`; Dagster hands it batches only while DAGSTER_EVENT_BATCH_SIZE is above 0, so
opening it sets that variable unless somebody has.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from dagster import DagsterEventType, Field
from dagster._config import StringSource
from dagster._core.events.log import EventLogEntry
from dagster._core.storage.event_log.schema import SqlEventLogStorageTable
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage
from dagster._serdes import ConfigurableClassData

from vol_assets.instance.range_check_plans import RangeCheckPlans

EVENTS_A_BATCH = "1000"
_KNOWN = {
    DagsterEventType.ASSET_MATERIALIZATION,
    DagsterEventType.ASSET_OBSERVATION,
    DagsterEventType.ASSET_MATERIALIZATION_PLANNED,
}


class BatchedSqliteEventLogStorage(RangeCheckPlans, SqliteEventLogStorage):
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

    def store_event_batch(self, events: Sequence[EventLogEntry]) -> None:
        types = {event.get_dagster_event().event_type for event in events}
        runs = {event.run_id for event in events}
        if not types <= _KNOWN or len(runs) != 1 or "" in runs:  # "" is an event reported without a run
            super().store_event_batch(events)
            return
        table = SqlEventLogStorageTable
        rows = [self._event_to_row(event) for event in events]
        with self.run_connection(events[0].run_id) as connection:
            connection.execute(table.insert(), rows)
        with self.index_transaction() as connection:
            inserted = connection.execute(table.insert().returning(table.c.id, sort_by_parameter_order=True), rows)
            ids = [row[0] for row in inserted.fetchall()]
            self._store_asset_event_tags(connection, events, ids)
            latest = {event.get_dagster_event().asset_key: (event, id) for event, id in zip(events, ids)}
            for event, id in latest.values():
                self._store_asset_event(connection, event, id)
