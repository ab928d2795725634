"""From tickers to rows and an outcome, on ib_insync's own tickers."""

from __future__ import annotations

import asyncio
import datetime as dt
from concurrent.futures import ThreadPoolExecutor

import pandas as pd
import pytest
from smile_market import EXPIRATIONS, NOON

from vol_assets.ibkr import Outcome, Poll
from vol_assets.ibkr.outcome import bucket_start
from vol_assets.ibkr.plan import OptionKey
from vol_assets.ibkr.quotes import Seen, judged

LARGEST = 1.7976931348623157e308  # what IB writes for a number that is not set
NAN = float("nan")


@pytest.fixture(scope="module")
def api():
    """ib_insync, imported as it wants to be: where an event loop is running."""

    async def load():
        import ib_insync

        return ib_insync

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(lambda: asyncio.run(load())).result()


@pytest.fixture
def seen(api):
    """A function that makes a contract as a poll has seen it."""

    def make(
        strike: float = 500.0, *, greeks: dict | None = None, kind: int = 1, refused: int | None = None, **prices
    ) -> Seen:
        ticker = api.Ticker(contract=api.Contract(conId=int(strike)), marketDataType=kind, **prices)
        if greeks is not None:
            usual = {"impliedVol": 0.2, "delta": 0.5, "gamma": 0.01, "vega": 0.3, "theta": -0.1}
            rest = {"tickAttrib": 0, "optPrice": 1.0, "pvDividend": 0.0, "undPrice": 500.0}
            ticker.modelGreeks = api.objects.OptionComputation(**rest | usual | greeks)
        return Seen(OptionKey(EXPIRATIONS[0], strike, "C"), ticker, refused, NOON)

    return make


def judge(*seen: Seen, spot_type: int = 1) -> Poll:
    return judged("gateway", "ibkr", NOON, 500.5, spot_type, seen)


QUOTE = {"bid": 1.0, "ask": 1.2, "bidSize": 10.0, "askSize": 20.0}
NO_QUOTE = {"bid": -1.0, "ask": -1.0, "bidSize": 0.0, "askSize": 0.0}


def test_a_quote_with_greeks_is_a_row(seen):
    done = judge(seen(greeks={}, **QUOTE))
    (row,) = done.quotes.to_dict("records")
    assert row == {
        "ts": pd.Timestamp(NOON),
        "quote_time": pd.Timestamp(NOON),
        "con_id": 500,
        "expiration": pd.Timestamp(EXPIRATIONS[0]),
        "strike": 500.0,
        "right": "C",
        "bid": 1.0,
        "ask": 1.2,
        "bid_size": 10.0,
        "ask_size": 20.0,
        "underlying": 500.5,
        "ib_vol": 0.2,
        "ib_delta": 0.5,
        "ib_gamma": 0.01,
        "ib_vega": 0.3,
        "ib_theta": -0.1,
        "market_data_type": "live",
        "source": "ibkr",
    }
    assert done.outcome is Outcome.COMPLETE


@pytest.mark.parametrize("nothing", [-1.0, 0.0, NAN, LARGEST])
def test_a_price_that_is_none_is_null_and_so_is_its_size(seen, nothing):
    (row,) = judge(seen(**QUOTE | {"bid": nothing})).quotes.to_dict("records")
    assert pd.isna(row["bid"])
    assert pd.isna(row["bid_size"])
    assert row["ask"] == 1.2


@pytest.mark.parametrize("nothing", [-1.0, 0.0, NAN])
def test_a_contract_without_bid_and_ask_is_no_row(seen, nothing):
    done = judge(seen(500.0, **QUOTE), seen(501.0, greeks={}, bid=nothing, ask=nothing))
    assert done.quotes["strike"].tolist() == [500.0]


@pytest.mark.parametrize("name", ["delta", "gamma", "vega", "theta"])
@pytest.mark.parametrize("nothing", [None, -2.0, LARGEST])
def test_a_greek_that_was_not_computed_is_null(seen, name, nothing):
    (row,) = judge(seen(greeks={name: nothing}, **QUOTE)).quotes.to_dict("records")
    assert pd.isna(row[f"ib_{name}"])
    assert row["ib_vol"] == 0.2


@pytest.mark.parametrize("nothing", [None, 0.0, -1.0, LARGEST])
def test_without_a_vol_there_are_no_greeks(seen, nothing):
    (row,) = judge(seen(greeks={"impliedVol": nothing}, **QUOTE)).quotes.to_dict("records")
    assert all(pd.isna(row[f"ib_{name}"]) for name in ("vol", "delta", "gamma", "vega", "theta"))


@pytest.mark.parametrize("kind", [2, 4])
def test_frozen_quotes_are_the_last_sessions_and_no_rows(seen, kind):
    done = judge(seen(kind=kind, greeks={}, **QUOTE))
    assert done.outcome is Outcome.MARKET_CLOSED
    assert not done.quoted


def test_the_outcome_is_what_most_of_the_contracts_say(seen):
    quoted, closed, silent = seen(greeks={}, **QUOTE), seen(501.0, **NO_QUOTE), seen(502.0)
    delayed, refused, unknown = seen(503.0, kind=3, **QUOTE), seen(504.0, refused=354), seen(505.0, refused=200)
    outcomes = {
        (quoted, closed): Outcome.COMPLETE,
        (quoted, silent): Outcome.PARTIAL,
        (quoted, refused): Outcome.PARTIAL,
        (delayed, refused, quoted): Outcome.DELAYED,
        (closed, silent): Outcome.MARKET_CLOSED,
        (silent,): Outcome.SILENT,
        (refused, refused, unknown, closed): Outcome.NO_PERMISSION,
        (refused, unknown, unknown): Outcome.NO_CONTRACT,
        (seen(refused=101), silent): Outcome.NO_LINES,
        (seen(refused=99999),): Outcome.NO_PERMISSION,
    }
    assert {contracts: judge(*contracts).outcome for contracts in outcomes} == outcomes


def test_live_options_beside_a_delayed_share_are_delayed(seen):
    assert judge(seen(greeks={}, **QUOTE), spot_type=3).outcome is Outcome.DELAYED


def test_the_reason_counts_what_came_and_what_did_not(seen):
    done = judge(seen(greeks={}, **QUOTE), seen(501.0, **QUOTE), seen(502.0), seen(503.0, refused=101))
    assert done.reason.startswith("gateway: 2 of 4 contracts quoted, 1 with greeks; 1 refused with code 101")
    assert done.reason.endswith("1 without an answer")
    assert done.asked == 4


@pytest.mark.parametrize(
    ("seconds", "start"), [(60.0, "16:07:00"), (30.0, "16:07:30"), (2.0, "16:07:40"), (300.0, "16:05:00")]
)
def test_buckets_begin_with_the_day(seconds, start):
    instant = dt.datetime(2024, 3, 15, 16, 7, 41, 999_999, tzinfo=dt.UTC)
    assert f"{bucket_start(instant, seconds):%H:%M:%S}" == start
