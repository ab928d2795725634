"""The cone against its definition in loops, its widening against counting pairs and against simulated windows."""

import math
import statistics

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from vol_assets import clock
from vol_assets.gold.realised import CONE_WINDOWS, by_session, close_vols, range_vols, realised, widening

PERCENTILES = ("p10", "p25", "p50", "p75", "p90")


def by_date(values: np.ndarray) -> pd.Series:
    return pd.Series(values, index=pd.DatetimeIndex(clock.sessions("2012-01-03", "2035-12-31")[: len(values)]))


@pytest.fixture(scope="module")
def market() -> tuple[pd.Series, pd.Series]:
    """Returns and daily variances of 400 sessions whose vol wanders."""
    draw = np.random.default_rng(3)
    vol = 0.01 * np.exp(0.1 * np.cumsum(draw.normal(size=400)) / 2)
    return by_date(vol * draw.normal(size=400)), by_date(vol**2 * draw.chisquare(8, 400) / 8)


def row(history, window, estimator):
    (found,) = (c for c in history.cone if (c.window, c.estimator) == (window, estimator))
    return found


@pytest.mark.parametrize("window", CONE_WINDOWS)
def test_a_window_s_close_vol_is_the_annualised_stdev_of_its_returns(market, window):
    returns = market[0].to_numpy()
    expected = [math.sqrt(252) * np.std(returns[t - window + 1 : t + 1], ddof=1) for t in range(window - 1, 400)]
    vols = close_vols(market[0].to_numpy(), window)
    assert np.isnan(vols[: window - 1]).all()
    assert vols[window - 1 :] == pytest.approx(expected, rel=1e-10)
    assert row(realised(*market), window, "close").current == pytest.approx(expected[-1], rel=1e-10)


@pytest.mark.parametrize("window", CONE_WINDOWS)
def test_a_window_s_range_vol_is_the_root_of_its_annualised_mean_variance(market, window):
    variances = market[1].tolist()
    expected = [math.sqrt(252 / window * math.fsum(variances[t - window + 1 : t + 1])) for t in range(window - 1, 400)]
    vols = range_vols(market[1].to_numpy(), window)
    assert vols[window - 1 :] == pytest.approx(expected, rel=1e-10)
    assert row(realised(*market), window, "range").current == pytest.approx(expected[-1], rel=1e-10)


@pytest.mark.parametrize("estimator", ["close", "range"])
@pytest.mark.parametrize("window", CONE_WINDOWS)
def test_percentiles_of_ln_vol_are_widened_about_their_mean(market, window, estimator):
    cone = row(realised(*market), window, estimator)
    vols = (close_vols if estimator == "close" else range_vols)(market[estimator == "range"].to_numpy(), window)
    logs = np.log(vols[np.isfinite(vols)])
    assert cone.observations == len(logs) == 400 - window + 1
    assert cone.widening > 1
    for name, level in zip(PERCENTILES, (10, 25, 50, 75, 90), strict=True):
        narrow = (math.log(getattr(cone, name)) - logs.mean()) / cone.widening + logs.mean()
        assert narrow == pytest.approx(np.percentile(logs, level), abs=1e-10)
    assert cone.independent == pytest.approx(400 / window)


@pytest.mark.parametrize(("windows", "length"), [(20, 7), (20, 20), (211, 180), (1506, 7), (1333, 180)])
def test_without_gaps_the_widening_is_hodges_and_tompkins_closed_form(windows, length):
    known = np.r_[np.zeros(length - 1, dtype=bool), np.ones(windows, dtype=bool)]
    expected = 1 - length / windows + (length**2 - 1) / (3 * windows**2)
    assert widening(known, length) == pytest.approx(expected**-0.5, rel=1e-12)


@settings(max_examples=50)
@given(st.lists(st.booleans(), min_size=2, max_size=40).filter(lambda m: sum(m) > 1), st.integers(2, 60))
def test_the_widening_counts_the_sessions_every_pair_of_windows_shares(mask, length):
    ends = np.flatnonzero(mask)
    shared = np.maximum(1 - np.abs(ends[:, None] - ends) / length, 0).mean()
    assert widening(np.array(mask), length) == pytest.approx((1 - shared) ** -0.5, rel=1e-9)


@pytest.mark.parametrize("gap", [None, 60])
def test_the_widening_undoes_what_overlap_takes_from_the_variance(gap):
    """Sums of 30 independent numbers of variance 1 have variance 30, in 4,000 histories of 120."""
    terms = np.random.default_rng(5).normal(size=(4000, 120))
    if gap is not None:
        terms[:, gap] = np.nan
    sums = np.lib.stride_tricks.sliding_window_view(terms, 30, axis=1).sum(axis=2)
    known = np.isfinite(sums[0])
    seen = sums[:, known].var(axis=1)
    factor = widening(known, 30)
    error = seen.std() / math.sqrt(len(seen)) * factor**2
    assert seen.mean() * factor**2 == pytest.approx(30, abs=4 * error)
    assert seen.mean() < 26 < 30 - 4 * error


@pytest.mark.parametrize("absent", [True, False])
def test_a_gap_makes_the_windows_over_it_unknown(market, absent):
    returns, variances = market
    whole = realised(returns, variances)
    day = returns.index[100]
    cut = [s.drop(day) if absent else s.where(s.index != day) for s in market]
    gappy = realised(*cut)
    assert gappy.sessions == 399
    for window in CONE_WINDOWS:
        lost = sum(1 for end in range(window - 1, 400) if end - window < 100 <= end)
        for estimator in ("close", "range"):
            before, after = row(whole, window, estimator), row(gappy, window, estimator)
            assert after.observations == before.observations - lost
            assert after.current == before.current


def test_a_length_whose_newest_window_is_unknown_is_left_out(market):
    returns = market[0].copy()
    returns.iloc[-25] = np.nan
    history = realised(returns, market[1])
    assert [c.window for c in history.cone if c.estimator == "close"] == [7, 14, 21]
    assert [c.window for c in history.cone if c.estimator == "range"] == list(CONE_WINDOWS)


def test_a_length_needs_20_windows(market):
    for count, longest in ((25, None), (26, 7), (198, 120), (199, 180)):
        cone = realised(market[0].iloc[:count], None).cone
        assert [c.window for c in cone] == [w for w in CONE_WINDOWS if longest and w <= longest]


def test_without_ranges_the_cone_is_close_to_close_only(market):
    assert realised(market[0], None).cone == tuple(c for c in realised(*market).cone if c.estimator == "close")


def test_fewer_than_20_returns_are_no_history(market):
    assert realised(market[0].iloc[:19], market[1].iloc[:19]) is None
    assert realised(market[0].iloc[:20], None).sessions == 20
    assert realised(market[0].iloc[:0], None) is None
    assert realised(market[0].where(market[0].index < market[0].index[19]), None) is None


def test_moments_are_those_of_the_returns(market):
    returns = market[0]
    history = realised(*market)
    assert (history.first, history.last) == (returns.index[0].date(), returns.index[-1].date())
    assert history.mean_return == pytest.approx(252 * math.fsum(returns) / 400)
    assert history.vol == pytest.approx(math.sqrt(252) * statistics.stdev(returns))
    assert history.skewness == pytest.approx(stats.skew(returns, bias=False))
    assert history.excess_kurtosis == pytest.approx(stats.kurtosis(returns, bias=False))


def test_first_and_last_are_sessions_with_a_return(market):
    returns = market[0].copy()
    returns.iloc[[0, 1, -1]] = np.nan
    history = realised(returns, market[1])
    assert (history.first, history.last) == (returns.index[2].date(), returns.index[-2].date())
    assert row(history, 7, "range").current == pytest.approx(math.sqrt(36 * math.fsum(market[1].iloc[-8:-1])))


def test_a_constant_vol_is_found_by_every_window():
    draw = np.random.default_rng(11)
    history = realised(by_date(0.16 / math.sqrt(252) * draw.normal(size=3000)), None)
    for cone in history.cone:
        assert cone.p50 == pytest.approx(0.16, rel=3 / math.sqrt(2 * 3000) + 1 / cone.window)
        assert cone.p10 < 0.16 < cone.p90


def test_prices_that_do_not_move_have_a_tiny_vol_and_no_infinity():
    still = by_date(np.zeros(100))
    for cone in realised(still, still).cone:
        assert [cone.p10, cone.p90, cone.current] == pytest.approx([math.sqrt(252) * 1e-4] * 3)


def test_sessions_are_found_whatever_the_resolution_of_their_dates(market):
    coarse = [s.set_axis(s.index.as_unit("s")) for s in market]
    assert realised(*coarse) == realised(*market)


def test_a_day_that_is_no_session_is_left_out(market):
    odd = pd.concat([market[0], pd.Series([0.5], index=[pd.Timestamp("2012-07-04")])]).sort_index()
    pd.testing.assert_series_equal(by_session(odd), market[0], check_freq=False)


def test_the_jumps_are_those_of_the_returns(market):
    returns = market[0].copy()
    returns.iloc[350] = -0.9
    history = realised(returns, None)
    assert returns.index[350].date() in [jump.session for jump in history.jumps]
    assert history.jumps_found >= 1
    assert history.jump_notice == 3.0 < history.jump_significance
