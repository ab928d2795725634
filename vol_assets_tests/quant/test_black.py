"""Black prices against fifty digits, published prices and the laws every option price obeys."""

import mpmath
import numpy as np
import pytest
from black_reference import HAUG, REFERENCES, exact_price, exact_prices, hard_domain
from hypothesis import given, settings
from hypothesis import strategies as st

from vol_assets.quant.black import black_price, black_vega, log_moneyness, otm_price

EPS = np.finfo(float).eps

moneyness = st.floats(-3, 3)
stdevs = st.floats(1e-3, 6)
rights = st.sampled_from("CP")


@pytest.mark.parametrize(("forward", "strike", "years", "sigma", "right", "price"), REFERENCES)
def test_reference_prices_to_fourteen_digits_or_what_the_strike_leaves(forward, strike, years, sigma, right, price):
    h = np.log(strike / forward) / (sigma * np.sqrt(years))
    assert black_price(forward, strike, years, sigma, right) == pytest.approx(price, rel=20 * EPS * (1 + h * h))


@pytest.mark.parametrize(("right", "strike", "spot", "carry", "rate", "years", "sigma", "price"), HAUG)
def test_published_prices(right, strike, spot, carry, rate, years, sigma, price):
    forward = spot * np.exp((rate - carry) * years)
    assert np.exp(-rate * years) * black_price(forward, strike, years, sigma, right) == pytest.approx(price, abs=1e-4)


@pytest.mark.parametrize("seed", [1, 2])
def test_prices_of_the_hard_domain_err_by_a_few_roundings_of_their_inputs(seed):
    options = forward, strike, years, sigma, _ = hard_domain(150, seed)
    exact = exact_prices(*options)
    h = np.log(strike / forward) / (sigma * np.sqrt(years))
    seen = exact > 1e-300
    error = np.abs(black_price(*options)[seen] / exact[seen] - 1)
    assert seen.sum() > 80
    assert (error < 30 * EPS * (1 + h * h)[seen]).all()


@pytest.mark.parametrize("stdev", [1e-8, 1e-3, 0.29, 0.31, 1.0, 8.0, 40.0])
@pytest.mark.parametrize("k", [0.0, 1e-9, -1e-4, 0.05, -0.9, 1.1, -4.0, 6.0])
def test_out_of_the_money_prices_from_the_forward_to_the_far_wings(k, stdev):
    with mpmath.workdps(50):
        exact = float(exact_price(1, mpmath.exp(k), 1, stdev, "P" if k < 0 else "C")) if abs(k) < 36 * stdev else 0.0
    rounding_of_strike = EPS * np.exp(min(k, 0)) / max(exact, 1e-300)  # the reference takes a rounded e^k
    h = min(abs(k) / stdev, 36)
    assert otm_price(k, stdev) == pytest.approx(exact, rel=30 * EPS * (1 + h * h) + rounding_of_strike, abs=1e-280)


def test_without_time_or_volatility_a_price_is_intrinsic():
    strikes = np.array([80.0, 100.0, 130.0])
    for years, sigma in ((0, 0.2), (1, 0), (0, 0)):
        np.testing.assert_array_equal(black_price(100, strikes, years, sigma, "C"), [20, 0, 0])
        np.testing.assert_array_equal(black_price(100, strikes, years, sigma, "P"), [0, 0, 30])


def test_an_unbounded_volatility_makes_a_call_the_forward_and_a_put_the_strike():
    np.testing.assert_allclose(black_price(100, [80, 130], 1, 50, ["C", "P"]), [100, 130], rtol=1e-15)


@pytest.mark.parametrize("right", ["C", "P"])
@pytest.mark.parametrize("bad", [{"forward": 0}, {"forward": -1}, {"strike": 0}, {"strike": np.nan}, {"years": -1}])
def test_arguments_without_a_price_give_nan_and_no_warning(bad, right, recwarn):
    good = {"forward": 100.0, "strike": 90.0, "years": 0.5, "sigma": 0.2, "right": right}
    assert np.isnan(black_price(**{**good, **bad}))
    assert np.isnan(black_price(**{**good, "sigma": -0.2}))
    assert np.isnan(black_price(**{**good, "right": "X"}))
    assert not recwarn.list


def test_arguments_broadcast_and_scalars_give_a_scalar():
    prices = black_price(100, [[90], [100], [110]], [0.5, 1.0], 0.2, np.array([["C"], ["P"], ["C"]], dtype=object))
    assert prices.shape == (3, 2)
    assert prices[1, 1] == black_price(100, 100, 1.0, 0.2, "P")
    assert np.ndim(black_price(100, 100, 1.0, 0.2, "P")) == 0
    assert black_price(100, [], 1.0, 0.2, "P").shape == (0,)


@settings(max_examples=50)
@given(moneyness, stdevs)
def test_puts_and_calls_obey_parity(k, stdev):
    strike = np.exp(k)
    call, put = (black_price(1, strike, 1, stdev, right) for right in "CP")
    assert call - put == pytest.approx(1 - strike, abs=4 * EPS * max(1, strike))


@settings(max_examples=50)
@given(moneyness, stdevs, rights)
def test_prices_scale_with_forward_and_strike(k, stdev, right):
    strike = np.exp(k)
    one, many = black_price(1, strike, 1, stdev, right), black_price(64, 64 * strike, 1, stdev, right)
    assert many == 64 * one  # by a power of two nothing is rounded


@settings(max_examples=50)
@given(moneyness, stdevs)
def test_a_put_is_the_call_on_the_other_side_of_the_forward(k, stdev):
    assert otm_price(k, stdev) == pytest.approx(np.exp(k) * otm_price(-k, stdev), rel=1e-14)


@settings(max_examples=50)
@given(moneyness, rights)
def test_prices_rise_with_volatility_and_stay_within_their_bounds(k, right):
    sigma = np.linspace(0, 8, 400)
    strike = np.exp(k)
    prices = black_price(1, strike, 1, sigma, right)
    assert (np.diff(prices) >= -4 * EPS * max(1, strike)).all()
    assert prices[0] == max(0, 1 - strike if right == "C" else strike - 1)
    assert prices[-1] <= (1 if right == "C" else strike)


@pytest.mark.parametrize("strike", [60, 95, 100, 104, 180])
def test_vega_is_the_derivative_of_the_price(strike):
    def price(sigma):
        d1 = (mpmath.log(mpmath.mpf(100) / strike) + sigma**2 * mpmath.mpf("0.35") / 2) / (sigma * mpmath.sqrt("0.35"))
        return 100 * mpmath.ncdf(d1) - strike * mpmath.ncdf(d1 - sigma * mpmath.sqrt("0.35"))

    assert black_vega(100, strike, 0.35, 0.3) == pytest.approx(float(mpmath.diff(price, 0.3)), rel=1e-13)


def test_vega_without_time_is_nothing():
    np.testing.assert_array_equal(black_vega(100, [90, 100], 0, 0.2), 0)


@pytest.mark.parametrize("move", [0.0, 1e-12, -3e-9, 1e-4, -0.3, 0.8, 5.0])
def test_log_moneyness_keeps_its_digits_next_to_the_forward(move):
    strike = 100.0 * (1 + move)
    assert log_moneyness(100.0, strike) == pytest.approx(float(mpmath.log(mpmath.mpf(strike) / 100)), rel=4 * EPS)
