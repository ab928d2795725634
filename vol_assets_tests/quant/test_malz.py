"""The three-quote smile against its own quotes, and its moments against the smile of the law they stand for."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtr

from vol_assets.quant import malz, moments
from vol_assets.quant.black import otm_price

ATM, RR, BF = 0.2, -0.03, 0.006


def test_the_three_quotes_come_back():
    put, middle, call = malz.vol_at_delta(np.array([0.75, 0.5, 0.25]), ATM, RR, BF)
    assert middle == ATM
    assert call - put == pytest.approx(RR)
    assert 0.5 * (call + put) - middle == pytest.approx(BF)


@settings(max_examples=50, deadline=None)
@given(
    st.floats(0.02, 0.98),
    st.floats(1 / 365, 2),
    st.floats(0.05, 1),
    st.floats(-0.2, 0.2),
    st.floats(0.0, 0.05),
)
def test_the_vol_at_the_strike_of_a_delta_is_the_vol_at_that_delta(delta, years, atm, skew, width):
    quotes = atm, skew * atm, width * atm
    k = malz.k_at_delta(delta, years, *quotes)
    sigma = malz.vol_at_k(k, years, *quotes)
    assert sigma == pytest.approx(malz.vol_at_delta(delta, *quotes), rel=1e-9)
    s = sigma * np.sqrt(years)
    assert ndtr(-k / s + s / 2) == pytest.approx(delta, abs=1e-9)


def test_without_risk_reversal_and_butterfly_the_smile_is_flat():
    k = np.array([-5, -0.1, 0, 0.2, 5])
    assert malz.vol_at_k(k, 0.1, 0.3, 0.0, 0.0) == pytest.approx(0.3)
    assert malz.backus_foresi_wu(0.3, 0.0, 0.0) == (0.0, 0.0)


def test_far_strikes_have_the_vols_of_deltas_zero_and_one():
    put, call = malz.vol_at_k(np.array([-9.0, 9.0]), 0.25, ATM, RR, BF)
    assert (put, call) == (pytest.approx(ATM - RR + 4 * BF), pytest.approx(ATM + RR + 4 * BF))


def test_the_factors_are_the_published_ones():
    skewness, kurtosis = malz.backus_foresi_wu(0.2, 0.2, 0.2)
    assert skewness == pytest.approx(4.4478067, abs=1e-6)
    assert kurtosis == pytest.approx(52.7546241, abs=1e-6)


@pytest.mark.parametrize(("skewness", "excess"), [(-0.05, 0.0), (0.05, 0.0), (0.0, 0.05), (-0.04, 0.03)])
def test_the_expansions_smile_gives_its_moments_back(skewness, excess):
    # Vols of Backus, Foresi and Wu at their own d_1, read as quotes; the expansion is of first order in the moments.
    x, sigma = malz.QUARTER, 0.1
    put, middle, call = (sigma * (1 - skewness * d / 6 - excess * (1 - d * d) / 24) for d in (x, 0.0, -x))
    found = malz.backus_foresi_wu(middle, call - put, 0.5 * (call + put) - middle)
    assert found[0] == pytest.approx(skewness, rel=0.01, abs=1e-12)
    assert found[1] == pytest.approx(excess, rel=0.01, abs=1e-12)


@pytest.mark.parametrize("skewness", [-0.1, 0.1])
def test_the_skewness_is_near_the_exact_one_of_a_slightly_skewed_smile(skewness):
    # d_1 depends on the vol it gives, to be found once; the prices of that smile have exact moments.
    s0 = 0.02
    k = moments.grid(s0, below=12, above=12)
    d1 = -k / s0
    for _ in range(50):
        s = s0 * (1 - skewness * np.clip(d1, -6, 6) / 6)
        d1 = -k / s + s / 2
    exact = moments.from_prices(k, otm_price(k, s)).skewness
    call, put = (s0 * (1 - skewness * d / 6) for d in (-malz.QUARTER, malz.QUARTER))
    estimate, _ = malz.backus_foresi_wu(s0, call - put, 0.0)
    assert estimate == pytest.approx(skewness, rel=1e-9)
    assert exact == pytest.approx(estimate, rel=0.25)


def test_quotes_that_are_no_smile_are_nan_and_silent():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.isnan(malz.vol_at_k(0.1, 0.5, np.array([np.nan, 0.0, -0.2]), RR, BF)).all()
        assert np.isnan(malz.vol_at_k(0.1, np.array([-1.0, 0.0, np.nan]), ATM, RR, BF)).all()
        assert np.isnan(malz.vol_at_k(np.nan, 0.5, ATM, RR, BF))
        assert np.isnan(malz.k_at_delta(0.2, -1.0, ATM, RR, BF))
        assert np.isnan(malz.vol_at_delta(0.05, 0.1, -0.5, 0.0) + malz.vol_at_delta(0.95, 0.1, 0.5, 0.0))
        assert np.isnan(malz.backus_foresi_wu(np.array([0.0, np.nan]), RR, BF)).all()
