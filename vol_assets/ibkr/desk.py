"""The desk that polls: which gateway, on which clock, in buckets of how long. Sensor and job are given the same.

On a simulated clock everything is in its time but for what a poll may take, which is real. The clock's beginning goes
into the names of buckets: a simulator that is started again lives through the same ones anew.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from pathlib import Path

from vol_assets.ibkr.client import poll
from vol_assets.ibkr.connection import Limits
from vol_assets.ibkr.greeting import Gateway
from vol_assets.ibkr.outcome import Poll, bucket_start
from vol_assets.settings import Settings

FRESH = 1.5  # buckets
RUN = 10.0  # real seconds that a run takes from its poll on, whatever its clock


@dataclass(frozen=True)
class Desk:
    """folder: where contracts are remembered; clock: start (UTC), speed and beginning of a simulated one, None for the
    machine's; bucket: seconds of that clock."""

    gateway: Gateway
    folder: Path
    clock: tuple[dt.datetime, float, float] | None = None
    bucket: int = 60
    limits: Limits = field(default_factory=Limits)

    @classmethod
    def of(cls, settings: Settings) -> Desk:
        """The desk of some settings."""
        return cls(Gateway(*settings.ibkr), settings.data / "live" / "contracts", settings.ibkr_clock, settings.bucket)

    @property
    def step(self) -> dt.timedelta:
        """From one bucket to the next."""
        return dt.timedelta(seconds=self.bucket)

    @property
    def speed(self) -> float:
        """The clock's seconds a real second."""
        return self.clock[1] if self.clock else 1.0

    @property
    def fresh(self) -> dt.timedelta:
        """How old a bucket's start may be for its quotes to be those of now."""
        return max(FRESH * self.step, self.step + dt.timedelta(seconds=RUN * self.speed))

    def now(self) -> dt.datetime:
        """The instant (UTC) by the desk's clock."""
        if self.clock is None:
            return dt.datetime.now(dt.UTC)
        from vol_assets.ibkr.simulator.clock import SimulatedClock

        return SimulatedClock(*self.clock).now()

    def bucket_of(self, instant: dt.datetime) -> dt.datetime:
        """The start of the bucket that an instant (UTC) is in."""
        return bucket_start(instant, self.bucket)

    def name_of(self, bucket: dt.datetime) -> str:
        """What a bucket is called, and no other one of this clock or another."""
        began = f" of {self.clock[2]:.3f}" if self.clock else ""
        return f"{bucket:%Y-%m-%dT%H:%M:%SZ}{began}"

    def poll(self) -> Poll:
        """The smile now."""
        return poll(self.gateway, self.folder, now=self.now, bucket=self.bucket, limits=self.limits)
