"""Yahoo: one batched yfinance download a run, with patience and plain words for what went wrong.

yfinance hides most failures: a refusal, an outage and a login page all end as "possibly delisted". Only its HTTP
session sees them, so that is where `_Patience` stands: it tries again, keeps all requests within one time limit
and remembers what failed. yfinance's state is the process's (one session, one logger), hence one download at a time.
"""

from __future__ import annotations

import ast
import contextlib
import datetime as dt
import logging
import random
import re
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import unquote, urlsplit

import pandas as pd

from vol_assets import clock
from vol_assets.errors import SourceError
from vol_assets.sources import assemble
from vol_assets.sources.protocol import REQUIRED_SYMBOLS, DailyBars

INDICES = frozenset({"VIX", "VIX3M", "GVZ", "IRX"})
TIME_LIMIT = 120.0  # seconds for everything: long enough for a hiccup, short enough for a daily schedule to notice
REQUEST_TIMEOUT = 15.0  # seconds for one request; a chart of twenty years comes in one or two
FIRST_PAUSE = 1.0  # seconds before the second try, doubled at each further one

_ONE_DOWNLOAD = threading.Lock()


class YahooMarket:
    """A MarketSource on Yahoo's daily charts.

    `base_url` stands in for all of Yahoo's hosts: a mirror, or a test's server.
    """

    name = "yahoo"

    def __init__(
        self,
        time_limit: float = TIME_LIMIT,
        request_timeout: float = REQUEST_TIMEOUT,
        first_pause: float = FIRST_PAUSE,
        base_url: str | None = None,
    ):
        self.time_limit = time_limit
        self.request_timeout = request_timeout
        self.first_pause = first_pause
        self.base_url = base_url

    def daily_bars(self, symbols: Sequence[str], first: dt.date, last: dt.date) -> DailyBars:
        """Bars of `symbols` on the sessions first ... last; a SourceError when Yahoo gave no usable answer."""
        days = assemble.window(first, last)
        # From the one session before, for previous_close; Yahoo's end is exclusive.
        prices, log = self._download(symbols, days[0].item(), last + dt.timedelta(days=1))
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

    def _download(self, symbols: Sequence[str], start: dt.date, end: dt.date) -> tuple[pd.DataFrame, _Log]:
        import yfinance
        from curl_cffi import requests
        from yfinance.data import YfData

        with _ONE_DOWNLOAD, _complaints() as complaints:
            _private_cache()
            _know_timezones(symbols)
            # yfinance keeps answers about past dates for the life of the process, failures included.
            YfData.cache_get.cache_clear()
            session = requests.Session(impersonate="chrome")
            patience = _Patience(session.request, self)
            session.request = patience.request
            begun = time.monotonic()
            try:
                prices = yfinance.download(
                    [_ticker(symbol) for symbol in symbols],
                    start=start,
                    end=end,
                    auto_adjust=False,
                    actions=False,  # adjusted closes carry dividends and splits already
                    keepna=True,
                    progress=False,
                    timeout=self.request_timeout,
                    session=session,
                )
            finally:
                # Whoever uses yfinance next in this process gets a session without our time limit.
                YfData(session=requests.Session(impersonate="chrome"))
        seconds = time.monotonic() - begun
        records = patience.faults, patience.answered, _by_ticker(complaints)
        return prices, _Log(seconds, *(_ours(record, symbols) for record in records))


@dataclass(frozen=True)
class _Fault:
    """Why a chart did not come, and what to do about it."""

    what: str
    advice: str
    passing: bool  # worth another try


@dataclass(frozen=True)
class _Log:
    """What happened in one download, by symbol."""

    seconds: float
    faults: dict[str, _Fault]
    answered: dict[str, dt.datetime]
    complaints: dict[str, str]  # yfinance's, in its or Yahoo's words

    def reason(self, symbol: str) -> str:
        """Why there is nothing of a symbol."""
        if symbol in self.faults:
            return f"{self.faults[symbol].what}, tried for {self.seconds:.0f} s"
        return self.complaints.get(symbol, "an answer without rows")


class _Patience:
    """Stands for a session's `request`: charts are asked for again until the time limit, failures are remembered."""

    def __init__(self, send: Callable[..., Any], market: YahooMarket):
        self._send = send
        self._base_url = market.base_url
        self._request_timeout = market.request_timeout
        self._first_pause = market.first_pause
        self._deadline = time.monotonic() + market.time_limit
        self._mute: dict[str, OSError] = {}
        self.faults: dict[str, _Fault] = {}
        self.answered: dict[str, dt.datetime] = {}

    def request(self, method: str, url: str, **options: Any) -> Any:
        """One request of yfinance's; an OSError, which all of curl_cffi's are, when there is no answer to give."""
        address = urlsplit(url)
        if address.path.startswith("/v8/finance/chart/"):
            return self._chart(unquote(address.path.rpartition("/")[2]), method, url, options)
        # Cookies and crumbs: charts come without them, so a host that is blocked here is not waited for twice.
        if address.netloc in self._mute:
            raise self._mute[address.netloc]
        try:
            return self._once(method, url, options)
        except OSError as error:
            self._mute[address.netloc] = error
            raise

    def _chart(self, ticker: str, method: str, url: str, options: dict[str, Any]) -> Any:
        pause = self._first_pause
        while True:
            retry_after = 0.0
            try:
                answer = self._once(method, url, options)
                fault = _fault(answer)
                retry_after = _retry_after(answer)
            except OSError as error:
                fault = _unreachable(error)
            if fault is None:
                self.faults.pop(ticker, None)
                self.answered[ticker] = dt.datetime.now(dt.UTC)
                return answer
            self.faults.setdefault(ticker, fault)
            wait = max(pause * random.uniform(0.5, 1.5), retry_after)
            if not fault.passing or time.monotonic() + wait >= self._deadline:
                raise ConnectionError(fault.what)
            time.sleep(wait)
            pause *= 2

    def _once(self, method: str, url: str, options: dict[str, Any]) -> Any:
        left = self._deadline - time.monotonic()
        if left <= 0.001:  # curl takes less than a millisecond for no limit at all
            raise TimeoutError("the time limit had passed")
        if self._base_url:
            address = urlsplit(url)
            url = f"{self._base_url}{address.path}" + (f"?{address.query}" if address.query else "")
        return self._send(method=method, url=url, **options | {"timeout": min(left, self._request_timeout)})


def _fault(answer: Any) -> _Fault | None:
    """What is wrong with an answer to a chart request; a symbol Yahoo does not know is an answer, too."""
    status = answer.status_code
    if status == 429:
        return _Fault(
            "HTTP 429, too many requests",
            "Yahoo limits how often one address may ask: wait an hour, then run again, or use VOL_ASSETS_SOURCE=files",
            passing=True,
        )
    if status >= 500:
        return _Fault(f"HTTP {status}", "Yahoo is out of order: run again later", passing=True)
    if (urlsplit(answer.url).hostname or "").endswith("consent.yahoo.com"):
        return None  # yfinance accepts it and is led back to the chart
    try:
        body = answer.json()
    except ValueError:
        body = None
    if isinstance(body, dict) and ("chart" in body or "finance" in body):
        return None
    return _Fault(
        f"HTTP {status} with something that is no chart: {' '.join(answer.text[:80].split())!r}",
        "A proxy, a login page or a maintenance page stands between: open https://finance.yahoo.com "
        "on this machine, then run again",
        passing=False,
    )


def _unreachable(error: OSError) -> _Fault:
    return _Fault(
        f"no answer ({type(error).__name__}: {error})",
        "Check the network, its proxy and firewall, then run again, or give it more time (YahooMarket's time_limit)",
        passing=True,
    )


def _retry_after(answer: Any) -> float:
    seconds = answer.headers.get("Retry-After") or ""
    return float(seconds) if seconds.isdigit() else 0.0


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


@contextlib.contextmanager
def _complaints() -> Iterator[list[str]]:
    """yfinance's error messages as a list, and none of them on the console."""
    messages: list[str] = []
    handler = logging.Handler(logging.ERROR)
    handler.emit = lambda record: messages.append(record.getMessage())
    logger = logging.getLogger("yfinance")
    level, propagate = logger.level, logger.propagate
    logger.addHandler(handler)
    logger.propagate = False
    logger.setLevel(logging.ERROR)  # at DEBUG yfinance would fetch one symbol after the other
    try:
        yield messages
    finally:
        logger.removeHandler(handler)
        logger.propagate = propagate
        logger.setLevel(level)


def _by_ticker(messages: list[str]) -> dict[str, str]:
    """yfinance's summary lines, `['^GVZ', 'IRX']: reason`, taken apart."""
    reasons = {}
    for message in messages:
        line = re.fullmatch(r"(\['.*'\]): (.+)", message, re.DOTALL)
        if line:
            reasons |= dict.fromkeys(ast.literal_eval(line[1]), line[2])
    return reasons


@cache
def _private_cache() -> tempfile.TemporaryDirectory | None:
    """Puts yfinance's cache of cookies and time zones into a folder of this process's own, removed when it ends.

    In the user's cache folder processes of a backfill would wait for each other's SQLite locks. Where there is no
    room for temporary files either, yfinance goes without.
    """
    import yfinance

    with contextlib.suppress(OSError):
        folder = tempfile.TemporaryDirectory(prefix="vol_assets_yfinance_", ignore_cleanup_errors=True)
        yfinance.set_tz_cache_location(folder.name)
        return folder
    return None


def _know_timezones(symbols: Sequence[str]) -> None:
    """Tells yfinance what it would ask with one more request a symbol: where the day of a start or end begins."""
    from yfinance.cache import get_tz_cache

    for symbol in symbols:
        get_tz_cache().store(_ticker(symbol), "America/New_York")
