"""Jumps against their definition, the exact law of the largest of many normal returns, and returns made to be known."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy.special import ndtri
from scipy.stats import norm

from vol_assets import clock
from vol_assets.gold.jumps import LISTED, NOTICE, find_jumps, gumbel_level, scaled_returns


def by_date(values: np.ndarray) -> pd.Series:
    return pd.Series(values, index=pd.DatetimeIndex(clock.sessions("2010-01-04", "2035-12-31")[: len(values)]))


def returns(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_t(4, count) * 0.01


@pytest.mark.parametrize("t", [61, 62, 100, 199])
def test_a_scaled_return_is_what_its_definition_says(t):
    r = returns(200)
    products = [abs(r[i]) * abs(r[i - 1]) for i in range(t - 60, t)]
    expected = r[t] / math.sqrt(math.pi / 2 * math.fsum(products) / 60)
    assert scaled_returns(r)[t] == pytest.approx(expected, rel=1e-12)


def test_normal_returns_have_scaled_returns_of_stdev_one():
    """The scale is an estimate from 60 sessions, which adds about 2 % to the stdev."""
    z = scaled_returns(np.random.default_rng(1).normal(0.0, 0.012, 20_000))
    assert np.nanstd(z) == pytest.approx(1.02, abs=0.02)


def test_a_jump_does_not_hide_itself():
    """Over a stdev that holds the return itself, |z| cannot pass sqrt(59) = 7.7, however large the jump."""
    calm = np.resize([0.01, -0.01], 101)
    calm[100] = -0.40
    scale = math.sqrt(math.pi / 2) * 0.01
    assert scaled_returns(calm)[100] == pytest.approx(-0.40 / scale)
    assert abs(-0.40 / scale) > 30


def test_a_jump_enters_the_scale_of_later_sessions_times_its_neighbours_only():
    calm = np.resize([0.01, -0.01], 121)
    calm[100], calm[120] = 0.10, 0.06
    mean = (58 * 0.01**2 + 2 * 0.10 * 0.01) / 60
    z = scaled_returns(calm)[120]
    assert z == pytest.approx(0.06 / math.sqrt(math.pi / 2 * mean))
    assert z > 4 > 0.06 / np.std(calm[60:120], ddof=1)


def test_nothing_from_a_session_on_changes_the_scale_of_its_return():
    r = returns(200)
    later = r.copy()
    later[150:] *= 3.0
    before, after = scaled_returns(r), scaled_returns(later)
    assert np.array_equal(before[:150], after[:150], equal_nan=True)
    assert after[150] == 3.0 * before[150]
    assert after[151] != 3.0 * before[151]


def test_a_scale_needs_40_of_its_60_products():
    r = returns(200)
    z = scaled_returns(r)
    assert list(np.flatnonzero(np.isfinite(z))) == list(range(41, 200))
    for gaps, known in ((10, True), (11, False)):
        r = returns(200)
        r[100 : 100 + 2 * gaps : 2] = np.nan  # each takes two products away
        assert bool(np.isfinite(scaled_returns(r)[140])) is known


def test_a_session_without_return_has_no_scaled_return():
    r = returns(200)
    r[120] = np.nan
    z = scaled_returns(r)
    assert list(np.flatnonzero(np.isnan(z[41:]))) == [120 - 41]
    products = np.abs(r[100:160]) * np.abs(r[99:159])
    assert z[160] == pytest.approx(r[160] / math.sqrt(math.pi / 2 * np.nanmean(products)), rel=1e-12)


def test_prices_that_do_not_move_give_no_infinity():
    z = scaled_returns(np.r_[np.zeros(100), 0.02])
    assert z[99] == 0.0
    assert np.isfinite(z[100])


@pytest.mark.parametrize("count", [250, 1500, 3000, 100_000])
def test_the_level_is_near_the_exact_quantile_of_the_largest_of_so_many(count):
    exact = ndtri((1 + 0.95 ** (1 / count)) / 2)
    assert gumbel_level(count) == pytest.approx(exact, abs=0.08)
    assert gumbel_level(count) > exact  # on the safe side


def test_the_level_has_lee_and_mykland_s_constants():
    """Their constants are for r over the root of the bipower mean without pi/2, so c = sqrt(2/pi) is in both."""
    n, c = 1511, math.sqrt(2 / math.pi)
    root = math.sqrt(2 * math.log(n))
    location = root / c - (math.log(math.pi) + math.log(math.log(n))) / (2 * c * root)
    assert gumbel_level(n) / c == pytest.approx(location + 2.9702 / (c * root), rel=1e-5)


def test_jumps_are_listed_newest_first_and_counted_over_the_whole_history():
    r = np.resize([0.01, -0.01], 1000)
    r[100:1000:30] = 0.09  # 30 of them
    jumps = find_jumps(by_date(r))
    assert jumps.found == 30
    assert len(jumps.listed) == LISTED == 20
    sessions = by_date(r).index.date
    assert [jump.session for jump in jumps.listed] == [sessions[t] for t in range(970, 970 - 20 * 30, -30)]
    z = scaled_returns(r)
    assert [jump.z for jump in jumps.listed] == [z[t] for t in range(970, 370, -30)]
    assert {jump.log_return for jump in jumps.listed} == {0.09}


def test_only_a_jump_beyond_the_level_is_significant():
    r = np.resize([0.01, -0.01], 1000)
    scale = math.sqrt(math.pi / 2) * 0.01
    r[400], r[600], r[800] = 2.9 * scale, 3.5 * scale, -5.0 * scale
    jumps = find_jumps(by_date(r))
    assert [(round(jump.z, 6), jump.significant) for jump in jumps.listed] == [(-5.0, True), (3.5, False)]
    assert NOTICE < 3.5 < jumps.significance < 5.0
    assert jumps.significance == gumbel_level(1000 - 41)


def test_expected_is_what_normal_returns_would_list():
    jumps = find_jumps(by_date(returns(1000)))
    assert jumps.expected == pytest.approx((1000 - 41) * 2 * norm.sf(3.0), rel=1e-12)


def test_a_history_too_short_for_any_scale_has_no_jumps_and_a_finite_level():
    jumps = find_jumps(by_date(np.r_[returns(29), 0.5]))
    assert (jumps.listed, jumps.found, jumps.expected) == ((), 0, 0.0)
    assert np.isfinite(jumps.significance)
