"""One poll of a gateway: connect, ask, wait, disconnect, within a time budget that nothing outlasts.

ib_insync is imported here and nowhere else, inside the coroutine: its first import wants an event loop in its thread.
A poll is one `asyncio.run`, whichever thread calls it. It takes streams, not snapshots, whose greeks rarely come, and
lets the disconnect end them, which saves a message a line. Every price is the poll's own: each contract has its own
request and ticker, and new ones after data were lost. A session that is only after data asks for no orders, positions
or accounts, so the client's handshake is all of its start.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from vol_assets import clock
from vol_assets.ibkr.connection import Connection, DataLost, Limits, Trouble
from vol_assets.ibkr.greeting import Gateway
from vol_assets.ibkr.known import Known, known_path
from vol_assets.ibkr.outcome import Outcome, Poll, bucket_start, quotes_frame
from vol_assets.ibkr.plan import OptionKey, expirations, plan
from vol_assets.ibkr.quotes import Seen, answered, judged, middle, positive, refusal, with_greeks, without_market

if TYPE_CHECKING:
    from ib_insync import Contract, Ticker

MESSAGES = 40  # a second; the gateway ends a connection at 50
PLANS = 5  # made in one poll, each without the contracts that the last one missed
MARGIN = 0.5  # seconds of the budget kept for putting the quotes together
RECONNECT_PAUSE = 0.3  # seconds: a gateway needs a moment to notice that a client is gone
SECOND_LOOK = 0.5  # seconds before a share without bid and ask, or without a vol, is believed
MOST_SKEW = dt.timedelta(seconds=30)  # half a bucket
USUAL_VOL = 0.2  # where the gateway has never said the share's
IMPLIED_VOL_TICK = "106"  # generic tick: 30-day implied vol of the share
LIVE_IF_ALLOWED = 3  # market-data type asked for: live with permission, else delayed
NO_CONTRACT = 200  # code
SIMULATED_ACCOUNT = "SIM"  # how the simulator's accounts begin, and no real one


def poll(
    gateway: Gateway,
    folder: Path,
    *,
    underlying: str = "SPY",
    now: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC),
    bucket: float = 60.0,
    limits: Limits | None = None,
) -> Poll:
    """The smile of `underlying` at the gateway, now.

    folder: where contracts are remembered from poll to poll; now: the clock, in UTC, that the gateway's must agree
    with; bucket: seconds. Blocks for no more than the budget. Whatever the gateway does is an outcome and raises
    nothing; an OSError where the folder cannot be written, a RuntimeError inside a running event loop.
    """
    began, limits = time.monotonic(), limits or Limits()
    ended = asyncio.run(_poll(gateway, folder, underlying, now, bucket_start(now(), bucket), limits))
    return replace(ended, seconds=time.monotonic() - began)


async def _poll(
    gateway: Gateway,
    folder: Path,
    underlying: str,
    now: Callable[[], dt.datetime],
    bucket: dt.datetime,
    limits: Limits,
) -> Poll:
    """A conversation, and another one when a connection that served is lost, for as long as one may wait for it."""
    import ib_insync

    logging.getLogger("ib_insync").addHandler(logging.NullHandler())  # what it would print, the outcome says
    loop = asyncio.get_running_loop()
    end = loop.time() + limits.budget
    codes: dict[int, str] = {}
    lost: Trouble | None = None
    while True:
        ib = ib_insync.IB()
        ib.client.MaxRequests = MESSAGES
        connection = Connection(ib, gateway, limits, end - MARGIN, now, codes)
        try:
            async with asyncio.timeout_at(end):
                ended = await _Conversation(ib_insync, connection, folder, underlying, bucket).held()
                return replace(ended, codes=codes)
        except TimeoutError:
            trouble = Trouble(Outcome.SILENT, f"{gateway} was not done with after {limits.budget:g} s")
        except Trouble as error:
            trouble = error
        if connection.ready and trouble.port:
            lost, gateway, again_until = trouble, gateway._replace(port=trouble.port), loop.time() + limits.answer
        if not lost or (connection.ready and not trouble.port):
            return Poll(trouble.outcome, trouble.reason, quotes_frame([]), codes)
        if loop.time() + RECONNECT_PAUSE > min(again_until, end - MARGIN):
            since = "" if lost is trouble else f"; since then: {trouble.reason}"
            return Poll(lost.outcome, f"{lost.reason}{since}", quotes_frame([]), codes)
        await asyncio.sleep(RECONNECT_PAUSE)


class _Conversation:
    """What is asked on one connection, in order."""

    def __init__(self, api, connection: Connection, folder: Path, underlying: str, bucket: dt.datetime):
        self.api, self.ib, self.connection = api, connection.ib, connection
        self.folder, self.underlying, self.bucket = folder, underlying, bucket
        self.gateway, self.limits, self.now = connection.gateway, connection.limits, connection.now

    async def held(self) -> Poll:
        """The smile; a Trouble where the conversation ends before."""
        try:
            await self.connection.open()
            while True:
                try:
                    return await self._smile()
                except DataLost:
                    self.connection.forget()
        except ConnectionError as error:  # of a request on a connection just lost
            raise self.connection.closed(str(error)) from error
        finally:
            await self.connection.close()

    async def _smile(self) -> Poll:
        await self._compare_clocks()
        accounts = self.ib.client.getAccounts()
        source = "simulator" if any(name.startswith(SIMULATED_ACCOUNT) for name in accounts) else "ibkr"
        session = self.now().astimezone(clock.NEW_YORK).date()
        path = known_path(self.folder, source, self.underlying, session)
        known = Known.read(path)
        self.ib.reqMarketDataType(LIVE_IF_ALLOWED)
        share = await self._share(known)
        await self._list(known)
        spot = middle(share)
        keys = await self._numbered(known, spot, session)
        known.write(path)
        asked = {key: self._option(known, key) for key in keys if known.numbers.get(key)}
        if not asked:
            reason = f"of {len(keys)} options of {self.underlying} that were asked for, {self.gateway} knows none"
            raise Trouble(Outcome.NO_CONTRACT, reason)
        tickers = [self.ib.reqMktData(contract, "", False, False) for contract in asked.values()]
        await self._quoted(tickers)
        refused, ticked = self.connection.refused, self.connection.ticked
        seen = [
            Seen(key, ticker, refused(contract), ticked(contract))
            for (key, contract), ticker in zip(asked.items(), tickers)
        ]
        if gone := {one.key: None for one in seen if one.refused == NO_CONTRACT}:
            known.numbers |= gone
            known.write(path)
        return judged(str(self.gateway), source, self.bucket, middle(share) or spot, share.marketDataType, seen)

    async def _compare_clocks(self) -> None:
        before = self.now()
        theirs = await self.connection.answer(self.ib.reqCurrentTimeAsync(), "what time it is")
        after = self.now()
        if not before - MOST_SKEW <= theirs <= after + MOST_SKEW:
            raise Trouble(
                Outcome.CLOCK_SKEW,
                f"{self.gateway} has {theirs:%Y-%m-%d %H:%M:%S} UTC, here it is {after:%Y-%m-%d %H:%M:%S}, and "
                f"{MOST_SKEW.seconds} s apart are allowed; set the clock that is wrong",
            )

    async def _share(self, known: Known) -> Ticker:
        """The share's ticker once it is quoted; its number and its vol noted."""
        share = self.api.Stock(self.underlying, "SMART", "USD", conId=known.share or 0)
        if not known.share:
            found = await self.connection.answer(self.ib.reqContractDetailsAsync(share), f"what {self.underlying} is")
            if len(found) != 1:
                reason = f"{self.gateway} knows {len(found)} shares {self.underlying} on SMART in USD, expected one"
                raise Trouble(Outcome.NO_CONTRACT, reason)
            share.conId = known.share = found[0].contract.conId
        ticker = self.ib.reqMktData(share, IMPLIED_VOL_TICK, False, False)

        def priced() -> bool:
            return middle(ticker) is not None or self.connection.refused(share) is not None

        await self.connection.until(lambda: priced() or without_market(ticker), self.limits.answer)
        if not priced() and not without_market(ticker):
            raise self.connection.silent(f"sent no quote of {self.underlying} within {self.limits.answer:g} s")
        if not await self.connection.until(priced, SECOND_LOOK):
            raise Trouble(Outcome.MARKET_CLOSED, f"{self.gateway}: {self.underlying} has no bid and ask now")
        if code := self.connection.refused(share):
            outcome, reason = refusal(code)
            raise Trouble(outcome, f"{self.gateway}: {self.underlying} {reason}")
        if positive(ticker.impliedVolatility) or not known.vol:
            await self.connection.until(lambda: positive(ticker.impliedVolatility), SECOND_LOOK)
            known.vol = ticker.impliedVolatility if positive(ticker.impliedVolatility) else None
        return ticker

    async def _list(self, known: Known) -> None:
        """Note the expirations and strikes there are."""
        if known.expirations:
            return
        request = self.ib.reqSecDefOptParamsAsync(self.underlying, "", "STK", known.share)
        chains = await self.connection.answer(request, f"which options {self.underlying} has")
        own = [chain for chain in chains if (chain.exchange, chain.tradingClass) == ("SMART", self.underlying)]
        if not own:
            raise Trouble(Outcome.NO_CONTRACT, f"{self.gateway} lists no options of {self.underlying} on SMART")
        known.expirations = [dt.datetime.strptime(day, "%Y%m%d").date() for day in own[0].expirations]
        known.strikes, known.multiplier = sorted(own[0].strikes), own[0].multiplier

    async def _numbered(self, known: Known, spot: float, session: dt.date) -> tuple[OptionKey, ...]:
        """The contracts to ask for; planned again where some turned out not to exist, their numbers noted."""
        days = expirations(known.expirations, session)
        for _ in range(PLANS):
            listing = {day: known.strikes_of(day) for day in days}
            keys = plan(listing, spot, known.vol or USUAL_VOL, self.now(), self.limits.lines - 1)
            contracts = {key: self._option(known, key) for key in keys if key not in known.numbers}
            if not contracts:
                break
            requests = [self.ib.reqContractDetailsAsync(contract) for contract in contracts.values()]
            answers = await self.connection.answers(requests, self.limits.answer + len(requests) / MESSAGES)
            for (key, contract), found in zip(contracts.items(), answers):
                if self.connection.refused(contract) == NO_CONTRACT:
                    known.numbers[key] = None
                elif isinstance(found, list) and found:
                    known.numbers[key] = found[0].contract.conId
            if not any(self.connection.refused(contract) for contract in contracts.values()):
                break
        return keys

    async def _quoted(self, tickers: list[Ticker]) -> None:
        """Wait until every quote has its greeks, or for as long as more of them come and time is left."""

        def reached() -> tuple[int, int]:
            return sum(map(self._settled, tickers)), sum(map(answered, tickers))

        more = True
        while more and (before := reached())[0] < len(tickers):
            more = await self.connection.until(lambda before=before: reached() != before, self.limits.quiet)
        if self.connection.offline:
            raise self.connection.silent("")

    def _settled(self, ticker: Ticker) -> bool:
        """Whether nothing more is to come than other prices."""
        refused = self.connection.refused(ticker.contract) is not None
        return refused or without_market(ticker) or (answered(ticker) and with_greeks(ticker))

    def _option(self, known: Known, key: OptionKey) -> Contract:
        return self.api.Option(
            self.underlying,
            f"{key.expiration:%Y%m%d}",
            key.strike,
            key.right,
            "SMART",
            known.multiplier,
            "USD",
            tradingClass=self.underlying,
            conId=known.numbers.get(key) or 0,
        )
