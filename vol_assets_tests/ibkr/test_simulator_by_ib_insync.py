"""The simulated gateway as ib_insync sees it, with everything a session of its own asks for."""

from __future__ import annotations

import asyncio
import datetime as dt
import math
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
from smile_market import EXPIRATIONS, FAST, NOON, STRIKES, SmileMarket, listed

from vol_assets import clock
from vol_assets.ibkr.plan import OptionKey
from vol_assets.ibkr.simulator import NEVER, Permission, Simulator
from vol_assets.ibkr.simulator.contracts import SHARE_NUMBER

EVENING = dt.datetime(2024, 3, 15, 21, 0, tzinfo=dt.UTC)


def converse(simulator: Simulator, talk: Callable[[Any, list], Awaitable[Any]], client_id: int = 5) -> Any:
    """Connect as ib_insync does by itself, have the talk, disconnect; the talk gets the client and its notices."""

    async def whole() -> Any:
        import ib_insync

        ib, notices = ib_insync.IB(), []
        ib.errorEvent += lambda request, code, text, contract: notices.append(code)
        try:
            await ib.connectAsync("127.0.0.1", simulator.port, clientId=client_id, timeout=20)
            return await talk(ib, notices)
        finally:
            ib.disconnect()
            await asyncio.sleep(0)

    return asyncio.run(whole())


async def eventually(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20.0):
        while not condition():
            await asyncio.sleep(0.005)


def option(strike: float = 500.0, right: str = "C", expiration: dt.date = EXPIRATIONS[0], symbol: str = "SPY"):
    import ib_insync

    return ib_insync.Option(symbol, f"{expiration:%Y%m%d}", strike, right, "SMART")


def share():
    import ib_insync

    return ib_insync.Stock("SPY", "SMART", "USD")


def test_a_session_starts_with_all_that_the_client_asks_at_its_start(simulate):
    simulator = simulate()

    async def talk(ib, notices):
        return ib.client.serverVersion(), ib.managedAccounts(), await ib.reqCurrentTimeAsync(), set(notices)

    version, accounts, time, notices = converse(simulator, talk)
    assert (version, accounts) == (176, ["SIM0000001"])
    assert abs(time - simulator.now()) < dt.timedelta(minutes=1)
    assert notices == {2104, 2106}


def test_contracts_have_their_details(simulate):
    async def talk(ib, notices):
        return await ib.reqContractDetailsAsync(share()), await ib.reqContractDetailsAsync(option(right="P"))

    (stock,), (put,) = converse(simulate(), talk)
    assert (stock.contract.conId, stock.longName, stock.stockType) == (SHARE_NUMBER, "SPDR S&P 500 ETF TRUST", "ETF")
    assert stock.tradingHours.startswith("20240315:0930-20240315:1600;20240316:CLOSED")
    assert put.contract.conId == listed()[(EXPIRATIONS[0], 500.0, "P")]
    assert put.contract.localSymbol == "SPY   240322P00500000"
    assert (put.underConId, put.contract.multiplier, put.realExpirationDate) == (SHARE_NUMBER, "100", "20240322")


def test_a_contract_left_open_means_every_one_that_fits(simulate):
    async def talk(ib, notices):
        return await ib.reqContractDetailsAsync(option(strike=0.0, right=""))

    found = [(each.contract.strike, each.contract.right) for each in converse(simulate(), talk)]
    assert found == [(strike, right) for strike in STRIKES for right in "CP"]


def test_what_does_not_exist_is_said_not_to(simulate):
    async def talk(ib, notices):
        wanted = (option(strike=500.5), option(symbol="XYZ"), option(expiration=dt.date(2024, 3, 29)))
        return [await ib.reqContractDetailsAsync(each) for each in wanted], notices

    found, notices = converse(simulate(), talk)
    assert found == [[], [], []]
    assert notices.count(200) == 3


def test_option_parameters_name_expirations_and_strikes_on_each_exchange(simulate):
    async def talk(ib, notices):
        return await ib.reqSecDefOptParamsAsync("SPY", "", "STK", SHARE_NUMBER)

    chains = converse(simulate(), talk)
    assert [chain.exchange for chain in chains] == ["SMART", "CBOE"]
    assert chains[0].expirations == [f"{day:%Y%m%d}" for day in EXPIRATIONS]
    assert tuple(chains[0].strikes) == STRIKES
    assert (chains[0].tradingClass, chains[0].multiplier) == ("SPY", "100")


def test_lines_tick_with_prices_sizes_and_three_kinds_of_greeks_until_cancelled(simulate):
    simulator = simulate(replace(FAST, tick_every=0.02))

    async def talk(ib, notices):
        (call,) = await ib.qualifyContractsAsync(option())
        ticker, stock = ib.reqMktData(call), ib.reqMktData(share(), "106")
        await eventually(lambda: ticker.modelGreeks and stock.impliedVolatility > 0)
        ib.cancelMktData(call)
        await eventually(lambda: len(simulator.clients[5].feed.lines) == 1)
        return ticker, stock

    ticker, stock = converse(simulator, talk)
    (quote,) = SmileMarket().quotes_at(NOON).options([OptionKey(EXPIRATIONS[0], 500.0, "C")])
    assert (ticker.bid, ticker.ask, ticker.bidSize, ticker.askSize) == quote[:4]
    assert ticker.modelGreeks.impliedVol == pytest.approx(quote.vol)
    assert ticker.modelGreeks.delta == pytest.approx(quote.delta, abs=1e-4)
    assert ticker.bidGreeks.optPrice == quote.bid
    assert ticker.bidGreeks.impliedVol is None  # not computed
    assert (ticker.marketDataType, ticker.minTick) == (1, 0.01)
    assert (stock.bid, stock.ask, stock.last, stock.close) == (499.99, 500.01, 500.0, 498.0)
    assert stock.impliedVolatility == 0.18


def test_a_snapshot_ends_by_itself(simulate):
    simulator = simulate()

    async def talk(ib, notices):
        return await ib.reqTickersAsync(share(), option()), len(simulator.clients[5].feed.lines)

    (stock, call), lines = converse(simulator, talk)
    assert stock.bid == 499.99
    assert call.bid > 0
    assert call.modelGreeks.impliedVol == pytest.approx(0.18)
    assert lines == 0


@pytest.mark.parametrize(
    ("asked", "at", "permission", "got", "bid"),
    [
        (1, NOON, Permission.LIVE, 1, 499.99),
        (3, NOON, Permission.LIVE, 1, 499.99),
        (1, EVENING, Permission.LIVE, 1, -1.0),
        (2, EVENING, Permission.LIVE, 2, 499.99),
        (2, NOON, Permission.LIVE, 1, 499.99),
        (3, NOON, Permission.DELAYED, 3, 499.99),
        (3, EVENING, Permission.DELAYED, 3, -1.0),
        (4, EVENING, Permission.DELAYED, 4, 499.99),
    ],
)
def test_each_market_data_type_gets_its_kind_of_quote(simulate, asked, at, permission, got, bid):
    async def talk(ib, notices):
        ib.reqMarketDataType(asked)
        ticker = ib.reqMktData(share())
        await eventually(lambda: not math.isnan(ticker.ask))
        return ticker, notices

    ticker, notices = converse(simulate(replace(FAST, permission=permission), at=at), talk)
    assert (ticker.marketDataType, ticker.bid) == (got, bid)
    assert (10167 in notices) is (permission is Permission.DELAYED)


def test_the_line_beyond_the_limit_is_refused_and_the_others_stay(simulate):
    simulator = simulate(replace(FAST, lines=3))

    async def talk(ib, notices):
        tickers = [ib.reqMktData(option(strike)) for strike in STRIKES[:5]]
        await eventually(lambda: notices.count(101) == 2 and tickers[2].ask > 0)
        return tickers

    assert [ticker.ask > 0 for ticker in converse(simulator, talk)] == [True, True, True, False, False]
    assert simulator.most_lines == 3


def test_bars_follow_the_exchange_calendar_and_the_markets_prices(simulate):
    async def talk(ib, notices):
        daily = await ib.reqHistoricalDataAsync(share(), "", "3 D", "1 day", "TRADES", True)
        half_day = dt.datetime(2023, 11, 24, 18, 30, tzinfo=dt.UTC)
        hours = await ib.reqHistoricalDataAsync(share(), half_day, "1 D", "1 hour", "MIDPOINT", True, formatDate=2)
        call = await ib.reqHistoricalDataAsync(option(), "", "1800 S", "5 mins", "MIDPOINT", True)
        return daily, hours, call

    daily, hours, call = converse(simulate(), talk)
    assert [bar.date for bar in daily] == clock.sessions("2024-03-13", "2024-03-15")
    assert {(bar.open, bar.high, bar.low, bar.close) for bar in daily} == {(500.0, 500.0, 500.0, 500.0)}
    assert [bar.date.astimezone(clock.NEW_YORK).strftime("%H:%M") for bar in hours] == [
        "09:30",
        "10:30",
        "11:30",
        "12:30",
    ]
    assert len(call) == 6
    assert 1.0 < call[0].close < 20.0


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("", "2 D", "1 fortnight", "TRADES", True), 162),
        (("", "ever", "1 day", "TRADES", True), 162),
        (("noon", "1 D", "1 day", "TRADES", True), 162),
        (("", "10 Y", "1 min", "TRADES", True), 162),
        (("", "99 Y", "1 day", "TRADES", True), 162),
    ],
)
def test_bars_that_cannot_be_had_are_refused_with_a_reason(simulate, arguments, code):
    async def talk(ib, notices):
        return await ib.reqHistoricalDataAsync(share(), *arguments), notices

    bars, notices = converse(simulate(), talk)
    assert (len(bars), notices.count(code)) == (0, 1)


def test_the_same_bars_twice_within_15_seconds_are_too_many(simulate):
    async def talk(ib, notices):
        twice = [await ib.reqHistoricalDataAsync(share(), "", "1 D", "1 day", "TRADES", True) for _ in range(2)]
        return [len(bars) for bars in twice], notices

    assert converse(simulate(), talk)[0] == [1, 0]


def test_a_request_that_is_not_simulated_is_refused_and_the_session_goes_on(simulate):
    async def talk(ib, notices):
        ib.client.reqNewsProviders()
        await eventually(lambda: 321 in notices)
        return await ib.reqCurrentTimeAsync()

    assert converse(simulate(), talk)


def test_a_message_that_makes_no_sense_is_refused_and_the_session_goes_on(simulate):
    async def talk(ib, notices):
        ib.client.send(59, 1, "live, please")
        ib.client.send(9, 8)
        await eventually(lambda: notices.count(320) == 2)
        return await ib.reqCurrentTimeAsync()

    assert converse(simulate(), talk)


def test_a_snapshot_without_greeks_still_ticks(simulate):
    async def talk(ib, notices):
        ticker = ib.reqMktData(option(), "", True)
        await eventually(lambda: ticker.ask > 0)
        return ticker

    ticker = converse(simulate(replace(FAST, greeks_delay=NEVER)), talk)
    assert ticker.modelGreeks is None
