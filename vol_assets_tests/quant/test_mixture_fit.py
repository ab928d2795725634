"""Mixtures meet the prices they are given, within their bounds, many at once."""

import numpy as np
import pytest

from vol_assets.quant import mixture, mixture_fit
from vol_assets.quant.mixture_fit import LOWER, MEET, UPPER, Targets

TRUE = (np.array([0.5, 0.35, 0.15]), np.array([1.05, 0.98, 0.88]), np.array([0.09, 0.13, 0.22]))
AT_MONEY = np.array([0.13])


def true_mixture():
    weights, means, stdevs = TRUE
    return weights, means / (weights @ means), stdevs


def targets(k, price, kind=MEET, weight=1e4):
    weight, kind, soft = (np.full((1, len(k)), value) for value in (weight, kind, np.inf))
    return Targets(k[None], price[None], weight, kind, soft, AT_MONEY)


@pytest.mark.parametrize("components", [3, 4])
def test_the_analytic_derivatives_are_those_of_the_price(components):
    k = np.linspace(-0.5, 0.3, 11)[None]
    side, strike = np.where(k < 0, -1.0, 1.0), np.exp(k)
    x = mixture_fit.start(components, np.array([0.7])) + 0.1

    def price(x):
        return mixture_fit._price_and_jacobian(x, k, side, strike, AT_MONEY)[0][0]

    _, jacobian = mixture_fit._price_and_jacobian(x, k, side, strike, AT_MONEY)
    for p in range(x.shape[1]):
        step = 1e-6 * np.eye(x.shape[1])[p]
        assert np.allclose(jacobian[0, p], (price(x + step) - price(x - step)) / 2e-6, atol=1e-9)


def test_a_mixture_s_own_prices_are_met():
    k = np.linspace(-0.5, 0.3, 40)
    price = mixture.otm_price(k, *true_mixture())
    x, _ = mixture_fit.fit(targets(k, price, weight=1e6), mixture_fit.start(3, np.array([0.7])), iterations=300)
    found = mixture.otm_price(k, *(part[0] for part in mixture_fit.parameters(x, AT_MONEY)))
    assert np.abs(found - price).max() < 2e-6


def test_components_stay_within_their_bounds_whatever_the_prices():
    random = np.random.default_rng(3)
    k = np.linspace(-0.6, 0.4, 30)
    wild = mixture.otm_price(k, *true_mixture()) * np.exp(random.normal(0, 1.5, (20, 30)))
    weight, soft = np.full((20, 30), 1e5), np.full((20, 30), 5.0)
    many = Targets(np.tile(k, (20, 1)), wild, weight, np.zeros((20, 30)), soft, np.full(20, 0.13))
    x, _ = mixture_fit.fit(many, mixture_fit.start(4, np.full(20, 0.7)), iterations=200)
    found = mixture_fit.parameters(x, many.at_money)
    assert np.allclose(found.weights.sum(axis=1), 1.0)
    assert np.allclose((found.weights * found.means).sum(axis=1), 1.0)
    assert (found.stdevs >= 0.25 * 0.13 - 1e-12).all()
    assert (found.stdevs <= 5.0 * 0.13 + 1e-12).all()
    assert (np.abs(np.log(found.means)) <= 12.0 * 0.13 + 1e-9).all()


def test_an_upper_bound_holds_only_what_is_above_it_and_a_lower_bound_what_is_below():
    k = np.linspace(-0.3, 0.2, 26)
    price = mixture.otm_price(k, *true_mixture())
    wing = np.array([-0.5])
    free = mixture.otm_price(wing, *true_mixture())
    start = mixture_fit.start(3, np.array([0.7]))

    def in_the_wing(kind, bound):
        both = targets(k, price).beside(targets(wing, np.array([bound]), kind, 1e8))
        x, _ = mixture_fit.fit(both, start, iterations=300)
        return mixture.otm_price(wing, *(part[0] for part in mixture_fit.parameters(x, AT_MONEY)))[0]

    alone = in_the_wing(UPPER, 1.0)
    assert in_the_wing(LOWER, 0.0) == pytest.approx(alone, rel=1e-9)
    assert in_the_wing(UPPER, 0.7 * alone) == pytest.approx(0.7 * alone, rel=1e-2)
    assert in_the_wing(LOWER, 1.3 * alone) == pytest.approx(1.3 * alone, rel=1e-2)
    assert alone == pytest.approx(free[0], rel=0.2)


def test_a_wrong_price_bends_a_softened_fit_little():
    k = np.linspace(-0.4, 0.25, 40)
    price = mixture.otm_price(k, *true_mixture())
    wrong = price.copy()
    wrong[3] *= 3.0
    start = mixture_fit.start(3, np.array([0.7]))
    misses = {}
    for soft in (np.inf, 5.0):
        given = targets(k, wrong, weight=1e4)
        given = Targets(given.k, given.price, given.weight, given.kind, np.full_like(given.k, soft), given.at_money)
        x, _ = mixture_fit.fit(given, start, iterations=300)
        found = mixture.otm_price(k, *(part[0] for part in mixture_fit.parameters(x, AT_MONEY)))
        misses[soft] = np.abs(found - price)[np.arange(40) != 3].max()
    assert misses[5.0] < 0.3 * misses[np.inf]


def test_short_and_long_problems_are_batched_apart_when_filling_up_would_cost_more():
    even = mixture_fit._batches(np.array([50, 52, 49, 51]))
    assert len(even) == 1
    uneven = mixture_fit._batches(np.array([20, 200, 22, 21, 19, 210]))
    assert [(sorted(which.tolist()), longest) for which, longest in uneven] == [([0, 2, 3, 4], 22), ([1, 5], 210)]
