"""The messages of server version 176, as fields: what a client asks and what a gateway says.

The numbers are the protocol's. A message's first field is its number; many carry a request's id, at a place of their
own, and an old version number before it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import IntEnum
from typing import NamedTuple

VERSION = 176
UNSET = -1  # of a price, a vol, an underlying's price
UNSET_GREEK = -2

Message = tuple[object, ...]


class Ask(IntEnum):
    """What a client asks."""

    MARKET_DATA = 1
    CANCEL_MARKET_DATA = 2
    OPEN_ORDERS = 5
    ACCOUNT_UPDATES = 6
    EXECUTIONS = 7
    NEXT_ID = 8
    CONTRACT = 9
    ACCOUNTS = 17
    BARS = 20
    CANCEL_BARS = 25
    TIME = 49
    MARKET_DATA_TYPE = 59
    POSITIONS = 61
    ACCOUNT_SUMMARY = 62
    CANCEL_ACCOUNT_SUMMARY = 63
    CANCEL_POSITIONS = 64
    START = 71
    ACCOUNT_UPDATES_MULTI = 76
    CANCEL_ACCOUNT_UPDATES_MULTI = 77
    OPTION_PARAMETERS = 78
    COMPLETED_ORDERS = 99


class Tell(IntEnum):
    """What a gateway says."""

    PRICE = 1
    SIZE = 2
    NOTICE = 4
    NEXT_ID = 9
    CONTRACT = 10
    ACCOUNTS = 15
    BARS = 17
    OPTION_COMPUTATION = 21
    GENERIC = 45
    STRING = 46
    TIME = 49
    CONTRACT_END = 52
    OPEN_ORDERS_END = 53
    ACCOUNT_UPDATES_END = 54
    EXECUTIONS_END = 55
    SNAPSHOT_END = 57
    MARKET_DATA_TYPE = 58
    POSITIONS_END = 62
    ACCOUNT_SUMMARY_END = 64
    ACCOUNT_UPDATES_MULTI_END = 74
    OPTION_PARAMETERS = 75
    OPTION_PARAMETERS_END = 76
    LINE_PARAMETERS = 81
    COMPLETED_ORDERS_END = 102


ASKED_ID_AT = {
    Ask.MARKET_DATA: 2,
    Ask.CANCEL_MARKET_DATA: 2,
    Ask.EXECUTIONS: 2,
    Ask.CONTRACT: 2,
    Ask.BARS: 1,
    Ask.CANCEL_BARS: 2,
    Ask.ACCOUNT_SUMMARY: 2,
    Ask.CANCEL_ACCOUNT_SUMMARY: 2,
    Ask.ACCOUNT_UPDATES_MULTI: 2,
    Ask.CANCEL_ACCOUNT_UPDATES_MULTI: 2,
    Ask.OPTION_PARAMETERS: 1,
}
TOLD_ID_AT = {
    Tell.PRICE: 2,
    Tell.SIZE: 2,
    Tell.NOTICE: 2,
    Tell.CONTRACT: 1,
    Tell.BARS: 1,
    Tell.OPTION_COMPUTATION: 1,
    Tell.GENERIC: 2,
    Tell.STRING: 2,
    Tell.CONTRACT_END: 2,
    Tell.EXECUTIONS_END: 2,
    Tell.SNAPSHOT_END: 2,
    Tell.MARKET_DATA_TYPE: 2,
    Tell.ACCOUNT_SUMMARY_END: 2,
    Tell.ACCOUNT_UPDATES_MULTI_END: 2,
    Tell.OPTION_PARAMETERS: 1,
    Tell.OPTION_PARAMETERS_END: 1,
    Tell.LINE_PARAMETERS: 1,
}
"""Which field is the request's id, where a message has one."""


class Tick(IntEnum):
    """Kinds of ticks of a live line; a delayed line has those of DELAYED instead."""

    BID = 1
    ASK = 2
    LAST = 4
    CLOSE = 9
    BID_COMPUTATION = 10
    ASK_COMPUTATION = 11
    MODEL_COMPUTATION = 13
    IMPLIED_VOL = 24


DELAYED = {
    Tick.BID: 66,
    Tick.ASK: 67,
    Tick.LAST: 68,
    Tick.CLOSE: 75,
    Tick.BID_COMPUTATION: 80,
    Tick.ASK_COMPUTATION: 81,
    Tick.MODEL_COMPUTATION: 83,
}


class AskedContract(NamedTuple):
    """The twelve fields by which a client describes a contract; empty where it leaves one open."""

    number: str
    symbol: str
    kind: str
    expiration: str
    strike: str
    right: str
    multiplier: str
    exchange: str
    primary_exchange: str
    currency: str
    local_symbol: str
    trading_class: str


class ContractTerms(NamedTuple):
    """What a gateway says of one contract. expiration: YYYYMMDD or empty; hours: of the next sessions."""

    symbol: str
    kind: str
    expiration: str
    strike: float
    right: str
    exchange: str
    primary_exchange: str
    local_symbol: str
    number: int
    multiplier: str
    under_number: int
    name: str
    hours: str


def notice(code: int, text: str, request: int | str = -1) -> Message:
    """A notice, of a request or (-1) of none; the last field would be what was wrong with an order."""
    return (Tell.NOTICE, 2, request, code, text, "")


def contract(request: str, terms: ContractTerms) -> Message:
    """The details of one contract."""
    is_option = terms.kind == "OPT"
    return (
        *(Tell.CONTRACT, request, terms.symbol, terms.kind, terms.expiration, terms.strike, terms.right),
        *(terms.exchange, "USD", terms.local_symbol, terms.symbol, terms.symbol, terms.number, 0.01),
        *(terms.multiplier, "LMT,MKT", "SMART,AMEX,CBOE", 1, terms.under_number, terms.name),
        *(terms.primary_exchange, terms.expiration[:6], "", "", "", "US/Eastern", terms.hours, terms.hours),
        *("", "", 0),  # rules of economic value, and no identifiers
        *(1, terms.symbol if is_option else "", "STK" if is_option else "", "26", terms.expiration),
        *("" if is_option else "ETF", 1, 1, 1 if is_option else 100),
    )


def option_parameters(
    request: str, exchange: str, share: int, symbol: str, expirations: Sequence[str], strikes: Sequence[float]
) -> Message:
    """The expirations and the strikes listed on one exchange."""
    lists = (len(expirations), *expirations, len(strikes), *strikes)
    return (Tell.OPTION_PARAMETERS, request, exchange, share, symbol, "100", *lists)


def price(request: str, tick: int, value: float, size: float) -> Message:
    """A price with its size; -1 where there is none."""
    return (Tell.PRICE, 6, request, tick, value, size, 0)


def option_computation(
    request: str,
    tick: int,
    *,
    vol: float = UNSET,
    delta: float = UNSET_GREEK,
    price: float = UNSET,
    gamma: float = UNSET_GREEK,
    vega: float = UNSET_GREEK,
    theta: float = UNSET_GREEK,
    spot: float = UNSET,
) -> Message:
    """Vol and greeks of a bid, an ask or the model; price-based, and without what dividends are worth."""
    return (Tell.OPTION_COMPUTATION, request, tick, 1, vol, delta, price, UNSET, gamma, vega, theta, spot)


def bars(request: str, first: str, last: str, rows: Iterable[Sequence[object]]) -> Message:
    """Historical bars: time, open, high, low, close, volume, average price, number of trades."""
    rows = list(rows)
    return (Tell.BARS, request, first, last, len(rows), *(field for row in rows for field in row))
