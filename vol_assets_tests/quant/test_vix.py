"""The index against published totals, synthetic quotes of Black's formula and the wording of the quote rules."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vol_assets.quant import vix
from vol_assets.quant.black import black_price

DAY = vix.MINUTES_DAY


def quotes(strike, forward, sigma, minutes, rate, spread=0.0):
    """Discounted call and put bids and asks of Black's formula."""
    years = minutes / vix.MINUTES_YEAR
    discount = np.exp(-rate * years)
    call, put = (discount * black_price(forward, strike, years, sigma, right) for right in "CP")
    return call - spread, call + spread, put - spread, put + spread


def two_sided(strike, call, put):
    """Quotes from mids; a mid of 0 is an option without a bid, asked at .10."""
    mids = (np.asarray(call, float), np.asarray(put, float))
    sides = [side for mid in mids for side in (np.where(mid > 0, mid - 0.05, 0), np.where(mid > 0, mid + 0.05, 0.1))]
    return np.asarray(strike, float), *sides


@pytest.mark.parametrize(
    ("minutes", "variances", "published"),
    [
        ((35_924, 46_394), (0.0184629239223, 0.0188210076836), 13.6858205),
        ((34_484, 44_954), (0.01923390648, 0.01942388428), 13.92784235),
    ],
)
def test_two_published_terms_give_the_published_index(minutes, variances, published):
    assert vix.interpolate(minutes[0], variances[0], minutes[1], variances[1]) == pytest.approx(published, abs=5e-7)


def test_the_published_forward_follows_from_the_published_quotes_at_its_strike():
    # In the white paper's near term the least difference is at 1965.
    strike = [1960, 1965, 1970]
    call, put = [24.25, 21.05, 18.1], [21.3, 23.15, 25.05]
    found = vix.term(*two_sided(strike, call, put), minutes=35_924, rate=0.000305)
    assert found.forward == pytest.approx(1962.8999562, abs=1e-6)
    assert found.k0 == 1960
    assert found.quotes[0] == pytest.approx(22.775)


def test_the_term_between_forward_and_k0_takes_its_published_size():
    # sigma^2 loses (F / K_0 - 1)^2 / T: a strip priced at zero but for K_0 shows it alone.
    forward, k0, years = 147.5, 147.0, 0.07
    minutes, rate = years * vix.MINUTES_YEAR, 0.005
    growth = np.exp(rate * years)
    call, put = 2.0 + 0.5 / growth, 2.0
    found = vix.term(*two_sided([146, 147, 148], [3.2, call, 1.0], [1.0, put, 3.2]), minutes=minutes, rate=rate)
    assert (found.forward, found.k0) == (pytest.approx(forward), k0)
    strip = growth * (1.0 / 146**2 + 0.5 * (call + put) / 147**2 + 1.0 / 148**2)
    assert found.variance == pytest.approx((2 * strip - (forward / k0 - 1) ** 2) / years, rel=1e-12)


def test_two_strikes_in_a_row_without_a_bid_end_the_strip_and_one_does_not():
    # As in the methodology of 2022: 1355 lies beyond two gaps, 2125 beyond a single one.
    strike = np.array([1345, 1350, 1355, 1360, 1365, 1370, 1960, 2115, 2120, 2125, 2130, 2135, 2140])
    put = [0.3, 0.3, 0.3, 0, 0, 0.4, 22.0, 150, 155, 160, 165, 170, 175]
    call = [600, 595, 590, 585, 580, 575, 22.0, 0.3, 0, 0.25, 0, 0, 0.2]
    found = vix.term(*two_sided(strike, call, put), minutes=35_000, rate=0.0)
    assert found.strikes.tolist() == [1370, 1960, 2115, 2125]
    assert found.quotes == pytest.approx([0.4, 22.0, 0.3, 0.25])


def test_a_strike_that_is_not_listed_on_one_side_is_no_missing_bid():
    strike = np.array([70, 75, 80, 85, 90, 95, 100, 105, 110])
    put = np.array([0.1, 0, np.nan, 0, 0.2, 0.6, 2.0, 5.5, 10.2])
    call = np.array([30, 25, 20, 15, 10.2, 5.5, 2.0, np.nan, 0.2])
    found = vix.term(*two_sided(strike, call, put)[:1], *_with_gaps(call), *_with_gaps(put), minutes=43_200, rate=0.0)
    assert found.strikes.tolist() == [90, 95, 100, 110]  # 85 and 75 are neighbours: nothing is listed between


def _with_gaps(mid):
    bid = np.where(mid > 0, mid, np.where(np.isnan(mid), np.nan, 0.0))
    return bid, np.where(np.isnan(mid), np.nan, np.maximum(mid, 0.05))


@pytest.mark.parametrize("sigma", [0.1, 0.2, 0.5])
@pytest.mark.parametrize("minutes", [25 * DAY, 36 * DAY + 77])
def test_the_sum_converges_to_the_variance_of_a_flat_smile(sigma, minutes):
    forward, rate = 5000.3, 0.05
    errors = []
    for step in (40.0, 20.0, 10.0):
        strike = np.arange(1000, 20_000, step)
        found = vix.term(strike, *quotes(strike, forward, sigma, minutes, rate), minutes=minutes, rate=rate)
        assert found.forward == pytest.approx(forward, abs=1e-8)
        errors.append(abs(found.variance / sigma**2 - 1))
    assert errors[0] > 3 * errors[1] > 9 * errors[2]  # the error of the steps goes with their square
    assert errors[2] < 1e-3


@settings(max_examples=25, deadline=None)
@given(st.floats(0.05, 0.8), st.floats(0.01, 1000), st.floats(0, 0.08), st.integers(5 * DAY, 90 * DAY))
def test_the_index_does_not_depend_on_the_unit_of_prices(sigma, scale, rate, minutes):
    strike = np.arange(40, 220, 2.5)
    found = [
        vix.term(s * strike, *(s * q for q in quotes(strike, 101.7, sigma, minutes, rate)), minutes=minutes, rate=rate)
        for s in (1.0, scale)
    ]
    assert found[1].variance == pytest.approx(found[0].variance, rel=1e-9)
    assert found[1].strikes == pytest.approx(scale * found[0].strikes)


def test_the_order_of_the_strikes_does_not_matter():
    strike = np.arange(60, 160, 5.0)
    sides = quotes(strike, 100.4, 0.3, 40_000, 0.02)
    shuffled = np.random.default_rng(0).permutation(len(strike))
    straight = vix.term(strike, *sides, minutes=40_000, rate=0.02)
    again = vix.term(strike[shuffled], *(side[shuffled] for side in sides), minutes=40_000, rate=0.02)
    assert again.variance == straight.variance


def test_the_index_of_two_terms_of_one_volatility_is_that_volatility():
    strike = np.arange(20, 400, 0.25)
    near, following = (
        vix.term(strike, *quotes(strike, 100.0, 0.2, minutes, 0.03), minutes=minutes, rate=0.03)
        for minutes in (26 * DAY, 33 * DAY)
    )
    assert vix.index(near, following) == pytest.approx(20, abs=0.005)
    assert vix.index(near, near) == pytest.approx(20, abs=0.005)


def test_the_terms_are_those_around_thirty_days():
    days = np.array([60, 24, 31, 17, 38]) * DAY
    assert vix.choose_terms(days) == vix.Choice(near=1, next=2, rule="window")
    assert vix.choose_terms(np.array([30 * DAY, 37 * DAY - 1])).rule == "window"
    assert vix.choose_terms(np.array([23 * DAY, 30 * DAY + 1])) == vix.Choice(0, 1, "bracket")
    assert vix.choose_terms(np.array([15, 22, 50]) * DAY) == vix.Choice(1, 2, "bracket")
    assert vix.choose_terms(np.array([10, 5, 20]) * DAY) == vix.Choice(0, 2, "nearest")
    assert vix.choose_terms(np.array([90, 45, 60]) * DAY) == vix.Choice(1, 2, "nearest")
    assert vix.choose_terms(np.array([90 * DAY])) == vix.Choice(0, 0, "nearest")


def test_quotes_that_give_no_index_give_nan_and_are_silent():
    strike = np.array([95.0, 100.0, 105.0])
    none = np.full(3, np.nan)
    mids = two_sided(strike, [6, 2, 0.5], [0.5, 2, 6])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for found in (
            vix.term(strike, none, none, none, none, minutes=40_000, rate=0.0),
            vix.term(*(values[:0] for values in mids), minutes=40_000, rate=0.0),
            vix.term(*(values[1:2] for values in mids), minutes=40_000, rate=0.0),
            vix.term(*mids, minutes=0, rate=0.0),
            vix.term(*two_sided(strike[1:], [6, 2], [0.5, 0.5]), minutes=40_000, rate=np.nan),
        ):
            assert np.isnan(found.variance)
            assert found.strikes.size == 0
            assert np.isnan(vix.index(found, found))
