"""What a market data source is: one protocol that the embedded sample market, Yahoo and a drop folder all meet.

A source answers for a range of sessions at once. It returns every bar it has, as it has it, and judges only
what cannot be put into a row at all; whether a price makes sense is for the contracts to say.

`previous_close` carries the close of the session before on the same adjustment basis as `close` (dividend and
split adjusted), so that ln(close / previous_close) is the total return however the vendor re-bases history
later. It is null where the source has no bar for the session just before.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import pandas as pd

from vol_assets.contracts.chains import RAW_CHAINS
from vol_assets.contracts.symbols import OPTIONAL_SYMBOLS, REQUIRED_SYMBOLS, SYMBOLS

__all__ = [
    "BAR_COLUMNS",
    "CHAIN_COLUMNS",
    "OPTIONAL_SYMBOLS",
    "REQUIRED_SYMBOLS",
    "SYMBOLS",
    "DailyBars",
    "MarketSource",
    "OptionChain",
    "Problem",
    "chains_of",
]

BAR_COLUMNS = ("date", "symbol", "open", "high", "low", "close", "previous_close", "volume", "fetched_at")
# The columns of raw/<underlying>_chain but `source`, which the asset adds.
CHAIN_COLUMNS = tuple(name for name in RAW_CHAINS["SPY"].columns if name != "source")


@dataclass(frozen=True)
class Problem:
    """One thing in the source's answer that could not be made a row: it costs that session, not the others."""

    session: dt.date
    symbol: str
    rule: str  # what was expected, in words
    value: str  # what came, and where (file and line, or address)


@dataclass(frozen=True)
class DailyBars:
    """Bars of some sessions.

    bars: one row a (date, symbol) with BAR_COLUMNS: `date` datetime64[ns] (the session, naive midnight), prices
    float64 (index levels in points; IRX a bank-discount yield in percent), null where the source has none (a
    close-only series has null open, high, low), `volume` float64, `fetched_at` datetime64[us, UTC]; sorted by
    date and symbol.
    problems: what was left out, a session at a time. notes: what a person should know about the whole answer.
    """

    bars: pd.DataFrame
    problems: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class OptionChain:
    """The option quotes of one underlying at one session.

    quotes: one row a quote with CHAIN_COLUMNS, types as in the contract of raw/<underlying>_chain, in the order the
    source has them; repeated, crossed and expired quotes included. Empty where the source has none for the session.
    problems: what makes the whole session unusable (a file that cannot be read, another underlying's quotes).
    notes: what a person should know, left-out rows among it.
    """

    session: dt.date
    quotes: pd.DataFrame
    problems: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()


class MarketSource(Protocol):
    """A place daily bars and option chains come from."""

    name: str

    def daily_bars(self, symbols: Sequence[str], first: dt.date, last: dt.date) -> DailyBars:
        """Bars of `symbols` on the sessions first ... last (both sessions); a SourceError when there is no answer."""
        ...

    def option_chains(self, underlying: str, first: dt.date, last: dt.date) -> Iterator[OptionChain]:
        """The chains of `underlying` on the sessions first ... last, one OptionChain a session, in order, as they are
        made or read, never more than a few in memory; a SourceError when there is no answer at all."""
        ...


def chains_of(source: MarketSource, underlying: str, first: dt.date, last: dt.date) -> list[OptionChain]:
    """The chains of a few sessions at once, for a worker process."""
    return list(source.option_chains(underlying, first, last))
