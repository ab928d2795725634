"""SVI and the readings of a total variance against Vogt's example, a reference slice and numerical derivatives."""

import warnings

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.optimize import minimize_scalar

from vol_assets.quant import essvi, svi
from vol_assets.quant.black import otm_price

VOGT = svi.RawSvi(a=-0.0410, b=0.1331, m=0.3586, rho=0.3060, s=0.4153)
REFERENCE = svi.RawSvi(a=0.01, b=0.05, rho=-0.6, m=0.02, s=0.12)


def g(k, raw):
    return svi.durrleman(k, *svi.total_variance(k, raw))


@st.composite
def slices(draw):
    """Raw slices with a positive minimum, wings within Lee's bound, and a minimum that is not at the money."""
    rho, s = draw(st.floats(-0.95, 0.95)), draw(st.floats(0.02, 1.0))
    b = draw(st.floats(0.01, 0.9)) * 2 / (1 + abs(rho))
    m = draw(st.floats(-0.5, 0.5))
    lowest = draw(st.floats(0.001, 0.3))
    raw = svi.RawSvi(lowest - b * s * np.sqrt(1 - rho**2), b, rho, m, s)
    assume(abs(m / np.hypot(m, s) - rho) > 0.02)
    return raw


@settings(max_examples=50, deadline=None)
@given(slices(), st.floats(-1.5, 1.5))
def test_the_derivatives_are_those_of_w(raw, k):
    h = 1e-5
    w, slope, curvature = svi.total_variance(k, raw)
    before, after = (svi.total_variance(k + step, raw) for step in (-h, h))
    assert slope == pytest.approx((after[0] - before[0]) / (2 * h), rel=1e-4, abs=1e-7)
    assert curvature == pytest.approx((after[1] - before[1]) / (2 * h), rel=1e-4, abs=1e-6)
    assert w >= raw.a + raw.b * raw.s * np.sqrt(1 - raw.rho**2) - 1e-12


def test_vogts_slice_has_its_published_jump_wings():
    published = 0.0174262526, -0.1752111408, 0.6997381041, 1.3167982190, 0.0116249032
    assert svi.to_jump_wings(VOGT, 1.0) == pytest.approx(published, abs=1e-9)


def test_vogts_slice_has_butterfly_arbitrage_where_it_is_known_to():
    lowest = minimize_scalar(lambda k: g(k, VOGT), bounds=(0.7, 1.1), method="bounded", options={"xatol": 1e-9})
    assert lowest.x == pytest.approx(0.87926, abs=1e-5)
    assert lowest.fun == pytest.approx(-0.03286357, abs=1e-8)
    k = np.linspace(-1.5, 2, 35_001)
    negative = k[g(k, VOGT) < 0]
    assert (negative.min(), negative.max()) == (pytest.approx(0.64241, abs=1e-4), pytest.approx(1.25691, abs=1e-4))


def test_vogts_slice_is_repaired_as_published():
    jw = svi.to_jump_wings(repaired := svi.repair_butterfly(VOGT, 1.0), 1.0)
    assert jw.c == pytest.approx(0.3493158224986, abs=1e-10)
    assert jw.lowest == pytest.approx(0.0154818248407, abs=1e-10)
    assert jw[:3] == pytest.approx(svi.to_jump_wings(VOGT, 1.0)[:3])
    assert g(np.linspace(-3, 3, 2001), repaired).min() >= 0


@settings(max_examples=80, deadline=None)
@given(slices(), st.floats(0.01, 3))
def test_jump_wings_and_back_is_the_same_slice(raw, years):
    assert svi.from_jump_wings(svi.to_jump_wings(raw, years), years) == pytest.approx(raw, rel=1e-6, abs=1e-8)


def test_the_reference_slice_is_free_of_arbitrage_by_the_known_margin():
    assert g(np.linspace(-4, 3, 70_001), REFERENCE).min() == pytest.approx(0.26285534, abs=1e-8)


@pytest.mark.parametrize("raw", [REFERENCE, svi.repair_butterfly(VOGT, 1.0), svi.from_essvi(0.04, -0.7, 0.3)])
def test_the_density_has_mass_one_and_the_forward_as_its_mean(raw):
    def density(k):
        return svi.density(k, *svi.total_variance(k, raw))

    k = np.linspace(-20, 8, 14_001)
    p = density(k)
    assert p.min() >= 0
    assert np.trapezoid(p, k) == pytest.approx(1, abs=1e-9)
    assert np.trapezoid(np.exp(k) * p, k) == pytest.approx(1, abs=1e-9)
    middle = quad(density, -0.3, 0.1, epsabs=1e-12)[0]
    below = [svi.distribution(x, *svi.total_variance(x, raw)[:2]) for x in (-0.3, 0.1)]
    assert below[1] - below[0] == pytest.approx(middle, abs=1e-10)


def test_the_distribution_is_the_slope_of_put_prices():
    # A put's price falls in the strike by the probability of the strike not being reached.
    h, k = 1e-4, np.array([-0.4, -0.1, -0.01])
    prices = [
        otm_price(np.log(np.exp(k) + step), np.sqrt(svi.total_variance(np.log(np.exp(k) + step), REFERENCE)[0]))
        for step in (-h, h)
    ]
    expected = (prices[1] - prices[0]) / (2 * h)
    assert svi.distribution(k, *svi.total_variance(k, REFERENCE)[:2]) == pytest.approx(expected, abs=1e-6)


def test_a_flat_smile_is_lognormal():
    k, s = np.linspace(-1, 1, 21), 0.25
    flat = np.full_like(k, s**2), np.zeros_like(k), np.zeros_like(k)
    assert svi.durrleman(k, *flat) == pytest.approx(1)
    normal = np.exp(-0.5 * ((k + s**2 / 2) / s) ** 2) / (s * np.sqrt(2 * np.pi))
    assert svi.density(k, *flat) == pytest.approx(normal)


@settings(max_examples=50, deadline=None)
@given(st.floats(0.001, 1), st.floats(-0.99, 0.99), st.floats(0.01, 1.9), st.floats(-2, 2))
def test_an_essvi_slice_is_the_same_slice_in_raw_parameters(theta, rho, psi, k):
    raw = svi.from_essvi(theta, rho, psi)
    assert svi.total_variance(k, raw)[0] == pytest.approx(essvi.total_variance(k, theta, rho, psi), rel=1e-9)
    assert svi.total_variance(0.0, raw)[0] == pytest.approx(theta, rel=1e-9)


def test_lees_bound_is_on_the_steeper_wing():
    assert svi.lee_bound_holds(REFERENCE)
    assert svi.lee_bound_holds(svi.RawSvi(0.0, 1.25, 0.6, 0.0, 0.1))
    assert not svi.lee_bound_holds(svi.RawSvi(0.0, 1.26, -0.6, 0.0, 0.1))


def test_many_slices_at_once_are_each_its_own():
    both = svi.RawSvi(*(np.array(pair)[:, None] for pair in zip(REFERENCE, VOGT)))
    k = np.linspace(-0.5, 0.5, 11)
    together = g(k, both)
    assert together[0] == pytest.approx(g(k, REFERENCE))
    assert together[1] == pytest.approx(g(k, VOGT))
    back = svi.from_jump_wings(svi.to_jump_wings(both, 0.5), 0.5)
    assert np.stack(back) == pytest.approx(np.stack(both))
    assert svi.lee_bound_holds(both).shape == (2, 1)


def test_slices_without_meaning_are_nan_and_silent():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        below_zero = svi.RawSvi(-1.0, 0.1, 0.0, 0.0, 0.1)
        k = np.array([-0.1, 0.0])
        w, slope, curvature = svi.total_variance(k, below_zero)
        assert np.isnan(svi.density(k, w, slope, curvature)).all()
        assert np.isnan(svi.distribution(k, w, slope)).all()
        assert np.isnan(svi.to_jump_wings(below_zero, 1.0).v)
        assert np.isnan(svi.from_jump_wings(svi.JumpWings(0.04, 0.0, 0.5, 0.5, 0.04), 1.0).s)  # many slices have these
        assert np.isnan(svi.from_jump_wings(svi.JumpWings(0.04, 3.0, 0.5, 0.5, 0.03), 1.0).s)  # none has
        assert np.isnan(svi.from_essvi(0.04, 0.1, 0.0).s)
        assert np.isnan(svi.from_essvi(0.04, 1.1, 0.3).s)
        assert np.isnan(svi.to_jump_wings(svi.RawSvi(0.1, 0.1, 2.0, 0.0, 0.0), 1.0).psi)
        assert np.isnan(svi.total_variance(0.0, svi.RawSvi(0.1, 0.1, 0.0, 0.0, 0.0))[1])


K = np.linspace(-0.6, 0.5, 45)
SLICES = svi.RawSvi(*np.array([VOGT, REFERENCE, svi.repair_butterfly(VOGT, 1.0), (0.02, 0.4, -0.9, -0.1, 0.05)]).T)


def quoted(k, stdev, counts=None):
    """Stdevs (B, n), their weights with rows cut to `counts` quotes, and eSSVI slices to start from."""
    counts = [k.shape[-1]] * len(stdev) if counts is None else counts
    kept = np.arange(k.shape[-1]) < np.array(counts)[:, None]
    backbone = [essvi.fit([(k[:n], row[:n])])[0] for row, n in zip(stdev, counts)]
    start = svi.from_essvi(*np.array(backbone).T)
    weight = np.where(kept, 1 / np.median(stdev, axis=1)[:, None], 0.0)
    return np.broadcast_to(k, stdev.shape), np.where(kept, stdev, 0.0), weight, start


def curve(k, raw):
    return np.sqrt(svi.total_variance(k, svi.RawSvi(*(np.asarray(value)[..., None] for value in raw)))[0])


def rms(k, stdev, weight, raw):
    return np.sqrt(np.square((curve(k, raw) - stdev) * weight).sum(axis=1) / (weight > 0).sum(axis=1))


def test_a_raw_slice_is_found_again_from_its_quotes():
    found = svi.fit(*quoted(K, curve(K, SLICES)))
    assert np.stack(found) == pytest.approx(np.stack(SLICES), rel=2e-3, abs=1e-5)
    assert np.stack(svi.to_jump_wings(found, 1.0)) == pytest.approx(np.stack(svi.to_jump_wings(SLICES, 1.0)), rel=1e-3)


def test_noisy_quotes_are_met_better_than_by_their_essvi_slice_and_as_well_as_by_the_truth():
    noise = np.random.default_rng(3).normal(0, 0.002, (4, len(K)))
    k, stdev, weight, start = quoted(K, curve(K, SLICES) * (1 + noise))
    found = rms(k, stdev, weight, svi.fit(k, stdev, weight, start))
    assert (found < rms(k, stdev, weight, start)).all()
    assert (found <= rms(k, stdev, weight, SLICES) * (1 + 1e-6)).all()


def test_padding_and_other_slices_change_nothing():
    k, stdev, weight, start = quoted(K, curve(K, SLICES), [45, 20, 30, 12])
    together = svi.fit(k, stdev, weight, start)
    for i, n in enumerate([45, 20, 30, 12]):
        rows = slice(i, i + 1)
        alone = svi.fit(k[rows, :n], stdev[rows, :n], weight[rows, :n], svi.RawSvi(*(value[rows] for value in start)))
        assert np.stack(alone)[:, 0] == pytest.approx(np.stack(together)[:, i], rel=1e-5, abs=1e-8)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0.01, 1.5), st.integers(3, 15))
def test_no_quotes_however_wild_lead_out_of_bounds_or_away_from_them(seed, level, count):
    k = np.linspace(-2, 2, count) * level
    stdev = level * np.exp(np.random.default_rng(seed).normal(0, 0.7, (2, count)))
    k, stdev, weight, start = quoted(k, stdev)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = svi.fit(k, stdev, weight, start)
    assert (found.b * (1 + np.abs(found.rho)) <= 2 + 1e-12).all()
    assert (found.a + found.b * found.s * np.sqrt(1 - found.rho**2) > 0).all()
    assert (rms(k, stdev, weight, found) <= rms(k, stdev, weight, start) * (1 + 1e-3)).all()


def test_without_quotes_or_without_a_start_nothing_moves():
    start = svi.RawSvi(*(np.array([value, np.nan]) for value in REFERENCE))
    found = svi.fit(np.zeros((2, 9)), np.zeros((2, 9)), np.zeros((2, 9)), start)
    assert [value[0] for value in found] == pytest.approx(REFERENCE)
    assert np.isnan([value[1] for value in found]).all()
