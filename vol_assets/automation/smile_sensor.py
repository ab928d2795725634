"""The smile sensor: one run of live_smile_job a bucket, while the exchange is open and the gateway answers.

It never polls: it looks at the clock, at whether a run is still in progress, and exchanges two frames with the gateway,
which costs neither a client id nor a market-data line. A bucket is asked for once, by its name; after a gap, in which
the sensor was off, the one of now is asked for and no other, since the quotes of the others are gone.

It looks several times a bucket, every SHORTEST to LONGEST seconds, since its ticks do not begin with one: at a minute's
bucket the run begins in its first quarter.

A lake of the sample source polls a simulator, known by its clock, and no gateway unasked.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import dagster as dg

from vol_assets import clock
from vol_assets.assets.live_smile import JOB, MAX_RUNTIME
from vol_assets.automation.jobs import live_smile_job
from vol_assets.errors import GatewayError
from vol_assets.ibkr import greet
from vol_assets.ibkr.desk import Desk
from vol_assets.settings import Settings

UNDER_WAY = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]
UNASKED = (
    "VOL_ASSETS_SOURCE is sample, and a gateway's quotes are the market's: set it to yahoo or files to poll one every "
    "bucket, or VOL_ASSETS_IBKR_CLOCK to poll a simulator. live_smile_job polls once when a person starts it"
)
LOOKS = 4  # a bucket
SHORTEST, LONGEST = 5, 30  # seconds between two looks: the daemon's loop takes five
PATIENCE = 3.0  # seconds for the gateway's greeting; Dagster gives a tick 60


def build_smile_sensor(settings: Settings) -> dg.SensorDefinition:
    """The sensor on a desk; it runs by default where the schedules do."""
    desk = Desk.of(settings)
    status = dg.DefaultSensorStatus

    @dg.sensor(
        job=live_smile_job,
        name="ibkr_smile_sensor",
        minimum_interval_seconds=look_every(desk),
        default_status=status.RUNNING if settings.schedules_running else status.STOPPED,
        description="Asks for live_smile_job once a bucket while the exchange is open and the gateway answers.",
    )
    def ibkr_smile_sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        if settings.source == "sample" and settings.ibkr_clock is None:
            return dg.SkipReason(UNASKED)
        return plan_poll(
            desk,
            desk.now(),
            context.cursor,
            lambda: in_progress(context.instance, dt.datetime.now(dt.UTC)),
            lambda: greet(desk.gateway, PATIENCE),
        )

    return ibkr_smile_sensor


def look_every(desk: Desk) -> int:
    """Seconds between two looks of the sensor."""
    return round(min(max(desk.bucket / desk.speed / LOOKS, SHORTEST), LONGEST))


def plan_poll(
    desk: Desk,
    now: dt.datetime,
    asked_before: str | None,
    busy: Callable[[], str],
    knock: Callable[[], object],
) -> dg.SensorResult | dg.SkipReason:
    """What a look at an instant of the desk's clock asks for.

    asked_before: the bucket last asked for; busy: what is in progress, in words, or nothing; knock: raises a
    GatewayError where no gateway answers. The two are asked in this order and only where it depends on them.
    """
    if shut := why_shut(now):
        return dg.SkipReason(shut)
    bucket = desk.bucket_of(now)
    key = desk.name_of(bucket)
    if key == asked_before:
        return dg.SkipReason(f"{_time(bucket)} was asked for; the next bucket begins at {_time(bucket + desk.step)}")
    if said := busy():
        return dg.SkipReason(f"{said}; the bucket of then is asked for when it has ended")
    try:
        knock()
    except GatewayError as error:
        return dg.SkipReason(str(error))
    return dg.SensorResult(run_requests=[dg.RunRequest(run_key=key)], cursor=key)


def why_shut(now: dt.datetime) -> str:
    """Why nothing is quoted at an instant, and when that changes; empty while the exchange is open."""
    local = now.astimezone(clock.NEW_YORK)
    today = local.date()
    if not clock.is_session(today):
        return f"the exchange is shut on {today}: {clock.why_closed(today)}. {_opens(clock.offset(today, 1))}"
    if now < clock.open_instant(today):
        return f"it is {local:%H:%M} New York, before the open. {_opens(today)}"
    close = clock.close_instant(today)
    if now >= close:
        half = ", a half day," if close.astimezone(clock.NEW_YORK).hour < 16 else ""
        return f"the session of {today}{half} closed at {_time(close)}. {_opens(clock.offset(today, 1))}"
    return ""


def in_progress(instance: dg.DagsterInstance, now: dt.datetime) -> str:
    """A run of the job that has not ended, and for how long, by the machine's clock; empty where there is none."""
    found = instance.get_run_records(dg.RunsFilter(job_name=JOB, statuses=UNDER_WAY), limit=1)
    if not found:
        return ""
    record = found[0]
    name = f"run {record.dagster_run.run_id[:8]} of {JOB}"
    if record.start_time is None:
        waited = (now - record.create_timestamp).total_seconds()
        return f"{name} has waited to start for {waited:.0f} s"
    taken = now.timestamp() - record.start_time
    late = f", more than the {MAX_RUNTIME} s it may: the daemon ends it soon" if taken > MAX_RUNTIME else ""
    return f"{name} has been running for {taken:.0f} s{late}"


def _time(instant: dt.datetime) -> str:
    return f"{instant.astimezone(clock.NEW_YORK):%H:%M:%S} New York"


def _opens(session: dt.date) -> str:
    return f"It opens on {session:%A}, {session}, at {_time(clock.open_instant(session))}"
