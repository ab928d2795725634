"""Where things are: one frozen object read from the environment; the defaults serve a laptop.

Nothing here touches the disk or the network, so a wrong setting is reported by whoever first needs it, and
loading the Dagster definitions never fails for a folder that is not there yet.
"""

from __future__ import annotations

import datetime as dt
import math
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from vol_assets import clock
from vol_assets.errors import SessionError, SettingError

LOCAL_UI = "http://127.0.0.1:5000"  # where `make mlflow` serves a local store
RATES = (-0.05, 0.25)  # a rate beyond was meant in percent
SOURCES = ("sample", "yahoo", "files")
LANGUAGES = ("en", "fr")
GATEWAY = ("127.0.0.1", 7497, 10)  # TWS's port for paper trading
BUCKET = 60
SHORTEST_BUCKET = 10  # seconds
HALF_HOUR = 1800  # seconds: sessions open and close on it


@dataclass(frozen=True)
class Settings:
    """The settings of one process. Paths are absolute; `mlflow_uri` is any MLflow tracking URI, `mlflow_ui` where a
    browser finds it; `rate` a continuously compounded zero rate (decimal a year) for chains without a quoted one;
    `report_language` that of the gold report's pages; `live` the URL of the live store's database if one is named;
    `ibkr` host, port and client id of the gateway; `ibkr_clock` the start (UTC) of a simulated clock, its seconds a
    real second, and the real second since 1970 at which it began, None for the machine's clock; `bucket` the seconds
    from one poll to the next."""

    data: Path
    source: str
    files: Path | None
    start: dt.date
    mlflow_uri: str
    mlflow_ui: str = LOCAL_UI
    schedules_running: bool = False
    rate: float | None = None
    report_language: str = "en"
    live: str | None = field(default=None, repr=False)  # may hold a password
    ibkr: tuple[str, int, int] = GATEWAY
    ibkr_clock: tuple[dt.datetime, float, float] | None = None
    bucket: int = BUCKET

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Settings:
        """Read VOL_ASSETS_* and MLFLOW_TRACKING_URI; a SettingError names the variable and what it may be."""
        environ = os.environ if environ is None else environ
        data = Path(environ.get("VOL_ASSETS_DATA") or "data").expanduser().absolute()
        files = environ.get("VOL_ASSETS_FILES")
        source = environ.get("VOL_ASSETS_SOURCE") or "sample"
        if source not in SOURCES:
            raise SettingError(f"VOL_ASSETS_SOURCE is {source!r}; it must be one of {', '.join(SOURCES)}")
        schedules = environ.get("VOL_ASSETS_SCHEDULES") or "stopped"
        if schedules not in ("stopped", "running"):
            raise SettingError(f"VOL_ASSETS_SCHEDULES is {schedules!r}; it must be stopped or running")
        language = environ.get("VOL_ASSETS_REPORT_LANG") or "en"
        if language not in LANGUAGES:
            raise SettingError(f"VOL_ASSETS_REPORT_LANG is {language!r}; it must be one of {', '.join(LANGUAGES)}")
        mlflow_uri = environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{data / 'mlflow' / 'mlflow.db'}"
        return cls(
            data=data,
            source=source,
            files=Path(files).expanduser().absolute() if files else None,
            start=_start(environ.get("VOL_ASSETS_START")),
            mlflow_uri=mlflow_uri,
            mlflow_ui=environ.get("VOL_ASSETS_MLFLOW_UI")
            or (mlflow_uri if mlflow_uri.startswith("http") else LOCAL_UI),
            schedules_running=schedules == "running",
            rate=_rate(environ.get("VOL_ASSETS_RATE")),
            report_language=language,
            live=environ.get("VOL_ASSETS_LIVE_URL") or None,
            ibkr=_gateway(environ.get("VOL_ASSETS_IBKR")),
            ibkr_clock=_clock(environ.get("VOL_ASSETS_IBKR_CLOCK")),
            bucket=_bucket(environ.get("VOL_ASSETS_BUCKET")),
        )

    @property
    def lake(self) -> Path:
        """The root of the Parquet lake."""
        return self.data / "lake"

    @property
    def reports(self) -> Path:
        """Where reports are written."""
        return self.data / "reports"

    @property
    def live_url(self) -> str:
        """The live store's database, as SQLAlchemy has it: SQLite under the data folder unless one is named."""
        return self.live or f"sqlite:///{self.data / 'live' / 'live.db'}"


def _start(text: str | None) -> dt.date:
    if not text:
        return clock.FIRST_SESSION
    try:
        start = clock.require_session(text)
    except SessionError as error:
        raise SettingError(f"VOL_ASSETS_START: {error}") from error
    if start < clock.FIRST_SESSION:
        raise SettingError(f"VOL_ASSETS_START is {start}; the first session there can be is {clock.FIRST_SESSION}")
    return start


def _rate(text: str | None) -> float | None:
    if not text:
        return None
    lowest, highest = RATES
    try:
        rate = float(text)
    except ValueError:
        rate = float("nan")
    if not lowest <= rate <= highest:
        raise SettingError(
            f"VOL_ASSETS_RATE is {text!r}; it must be a decimal a year from {lowest} to {highest}, 0.042 for 4.2 %"
        )
    return rate


def _gateway(text: str | None) -> tuple[str, int, int]:
    if not text:
        return GATEWAY
    found = re.fullmatch(r"([^\s:]+):(\d{1,5})(?::(\d{1,9}))?", text)
    if not found or not 0 < int(found[2]) < 65536:
        raise SettingError(
            f"VOL_ASSETS_IBKR is {text!r}; it must be host:port or host:port:client_id, 127.0.0.1:7497:10 for instance"
        )
    return found[1], int(found[2]), int(found[3] or GATEWAY[2])


def _clock(text: str | None) -> tuple[dt.datetime, float, float] | None:
    if not text:
        return None
    try:
        instant, speed, began = text.split(",")
        start, speed, began = dt.datetime.fromisoformat(instant.strip()), float(speed), float(began)
    except ValueError:
        start = None
    if start is None or start.tzinfo is None or not (0.0 < speed < math.inf and 0.0 <= began < math.inf):
        raise SettingError(
            f"VOL_ASSETS_IBKR_CLOCK is {text!r}; it must be an instant with its time zone, simulated seconds a second, "
            "and the second since 1970 at which it began, 2024-03-15T13:30:00Z,6,1732600000.0 for instance"
        )
    return start.astimezone(dt.UTC), speed, began


def _bucket(text: str | None) -> int:
    if not text:
        return BUCKET
    if not text.isdecimal() or int(text) < SHORTEST_BUCKET or HALF_HOUR % int(text):
        raise SettingError(
            f"VOL_ASSETS_BUCKET is {text!r}; it must be a whole number of seconds that divides half an hour, 60 for "
            f"instance, and at least {SHORTEST_BUCKET}: a poll and its run take seconds"
        )
    return int(text)
