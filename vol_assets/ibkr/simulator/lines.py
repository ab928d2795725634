"""Market-data lines: the data type each gets, and the ticks that its contract's quote makes.

A line is sent what has changed since its last ticks. Live lines of a closed market have bids and asks of -1; a frozen
line has the last quotes instead, a delayed one those of a quarter of an hour ago.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from vol_assets.ibkr.plan import OptionKey
from vol_assets.ibkr.simulator import messages
from vol_assets.ibkr.simulator.behaviour import Permission
from vol_assets.ibkr.simulator.market import OptionQuote, ShareQuote
from vol_assets.ibkr.simulator.messages import DELAYED, UNSET, Message, Tell, Tick

LIVE, FROZEN, DELAYED_TYPE, DELAYED_FROZEN = 1, 2, 3, 4
SNAPSHOT_ENDS = 11.0  # seconds after which a snapshot ends without greeks
IMPLIED_VOL_GENERIC = "106"


@dataclass
class Line:
    """One request for ticks. key: None for the share; kind: its data type; due, greeks_due, ends: event-loop times."""

    request: str
    key: OptionKey | None
    kind: int
    generic: frozenset[str]
    is_snapshot: bool
    due: float
    greeks_due: float
    ends: float
    sent: dict[tuple[object, ...], Message] = field(default_factory=dict)

    @property
    def is_delayed(self) -> bool:
        return self.kind in (DELAYED_TYPE, DELAYED_FROZEN)

    def news(self, ticks: list[Message]) -> list[Message]:
        """Those ticks that say something new."""
        new = []
        for tick in ticks:
            place = tick[:4] if tick[0] != Tell.OPTION_COMPUTATION else tick[:3]
            if self.sent.get(place) != tick:
                self.sent[place] = tick
                new.append(tick)
        return new


def data_type(asked: int, permission: Permission, is_open: bool) -> int | None:
    """The type of data that one who asked for a type gets; None: not even a line."""
    if permission is Permission.LIVE:
        return FROZEN if asked in (FROZEN, DELAYED_FROZEN) and not is_open else LIVE
    if permission is Permission.NONE or asked in (LIVE, FROZEN):
        return None
    return DELAYED_FROZEN if asked == DELAYED_FROZEN and not is_open else DELAYED_TYPE


def share_ticks(line: Line, quote: ShareQuote, is_open: bool) -> list[Message]:
    """The share's ticks now."""
    quoted = is_open or line.kind in (FROZEN, DELAYED_FROZEN)
    ticks = [
        _price(line, Tick.BID, quote.bid if quoted else UNSET, quote.bid_size if quoted else 0),
        _price(line, Tick.ASK, quote.ask if quoted else UNSET, quote.ask_size if quoted else 0),
        _price(line, Tick.LAST, quote.last, 100),
        _price(line, Tick.CLOSE, quote.close, 0),
    ]
    if IMPLIED_VOL_GENERIC in line.generic and not line.is_delayed:
        ticks.append((Tell.GENERIC, 6, line.request, int(Tick.IMPLIED_VOL), round(quote.implied_vol, 6)))
    return ticks


def option_ticks(line: Line, quote: OptionQuote, spot: float, is_open: bool, with_greeks: bool) -> list[Message]:
    """An option's ticks now."""
    if not is_open and line.kind not in (FROZEN, DELAYED_FROZEN):
        return [_price(line, tick, UNSET, 0) for tick in (Tick.BID, Tick.ASK)]
    ticks = [
        _price(line, tick, price if price > 0.0 else UNSET, size if price > 0.0 else 0)
        for tick, price, size in (
            (Tick.BID, quote.bid, quote.bid_size),
            (Tick.ASK, quote.ask, quote.ask_size),
        )
    ]
    if with_greeks:
        for tick, value in ((Tick.BID_COMPUTATION, quote.bid), (Tick.ASK_COMPUTATION, quote.ask)):
            ticks.append(messages.option_computation(line.request, _kind(line, tick), price=value, spot=spot))
        model = {name: round(getattr(quote, name), 6) for name in ("vol", "delta", "price", "gamma", "vega", "theta")}
        ticks.append(messages.option_computation(line.request, _kind(line, Tick.MODEL_COMPUTATION), **model, spot=spot))
    return ticks


def _price(line: Line, tick: Tick, value: float, size: float) -> Message:
    return messages.price(line.request, _kind(line, tick), value, size)


def _kind(line: Line, tick: Tick) -> int:
    return DELAYED[tick] if line.is_delayed else int(tick)
