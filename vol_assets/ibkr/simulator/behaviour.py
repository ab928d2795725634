"""How the simulated gateway behaves: the healthy one by default, and what can be wrong with it."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass
from enum import IntEnum

NEVER = math.inf


class Permission(IntEnum):
    """What market data the account may have; a higher one is less."""

    LIVE = 0
    DELAYED = 1
    NONE = 2


@dataclass(frozen=True)
class Behaviour:
    """Delays are in real seconds.

    tick_delay: from asking for a line to its first ticks; greeks_delay: to its first greeks, NEVER for none;
    tick_every: to the next. permission: for all data; options: for options. lines, messages: how many a client may
    have, and send within PACING_WINDOW. unanswered: numbers of messages that get no answer. greeting: whether the
    handshake gets one. competing: whether another session has the data. skew: seconds that the clock is off by. chunk:
    bytes to a piece that frames are sent in, 0 for whole ones.
    """

    tick_delay: float = 0.1
    greeks_delay: float = 0.2
    tick_every: float = 0.5
    permission: Permission = Permission.LIVE
    options: Permission = Permission.LIVE
    lines: int = 100
    messages: int = 50
    unanswered: frozenset[int] = frozenset()
    greeting: bool = True
    competing: bool = False
    skew: float = 0.0
    chunk: int = 0


PACING_WINDOW = 0.9
"""Seconds. A client that sends bursts of what it may a second must not trip over a timer that fires a little early."""
DELAY = dt.timedelta(minutes=15)  # of delayed data
