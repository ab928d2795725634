"""A lognormal mixture's price, density and distribution belong to one law, whose mean is the forward."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad

from vol_assets.quant import black, mixture

WEIGHTS, MEANS, STDEVS = np.array([0.6, 0.3, 0.1]), np.array([1.04, 0.97, 0.85]), np.array([0.08, 0.14, 0.3])
MEANS = MEANS / (WEIGHTS @ MEANS)


def test_one_component_is_black_s_formula():
    k = np.linspace(-1, 0.8, 41)
    one = np.array([1.0])
    assert np.allclose(mixture.otm_price(k, one, one, 0.2 * one), black.otm_price(k, 0.2), atol=1e-15)


def test_the_density_has_mass_one_and_the_forward_as_its_mean():
    def density(x):
        return mixture.density(np.array([x]), WEIGHTS, MEANS, STDEVS)[0]

    assert quad(density, -3, 3, points=[-0.2, 0.0, 0.1])[0] == pytest.approx(1.0, abs=1e-10)
    assert quad(lambda x: np.exp(x) * density(x), -3, 3, points=[-0.2, 0.0, 0.1])[0] == pytest.approx(1.0, abs=1e-9)


def test_prices_are_the_payoffs_under_the_density():
    for k in (-0.3, -0.05, 0.0, 0.2):
        side = -1 if k < 0 else 1

        def payoff(x, k=k, side=side):
            paid = max(side * (np.exp(x) - np.exp(k)), 0.0)
            return paid * mixture.density(np.array([x]), WEIGHTS, MEANS, STDEVS)[0]

        expected = quad(payoff, -4 if side < 0 else k, k if side < 0 else 4, limit=200)[0]
        assert mixture.otm_price(np.array([k]), WEIGHTS, MEANS, STDEVS)[0] == pytest.approx(expected, abs=1e-9)


def test_the_density_is_the_slope_of_the_distribution():
    k, h = np.linspace(-0.6, 0.5, 23), 1e-5
    rise = mixture.distribution(k + h, WEIGHTS, MEANS, STDEVS) - mixture.distribution(k - h, WEIGHTS, MEANS, STDEVS)
    assert np.allclose(rise / (2 * h), mixture.density(k, WEIGHTS, MEANS, STDEVS), atol=1e-6)


def test_mixtures_are_priced_together_as_alone():
    k = np.linspace(-0.4, 0.4, 9)
    two = [np.stack([part, part[::-1]]) for part in (WEIGHTS, MEANS, STDEVS)]
    both = mixture.otm_price(k, *two)
    assert both.shape == (2, 9)
    assert np.allclose(both[1], mixture.otm_price(k, *(part[1] for part in two)), atol=1e-16)


@given(
    weights=st.lists(st.floats(0.01, 1), min_size=4, max_size=4),
    means=st.lists(st.floats(-0.5, 0.5), min_size=4, max_size=4),
    stdevs=st.lists(st.floats(0.02, 0.8), min_size=4, max_size=4),
)
@settings(max_examples=40, deadline=None)
def test_calls_fall_and_are_convex_in_the_strike_whatever_the_mixture(weights, means, stdevs):
    w = np.array(weights) / np.sum(weights)
    m = np.exp(np.array(means))
    m /= w @ m
    strike = np.linspace(0.2, 3.0, 400)
    k = np.log(strike)
    price = mixture.otm_price(k, w, m, np.array(stdevs))
    call = price + np.maximum(1 - strike, 0)
    assert (np.diff(call) <= 1e-12).all()
    assert (np.diff(call, 2) >= -1e-12).all()
    assert (call >= np.maximum(1 - strike, 0) - 1e-12).all()
