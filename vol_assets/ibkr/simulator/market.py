"""What the simulator needs to know of a market: one method, and the board of quotes it returns."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from vol_assets.ibkr.plan import OptionKey


class ShareQuote(NamedTuple):
    """The underlying: prices in USD, sizes in shares, close of the session before, 30-day implied vol (decimal)."""

    bid: float
    ask: float
    bid_size: float
    ask_size: float
    last: float
    close: float
    implied_vol: float


class OptionQuote(NamedTuple):
    """An option: a bid or ask of 0 where there is none; the model's price, vol (decimal) and greeks in IB's units, vega
    per .01 of vol and theta a day."""

    bid: float
    ask: float
    bid_size: float
    ask_size: float
    price: float
    vol: float
    delta: float
    gamma: float
    vega: float
    theta: float


class Board(Protocol):
    """A market at one instant; of a closed market its last quotes."""

    is_open: bool
    share: ShareQuote
    numbers: Mapping[OptionKey, int]
    """The listed options and the numbers of their contracts; the same object for as long as the listing stays."""

    def options(self, keys: Sequence[OptionKey]) -> list[OptionQuote]:
        """The quotes of listed options, in their order."""
        ...


class SimulatedMarket(Protocol):
    """A market that the simulator can quote."""

    underlying: str

    def quotes_at(self, instant: dt.datetime) -> Board:
        """The quotes of an instant (UTC), the market open or closed; the same whenever it is asked."""
        ...
