"""What both event logs do with the events of a range: batches split by kind, and checks planned once.

Dagster hands planned materializations and planned checks over in the same batch. A storage that writes a whole
batch one by one for the sake of a few other events loses most of what batching is for, so those few go apart, each
in its place.

Dagster plans one row a check and session, each holding the run's whole partition set (26 kB for thirteen years),
although our checks are not partitioned and evaluate once a run: four assets over thirteen years wrote 1.4 GB and a
minute of it, and the rows stay "planned" for ever, a single session's too. Here one row without partitions is
planned, and the evaluation updates it.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from dagster import DagsterEventType
from dagster._core.events.log import EventLogEntry
from dagster_shared.record import replace

ASSET_EVENTS = {
    DagsterEventType.ASSET_MATERIALIZATION,
    DagsterEventType.ASSET_OBSERVATION,
    DagsterEventType.ASSET_MATERIALIZATION_PLANNED,
}


class RangeEvents:
    """Mixin of a SQL event log storage, in front of it in the bases; the class says how to store a batch."""

    def store_event_batch(self, events: Sequence[EventLogEntry]) -> None:
        for (_, together), group in groupby(events, key=_run_and_whether_together):
            if together:
                self.store_asset_events(list(group))
            else:
                super().store_event_batch(list(group))

    def store_asset_events(self, events: Sequence[EventLogEntry]) -> None:
        """Store asset events of one run in as few transactions as the database allows."""
        raise NotImplementedError

    def _index_asset_events(self, connection, events: Sequence[EventLogEntry], ids: Sequence[int]) -> None:
        """The tags of the events, and each asset's row: a kind of event writes columns of its own, the latest wins."""
        self._store_asset_event_tags(connection, events, ids)
        latest = {
            (event.dagster_event.asset_key, event.dagster_event_type): (event, id)
            for event, id in zip(events, ids, strict=True)
        }
        for event, id in sorted(latest.values(), key=lambda pair: pair[1]):
            self._store_asset_event(connection, event, id)

    def _store_asset_check_evaluation_planned(self, event: EventLogEntry, event_id: int | None) -> None:
        planned = event.dagster_event.asset_check_planned_data
        if planned.partitions_subset is not None:
            once = event.dagster_event._replace(event_specific_data=replace(planned, partitions_subset=None))
            event = event._replace(dagster_event=once)
        super()._store_asset_check_evaluation_planned(event, event_id)


def _run_and_whether_together(event: EventLogEntry) -> tuple[str, bool]:
    """The run of an event, and whether it is stored with its like; "" is the run of an event reported without one."""
    return event.run_id, event.run_id != "" and event.dagster_event_type in ASSET_EVENTS
