"""What both event logs do with the events of a range: batches split by kind, and checks planned once.

Dagster hands planned materializations and planned checks over in the same batch. A storage that writes a whole
batch one by one for the sake of a few other events loses most of what batching is for, so those few go apart.

For a range, Dagster plans one row a check and session, each holding the whole partition set (26 kB here), although
the checks are not partitioned and evaluate once: four assets over thirteen years wrote 1.4 GB and a minute of it,
and the rows stay "planned" for ever. Here one row is planned, and the evaluation updates it.
"""

from __future__ import annotations

from collections.abc import Sequence

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
        runs = {event.run_id for event in events}
        if len(runs) != 1 or "" in runs:  # "" is an event reported without a run
            super().store_event_batch(events)
            return
        known = [event for event in events if event.get_dagster_event().event_type in ASSET_EVENTS]
        others = [event for event in events if event.get_dagster_event().event_type not in ASSET_EVENTS]
        if known:
            self.store_asset_events(known)
        if others:
            super().store_event_batch(others)

    def store_asset_events(self, events: Sequence[EventLogEntry]) -> None:
        """Store asset events of one run in as few transactions as the database allows."""
        raise NotImplementedError

    def _store_asset_event_index(self, connection, events: Sequence[EventLogEntry], ids: Sequence[int]) -> None:
        """The tags of the events, and each asset's row with its latest event."""
        self._store_asset_event_tags(connection, events, ids)
        latest = {event.get_dagster_event().asset_key: (event, id) for event, id in zip(events, ids, strict=True)}
        for event, id in latest.values():
            self._store_asset_event(connection, event, id)

    def _store_asset_check_evaluation_planned(self, event: EventLogEntry, event_id: int | None) -> None:
        dagster_event = event.get_dagster_event()
        planned = dagster_event.asset_check_planned_data
        if planned.partitions_subset is not None and len(planned.partitions_subset) > 1:
            once = replace(planned, partitions_subset=None)
            event = event._replace(dagster_event=dagster_event._replace(event_specific_data=once))
        super()._store_asset_check_evaluation_planned(event, event_id)
