"""A logger for people at a terminal: what an asset says, when a step ends, and what failed; a line each.

Dagster's console logger prints every event it stores, two a partition. The make commands ask for this one by
`{"loggers": {"progress": {}}}` in the run config.
"""

from __future__ import annotations

import logging
import re
import sys

import dagster as dg
from dagster._utils.error import SerializableErrorInfo


class _Lines(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        line = in_a_line(record)
        if line:
            print(line, file=sys.stderr, flush=True)


def in_a_line(record: logging.LogRecord) -> str | None:
    """What a person is told of a log record; None for what is only bookkeeping."""
    meta = getattr(record, "dagster_meta", {})
    event = meta.get("dagster_event")
    if event is not None:
        return _failure(event)
    message = str(meta.get("orig_message", record.getMessage()))
    if record.levelno < logging.INFO or message.startswith("Dependencies for step"):
        return None
    return f"  warning: {message}" if record.levelno == logging.WARNING else f"  {message}"


def _failure(event: dg.DagsterEvent) -> str | None:
    """What failed and why, in the words of whoever raised it; None for every other event."""
    name = (event.step_key or "run").replace("__", "/")
    data = event.event_specific_data
    if event.event_type_value == "STEP_FAILURE":
        said = data.user_failure_data.description if data.user_failure_data is not None else None
        return f"  FAILED {name}: {said or _root(data.error)}"
    if event.event_type_value == "RESOURCE_INIT_FAILURE":
        return f"  FAILED {name}: {_root(data.error)}"
    return None


def _root(error: SerializableErrorInfo | None) -> str:
    """The message of what was raised, out of Dagster's wrappings; without the class when it is one of our own.

    What lies behind it (the operating system's error, say) is in the message of whoever raised it, with a remedy.
    """
    if error is None:
        return "no reason given"
    while error.cause is not None and (error.cls_name or "").startswith("Dagster"):
        error = error.cause
    return re.sub(r"^vol_assets\.errors\.\w+: ", "", error.message.strip())


@dg.logger(description="One line for what an asset says and for what failed.", config_schema={})
def progress_logger(_: dg.InitLoggerContext) -> logging.Logger:
    logger = logging.Logger("vol_assets.progress", level=logging.INFO)
    logger.addHandler(_Lines())
    return logger
