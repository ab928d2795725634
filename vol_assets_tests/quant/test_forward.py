"""Forward, spot, carry and rate from American quotes of a known world, priced by QuantLib."""

import numpy as np
import pytest
import QuantLib as ql

from vol_assets.quant import forward as parity
from vol_assets.quant.parity_rate import UNDETERMINED, parity_rate

SPOT = 691.2
DAYS = np.array([12, 36, 92, 190, 336, 855])


class Market:
    """American options on one underlying with a flat rate, a continuous yield and a skewed smile."""

    def __init__(self, rate, carry, atm=0.18, skew=-0.15, spot=SPOT):
        self.rate, self.carry, self.atm, self.skew, self.spot = rate, carry, atm, skew, spot
        today = ql.Date(2, 1, 2024)
        ql.Settings.instance().evaluationDate = today
        self.today, self.vol = today, ql.SimpleQuote(atm)
        curve = lambda value: ql.YieldTermStructureHandle(ql.FlatForward(today, value, ql.Actual365Fixed()))  # noqa: E731
        process = ql.BlackScholesMertonProcess(
            ql.QuoteHandle(ql.SimpleQuote(spot)),
            curve(carry),
            curve(rate),
            ql.BlackVolTermStructureHandle(
                ql.BlackConstantVol(today, ql.NullCalendar(), ql.QuoteHandle(self.vol), ql.Actual365Fixed())
            ),
        )
        self.engine = ql.QdFpAmericanEngine(process, ql.QdFpAmericanEngine.accurateScheme())

    def forward(self, days):
        return self.spot * np.exp((self.rate - self.carry) * np.asarray(days) / 365)

    def price(self, strike, days, right):
        years = days / 365
        k = np.log(strike / self.forward(days))
        self.vol.setValue(self.atm + self.skew * np.clip(k / np.sqrt(years), -0.4, 0.4))
        payoff = ql.PlainVanillaPayoff(ql.Option.Call if right == "C" else ql.Option.Put, strike)
        option = ql.VanillaOption(payoff, ql.AmericanExercise(self.today, self.today + int(days)))
        option.setPricingEngine(self.engine)
        return option.NPV()

    def pairs(self, all_days=DAYS, noise=None):
        """Strikes within a stdev of the money, every one of a handful; quotes off by up to a share of their spread."""
        rows = []
        for number, days in enumerate(all_days):
            forward, stdev = self.forward(days), self.atm * np.sqrt(days / 365)
            step = max(1.0, round(forward * stdev / 12))
            for strike in np.arange(np.ceil(forward * np.exp(-stdev)), forward * np.exp(stdev), step):
                rows.append((number, strike, self.price(strike, days, "C"), self.price(strike, days, "P"), 0.02))
        number, strike, call, put, spread = np.array(rows).T
        if noise is not None:  # a spread of .4 % of the price, at least two ticks; mids on half ticks within it
            half = [np.maximum(np.round(0.002 * price, 2), 0.01) for price in (call, put)]
            call, put = (
                np.round(2 * (price + 0.4 * side * noise.uniform(-1, 1, len(price))), 2) / 2
                for price, side in zip((call, put), half)
            )
            spread = np.hypot(*half)
        discount = np.exp(-self.rate * np.asarray(all_days) / 365)
        return parity.near_the_money(number.astype(int), strike, call, put, spread, discount)

    def solved(self, pairs, all_days=DAYS, **more):
        return parity.implied_forwards(pairs, all_days / 365, np.full(len(all_days), self.rate), **more)


def in_basis_points(found, true):
    return 1e4 * np.abs(found / true - 1)


@pytest.mark.parametrize(("rate", "carry"), [(0.037, 0.0), (0.037, 0.012), (0.05, 0.0), (0.05, 0.012), (0.003, 0.019)])
def test_forward_of_exact_american_prices_is_right_to_a_quarter_of_a_basis_point(rate, carry):
    market = Market(rate, carry)
    found = market.solved(market.pairs())
    assert np.all(in_basis_points(found.forward, market.forward(DAYS)) < 0.25)
    assert in_basis_points(found.spot, SPOT) < 0.25
    assert np.abs(found.carry_years / (DAYS / 365) - carry)[1:].max() < 2e-4


def test_raw_parity_of_the_same_prices_is_far_off():
    market = Market(0.037, 0.0)
    pairs = market.pairs()
    raw = np.nanmedian(pairs.strike + (pairs.call - pairs.put) * np.exp(market.rate * DAYS / 365)[:, None], axis=1)
    assert in_basis_points(raw, market.forward(DAYS))[-1] > 50


@pytest.mark.parametrize("carry", [0.0, 0.012])
def test_forward_of_quotes_in_ticks_within_a_spread(carry):
    market = Market(0.04, carry)
    found = market.solved(market.pairs(noise=np.random.default_rng(7)))
    off = in_basis_points(found.forward, market.forward(DAYS))
    assert np.all(off[DAYS <= 200] < 1.5)
    assert np.all(off < 3.0)
    assert np.all(found.error < found.residual)


def test_stdev_at_the_money_is_the_european_one():
    market = Market(0.045, 0.0, skew=0.0)
    found = market.solved(market.pairs())
    np.testing.assert_allclose(found.stdev / np.sqrt(DAYS / 365), market.atm, atol=1e-4)


@pytest.mark.parametrize("wrong", [0.5, 0.9, 1.1, 3.0])
def test_a_few_bad_quotes_do_not_move_the_forward(wrong):
    market = Market(0.04, 0.012)
    pairs = market.pairs()
    pairs.call[:, 0] *= wrong  # the strike nearest the money among them
    pairs.put[:, 5] *= wrong
    off = in_basis_points(market.solved(pairs).forward, market.forward(DAYS))
    assert np.all(off < 0.5)


def test_one_expiration_alone_has_no_carry():
    market = Market(0.04, 0.012)
    days = DAYS[2:3]
    found = market.solved(market.pairs(days), days)
    assert found.carry_years == pytest.approx([0.0], abs=1e-12)
    assert in_basis_points(found.forward, market.forward(days)) < 5


def test_a_known_spot_gives_the_carry_of_one_expiration():
    market = Market(0.04, 0.012)
    days = DAYS[2:3]
    found = market.solved(market.pairs(days), days, spot=SPOT)
    assert found.carry_years * 365 / days == pytest.approx([0.012], abs=2e-4)
    assert in_basis_points(found.forward, market.forward(days)) < 0.25


def test_an_expiration_with_too_few_pairs_has_no_forward_and_disturbs_no_other():
    market = Market(0.04, 0.0)
    pairs = market.pairs()
    pairs.call[1, 2:] = np.nan
    pairs.put[4] = 0.0
    found = market.solved(pairs)
    assert np.isnan(found.forward[[1, 4]]).all()
    kept = [0, 2, 3, 5]
    assert np.all(in_basis_points(found.forward, market.forward(DAYS))[kept] < 0.25)


def test_chains_that_are_solved_together_are_solved_as_they_are_alone():
    """One settles at once, one late, one has no forward at all, one has a single expiration."""
    markets = [Market(0.04, 0.012), Market(0.05, 0.0, spot=430.0), Market(0.04, 0.0), Market(0.02, 0.03)]
    all_days = [DAYS, DAYS[:3], DAYS[:2], DAYS[2:3]]
    each = [market.pairs(days, noise=np.random.default_rng(3)) for market, days in zip(markets, all_days)]
    each[2].call[:] = np.nan
    alone = [
        parity.implied_forwards(pairs, days / 365, np.full(len(days), 0.04)) for pairs, days in zip(each, all_days)
    ]
    pairs = parity.Pairs(
        *(np.vstack([getattr(one, name) for one in each]) for name in ("strike", "call", "put", "spread"))
    )
    days = np.concatenate(all_days)
    chain = np.repeat(np.arange(4), [len(days) for days in all_days])
    together = parity.implied_forwards(pairs, days / 365, np.full(len(days), 0.04), chain=chain)
    np.testing.assert_allclose(together.spots, [one.spot for one in alone], rtol=1e-13)
    assert np.isnan(together.spots).tolist() == [False, False, True, False]
    for name in ("forward", "error", "residual", "strikes", "carry_years", "stdev", "slope", "slope_error"):
        expected = np.concatenate([getattr(one, name) for one in alone])
        np.testing.assert_allclose(getattr(together, name), expected, rtol=1e-9, atol=1e-13)
    without = together.without(np.arange(len(days)) == 0, 0.04 * days / 365, days / 365)
    assert np.isnan(without.forward[0])
    assert without.spots[0] != together.spots[0]
    assert without.spots[[1, 3]].tolist() == together.spots[[1, 3]].tolist()


def test_one_bad_forward_does_not_move_the_spot():
    years = np.array([0.03, 0.05, 0.1, 0.2, 0.5, 1.0])
    forward = 100 * np.exp((0.04 - 0.01) * years)
    forward[1] *= 1.01
    spot = parity.implied_spot(forward, np.full(6, np.nan), 0.04 * years, years)
    assert in_basis_points(spot, 100) < 5


def test_no_forward_no_spot():
    assert np.isnan(parity.implied_spot(np.array([np.nan]), np.array([np.nan]), np.array([0.0]), np.array([1.0])))


@pytest.mark.parametrize(("rate", "carry"), [(0.0, 0.012), (0.021, 0.0), (0.045, 0.012)])
def test_rate_at_which_put_and_call_agree_is_the_rate_of_the_prices(rate, carry):
    days = DAYS[:4]
    market = Market(rate, carry)
    found, error = parity_rate(market.pairs(days), days / 365)
    assert found == pytest.approx(rate, abs=1e-3)
    assert error < UNDETERMINED


def test_error_of_the_rate_grows_with_that_of_the_quotes():
    market = Market(0.04, 0.0)
    days = DAYS[:3]
    _, error = parity_rate(market.pairs(days), days / 365)
    noisy, its_error = parity_rate(market.pairs(days, noise=np.random.default_rng(1)), days / 365)
    assert its_error > error
    assert abs(noisy - 0.04) < 4 * its_error


def test_without_pairs_there_is_no_rate():
    nothing = np.full((2, parity.STRIKES), np.nan)
    pairs = parity.Pairs(nothing, nothing, nothing, nothing)
    assert parity_rate(pairs, np.array([0.1, 0.2])) == (0.0, np.inf)
