"""A logger for people at a terminal: what an asset says, when a step ends, and what failed; a line each.

Dagster's console logger prints every event it stores, two a partition. The make commands ask for this one by
`{"loggers": {"progress": {}}}` in the run config.
"""

from __future__ import annotations

import logging
import sys

import dagster as dg


class _Lines(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        line = in_a_line(record)
        if line:
            print(line, file=sys.stderr, flush=True)


def in_a_line(record: logging.LogRecord) -> str | None:
    """What a person is told of a log record; None for what is only bookkeeping."""
    meta = getattr(record, "dagster_meta", {})
    event = meta.get("dagster_event")
    if event is None:
        mark = {logging.WARNING: "warning: "}.get(record.levelno, "")
        return f"  {mark}{meta.get('orig_message', record.getMessage())}" if record.levelno >= logging.INFO else None
    if event.event_type_value == "STEP_FAILURE":
        return f"  FAILED {event.step_key}: {_reason(event)}"
    return None


def _reason(event: dg.DagsterEvent) -> str:
    data = event.step_failure_data
    if data.user_failure_data is not None and data.user_failure_data.description:
        return data.user_failure_data.description
    error = data.error
    while error is not None and error.cause is not None:
        error = error.cause
    return error.message.strip() if error is not None else "no reason given"


@dg.logger(description="One line for what an asset says and for what failed.", config_schema={})
def progress_logger(_: dg.InitLoggerContext) -> logging.Logger:
    logger = logging.Logger("vol_assets.progress", level=logging.INFO)
    logger.addHandler(_Lines())
    return logger
