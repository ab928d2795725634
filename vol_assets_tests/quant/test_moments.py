"""Moments against closed forms, quadrature of densities, published formulas and a reference slice."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import norm

from vol_assets.quant import mixture, moments, svi
from vol_assets.quant.black import otm_price

REFERENCE = svi.RawSvi(a=0.01, b=0.05, rho=-0.6, m=0.02, s=0.12)
MIXTURE = np.array([0.6, 0.3, 0.1]), np.array([1.02, 0.98, 0.94]), np.array([0.03, 0.06, 0.12])


def reference_prices(k):
    return otm_price(k, np.sqrt(svi.total_variance(k, REFERENCE)[0]))


def at_money(weights, means, stdevs):
    """The at-the-money total stdev of a mixture: o(0) = 2 N(s/2) - 1."""
    return 2 * norm.ppf(0.5 + 0.5 * mixture.otm_price(np.zeros(1), weights, means, stdevs))[..., 0]


@st.composite
def mixtures(draw):
    weight = st.floats(0.05, 1.0)
    weights = np.array([draw(weight) for _ in range(3)])
    weights /= weights.sum()
    level = draw(st.floats(0.01, 0.5))
    means = np.exp(level * np.array([draw(st.floats(-1.5, 1.5)) for _ in range(3)]))
    stdevs = level * np.array([draw(st.floats(0.5, 2.0)) for _ in range(3)])
    return weights, means / (weights @ means), stdevs


def test_the_reference_slice_has_the_moments_found_from_its_density():
    found = moments.from_prices(k := moments.grid(0.13), reference_prices(k))
    assert found.mean == pytest.approx(-0.0105626418, abs=1e-10)
    assert found.variance == pytest.approx(0.1499356129**2, abs=1e-10)
    assert found.skewness == pytest.approx(-1.3783761097, abs=2e-8)
    assert found.kurtosis == pytest.approx(8.1974041788, abs=2e-8)
    assert found.model_free_variance == pytest.approx(0.0211252836, abs=1e-10)


def test_the_published_series_mean_gives_its_own_skewness_and_kurtosis():
    found = moments.bakshi_kapadia_madan(k := moments.grid(0.13), reference_prices(k))
    assert found.skewness == pytest.approx(-1.3779872, abs=1e-7)
    assert found.kurtosis == pytest.approx(8.1969419, abs=1e-7)


def test_the_published_spot_form_is_the_same_estimate():
    spot, rate, dividend, years = 100.0, 0.04, 0.015, 0.5
    forward, growth = spot * np.exp((rate - dividend) * years), np.exp(rate * years)

    def price(strike, right):
        k = np.log(strike / forward)
        undiscounted = float(reference_prices(np.array(k))) * forward
        otm = "P" if k < 0 else "C"
        parity = 0.0 if right == otm else (forward - strike if right == "C" else strike - forward)
        return (undiscounted + parity) / growth

    def strip(of_call, of_put):
        """Integrals over ln K, calls above the spot and puts below it."""
        call = quad(lambda x: of_call(x) * price(spot * np.exp(x), "C") / np.exp(x) / spot, 0, 3, limit=200)[0]
        put = quad(lambda x: of_put(-x) * price(spot * np.exp(x), "P") / np.exp(x) / spot, -5, 0, limit=200)[0]
        return growth * (call + put)

    v = strip(lambda x: 2 * (1 - x), lambda y: 2 * (1 + y))
    w = strip(lambda x: 6 * x - 3 * x**2, lambda y: -(6 * y + 3 * y**2))
    x = strip(lambda x: 12 * x**2 - 4 * x**3, lambda y: 12 * y**2 + 4 * y**3)
    mean = forward / spot - 1 - v / 2 - w / 6 - x / 24
    variance = v - mean**2
    k = moments.grid(0.13)
    found = moments.bakshi_kapadia_madan(k, reference_prices(k), carry=(rate - dividend) * years)
    assert found.mean == pytest.approx(mean, abs=1e-7)
    assert found.variance == pytest.approx(variance, abs=1e-7)
    assert found.skewness == pytest.approx((w - 3 * mean * v + 2 * mean**3) / variance**1.5, abs=1e-6)
    expected = (x - 4 * mean * w + 6 * mean**2 * v - 3 * mean**4) / variance**2
    assert found.kurtosis == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("stdev", [0.003, 0.05, 0.4, 1.5])
def test_a_flat_smile_is_a_normal_log_return(stdev):
    k = moments.grid(stdev)
    for found in (
        moments.from_prices(k, otm_price(k, stdev)),
        moments.from_mixture(np.ones(1), np.ones(1), np.array([stdev])),
    ):
        assert found.mean == pytest.approx(-(stdev**2) / 2, rel=1e-12)
        assert found.variance == pytest.approx(stdev**2, rel=1e-9)
        assert found.skewness == pytest.approx(0, abs=1e-8)
        assert found.kurtosis == pytest.approx(3, abs=1e-8)
        assert found.model_free_variance == pytest.approx(stdev**2, rel=1e-12)


def test_a_flat_smile_is_exact_with_another_lognormal_beside_it():
    k = moments.grid(0.2)[:-1] + 0.011  # no point at the forward, so the stdev read off is not the smile's
    found = moments.from_prices(k, otm_price(k, 0.2))
    assert found.variance == pytest.approx(0.04, rel=1e-9)
    assert found.kurtosis == pytest.approx(3, abs=1e-7)


def test_a_mixture_has_the_moments_of_its_density():
    raw = [
        quad(lambda x, n=n: x**n * mixture.density(np.array([x]), *MIXTURE)[0], -1, 1, epsabs=1e-14, limit=200)[0]
        for n in range(5)
    ]
    variance = raw[2] - raw[1] ** 2
    found = moments.from_mixture(*MIXTURE)
    assert raw[0] == pytest.approx(1, abs=1e-12)
    assert found.mean == pytest.approx(raw[1], abs=1e-12)
    assert found.variance == pytest.approx(variance, abs=1e-12)
    assert found.skewness == pytest.approx((raw[3] - 3 * raw[1] * raw[2] + 2 * raw[1] ** 3) / variance**1.5, abs=1e-8)
    fourth = raw[4] - 4 * raw[1] * raw[3] + 6 * raw[1] ** 2 * raw[2] - 3 * raw[1] ** 4
    assert found.kurtosis == pytest.approx(fourth / variance**2, abs=1e-8)


@pytest.mark.parametrize(("theta", "rho", "psi"), [(0.0004, -0.5, 0.029), (0.04, -0.7, 0.23), (0.002, 0.5, 0.06)])
def test_the_heaviest_tails_of_essvi_have_the_moments_of_their_density(theta, rho, psi):
    raw = svi.from_essvi(theta, rho, psi)
    x = np.linspace(-200, 150, 70_001) * np.sqrt(theta)
    density = svi.density(x, *svi.total_variance(x, raw))
    variance = np.trapezoid(x**2 * density, x) - np.trapezoid(x * density, x) ** 2
    central = x - np.trapezoid(x * density, x)
    k = moments.grid(np.sqrt(theta))
    found = moments.from_prices(k, otm_price(k, np.sqrt(svi.total_variance(k, raw)[0])))
    assert found.variance == pytest.approx(variance, rel=1e-8)
    assert found.skewness == pytest.approx(np.trapezoid(central**3 * density, x) / variance**1.5, rel=1e-7)
    assert found.kurtosis == pytest.approx(np.trapezoid(central**4 * density, x) / variance**2, rel=1e-7)


@settings(max_examples=60, deadline=None)
@given(mixtures())
def test_prices_of_a_mixture_have_its_moments(law):
    k = moments.grid(at_money(*law), step=0.05)
    found, exact = moments.from_prices(k, mixture.otm_price(k, *law)), moments.from_mixture(*law)
    assert found.mean == pytest.approx(exact.mean, rel=1e-9)
    assert found.variance == pytest.approx(exact.variance, rel=1e-9)
    assert found.skewness == pytest.approx(exact.skewness, rel=1e-9, abs=1e-9)
    assert found.kurtosis == pytest.approx(exact.kurtosis, rel=1e-9)


@settings(max_examples=40, deadline=None)
@given(mixtures(), st.floats(-3, 0.5), st.floats(0, 3))
def test_the_parts_of_a_mixture_add_up_and_agree_with_those_of_its_prices(law, low, width):
    k = moments.grid(stdev := at_money(*law), step=0.05)
    price = mixture.otm_price(k, *law)
    total = moments.from_mixture(*law).model_free_variance
    up, down = moments.mixture_up_down_variance(*law)
    assert up + down == pytest.approx(total, rel=1e-9)
    assert moments.up_down_variance(k, price) == pytest.approx((up, down), abs=1e-5 * total)
    k_low, k_high = stdev * low, stdev * (low + width)
    outside = moments.mixture_moments_outside(*law, k_low, k_high)
    assert ((outside >= 0) & (outside <= 1)).all()
    assert moments.moments_outside(k, price, k_low, k_high) == pytest.approx(outside, abs=1e-4)


@pytest.mark.parametrize(("k_low", "k_high"), [(-0.1, 0.05), (-0.02, 0.2), (0.01, 0.03), (-0.2, -0.05)])
def test_the_share_outside_the_quotes_is_that_of_the_integrals(k_low, k_high):
    def integrand(x, n):
        powers = n * (n - 1) * x ** (n - 2) - n * x ** (n - 1) if n > 1 else -1.0
        return abs(powers) * np.exp(-x) * mixture.otm_price(np.array([x]), *MIXTURE)[0]

    def integral(a, b, n):
        return quad(integrand, a, b, args=(n,), points=[x for x in (0, -0.1, 0.1) if a < x < b], limit=200)[0]

    expected = [1 - integral(k_low, k_high, n) / integral(-1.2, 0.9, n) for n in range(1, 5)]
    assert moments.mixture_moments_outside(*MIXTURE, k_low, k_high) == pytest.approx(expected, abs=1e-8)
    k = moments.grid(at_money(*MIXTURE))
    found = moments.moments_outside(k, mixture.otm_price(k, *MIXTURE), k_low, k_high)
    assert found == pytest.approx(expected, abs=1e-4)


def test_nothing_lies_outside_all_strikes_and_everything_outside_none():
    assert moments.mixture_moments_outside(*MIXTURE, -np.inf, np.inf) == pytest.approx(np.zeros(4), abs=1e-12)
    assert moments.mixture_moments_outside(*MIXTURE, 0.02, 0.02) == pytest.approx(np.ones(4))


def test_the_up_variance_is_that_of_the_calls():
    calls = quad(lambda x: 2 * np.exp(-x) * mixture.otm_price(np.array([x]), *MIXTURE)[0], 0, 1, epsabs=1e-14)[0]
    assert moments.mixture_up_down_variance(*MIXTURE)[0] == pytest.approx(calls, rel=1e-9)


def test_many_slices_at_once_are_each_its_own():
    laws = [np.stack([value, value[::-1]]) for value in MIXTURE]
    laws[1] /= (laws[0] * laws[1]).sum(axis=-1, keepdims=True)
    k = moments.grid(at_money(*laws))
    price = mixture.otm_price(k, *laws)
    low, high = np.array([-0.1, -0.2]), np.array([0.1, 0.05])
    together = moments.from_prices(k, price), moments.from_mixture(*laws)
    outside = moments.moments_outside(k, price, low, high), moments.mixture_moments_outside(*laws, low, high)
    up_down = moments.up_down_variance(k, price), moments.mixture_up_down_variance(*laws)
    for i in range(2):
        law = [value[i] for value in laws]
        assert [value[i] for value in together[0]] == pytest.approx(moments.from_prices(k[i], price[i]), rel=1e-12)
        assert [value[i] for value in together[1]] == pytest.approx(moments.from_mixture(*law), rel=1e-12)
        assert outside[0][i] == pytest.approx(moments.moments_outside(k[i], price[i], low[i], high[i]))
        assert outside[1][i] == pytest.approx(moments.mixture_moments_outside(*law, low[i], high[i]))
        assert [part[i] for part in up_down[0]] == pytest.approx(moments.up_down_variance(k[i], price[i]))
        assert [part[i] for part in up_down[1]] == pytest.approx(moments.mixture_up_down_variance(*law))


def test_what_cannot_be_computed_is_nan_and_silent():
    k = moments.grid(0.1)
    bad = otm_price(k, 0.1)
    bad[100] = np.nan
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.isnan(moments.from_prices(k, bad)).all()
        assert np.isnan(moments.from_prices(k, np.zeros_like(k))).all()
        assert np.isnan(moments.from_mixture(np.ones(1), np.ones(1), np.array([np.nan]))).all()
        assert np.isnan(moments.from_mixture(np.ones(1), -np.ones(1), np.array([0.1]))).all()
        assert np.isnan(moments.moments_outside(k, bad, -0.1, 0.1)).all()
        assert np.isnan(moments.up_down_variance(k, bad)).all()
