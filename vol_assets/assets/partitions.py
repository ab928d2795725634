"""The one partitions definition of everything that is partitioned by session.

Daily windows in `Etc/GMT-2` end at 17:00 New York time in winter and 18:00 in summer, so the partition of a day
appears after its close and carries the day's own date; the exclusions leave exactly the XNYS sessions. (With New
York days and `end_offset=1` a Saturday offers the partition of the coming Monday.)
"""

from __future__ import annotations

import datetime as dt

import dagster as dg

from vol_assets import clock
from vol_assets.settings import Settings

WEEKENDS = "0 0 * * 6,0"


def session_partitions(start: dt.date) -> dg.DailyPartitionsDefinition:
    """The sessions from `start` on, to the end of the exchange calendar."""
    closures = clock.closures(start, clock.CALENDAR_END)
    return dg.DailyPartitionsDefinition(
        start_date=str(start),
        timezone="Etc/GMT-2",
        exclusions=[WEEKENDS, *(dt.datetime(day.year, day.month, day.day) for day in closures)],
    )


SESSIONS = session_partitions(Settings.from_env().start)
