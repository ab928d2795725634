"""The expansion against tabulated quantiles, quadrature over the normal, and its own monotone domain."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import norm

from vol_assets.quant import cornish_fisher as cf


@st.composite
def parameters(draw):
    """A point of the monotone domain."""
    s = draw(st.floats(-cf.S_LIMIT, cf.S_LIMIT))
    low, high = cf.kurtosis_range(s)
    return s, float(low + draw(st.floats(0, 1)) * (high - low))


@pytest.mark.parametrize(
    ("probability", "s", "k", "published"),
    [
        (0.9, 0.1, 0.0, 1.292868),
        (0.9, 0.1, 1.0, 1.220374),
        (0.99, 0.1, 1.0, 2.629904),
        (0.01, 0.1, 1.0, -2.482841),
        (0.01, -0.8, 2.5, -3.258214),
    ],
)
def test_quantiles_are_the_published_ones(probability, s, k, published):
    assert cf.quantile(probability, s, k) == pytest.approx(published, abs=1e-6)


def test_the_expected_shortfall_is_the_reference_value():
    assert cf.expected_shortfall(0.01, -0.8, 2.5) == pytest.approx(-4.251302, abs=1e-6)


@settings(max_examples=20, deadline=None)
@given(parameters(), st.floats(0.001, 0.5))
def test_the_expected_shortfall_is_the_mean_of_the_quantiles_below(point, probability):
    mean = quad(lambda z: float(cf.quantile(norm.cdf(z), *point)) * norm.pdf(z), -9, norm.ppf(probability), limit=200)
    assert cf.expected_shortfall(probability, *point) == pytest.approx(mean[0] / probability, rel=1e-5, abs=1e-6)


def test_without_skewness_and_kurtosis_it_is_the_normal():
    p = np.array([0.001, 0.3, 0.9])
    assert cf.quantile(p, 0.0, 0.0) == pytest.approx(norm.ppf(p))
    assert cf.expected_shortfall(p, 0.0, 0.0) == pytest.approx(-norm.pdf(norm.ppf(p)) / p)
    assert cf.implied_moments(0.0, 0.0) == (1.0, 0.0, 0.0)


def test_the_domain_is_the_tabulated_one():
    low, high = cf.kurtosis_range(np.array([0, 0.3, 0.6, 1, 1.5, 2, -2.4]))
    assert low == pytest.approx([0, 0.140, 0.562, 1.569, 3.578, 6.537, 10.016], abs=6e-4)
    assert high == pytest.approx([8, 8.080, 8.318, 8.875, 9.922, 11.241, 12.064], abs=6e-4)
    assert np.isnan(cf.kurtosis_range(2.486)).all()
    assert not cf.is_monotone(2.486, 11.0)


@settings(max_examples=60, deadline=None)
@given(parameters())
def test_quantiles_increase_inside_the_domain(point):
    z = np.linspace(-8, 8, 2001)
    assert np.diff(cf.quantile(norm.cdf(z[z < 0]), *point)).min() >= -1e-9
    assert np.diff(-cf.quantile(norm.cdf(z[z < 0]), -point[0], point[1])).max() <= 1e-9  # the upper half, mirrored


@settings(max_examples=40, deadline=None)
@given(st.floats(-3, 3), st.floats(-2, 14))
def test_quantiles_fall_somewhere_outside_the_domain(s, k):
    # The derivative in z is a parabola: an independent account of the same domain.
    second, first, zeroth = k / 8 - s**2 / 6, s / 3, 1 - k / 8 + 5 * s**2 / 36
    discriminant = first**2 - 4 * second * zeroth
    if abs(discriminant) > 1e-6 and abs(second) > 1e-6:
        assert cf.is_monotone(s, k) == (second > 0 and discriminant < 0)


@settings(max_examples=20, deadline=None)
@given(parameters())
def test_the_implied_moments_are_those_of_the_quantiles(point):
    z, weight = np.polynomial.hermite_e.hermegauss(20)  # exact for the polynomials at hand
    x = cf.quantile(norm.cdf(z), *point)
    upper = z > 5  # where the distribution function cannot tell quantiles apart: mirrored
    x[upper] = -cf.quantile(norm.cdf(-z[upper]), -point[0], point[1])
    raw = [(weight * x**n).sum() / weight.sum() for n in range(5)]
    variance, skewness, excess = cf.implied_moments(*point)
    assert raw[1] == pytest.approx(0, abs=1e-9)
    assert variance == pytest.approx(raw[2], rel=1e-9)
    assert skewness * variance**1.5 == pytest.approx(raw[3], rel=1e-8, abs=1e-8)
    assert (excess + 3) * variance**2 == pytest.approx(raw[4], rel=1e-8)


def test_the_parameters_are_not_the_moments():
    _, skewness, excess = cf.implied_moments(-1.0, 3.0)
    assert (skewness, excess) == (pytest.approx(-1.411, abs=5e-4), pytest.approx(5.357, abs=5e-4))
    found = cf.fit(skewness, excess)
    assert (found.s, found.k, found.reached) == (pytest.approx(-1), pytest.approx(3), True)


@settings(max_examples=100, deadline=None)
@given(parameters())
def test_a_fit_finds_the_parameters_of_the_moments_given(point):
    variance, skewness, excess = cf.implied_moments(*point)
    found = cf.fit(skewness, excess)
    if found.reached:
        assert found.s == pytest.approx(point[0], abs=1e-9)
        assert found.k == pytest.approx(point[1], abs=1e-9)
        assert found.stdev**2 == pytest.approx(variance, rel=1e-9)
    else:  # on the very boundary, or where the excess kurtosis passes its limit by a little
        assert excess > cf.KURTOSIS_LIMIT or found.s == pytest.approx(point[0], abs=1e-4)


@settings(max_examples=60, deadline=None)
@given(st.floats(-10, 10), st.floats(-2, 100))
def test_a_fit_always_gives_a_distribution_and_says_whether_it_has_the_moments(skewness, excess):
    found = cf.fit(skewness, excess)
    _, got_skewness, got_excess = cf.implied_moments(found.s, found.k)
    assert cf.is_monotone(found.s, found.k)
    if found.reached:
        assert (got_skewness, got_excess) == (pytest.approx(skewness, abs=1e-9), pytest.approx(excess, abs=1e-9))
    else:
        assert got_skewness * skewness >= 0
        assert abs(got_skewness) <= abs(skewness) + 1e-6
        assert got_excess == pytest.approx(np.clip(excess, 0, cf.KURTOSIS_LIMIT), abs=1e-5)


def test_many_fits_at_once_and_nan_among_them_are_silent():
    skewness, excess = np.array([[-1.4], [0.0], [np.nan]]), np.array([5.4, 0.0, np.nan])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = cf.fit(skewness, excess)
        assert found.s.shape == (3, 3)
        assert np.isnan(found.s[2]).all()
        assert not found.reached[2].any()
        alone = cf.fit(-1.4, 5.4)
        assert (found.s[0, 0], found.k[0, 0]) == (alone.s, alone.k)
        assert np.isnan(cf.quantile(np.nan, 0.1, 0.2))
        assert np.isnan(cf.quantile(1.5, 0.1, 0.2))
        assert np.isnan(cf.expected_shortfall(0.0, 0.1, 0.2))
