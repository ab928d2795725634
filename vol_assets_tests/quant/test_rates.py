"""Rates against the price of the bill, and curves against the laws of a straight line."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vol_assets.quant.rates import bank_discount_to_rate, zero_rate


@given(percent=st.floats(-5.0, 25.0), days=st.integers(1, 364))
def test_the_rate_prices_the_bill(percent, days):
    price = 1.0 - percent / 100.0 * days / 360.0
    assert np.exp(-bank_discount_to_rate(percent, days) * days / 365.0) == pytest.approx(price, rel=1e-13)


def test_a_small_discount_over_a_short_time_is_the_rate_but_for_the_day_count():
    assert bank_discount_to_rate(0.003, 1) == pytest.approx(0.00003 * 365 / 360, rel=1e-6)


def test_the_thirteen_week_bill_is_the_one_meant_without_days():
    assert bank_discount_to_rate(4.088) == bank_discount_to_rate(4.088, 91) == pytest.approx(0.041664, abs=1e-6)


def test_no_discount_is_no_rate_and_a_premium_is_a_negative_one():
    assert bank_discount_to_rate(0.0) == 0.0
    assert bank_discount_to_rate(-0.05) < 0.0


def test_a_bill_that_costs_nothing_has_no_rate_and_says_so_quietly():
    percent, days = np.array([400.0, np.nan, 5.0, 5.0]), np.array([91.0, 91.0, 0.0, 91.0])
    assert np.isnan(bank_discount_to_rate(percent, days)).tolist() == [True, True, True, False]


def test_discounts_and_days_broadcast():
    assert bank_discount_to_rate([[1.0], [2.0]], [28, 91, 182]).shape == (2, 3)


def test_the_curve_goes_through_its_tenors_straight_between_and_flat_beyond():
    tenors, rates = [30.0, 90.0, 360.0], [0.01, 0.03, 0.02]
    assert zero_rate(tenors, rates, tenors).tolist() == rates
    assert zero_rate(tenors, rates, 60.0) == pytest.approx(0.02)
    assert zero_rate(tenors, rates, [[-3.0, 0.0], [1000.0, 225.0]]) == pytest.approx(
        np.array([[0.01, 0.01], [0.02, 0.025]])
    )


def test_one_tenor_is_a_flat_curve():
    assert zero_rate([91], [0.04], [0, 91, 900]).tolist() == [0.04, 0.04, 0.04]
