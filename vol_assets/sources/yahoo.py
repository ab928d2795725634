"""Yahoo: daily bars in one batched yfinance download a run, and the option chain of the session just closed."""

from __future__ import annotations

import ast
import datetime as dt
import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from vol_assets import clock
from vol_assets.errors import SourceError
from vol_assets.sources import assemble, chain_rates, yahoo_chains, yahoo_http
from vol_assets.sources.chain_files import finished
from vol_assets.sources.protocol import REQUIRED_SYMBOLS, DailyBars, OptionChain

INDICES = frozenset({"VIX", "VIX3M", "GVZ", "IRX", "VVIX", "VIX9D", "SKEW"})
TIME_LIMIT = 120.0  # seconds for everything: long enough for a hiccup, short enough for a daily schedule to notice
REQUEST_TIMEOUT = 15.0  # seconds for one request; a chart of twenty years comes in one or two
FIRST_PAUSE = 1.0  # seconds before the second try, doubled at each further one


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


class YahooMarket:
    """A MarketSource on Yahoo's daily charts and option quotes.

    `rate` is the zero rate where Yahoo has none. `base_url` stands in for all of Yahoo's hosts: a mirror, or a test's
    server; `now` for the clock.
    """

    name = "yahoo"

    def __init__(
        self,
        time_limit: float = TIME_LIMIT,
        request_timeout: float = REQUEST_TIMEOUT,
        first_pause: float = FIRST_PAUSE,
        base_url: str | None = None,
        rate: float | None = None,
        now: Callable[[], dt.datetime] = _now,
    ):
        self.limits = yahoo_http.Limits(time_limit, request_timeout, first_pause, base_url)
        self.rate = rate
        self.now = now

    def daily_bars(self, symbols: Sequence[str], first: dt.date, last: dt.date) -> DailyBars:
        """Bars of `symbols` on the sessions first ... last; a SourceError when Yahoo gave no usable answer."""
        days = assemble.window(first, last)
        # From the one session before, for previous_close; Yahoo's end is exclusive.
        prices, log = self._download(
            symbols, days[0].item(), last + dt.timedelta(days=1), time.monotonic() + self.limits.whole
        )
        failed = [symbol for symbol in symbols if symbol in log.faults]
        if any(symbol in REQUIRED_SYMBOLS for symbol in failed):
            fault = log.faults[failed[0]]
            raise SourceError(
                f"Yahoo gave no usable answer for {', '.join(failed)} ({first} ... {last}): {fault.what}, "
                f"tried for {log.seconds:.0f} s. {fault.advice}"
            )
        history = _long(prices, symbols)
        history["fetched_at"] = history["symbol"].map(log.answered)
        priced = history["close"].notna()
        bars = assemble.bars(history[priced], days)
        if not assemble.is_answer(bars, symbols):
            reasons = sorted({log.reason(symbol) for symbol in symbols})
            raise SourceError(
                f"Yahoo has no bar of {', '.join(symbols)} on {first} ... {last} ({'; '.join(reasons)}); "
                "check the range and, for a session of today, run again after its close"
            )
        asked = history[history["date"].between(pd.Timestamp(first), pd.Timestamp(last))]
        return DailyBars(bars, notes=tuple(_notes(asked, bars, symbols, log)))

    def option_chains(self, underlying: str, first: dt.date, last: dt.date) -> Iterator[OptionChain]:
        """The chain of the last closed session, which Yahoo has until the next open; other sessions of first ... last
        are empty with a note. A SourceError when it is not among them, or Yahoo gave no whole answer."""
        sessions = clock.require_range(first, last)
        there = yahoo_chains.available(self.now(), underlying, first, last)
        return (
            self._chain(underlying, session) if session == there else yahoo_chains.gone(session, there)
            for session in sessions
        )

    def _chain(self, underlying: str, session: dt.date) -> OptionChain:
        deadline = time.monotonic() + self.limits.whole
        frame, fetched_at, notes = yahoo_chains.fetch(underlying, session, self.limits, deadline)
        prices, log = self._download(
            ["IRX"], clock.offset(session, -chain_rates.MAX_AGE), session + dt.timedelta(days=1), deadline
        )
        closes = _long(prices, ["IRX"])[["date", "close"]].dropna()
        curve = chain_rates.bill(closes["date"].dt.date.tolist(), closes["close"].tolist())
        if not curve.curves:
            notes = [*notes, f"IRX: Yahoo has no rate ({log.reason('IRX')})"]
        rates = chain_rates.columns(frame["expiration"], session, [curve], self.rate)
        return OptionChain(session, finished(frame, underlying, session, fetched_at, rates), notes=tuple(notes))

    def _download(
        self, symbols: Sequence[str], start: dt.date, end: dt.date, deadline: float
    ) -> tuple[pd.DataFrame, _Log]:
        import yfinance

        begun = time.monotonic()
        with yahoo_http.conversation(self.limits, deadline) as patience:
            yahoo_http.know_timezones(map(_ticker, symbols))
            prices = yfinance.download(
                [_ticker(symbol) for symbol in symbols],
                start=start,
                end=end,
                auto_adjust=False,
                actions=False,  # adjusted closes carry dividends and splits already
                keepna=True,
                progress=False,
                timeout=self.limits.request,
                session=patience.session,
            )
        seconds = time.monotonic() - begun
        records = patience.faults, patience.answered, _by_ticker(patience.complaints)
        return prices, _Log(seconds, *(_ours(record, symbols) for record in records))


@dataclass(frozen=True)
class _Log:
    """What happened in one download, by symbol."""

    seconds: float
    faults: dict[str, yahoo_http.Fault]
    answered: dict[str, dt.datetime]
    complaints: dict[str, str]  # yfinance's, in its or Yahoo's words

    def reason(self, symbol: str) -> str:
        """Why there is nothing of a symbol."""
        if symbol in self.faults:
            return f"{self.faults[symbol].what}, tried for {self.seconds:.0f} s"
        return self.complaints.get(symbol, "an answer without rows")


def _long(prices: pd.DataFrame, symbols: Sequence[str]) -> pd.DataFrame:
    """yfinance's wide frame (price x ticker across) as a history for `assemble`."""
    columns = {
        "Open": "open",
        "High": "high",
        "Low": "low",
        "Close": "close",
        "Adj Close": "adj_close",
        "Volume": "volume",
    }
    parts = []
    for symbol in symbols:
        part = prices.xs(_ticker(symbol), axis=1, level="Ticker")[list(columns)].rename(columns=columns)
        parts.append(part.astype("float64").assign(date=prices.index, symbol=symbol))
    return pd.concat(parts, ignore_index=True)


def _notes(asked: pd.DataFrame, bars: pd.DataFrame, symbols: Sequence[str], log: _Log) -> Iterator[str]:
    # Rows of all symbols share one index: a volume tells a row that came without prices from one that never came.
    on_session = clock.are_sessions(asked["date"])
    for symbol in symbols:
        mine = asked["symbol"] == symbol
        if not (bars["symbol"] == symbol).any():
            yield f"{symbol}: Yahoo has no bar ({log.reason(symbol)})"
        unpriced = asked.loc[mine & on_session & asked["close"].isna() & asked["volume"].notna(), "date"]
        if len(unpriced):
            yield f"{symbol}: {assemble.left_out(len(unpriced), 'without a close', f'on {unpriced.min():%Y-%m-%d}')}"
        off = asked.loc[mine & ~on_session & asked["close"].notna(), "date"]
        if len(off) and symbol not in assemble.OTHER_CALENDARS:
            yield f"{symbol}: {assemble.left_out(len(off), 'on days without a session', f'on {off.min():%Y-%m-%d}')}"


def _ticker(symbol: str) -> str:
    return f"^{symbol}" if symbol in INDICES else symbol


def _ours(by_ticker: dict[str, Any], symbols: Sequence[str]) -> dict[str, Any]:
    return {symbol: by_ticker[_ticker(symbol)] for symbol in symbols if _ticker(symbol) in by_ticker}


def _by_ticker(messages: list[str]) -> dict[str, str]:
    """yfinance's summary lines, `['^GVZ', 'IRX']: reason`, taken apart."""
    reasons = {}
    for message in messages:
        line = re.fullmatch(r"(\['.*'\]): (.+)", message, re.DOTALL)
        if line:
            reasons |= dict.fromkeys(ast.literal_eval(line[1]), line[2])
    return reasons
