"""The simulator's clock: real seconds times a speed, from an instant on.

It is a function of the machine's clock alone, so every process that knows its three numbers has the same time.
"""

from __future__ import annotations

import datetime as dt
import time
from dataclasses import dataclass, field


@dataclass(frozen=True)
class SimulatedClock:
    """start: the instant (UTC) that it had at `began` (seconds since 1970); speed: its seconds a real second."""

    start: dt.datetime
    speed: float = 1.0
    began: float = field(default_factory=time.time)

    def now(self) -> dt.datetime:
        """The simulated instant, UTC."""
        return self.start + dt.timedelta(seconds=(time.time() - self.began) * self.speed)
