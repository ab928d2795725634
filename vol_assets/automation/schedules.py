"""The daily schedule: weekdays at 18:30 New York, for the session just closed.

Our own, because Dagster's stock schedule of a partitioned job runs on holidays too. Half past six is after every
close and after the vendors' closing prices; the session's partition is there by then, winter and summer.

The run begins at the earliest of the last REFETCH_SESSIONS sessions that is missing or flagged incomplete, if
there is one: then it is a range, so that what depends on the refilled session is computed again with it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import dagster as dg

from vol_assets import clock
from vol_assets.automation.jobs import daily_job
from vol_assets.contracts.market import RAW_MARKET
from vol_assets.curation.raw import incomplete_sessions
from vol_assets.lake import Lake
from vol_assets.settings import Settings

REFETCH_SESSIONS = 10
RANGE_START, RANGE_END = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end"


def build_daily_schedule(settings: Settings) -> dg.ScheduleDefinition:
    """The schedule of the daily job for a lake."""

    @dg.schedule(
        job=daily_job,
        cron_schedule="30 18 * * 1-5",
        execution_timezone="America/New_York",
        name="daily_schedule",
        default_status=(
            dg.DefaultScheduleStatus.RUNNING if settings.schedules_running else dg.DefaultScheduleStatus.STOPPED
        ),
        description="The session just closed, and again the incomplete ones of the last ten; skips holidays by name.",
    )
    def daily_schedule(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        day = context.scheduled_execution_time.astimezone(clock.NEW_YORK).date()
        return plan_day(day, lambda session: refetch_from(Lake(settings.lake, settings.source), session))

    return daily_schedule


def plan_day(day: dt.date, first_session: Callable[[dt.date], dt.date]) -> dg.RunRequest | dg.SkipReason:
    """What the tick of a day asks for; `first_session` says where the run for a session begins."""
    if not clock.is_session(day):
        return dg.SkipReason(f"{day} is no session: {clock.why_closed(day)}")
    first = first_session(day)
    if first == day:
        return dg.RunRequest(run_key=str(day), partition_key=str(day))
    return dg.RunRequest(
        run_key=str(day),
        tags={RANGE_START: str(first), RANGE_END: str(day)},
    )


def refetch_from(lake: Lake, session: dt.date) -> dt.date:
    """The earliest of the REFETCH_SESSIONS before `session` that the lake misses or holds incomplete, or `session`.

    Sessions before the lake's first are not missing: an empty lake asks for nothing but today.
    """
    first = clock.offset(session, -REFETCH_SESSIONS)
    held = lake.sessions(RAW_MARKET)
    if not held:
        return session
    before = clock.offset(session, -1)
    missing = [day for day in lake.missing(RAW_MARKET, first, before) if day > held[0]]
    incomplete = incomplete_sessions(lake.read(RAW_MARKET, first, before))
    return min([*missing, *incomplete, session])
