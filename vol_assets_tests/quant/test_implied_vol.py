"""Implied volatilities against the ones the prices were made with, in fifty digits, and every reason to have none."""

import mpmath
import numpy as np
import pytest
from black_reference import HAUG, REFERENCES, exact_prices, hard_domain
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from vol_assets.quant import NoVol, black_inverse, black_price, black_vega, implied_stdev, implied_vol
from vol_assets.quant.black import otm_price

EPS = np.finfo(float).eps


def attainable(price, forward, strike, years, sigma):
    """What half a unit in the last place of the price is worth in sigma."""
    return np.spacing(price) / 2 / black_vega(forward, strike, years, sigma)


@pytest.mark.parametrize(("forward", "strike", "years", "sigma", "right", "price"), REFERENCES)
def test_reference_prices_give_back_their_volatility(forward, strike, years, sigma, right, price):
    assert implied_vol(price, forward, strike, years, right) == pytest.approx(sigma, abs=1e-13)


@pytest.mark.parametrize(("right", "strike", "spot", "carry", "rate", "years", "sigma", "price"), HAUG)
def test_published_prices_give_back_their_volatility(right, strike, spot, carry, rate, years, sigma, price):
    forward = spot * np.exp((rate - carry) * years)
    vega = np.exp(-rate * years) * black_vega(forward, strike, years, sigma)
    found = implied_vol(price * np.exp(rate * years), forward, strike, years, right)
    assert found == pytest.approx(sigma, abs=1e-4 / vega)


@pytest.mark.parametrize("seed", [3, 4])
def test_the_hard_domain_to_twelve_digits(seed):
    forward, strike, years, sigma, right = hard_domain(300, seed)
    price = exact_prices(forward, strike, years, sigma, right)
    seen = price / forward >= 1e-10
    error = np.abs(implied_vol(price, forward, strike, years, right) - sigma)[seen]
    assert seen.sum() > 170
    assert error.max() < 1e-12
    assert np.median(error) < 1e-15


def test_far_beyond_the_hard_domain_errors_stay_near_what_prices_determine():
    draw = np.random.default_rng(5)
    k, years = draw.uniform(-3, 3, 300), np.exp(draw.uniform(np.log(1 / 1000), np.log(10), 300))
    sigma = np.exp(draw.uniform(np.log(0.005), np.log(5), 300))
    strike, right = np.exp(k), np.where(k < 0, "P", "C")
    price = exact_prices(1.0, strike, years, sigma, right)
    seen = (price > 1e-250) & (price < np.minimum(1, strike))
    price, strike, years, sigma, right = (a[seen] for a in (price, strike, years, sigma, right))
    error = np.abs(implied_vol(price, 1.0, strike, years, right) - sigma)
    assert seen.sum() > 100
    assert (error < 1e-12 + 10 * attainable(price, 1.0, strike, years, sigma)).all()


@pytest.mark.parametrize("c", [1e-300, 1e-100, 1e-40, 1e-20, 1e-8, 0.01, 0.2, 0.5, 0.9, 1 - 1e-6, 1 - 1e-13])
@pytest.mark.parametrize("k", [1e-3, -0.02, 0.5, -1.4, 1.6, -3.0, 8.0, 20.0])
def test_every_price_within_its_bounds_has_a_volatility(k, c):
    price = c * min(1.0, np.exp(k))
    stdev = implied_stdev(price, k)
    h = k / stdev
    allowed = 30 * EPS * (1 + h * h) * (1 + 1 / abs(k))
    assert otm_price(k, stdev) == pytest.approx(price, rel=allowed)


@pytest.mark.parametrize("k", [0.0, 1e-18, -1e-15, 1e-12, -1e-9])
def test_at_the_forward_volatilities_are_regular(k):
    stdev = np.array([1e-6, 1e-3, 0.2, 1.5, 3.0])
    np.testing.assert_allclose(implied_stdev(otm_price(k, stdev), k), stdev, rtol=1e-9, atol=1e-15)


def test_at_the_forward_a_price_is_the_error_function_of_its_volatility():
    stdev = np.array([1e-6, 1e-3, 0.2, 1.5, 3.0])
    price = np.array([float(mpmath.erf(s / mpmath.sqrt(8))) for s in stdev])
    np.testing.assert_allclose(implied_stdev(price, 0.0), stdev, rtol=1e-14, atol=5e-16)


@settings(max_examples=100)
@given(st.floats(-2, 2), st.floats(0.02, 4), st.sampled_from("CP"), st.floats(0.003, 5))
def test_prices_and_volatilities_go_round(k, stdev, right, years):
    sigma = stdev / np.sqrt(years)
    price = black_price(1, np.exp(k), years, sigma, right)
    time_value = price - max(0.0, 1 - np.exp(k) if right == "C" else np.exp(k) - 1)
    assume(time_value > 1e-6)  # of an in-the-money price no more than this stands out of the rounding
    rounding = 8 * EPS * max(price, np.exp(k), 1) / black_vega(1, np.exp(k), years, sigma)
    assert implied_vol(price, 1, np.exp(k), years, right) == pytest.approx(sigma, abs=1e-13 / np.sqrt(years) + rounding)


@settings(max_examples=50)
@given(st.floats(-1.5, 1.5), st.integers(0, 2**32 - 1))
def test_volatilities_rise_with_the_price(k, seed):
    prices = np.sort(np.random.default_rng(seed).uniform(0, min(1, np.exp(k)), 200))
    stdev = implied_stdev(prices, k)
    apart = np.diff(prices) > 1e-12
    assert (np.diff(stdev)[apart] > 0).all()


@settings(max_examples=50)
@given(st.floats(-1, 1), st.floats(0.01, 1), st.sampled_from("CP"))
def test_volatilities_depend_on_ratios_of_prices_only(k, stdev, right):
    price = black_price(1, np.exp(k), 1, stdev, right)
    one, many = implied_vol([price, 64 * price], [1, 64], [np.exp(k), 64 * np.exp(k)], 1, right)
    np.testing.assert_equal(one, many)


@settings(max_examples=50)
@given(st.floats(-0.5, 0.5), st.floats(0.1, 1))
def test_a_put_and_a_call_at_one_strike_have_one_volatility(k, stdev):
    strike = np.exp(k)
    call = implied_vol(black_price(1, strike, 1, stdev, "C"), 1, strike, 1, "C")
    put = implied_vol(black_price(1, strike, 1, stdev, "P"), 1, strike, 1, "P")
    rounding = 8 * EPS / black_vega(1, strike, 1, stdev)
    assert call == pytest.approx(put, abs=rounding)


REASONS = [
    (NoVol.OK, {}),
    (NoVol.NOT_A_NUMBER, {"price": np.nan}),
    (NoVol.NOT_A_NUMBER, {"price": np.inf}),
    (NoVol.NOT_A_NUMBER, {"forward": 0}),
    (NoVol.NOT_A_NUMBER, {"forward": -100, "strike": -110}),
    (NoVol.NOT_A_NUMBER, {"forward": -100, "right": "P", "price": 150}),
    (NoVol.NOT_A_NUMBER, {"strike": np.inf}),
    (NoVol.NOT_A_NUMBER, {"strike": 1e300, "forward": 1e-300}),
    (NoVol.NOT_A_NUMBER, {"years": np.nan}),
    (NoVol.NOT_A_NUMBER, {"years": np.inf}),
    (NoVol.UNKNOWN_RIGHT, {"right": "X"}),
    (NoVol.UNKNOWN_RIGHT, {"right": ""}),
    (NoVol.NO_TIME, {"years": 0}),
    (NoVol.NO_TIME, {"years": -0.1}),
    (NoVol.BELOW_INTRINSIC, {"price": 0}),
    (NoVol.BELOW_INTRINSIC, {"price": -1}),
    (NoVol.BELOW_INTRINSIC, {"strike": 90, "price": 10}),
    (NoVol.BELOW_INTRINSIC, {"strike": 90, "price": 9}),
    (NoVol.ABOVE_MAXIMUM, {"price": 100}),
    (NoVol.ABOVE_MAXIMUM, {"price": 1e6}),
    (NoVol.ABOVE_MAXIMUM, {"right": "P", "price": 105}),
    (NoVol.OK, {"right": "P", "price": 104.99}),
]


def quote(changes):
    return {"price": 5.0, "forward": 100.0, "strike": 105.0, "years": 0.5, "right": "C"} | changes


@pytest.mark.parametrize(("reason", "changes"), REASONS)
def test_a_quote_without_volatility_says_why(reason, changes, recwarn):
    vol, why = implied_vol(**quote(changes), with_reason=True)
    assert why == reason
    assert np.isnan(vol) == (reason != NoVol.OK)
    assert not recwarn.list


def test_reasons_of_many_quotes_are_those_of_each():
    columns = {name: [quote(changes)[name] for _, changes in REASONS] for name in quote({})}
    vol, why = implied_vol(**columns, with_reason=True)
    assert why.dtype == np.int8
    np.testing.assert_array_equal(why, [reason for reason, _ in REASONS])
    np.testing.assert_array_equal(np.isnan(vol), why != NoVol.OK)


def test_what_no_price_determines_is_nan_in_the_fast_form_too(recwarn):
    price = np.array([0.0, -0.1, np.nan, 1.0, 0.5, 0.05, 0.1])
    k = np.array([0.1, 0.1, 0.1, 0.1, -1.0, np.nan, np.inf])
    assert np.isnan(implied_stdev(price, k)[:6]).all()
    assert np.isnan(implied_stdev(price, k)[6])
    assert not recwarn.list


def test_arguments_broadcast_in_any_layout_and_scalars_give_a_scalar():
    strikes, years = np.array([[90.0], [100.0], [110.0]]), np.array([0.25, 1.0])
    for rights in (np.array([["P"], ["C"], ["C"]]), np.array([["P"], ["C"], ["C"]], dtype=object)):
        price = black_price(100, strikes, years, 0.2, rights)
        np.testing.assert_allclose(implied_vol(price, 100, strikes, years, rights), 0.2, rtol=1e-13)
        np.testing.assert_allclose(implied_vol(price.T, 100, strikes.T, years[:, None], rights.T), 0.2, rtol=1e-13)
        np.testing.assert_allclose(implied_vol(price[::2, ::-1], 100, strikes[::2], years[::-1], rights[::2]), 0.2)
    vol, why = implied_vol(5.0, 100, 100, 1, "C", with_reason=True)
    assert np.ndim(vol) == np.ndim(why) == np.ndim(implied_stdev(0.05, 0.0)) == 0
    assert implied_vol([], 100, [], 1, "C").shape == (0,)


def test_many_rows_are_solved_as_each_row_alone():
    draw = np.random.default_rng(6)
    k, stdev = draw.uniform(-2, 2, 70_000), draw.uniform(0.05, 5, 70_000)  # several chunks, narrow and wide mixed
    price = otm_price(k, stdev)
    together = implied_stdev(price, k)
    some = draw.integers(0, len(k), 50)
    np.testing.assert_allclose(together[some], [implied_stdev(price[i], k[i]) for i in some], rtol=1e-14)
    np.testing.assert_allclose(together[price > 1e-12], stdev[price > 1e-12], rtol=1e-9)


def test_hardly_any_option_needs_the_slow_way(monkeypatch):
    slow_rows = []
    slow_way = black_inverse._safeguarded
    monkeypatch.setattr(black_inverse, "_safeguarded", lambda c, *rest: slow_rows.append(len(c)) or slow_way(c, *rest))
    forward, strike, years, sigma, right = hard_domain(20_000, seed=7)
    price = black_price(forward, strike, years, sigma, right)
    seen = price / forward >= 1e-10
    implied_vol(price[seen], forward[seen], strike[seen], years[seen], right[seen])
    assert sum(slow_rows) < 0.01 * seen.sum()
