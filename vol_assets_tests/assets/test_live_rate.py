"""The rate of a session's live options: the newest bill before it, the setting, or a usual one with a warning."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest

from vol_assets import clock
from vol_assets.assets.live_rate import USUAL, live_rate
from vol_assets.contracts import CURATED_MARKET
from vol_assets.curation.bars import curate
from vol_assets.curation.raw import raw_bars
from vol_assets.lake import Lake
from vol_assets.quant.rates import bank_discount_to_rate
from vol_assets.sources import SYMBOLS
from vol_assets.sources.sample import SampleMarket

SESSION = dt.date(2024, 3, 15)


@pytest.fixture
def lake(tmp_path) -> Lake:
    """A lake of ten sessions up to the session itself."""
    lake = Lake(tmp_path / "lake", "sample")
    bars = raw_bars(SampleMarket().daily_bars(SYMBOLS, clock.offset(SESSION, -9), SESSION), "sample")
    lake.write(CURATED_MARKET, curate(bars))
    return lake


def closes(lake: Lake) -> pd.Series:
    bars = lake.read(CURATED_MARKET, clock.offset(SESSION, -9), SESSION)
    return bars[bars["symbol"] == "IRX"].set_index("date")["close"]


def test_it_is_the_bills_of_the_session_before_and_not_the_days_own(lake: Lake):
    rate = live_rate(lake, SESSION, 0.09)
    before = clock.offset(SESSION, -1)
    assert rate.rate == pytest.approx(float(bank_discount_to_rate(closes(lake)[str(before)])), abs=1e-15)
    assert closes(lake)[str(before)] != closes(lake)[str(SESSION)]
    assert (rate.source, rate.known) == (f"IRX of {before}", True)


def test_a_bill_some_sessions_old_will_do_and_an_older_one_will_not(lake: Lake):
    aged = live_rate(lake, clock.offset(SESSION, 6), None)
    assert (aged.source, aged.known) == (f"IRX of {SESSION}", True)
    assert not live_rate(lake, clock.offset(SESSION, 7), None).known


def test_without_a_bill_it_is_the_setting_and_without_that_a_usual_one_with_a_warning(tmp_path):
    empty = Lake(tmp_path / "none", "yahoo")
    assert live_rate(empty, SESSION, 0.0) == (0.0, "VOL_ASSETS_RATE", True)
    usual = live_rate(empty, SESSION, None)
    assert (usual.rate, usual.known) == (USUAL, False)
    assert "VOL_ASSETS_RATE is not set" in usual.source
