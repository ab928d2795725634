"""How Yahoo is asked: through yfinance, with patience, within one time limit, and with plain words for what failed.

yfinance hides most failures: a refusal, an outage and a login page all end as "possibly delisted". Only its HTTP
session sees them, so that is where `Patience` stands: it tries again, keeps all requests within the time limit
and remembers what failed. yfinance's state is the process's (one session, one logger), hence one conversation at a
time, which may have many requests under way at once.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import logging
import random
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

CHARTS = "/v8/finance/chart/"
OPTIONS = "/v7/finance/options/"
LEAST = 0.001  # seconds; curl takes less for no limit at all

_ONE_CONVERSATION = threading.Lock()


@dataclass(frozen=True)
class Limits:
    """How long Yahoo is asked, in seconds. `base_url` stands in for all of its hosts: a mirror, or a test's server."""

    whole: float
    request: float
    first_pause: float  # before the second try, doubled at each further one
    base_url: str | None = None


@contextlib.contextmanager
def conversation(limits: Limits, deadline: float) -> Iterator[Patience]:
    """yfinance made ready to ask: give the session it holds to yfinance, and read what failed and was said after."""
    from curl_cffi import requests
    from yfinance.data import YfData

    with _ONE_CONVERSATION, _complaints() as complaints:
        _private_cache()
        # yfinance keeps answers about past dates for the life of the process, failures included.
        YfData.cache_get.cache_clear()
        session = requests.Session(impersonate="chrome")
        patience = Patience(session, limits, deadline, complaints)
        try:
            yield patience
        finally:
            # Whoever uses yfinance next in this process gets a session without our time limit.
            YfData(session=requests.Session(impersonate="chrome"))


@dataclass(frozen=True)
class Fault:
    """Why an answer did not come, and what to do about it."""

    what: str
    advice: str
    passing: bool  # worth another try


class Patience:
    """Stands for a session's `request`: what matters is asked for again until the deadline, failures are remembered.

    `faults` and `answered` go by ticker for charts, by ticker and expiration (seconds, or nothing) for options.
    """

    def __init__(self, session: Any, limits: Limits, deadline: float, complaints: list[str]):
        self.session = session
        self.complaints = complaints  # yfinance's, in its or Yahoo's words
        self.faults: dict[str, Fault] = {}
        self.answered: dict[str, dt.datetime] = {}
        self._send = session.request
        self._limits = limits
        self._deadline = deadline
        self._mute: dict[str, OSError] = {}
        session.request = self.request

    def request(self, method: str, url: str, **options: Any) -> Any:
        """One request of yfinance's; an OSError, which all of curl_cffi's are, when there is no answer to give."""
        address = urlsplit(url)
        if address.path.startswith(CHARTS):
            return self._patient(unquote(address.path.rpartition("/")[2]), "chart", method, url, options)
        if address.path.startswith(OPTIONS):
            date = parse_qs(address.query).get("date", [""])[0]
            name = options_name(unquote(address.path.rpartition("/")[2]), date)
            return self._patient(name, "optionChain", method, url, options)
        # Cookies and crumbs: charts come without them, so a host that is blocked here is not waited for twice.
        if address.netloc in self._mute:
            raise self._mute[address.netloc]
        try:
            return self._once(method, url, options)
        except OSError as error:
            self._mute[address.netloc] = error
            raise

    def _patient(self, name: str, holds: str, method: str, url: str, options: dict[str, Any]) -> Any:
        pause = self._limits.first_pause
        while True:
            retry_after = 0.0
            try:
                answer = self._once(method, url, options)
                fault = _fault(answer, holds)
                retry_after = _retry_after(answer)
            except OSError as error:
                fault = _unreachable(error)
            if fault is None:
                refusal = _refusal(answer) if holds == "optionChain" else None
                if refusal is None:
                    self.faults.pop(name, None)
                    self.answered[name] = dt.datetime.now(dt.UTC)
                else:
                    self.faults[name] = refusal
                return answer
            self.faults.setdefault(name, fault)
            wait = max(pause * random.uniform(0.5, 1.5), retry_after)
            if not fault.passing or time.monotonic() + wait >= self._deadline:
                raise ConnectionError(fault.what)
            time.sleep(wait)
            pause *= 2

    def _once(self, method: str, url: str, options: dict[str, Any]) -> Any:
        left = self._deadline - time.monotonic()
        if left <= LEAST:
            raise TimeoutError("the time limit had passed")
        if self._limits.base_url:
            address = urlsplit(url)
            url = f"{self._limits.base_url}{address.path}" + (f"?{address.query}" if address.query else "")
        return self._send(method=method, url=url, **options | {"timeout": min(left, self._limits.request)})


def options_name(ticker: str, date: str = "") -> str:
    """What the options of a ticker go by in a Patience; of one expiration, if its date is given in seconds."""
    return f"options of {ticker} {date}".rstrip()


def _refusal(answer: Any) -> Fault | None:
    """What Yahoo says for not giving options: an invalid crumb, most often, for which yfinance asks once more."""
    if answer.status_code < 400:
        return None
    error = next((part.get("error") for part in answer.json().values() if isinstance(part, dict)), None) or {}
    return Fault(
        f"HTTP {answer.status_code}, {error.get('description', 'no reason given')}",
        "Yahoo gives options only to those who took its cookie: open https://finance.yahoo.com on this machine, "
        "then run again, or use VOL_ASSETS_SOURCE=files",
        passing=False,
    )


def _fault(answer: Any, holds: str) -> Fault | None:
    """What is wrong with an answer that should hold a `chart`; a symbol Yahoo does not know is an answer, too."""
    status = answer.status_code
    if status == 429:
        return Fault(
            "HTTP 429, too many requests",
            "Yahoo limits how often one address may ask: wait an hour, then run again, or use VOL_ASSETS_SOURCE=files",
            passing=True,
        )
    if status >= 500:
        return Fault(f"HTTP {status}", "Yahoo is out of order: run again later", passing=True)
    if (urlsplit(answer.url).hostname or "").endswith("consent.yahoo.com"):
        return None  # yfinance accepts it and is led back to the chart
    try:
        body = answer.json()
    except ValueError:
        body = None
    if isinstance(body, dict) and (holds in body or "finance" in body):
        return None
    return Fault(
        f"HTTP {status} with something that is no {holds}: {' '.join(answer.text[:80].split())!r}",
        "A proxy, a login page or a maintenance page stands between: open https://finance.yahoo.com "
        "on this machine, then run again",
        passing=False,
    )


def _unreachable(error: OSError) -> Fault:
    return Fault(
        f"no answer ({type(error).__name__}: {error})",
        "Check the network, its proxy and firewall, then run again, or give it more time (YahooMarket's time_limit)",
        passing=True,
    )


def _retry_after(answer: Any) -> float:
    seconds = answer.headers.get("Retry-After") or ""
    return float(seconds) if seconds.isdigit() else 0.0


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


def know_timezones(tickers: Iterable[str]) -> None:
    """Tells yfinance what it would ask with one more request a symbol: where the day of a start or end begins."""
    from yfinance.cache import get_tz_cache

    for ticker in tickers:
        get_tz_cache().store(ticker, "America/New_York")
