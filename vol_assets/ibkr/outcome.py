"""What came of a poll: an outcome that a program can decide by, a reason that a person understands, the quotes.

Every way in which a gateway fails has its outcome: none of them raises.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import pandas as pd

QUOTE_TYPES = {
    "ts": "datetime64[us, UTC]",  # start of the bucket in which the poll began
    "quote_time": "datetime64[us, UTC]",  # of the contract's last tick
    "con_id": "int64",
    "expiration": "datetime64[ns]",  # last day of trading
    "strike": "float64",  # USD
    "right": "object",  # C or P
    "bid": "float64",  # USD a share, above 0; null: none
    "ask": "float64",
    "bid_size": "float64",  # contracts
    "ask_size": "float64",
    "underlying": "float64",  # USD: the share's price when the poll ended
    "ib_vol": "float64",  # IB's model: decimal a year
    "ib_delta": "float64",
    "ib_gamma": "float64",
    "ib_vega": "float64",  # USD per .01 of vol
    "ib_theta": "float64",  # USD a day
    "market_data_type": "object",  # live, frozen, delayed, delayed_frozen
    "source": "object",  # ibkr, simulator
}
QUOTE_COLUMNS = tuple(QUOTE_TYPES)


class Outcome(StrEnum):
    """How a poll ended; the first three come with quotes."""

    COMPLETE = "complete"
    PARTIAL = "partial"  # some contracts had no answer, or were refused
    DELAYED = "delayed"  # by 10 to 15 minutes: quoted, but not the market of now
    MARKET_CLOSED = "market_closed"  # the gateway answers, and has no bids and asks
    REFUSED = "refused"  # nothing listens there
    SILENT = "silent"  # somebody listens, and does not answer
    DROPPED = "dropped"  # the connection was lost and not had again
    OFFLINE = "offline"  # the gateway has lost IB's servers
    DUPLICATE_CLIENT = "duplicate_client"
    COMPETING_SESSION = "competing_session"
    NO_PERMISSION = "no_permission"
    TOO_FAST = "too_fast"
    NO_LINES = "no_lines"
    NO_CONTRACT = "no_contract"
    CLOCK_SKEW = "clock_skew"


@dataclass(frozen=True)
class Poll:
    """One poll of the gateway.

    quotes: a row a contract, columns and types of QUOTE_TYPES; empty unless the outcome comes with quotes, and no row
    without a bid or an ask. codes: the gateway's notices that are not mere good news, by number, in its words. asked:
    contracts a quote was asked for. seconds: how long it took.
    """

    outcome: Outcome
    reason: str
    quotes: pd.DataFrame = field(repr=False)  # asyncio.run has its result's repr made, twice
    codes: Mapping[int, str] = field(default_factory=dict)
    asked: int = 0
    seconds: float = 0.0

    @property
    def quoted(self) -> bool:
        """Whether there are quotes to store."""
        return not self.quotes.empty


def quotes_frame(rows: list[dict[str, object]]) -> pd.DataFrame:
    """Rows by column name as a frame of QUOTE_TYPES, sorted by expiration, strike and right."""
    frame = pd.DataFrame(rows, columns=list(QUOTE_COLUMNS)).astype(QUOTE_TYPES)
    return frame.sort_values(["expiration", "strike", "right"], ignore_index=True)


def bucket_start(instant: dt.datetime, seconds: float) -> dt.datetime:
    """The start of the bucket of `seconds` that the instant (UTC) falls in; buckets begin with the day."""
    midnight = instant.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + (instant - midnight) // dt.timedelta(seconds=seconds) * dt.timedelta(seconds=seconds)
