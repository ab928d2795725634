"""YahooMarket against a server on this machine that answers as Yahoo's chart API does; yfinance itself is real."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vol_assets import clock
from vol_assets.errors import SessionError, SourceError
from vol_assets.sources import BAR_COLUMNS, SYMBOLS
from vol_assets.sources.yahoo import YahooMarket

FIRST, LAST = dt.date(2019, 7, 1), dt.date(2019, 7, 12)
BEFORE = dt.date(2019, 6, 28)
HOLIDAY = dt.date(2019, 7, 4)
TICKERS = {symbol: f"^{symbol}" for symbol in ("VIX", "VIX3M", "GVZ", "IRX", "VVIX", "VIX9D", "SKEW")}

Reply = tuple[int, str, str]  # status, content type, body


class Yahoo:
    """A server for all of Yahoo's hosts. `replies` may replace what it says about a ticker."""

    def __init__(self):
        self.rows: dict[str, list[tuple]] = {}  # ticker: (day, open, high, low, close, adj_close, volume)
        self.replies: dict[str, Callable[[int], Reply | None]] = {}  # ticker: number of the request -> what to say
        self.cookies: Callable[[], None] = lambda: None
        self.crumb: Reply = (200, "text/plain", "crumb")
        self.headers: dict[str, str] = {}
        self.asked: list[str] = []
        self.closing = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.block_on_close = False
        self._server.handle_error = lambda *args: None  # a client that hung up is what some tests are about
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    def market(self, **options) -> YahooMarket:
        options = {"time_limit": 5.0, "request_timeout": 2.0, "first_pause": 0.01} | options
        return YahooMarket(base_url=f"http://127.0.0.1:{self._server.server_port}", **options)

    def fill(self, symbols=SYMBOLS, first=BEFORE, last=LAST) -> None:
        """A history for each symbol: closes 100, 101, ... with a dividend, so that adjusted closes are 2 % lower."""
        for symbol in symbols:
            self.rows[TICKERS.get(symbol, symbol)] = [
                (day, 100.0 + i, 101.0 + i, 99.0 + i, 100.5 + i, (100.5 + i) * 0.98, 1000 + i)
                for i, day in enumerate(clock.sessions(first, last))
            ]

    def close(self) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _reply(self, path: str, query: dict[str, list[str]]) -> Reply:
        if path == "/v1/test/getcrumb":
            return self.crumb
        if not path.startswith("/v8/finance/chart/"):
            self.cookies()
            return 404, "text/html", "<html>nothing here</html>"
        ticker = unquote(path.rpartition("/")[2])
        self.asked.append(ticker)
        reply = self.replies.get(ticker, lambda number: None)(self.asked.count(ticker))
        if reply is not None:
            return reply
        if ticker not in self.rows:
            return error(404, "Not Found", "No data found, symbol may be delisted")
        if "range" in query:  # yfinance looking for a time zone
            return chart(ticker, self.rows[ticker][-1:])
        begin, end = int(query["period1"][0]), int(query["period2"][0])
        return chart(ticker, [row for row in self.rows[ticker] if begin <= stamp(ticker, row[0]) < end])

    def _handler(yahoo):
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True  # a head and a body are two writes: 40 ms otherwise

            def do_GET(self):
                address = urlsplit(self.path)
                status, kind, body = yahoo._reply(address.path, parse_qs(address.query))
                if status == 0:
                    self.close_connection = True
                    return
                self.send_response(status)
                for name, value in ({"Content-Type": kind, "Content-Length": str(len(body))} | yahoo.headers).items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, *args):
                pass

        return Handler


def stamp(ticker: str, day: dt.date) -> int:
    """The start of trading, with which Yahoo dates a daily bar; midnight for the future."""
    time_of_day = dt.time(0) if ticker == "GC=F" else dt.time(9, 30)
    return int(dt.datetime.combine(day, time_of_day, clock.NEW_YORK).timestamp())


def chart(ticker: str, rows: list[tuple]) -> Reply:
    """What Yahoo says of a range; without rows it leaves out the timestamps."""
    zone = "America/Chicago" if ticker.startswith("^") else "America/New_York"
    meta = {
        "currency": "USD",
        "symbol": ticker,
        "instrumentType": "INDEX" if ticker.startswith("^") else "ETF",
        "exchangeTimezoneName": zone,
        "gmtoffset": -14400,
        "priceHint": 2,
        "dataGranularity": "1d",
        "range": "",
        "validRanges": ["1d", "5d", "1mo", "1y", "max"],
    }
    result = {"meta": meta, "indicators": {"quote": [{}], "adjclose": [{}]}}
    if rows:
        days, opens, highs, lows, closes, adjusted, volumes = (list(column) for column in zip(*rows, strict=True))
        result["timestamp"] = [stamp(ticker, day) for day in days]
        quote = {"open": opens, "high": highs, "low": lows, "close": closes, "volume": volumes}
        result["indicators"] = {"quote": [quote], "adjclose": [{"adjclose": adjusted}]}
    return 200, "application/json", json.dumps({"chart": {"result": [result], "error": None}})


def error(status: int, code: str, description: str) -> Reply:
    body = {"chart": {"result": None, "error": {"code": code, "description": description}}}
    return status, "application/json", json.dumps(body)


def always(reply: Reply) -> Callable[[int], Reply]:
    return lambda number: reply


def once(reply: Reply) -> Callable[[int], Reply | None]:
    return lambda number: reply if number == 1 else None


UNAVAILABLE = (503, "text/html", "<html>Service Unavailable</html>")
TOO_MANY = (429, "text/plain", "Too Many Requests\r\n")
HTML = (200, "text/html", "<!doctype html><html><title>Sign in to the hotel network</title></html>")
HANGS_UP = (0, "", "")


@pytest.fixture
def yahoo(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    server = Yahoo()
    yield server
    server.close()


def bar(answer, symbol: str, day: dt.date) -> pd.Series:
    bars = answer.bars
    rows = bars[(bars["symbol"] == symbol) & (bars["date"] == pd.Timestamp(day))]
    assert len(rows) == 1
    return rows.iloc[0]


def test_bars_come_as_the_protocol_says(yahoo):
    yahoo.fill()
    begun = dt.datetime.now(dt.UTC)
    answer = yahoo.market().daily_bars(SYMBOLS, FIRST, LAST)
    bars = answer.bars
    assert tuple(bars.columns) == BAR_COLUMNS
    assert str(bars["date"].dtype) == "datetime64[ns]"
    assert str(bars["fetched_at"].dtype) == "datetime64[us, UTC]"
    assert all(str(bars[column].dtype) == "float64" for column in BAR_COLUMNS[2:8])
    assert bars["fetched_at"].between(begun, dt.datetime.now(dt.UTC)).all()
    assert len(bars) == len(SYMBOLS) * len(clock.sessions(FIRST, LAST))
    assert bars.equals(bars.sort_values(["date", "symbol"], ignore_index=True))
    assert answer.problems == ()
    assert answer.notes == ()
    vix = bar(answer, "VIX", FIRST)
    assert tuple(vix[["open", "high", "low", "close", "volume"]]) == (101.0, 102.0, 100.0, 101.5, 1001.0)
    assert vix["previous_close"] == pytest.approx(100.5, rel=1e-12)


def test_each_chart_is_asked_for_once(yahoo):
    yahoo.fill()
    yahoo.market().daily_bars(SYMBOLS, FIRST, LAST)
    assert sorted(yahoo.asked) == sorted(TICKERS.get(symbol, symbol) for symbol in SYMBOLS)


def test_one_symbol_on_one_session_has_its_previous_close(yahoo):
    yahoo.fill()
    answer = yahoo.market().daily_bars(["SPY"], LAST, LAST)
    assert len(answer.bars) == 1
    assert bar(answer, "SPY", LAST)["previous_close"] == pytest.approx(bar(answer, "SPY", LAST)["close"] - 1)


def test_an_end_that_is_no_session_is_refused_before_yahoo_is_asked(yahoo):
    with pytest.raises(SessionError, match="2019-07-04 is no XNYS session"):
        yahoo.market().daily_bars(["SPY"], FIRST, HOLIDAY)
    assert yahoo.asked == []


def test_a_row_without_prices_is_left_out_with_a_note_and_ends_no_other_session(yahoo):
    yahoo.fill(["SPY", "VIX"])
    day, *_ = yahoo.rows["SPY"][3]
    yahoo.rows["SPY"][3] = (day, None, None, None, None, None, None)
    answer = yahoo.market().daily_bars(["SPY", "VIX"], FIRST, LAST)
    assert answer.notes == (f"SPY: 1 row without a close left out, the first on {day}",)
    spy = answer.bars[answer.bars["symbol"] == "SPY"]
    assert pd.Timestamp(day) not in set(spy["date"])
    assert len(spy) == len(clock.sessions(FIRST, LAST)) - 1
    assert np.isnan(bar(answer, "SPY", clock.offset(day, 1))["previous_close"])
    assert spy["previous_close"].isna().sum() == 1
    assert answer.bars.loc[answer.bars["symbol"] == "VIX", "previous_close"].notna().all()


def test_a_session_yahoo_has_no_row_for_is_missing_and_the_next_has_no_previous_close(yahoo):
    yahoo.fill(["SPY", "VIX"])
    day = yahoo.rows["SPY"].pop(3)[0]
    answer = yahoo.market().daily_bars(["SPY", "VIX"], FIRST, LAST)
    assert answer.notes == ()
    assert np.isnan(bar(answer, "SPY", clock.offset(day, 1))["previous_close"])


def test_a_bar_with_a_close_only_is_kept(yahoo):
    yahoo.fill(["GVZ", "SPY"])
    yahoo.rows["^GVZ"] = [(day, None, None, None, close, close, 0) for day, _, _, _, close, _, _ in yahoo.rows["^GVZ"]]
    answer = yahoo.market().daily_bars(["SPY", "GVZ"], FIRST, LAST)
    gvz = bar(answer, "GVZ", FIRST)
    assert gvz["close"] == 101.5
    assert gvz["previous_close"] == 100.5
    assert np.isnan(gvz["open"])


def test_rows_on_a_holiday_are_left_out_and_only_worth_a_note_where_they_are_odd(yahoo):
    yahoo.fill(["SPY", "GC=F"])
    for ticker in ("SPY", "GC=F"):
        yahoo.rows[ticker].append((HOLIDAY, 1.0, 1.0, 1.0, 1.0, 1.0, 1))
        yahoo.rows[ticker].sort()
    answer = yahoo.market().daily_bars(["SPY", "GC=F"], FIRST, LAST)
    assert answer.notes == ("SPY: 1 row on days without a session left out, the first on 2019-07-04",)
    assert pd.Timestamp(HOLIDAY) not in set(answer.bars["date"])
    after = clock.offset(HOLIDAY, 1)
    assert bar(answer, "GC=F", after)["previous_close"] == pytest.approx(bar(answer, "GC=F", after)["close"] - 1)


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (None, "No data found, symbol may be delisted"),
        (chart("^VIX3M", []), "no price data found"),
        (error(400, "Bad Request", "Data doesn't exist for startDate = 1, endDate = 2"), "Data doesn't exist"),
        ((200, "application/json", '{"chart": {"result": [{"meta": {}}], "error": null}}'), "indicators"),
    ],
)
def test_a_symbol_without_data_is_named_with_the_reason_and_the_others_come(yahoo, reply, reason):
    yahoo.fill(["SPY", "TLT"])
    if reply:
        yahoo.replies["^VIX3M"] = always(reply)
    answer = yahoo.market().daily_bars(["SPY", "VIX3M", "TLT"], FIRST, LAST)
    (note,) = answer.notes
    assert note.startswith("VIX3M: Yahoo has no bar (")
    assert reason in note
    assert set(answer.bars["symbol"]) == {"SPY", "TLT"}
    assert len(answer.bars) == 2 * len(clock.sessions(FIRST, LAST))


def test_nothing_at_all_is_an_error_that_names_symbols_range_and_what_to_do(yahoo):
    yahoo.fill(["GVZ"])
    with pytest.raises(SourceError) as raised:
        yahoo.market().daily_bars(["SPY", "VIX", "GVZ"], FIRST, LAST)
    message = str(raised.value)
    assert "SPY, VIX" in message
    assert "2019-07-01 ... 2019-07-12" in message
    assert "No data found, symbol may be delisted" in message
    assert "check the range" in message


def test_an_optional_symbol_may_be_all_there_is_when_only_it_was_asked_for(yahoo):
    yahoo.fill(["GVZ"])
    assert len(yahoo.market().daily_bars(["GVZ"], FIRST, LAST).bars) == len(clock.sessions(FIRST, LAST))


@pytest.mark.parametrize("reply", [UNAVAILABLE, TOO_MANY, HANGS_UP])
def test_a_passing_failure_is_tried_again_and_forgotten(yahoo, reply):
    yahoo.fill(["SPY", "VIX"])
    yahoo.replies["SPY"] = lambda number: reply if number <= 2 else None
    answer = yahoo.market().daily_bars(["SPY", "VIX"], FIRST, LAST)
    assert answer.notes == ()
    assert len(answer.bars) == 2 * len(clock.sessions(FIRST, LAST))
    assert yahoo.asked.count("SPY") == 3
    assert yahoo.asked.count("^VIX") == 1


def test_too_many_requests_is_named_with_how_long_it_was_tried_and_what_to_do(yahoo):
    yahoo.fill(["SPY", "VIX"])
    yahoo.replies["SPY"] = always(TOO_MANY)
    with pytest.raises(SourceError) as raised:
        yahoo.market(time_limit=0.6).daily_bars(["SPY", "VIX"], FIRST, LAST)
    message = str(raised.value)
    assert "for SPY (2019-07-01" in message
    assert "429" in message
    assert "tried for" in message
    assert "wait" in message
    assert yahoo.asked.count("SPY") > 2


def test_a_retry_after_beyond_the_time_limit_ends_the_trying_at_once(yahoo):
    yahoo.headers["Retry-After"] = "3600"
    yahoo.replies["SPY"] = always(TOO_MANY)
    with pytest.raises(SourceError, match="429"):
        yahoo.market(time_limit=30).daily_bars(["SPY"], FIRST, LAST)
    assert yahoo.asked == ["SPY"]


def test_an_outage_that_lasts_is_an_error(yahoo):
    yahoo.fill(["SPY", "VIX"])
    yahoo.replies["^VIX"] = always(UNAVAILABLE)
    with pytest.raises(SourceError, match=r"for VIX \(2019-07-01.*HTTP 503, tried for .* run again later"):
        yahoo.market(time_limit=0.3).daily_bars(["SPY", "VIX"], FIRST, LAST)


def test_an_outage_of_the_only_symbol_asked_for_is_an_error(yahoo):
    yahoo.replies["^GVZ"] = always(UNAVAILABLE)
    with pytest.raises(SourceError, match=r"no bar of GVZ on 2019-07-01 .*HTTP 503, tried for"):
        yahoo.market(time_limit=0.1).daily_bars(["GVZ"], FIRST, LAST)


def test_an_outage_of_an_optional_symbol_is_a_note(yahoo):
    yahoo.fill(["SPY", "GVZ"])
    yahoo.replies["^GVZ"] = always(UNAVAILABLE)
    answer = yahoo.market(time_limit=0.5).daily_bars(["SPY", "GVZ"], FIRST, LAST)
    (note,) = answer.notes
    assert note.startswith("GVZ: Yahoo has no bar (HTTP 503, tried for")
    assert len(answer.bars) == len(clock.sessions(FIRST, LAST))


@pytest.mark.parametrize(
    ("reply", "shown"),
    [
        (HTML, "Sign in to the hotel network"),
        ((403, "text/html", "<html>Blocked by your firewall</html>"), "HTTP 403"),
        ((200, "application/json", '{"chart": {"result": [{"meta"'), '{"chart": {"result"'),
        ((200, "application/json", "[]"), "[]"),
        ((200, "application/json", ""), "no chart"),
    ],
)
def test_garbage_is_an_error_that_shows_it_and_is_not_asked_for_again(yahoo, reply, shown):
    yahoo.fill(["SPY", "VIX"])
    yahoo.replies["SPY"] = always(reply)
    with pytest.raises(SourceError) as raised:
        yahoo.market().daily_bars(["SPY", "VIX"], FIRST, LAST)
    message = str(raised.value)
    assert "for SPY (" in message
    assert shown in message
    assert "open https://finance.yahoo.com" in message
    assert yahoo.asked.count("SPY") == 1


def test_a_bad_answer_is_not_remembered_for_the_next_run(yahoo):
    yahoo.fill(["SPY"])
    yahoo.replies["SPY"] = once(HTML)
    market = yahoo.market()
    with pytest.raises(SourceError):
        market.daily_bars(["SPY"], FIRST, LAST)
    first = market.daily_bars(["SPY"], FIRST, LAST)
    yahoo.rows["SPY"] = [(*row[:4], 50.0, 50.0, 0) for row in yahoo.rows["SPY"]]
    second = market.daily_bars(["SPY"], FIRST, LAST)
    assert (first.bars["close"] > 100).all()
    assert (second.bars["close"] == 50.0).all()


@pytest.mark.parametrize("request_timeout", [0.2, 30.0])
def test_a_slow_server_costs_no_more_than_the_time_limit(yahoo, request_timeout):
    yahoo.fill()
    for ticker in yahoo.rows:
        yahoo.replies[ticker] = lambda number: yahoo.closing.wait(30) and None
    begun = time.monotonic()
    with pytest.raises(SourceError, match=r"no answer .* Check the network"):
        yahoo.market(time_limit=0.5, request_timeout=request_timeout).daily_bars(SYMBOLS, FIRST, LAST)
    assert time.monotonic() - begun < 15.0  # the server would keep it for thirty, once a symbol


def test_no_server_at_all_is_an_error(yahoo):
    market = YahooMarket(time_limit=0.3, first_pause=0.01, base_url="http://127.0.0.1:9")
    with pytest.raises(SourceError, match=r"for SPY .*no answer .*ConnectionError.* Check the network"):
        market.daily_bars(["SPY"], FIRST, LAST)


@pytest.mark.parametrize("crumb", [TOO_MANY, UNAVAILABLE, HTML])
def test_charts_come_without_a_crumb(yahoo, crumb):
    yahoo.fill(["SPY", "VIX"])
    yahoo.crumb = crumb
    assert len(yahoo.market().daily_bars(["SPY", "VIX"], FIRST, LAST).bars) == 2 * len(clock.sessions(FIRST, LAST))


def test_a_cookie_host_that_does_not_answer_is_waited_for_once_and_not_once_a_symbol(yahoo):
    yahoo.fill()
    waits = []
    yahoo.cookies = lambda: waits.append(yahoo.closing.wait(30))
    market = yahoo.market(request_timeout=0.2)
    assert len(market.daily_bars(SYMBOLS, FIRST, LAST).bars) == len(SYMBOLS) * len(clock.sessions(FIRST, LAST))
    yahoo.closing.set()
    time.sleep(0.05)
    assert len(waits) <= 2  # yfinance has two ways to a cookie


def test_yfinance_says_nothing_on_the_console_and_its_logger_is_left_as_it_was(yahoo, capfd, caplog):
    import logging

    yahoo.fill(["SPY"])
    logger = logging.getLogger("yfinance")
    before = logger.level, logger.propagate, list(logger.handlers)
    with caplog.at_level(logging.DEBUG):
        yahoo.market().daily_bars(["SPY", "VIX"], FIRST, LAST)
    assert capfd.readouterr() == ("", "")
    assert [record for record in caplog.records if record.name == "yfinance"] == []
    assert (logger.level, logger.propagate, list(logger.handlers)) == before


def test_the_next_user_of_yfinance_gets_a_session_without_our_time_limit(yahoo):
    from yfinance.data import YfData

    yahoo.fill(["SPY"])
    yahoo.market().daily_bars(["SPY"], FIRST, LAST)
    assert "request" not in vars(YfData()._session)


def test_the_module_loads_without_yfinance():
    code = "import sys, vol_assets.sources.yahoo; print('yfinance' in sys.modules, 'curl_cffi' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


def as_of(last: int, prices, dividends, splits) -> tuple[np.ndarray, np.ndarray]:
    """Close and adjusted close of the first `last` sessions as Yahoo gives them at the end of that time.

    Every split re-bases all closes before it; every dividend scales all adjusted closes before it by
    1 - dividend / close before. Yahoo keeps single precision.
    """
    close = np.array(prices[:last])
    adjusted = close.copy()
    for t in range(1, last):
        adjusted[:t] *= 1 - dividends[t] / prices[t - 1]
        adjusted[:t] /= splits[t]
        close[:t] /= splits[t]
    return close.astype("float32").astype(float), adjusted.astype("float32").astype(float)


@given(data=st.data())
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_return_is_the_same_whenever_history_was_fetched(yahoo, data):
    days = clock.sessions(BEFORE, dt.date(2019, 7, 26))
    n = len(days)
    early = data.draw(st.integers(3, n - 1), label="sessions at the first fetch")
    daily = data.draw(st.lists(st.floats(0.9, 1.1), min_size=n, max_size=n), label="price relatives")
    yields = data.draw(st.lists(st.sampled_from([0.0, 0.0, 0.0001, 0.05]), min_size=n, max_size=n), label="yields")
    splits = data.draw(
        st.lists(st.sampled_from([1.0, 1.0, 1.0, 2.0, 0.5, 1.5]), min_size=n, max_size=n), label="splits"
    )
    splits[0] = 1.0
    # Prices before a split are on the old basis, as traded; one share then is `split` shares after.
    prices = 100.0 * np.cumprod(np.array(daily) / np.array(splits))
    dividends = [0.0, *(prices[:-1] * yields[1:])]

    def returns(last: int) -> pd.Series:
        close, adjusted = as_of(last, prices, dividends, splits)
        yahoo.rows["SPY"] = [
            (day, c, c, c, c, a, 0) for day, c, a in zip(days[:last], close.tolist(), adjusted.tolist(), strict=True)
        ]
        bars = yahoo.market().daily_bars(["SPY"], days[1], days[last - 1]).bars.set_index("date")
        return np.log(bars["close"] / bars["previous_close"])

    then, later = returns(early), returns(n)
    assert len(then) == early - 1
    assert (then - later[: early - 1]).abs().max() < 1e-6
    assert later.to_numpy() == pytest.approx(np.log(daily[1:]) - np.log1p(-np.array(yields[1:])), abs=1e-6)
