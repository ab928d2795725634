"""Tests by session: sums of a session's losses, a size that holds, and Holm's adjustment."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.signal import lfilter

from vol_assets.forecasting.comparison import diebold_mariano
from vol_assets.smiles.significance import compare, holm, skill


def sessions_of(lengths: list[int]) -> np.ndarray:
    return np.repeat(np.arange(len(lengths)), lengths)


def losses(seed: int, lengths: list[int]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    session = sessions_of(lengths)
    return 1.0 + random.random(len(session)), 1.1 + random.random(len(session)), session


def test_of_sessions_of_one_snapshot_it_is_the_test_of_diebold_and_mariano():
    loss, reference, session = losses(1, [1] * 30)
    assert compare(loss, reference, session) == diebold_mariano(loss, reference, horizon=4, lags=3)


def test_a_session_counts_once_and_the_difference_is_that_of_the_snapshots():
    lengths = [371] * 15 + [191]
    loss, reference, session = losses(2, lengths)
    found = compare(loss, reference, session)
    assert found.sessions == 16
    assert found.difference == pytest.approx((loss - reference).mean())
    sums = np.array([(loss - reference)[session == number].sum() for number in range(16)])
    again = diebold_mariano(sums, np.zeros(16), horizon=4, lags=3)
    assert found.t == pytest.approx(again.t)


def test_repeating_every_snapshot_proves_nothing_more():
    loss, reference, session = losses(3, [20] * 20)
    once, thrice = compare(loss, reference, session), compare(*(np.repeat(x, 3) for x in (loss, reference, session)))
    assert thrice.p_better == pytest.approx(once.p_better)


@pytest.mark.parametrize(("sessions", "lags"), [(20, 3), (63, 3), (125, 5), (600, 8)])
def test_there_are_more_lags_where_there_are_sessions_for_them(sessions: int, lags: int):
    loss, reference, session = losses(4, [1] * sessions)
    assert compare(loss, reference, session).t == diebold_mariano(loss, reference, horizon=lags + 1, lags=lags).t


def test_of_fewer_than_eight_sessions_nothing_is_told():
    loss, reference, session = losses(5, [50] * 7)
    found = compare(loss, reference, session)
    assert np.isnan(found.p_better)
    assert found.difference < 0
    assert np.isnan(skill(loss, reference, session).error)
    assert np.isfinite(compare(*losses(5, [50] * 8)).p_better)


def test_skill_is_one_less_the_ratio_of_mean_losses():
    session = sessions_of([2] * 10)
    loss, reference = np.tile([1.0, 2.0], 10), np.tile([2.0, 2.0], 10)
    found = skill(loss, reference, session)
    assert found.value == pytest.approx(0.25)
    assert found.error == pytest.approx(0.0, abs=1e-12)  # the same in every session


def test_the_error_of_a_skill_is_that_of_many_samples():
    random = np.random.default_rng(7)
    found = [
        skill(0.9 * g + 0.2 * random.random(100), g + 0.2 * random.random(100), sessions_of([2] * 50))
        for g in 1.0 + random.random((200, 100))
    ]
    spread = np.std([of_one.value for of_one in found])
    assert np.mean([of_one.error for of_one in found]) == pytest.approx(spread, rel=0.15)


def overlapping(random: np.random.Generator, sessions: int, count: int) -> np.ndarray:
    """Loss differences, mean 0, of a signal taken for twice what it is, in sessions that are wild together."""
    scale = np.exp(0.4 * lfilter([np.sqrt(1 - 0.9**2)], [1, -0.9], random.standard_normal(sessions)))[:, None]
    moves = random.standard_normal((sessions, count + 9))
    came = np.lib.stride_tricks.sliding_window_view(moves, 10, axis=1).sum(axis=2)
    signal = lfilter([np.sqrt(1 - 0.97**2)], [1, -0.97], random.standard_normal((sessions, count)), axis=1)
    return scale**2 * came * signal


def test_the_size_holds_where_that_of_lags_over_snapshots_does_not():
    random = np.random.default_rng(11)
    session, rejected = sessions_of([120] * 20), []
    for _ in range(600):
        gap = overlapping(random, 20, 120).ravel()
        naive = diebold_mariano(gap, np.zeros_like(gap), horizon=1, lags=1)
        rejected.append((compare(gap, np.zeros_like(gap), session).p_better < 0.05, naive.p_better < 0.05))
    ours, naive = np.mean(rejected, axis=0)
    assert 0.02 < ours < 0.075
    assert naive > 0.15


def test_holm_by_hand():
    assert holm({"a": 0.04, "b": 0.01, "c": 0.03}) == pytest.approx({"a": 0.06, "b": 0.03, "c": 0.06})
    assert holm({"a": 0.02, "b": np.nan}) == {"a": 0.04, "b": 1.0}
    assert holm({"a": 0.7, "b": 0.9}) == {"a": 1.0, "b": 1.0}
    assert holm({}) == {}


@given(st.lists(st.floats(0, 1), min_size=1, max_size=6))
def test_holm_is_between_one_test_and_bonferroni_and_keeps_the_order(p_values: list[float]):
    names = dict(enumerate(p_values))
    adjusted = holm(names)
    for name, p in names.items():
        assert p <= adjusted[name] <= 1.0
    assert min(adjusted.values()) == min(len(names) * min(p_values), 1.0)
    assert max(adjusted.values()) <= min(len(names) * max(p_values), 1.0)  # Bonferroni
    order = sorted(names, key=names.get)
    assert [adjusted[name] for name in order] == sorted(adjusted.values())
