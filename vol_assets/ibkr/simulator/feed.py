"""The market-data lines of one client, ticked when they are due.

Lines that are due within GRID of each other are ticked together, so that a market quotes many contracts at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from vol_assets.ibkr.plan import OptionKey
from vol_assets.ibkr.simulator.lines import SNAPSHOT_ENDS, Line, option_ticks, share_ticks
from vol_assets.ibkr.simulator.market import Board
from vol_assets.ibkr.simulator.messages import Message, Tell

if TYPE_CHECKING:
    from vol_assets.ibkr.simulator.gateway import Simulator

GRID = 0.01  # seconds
IDLE = 3600.0  # seconds without a line after which it looks again


class Feed:
    """lines: the open ones, by their request; whoever drops one from there has cancelled it."""

    def __init__(self, simulator: Simulator, send: Callable[..., None]):
        self.lines: dict[str, Line] = {}
        self._simulator, self._send = simulator, send
        self._loop = asyncio.get_running_loop()
        self._opened = asyncio.Event()

    def open(
        self, request: str, key: OptionKey | None, kind: int, generic: frozenset[str], *, is_snapshot: bool
    ) -> None:
        """Open a line; its ticks come after the delays of the simulator's behaviour."""
        now, behaviour = self._loop.time(), self._simulator.behaviour
        self.lines[request] = Line(
            request=request,
            key=key,
            kind=kind,
            generic=generic,
            is_snapshot=is_snapshot,
            due=_on_grid(now + behaviour.tick_delay),
            greeks_due=_on_grid(now + behaviour.greeks_delay),
            ends=now + SNAPSHOT_ENDS if is_snapshot else math.inf,
        )
        self._simulator.most_lines = max(self._simulator.most_lines, len(self.lines))
        self._opened.set()

    async def run(self, drain: Callable[[], Awaitable[None]]) -> None:
        """Tick until cancelled; `drain` waits for a client that is slow to read."""
        while True:
            wait = min((line.due for line in self.lines.values()), default=math.inf) - self._loop.time()
            self._opened.clear()
            if wait > 0.0:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._opened.wait(), min(wait, IDLE))
                continue
            self._tick(self._loop.time())
            await drain()
            await asyncio.sleep(0)

    def _tick(self, now: float) -> None:
        due = [line for line in self.lines.values() if line.due <= now]
        for is_delayed in (False, True):
            if group := [line for line in due if line.is_delayed is is_delayed]:
                for line, ticks in self._ticks(group, self._simulator.board(is_delayed), now):
                    for tick in line.news(ticks):
                        self._send(*tick)
        for line in due:
            complete = line.key is None or line.greeks_due <= now
            if line.is_snapshot and (complete or line.ends <= now):
                del self.lines[line.request]
                self._send(Tell.SNAPSHOT_END, 1, line.request)
            line.due = _on_grid(now + self._simulator.behaviour.tick_every)
            if line.greeks_due > now:
                line.due = min(line.due, line.greeks_due, line.ends)

    @staticmethod
    def _ticks(due: list[Line], board: Board, now: float) -> list[tuple[Line, list[Message]]]:
        """What each line has to say; nothing of an option that has expired."""
        spot = round(0.5 * (board.share.bid + board.share.ask), 4)
        ticks = [(line, share_ticks(line, board.share, board.is_open)) for line in due if line.key is None]
        if options := [line for line in due if line.key in board.numbers]:
            for line, quote in zip(options, board.options([line.key for line in options])):
                ticks.append((line, option_ticks(line, quote, spot, board.is_open, line.greeks_due <= now)))
        return ticks


def _on_grid(instant: float) -> float:
    return math.ceil(instant / GRID) * GRID if math.isfinite(instant) else instant
