"""eSSVI slices follow their quotes and never cross, in strike or in time."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vol_assets.quant import essvi

K = np.linspace(-0.5, 0.35, 30)


def true_slices():
    theta = np.array([0.002, 0.006, 0.012, 0.03])
    return [essvi.Slice(t, -0.6 + 0.05 * i, 1.4 * t**0.55) for i, t in enumerate(theta)]


def quotes(slices):
    return [
        (K * np.sqrt(s.theta / 0.03), np.sqrt(essvi.total_variance(K * np.sqrt(s.theta / 0.03), *s))) for s in slices
    ]


def calendar_gap(slices):
    k = np.linspace(-3, 3, 1201)
    variance = np.array([essvi.total_variance(k, *s) for s in slices])
    return np.maximum(variance[:-1] - variance[1:], 0).max() if len(slices) > 1 else 0.0


def durrleman(k, slice_):
    theta, rho, psi = slice_
    inner = psi * k + rho * theta
    root = np.sqrt(inner**2 + theta**2 * (1 - rho**2))
    w = essvi.total_variance(k, *slice_)
    w1, w2 = 0.5 * psi * (rho + inner / root), 0.5 * psi**2 * theta**2 * (1 - rho**2) / root**3
    return (1 - k * w1 / (2 * w)) ** 2 - 0.25 * w1**2 * (1 / w + 0.25) + 0.5 * w2


def test_its_own_slices_are_found_again():
    for true, found in zip(true_slices(), essvi.fit(quotes(true_slices()))):
        assert found.theta == pytest.approx(true.theta, rel=2e-3)
        assert found.rho == pytest.approx(true.rho, abs=0.01)
        assert found.psi == pytest.approx(true.psi, rel=0.01)


@given(
    levels=st.lists(st.floats(0.05, 0.9), min_size=2, max_size=5),
    tilts=st.lists(st.floats(-0.9, 0.9), min_size=5, max_size=5),
    seed=st.integers(0, 1000),
)
@settings(max_examples=30, deadline=None)
def test_no_quotes_however_contradictory_make_slices_that_cross(levels, tilts, seed):
    random = np.random.default_rng(seed)
    noisy = [(K, level * np.exp(tilt * K + 0.1 * random.standard_normal(len(K)))) for level, tilt in zip(levels, tilts)]
    slices = essvi.fit(noisy)
    assert calendar_gap(slices) < 1e-9
    for slice_ in slices:
        assert durrleman(np.linspace(-4, 4, 801), slice_).min() > -1e-9


def test_a_single_quote_gives_its_level():
    (only,) = essvi.fit([(np.array([0.01]), np.array([0.1]))])
    assert np.sqrt(essvi.total_variance(0.01, *only)) == pytest.approx(0.1, rel=0.02)


@pytest.mark.parametrize(("low", "high"), [(-2.2, -0.4), (0.3, 1.5), (-2.0, -1.0)])
def test_quotes_on_one_side_between_two_full_expirations_are_met_and_lead_to_the_forward(low, high):
    """Inside the box the fit begins on a kink, where a single start would stay: it missed by two points."""

    def smile(years, z):
        stdev = 0.2 * np.sqrt(years)
        return z * stdev, stdev * (1 - 0.08 * z + 0.01 * z**2)

    full, few = np.linspace(-3, 2.5, 25), np.linspace(low, high, 7)
    _, between, _ = essvi.fit([smile(30 / 365, full), smile(60 / 365, few), smile(91 / 365, full)])
    k, stdev = smile(60 / 365, few)
    root = np.sqrt(60 / 365)
    assert np.abs(np.sqrt(essvi.total_variance(k, *between)) - stdev).max() / root < 0.001
    assert np.sqrt(between.theta) / root == pytest.approx(0.2, abs=0.003)


def test_the_level_of_quotes_on_one_side_is_where_they_lead():
    k = np.linspace(-0.2, -0.05, 8)
    assert essvi.at_the_money(k, 0.1 - 0.2 * k) == pytest.approx(0.1, rel=1e-6)
    assert essvi.at_the_money(np.linspace(-0.1, 0.1, 9), np.full(9, 0.1)) == pytest.approx(0.1)


def test_chains_in_a_row_are_fitted_as_each_alone():
    """The later chain lies below the earlier one: as one chain they would be forced apart."""
    high, low = quotes(true_slices()[2:]), quotes(true_slices()[:2])
    crossing = [low[1], low[0]]  # falls with time: its second is fitted in the box of its first
    together = essvi.fit([*high, *crossing, *low], [True, False, True, False, True, False])
    assert together == [*essvi.fit(high), *essvi.fit(crossing), *essvi.fit(low)]
    assert together[2:4] != essvi.fit([*low[1:], *low[:1]], [True, True])
