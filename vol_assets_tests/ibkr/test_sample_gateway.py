"""The simulator on the sample market: its quotes are those of the simulated session, on a clock that may run faster."""

from __future__ import annotations

import datetime as dt
import re
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest
from smile_market import FAST, TINY

from vol_assets import clock
from vol_assets.ibkr import Gateway, Outcome, greet, poll
from vol_assets.ibkr.simulator import SimulatedClock, Simulator
from vol_assets.ibkr.simulator.sample import SampleMarket
from vol_assets.sources.sample import live_quotes, live_surface

MORNING = dt.datetime(2024, 3, 15, 14, 30, tzinfo=dt.UTC)
MARKET = SampleMarket()


def test_a_poll_brings_the_sessions_quotes_with_their_own_numbers(simulate, tmp_path, ask):
    simulator = simulate(market=MARKET, at=MORNING)
    done = ask(simulator, tmp_path, TINY)
    assert done.outcome is Outcome.COMPLETE
    assert set(done.quotes["source"]) == {"simulator"}
    # Quotes change by the second: each is one that the market had while the poll was running.
    seconds = range(int((simulator.now() - MORNING).total_seconds()) + 1)
    had = pd.concat(pd.DataFrame(live_quotes("SPY", MORNING + dt.timedelta(seconds=second))) for second in seconds)
    columns = ["con_id", "expiration", "strike", "right", "bid", "ask", "bid_size", "ask_size"]
    assert len(done.quotes.merge(had[columns].drop_duplicates(), on=columns)) == len(done.quotes)
    assert len(done.quotes) == TINY.lines - 1


def test_ibs_vols_are_the_true_surfaces(simulate, tmp_path, ask):
    simulator = simulate(market=MARKET, at=MORNING)
    quotes = ask(simulator, tmp_path, TINY).quotes
    surface = live_surface("SPY", MORNING)
    ends = quotes["expiration"].dt.date.map(clock.close_instant)
    years = ((ends - pd.Timestamp(MORNING)) / pd.Timedelta(days=365)).to_numpy(float)
    true = surface.implied_vol(np.log(quotes["strike"].to_numpy() / surface.forward(years)), years)
    np.testing.assert_allclose(quotes["ib_vol"], true, atol=0.002)
    assert quotes["underlying"].to_numpy() == pytest.approx(surface.spot, abs=0.3)
    calls = (quotes["right"] == "C").to_numpy()
    assert (quotes["ib_delta"][calls] > 0).all()
    assert (quotes["ib_delta"][~calls] < 0).all()


def test_out_of_hours_the_board_is_that_of_the_last_close():
    close = clock.close_instant("2024-03-15").to_pydatetime()
    at_close, on_sunday, on_monday = (
        MARKET.quotes_at(instant)
        for instant in (close, close + dt.timedelta(days=2), dt.datetime(2024, 3, 18, 13, 29, tzinfo=dt.UTC))
    )
    assert not any(board.is_open for board in (at_close, on_sunday, on_monday))
    assert at_close.share == on_sunday.share == on_monday.share
    assert MARKET.quotes_at(close - dt.timedelta(seconds=1)).is_open


def test_an_expiration_is_listed_to_the_session_before_its_own():
    thursday, friday = dt.datetime(2024, 3, 14, 16, 0, tzinfo=dt.UTC), dt.datetime(2024, 3, 15, 16, 0, tzinfo=dt.UTC)
    days = [{key.expiration for key in MARKET.quotes_at(instant).numbers} for instant in (thursday, friday)]
    assert days[0] - days[1] == {dt.date(2024, 3, 15)}


def test_the_clock_runs_as_fast_as_it_is_told_in_every_process_that_knows_it():
    began = time.time() - 10.0
    ours, theirs = (SimulatedClock(MORNING, speed=3600.0, began=began) for _ in range(2))
    before, between, after = ours.now(), theirs.now(), ours.now()
    assert before <= between <= after
    assert before >= MORNING + dt.timedelta(hours=10)


def test_a_fast_clock_shows_in_the_times_of_quotes(tmp_path):
    simulated = SimulatedClock(MORNING, speed=60.0)
    with Simulator(MARKET, simulated, FAST) as simulator:
        done = poll(Gateway(port=simulator.port), tmp_path, now=simulated.now, limits=TINY)
    assert done.outcome is Outcome.COMPLETE
    assert done.quotes["quote_time"].min() > pd.Timestamp(MORNING)
    assert done.quotes["quote_time"].max() - done.quotes["ts"].max() < pd.Timedelta(minutes=60)


def test_the_command_serves_a_session_from_its_open_until_it_is_ended():
    process = subprocess.Popen(
        [sys.executable, "-m", "vol_assets.ibkr.simulator", "--port", "0", "--session", "2024-03-15", "--speed", "2"],
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        port = int(re.search(r"on 127\.0\.0\.1:(\d+): it is 2024-03-15 13:3", process.stdout.readline())[1])
        assert greet(Gateway(port=port)).time.startswith("20240315 13:3")
        process.terminate()
    assert process.returncode == 0
