"""Early exercise against QuantLib's engine of Andersen, Lake and Offengenden, published prices and laws."""

import numpy as np
import pytest
import QuantLib as ql
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.polynomial import chebyshev as numpy_chebyshev

from vol_assets.quant.american import (
    NoEuropean,
    american_price,
    boundary,
    build,
    chebyshev,
    de_americanise,
    high_carry,
    high_rate,
)
from vol_assets.quant.black import black_price, black_vega
from vol_assets.quant.implied_vol import implied_vol

VOL_POINT = 0.01

moneyness = st.floats(-4, 4)  # in stdevs
vols, years = st.floats(0.07, 1.2), st.floats(1 / 365, 2)
rates, carries = st.floats(0, 0.06), st.floats(0, 0.02)
rights = st.sampled_from("CP")


def quantlib_prices(forward, strike, years, sigma, right, rate, carry) -> np.ndarray:
    """American prices today by QuantLib's fixed point method; a year of its clock stands for the whole life."""
    today, days = ql.Date(2, 1, 2024), ql.Actual365Fixed()
    ql.Settings.instance().evaluationDate = today
    exercise = ql.AmericanExercise(today, today + 365)
    quotes = spot, a, b, s = [ql.SimpleQuote(0.1) for _ in range(4)]
    process = ql.BlackScholesMertonProcess(
        ql.QuoteHandle(spot),
        ql.YieldTermStructureHandle(ql.FlatForward(today, ql.QuoteHandle(b), days)),
        ql.YieldTermStructureHandle(ql.FlatForward(today, ql.QuoteHandle(a), days)),
        ql.BlackVolTermStructureHandle(ql.BlackConstantVol(today, ql.NullCalendar(), ql.QuoteHandle(s), days)),
    )
    engine = ql.QdFpAmericanEngine(process, ql.QdFpAmericanEngine.accurateScheme())
    found = []
    for F, K, T, vol, side, r, q in np.broadcast(forward, strike, years, sigma, right, rate, carry):
        for quote, value in zip(quotes, (F * np.exp((q - r) * T), r * T, q * T, vol * np.sqrt(T)), strict=True):
            quote.setValue(float(value))
        payoff = ql.PlainVanillaPayoff(ql.Option.Call if side == "C" else ql.Option.Put, float(K))
        option = ql.VanillaOption(payoff, exercise)
        option.setPricingEngine(engine)
        found.append(option.NPV())
    return np.array(found)


def random_market(rows: int, seed: int, lowest_z: float, highest_z: float) -> tuple[np.ndarray, ...]:
    """Options as SPY and GLD have had them: z = ln(K/F)/s is that of a put, a call's is the opposite."""
    draw = np.random.default_rng(seed)
    years = np.exp(draw.uniform(np.log(1 / 365), np.log(2), rows))
    sigma = np.exp(draw.uniform(np.log(0.07), np.log(1.2), rows))
    right = draw.choice(["C", "P"], rows)
    z = draw.uniform(lowest_z, highest_z, rows) * np.where(right == "P", 1, -1)
    strike = 600 * np.exp(z * sigma * np.sqrt(years))
    return np.full(rows, 600.0), strike, years, sigma, right, draw.uniform(0, 0.06, rows), draw.uniform(0, 0.02, rows)


def without_early_exercise(price, forward, strike, years, right, rate, carry):
    """Volatility of an American price inverted as if European, and after early exercise is taken out."""
    raw = implied_vol(price * np.exp(rate * years), forward, strike, years, right)
    root = np.sqrt(years)
    stdev, reason = de_americanise(raw * root, np.log(strike / forward), rate * years, carry * years, right)
    return raw, stdev / root, reason


def exercised_value(forward, strike, years, right, rate, carry):
    return np.where(right == "C", 1, -1) * (forward * np.exp((carry - rate) * years) - strike)


# Prices


@pytest.mark.parametrize(
    ("strike", "years", "price", "by_ju"),
    [
        *[(35, 0.0833, 0.0062, 0.006), (40, 0.0833, 0.8522, 0.851), (45, 0.0833, 5.0000, 5.000)],
        *[(35, 0.3333, 0.2004, 0.201), (40, 0.3333, 1.5798, 1.576), (45, 0.3333, 5.0883, 5.084)],
        *[(35, 0.5833, 0.4328, 0.433), (40, 0.5833, 1.9904, 1.984), (45, 0.5833, 5.2670, 5.260)],
    ],
)
def test_puts_of_geske_and_johnson_and_near_them_the_approximation_of_ju(strike, years, price, by_ju):
    found = american_price(40 * np.exp(0.0488 * years), strike, years, 0.2, "P", 0.0488, 0)
    assert found == pytest.approx(price, abs=1.5e-4)
    assert found == pytest.approx(by_ju, abs=8e-3)


@pytest.mark.parametrize(
    ("spot", "price", "by_ju"),
    [(80, 2.580, 2.605), (90, 5.167, 5.182), (100, 9.066, 9.065), (110, 14.443, 14.430), (120, 21.414, 21.398)],
)
def test_long_calls_with_a_carry_above_the_rate(spot, price, by_ju):
    found = american_price(spot * np.exp(-0.12), 100, 3, 0.2, "C", 0.03, 0.07)
    assert found == pytest.approx(price, abs=1.5e-3)
    assert found == pytest.approx(by_ju, abs=3e-2)


@pytest.mark.parametrize(("rate", "premium"), [(0.05, 0.1069527027), (0.075, 0.3671111433)])
def test_early_exercise_published_by_andersen_lake_and_offengenden(rate, premium):
    forward = 100 * np.exp(rate - 0.05)
    american = american_price(forward, 100, 1, 0.25, "P", rate, 0.05)
    assert american - np.exp(-rate) * black_price(forward, 100, 1, 0.25, "P") == pytest.approx(premium, abs=2e-5)


def test_prices_are_those_of_quantlib_to_a_two_hundredth_of_a_vol_point():
    market = forward, strike, years, sigma, *_ = random_market(400, 1, -6, 6)
    vega = np.maximum(black_vega(forward, strike, years, sigma), 0.04 * forward * np.sqrt(years))
    error = american_price(*market) - quantlib_prices(*market)
    assert (np.abs(error) < 0.005 * VOL_POINT * vega + 5e-7 * forward).all()


def test_deep_in_the_money_a_price_is_what_exercise_brings():
    forward, years, rate, carry = 600.0, 0.5, 0.05, 0.04
    for right, strike in (("P", 1200.0), ("C", 250.0)):
        price = american_price(forward, strike, years, 0.15, right, rate, carry)
        assert price == exercised_value(forward, strike, years, right, rate, carry)


@settings(max_examples=60)
@given(z=moneyness, sigma=vols, years=years, rate=rates, carry=carries, right=rights)
def test_no_price_is_below_the_european_one_or_the_value_if_exercised(z, sigma, years, rate, carry, right):
    strike = 600 * np.exp(z * sigma * np.sqrt(years))
    price = american_price(600.0, strike, years, sigma, right, rate, carry)
    assert price >= np.exp(-rate * years) * black_price(600.0, strike, years, sigma, right)
    assert price >= exercised_value(600.0, strike, years, right, rate, carry)
    assert price <= (strike if right == "P" else 600 * np.exp((carry - rate) * years))


@settings(max_examples=60)
@given(z=moneyness, sigma=vols, years=years, rate=rates, carry=carries)
def test_a_call_is_a_put_with_spot_and_strike_rate_and_carry_changed_places(z, sigma, years, rate, carry):
    strike = 600 * np.exp(z * sigma * np.sqrt(years))
    spot = 600 * np.exp((carry - rate) * years)
    call = american_price(600.0, strike, years, sigma, "C", rate, carry)
    put = american_price(strike * np.exp((carry - rate) * years), spot, years, sigma, "P", carry, rate)
    assert put == pytest.approx(call, rel=1e-9, abs=1e-9)


@settings(max_examples=60)
@given(z=moneyness, sigma=vols, years=years, rate=rates, carry=carries, right=rights, longer=st.floats(1, 1.5))
def test_more_time_and_more_volatility_are_never_worth_less(z, sigma, years, rate, carry, right, longer):
    spot, strike = 600.0, 600 * np.exp(z * sigma * np.sqrt(years))

    def price(sigma, years):
        return american_price(spot * np.exp((rate - carry) * years), strike, years, sigma, right, rate, carry)

    least = price(sigma, years) - 1e-5 * spot
    assert price(sigma, min(years * longer, 2.0)) >= least
    assert price(min(sigma * longer, 1.2), years) >= least


def test_without_interest_a_put_and_without_carry_a_call_are_european():
    forward, strike, years, sigma, *_ = random_market(200, 2, -5, 5)
    for right, rate, carry in (("P", 0.0, 0.02), ("C", 0.05, 0.0)):
        european_price = np.exp(-rate * years) * black_price(forward, strike, years, sigma, right)
        price = american_price(forward, strike, years, sigma, right, rate, carry)
        np.testing.assert_allclose(price, european_price, rtol=1e-13, atol=1e-13 * 600)


def test_prices_broadcast_and_have_no_answer_to_nonsense():
    assert american_price(600.0, [[590.0], [610.0]], 0.5, [0.1, 0.2, 0.3], ["C", "P", "P"], 0.04, 0.01).shape == (2, 3)
    assert np.ndim(american_price(600.0, 590.0, 0.5, 0.2, "P", 0.04, 0.01)) == 0
    nonsense = [(-1, 590, 0.5, 0.2, "P"), (600, 0, 0.5, 0.2, "P"), (600, 590, 0.5, 0.2, "X"), (np.nan, 5, 1, 0.2, "C")]
    for forward, strike, life, sigma, right in nonsense:
        assert np.isnan(american_price(forward, strike, life, sigma, right, 0.04, 0.01))
    assert american_price(600.0, 610.0, 0.0, 0.2, "P", 0.04, 0.01) == 10


# De-Americanisation


def test_volatility_behind_quantlibs_prices_is_found_to_a_fiftieth_of_a_vol_point():
    market = forward, strike, years, sigma, right, rate, carry = random_market(600, 3, -3, 0.6)
    price = quantlib_prices(*market)
    raw, found, reason = without_early_exercise(price, forward, strike, years, right, rate, carry)
    known, ok = np.isfinite(raw), reason == NoEuropean.OK
    assert ok.sum() > 550
    assert np.abs(found - sigma)[ok].max() < 0.02 * VOL_POINT
    assert np.nanmax(np.abs(raw - sigma)) > 2 * VOL_POINT
    over_exercise = price - exercised_value(forward, strike, years, right, rate, carry)
    refused = known & ~ok
    assert (reason[refused] == NoEuropean.EXERCISED).all()
    assert (over_exercise[refused] < 0.003 * forward[refused] * (raw * np.sqrt(years))[refused]).all()


@pytest.mark.parametrize(("right", "highest_rate", "highest_carry"), [("P", 0.8, 0.5), ("C", 0.5, 0.8)])
def test_all_of_the_box_is_right_to_a_fiftieth_of_a_vol_point(right, highest_rate, highest_carry):
    draw = np.random.default_rng(4)
    sigma = np.exp(draw.uniform(np.log(0.08), np.log(1), 500))
    years = np.exp(draw.uniform(np.log(1 / 365), np.log(2), 500))
    s = sigma * np.sqrt(years)
    rate, carry = (np.minimum(draw.uniform(0, top, 500) * s, 0.12) / years for top in (highest_rate, highest_carry))
    strike = np.exp(draw.uniform(-3, 0.6, 500) * s * (1 if right == "P" else -1))
    price = quantlib_prices(1.0, strike, years, sigma, right, rate, carry)
    _, found, reason = without_early_exercise(price, 1.0, strike, years, right, rate, carry)
    ok = reason == NoEuropean.OK
    assert ok.sum() > 350
    assert np.abs(found - sigma)[ok].max() < 0.02 * VOL_POINT
    assert not (reason == NoEuropean.OUTSIDE).any()


def test_simulated_prices_give_back_their_volatility():
    market = forward, strike, years, sigma, right, rate, carry = random_market(20_000, 5, -3, 0.6)
    _, found, reason = without_early_exercise(american_price(*market), forward, strike, years, right, rate, carry)
    ok = reason == NoEuropean.OK
    assert ok.mean() > 0.95
    assert np.abs(found - sigma)[ok].max() < 0.025 * VOL_POINT  # the two tables' bounds together


@settings(max_examples=60)
@given(z=st.floats(-3, 0.6), s=st.floats(0.008, 1.4), a=st.floats(0, 0.15), b=st.floats(0, 0.15))
def test_a_call_has_the_stdev_of_the_mirrored_put(z, s, a, b):
    assert de_americanise(s, z * s, a, b, "P") == pytest.approx(de_americanise(s, -z * s, b, a, "C"), nan_ok=True)


@settings(max_examples=60)
@given(z=moneyness, s=st.floats(1e-3, 3), other=st.floats(-0.1, 0.5))
def test_where_early_exercise_is_worthless_the_stdev_stays_as_it_is(z, s, other):
    for nothing in (0.0, -0.1 * s):
        assert de_americanise(s, z * s, nothing, other, "P") == (s, NoEuropean.OK)
        assert de_americanise(s, z * s, other, nothing, "C") == (s, NoEuropean.OK)


def test_far_in_the_carrys_favour_the_stdev_stays_as_it_is():
    stdev, reason = de_americanise(0.05, np.linspace(-0.15, 0.03, 40), 0.001, 0.004, "P")
    np.testing.assert_allclose(stdev, 0.05, rtol=1e-6)
    assert (reason == NoEuropean.OK).all()


def test_a_carry_below_zero_counts_as_none():
    s = np.array([0.01, 0.1, 0.3])
    with_none = de_americanise(s, -0.5 * s, 0.1 * s, 0.0, "P")
    np.testing.assert_array_equal(de_americanise(s, -0.5 * s, 0.1 * s, -0.1 * s, "P"), with_none)


def test_a_price_at_below_or_next_to_exercise_tells_no_volatility():
    forward, years, rate, carry = 600.0, 1.0, 0.05, 0.01
    strike = forward * np.exp(np.array([0.02, 0.04]))
    exercised = exercised_value(forward, strike, years, "P", rate, carry)
    for offset in (0.0, -0.5, 0.01):
        _, found, reason = without_early_exercise(exercised + offset, forward, strike, years, "P", rate, carry)
        assert (reason == NoEuropean.EXERCISED).all()
        assert np.isnan(found).all()


def test_every_refusal_has_its_reason():
    cases = [
        ((np.nan, 0.0, 0.01, 0.0, "P"), NoEuropean.NOT_A_NUMBER),
        ((0.0, 0.0, 0.01, 0.0, "P"), NoEuropean.NOT_A_NUMBER),
        ((-0.1, 0.0, 0.01, 0.0, "P"), NoEuropean.NOT_A_NUMBER),
        ((0.1, np.inf, 0.01, 0.0, "P"), NoEuropean.NOT_A_NUMBER),
        ((0.1, 0.0, np.nan, 0.0, "C"), NoEuropean.NOT_A_NUMBER),
        ((0.1, 0.0, 0.01, 0.0, "X"), NoEuropean.UNKNOWN_RIGHT),
        ((0.1, -0.6, 0.01, 0.0, "P"), NoEuropean.OUTSIDE),  # six stdevs down
        ((0.1, 0.08, 0.002, 0.0, "P"), NoEuropean.OUTSIDE),  # in the money
        ((1.6, 0.0, 0.01, 0.0, "P"), NoEuropean.OUTSIDE),
        ((0.1, -0.3, 0.2, 0.0, "P"), NoEuropean.OUTSIDE),  # interest of twice the stdev
        ((0.1, 0.0, 0.1, 0.11, "P"), NoEuropean.OUTSIDE),
        ((0.1, 0.08, 0.05, 0.0, "P"), NoEuropean.EXERCISED),  # that far in the money it is due
    ]
    for arguments, reason in cases:
        stdev, found = de_americanise(*arguments)
        assert (np.isnan(stdev), found) == (True, reason), arguments


def test_stdevs_broadcast_and_none_are_none():
    stdev, reason = de_americanise([[0.1], [0.2]], [-0.1, 0.0, 0.05], 0.01, 0.002, ["P", "P", "C"])
    assert stdev.shape == reason.shape == (2, 3)
    assert reason.dtype == np.int8
    assert np.isfinite(stdev).all()
    assert de_americanise([], [], 0.01, 0.0, "P")[0].shape == (0,)
    assert american_price([], [], 1.0, 0.2, "P", 0.04, 0.0).shape == (0,)


# Tables


@pytest.mark.parametrize("rows", [1, 31, 32, 1500])
def test_a_polynomial_is_interpolated_exactly(rows):
    draw = np.random.default_rng(6)
    counts, where = (5, 3, 4, 2), tuple(draw.uniform(-1, 1, (4, rows)))
    wanted = draw.normal(size=counts)
    x, y, z, t = np.meshgrid(*map(chebyshev.points, counts), indexing="ij")
    values = (numpy_chebyshev.chebval3d(x, y, z, np.moveaxis(wanted, 3, 0)[0])) + t * numpy_chebyshev.chebval3d(
        x, y, z, wanted[..., 1]
    )
    found = chebyshev.coefficients(values)
    np.testing.assert_allclose(found, wanted, atol=1e-13)
    expected = [
        sum(
            numpy_chebyshev.chebval3d(*(axis[row] for axis in where[:3]), wanted[..., n]) * where[3][row] ** n
            for n in (0, 1)
        )
        for row in range(min(rows, 40))
    ]
    np.testing.assert_allclose(chebyshev.evaluate(found, where)[:40], expected, atol=1e-12)
    both = chebyshev.evaluate_all(np.stack([found, -found]), where)
    np.testing.assert_allclose(both[:, :40], [expected, np.negative(expected)], atol=1e-12)


def test_coordinates_and_their_inverses_agree():
    where = np.random.default_rng(7).uniform(-0.99, 0.99, (4, 50))
    z, s, a, b = high_rate.point(*where)
    assert (a > b).all()
    np.testing.assert_allclose(high_rate.unit(z, s, b, *high_rate.exercise(z, s, a, b)), where, atol=1e-7)
    z, s, a, b = high_carry.point(*where)
    assert (a < b).all()
    np.testing.assert_allclose(high_carry.unit(z, s, a, b), where, atol=1e-9)
    np.testing.assert_allclose(boundary.unit_high_rate(*boundary.point_high_rate(*where[:3])), where[:3], atol=1e-7)
    np.testing.assert_allclose(boundary.unit_high_carry(*boundary.point_high_carry(*where[:3])), where[:3], atol=1e-7)


@pytest.mark.parametrize(
    ("name", "make", "counts", "chosen"),
    [
        ("high_rate", build.high_rate_share, high_rate.COUNTS, [(3, 2, 5, 1), (15, 6, 1, 3)]),
        ("high_carry", build.high_carry_share, high_carry.COUNTS, [(2, 3, 4, 0), (9, 1, 2, 5)]),
        ("boundary_high_rate", build.boundary_high_rate, boundary.HIGH_RATE_COUNTS, [(5, 4, 3)]),
        ("boundary_high_carry", build.boundary_high_carry, boundary.HIGH_CARRY_COUNTS, [(3, 2, 8)]),
    ],
)
def test_the_tables_that_are_shipped_are_those_that_the_script_makes(name, make, counts, chosen):
    table = chebyshev.table(name)
    for numbers in chosen:
        where = [chebyshev.points(count)[number] for count, number in zip(counts, numbers, strict=True)]
        shipped = chebyshev.evaluate_all(table.reshape(-1, *counts), [np.array([x]) for x in where])[:, 0]
        np.testing.assert_allclose(np.ravel(make(build.Puts(), *where)), shipped, atol=1e-6)
