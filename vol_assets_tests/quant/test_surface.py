"""A surface has no static arbitrage whatever its slices, and says of its smiles what their law says."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import ndtr

from vol_assets.quant import essvi, mixture
from vol_assets.quant.implied_vol import implied_stdev
from vol_assets.quant.surface import Surface, expiration_smiles

FLAT = (0.002, 0.0, 1e-6)


def surface(years, stdevs, weights=None, means=None, essvi_slices=None, forward=100.0):
    """A surface of mixtures given as (n, c) lists, or of eSSVI slices."""
    n = len(years)
    stdevs = np.atleast_2d(np.array(stdevs, float)) if stdevs is not None else np.ones((n, 2))
    weights = np.array(weights, float) if weights is not None else np.tile(np.eye(1, stdevs.shape[1]), (n, 1))
    means = np.array(means, float) if means is not None else np.ones_like(weights)
    means = means / (weights * means).sum(axis=1, keepdims=True)
    theta, rho, psi = np.array(essvi_slices if essvi_slices is not None else [FLAT] * n).T
    growth = np.exp(0.03 * np.array(years))
    is_mixture = np.full(n, essvi_slices is None)
    return Surface(np.array(years), forward * growth, forward, weights, means, stdevs, theta, rho, psi, is_mixture)


def skewed(years=(0.05, 0.1, 0.3, 1.0), level=0.2):
    root = level * np.sqrt(np.array(years))[:, None]
    weights = np.tile([0.6, 0.3, 0.1], (len(years), 1))
    means = np.exp(root * np.array([0.4, -0.4, -1.6]))
    return surface(list(years), root * np.array([0.7, 0.95, 1.5]), weights, means)


def slices():
    theta = 0.04 * np.array([0.05, 0.1, 0.3, 1.0])
    return surface([0.05, 0.1, 0.3, 1.0], None, essvi_slices=[(t, -0.6, 1.1 * t**0.5) for t in theta])


def crossing():
    """The second expiration is quieter than the first, the third has a thin left wing."""
    weights = [[0.8, 0.2], [0.9, 0.1], [1.0, 0.0]]
    means = np.exp([[0.02, -0.12], [0.01, -0.1], [0.0, 0.0]])
    return surface([0.1, 0.2, 0.4], [[0.06, 0.11], [0.05, 0.12], [0.075, 1.0]], weights, means)


K = np.linspace(-0.8, 0.6, 281)


def calls(price, k=K):
    return price + np.maximum(1 - np.exp(k), 0)


def test_the_smiles_of_many_surfaces_expirations_are_those_of_each():
    surfaces = [skewed(), crossing(), skewed(years=(0.2,)), crossing()]
    widest = max(one.weights.shape[1] for one in surfaces)
    padded = [_wide(one, widest) for one in surfaces]
    together = expiration_smiles(padded)
    first = 0
    for one in surfaces:
        rows = slice(first, first := first + len(one.years))
        smiles = one.expirations
        assert together.forward[rows].tolist() == one.forward.tolist()
        np.testing.assert_allclose(together.at_money[rows], smiles.at_money, rtol=1e-12)
        k = np.linspace(-5.0, 4.0, 61) * smiles.at_money[:, None]
        every = np.zeros((len(together.years), 61))
        every[rows] = k
        np.testing.assert_allclose(together.otm_price(every)[rows], smiles.otm_price(k), rtol=1e-12, atol=1e-15)
        np.testing.assert_allclose(together.density(every)[rows], smiles.density(k), rtol=1e-9, atol=1e-12)
    assert not together.extrapolated.any()


def _wide(one: Surface, components: int) -> Surface:
    """The same surface with unused components."""
    more = [(0, 0), (0, components - one.weights.shape[1])]
    parts = {"weights": 0.0, "means": 1.0, "stdevs": 1.0}
    return replace(one, **{name: np.pad(getattr(one, name), more, constant_values=of) for name, of in parts.items()})


def test_a_flat_surface_has_its_vol_everywhere():
    flat = surface([0.1, 0.5, 2.0], 0.2 * np.sqrt([[0.1], [0.5], [2.0]]))
    smiles = flat.smiles([0.02, 0.1, 0.5, 2.0, 3.0])  # expirations, and beyond them
    deltas = np.array([0.1, 0.25, 0.5, 0.75, 0.9])
    k, s = smiles.at_delta(deltas)
    assert np.allclose(s / np.sqrt(smiles.years)[:, None], 0.2, atol=1e-9)
    assert np.allclose(ndtr(-k / s + s / 2), deltas, atol=1e-12)
    assert np.allclose(flat.smiles(np.linspace(0.1, 2.0, 9)).at_money ** 2, 0.04 * np.linspace(0.1, 2.0, 9))


def test_at_the_money_variance_is_linear_between_expirations():
    smiles = skewed().smiles([0.05, 0.1, 0.15, 0.2, 0.3])
    variance = smiles.at_money**2
    assert np.allclose(variance[2], (variance[1] + 0.25 * (variance[4] - variance[1])), rtol=1e-10)
    assert np.allclose(variance[3], (variance[1] + 0.50 * (variance[4] - variance[1])), rtol=1e-10)


@pytest.mark.parametrize("made", [skewed, slices, crossing])
def test_prices_at_fixed_moneyness_never_fall_with_time(made):
    years = np.linspace(made().years[0], made().years[-1], 60)
    price = made().smiles(years).otm_price(K)
    assert np.diff(price, axis=0).min() > -1e-12


@pytest.mark.parametrize("made", [skewed, slices, crossing])
def test_calls_fall_and_are_convex_in_the_strike_at_every_time(made):
    strike = np.linspace(0.3, 2.0, 800)
    price = made().smiles([*made().years, *(made().years[:-1] * 1.3)]).otm_price(np.log(strike))
    call = calls(price, np.log(strike))
    assert np.diff(call, axis=1).max() < 1e-12
    assert np.diff(call, 2, axis=1).min() > -1e-12


def test_a_crossing_lifts_the_later_price_to_the_earlier_one():
    crossed = crossing()
    own = crossed.own_prices(K)
    assert (own[1] < own[0] - 1e-4).any()  # there is something to lift
    lifted = crossed.smiles(crossed.years).otm_price(K)
    assert np.allclose(lifted, np.maximum.accumulate(own, axis=0), atol=1e-15)


@pytest.mark.parametrize("made", [skewed, slices])
def test_density_and_distribution_are_those_of_the_prices(made):
    smiles = made().smiles([0.05, 0.2, 1.0])
    h = 1e-4
    k = np.linspace(-0.15, 0.12, 28)
    strike = np.exp(k)
    call = {step: calls(smiles.otm_price(np.log(strike + step)), np.log(strike + step)) for step in (-h, 0, h)}
    above = (call[-h] - call[h]) / (2 * h)
    assert np.allclose(smiles.distribution(k), 1 - above, atol=5e-6)
    curvature = (call[h] - 2 * call[0] + call[-h]) / h**2
    assert np.allclose(smiles.density(k), curvature * strike, rtol=2e-4, atol=2e-3)


@pytest.mark.parametrize("made", [skewed, slices])
def test_the_density_has_mass_one_and_the_forward_as_its_mean(made):
    smiles = made().smiles([0.2])

    def density(x):
        return smiles.density(np.array([x]))[0, 0]

    breaks = [-0.5, -0.1, 0.0, 0.1]
    assert quad(density, -3, 2, points=breaks, limit=200)[0] == pytest.approx(1, abs=2e-6)
    assert quad(lambda x: np.exp(x) * density(x), -3, 2, points=breaks, limit=200)[0] == pytest.approx(1, abs=2e-6)


def test_a_strike_by_delta_has_that_delta():
    deltas = np.arange(0.05, 0.96, 0.05)
    smiles = skewed().smiles([0.03, 0.05, 0.08, 0.7, 1.0, 1.5])
    k, s = smiles.at_delta(deltas)
    assert np.allclose(ndtr(-k / s + s / 2), deltas, atol=1e-10)
    assert np.allclose(smiles.stdev(k), s, rtol=1e-12)


def test_quantiles_are_where_the_distribution_reaches_them():
    p = np.array([0.01, 0.05, 0.5, 0.95, 0.99])
    for made in (skewed, slices, crossing):
        smiles = made().smiles(made().years)
        reached = smiles.distribution(smiles.quantile(p))
        if made is not crossing:  # the distribution of a lifted price may jump over a level
            assert np.allclose(reached, p, atol=1e-8)


def test_times_outside_the_expirations_stretch_the_nearest_slice_and_say_so():
    smiles = skewed().smiles([0.02, 0.05, 1.0, 2.0])
    assert smiles.extrapolated.tolist() == [True, False, False, True]
    z = np.array([-1.5, -0.5, 0.0, 0.8])
    vols = smiles.vol(z * smiles.at_money[:, None])
    assert np.allclose(vols[0], vols[1], rtol=0.01)
    assert np.allclose(vols[3], vols[2], rtol=0.03)


def test_forwards_between_expirations_are_linear_in_their_logarithm():
    flat = skewed()
    assert np.allclose(
        flat.forward_at([0.0, 0.01, 0.07, 0.5, 1.0, 3.0]), 100 * np.exp(0.03 * np.array([0, 0.01, 0.07, 0.5, 1, 3]))
    )


def test_an_essvi_slice_has_the_variance_of_its_formula():
    made = slices()
    k = np.linspace(-0.1, 0.1, 11)
    expected = essvi.total_variance(k, made.theta[:, None], made.rho[:, None], made.psi[:, None])
    assert np.allclose(made.smiles(made.years).stdev(k) ** 2, expected, rtol=1e-9)


def of_normals(laws, function, k):
    """`function` of the standardised k, mixed: distributions (t, m) of the mixtures that `Smiles.mixtures` gives."""
    weights, means, stdevs = (part[:, None, :] for part in laws)
    return (weights * function((np.broadcast_to(k, (len(weights), k.shape[-1]))[..., None] - means) / stdevs)).sum(-1)


def of_lognormals(laws, k):
    weights, means, stdevs = laws
    return mixture.otm_price(k, weights, np.exp(means + 0.5 * stdevs**2), stdevs)


EVERYWHERE = [0.02, 0.05, 0.06, 0.08, 0.1, 0.17, 0.3, 0.6, 1.0, 1.7]  # before, at, between and after the expirations


def test_mixtures_have_the_distribution_and_the_prices_of_the_smiles_at_every_time():
    smiles = skewed().smiles(EVERYWHERE)
    laws = smiles.mixtures()
    assert np.abs(of_normals(laws, ndtr, K) - smiles.distribution(K)).max() < 1e-14
    assert np.abs(of_lognormals(laws, K) - smiles.otm_price(K)).max() < 1e-15
    assert np.abs(laws[0].sum(axis=1) - 1.0).max() < 1e-14
    assert np.abs((laws[0] * np.exp(laws[1] + 0.5 * laws[2] ** 2)).sum(axis=1) - 1.0).max() < 1e-14


def test_unused_components_of_mixtures_are_standard_normals_of_no_weight():
    # The later slice has one component less, and an expiration is one slice where a time between is of several.
    uneven = surface([0.1, 0.4], [[0.06, 0.11], [0.3, 1.0]], [[0.8, 0.2], [1.0, 0.0]], [[1.0, 1.0], [1.0, 1.0]])
    weights, means, stdevs = uneven.smiles([0.05, 0.2, 0.4, 0.6]).mixtures()
    unused = weights == 0
    assert (unused.sum(axis=1) >= [2, 0, 3, 3]).all()
    assert (means[unused] == 0).all()
    assert (stdevs[unused] == 1).all()


def essvi_surface():
    """Smiles that lean to either side, a week to half a year at 20 %."""
    shapes = [(0.0008, -0.15, 0.025), (0.002, 0.1, 0.038), (0.005, 0.3, 0.056), (0.018, -0.1, 0.1)]
    return surface([0.02, 0.05, 0.12, 0.45], None, essvi_slices=shapes)


def test_an_essvi_slice_s_mixture_has_its_vols_and_its_quantiles():
    p = np.array([0.01, 0.05, 0.16, 0.5, 0.84, 0.95, 0.99])
    smiles = essvi_surface().smiles([0.015, 0.02, 0.03, 0.05, 0.12, 0.3, 0.45])
    laws, s = smiles.mixtures(), smiles.at_money[:, None]
    k = s * np.linspace(-2.5, 2.5, 51)
    assert np.abs(implied_stdev(of_lognormals(laws, k), k) / s - smiles.stdev(k) / s).max() < 5e-4
    # A quantile is off by what the probability there is off by, over the density.
    true = smiles.quantile(p)
    assert np.abs((of_normals(laws, ndtr, true) - p) / smiles.density(true) / s).max() < 3e-3
    assert np.abs((laws[0] * np.exp(laws[1] + 0.5 * laws[2] ** 2)).sum(axis=1) - 1.0).max() < 1e-13


def test_an_essvi_slice_among_mixtures_leaves_them_exact():
    made = skewed()
    thin = np.arange(4) == 1
    theta = np.where(thin, 0.04 * 0.1, made.theta)
    mixed = replace(made, is_mixture=~thin, theta=theta, rho=np.full(4, -0.3), psi=np.full(4, 0.06))
    smiles = mixed.smiles(mixed.years)
    price = of_lognormals(smiles.mixtures(), K)
    own = mixed.own_prices(K)
    assert np.abs(price - own)[~thin].max() < 1e-15
    assert 1e-9 < np.abs(price - own)[thin].max() < 2e-5


def test_of_a_lifted_price_the_slice_that_is_highest_at_the_forward_stands():
    # The second slice is below the first everywhere.
    crossed = surface([0.1, 0.2, 0.4], [[0.06], [0.05], [0.075]], weights=[[1.0]] * 3, means=[[1.0]] * 3)
    weights, means, stdevs = crossed.expirations.mixtures()
    assert (weights * stdevs).sum(axis=1).tolist() == [0.06, 0.06, 0.075]
    assert np.allclose((weights * means).sum(axis=1), -0.5 * np.array([0.06, 0.06, 0.075]) ** 2, rtol=1e-14)
    lifted = crossing()
    gap = lifted.expirations.otm_price(K) - of_lognormals(lifted.expirations.mixtures(), K)
    lift = (lifted.expirations.otm_price(K) - lifted.own_prices(K)).max()
    assert gap.min() > -1e-15
    assert gap.max() <= lift
    assert np.abs(gap[:, K.searchsorted(-1e-9)]).max() < 1e-15  # at the forward
