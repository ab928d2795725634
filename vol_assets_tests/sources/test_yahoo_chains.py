"""YahooMarket's option chains against a server on this machine that answers as Yahoo's options API does."""

from __future__ import annotations

import datetime as dt
import json
import pickle
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pandas as pd
import pytest

from vol_assets import clock
from vol_assets.contracts.chains import RAW_CHAINS
from vol_assets.errors import SourceError
from vol_assets.settings import Settings
from vol_assets.sources import CHAIN_COLUMNS, OptionChain, open_source
from vol_assets.sources.yahoo import YahooMarket

SESSION = dt.date(2019, 7, 2)
BEFORE, AFTER = dt.date(2019, 7, 1), dt.date(2019, 7, 3)
EVENING = dt.datetime(2019, 7, 2, 20, 30, tzinfo=dt.UTC)
EXPIRATIONS = (dt.date(2019, 7, 5), dt.date(2019, 7, 19), dt.date(2019, 9, 20))

Reply = tuple[int, str, str]  # status, content type, body
TOO_MANY = (429, "text/plain", "Too Many Requests\r\n")
UNAVAILABLE = (503, "text/html", "<html>Service Unavailable</html>")
HTML = (200, "text/html", "<!doctype html><html><title>Sign in to the hotel network</title></html>")
NO_CRUMB = (
    401,
    "application/json",
    '{"finance": {"result": null, "error": {"code": "Unauthorized", "description": "Invalid Crumb"}}}',
)


def seconds(day: dt.date, hour: int = 0) -> int:
    return int(dt.datetime.combine(day, dt.time(hour), dt.UTC).timestamp())


class Yahoo:
    """A server for all of Yahoo's hosts, for SPY and the bill. `replies` may replace what it says of an expiration
    (its seconds; "" for the first question, IRX for the bill)."""

    def __init__(self):
        self.replies: dict[str, Callable[[int], Reply | None]] = {}
        self.quote: dict[str, object] = {"regularMarketPrice": 296.4, "regularMarketTime": seconds(SESSION, 20)}
        self.contracts: dict[dt.date, tuple[list[dict], list[dict]]] = {day: contracts(day) for day in EXPIRATIONS}
        self.bill = [(BEFORE, 2.0)]
        self.asked: list[str] = []
        self.at_once = self.most_at_once = 0
        self._counting = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.block_on_close = False
        self._server.handle_error = lambda *args: None
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    def market(self, now: dt.datetime = EVENING, **options) -> YahooMarket:
        options = {"time_limit": 5.0, "request_timeout": 2.0, "first_pause": 0.01} | options
        return YahooMarket(base_url=f"http://127.0.0.1:{self._server.server_port}", now=lambda: now, **options)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _reply(self, path: str, query: dict[str, list[str]]) -> Reply:
        if path == "/v1/test/getcrumb":
            return 200, "text/plain", "crumb"
        if path == "/v7/finance/options/SPY":
            name = query.get("date", [""])[0]
        elif path.startswith("/v8/finance/chart/"):
            name = "IRX"
        else:
            return 404, "text/html", "<html>nothing here</html>"
        with self._counting:
            self.asked.append(name)
            number = self.asked.count(name)
        reply = self.replies.get(name, lambda number: None)(number)
        if reply is not None:
            return reply
        return self._chart() if name == "IRX" else self._options(name)

    def _chart(self) -> Reply:
        meta = {
            "currency": "USD",
            "symbol": "^IRX",
            "instrumentType": "INDEX",
            "exchangeTimezoneName": "America/Chicago",
        }
        closes = [close for _, close in self.bill]
        result = {
            "meta": meta | {"gmtoffset": -18000, "priceHint": 2, "dataGranularity": "1d", "validRanges": ["1d"]},
            "timestamp": [seconds(day, 14) for day, _ in self.bill],
            "indicators": {
                "quote": [dict.fromkeys(("open", "high", "low", "close", "volume"), closes)],
                "adjclose": [{"adjclose": closes}],
            },
        }
        return 200, "application/json", json.dumps({"chart": {"result": [result], "error": None}})

    def _options(self, name: str) -> Reply:
        expirations = {str(seconds(day)): day for day in self.contracts}
        day = expirations[name] if name else next(iter(self.contracts), None)
        options = []
        if day is not None:
            calls, puts = self.contracts[day]
            options = [{"expirationDate": seconds(day), "hasMiniOptions": False, "calls": calls, "puts": puts}]
        result = {
            "underlyingSymbol": "SPY",
            "expirationDates": list(map(int, expirations)),
            "quote": self.quote,
            "options": options,
        }
        return 200, "application/json", json.dumps({"optionChain": {"result": [result], "error": None}})

    def _handler(yahoo):
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_GET(self):
                address = urlsplit(self.path)
                with yahoo._counting:
                    yahoo.at_once += 1
                    yahoo.most_at_once = max(yahoo.most_at_once, yahoo.at_once)
                status, kind, body = yahoo._reply(address.path, parse_qs(address.query))
                with yahoo._counting:
                    yahoo.at_once -= 1
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, *args):
                pass

        return Handler


def contracts(day: dt.date) -> tuple[list[dict], list[dict]]:
    """A call and a put of two strikes; Yahoo leaves out what it does not have (the volume of what never traded)."""

    def contract(right: str, strike: int) -> dict:
        return {
            "contractSymbol": f"SPY{day:%y%m%d}{right}{strike * 1000:08d}",
            "strike": float(strike),
            "currency": "USD",
            "lastPrice": 1.0,
            "bid": strike / 100.0,
            "ask": strike / 100.0 + 0.1,
            "openInterest": 7,
            "lastTradeDate": seconds(BEFORE, 19),
            "impliedVolatility": 0.1,
            "inTheMoney": False,
            "contractSize": "REGULAR",
        }

    return [contract("C", 290) | {"volume": 3}, contract("C", 300)], [contract("P", 290), contract("P", 300)]


def always(reply: Reply) -> Callable[[int], Reply]:
    return lambda number: reply


@pytest.fixture
def yahoo(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    server = Yahoo()
    yield server
    server.close()


def chain(market: YahooMarket) -> OptionChain:
    (answer,) = market.option_chains("SPY", SESSION, SESSION)
    return answer


def refused(market: YahooMarket) -> str:
    with pytest.raises(SourceError) as raised:
        chain(market)
    return str(raised.value)


def test_a_chain_comes_as_the_protocol_and_its_contract_say(yahoo):
    begun = dt.datetime.now(dt.UTC)
    answer = chain(yahoo.market())
    quotes = answer.quotes
    assert answer.notes == answer.problems == ()
    assert tuple(quotes.columns) == CHAIN_COLUMNS
    contract = RAW_CHAINS["SPY"]
    contract.require(quotes.assign(source="yahoo")[list(contract.columns)])
    assert (quotes["date"] == pd.Timestamp(SESSION)).all()
    assert (quotes["quote_time"] == clock.close_instant(SESSION)).all()
    assert quotes["fetched_at"].between(begun, dt.datetime.now(dt.UTC)).all()
    assert quotes["expiration"].dt.date.tolist() == [day for day in EXPIRATIONS for _ in range(4)]
    assert quotes["right"].tolist() == ["C", "C", "P", "P"] * 3
    assert quotes["strike"].tolist() == [290.0, 300.0] * 6
    assert quotes["bid"].tolist() == [2.9, 3.0] * 6
    assert quotes["volume"].fillna(-1.0).tolist() == [3.0, -1.0, -1.0, -1.0] * 3
    assert (quotes["root"] == "SPY").all()
    assert not quotes["nonstandard"].any()
    assert (quotes["vendor_spot"] == 296.4).all()


def test_the_rate_is_the_bills_of_the_last_sessions(yahoo):
    quotes = chain(yahoo.market()).quotes
    assert quotes["rate"].to_numpy() == pytest.approx(-np.log(1 - 0.02 * 91 / 360) * 365 / 91)
    assert set(quotes["rate_source"]) == {"IRX"}
    assert set(quotes["rate_age_sessions"]) == {1.0}
    assert set(quotes["rate_tenor_days"]) == {91.0}


def test_without_the_bill_the_setting_counts_and_a_note_says_so(yahoo):
    yahoo.replies["IRX"] = always(HTML)
    answer = chain(yahoo.market(rate=0.03))
    assert set(answer.quotes["rate"]) == {0.03}
    assert set(answer.quotes["rate_source"]) == {"setting"}
    (note,) = answer.notes
    assert note.startswith("IRX: Yahoo has no rate (HTTP 200 with something that is no chart")
    without = chain(yahoo.market()).quotes
    assert without["rate"].isna().all()
    assert set(without["rate_source"]) == {""}


def test_each_expiration_is_asked_for_once_and_never_more_than_two_at_a_time(yahoo):
    days = [EXPIRATIONS[0] + dt.timedelta(days=number) for number in range(8)]
    yahoo.contracts = {day: contracts(day) for day in days}
    yahoo.replies = {str(seconds(day)): lambda number: time.sleep(0.03) for day in days}
    chain(yahoo.market())
    assert sorted(yahoo.asked) == sorted(["", *yahoo.replies, "IRX"])
    assert yahoo.most_at_once == 2


@pytest.mark.parametrize(
    "now", [dt.datetime(2019, 7, 2, 20, 0, tzinfo=dt.UTC), dt.datetime(2019, 7, 3, 13, 29, tzinfo=dt.UTC)]
)
def test_the_chain_is_there_from_the_close_until_the_next_open(yahoo, now):
    assert len(chain(yahoo.market(now)).quotes) == 12


@pytest.mark.parametrize(
    ("now", "said"),
    [
        (dt.datetime(2019, 7, 2, 19, 59, tzinfo=dt.UTC), "the exchange is open: run again after its close (16:00 New"),
        (dt.datetime(2019, 7, 3, 13, 30, tzinfo=dt.UTC), "the exchange is open: run again after its close (13:00 New"),
        (
            dt.datetime(2019, 7, 3, 18, 0, tzinfo=dt.UTC),
            "last closed session only, which is 2019-07-03 until 2019-07-05",
        ),
        (
            dt.datetime(2019, 7, 2, 8, 0, tzinfo=dt.UTC),
            "which is 2019-07-01 until 2019-07-02 09:30 New York, not those",
        ),
    ],
)
def test_another_session_is_refused_naming_the_one_there_is_and_the_drop_folder(yahoo, now, said):
    with pytest.raises(SourceError) as raised:  # at the call: nobody should wait to be told
        yahoo.market(now).option_chains("SPY", SESSION, SESSION)
    assert said in str(raised.value)
    assert "VOL_ASSETS_SOURCE=files" in str(raised.value)
    assert yahoo.asked == []


def test_a_range_that_ends_with_the_session_has_notes_for_those_before(yahoo):
    before, last = yahoo.market().option_chains("SPY", BEFORE, SESSION)
    assert before.quotes.empty
    assert before.notes == (
        "Yahoo has option quotes of 2019-07-02 only; put those of 2019-07-01 into a folder for VOL_ASSETS_SOURCE=files",
    )
    assert len(last.quotes) == 12


@pytest.mark.parametrize("reply", [TOO_MANY, UNAVAILABLE])
@pytest.mark.parametrize("name", ["", str(seconds(EXPIRATIONS[1]))])
def test_a_passing_failure_is_tried_again_and_forgotten(yahoo, name, reply):
    yahoo.replies[name] = lambda number: reply if number <= 2 else None
    answer = chain(yahoo.market())
    assert answer.notes == ()
    assert len(answer.quotes) == 12
    assert yahoo.asked.count(name) == 3


def test_an_invalid_crumb_is_asked_for_once_more(yahoo):
    yahoo.replies[""] = lambda number: NO_CRUMB if number == 1 else None
    assert len(chain(yahoo.market()).quotes) == 12


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (TOO_MANY, "HTTP 429, too many requests, tried for"),
        (UNAVAILABLE, "HTTP 503, tried for"),
        (HTML, "something that is no optionChain: '<!doctype html><html><title>Sign in"),
        (NO_CRUMB, "HTTP 401, Invalid Crumb"),
        ((200, "application/json", '{"optionChain": {"result": [], "error": null}}'), "an answer without options"),
        ((200, "application/json", '{"optionChain": {"result": [{}], "error": null}}'), "an answer of another form"),
    ],
)
def test_without_its_expirations_or_one_of_them_there_is_no_chain_and_the_reason_is_told(yahoo, reply, said):
    yahoo.replies[""] = always(reply)
    message = refused(yahoo.market(time_limit=0.4))
    assert message.startswith("Yahoo did not give the list of expirations of SPY's options: ")
    assert said in message
    del yahoo.replies[""]
    yahoo.replies[str(seconds(EXPIRATIONS[1]))] = always(reply)
    message = refused(yahoo.market(time_limit=0.4))
    assert message.startswith("Yahoo did not give the expiration 2019-07-19 of SPY's options: ")
    assert said in message


def test_no_server_at_all_is_an_error():
    market = YahooMarket(time_limit=0.3, first_pause=0.01, base_url="http://127.0.0.1:9", now=lambda: EVENING)
    assert "no answer (ConnectionError" in refused(market)


def test_no_contracts_at_all_is_an_error(yahoo):
    yahoo.contracts = {day: ([], []) for day in EXPIRATIONS}
    assert refused(yahoo.market()).startswith("Yahoo's options of SPY have no quotes")


def test_quotes_of_another_day_are_refused(yahoo):
    yahoo.quote["regularMarketTime"] = seconds(BEFORE, 20)
    assert refused(yahoo.market()).startswith("Yahoo's options of SPY are of 2019-07-01, not of 2019-07-02")


def test_emptied_quotes_come_with_a_note(yahoo):
    for side in (side for sides in yahoo.contracts.values() for side in sides):
        for contract in side:
            contract["bid"] = contract["ask"] = 0
    answer = chain(yahoo.market())
    assert len(answer.quotes) == 12
    (note,) = answer.notes
    assert "12 of 12 have no bid" in note


def test_adjusted_contracts_and_minis_are_marked(yahoo):
    calls, _ = yahoo.contracts[EXPIRATIONS[0]]
    calls[0]["contractSymbol"] = "SPY1190705C00290000"
    calls[1]["contractSize"] = "MINI"
    quotes = chain(yahoo.market()).quotes
    assert quotes["nonstandard"].tolist() == [True, True] + [False] * 10
    assert quotes["root"].tolist()[:2] == ["SPY1", "SPY"]


def test_nothing_is_said_on_the_console_but_progress_can_be_listened_to(yahoo, capfd, caplog):
    yahoo.contracts = {dt.date(2019, 8, 1) + dt.timedelta(days=n): contracts(EXPIRATIONS[0]) for n in range(11)}
    with caplog.at_level("INFO", logger="vol_assets"):
        chain(yahoo.market())
    assert capfd.readouterr() == ("", "")
    assert [record.getMessage() for record in caplog.records if record.name.startswith("vol_assets")] == [
        "SPY: 10 of 11 expirations"
    ]


def test_the_setting_reaches_the_source():
    market = open_source(Settings.from_env({"VOL_ASSETS_SOURCE": "yahoo", "VOL_ASSETS_RATE": "0.031"}))
    assert market.rate == 0.031
    assert pickle.loads(pickle.dumps(market)).rate == 0.031  # ranges are asked for by other processes
