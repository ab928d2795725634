"""XAU/USD from the gold future: against closes made from a known ratio, and the sample market's own ounces."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from vol_assets import clock
from vol_assets.gold.basis import EXPENSE, LEAST, WINDOW, gold_basis
from vol_assets.sources.sample import SampleMarket
from vol_assets.sources.sample.bars import EXPENSES

SESSION = dt.date(2024, 3, 15)


def closes(sessions: int = 120, noise: float = 0.0) -> tuple[pd.Series, pd.Series]:
    """GLD, and a future on ounces of which a share holds ever fewer, settled `noise` (log stdev) away from 16:00."""
    index = pd.DatetimeIndex(clock.sessions(clock.offset(SESSION, 1 - sessions), SESSION))
    random = np.random.default_rng(7)
    gld = pd.Series(180 * np.exp(np.cumsum(0.01 * random.standard_normal(sessions))), index)
    years = (index - pd.Timestamp(SESSION)).days.to_numpy() / 365.25
    return gld, gld * 10.8 * np.exp(EXPENSE * years + noise * random.standard_normal(sessions))


def test_without_noise_the_ratio_is_the_true_one():
    gld, future = closes()
    found = gold_basis(gld, future, SESSION, 180.0)
    assert found.ratio == pytest.approx(10.8, rel=1e-12)
    assert found.residual == pytest.approx(0, abs=1e-12)
    assert found.ratio_error == pytest.approx(0, abs=1e-12)
    assert found.ounces_per_share == pytest.approx(1 / 10.8, rel=1e-12)


def test_what_gold_did_after_the_settlement_is_no_part_of_the_ratio():
    gld, future = closes()
    future.iloc[-1] *= np.exp(-0.012)
    found = gold_basis(gld, future, SESSION, 180.0)
    assert found.ratio == pytest.approx(10.8, rel=1e-12)
    assert found.residual == pytest.approx(-0.012, abs=1e-12)


def test_the_error_is_about_how_far_the_median_of_noisy_ratios_is_off():
    (gld, future), random, misses = closes(WINDOW), np.random.default_rng(8), []
    for _ in range(150):
        found = gold_basis(gld, future * np.exp(0.004 * random.standard_normal(WINDOW)), SESSION, 180.0)
        misses.append((np.log(found.ratio / 10.8), found.ratio_error))
    off, said = np.array(misses).T
    assert off.std() == pytest.approx(said.mean(), rel=0.15)


def test_only_the_window_counts_and_sessions_without_a_future_do_not():
    gld, future = closes(200)
    future.iloc[:-WINDOW] *= 2
    future.iloc[-10:-5] = np.nan
    found = gold_basis(gld, future, SESSION, 180.0)
    assert found.sessions == WINDOW - 5
    assert found.ratio == pytest.approx(10.8, rel=1e-12)


def test_a_future_that_stopped_trading_has_no_close_of_the_session_and_then_no_basis():
    gld, future = closes()
    found = gold_basis(gld, future.iloc[:-3], SESSION, 180.0)
    assert (found.future_close, found.residual) == (None, None)
    assert found.ratio == pytest.approx(10.8, rel=1e-12)
    assert gold_basis(gld, future.iloc[:-WINDOW], SESSION, 180.0) is None


@pytest.mark.parametrize("count", [0, LEAST - 1])
def test_a_few_closes_make_no_basis(count: int):
    gld, future = closes()
    assert gold_basis(gld, future.iloc[len(future) - count :], SESSION, 180.0) is None


def test_a_close_of_zero_is_no_close():
    gld, future = closes()
    future.iloc[-2:] = 0.0
    assert gold_basis(gld, future, SESSION, 180.0).sessions == WINDOW - 2


@pytest.mark.parametrize("session", [dt.date(2012, 6, 1), dt.date(2020, 3, 16), dt.date(2024, 3, 15)])
def test_the_sample_market_s_ounces_are_found_within_three_standard_errors(session: dt.date):
    bars = SampleMarket().daily_bars(["GLD", "GC=F"], clock.offset(session, -100), session).bars
    gld, future = (bars[bars["symbol"] == symbol].set_index("date")["close"] for symbol in ("GLD", "GC=F"))
    found = gold_basis(gld, future, session, gld.iloc[-1])
    true = 10 * np.exp(EXPENSES * (session - dt.date(2004, 11, 18)).days / 365.25)
    assert abs(np.log(found.ratio / true)) < 3 * found.ratio_error
    assert found.ratio_error < 0.0015
    assert found.ratio * gld.iloc[-1] != future.iloc[-1]
