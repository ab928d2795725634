"""From what the tickers of a poll hold to its rows and its outcome; pure.

IB writes -1 for a price that is not there and -2 or the largest float for a greek, the client NaN for what never came:
none of them is stored. A frozen quote is one of the last session: no row.
"""

from __future__ import annotations

import datetime as dt
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vol_assets.ibkr.outcome import Outcome, Poll, quotes_frame
from vol_assets.ibkr.plan import OptionKey

if TYPE_CHECKING:
    from ib_insync import Ticker

LIVE, DELAYED = 1, 3
DATA_TYPES = {LIVE: "live", 2: "frozen", DELAYED: "delayed", 4: "delayed_frozen"}
FRESH = (LIVE, DELAYED)
UNSET = 1e100  # IB's largest float is 1.8e308
NO_GREEK = -2.0

REFUSALS = {
    **dict.fromkeys(
        (354, 10089, 10168, 10186),
        (
            Outcome.NO_PERMISSION,
            "subscribe to US stocks and to OPRA's options in the account's market data, or switch delayed data on",
        ),
    ),
    101: (Outcome.NO_LINES, "close watch lists in TWS, or end other programs: all share the account's lines"),
    200: (Outcome.NO_CONTRACT, "the gateway knows no such contract"),
}


@dataclass(frozen=True)
class Seen:
    """A contract that was asked for: its ticker, the code it was refused with, the instant of its last tick."""

    key: OptionKey
    ticker: Ticker
    refused: int | None
    instant: dt.datetime | None


def positive(value: float | None) -> bool:
    """Whether it is a price, a vol: neither a sentinel nor missing."""
    return value is not None and 0.0 < value < UNSET


def answered(ticker: Ticker) -> bool:
    """Whether both sides have been sent, be it to say that there is none."""
    return not (math.isnan(ticker.bid) or math.isnan(ticker.ask))


def without_market(ticker: Ticker) -> bool:
    """Whether there is neither bid nor ask, as when the market is closed."""
    return answered(ticker) and not positive(ticker.bid) and not positive(ticker.ask)


def with_greeks(ticker: Ticker) -> bool:
    """Whether IB's model has spoken."""
    return ticker.modelGreeks is not None and positive(ticker.modelGreeks.impliedVol)


def middle(ticker: Ticker) -> float | None:
    """The middle of a quote with two sides."""
    return 0.5 * (ticker.bid + ticker.ask) if positive(ticker.bid) and positive(ticker.ask) else None


def judged(gateway: str, source: str, bucket: dt.datetime, spot: float, spot_type: int, seen: Sequence[Seen]) -> Poll:
    """The poll that `seen` amounts to; spot: the share's price in USD, spot_type: its market-data type."""
    fresh = [one for one in seen if not one.refused and one.ticker.marketDataType in FRESH and _quoted(one.ticker)]
    rows = [_row(one) | {"ts": bucket, "underlying": spot, "source": source} for one in fresh]
    outcome, reason = _verdict(seen, fresh, spot_type)
    return Poll(outcome, f"{gateway}: {reason}", quotes_frame(rows), asked=len(seen))


def refusal(code: int) -> tuple[Outcome, str]:
    """What it means that market data were refused with this code, and what to do."""
    outcome, advice = REFUSALS.get(code, (Outcome.NO_PERMISSION, "look the code up in IB's message codes"))
    return outcome, f"refused with code {code}: {advice}"


def _verdict(seen: Sequence[Seen], fresh: Sequence[Seen], spot_type: int) -> tuple[Outcome, str]:
    refused = Counter(one.refused for one in seen if one.refused)
    silent = sum(not one.refused and not answered(one.ticker) for one in seen)
    greeks = sum(with_greeks(one.ticker) for one in fresh)
    words = [f"{len(fresh)} of {len(seen)} contracts quoted, {greeks} with greeks"]
    words += [f"{count} {refusal(code)[1]}" for code, count in refused.most_common()]
    words += [f"{silent} without an answer"] if silent else []
    reason = "; ".join(words)
    if fresh and DELAYED in (spot_type, *(one.ticker.marketDataType for one in fresh)):
        return Outcome.DELAYED, f"{reason}; without permission for live data, they are a quarter of an hour old"
    if fresh:
        return (Outcome.PARTIAL if refused or silent else Outcome.COMPLETE), reason
    if refused:
        return refusal(refused.most_common(1)[0][0])[0], reason
    if silent == len(seen):
        return Outcome.SILENT, reason
    return Outcome.MARKET_CLOSED, f"{reason}: the options have no bids and asks now"


def _quoted(ticker: Ticker) -> bool:
    return positive(ticker.bid) or positive(ticker.ask)


def _row(one: Seen) -> dict[str, object]:
    ticker, greeks = one.ticker, one.ticker.modelGreeks if with_greeks(one.ticker) else None
    row: dict[str, object] = {
        "quote_time": one.instant,
        "con_id": ticker.contract.conId,
        "market_data_type": DATA_TYPES[ticker.marketDataType],
        **one.key._asdict(),
    }
    for side in ("bid", "ask"):
        price, size = getattr(ticker, side), getattr(ticker, f"{side}Size")
        if positive(price):
            row |= {side: price, f"{side}_size": size if 0.0 <= size < UNSET else None}
    if greeks:
        row["ib_vol"] = greeks.impliedVol
        row |= {f"ib_{name}": _greek(getattr(greeks, name)) for name in ("delta", "gamma", "vega", "theta")}
    return row


def _greek(value: float | None) -> float | None:
    return value if value is not None and value != NO_GREEK and abs(value) < UNSET else None
