"""The simulated gateway: a TCP server that speaks the TWS API, server version 176, over a market and a clock.

    with Simulator(market, clock) as simulator:
        poll(Gateway(port=simulator.port), ...)

It runs in a thread of its own. What goes wrong is either how it behaves (`Behaviour`, which may be replaced while it
runs: what comes next heeds it) or what happens at a moment: `drop`, `say`, `lose_data`, `move`, called from any thread,
or `at_line` to have it happen in the middle of a poll.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from collections import Counter
from collections.abc import Callable

from vol_assets.ibkr.plan import OptionKey
from vol_assets.ibkr.simulator.behaviour import DELAY, Behaviour
from vol_assets.ibkr.simulator.clock import SimulatedClock
from vol_assets.ibkr.simulator.contracts import Listing
from vol_assets.ibkr.simulator.limits import Lag
from vol_assets.ibkr.simulator.market import Board, SimulatedMarket
from vol_assets.ibkr.simulator.server import Server
from vol_assets.ibkr.simulator.session import Session

ACCOUNT = "SIM0000001"  # by which a client knows that nothing here is real
BEAT = 0.02  # seconds


class Simulator(Server):
    """A gateway on this machine. What it has counted: `asked`, messages by number; `most_lines` one client had at once;
    `clients`, the connected ones by id."""

    def __init__(
        self,
        market: SimulatedMarket,
        clock: SimulatedClock,
        behaviour: Behaviour | None = None,
        account: str = ACCOUNT,
    ):
        super().__init__()
        self.market, self.clock, self.behaviour, self.account = market, clock, behaviour or Behaviour(), account
        self.lag = Lag()
        self.asked: Counter[int] = Counter()
        self.most_lines = 0
        self.clients: dict[int, Session] = {}
        self._sessions: set[Session] = set()
        self._at_line: dict[int, Callable[[Simulator], None]] = {}
        self._lines_asked = 0
        self._listing: tuple[object, Listing] | None = None

    # ------------------------------------------------------------------ what happens at a moment

    def drop(self) -> None:
        """Close every connection; new ones are taken."""
        self.soon(self._close_all)

    def vanish(self) -> None:
        """Close every connection and listen no more."""
        self.soon(self.close)
        self.soon(self._close_all)

    def say(self, code: int, text: str) -> None:
        """Send every client a notice."""
        self.soon(self._say, code, text)

    def lose_data(self) -> None:
        """Lose IB's servers and have them back without what was asked for: 1100, 1101 and no lines."""
        self.soon(self._lose_data)

    def move(self) -> None:
        """Listen on another port, say so (1300) and close every connection."""
        self.soon(lambda: self.loop.create_task(self._move()))

    def at_line(self, count: int, action: Callable[[Simulator], None]) -> None:
        """Do something when so many lines have been asked for since the simulator began, once."""
        self._at_line[count] = action

    # ------------------------------------------------------------------ what sessions ask

    def now(self) -> dt.datetime:
        """The simulated instant, UTC."""
        return self.clock.now()

    def board(self, is_delayed: bool = False) -> Board:
        """The quotes of now, or of a quarter of an hour ago."""
        return self.market.quotes_at(self.now() - DELAY if is_delayed else self.now())

    def listing(self) -> Listing:
        """The contracts of now."""
        numbers = self.board().numbers
        if self._listing is None or self._listing[0] is not numbers:
            self._listing = (numbers, Listing(self.market.underlying, numbers))
        return self._listing[1]

    def price_at(self, key: OptionKey | None, instant: dt.datetime) -> float:
        """The middle of a contract's quote at an instant; a LookupError where it was not listed."""
        board = self.market.quotes_at(instant)
        if key is None:
            return 0.5 * (board.share.bid + board.share.ask)
        if key not in board.numbers:
            raise LookupError(key)
        (quote,) = board.options([key])
        return 0.5 * (quote.bid + quote.ask)

    def line_asked(self) -> None:
        """Count one more request for a line, and do what was to be done at it."""
        self._lines_asked += 1
        if action := self._at_line.pop(self._lines_asked, None):
            action(self)

    # ------------------------------------------------------------------ in the loop

    async def prepared(self) -> None:
        self.listing()  # a market may take seconds to be made
        self._beating = self.loop.create_task(self._beat())

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        session = Session(self, reader, writer)
        self._sessions.add(session)
        try:
            await session.run()
        finally:
            self._sessions.remove(session)

    async def _beat(self) -> None:
        """Watch how late this thread is."""
        while True:
            began = self.loop.time()
            await asyncio.sleep(BEAT)
            self.lag.note(self.loop.time(), self.loop.time() - began - BEAT)

    def _close_all(self) -> None:
        for session in self._sessions:
            session.close()

    def _say(self, code: int, text: str) -> None:
        for session in self.clients.values():
            session.notice(code, text)

    def _lose_data(self) -> None:
        self._say(1100, "Connectivity between IB and Trader Workstation has been lost.")
        for session in self.clients.values():
            session.feed.lines.clear()
        self._say(1101, "Connectivity between IB and Trader Workstation has been restored - data lost.")

    async def _move(self) -> None:
        await self.listen(0)
        self._say(
            1300,
            "TWS socket port has been reset and this connection is being dropped. "
            f"Please reconnect on the new port - {self.port}",
        )
        for session in self._sessions:
            session.hang_up()
