"""Listening on one connection to a gateway: its notices turned into troubles, and waiting that always ends.

A connection is given the ib_insync client it listens on, and imports nothing of it. Whatever comes, ticks, notices or
the end of the connection, wakes who waits; the first trouble is what the wait raises.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import re
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from vol_assets.ibkr.greeting import Gateway
from vol_assets.ibkr.outcome import Outcome

if TYPE_CHECKING:
    from ib_insync import IB, Contract, Ticker

T = TypeVar("T")

DATA_LOST_CODE, KEPT_CODE, MOVED_CODE = 1101, 1102, 1300
OFFLINE_CODES = frozenset({1100, 2110})
WARNING_CODES = frozenset({10090, 10091, 10167})  # said beside data that come
QUIET_CODES = frozenset({2104, 2106, 2107, 2108, 2119, 2158})  # a data farm is there, or will be when asked

ENDING_CODES = {
    100: (Outcome.TOO_FAST, "the gateway counted too many messages a second; is another program using this client id?"),
    326: (Outcome.DUPLICATE_CLIENT, "end the other program that has this client id, or give this one another id"),
    10197: (
        Outcome.COMPETING_SESSION,
        "the user is logged in elsewhere, and that session has the market data; log out there, or share the data in "
        "the account's settings",
    ),
}
"""Codes that end a poll whenever they come, with what to do about them."""


@dataclass(frozen=True)
class Limits:
    """What a poll may take.

    Seconds: budget for all of it; answer, for the connection, for each request, and for having a lost connection back;
    quiet, without anything new, after which quotes and greeks still missing are given up. lines: market-data lines, the
    share's among them.
    """

    budget: float = 25.0
    answer: float = 5.0
    quiet: float = 6.0
    lines: int = 90


class Trouble(Exception):
    """What ends a conversation. port: where a new connection may have what this one lost."""

    def __init__(self, outcome: Outcome, reason: str, *, port: int | None = None):
        super().__init__(reason)
        self.outcome, self.reason, self.port = outcome, reason, port


class DataLost(Exception):
    """The gateway has IB's servers back, and has forgotten what was asked for."""


class Connection:
    """What the gateway has said. end: the event loop's time at which every wait is over; codes: filled with the first
    words of each kind of notice; now: the clock that ticks are stamped by."""

    def __init__(
        self,
        ib: IB,
        gateway: Gateway,
        limits: Limits,
        end: float,
        now: Callable[[], dt.datetime],
        codes: dict[int, str],
    ):
        self.ib, self.gateway, self.limits, self.end, self.now, self.codes = ib, gateway, limits, end, now, codes
        self.loop = asyncio.get_running_loop()
        self.ready = self.offline = False
        # By the contract's id: contracts hash by their numbers, which are not known at first. They are kept with it, so
        # that no other contract gets the id.
        self._refused: dict[int, tuple[Contract, int]] = {}
        self._ticked: dict[int, tuple[Contract, dt.datetime]] = {}
        self._news = asyncio.Event()
        self._trouble: Trouble | DataLost | None = None
        ib.errorEvent.clear()  # its own listener asks for the account when IB is back
        ib.errorEvent += self._on_notice
        ib.pendingTickersEvent += self._on_ticks
        ib.client.conn.disconnected += self._on_closed

    async def open(self) -> None:
        """Connect; a Trouble where nobody answers, or says no."""
        gateway = self.gateway
        try:
            await self.answer(self.ib.client.connectAsync(*gateway, timeout=0), "the start of a session")
        except ConnectionRefusedError as error:
            reason = f"nothing listens at {gateway}; start TWS or IB Gateway, enable socket clients, compare the port"
            raise Trouble(Outcome.REFUSED, reason) from error
        except OSError as error:
            raise Trouble(Outcome.REFUSED, f"{gateway} cannot be reached: {error.strerror or error}") from error
        self.ready = True

    async def close(self) -> None:
        """Disconnect, which ends what was asked for."""
        self.ib.client.disconnect()
        await asyncio.sleep(0)  # the transport closes in the loop's next turn

    def forget(self) -> None:
        """Begin anew on the same connection, after a DataLost."""
        self._trouble = None
        self._refused.clear()

    def refused(self, contract: Contract) -> int | None:
        """The code with which the gateway refused what was asked of the contract."""
        return self._refused.get(id(contract), (contract, None))[1]

    def ticked(self, contract: Contract) -> dt.datetime | None:
        """The instant of the contract's last tick."""
        return self._ticked.get(id(contract), (contract, None))[1]

    async def until(self, done: Callable[[], bool], seconds: float) -> bool:
        """Whether it is done within `seconds` and before the end; raises the trouble that comes first."""
        end = min(self.loop.time() + seconds, self.end)
        while not done():
            if self._trouble:
                raise self._trouble
            if self.loop.time() >= end:
                return False
            self._news.clear()
            try:
                async with asyncio.timeout_at(end):
                    await self._news.wait()
            except TimeoutError:
                continue  # for a last look
        return True

    async def answers(self, requests: list[Awaitable[T]], seconds: float) -> list[T | BaseException]:
        """The requests' answers, or the exceptions in their stead, a CancelledError where none came in time."""
        tasks = [asyncio.ensure_future(request) for request in requests]
        for task in tasks:
            task.add_done_callback(lambda _: self._news.set())
        try:
            await self.until(lambda: all(task.done() for task in tasks), seconds)
        finally:
            for task in tasks:
                task.cancel()
            results = await asyncio.gather(*tasks, return_exceptions=True)
        return results

    async def answer(self, request: Awaitable[T], what: str) -> T:
        """The answer to one request; a Trouble where none comes."""
        (answer,) = await self.answers([request], self.limits.answer)
        if isinstance(answer, asyncio.CancelledError):
            raise self.silent(f"did not answer {what} within {self.limits.answer:g} s")
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def silent(self, what: str) -> Trouble:
        """The trouble of a gateway that is there and does not do `what`."""
        if self.offline:
            return Trouble(Outcome.OFFLINE, f"{self.gateway} has lost IB's servers, and did not have them back in time")
        said = ", ".join(f"{code} {plain(text)}" for code, text in self.codes.items())
        return Trouble(Outcome.SILENT, f"{self.gateway} {what}{f'; it had said: {said}' if said else ''}")

    def closed(self, text: str = "") -> Trouble:
        """The trouble of a connection that has ended."""
        advice = "" if self.ready else "; is this address among its trusted ones?"
        reason = f"{self.gateway} closed the connection{f' ({text})' if text else ''}{advice}"
        return Trouble(Outcome.DROPPED, reason, port=self.gateway.port)

    # ------------------------------------------------------------------ what comes unasked

    def _on_notice(self, request: int, code: int, text: str, contract: Contract | None) -> None:
        if code in QUIET_CODES:
            return
        self.codes.setdefault(code, text)
        if code in ENDING_CODES:
            outcome, advice = ENDING_CODES[code]
            self._troubled(Trouble(outcome, f"{self.gateway} says {code}, {plain(text)}: {advice}"))
        elif code == MOVED_CODE:
            port = re.search(r"(\d+)\D*$", text)
            reason = f"{self.gateway} says {code}, {plain(text)}"
            self._troubled(Trouble(Outcome.DROPPED, reason, port=int(port[1]) if port else self.gateway.port))
        elif code == DATA_LOST_CODE:
            self.offline = False
            self._troubled(DataLost())
        elif code in OFFLINE_CODES:
            self.offline = True
        elif code == KEPT_CODE:
            self.offline = False
        elif contract is not None and code not in WARNING_CODES:
            self._refused[id(contract)] = (contract, code)
        self._news.set()

    def _on_ticks(self, tickers: Iterable[Ticker]) -> None:
        instant = self.now()
        self._ticked.update((id(ticker.contract), (ticker.contract, instant)) for ticker in tickers)
        self._news.set()

    def _on_closed(self, text: str) -> None:
        self._troubled(self.closed(text))

    def _troubled(self, trouble: Trouble | DataLost) -> None:
        self._trouble = self._trouble or trouble
        self._news.set()


def plain(text: str) -> str:
    """A notice's text on one line."""
    return " ".join(text.split()).rstrip(".")
