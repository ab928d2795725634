"""The simulated gateway as the broker's own client sees it: another decoder of the same protocol, with no code of
ib_insync's in it, so that the simulator is true to the protocol and not to one reader of it."""

from __future__ import annotations

import datetime as dt
import threading
from collections import defaultdict
from collections.abc import Iterator

import pytest
from ibapi.client import EClient
from ibapi.contract import Contract
from ibapi.wrapper import EWrapper
from smile_market import EXPIRATIONS, NOON, STRIKES, SmileMarket, listed

from vol_assets.ibkr.plan import OptionKey
from vol_assets.ibkr.simulator.contracts import SHARE_NUMBER

KEY = OptionKey(EXPIRATIONS[0], 500.0, "C")


class Listener(EWrapper, EClient):
    """Keeps what comes, by the name of the callback; `wait` until something has."""

    def __init__(self):
        EWrapper.__init__(self)
        EClient.__init__(self, self)
        self.heard = defaultdict(list)
        self._came = threading.Condition()

    def keep(self, name, *what):
        with self._came:
            self.heard[name].append(what)
            self._came.notify_all()

    def wait(self, name, count=1):
        with self._came:
            assert self._came.wait_for(lambda: len(self.heard[name]) >= count, timeout=30), name
            return self.heard[name]

    def nextValidId(self, orderId):
        self.keep("id", orderId)

    def managedAccounts(self, accountsList):
        self.keep("accounts", accountsList)

    def currentTime(self, time):
        self.keep("time", time)

    def contractDetails(self, reqId, contractDetails):
        self.keep("contract", reqId, contractDetails)

    def contractDetailsEnd(self, reqId):
        self.keep("contract end", reqId)

    def securityDefinitionOptionParameter(self, *arguments):
        self.keep("parameters", *arguments)

    def securityDefinitionOptionParameterEnd(self, reqId):
        self.keep("parameters end", reqId)

    def tickPrice(self, reqId, tickType, price, attrib):
        self.keep("price", reqId, tickType, price)

    def tickSize(self, reqId, tickType, size):
        self.keep("size", reqId, tickType, float(size))

    def tickGeneric(self, reqId, tickType, value):
        self.keep("generic", reqId, tickType, value)

    def tickOptionComputation(self, *arguments):
        self.keep("greeks", *arguments)

    def tickSnapshotEnd(self, reqId):
        self.keep("snapshot end", reqId)

    def marketDataType(self, reqId, marketDataType):
        self.keep("data type", reqId, marketDataType)

    def tickReqParams(self, tickerId, minTick, bboExchange, snapshotPermissions):
        self.keep("line", tickerId, minTick)

    def historicalData(self, reqId, bar):
        self.keep("bar", reqId, bar)

    def historicalDataEnd(self, reqId, start, end):
        self.keep("bars end", reqId)

    def positionEnd(self):
        self.keep("positions end")

    def error(self, reqId, errorTime, errorCode, errorString, advancedOrderRejectJson=""):
        self.keep("notice", reqId, errorCode)


@pytest.fixture
def client(simulate) -> Iterator[Listener]:
    """A client connected to a simulated gateway."""
    listener = Listener()
    listener.connect("127.0.0.1", simulate().port, clientId=3)
    thread = threading.Thread(target=listener.run, daemon=True)
    thread.start()
    listener.wait("id")
    yield listener
    listener.disconnect()
    thread.join(10)
    assert not thread.is_alive()


def option(key: OptionKey = KEY) -> Contract:
    contract = Contract()
    contract.symbol, contract.secType, contract.exchange, contract.currency = "SPY", "OPT", "SMART", "USD"
    contract.lastTradeDateOrContractMonth = f"{key.expiration:%Y%m%d}"
    contract.strike, contract.right, contract.multiplier = key.strike, key.right, "100"
    return contract


def share() -> Contract:
    contract = Contract()
    contract.symbol, contract.secType, contract.exchange, contract.currency = "SPY", "STK", "SMART", "USD"
    return contract


def test_a_session_starts(client):
    assert client.serverVersion() == 176
    assert client.wait("accounts") == [("SIM0000001",)]
    assert [code for _, code in client.wait("notice", 2)] == [2104, 2106]
    client.reqCurrentTime()
    ((seconds,),) = client.wait("time")
    assert abs(dt.datetime.fromtimestamp(seconds, dt.UTC) - NOON) < dt.timedelta(minutes=2)
    client.reqPositions()
    client.wait("positions end")


def test_contracts_are_decoded_field_by_field(client):
    client.reqContractDetails(1, share())
    client.reqContractDetails(2, option())
    client.wait("contract end", 2)
    (_, stock), (_, call) = client.heard["contract"]
    assert (stock.contract.conId, stock.contract.primaryExchange, stock.stockType) == (SHARE_NUMBER, "ARCA", "ETF")
    assert (stock.minTick, stock.longName, stock.timeZoneId) == (0.01, "SPDR S&P 500 ETF TRUST", "US/Eastern")
    assert stock.liquidHours.startswith("20240315:0930-20240315:1600")
    assert call.contract.conId == listed()[KEY]
    assert (call.contract.strike, call.contract.right) == (500.0, "C")
    assert call.contract.lastTradeDateOrContractMonth == call.realExpirationDate == "20240322"
    assert call.contract.tradingClass == call.underSymbol == call.marketName == "SPY"
    assert (call.underConId, call.underSecType, call.marketRuleIds) == (SHARE_NUMBER, "STK", "26")
    assert (float(call.minSize), float(call.suggestedSizeIncrement)) == (1.0, 1.0)


def test_an_unknown_contract_is_a_notice(client):
    client.reqContractDetails(1, option(KEY._replace(strike=123.0)))
    assert client.wait("notice", 3)[-1] == (1, 200)


def test_option_parameters_are_decoded(client):
    client.reqSecDefOptParams(4, "SPY", "", "STK", SHARE_NUMBER)
    client.wait("parameters end")
    (request, exchange, under, symbol, multiplier, expirations, strikes), _ = client.heard["parameters"]
    assert (request, exchange, under, symbol, multiplier) == (4, "SMART", SHARE_NUMBER, "SPY", "100")
    assert expirations == {f"{day:%Y%m%d}" for day in EXPIRATIONS}
    assert strikes == set(STRIKES)


def test_ticks_of_the_share_and_of_an_option_are_decoded(client):
    client.reqMarketDataType(1)
    client.reqMktData(5, share(), "106", False, False, [])
    client.reqMktData(6, option(), "", False, False, [])
    client.wait("greeks", 3)
    client.wait("generic")
    assert client.heard["data type"] == [(5, 1), (6, 1)]
    assert client.heard["line"] == [(5, 0.01), (6, 0.01)]
    prices = {(request, tick): price for request, tick, price in client.heard["price"]}
    sizes = {(request, tick): size for request, tick, size in client.heard["size"]}
    (quote,) = SmileMarket().quotes_at(NOON).options([KEY])
    assert [prices[5, tick] for tick in (1, 2, 4, 9)] == [499.99, 500.01, 500.0, 498.0]
    assert [prices[6, tick] for tick in (1, 2)] == [quote.bid, quote.ask]
    assert [sizes[6, tick] for tick in (0, 3)] == [quote.bid_size, quote.ask_size]
    assert client.heard["generic"] == [(5, 24, 0.18)]
    bid, ask, model = client.heard["greeks"][:3]
    assert [greeks[1] for greeks in (bid, ask, model)] == [10, 11, 13]
    assert bid[3] is None  # -1: not computed
    assert model[3:5] == pytest.approx((quote.vol, quote.delta), abs=1e-4)
    assert model[7:] == pytest.approx((quote.gamma, quote.vega, quote.theta, 500.0), rel=1e-3)


def test_a_snapshot_and_bars_end(client):
    client.reqMktData(7, option(), "", True, False, [])
    assert client.wait("snapshot end") == [(7,)]
    client.reqHistoricalData(8, share(), "", "2 D", "1 day", "TRADES", 1, 1, False, [])
    client.wait("bars end")
    assert [(bar.date, bar.open, bar.close) for _, bar in client.heard["bar"]] == [
        ("20240314", 500.0, 500.0),
        ("20240315", 500.0, 500.0),
    ]
