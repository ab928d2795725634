"""One planned row for a check that a range run will evaluate once.

For a range, Dagster plans one row a check and session, each holding the whole partition set (26 kB here), although
the checks are not partitioned and evaluate once: four assets over thirteen years wrote 1.4 GB and a minute of it,
and the rows stay "planned" for ever. Here one row is planned, and the evaluation updates it.
"""

from __future__ import annotations

from dagster._core.events.log import EventLogEntry
from dagster_shared.record import replace


class RangeCheckPlans:
    """Mixin of a SQL event log storage, in front of it in the bases."""

    def _store_asset_check_evaluation_planned(self, event: EventLogEntry, event_id: int | None) -> None:
        dagster_event = event.get_dagster_event()
        planned = dagster_event.asset_check_planned_data
        if planned.partitions_subset is not None and len(planned.partitions_subset) > 1:
            once = replace(planned, partitions_subset=None)
            event = event._replace(dagster_event=dagster_event._replace(event_specific_data=once))
        super()._store_asset_check_evaluation_planned(event, event_id)
