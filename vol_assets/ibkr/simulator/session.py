"""One client's connection to the simulated gateway: its requests, answered one after the other."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING

from vol_assets.errors import GatewayError, VolAssetsError
from vol_assets.ibkr.framing import HELLO, decode, encode, length_of
from vol_assets.ibkr.plan import OptionKey
from vol_assets.ibkr.simulator import lines, messages
from vol_assets.ibkr.simulator.bars import BarsRequest
from vol_assets.ibkr.simulator.contracts import SHARE_NUMBER
from vol_assets.ibkr.simulator.feed import Feed
from vol_assets.ibkr.simulator.limits import HistoricalPacing, Pacing
from vol_assets.ibkr.simulator.messages import Ask, AskedContract, Tell

if TYPE_CHECKING:
    from vol_assets.ibkr.simulator.gateway import Simulator

WELCOME = ((2104, "Market data farm connection is OK:usfarm"), (2106, "HMDS data farm connection is OK:ushmds"))
CANCELS = (
    Ask.CANCEL_BARS,
    Ask.CANCEL_POSITIONS,
    Ask.CANCEL_ACCOUNT_SUMMARY,
    Ask.CANCEL_ACCOUNT_UPDATES_MULTI,
)
"""Of what is answered at once and then over."""
GOODBYE = 1.0  # seconds for a client to read what was said before the end
NO_DEFINITION = "No security definition has been found for the request"


class Session:
    """A connection from its handshake to its end."""

    def __init__(self, simulator: Simulator, reader: asyncio.StreamReader, writer: asyncio.StreamWriter):
        self.simulator = simulator
        self.client: int | None = None
        self.feed = Feed(simulator, self.send)
        self._reader, self._writer = reader, writer
        self._loop = asyncio.get_running_loop()
        self._data_type = lines.LIVE
        self._hung_up = False
        self._pacing, self._historical = Pacing(simulator.behaviour.messages), HistoricalPacing()
        self._answers: dict[int, Callable[[list[str]], None]] = {
            Ask.START: self._start,
            Ask.NEXT_ID: lambda _: self.send(Tell.NEXT_ID, 1, 1),
            Ask.ACCOUNTS: lambda _: self.send(Tell.ACCOUNTS, 1, simulator.account),
            Ask.TIME: self._time,
            Ask.MARKET_DATA_TYPE: self._set_data_type,
            Ask.CONTRACT: self._contract,
            Ask.OPTION_PARAMETERS: self._option_parameters,
            Ask.MARKET_DATA: self._market_data,
            Ask.CANCEL_MARKET_DATA: lambda fields: self.feed.lines.pop(fields[2], None),
            Ask.BARS: self._bars,
            Ask.POSITIONS: lambda _: self.send(Tell.POSITIONS_END, 1),
            Ask.OPEN_ORDERS: lambda _: self.send(Tell.OPEN_ORDERS_END, 1),
            Ask.COMPLETED_ORDERS: lambda _: self.send(Tell.COMPLETED_ORDERS_END),
            Ask.ACCOUNT_UPDATES: lambda fields: self.send(Tell.ACCOUNT_UPDATES_END, 1, fields[3]),
            Ask.ACCOUNT_UPDATES_MULTI: lambda fields: self.send(Tell.ACCOUNT_UPDATES_MULTI_END, 1, fields[2]),
            Ask.EXECUTIONS: lambda fields: self.send(Tell.EXECUTIONS_END, 1, fields[2]),
            Ask.ACCOUNT_SUMMARY: lambda fields: self.send(Tell.ACCOUNT_SUMMARY_END, 1, fields[2]),
            **dict.fromkeys(CANCELS, lambda _: None),
        }

    async def run(self) -> None:
        """Serve the client until it or the simulator closes the connection."""
        ticking = asyncio.create_task(self.feed.run(self._writer.drain))
        try:
            await self._shake_hands()
            while True:
                self._answer(decode(await self._frame()))
        finally:
            self._leave()
            ticking.cancel()
            with contextlib.suppress(asyncio.CancelledError, ConnectionError):
                await ticking

    def close(self) -> None:
        """Close the connection; `run` ends."""
        self._writer.close()

    def hang_up(self) -> None:
        """Say no more, and close when the client has read what was said: a plain close would take the words back where
        the client has sent something that nobody reads."""
        self._hung_up = True
        self._leave()
        if not self._writer.is_closing():
            self._writer.write_eof()
            self._loop.call_later(GOODBYE, self.close)

    def send(self, *fields: object) -> None:
        """Send one message."""
        if self._hung_up:
            return
        data = encode(*fields)
        piece = self.simulator.behaviour.chunk or len(data)
        for start in range(0, len(data), piece):
            if not self._writer.is_closing():
                self._writer.write(data[start : start + piece])

    def notice(self, code: int, text: str, request: str | int = -1) -> None:
        """Send a notice."""
        self.send(*messages.notice(code, text, request))

    # ------------------------------------------------------------------ requests

    async def _shake_hands(self) -> None:
        if await self._reader.readexactly(len(HELLO)) != HELLO:
            raise GatewayError("not a client of the TWS API")
        await self._frame()
        if self.simulator.behaviour.greeting:
            self.send(messages.VERSION, f"{self.simulator.now():%Y%m%d %H:%M:%S} UTC")

    async def _frame(self) -> bytes:
        return await self._reader.readexactly(length_of(await self._reader.readexactly(4)))

    def _answer(self, fields: list[str]) -> None:
        now = self._loop.time()
        if self._hung_up:
            return
        if not self._pacing.allows(now, self.simulator.lag.until(now)):
            self.notice(100, "Max rate of messages per second has been exceeded:max=50 rec=51 (1)")
            self.hang_up()
            return
        asked = int(fields[0]) if fields and fields[0].isdecimal() else -1
        self.simulator.asked[asked] += 1
        if asked in self.simulator.behaviour.unanswered:
            return
        if asked not in self._answers:
            self.notice(321, f"Error validating request: the simulator has no answer to message {asked}")
            return
        try:
            self._answers[asked](fields)
        except (ValueError, IndexError, TypeError):
            self.notice(320, f"Server error when reading an API client request: message {asked}")

    def _leave(self) -> None:
        """Give the client id back."""
        if self.simulator.clients.get(self.client) is self:
            del self.simulator.clients[self.client]

    def _start(self, fields: list[str]) -> None:
        client = int(fields[2])
        if client in self.simulator.clients:
            self.notice(326, "Unable to connect as the client id is already in use. Retry with a unique client id.")
            self.hang_up()
            return
        self.client = client
        self.simulator.clients[client] = self
        self.send(Tell.ACCOUNTS, 1, self.simulator.account)
        self.send(Tell.NEXT_ID, 1, 1)
        for code, text in WELCOME:
            self.notice(code, text)

    def _time(self, fields: list[str]) -> None:
        self.send(Tell.TIME, 1, int(self.simulator.now().timestamp() + self.simulator.behaviour.skew))

    def _set_data_type(self, fields: list[str]) -> None:
        self._data_type = int(fields[2])

    def _contract(self, fields: list[str]) -> None:
        request, asked = fields[2], AskedContract(*fields[3:15])
        listing = self.simulator.listing()
        found = [None] if listing.is_share(asked) else listing.options(asked)
        if not found:
            self.notice(200, NO_DEFINITION, request)
            return
        for key in found:
            self.send(*messages.contract(request, listing.terms(asked, key, self.simulator.now())))
        self.send(Tell.CONTRACT_END, 1, request)

    def _option_parameters(self, fields: list[str]) -> None:
        request, symbol, listing = fields[1], fields[2], self.simulator.listing()
        if symbol == listing.symbol:
            for exchange in ("SMART", "CBOE"):
                self.send(
                    *messages.option_parameters(
                        request, exchange, SHARE_NUMBER, symbol, listing.expirations, listing.strikes
                    )
                )
        self.send(Tell.OPTION_PARAMETERS_END, request)

    def _bars(self, fields: list[str]) -> None:
        request = fields[1]
        try:
            if not self._historical.allows(self._loop.time(), tuple(fields[2:])):
                raise GatewayError("pacing violation")
            asked = BarsRequest.parsed(fields, self.simulator.now())
            key = self._contract_of(asked.contract)
            rows = asked.rows(lambda instant: self.simulator.price_at(key, instant))
        except VolAssetsError as error:
            self.notice(162, f"Historical Market Data Service error message:{error}", request)
        except LookupError:
            self.notice(200, NO_DEFINITION, request)
        else:
            self.send(*messages.bars(request, *asked.ends(), rows))

    def _contract_of(self, asked: AskedContract) -> OptionKey | None:
        """The one option that is asked for, None for the share; a LookupError where it is not one contract."""
        listing = self.simulator.listing()
        if listing.is_share(asked):
            return None
        keys = listing.options(asked)
        if len(keys) != 1:
            raise LookupError(asked)
        return keys[0]

    def _market_data(self, fields: list[str]) -> None:
        request, behaviour = fields[2], self.simulator.behaviour
        self.simulator.line_asked()
        if len(self.feed.lines) >= behaviour.lines:
            self.notice(101, "Max number of tickers has been reached", request)
            return
        try:
            key = self._contract_of(AskedContract(*fields[3:15]))
        except LookupError:
            self.notice(200, NO_DEFINITION, request)
            return
        if behaviour.competing:
            self.notice(10197, "No market data during competing live session", request)
            return
        permission = behaviour.permission if key is None else max(behaviour.permission, behaviour.options)
        kind = lines.data_type(self._data_type, permission, self.simulator.board().is_open)
        if kind is None:
            self.notice(354, "Requested market data is not subscribed.", request)
            return
        if kind in (lines.DELAYED_TYPE, lines.DELAYED_FROZEN):
            text = "Requested market data is not subscribed. Displaying delayed market data."
            self.notice(10167, text, request)
        self.send(Tell.LINE_PARAMETERS, request, 0.01, "9c0001", 3)
        self.send(Tell.MARKET_DATA_TYPE, 1, request, kind)
        self.feed.open(request, key, kind, frozenset(fields[16].split(",")), is_snapshot=fields[17] == "1")
