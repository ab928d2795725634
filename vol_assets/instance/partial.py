"""Recording the good sessions of a range whose step then fails.

Dagster records the partitions of an output when the step succeeds, all of them or none. A range in which one
session of many is refused has written the others, and the instance should know.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg
from dagster._core.events import DagsterEvent, DagsterEventBatchMetadata, generate_event_batch_id


def record_sessions(
    context: dg.AssetExecutionContext, sessions: Sequence[dt.date], metadata: Mapping[str, Any]
) -> None:
    """Record a materialization of the running asset for each session, in one batch."""
    step = context.get_step_execution_context()
    batch = generate_event_batch_id()
    for number, session in enumerate(sessions):
        DagsterEvent.asset_materialization(
            step,
            dg.AssetMaterialization(context.asset_key, partition=str(session), metadata=metadata),
            DagsterEventBatchMetadata(batch, number == len(sessions) - 1),
        )
