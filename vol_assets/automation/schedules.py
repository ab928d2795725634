"""The schedules: on weekdays, after the close, the session just over: its polls into the lake at 18:15 New York, bars
to forecast at 18:30, chains to surfaces and the gold report at 18:45; once a month the training.

Our own, because Dagster's stock schedule of a partitioned job runs on holidays too. Half past six is after every
close and after the vendors' closing prices; the session's partition is there by then, winter and summer.

The daily job's run begins at the earliest of the last REFETCH_SESSIONS sessions that is incomplete or missing from a
table, if there is one: then it is a range, so that what depends on the refilled session is computed again with it. The
surface job never looks back: a vendor shows today's chain alone, and one that was missed is gone. It comes a quarter
of an hour later, so that it finds the bars that its indices and the gold report are held against; it fetches them
itself where the daily job could not.

Polls go into the lake where there were any, and with them those of the last weeks that missed their evening: a run a
session. A live store that does not answer at the tick may do so for the run, which fails with its reason if not. On the
sample source a session is simulated.

Training is on the first Saturday of the month at 08:00 New York. On a weekend no session is waiting: Friday's bars are
in, and a person has two days to look at a verdict, or at a failure, before the next forecast is due.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import dagster as dg

from vol_assets import clock
from vol_assets.automation.jobs import daily_job, live_history_job, surface_job, train_rv_model
from vol_assets.contracts.features import FEATURES_HAR, FEATURES_IMPLIED, FEATURES_L1
from vol_assets.contracts.forecast import RV_5D
from vol_assets.contracts.market import CURATED_MARKET, RAW_MARKET
from vol_assets.contracts.monitoring import SCORECARD
from vol_assets.curation.raw import incomplete_sessions
from vol_assets.errors import StoreError
from vol_assets.lake import Lake
from vol_assets.lake.live import LiveStore, awaited
from vol_assets.settings import Settings

REFETCH_SESSIONS = 10
DAILY_TABLES = (RAW_MARKET, CURATED_MARKET, FEATURES_L1, FEATURES_HAR, FEATURES_IMPLIED, RV_5D, SCORECARD)
RANGE_START, RANGE_END = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end"


def build_daily_schedule(settings: Settings) -> dg.ScheduleDefinition:
    """The schedule of the daily job for a lake."""

    @_after_the_close(
        settings,
        daily_job,
        "30 18 * * 1-5",
        "daily_schedule",
        "The session just closed, and again what the last ten lack; skips holidays.",
    )
    def daily_schedule(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        return plan_day(_day(context), lambda session: refetch_from(Lake(settings.lake, settings.source), session))

    return daily_schedule


def build_surface_schedule(settings: Settings) -> dg.ScheduleDefinition:
    """The schedule of the surface job."""

    @_after_the_close(
        settings,
        surface_job,
        "45 18 * * 1-5",
        "surface_schedule",
        "Option chains of the session just closed, and the gold report; skips holidays.",
    )
    def surface_schedule(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        return plan_day(_day(context), lambda session: session)

    return surface_schedule


def build_live_history_schedule(settings: Settings) -> dg.ScheduleDefinition:
    """The schedule of the live history's job for a live store."""

    @_after_the_close(
        settings,
        live_history_job,
        "15 18 * * 1-5",
        "live_history_schedule",
        "What was polled in the session just closed, into the lake, and again what it lacks of the last twenty; skips "
        "holidays and sessions that nobody polled.",
    )
    def live_history_schedule(
        context: dg.ScheduleEvaluationContext,
    ) -> dg.RunRequest | dg.SkipReason | list[dg.RunRequest]:
        day = _day(context)
        if settings.source == "sample" or not clock.is_session(day):
            return plan_day(day, lambda session: session)
        try:
            with LiveStore(settings.live_url) as store:
                sessions, place = awaited(store, Lake(settings.lake, settings.source), day), store.place
        except StoreError as error:
            context.log.warning(f"live_history_schedule: {error}; the run of {day} is asked for all the same")
            sessions, place = [day], ""
        return plan_history(day, sessions, place)

    return live_history_schedule


def plan_history(day: dt.date, sessions: list[dt.date], place: str) -> list[dg.RunRequest] | dg.SkipReason:
    """A run for each session, asked for on the evening of a day; place: where the store is.

    A run each: one that is refused again shall not keep the states of the others back.
    """
    if not sessions:
        return dg.SkipReason(f"the live store {place} has no quotes of {day}; nobody polled")
    return [
        dg.RunRequest(run_key=str(day) if session == day else f"{session} on {day}", partition_key=str(session))
        for session in sessions
    ]


def build_retraining_schedule(settings: Settings) -> dg.ScheduleDefinition:
    """The schedule of the training job."""
    return dg.ScheduleDefinition(
        name="retraining_schedule",
        job=train_rv_model,
        cron_schedule="0 8 * * 6#1",
        execution_timezone="America/New_York",
        default_status=_status(settings),
        description="Backtest, training and gate of spy_rv_5d on the first Saturday of the month.",
    )


def _after_the_close(settings: Settings, job: dg.JobDefinition, cron: str, name: str, description: str):
    return dg.schedule(
        job=job,
        cron_schedule=cron,
        execution_timezone="America/New_York",
        name=name,
        default_status=_status(settings),
        description=description,
    )


def _status(settings: Settings) -> dg.DefaultScheduleStatus:
    status = dg.DefaultScheduleStatus
    return status.RUNNING if settings.schedules_running else status.STOPPED


def _day(context: dg.ScheduleEvaluationContext) -> dt.date:
    return context.scheduled_execution_time.astimezone(clock.NEW_YORK).date()


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
    """The earliest of the REFETCH_SESSIONS before `session` that the lake holds incomplete or some table lacks, or
    `session`.

    A table lacks what was missed while nobody ran it, what was refused (the vendor may have mended it since), and
    what was not made because the table before it failed. Sessions before its first are not missing: an empty lake
    asks for nothing but today.
    """
    first, before = clock.offset(session, -REFETCH_SESSIONS), clock.offset(session, -1)
    # Read further back: an optional symbol that was there before these ten is missed when they all lack it.
    raw = lake.read(RAW_MARKET, clock.offset(first, -REFETCH_SESSIONS), before)
    incomplete = [day for day in incomplete_sessions(raw) if day >= first]
    missing = [
        day
        for table in DAILY_TABLES
        if (held := lake.sessions(table))
        for day in lake.missing(table, first, before)
        if day > held[0]
    ]
    return min([*missing, *incomplete, session])
