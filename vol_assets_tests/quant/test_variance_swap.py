"""The fair strike against the published example, flat smiles, and the same number from option prices."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vol_assets.quant import moments, svi, variance_swap
from vol_assets.quant.black import black_price, otm_price


def replicated(strike, forward, boundary, years, sigma):
    put, call = (black_price(forward, strike, years, sigma, right) for right in "PC")
    return variance_swap.from_strikes(strike, put, call, forward=forward, boundary=boundary, years=years)


def test_the_published_example_has_its_published_strike():
    # Demeterfi, Derman, Kamal and Zou (1999), as QuantLib tests it: 30 % at 50, falling by a point each strike.
    strike = np.arange(50.0, 136.0, 5.0)
    sigma = 0.30 - 0.01 * np.arange(len(strike))
    years = 0.246575
    forward = 100 * np.exp(0.05 * years)
    assert replicated(strike, forward, 100.0, years, sigma) == pytest.approx(0.0418886, abs=5e-8)


def test_the_polygon_comes_down_to_the_variance_as_strikes_close_up():
    errors = [
        replicated(np.arange(20.0, 401.0, step), 103.0, 100.0, 0.5, 0.25) / 0.25**2 - 1 for step in (8.0, 4.0, 2.0)
    ]
    assert errors[0] > 3.5 * errors[1] > 12 * errors[2] > 0  # always above, with the square of the step
    assert errors[2] < 3e-3


def test_where_puts_end_and_calls_begin_hardly_matters():
    found = [replicated(np.arange(20.0, 401.0), 103.0, boundary, 0.5, 0.25) for boundary in (90.0, 100.0, 110.0)]
    assert found == pytest.approx([found[0]] * 3, rel=1e-6)


@settings(max_examples=25, deadline=None)
@given(st.floats(0.01, 1000))
def test_the_strike_does_not_depend_on_the_unit_of_prices(scale):
    strike = np.arange(50.0, 160.0, 5.0)
    found = replicated(scale * strike, scale * 101.0, scale * 100.0, 0.3, 0.2)
    assert found == pytest.approx(replicated(strike, 101.0, 100.0, 0.3, 0.2), rel=1e-9)


@pytest.mark.parametrize("years", [0.02, 0.5, 3.0])
def test_a_flat_smile_is_its_own_strike(years):
    k = moments.grid(0.3 * np.sqrt(years), below=12, above=12)
    w = np.full_like(k, 0.3**2 * years)
    assert variance_swap.from_smile(k, w, np.zeros_like(k), years) == pytest.approx(0.09, rel=1e-12)


def test_smile_and_prices_give_the_same_strike():
    raw = svi.RawSvi(a=0.01, b=0.05, rho=-0.6, m=0.02, s=0.12)
    k = moments.grid(0.13)
    w, slope, _ = svi.total_variance(k, raw)
    assert variance_swap.from_smile(k, w, slope, 0.5) == pytest.approx(0.0211252836 / 0.5, abs=2e-10)
    from_prices = moments.from_prices(k, otm_price(k, np.sqrt(w))).model_free_variance
    assert variance_swap.from_smile(k, w, slope, 0.5) == pytest.approx(from_prices / 0.5, abs=1e-10)


def test_many_slices_at_once_are_each_its_own():
    raw = svi.RawSvi(np.array([[0.01], [0.02]]), 0.05, -0.6, 0.02, 0.12)
    k = moments.grid(np.array([0.13, 0.2]))
    w, slope, _ = svi.total_variance(k, raw)
    together = variance_swap.from_smile(k, w, slope, np.array([0.5, 1.0]))
    alone = [variance_swap.from_smile(k[i], w[i], slope[i], years) for i, years in enumerate((0.5, 1.0))]
    assert together == pytest.approx(alone)


def test_what_has_no_strike_is_nan_and_silent():
    strike, price = np.array([90.0, 100.0, 110.0]), np.array([2.0, np.nan, 2.0])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for forward, boundary, years in [(100, 100, 1), (100, 101, 1), (0, 100, 1), (100, 100, 0), (np.nan, 100, 1)]:
            arguments = {"forward": forward, "boundary": boundary, "years": years}
            assert np.isnan(variance_swap.from_strikes(strike, price, price, **arguments))
        k = np.linspace(-1, 1, 5)
        assert np.isnan(variance_swap.from_smile(k, np.array([0.1, 0.1, 0.0, 0.1, 0.1]), 0 * k, 1.0))
