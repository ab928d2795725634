"""Sensitivities against derivatives in fifty digits, deltas against their definitions, strikes against deltas."""

import mpmath
import numpy as np
import pytest
from black_reference import exact_price
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from vol_assets.quant import (
    Delta,
    black_price,
    carry_rho,
    delta,
    gamma,
    rho,
    strike_from_delta,
    theta,
    vanna,
    vega,
    volga,
)

SPOT, YEARS, SIGMA, RATE, CARRY = 100.0, 0.75, 0.25, 0.04, 0.015
FORWARD = SPOT * np.exp((RATE - CARRY) * YEARS)
POINT = {"spot": SPOT, "years": YEARS, "sigma": SIGMA, "rate": RATE, "carry": CARRY}
STRIKES = [60.0, 98.0, 101.8, 130.0]

rights = st.sampled_from("CP")
conventions = st.sampled_from(list(Delta))


def exact_derivative(strike, right, *names):
    """d/dname of the discounted price in spot terms, in fifty digits; two names for a second derivative."""
    unique = list(dict.fromkeys(names))

    def value(*moved):
        at = {name: mpmath.mpf(x) for name, x in POINT.items()} | dict(zip(unique, moved))
        forward = at["spot"] * mpmath.exp((at["rate"] - at["carry"]) * at["years"])
        s = at["sigma"] * mpmath.sqrt(at["years"])
        d1 = mpmath.log(forward / strike) / s + s / 2
        sign = 1 if right == "C" else -1
        price = sign * (forward * mpmath.ncdf(sign * d1) - strike * mpmath.ncdf(sign * (d1 - s)))
        return mpmath.exp(-at["rate"] * at["years"]) * price

    orders = tuple(names.count(name) for name in unique)
    start = tuple(POINT[name] for name in unique)
    if len(unique) == 1:
        return float(mpmath.diff(value, start[0], orders[0]))
    return float(mpmath.diff(value, start, orders))


@pytest.mark.parametrize("strike", STRIKES)
@pytest.mark.parametrize("right", ["C", "P"])
def test_every_sensitivity_is_its_derivative(strike, right):
    at = (FORWARD, strike, YEARS, SIGMA)
    rates = {"rate": RATE, "carry": CARRY}
    found = {
        ("spot",): delta(*at, right, Delta.SPOT, carry=CARRY),
        ("spot", "spot"): gamma(*at, **rates),
        ("sigma",): vega(*at, rate=RATE),
        ("years",): -theta(*at, right, **rates),
        ("spot", "sigma"): vanna(*at, carry=CARRY),
        ("sigma", "sigma"): volga(*at, rate=RATE),
        ("rate",): rho(*at, right, rate=RATE),
        ("carry",): carry_rho(*at, right, rate=RATE),
    }
    for names, value in found.items():
        assert value == pytest.approx(exact_derivative(strike, right, *names), rel=1e-11, abs=1e-13), names


@pytest.mark.parametrize("strike", STRIKES)
def test_without_rates_they_are_those_of_the_undiscounted_price_and_the_forward(strike):
    step = 1e-4
    at = (strike, YEARS, SIGMA)
    up, here, down = (black_price(FORWARD + d, *at, "C") for d in (step, 0, -step))
    assert delta(FORWARD, *at, "C") == pytest.approx((up - down) / (2 * step), abs=1e-8)
    assert gamma(FORWARD, *at) == pytest.approx((up - 2 * here + down) / step**2, abs=1e-5)
    later = black_price(FORWARD, strike, YEARS - step, SIGMA, "C")
    assert theta(FORWARD, *at, "C") == pytest.approx((later - here) / step, rel=1e-3)


@settings(max_examples=50)
@given(st.floats(-1, 1), st.floats(0.02, 1.5), st.floats(-0.1, 0.1))
def test_deltas_of_puts_and_calls_differ_by_what_parity_says(k, stdev, carry):
    strike, discount = np.exp(k), np.exp(-carry)
    apart = {
        Delta.FORWARD: 1,
        Delta.SPOT: discount,
        Delta.PREMIUM_ADJUSTED_FORWARD: strike,
        Delta.PREMIUM_ADJUSTED_SPOT: discount * strike,
    }
    for convention, difference in apart.items():
        call, put = (delta(1, strike, 1, stdev, right, convention, carry=carry) for right in "CP")
        assert call - put == pytest.approx(difference, abs=1e-14)
        assert call > 0 > put or min(call, -put) == 0


@settings(max_examples=50)
@given(st.floats(-1, 1), st.floats(0.02, 1.5), rights)
def test_a_premium_adjusted_delta_is_the_delta_less_the_premium(k, stdev, right):
    strike = np.exp(k)
    premium = float(exact_price(1, strike, 1, stdev, right))  # in units of the forward, undiscounted
    plain, adjusted = (delta(1, strike, 1, stdev, right, c) for c in ("forward", "premium_adjusted_forward"))
    assert adjusted == pytest.approx(plain - premium, abs=1e-14)


@settings(max_examples=100)
@given(st.floats(0.001, 0.999), st.floats(0.005, 2), rights, conventions, st.floats(-0.1, 0.1))
def test_the_strike_of_a_delta_has_that_delta(size, stdev, right, convention, carry):
    wanted = size if right == "C" else -size
    strike = strike_from_delta(1, 1, stdev, wanted, right, convention, carry=carry)
    assume(not np.isnan(strike))
    assert delta(1, strike, 1, stdev, right, convention, carry=carry) == pytest.approx(wanted, rel=1e-11)


@settings(max_examples=100)
@given(st.floats(-2, 3), st.floats(0.01, 1.5), conventions)
def test_puts_and_out_of_the_money_calls_find_their_own_strike(deviations, stdev, convention):
    strike = np.exp(deviations * stdev)
    put = delta(1, strike, 1, stdev, "P", convention)
    assert strike_from_delta(1, 1, stdev, put, "P", convention) == pytest.approx(strike, rel=1e-9)
    assume(deviations > 0 and stdev < 0.5)  # right of the largest premium-adjusted delta
    call = delta(1, strike, 1, stdev, "C", convention)
    assert strike_from_delta(1, 1, stdev, call, "C", convention) == pytest.approx(strike, rel=1e-9)


@pytest.mark.parametrize("stdev", [0.05, 0.3, 1.2])
def test_of_two_strikes_with_one_premium_adjusted_delta_the_higher_is_meant(stdev):
    strikes = np.exp(np.linspace(-4, 4, 4001) * stdev)
    deltas = delta(1, strikes, 1, stdev, "C", Delta.PREMIUM_ADJUSTED_FORWARD)
    top = strikes[deltas.argmax()]
    found = strike_from_delta(1, 1, stdev, deltas, "C", Delta.PREMIUM_ADJUSTED_FORWARD)
    right_of_it = strikes > top * 1.01
    np.testing.assert_allclose(found[right_of_it], strikes[right_of_it], rtol=1e-9)
    assert (found[~np.isnan(found)] > top * 0.999).all()
    assert np.isnan(strike_from_delta(1, 1, stdev, deltas.max() * 1.001, "C", Delta.PREMIUM_ADJUSTED_FORWARD))


def test_the_forward_delta_of_a_half_is_the_delta_neutral_strike():
    expected = 100 * np.exp(0.2**2 / 2)
    np.testing.assert_allclose(strike_from_delta(100, 1, 0.2, [0.5, -0.5], ["C", "P"]), expected, rtol=1e-15)


@pytest.mark.parametrize("convention", list(Delta))
@pytest.mark.parametrize(
    ("size", "right", "sigma", "years"),
    [
        (0, "C", 0.2, 1),
        (-0.25, "C", 0.2, 1),
        (0.25, "P", 0.2, 1),
        (1.1, "C", 0.2, 1),
        (np.nan, "C", 0.2, 1),
        (0.25, "X", 0.2, 1),
        (0.25, "C", 0, 1),
        (0.25, "C", -0.2, 1),
        (0.25, "C", 0.2, 0),
        (0.25, "C", 0.2, -1),
    ],
)
def test_a_delta_no_strike_has_gives_nan_and_no_warning(size, right, sigma, years, convention, recwarn):
    assert np.isnan(strike_from_delta(100, years, sigma, size, right, convention))
    assert not recwarn.list


def test_at_expiry_deltas_vega_and_rho_are_their_limits_and_the_others_nan(recwarn):
    strikes = [90, 100, 110]
    np.testing.assert_array_equal(delta(100, strikes, 0, 0.2, "C"), [1, 0.5, 0])
    np.testing.assert_array_equal(delta(100, strikes, 0, 0.2, "P"), [0, -0.5, -1])
    np.testing.assert_array_equal(vega(100, strikes, 0, 0.2), 0)
    np.testing.assert_array_equal(rho(100, strikes, 0, 0.2, "C"), 0)
    for other in (gamma, vanna, volga):
        assert np.isnan(other(100, [90, 110], 0, 0.2)).all()
    assert not recwarn.list


def test_sensitivities_broadcast_and_bad_arguments_give_nan(recwarn):
    assert delta(100, [[90], [110]], [0.5, 1.0], 0.2, "P", "spot", carry=0.01).shape == (2, 2)
    assert np.ndim(theta(100, 110, 1, 0.2, "P", rate=0.03)) == 0
    for bad in ((-100, 90, 1, 0.2), (100, 0, 1, 0.2), (100, 90, -1, 0.2), (100, 90, 1, -0.2), (100, 90, 1, np.nan)):
        for without_right in (gamma, vega, vanna, volga):
            assert np.isnan(without_right(*bad))
        for with_right in (delta, theta, rho, carry_rho):
            assert np.isnan(with_right(*bad, "C"))
    assert np.isnan(delta(100, 90, 1, 0.2, "X"))
    assert not recwarn.list


def test_an_unknown_convention_is_refused():
    with pytest.raises(ValueError, match="sideways"):
        delta(100, 90, 1, 0.2, "C", "sideways")


def test_an_unknown_convention_is_refused_with_those_there_are():
    with pytest.raises(ValueError, match="'spott' is no convention of delta; there are forward, spot, premium"):
        delta(100, 100, 1, 0.2, "C", "spott")
    with pytest.raises(ValueError, match="'fwd' is no convention"):
        strike_from_delta(100, 1, 0.2, 0.25, "C", "fwd")
