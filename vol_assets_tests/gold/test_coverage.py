"""Statistics of windows against published tables, searched maxima, enumeration, and simulated size and power.

Overlapping windows are simulated as they arise: outcomes of 21 sessions, one a session, in their right law.
"""

from __future__ import annotations

from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize, minimize_scalar
from scipy.special import ndtr
from scipy.stats import binom, chi2, norm

from vol_assets.errors import ForecastError
from vol_assets.gold.coverage import (
    berkowitz,
    christoffersen,
    coverage,
    effective_windows,
    holds,
    kolmogorov_smirnov,
    kupiec,
    non_overlapping,
    overlap_effect,
)

HORIZON = 21
PROBABILITIES = (0.6827, 0.90, 0.95, 0.99)

KUPIEC_1995 = [  # table 3: misses that do not reject at 5 %, by sessions and probability of a miss
    (255, 0.050, 7, 20),
    (255, 0.100, 17, 35),
    (510, 0.010, 2, 10),
    (510, 0.050, 17, 35),
    (510, 0.075, 28, 50),
    (1000, 0.010, 5, 16),
    (1000, 0.025, 16, 35),
    (1000, 0.050, 38, 64),
    (1000, 0.100, 82, 119),
]


def with_misses(windows: int, misses: int) -> np.ndarray:
    """So many windows, the first of which missed."""
    return np.arange(windows) >= misses


def overlapping_pit(random: np.random.Generator, sessions: int, stdev: float = 1.0) -> np.ndarray:
    """Outcomes of 21 sessions each, one a session, `stdev` times as wide as the law they are held against."""
    total = np.concatenate([[0.0], np.cumsum(random.standard_normal(sessions + HORIZON - 1))])
    return ndtr(stdev * (total[HORIZON:] - total[:-HORIZON]) / np.sqrt(HORIZON))


# How many


@pytest.mark.parametrize(("windows", "miss", "fewest", "most"), KUPIEC_1995)
def test_kupiecs_ratio_rejects_where_his_table_does(windows, miss, fewest, most):
    critical = chi2.ppf(0.95, 1)
    accepted = [k for k in range(windows // 4) if kupiec(with_misses(windows, k), 1.0 - miss).statistic < critical]
    assert (accepted[0], accepted[-1]) == (fewest, most)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 60), st.sampled_from(PROBABILITIES))
def test_kupiecs_p_is_the_chance_of_a_ratio_as_large(windows, probability):
    counts = np.arange(windows + 1)
    found = [kupiec(with_misses(windows, k), probability) for k in counts]
    ratio, p = (np.array(values) for values in zip(*found))
    chance = binom.pmf(counts, windows, 1.0 - probability)
    expected = [chance[ratio >= one - 1e-9].sum() for one in ratio]
    assert p == pytest.approx(expected, abs=1e-12)


def test_kupiecs_p_nears_that_of_the_limit_with_many_windows():
    found = kupiec(with_misses(20_000, 6_200), 0.6827)
    assert found.p == pytest.approx(chi2.sf(found.statistic, 1), abs=2e-3)


# One at a time


def test_christoffersens_ratio_is_that_of_both_likelihoods_at_their_maximum():
    inside = np.random.default_rng(5).random(80) > 0.25
    inside[10:16] = False
    pairs = list(pairwise(inside))

    def unlikelihood(given_held: float, given_miss: float) -> float:
        chances = [given_held if before else given_miss for before, _ in pairs]
        return -sum(np.log(1.0 - c if now else c) for c, (_, now) in zip(chances, pairs))

    inner = {"method": "bounded", "bounds": (1e-6, 1 - 1e-6), "options": {"xatol": 1e-10}}
    alike = minimize_scalar(lambda c: unlikelihood(c, c), **inner).fun
    apart = minimize(lambda c: unlikelihood(*c), [0.2, 0.3], bounds=[(1e-6, 1 - 1e-6)] * 2, tol=1e-12).fun
    assert christoffersen(inside).statistic == pytest.approx(2.0 * (alike - apart), abs=1e-6)


@pytest.mark.parametrize(("windows", "misses"), [(8, 3), (9, 8), (10, 1), (11, 5)])
def test_christoffersens_p_is_the_share_of_all_orders_with_a_ratio_as_large(windows, misses):
    orders = [~np.isin(np.arange(windows), where) for where in combinations(range(windows), misses)]
    ratio, p = (np.array(values) for values in zip(*map(christoffersen, orders)))
    assert p == pytest.approx([(ratio >= one - 1e-9).mean() for one in ratio], abs=1e-12)


def test_misses_in_a_row_are_not_alone_and_the_same_number_spread_out_are():
    together, spread = np.ones(200, bool), np.ones(200, bool)
    together[90:100], spread[5::20] = False, False
    assert christoffersen(together).p < 1e-6
    assert christoffersen(spread).p > 0.3


def test_without_a_miss_there_is_nothing_to_say_on_clusters():
    assert christoffersen(np.ones(50, bool)) == (0.0, 1.0)
    assert christoffersen(np.zeros(50, bool)) == (0.0, 1.0)


# Overlapping


def test_windows_apart_have_no_overlap():
    assert overlap_effect(0.9, 1, 500) == 1.0


@pytest.mark.parametrize("probability", PROBABILITIES)
def test_the_effect_of_overlap_is_the_variance_that_simulated_shares_have(probability):
    random = np.random.default_rng(2)
    shares = [holds(overlapping_pit(random, 300), probability).mean() for _ in range(3000)]
    effect = np.var(shares) * 300 / (probability * (1.0 - probability))
    assert effect == pytest.approx(overlap_effect(probability, HORIZON, 300), rel=0.11)  # 4 standard errors


def test_clustered_misses_are_worth_fewer_windows_than_overlap_alone_leaves():
    inside = np.ones(2000, bool)
    inside[:400] = False  # one long stretch
    overlapped = 2000 / overlap_effect(0.9, HORIZON, 2000)
    assert effective_windows(inside, 0.9, HORIZON) < 0.5 * overlapped
    assert effective_windows(np.ones(2000, bool), 0.9, HORIZON) == pytest.approx(overlapped)


@pytest.mark.parametrize("probability", PROBABILITIES)
def test_right_laws_are_rejected_about_as_often_as_said(probability):
    random = np.random.default_rng(11)
    found = [coverage(overlapping_pit(random, 1000), probability, HORIZON) for _ in range(300)]
    assert 0.012 < np.mean([one.p < 0.05 for one in found]) < 0.088
    assert np.mean([one.kupiec.p < 0.05 for one in found]) < 0.085
    assert np.mean([one.christoffersen.p < 0.05 for one in found]) < 0.085


@pytest.mark.parametrize("probability", PROBABILITIES)
def test_windows_a_fifth_too_narrow_are_found(probability):
    random = np.random.default_rng(12)
    found = [coverage(overlapping_pit(random, 2900, stdev=1.25), probability, HORIZON) for _ in range(60)]
    assert np.mean([one.p < 0.05 for one in found]) > 0.9
    assert all(one.share < probability for one in found if one.p < 0.05)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from(PROBABILITIES), st.floats(0.7, 1.5))
def test_the_interval_holds_the_probability_where_p_does_not_reject(seed, probability, stdev):
    found = coverage(overlapping_pit(np.random.default_rng(seed), 400, stdev), probability, HORIZON)
    if 0.0 < found.share < 1.0:
        assert (found.low <= probability <= found.high) == (found.p >= 0.05)
    assert found.low <= found.share <= found.high


def test_what_is_not_known_is_left_out_and_windows_apart_stay_apart():
    pit = np.arange(100) / 100.0
    pit[:3], pit[24] = np.nan, np.nan
    assert non_overlapping(pit, HORIZON).tolist() == [0.03, 0.45, 0.66, 0.87]  # every 21st from the fourth on
    found = coverage(pit, 0.5, HORIZON)
    assert (found.windows, found.apart) == (96, 4)
    assert found.share == np.mean([abs(i / 100.0 - 0.5) <= 0.25 for i in range(100) if i not in (0, 1, 2, 24)])


def test_no_window_at_all_is_an_error():
    with pytest.raises(ForecastError, match="no window is known"):
        coverage(np.full(5, np.nan), 0.9, HORIZON)


# The whole law


def test_berkowitzs_ratio_is_that_of_the_likelihood_at_its_maximum():
    z = np.random.default_rng(3).standard_normal(60) * 1.3 + 0.2
    before, now = z[:-1], z[1:]

    def unlikelihood(a: float, b: float, log_s: float) -> float:
        return -norm.logpdf(now, a + b * before, np.exp(log_s)).sum()

    best = minimize(lambda x: unlikelihood(*x), [0.0, 0.0, 0.0], tol=1e-12).fun
    assert berkowitz(ndtr(z)).statistic == pytest.approx(2.0 * (unlikelihood(0.0, 0.0, 0.0) - best), abs=1e-6)


def test_uniform_outcomes_are_rejected_about_as_often_as_said():
    pits = np.random.default_rng(4).random((400, 140))
    assert 0.02 < np.mean([berkowitz(pit).p < 0.05 for pit in pits]) < 0.08
    assert 0.01 < np.mean([kolmogorov_smirnov(pit).p < 0.05 for pit in pits[:150]]) < 0.10


@pytest.mark.parametrize("fault", ["narrow", "shifted", "remembering"])
def test_laws_wrong_in_scale_in_mean_or_in_memory_are_found(fault):
    random = np.random.default_rng(6)
    found = []
    for _ in range(60):
        z = random.standard_normal(200)
        if fault == "narrow":
            z *= 1.25
        elif fault == "shifted":
            z += 0.35
        else:
            for i in range(1, len(z)):
                z[i] = 0.35 * z[i - 1] + np.sqrt(1.0 - 0.35**2) * z[i]
        found.append(berkowitz(ndtr(z)).p < 0.05)
    assert np.mean(found) > 0.9


def test_an_outcome_that_the_law_held_impossible_counts_as_very_unlikely():
    pit = np.linspace(0.01, 0.99, 80)
    surprised = np.append(pit, 0.0)
    assert np.isfinite(berkowitz(surprised).statistic)
    assert berkowitz(surprised).p < 1e-6


def test_the_distance_from_uniform_is_the_largest_gap():
    assert kolmogorov_smirnov(np.array([0.1, 0.2, 0.3])).statistic == pytest.approx(0.7)
