"""`make live-demo`: a market day on a simulated gateway, polled by the sensor and its job, and the smiles they predict.

1. The sample market's last sessions become live/history, live/states and smile/dataset; a GRU is trained on them, and
   the leaderboard says who serves.
2. A simulated gateway opens the session after them in another process, on a clock that runs SPEED times as fast, so it
   may be night or Sunday here.
3. This process does what Dagster's daemon does, look by look: it asks the sensor, and runs the job that it asks for.
   The runs are of the instance, so `make dev` shows them.
4. Figures, and a picture of the last smile that was predicted ten minutes before it came.

It goes through the same settings as a real gateway, which it sets itself, and has a live store of its own that begins
empty: what was predicted and scored stands, and a day that is lived again would find that of the first time.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import dagster as dg

from vol_assets import clock
from vol_assets.assets.live_smile import JOB, LIVE_ASSETS
from vol_assets.automation.jobs import live_smile_job
from vol_assets.automation.live_summary import summary
from vol_assets.automation.resources import build_resources
from vol_assets.automation.smile_sensor import build_smile_sensor
from vol_assets.errors import GatewayError, SettingError
from vol_assets.ibkr.desk import Desk
from vol_assets.settings import Settings

SENSOR = "ibkr_smile_sensor"
SESSIONS = 6  # of history: a small network's fill
SPEED = 8.0  # a minute in 7.5 seconds: a poll and its run take three or four, and half as much again where it is busy
POLLS = 23  # ten before there is a window, ten until its prediction comes, and three to spare
STARTING = 6.0  # seconds before the open that a gateway takes to start
LOOK_EVERY = 0.25  # seconds
PATIENCE = 240.0  # seconds that the polling may take
LOGGERS = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}  # a line a run is enough
HISTORY_TABLES = "live/history,live/states"
MODELS = "smile/dataset,smile/gru,smile/leaderboard"


def run(settings: Settings, newest: dt.date, materialize: Callable[[str, str | None], None]) -> str:
    """The whole demonstration, on the session `newest`; what it came to, in words.

    materialize: runs a selection of assets, for a range of sessions or none. A SettingError on another source.
    """
    if settings.source != "sample":
        raise SettingError(
            f"VOL_ASSETS_SOURCE is {settings.source!r}, and the demonstration's quotes are simulated: they would lie "
            "among real ones. Run it without that setting, or with a VOL_ASSETS_DATA of its own"
        )
    first, last = clock.offset(newest, -SESSIONS), clock.offset(newest, -1)
    _say(f"history: {SESSIONS} simulated sessions, {first} ... {last}, a poll a minute")
    materialize(HISTORY_TABLES, f"{first}...{last}")
    _say("a GRU learns from them, and is judged")
    materialize(MODELS, None)
    store = settings.data / "live" / "demo.db"
    for part in store.parent.glob(f"{store.name}*"):  # its journals too
        part.unlink()
    with _simulator(newest) as environment:
        os.environ.update(environment, VOL_ASSETS_LIVE_URL=f"sqlite:///{store}")
        live = Settings.from_env()
        _say(f"a simulated gateway at {live.ibkr[0]}:{live.ibkr[1]}, {newest} from the open, {SPEED:g} times as fast")
        began, ended = _polled(live)
    return summary(live, began, ended)


@contextlib.contextmanager
def _simulator(session: dt.date) -> Iterator[dict[str, str]]:
    """A gateway in a process of its own, just before the open of a session; the settings that find it."""
    began = time.time() + STARTING
    command = (sys.executable, "-m", "vol_assets.ibkr.simulator", "--port", "0", "--session", str(session))
    process = subprocess.Popen(
        [*command, "--speed", str(SPEED), "--began", str(began)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        said = []
        for line in process.stdout:
            said.append(line)
            if found := re.search(r"127\.0\.0\.1:(\d+)", line):
                break
        else:
            raise GatewayError(f"the simulated gateway did not start; it said: {''.join(said).strip()}")
        opening = clock.open_instant(session)
        yield {
            "VOL_ASSETS_IBKR": f"127.0.0.1:{found[1]}",
            "VOL_ASSETS_IBKR_CLOCK": f"{opening.isoformat()},{SPEED},{began}",
        }
    finally:
        process.kill()  # it keeps nothing
        process.communicate()


def _polled(settings: Settings) -> tuple[dt.datetime, dt.datetime]:
    """What the daemon does until POLLS runs have succeeded, each in a line; from when to when on the desk's clock."""
    repository = dg.Definitions(
        assets=LIVE_ASSETS,
        jobs=[live_smile_job],
        sensors=[build_smile_sensor(settings)],
        resources=build_resources(settings),
        executor=dg.in_process_executor,
    ).get_repository_def()
    sensor, job = repository.get_sensor_def(SENSOR), repository.get_job(JOB)
    desk, end = Desk.of(settings), time.monotonic() + PATIENCE
    began, polls, cursor, said = desk.now(), 0, None, None
    with dg.DagsterInstance.get() as instance:
        while polls < POLLS and time.monotonic() < end:
            with dg.build_sensor_context(instance, cursor=cursor, repository_def=repository) as context:
                tick = sensor.evaluate_tick(context)
            cursor = tick.cursor or cursor
            for request in tick.run_requests:
                result = job.execute_in_process(
                    run_config=LOGGERS, instance=instance, tags=dict(request.tags), raise_on_error=False
                )
                polls += result.success
                _say(f"  {_time(desk.now())}  {_in_words(result)}")
            between_buckets = cursor == desk.name_of(desk.bucket_of(desk.now()))
            if tick.skip_message != said and tick.skip_message and not between_buckets:
                said = tick.skip_message
                _say(f"  {_time(desk.now())}  skipped: {said}")
            time.sleep(LOOK_EVERY)
    return began, desk.now()


def _in_words(result: dg.ExecuteInProcessResult) -> str:
    """One run: what the poll said, what was predicted and by whom, what came of predictions before."""
    if not result.success:
        failed = [event.step_failure_data for event in result.all_events if event.is_step_failure]
        told = [one.user_failure_data.description for one in failed if one.user_failure_data]
        return "failed: " + ("; ".join(told) or "see the run in the UI")
    quotes, predicted = _page(result, "spy_quotes"), _page(result, "spy_predicted")
    if not predicted:
        return f"{quotes.get('outcome', 'no poll')}: {quotes.get('reason', '')}"
    flagged = "" if predicted["flagged"] == "no" else ", flagged"
    scores = [f"{value:.3f}" for name, value in predicted.items() if name.startswith("RMSE")]
    missed = f"; what came was missed by {' and '.join(scores)} points" if scores else ""
    return f"{quotes['quotes']} quotes, {predicted['predictions']} vols by {predicted['model']}{flagged}{missed}"


def _page(result: dg.ExecuteInProcessResult, name: str) -> dict:
    """The metadata of an asset's materialization in a run, or of what it observed instead."""
    for event in result.all_events:
        of_asset = event.event_type_value in ("ASSET_MATERIALIZATION", "ASSET_OBSERVATION")
        if of_asset and event.asset_key.path[-1] == name:
            data = event.event_specific_data
            found = data.materialization if hasattr(data, "materialization") else data.asset_observation
            return {key: value.value for key, value in found.metadata.items()}
    return {}


def _time(instant: dt.datetime) -> str:
    return f"{instant.astimezone(clock.NEW_YORK):%H:%M:%S}"


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
