"""A poll of a healthy gateway, over TCP."""

from __future__ import annotations

import ast
import datetime as dt
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from smile_market import EXPIRATIONS, FAST, FEW, NOON, TINY, SmileMarket, listed
from waiting import until

import vol_assets
from vol_assets.contracts.live import LIVE_HISTORY
from vol_assets.ibkr import QUOTE_COLUMNS, QUOTE_TYPES, Limits, Outcome
from vol_assets.ibkr.known import Known, known_path
from vol_assets.ibkr.simulator import NEVER, OptionQuote
from vol_assets.ibkr.simulator.messages import Ask

PACKAGE = Path(vol_assets.__file__).parent


def quoted_by(market: SmileMarket, quotes: pd.DataFrame) -> list[OptionQuote]:
    keys = {key for key in market.numbers if key.expiration in EXPIRATIONS}
    by_number = {market.numbers[key]: key for key in keys}
    return market.quotes_at(NOON).options([by_number[number] for number in quotes["con_id"]])


def test_a_poll_brings_the_quotes_and_greeks_that_the_gateway_has(simulate, known, ask):
    market = SmileMarket()
    done = ask(simulate(market=market), known)
    assert done.outcome is Outcome.COMPLETE
    assert 20 < done.asked == len(done.quotes) < FEW.lines
    quotes, theirs = done.quotes, quoted_by(market, done.quotes)
    for column, name in (("bid", "bid"), ("ask", "ask"), ("bid_size", "bid_size"), ("ask_size", "ask_size")):
        assert quotes[column].tolist() == [getattr(quote, name) for quote in theirs]
    for name in ("vol", "delta", "gamma"):
        np.testing.assert_allclose(quotes[f"ib_{name}"], [getattr(quote, name) for quote in theirs], atol=1e-6)
    # Greeks that depend on time to expiry moved on while the poll was running.
    for name in ("vega", "theta"):
        np.testing.assert_allclose(quotes[f"ib_{name}"], [getattr(quote, name) for quote in theirs], rtol=1e-3)
    assert set(quotes["underlying"]) == {500.0}
    assert set(quotes["market_data_type"]) == {"live"}


def test_the_frame_has_the_promised_columns_types_and_order(simulate, known, ask):
    quotes = ask(simulate(), known).quotes
    assert tuple(quotes.columns) == QUOTE_COLUMNS
    assert {name: str(kind) for name, kind in quotes.dtypes.items()} == QUOTE_TYPES
    keys = list(zip(quotes["expiration"], quotes["strike"], quotes["right"]))
    assert keys == sorted(keys)
    assert quotes["con_id"].is_unique


def test_the_lakes_history_takes_a_polls_quotes(simulate, known, ask):
    quotes = ask(simulate(), known, TINY).quotes
    LIVE_HISTORY.require(quotes.assign(date=pd.Timestamp(NOON.date())).reindex(columns=list(LIVE_HISTORY.columns)))


def test_the_bucket_is_the_polls_minute_and_every_quote_is_from_the_poll(simulate, known, ask):
    simulator = simulate(at=NOON + dt.timedelta(minutes=7, seconds=41))
    before = simulator.now()
    quotes = ask(simulator, known).quotes
    assert set(quotes["ts"]) == {pd.Timestamp(NOON + dt.timedelta(minutes=7))}
    assert quotes["quote_time"].between(before, simulator.now()).all()


def test_a_longer_bucket_starts_where_the_day_says(simulate, known, ask):
    simulator = simulate(at=NOON + dt.timedelta(minutes=7))
    assert set(ask(simulator, known, bucket=300.0).quotes["ts"]) == {pd.Timestamp(NOON + dt.timedelta(minutes=5))}


def test_the_first_poll_of_a_day_asks_for_contracts_and_the_next_for_quotes_alone(simulate, tmp_path, ask):
    simulator = simulate()
    first = ask(simulator, tmp_path, TINY)
    asked = simulator.asked.copy()
    second = ask(simulator, tmp_path, TINY)
    assert asked[Ask.OPTION_PARAMETERS] == 1
    assert asked[Ask.CONTRACT] == 1 + first.asked
    assert simulator.asked[Ask.CONTRACT] == asked[Ask.CONTRACT]
    assert simulator.asked[Ask.OPTION_PARAMETERS] == 1
    assert second.quotes["con_id"].tolist() == first.quotes["con_id"].tolist()


def test_nothing_but_data_is_asked_for_and_the_disconnect_ends_the_lines(simulate, known, ask):
    simulator = simulate()
    done = ask(simulator, known)
    assert dict(simulator.asked) == {
        Ask.START: 1,
        Ask.TIME: 1,
        Ask.MARKET_DATA_TYPE: 1,
        Ask.MARKET_DATA: 1 + done.asked,
    }


def test_a_whole_poll_stays_below_90_lines_and_40_messages_a_second(simulate, known, ask):
    simulator = simulate(replace(FAST, messages=40, lines=90))
    done = ask(simulator, known, Limits())
    assert done.outcome is Outcome.COMPLETE
    assert done.asked == 89
    assert simulator.most_lines == 90


def test_of_a_thousand_strikes_no_more_are_asked_for(simulate, tmp_path, ask):
    market = SmileMarket(numbers=listed(strikes=np.arange(250.0, 750.0, 0.5).tolist()))
    simulator = simulate(market=market)
    done = ask(simulator, tmp_path, TINY)
    assert done.outcome is Outcome.COMPLETE
    assert simulator.most_lines == TINY.lines


def test_greeks_that_come_late_are_waited_for(simulate, known, ask):
    done = ask(simulate(replace(FAST, greeks_delay=0.6)), known)
    assert done.outcome is Outcome.COMPLETE
    assert done.quotes["ib_vol"].notna().all()


def test_greeks_that_never_come_are_null_and_the_quotes_are_kept(simulate, known, ask):
    done = ask(simulate(replace(FAST, greeks_delay=NEVER)), known, replace(FEW, quiet=0.5))
    assert done.outcome is Outcome.COMPLETE
    assert "0 with greeks" in done.reason
    assert done.quotes[["bid", "ask"]].notna().all(axis=None)
    assert done.quotes[["ib_vol", "ib_delta", "ib_gamma", "ib_vega", "ib_theta"]].isna().all(axis=None)


@pytest.mark.parametrize("chunk", [1, 7])
def test_frames_in_pieces_are_put_together(simulate, known, ask, chunk):
    done = ask(simulate(replace(FAST, chunk=chunk)), known)
    assert done.outcome is Outcome.COMPLETE
    assert done.asked == len(done.quotes)


def test_an_option_without_a_bid_has_a_null_one(simulate, known, ask):
    puts = frozenset(key for key in SmileMarket().numbers if key.right == "P" and key.strike < 490.0)
    quotes = ask(simulate(market=SmileMarket(no_bids=puts)), known).quotes
    bare = (quotes["right"] == "P") & (quotes["strike"] < 490.0)
    assert bare.any()
    assert quotes.loc[bare, ["bid", "bid_size"]].isna().all(axis=None)
    assert (quotes["ask"] > 0.0).all()
    assert (quotes.loc[~bare, "bid"] > 0.0).all()


def test_what_comes_from_the_simulator_says_so_and_what_does_not_does_not(simulate, tmp_path, ask):
    simulated, real = (ask(simulate(account=account), tmp_path, TINY) for account in ("SIM0000001", "DU1234567"))
    assert set(simulated.quotes["source"]) == {"simulator"}
    assert set(real.quotes["source"]) == {"ibkr"}
    session = NOON.date()
    assert all(known_path(tmp_path, source, "SPY", session).exists() for source in ("simulator", "ibkr"))


def test_the_plan_follows_the_vol_that_the_gateway_has_of_the_share(simulate, tmp_path, ask):
    quotes = ask(simulate(), tmp_path, TINY).quotes
    assert Known.read(known_path(tmp_path, "simulator", "SPY", NOON.date())).vol == pytest.approx(0.18)
    weekly = quotes[quotes["expiration"] == pd.Timestamp(EXPIRATIONS[0])]
    assert weekly["strike"].between(500.0 * np.exp(-2.1 * 0.18 * 0.15), 500.0 * np.exp(1.7 * 0.18 * 0.15)).all()


def test_two_polls_with_two_ids_run_side_by_side(simulate, known, ask):
    simulator = simulate()
    with ThreadPoolExecutor(2) as pool:
        both = list(pool.map(lambda client_id: ask(simulator, known, client_id=client_id), (10, 11)))
    assert [done.outcome for done in both] == [Outcome.COMPLETE] * 2


def test_many_polls_leave_no_thread_socket_or_client_behind(simulate, known, ask):
    simulator = simulate()
    ask(simulator, known, TINY)

    def left() -> tuple[int, int, int]:
        return threading.active_count(), len(os.listdir("/proc/self/fd")), len(simulator.clients)

    until(lambda: not simulator.clients)
    before = left()
    for _ in range(5):
        assert ask(simulator, known, TINY).outcome is Outcome.COMPLETE
    until(lambda: left() <= before)  # the simulator's side of the last connection may take a moment


def test_ib_insync_is_imported_by_one_module_inside_a_coroutine():
    importers = {}
    for path in PACKAGE.rglob("*.py"):
        text = path.read_text()
        if "ib_insync" not in text and "eventkit" not in text:
            continue
        tree = ast.parse(text)
        for node in ast.walk(tree):  # what is only for the type checker is never run
            if isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING":
                node.body = [ast.Pass()]
        inside = {
            id(part) for node in ast.walk(tree) if isinstance(node, ast.AsyncFunctionDef) for part in ast.walk(node)
        }
        for node in ast.walk(tree):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            if any(name.split(".")[0] in ("ib_insync", "eventkit") for name in names):
                importers[str(path.relative_to(PACKAGE))] = id(node) in inside
    assert importers == {"ibkr/client.py": True}
