"""Simulated sessions are what polls of the simulator would have stored: the same contracts, the same quotes."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from smile_market import FAST, FEW

from vol_assets import clock
from vol_assets.contracts.live import LIVE_HISTORY
from vol_assets.errors import SourceError
from vol_assets.ibkr import QUOTE_TYPES, Gateway, Outcome, poll
from vol_assets.ibkr.connection import Limits
from vol_assets.ibkr.known import Known, known_path
from vol_assets.ibkr.plan import OptionKey
from vol_assets.ibkr.simulator import SimulatedClock, Simulator
from vol_assets.ibkr.simulator.contracts import SHARE_NUMBER
from vol_assets.ibkr.simulator.history import simulated_history, simulated_polls
from vol_assets.ibkr.simulator.sample import SampleMarket
from vol_assets.sources.sample import live_surface

SESSION, HALF = dt.date(2024, 3, 15), dt.date(2024, 11, 29)
HOURLY = 3600.0


@pytest.fixture(scope="module")
def hourly() -> pd.DataFrame:
    return simulated_polls("SPY", SESSION, HOURLY)


def all_known(folder: Path) -> None:
    """What a client has found out of a session's contracts in its first polls: those that there are, and are not."""
    numbers = SampleMarket().quotes_at(clock.open_instant(SESSION).to_pydatetime()).numbers
    days, strikes = (sorted({getattr(key, name) for key in numbers}) for name in ("expiration", "strike"))
    every = [OptionKey(day, strike, right) for day in days for strike in strikes for right in "CP"]
    known = Known(SHARE_NUMBER, days, strikes, "100", {key: numbers.get(key) for key in every})
    known.write(known_path(folder, "simulator", "SPY", SESSION))


def test_a_poll_of_the_simulator_has_the_same_quotes(tmp_path):
    """On a clock that all but stands still at the bucket's start, so that both see one instant of the market."""
    all_known(tmp_path)
    instant = clock.open_instant(SESSION).to_pydatetime() + dt.timedelta(minutes=30)
    standing = SimulatedClock(instant, speed=1e-3)
    limits = Limits(budget=FEW.budget, answer=FEW.answer, quiet=FEW.quiet)
    with Simulator(SampleMarket(), standing, FAST) as simulator:
        done = poll(Gateway(port=simulator.port), tmp_path, now=standing.now, bucket=1800.0, limits=limits)
    assert done.outcome is Outcome.COMPLETE
    simulated = simulated_polls("SPY", SESSION, 1800.0)
    simulated = simulated[simulated["ts"] == instant].reset_index(drop=True)
    columns = [name for name in QUOTE_TYPES if name != "quote_time"]
    pd.testing.assert_frame_equal(simulated[columns], done.quotes[columns], rtol=0.0, atol=1e-9)
    assert (simulated["quote_time"] == instant).all()


def test_the_frame_has_a_polls_columns_and_types_and_its_order(hourly):
    assert {name: str(kind) for name, kind in hourly.dtypes.items()} == QUOTE_TYPES
    order = ["ts", "expiration", "strike", "right"]
    pd.testing.assert_frame_equal(hourly, hourly.sort_values(order, ignore_index=True))
    assert not hourly.duplicated(order).any()
    assert set(hourly["source"]) == {"simulator"}
    assert set(hourly["market_data_type"]) == {"live"}


def test_every_bucket_of_the_session_has_its_poll(hourly):
    starts = pd.DatetimeIndex(hourly["ts"].unique())
    assert starts[0] == clock.open_instant(SESSION).floor("h")  # the bucket that the session opens in
    assert len(starts) == 7
    assert (hourly.groupby("ts")["quote_time"].nunique() == 1).all()
    assert hourly["quote_time"].min() == clock.open_instant(SESSION)
    assert hourly["quote_time"].max() < clock.close_instant(SESSION)
    half = simulated_polls("SPY", HALF, 1800.0)
    assert half["ts"].nunique() == 7
    assert half["ts"].max() == clock.close_instant(HALF) - pd.Timedelta(minutes=30)


def test_a_poll_takes_no_more_lines_than_a_client_has(hourly):
    sizes = hourly.groupby("ts").size()
    assert sizes.max() <= Limits().lines - 1
    assert sizes.min() > 0.8 * Limits().lines
    per_poll = hourly.groupby("ts")["expiration"].agg(lambda days: tuple(sorted(days.unique())))
    assert per_poll.nunique() == 1
    assert len(per_poll.iloc[0]) == 4
    assert min(per_poll.iloc[0]) > pd.Timestamp(SESSION)  # what ends today is not polled


def test_quotes_are_around_the_surface_of_their_instant(hourly):
    for instant, rows in hourly.groupby("quote_time"):
        surface = live_surface("SPY", instant)
        assert rows["underlying"].to_numpy() == pytest.approx(surface.spot, abs=0.006)
        ends = rows["expiration"].dt.date.map(clock.close_instant)
        years = ((ends - instant) / pd.Timedelta(days=365)).to_numpy(float)
        true = surface.implied_vol(np.log(rows["strike"].to_numpy() / surface.forward(years)), years)
        np.testing.assert_allclose(rows["ib_vol"], true, atol=1e-6)
    assert (hourly["ask"] > hourly["bid"].fillna(0.0)).all()
    assert hourly["bid"].gt(0.0).where(hourly["bid"].notna(), True).all()
    assert hourly["bid_size"].isna().equals(hourly["bid"].isna())


def test_a_session_is_the_same_whoever_simulates_it(hourly):
    again = simulated_polls("SPY", SESSION, 3600.0)
    pd.testing.assert_frame_equal(again, hourly)
    finer = simulated_polls("SPY", SESSION, 1800.0)
    shared = finer[finer["quote_time"].isin(hourly["quote_time"])].drop(columns="ts").reset_index(drop=True)
    pd.testing.assert_frame_equal(shared, hourly.drop(columns="ts"))


def test_its_history_keeps_the_contract(hourly):
    history = simulated_history("SPY", SESSION, HOURLY, 0.05)
    LIVE_HISTORY.require(history)
    assert len(history) == len(hourly)
    assert history["own_vol"].notna().mean() > 0.95
    assert (history["own_vol"] - history["ib_vol"]).abs().median() < 0.002
    first = history["ts"] == history["ts"].min()
    assert (history.loc[first, "spot_return"].dropna() == 0.0).all()
    assert (history.loc[~first, "spot_return"] != 0.0).all()


@pytest.mark.parametrize(("underlying", "session"), [("SPY", dt.date(2007, 4, 12)), ("QQQ", SESSION)])
def test_what_the_sample_market_does_not_have_is_said(underlying, session):
    with pytest.raises(SourceError, match="the sample market"):
        simulated_polls(underlying, session, HOURLY)
