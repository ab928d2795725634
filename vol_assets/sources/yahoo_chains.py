"""Yahoo's option quotes: those of now, hence the chain of a session from its close until the next open.

Expirations are asked for two at a time. All must come: a chain with holes would enter the lake as if it were the
market's, and until the next open it can be asked for again.
"""

from __future__ import annotations

import datetime as dt
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from vol_assets import clock
from vol_assets.errors import SourceError
from vol_assets.sources import chain_layouts, yahoo_http
from vol_assets.sources.chain_files import empty
from vol_assets.sources.protocol import OptionChain

AT_ONCE = 2  # requests; Yahoo counts how often one address asks
TELL_EVERY = 10  # expirations

_log = logging.getLogger(__name__)


def available(now: dt.datetime, underlying: str, first: dt.date, last: dt.date) -> dt.date:
    """The session among first ... last whose chain Yahoo has; a SourceError if it is none of them."""
    session = clock.last_closed(now)
    opening = clock.open_instant(clock.offset(session, 1))
    otherwise = "for other sessions use VOL_ASSETS_SOURCE=files with the chains saved in chains/<UNDERLYING>"
    if now >= opening:
        raise SourceError(
            f"Yahoo has the option quotes of now only, and the exchange is open: run again after its close "
            f"({clock.close_instant(clock.offset(session, 1)).tz_convert(clock.NEW_YORK):%H:%M} New York); {otherwise}"
        )
    if not first <= session <= last:
        raise SourceError(
            f"Yahoo has the option quotes of the last closed session only, which is {session} until "
            f"{opening.tz_convert(clock.NEW_YORK):%Y-%m-%d %H:%M} New York, not those of {underlying} on "
            f"{first} ... {last}; {otherwise}"
        )
    return session


def gone(session: dt.date, there: dt.date) -> OptionChain:
    """The answer for a session whose quotes are no longer there."""
    note = f"Yahoo has option quotes of {there} only; put those of {session} into a folder for VOL_ASSETS_SOURCE=files"
    return OptionChain(session, empty(), notes=(note,))


def fetch(
    underlying: str, session: dt.date, limits: yahoo_http.Limits, deadline: float
) -> tuple[pd.DataFrame, dt.datetime, list[str]]:
    """The quotes (as `chain_layouts.quotes` gives them), when the first of them came, and notes."""
    import yfinance

    with yahoo_http.conversation(limits, deadline) as patience:
        asked = _Asked(underlying, patience)
        ticker = yfinance.Ticker(underlying, session=patience.session)
        expirations = asked.answer("the list of expirations", lambda: ticker.options)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            futures = [
                pool.submit(asked.answer, f"the expiration {day}", partial(ticker.option_chain, day))
                for day in expirations
            ]
            try:
                chains = list(_told(underlying, futures))
            finally:
                pool.shutdown(cancel_futures=True)
        fetched_at = min(patience.answered.values())
    quote = chains[0].underlying or {}
    _require_day(underlying, session, quote)
    where = f"Yahoo's options of {underlying}"
    sides = [side.astype(object) for chain in chains for side in (chain.calls, chain.puts) if len(side)]
    if not sides:
        raise SourceError(f"{where} have no quotes; run again later, or use VOL_ASSETS_SOURCE=files")
    cells = pd.concat(sides, ignore_index=True)
    names = chain_layouts.recognise(where, list(cells))
    cells = cells[[cells.columns[position] for position in names]].set_axis(list(names.values()), axis=1)
    frame, notes = chain_layouts.quotes(where, cells, underlying, session, lambda row: f"row {row + 1}")
    without = int((~(frame["bid"] > 0.0)).sum())
    if without > len(frame) / 2:
        notes.append(
            f"{where}: {without} of {len(frame)} have no bid; Yahoo empties its quotes some hours after the close, "
            "so ask soon after it"
        )
    spot = quote.get("regularMarketPrice")
    return frame.assign(vendor_spot=float(spot) if isinstance(spot, int | float) else np.nan), fetched_at, notes


class _Asked:
    """yfinance's answers, or a SourceError that says what did not come of which underlying, why, and what to do."""

    def __init__(self, underlying: str, patience: yahoo_http.Patience):
        self.underlying = underlying
        self.patience = patience
        self.begun = time.monotonic()

    def answer(self, what: str, ask: Callable[[], Any]) -> Any:
        from yfinance.exceptions import YFException

        why = "an answer without options"
        try:
            answer = ask()
            # An expiration that does not come is three times None.
            if answer and answer[0] is not None:
                return answer
        except (OSError, YFException):
            pass  # the patience knows why
        except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
            why = f"an answer of another form ({type(error).__name__}: {error})"
        fault = next(iter(self.patience.faults.values()), None)
        raise SourceError(
            f"Yahoo did not give {what} of {self.underlying}'s options: {fault.what if fault else why}, "
            f"tried for {time.monotonic() - self.begun:.0f} s. "
            + (fault.advice if fault else "Run again later, or use VOL_ASSETS_SOURCE=files")
        )


def _told(underlying: str, futures: Sequence[Future]) -> Iterator[Any]:
    """The results in order, with a word on the way."""
    for number, future in enumerate(futures, start=1):
        yield future.result()
        if number % TELL_EVERY == 0:
            _log.info("%s: %d of %d expirations", underlying, number, len(futures))


def _require_day(underlying: str, session: dt.date, quote: dict[str, Any]) -> None:
    """That the underlying last traded on the session: an exchange shut without notice leaves the quotes of before."""
    traded = quote.get("regularMarketTime")
    if isinstance(traded, int | float):
        day = dt.datetime.fromtimestamp(traded, clock.NEW_YORK).date()
        if day != session:
            raise SourceError(
                f"Yahoo's options of {underlying} are of {day}, not of {session}; run again later, "
                "or use VOL_ASSETS_SOURCE=files"
            )
