"""A fitted surface finds a true one behind ticks and spreads, and is free of arbitrage whatever it is given."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtri

from vol_assets.quant import black, essvi
from vol_assets.quant.implied_vol import implied_stdev
from vol_assets.quant.surface_fit import COMPONENTS, Quotes, certify, fit_surface, fit_surfaces

FORWARD = 500.0
YEARS = np.array([7, 14, 28, 60, 120, 270, 540]) / 365


def truth(years, level, skew):
    theta = level**2 * years
    return essvi.Slice(theta, skew, 1.3 * theta**0.55 / (1 + theta) ** 0.55)


def quoted(slice_, years, random, strikes=70, tick=0.01):
    """Quotes on the tick around a true slice, their mids off by up to half a half-spread; far wings without a bid."""
    at_money = np.sqrt(slice_.theta)
    k = np.linspace(-4.5, 2.8, strikes) * at_money
    price = FORWARD * black.otm_price(k, np.sqrt(essvi.total_variance(k, *slice_)))
    half = 0.01 + 0.012 * price**0.8
    mid = price + 0.5 * half * random.uniform(-1, 1, len(k))
    bid, ask = np.floor((mid - half) / tick) * tick, np.ceil((mid + half) / tick) * tick
    stdevs = [implied_stdev(np.where(p > 0, p, np.nan) / FORWARD, k) for p in (bid, 0.5 * (bid + ask), ask)]
    there = bid > 0
    return Quotes(years, FORWARD, k, *(np.where(there, s, np.nan) for s in stdevs[:2]), stdevs[2])


def chain(level, skew, seed=0, **kwargs):
    random = np.random.default_rng(seed)
    slices = [truth(t, level, skew) for t in YEARS]
    return slices, [quoted(s, t, random, **kwargs) for s, t in zip(slices, YEARS)]


def by_delta(slice_, delta):
    """Total stdev of a true slice at a forward delta, by a dense search."""
    k = np.linspace(-4, 3, 70001) * np.sqrt(slice_.theta)
    s = np.sqrt(essvi.total_variance(k, *slice_))
    return np.interp(-ndtri(delta), k / s - 0.5 * s, s)


@pytest.mark.parametrize(("level", "skew"), [(0.11, -0.75), (0.18, -0.6), (0.5, -0.55), (0.15, 0.1)])
def test_a_true_surface_is_found_behind_ticks_and_spreads(level, skew):
    slices, quotes = chain(level, skew)
    smiles = fit_surface(quotes, FORWARD).smiles(YEARS)
    points = 100 / np.sqrt(YEARS)
    at_money = (smiles.at_money - [np.sqrt(s.theta) for s in slices]) * points
    assert np.abs(at_money).max() < 0.15
    _, found = smiles.at_delta(np.array([0.25, 0.75]))
    reversal = [by_delta(s, 0.25) - by_delta(s, 0.75) for s in slices]
    assert np.abs((found[:, 0] - found[:, 1] - reversal) * points).max() < 0.3


def test_strikes_left_out_of_the_fit_are_priced_within_their_spreads():
    _, quotes = chain(0.16, -0.7, strikes=120)
    half = [Quotes(q.years, q.forward, q.k[::2], q.bid[::2], q.mid[::2], q.ask[::2]) for q in quotes]
    smiles = fit_surface(half, FORWARD).smiles(YEARS)
    for i, q in enumerate(quotes):
        left_out = np.arange(len(q.k)) % 2 == 1
        near = left_out & q.fitted & (np.abs(q.k) < 2.5 * smiles.at_money[i])
        model = smiles.stdev(np.broadcast_to(q.k, (len(quotes), len(q.k))))[i]
        miss = (model - q.mid)[near] / (0.5 * (q.ask - q.bid))[near]
        assert np.sqrt(np.mean(miss**2)) < 1.0


def test_a_flat_market_is_flat_and_normal():
    quotes = [
        Quotes(t, FORWARD, k, *np.full((3, 41), 0.2 * np.sqrt(t)) * [[0.999], [1.0], [1.001]])
        for t, k in ((t, np.linspace(-3, 3, 41) * 0.2 * np.sqrt(t)) for t in YEARS)
    ]
    smiles = fit_surface(quotes, FORWARD).smiles(YEARS)
    vols = smiles.vol(np.linspace(-2, 2, 9) * smiles.at_money[:, None])
    assert np.allclose(vols, 0.2, atol=2e-4)


def test_the_number_of_quotes_decides_the_model():
    _, quotes = chain(0.2, -0.5)
    few = [
        Quotes(q.years, q.forward, *(v[q.fitted][:n] for v in (q.k, q.bid, q.mid, q.ask)))
        for q, n in zip(quotes, (1, 5, 7, 8, 19, 20, 40))
    ]
    surface = fit_surface(few, FORWARD)
    assert surface.is_mixture.tolist() == [False, False, False, True, True, True, True]
    used = (surface.weights[3:] > 0).sum(axis=1)
    assert used.tolist() == [min(COMPONENTS), min(COMPONENTS), max(COMPONENTS), max(COMPONENTS)]
    assert certify(surface).calendar_gap.max() <= 1e-12


def test_strikes_without_a_bid_keep_the_wing_below_their_asks():
    """The quoted part of a smile would lead to a dearer wing than the asks of the strikes without a bid allow."""
    _, quotes = chain(0.2, -0.6)
    q = quotes[2]
    far = q.k < -2.0 * np.sqrt(truth(q.years, 0.2, -0.6).theta)
    ask = np.where(far, 0.8 * q.ask, q.ask)
    bounded = Quotes(q.years, q.forward, q.k, np.where(far, np.nan, q.bid), np.where(far, np.nan, q.mid), ask)
    unbounded = Quotes(q.years, q.forward, *(v[~far] for v in (q.k, q.bid, q.mid, q.ask)))
    limit = black.otm_price(q.k[far], ask[far])
    over = {
        name: np.maximum(fit_surface([one], FORWARD).smiles([q.years]).otm_price(q.k[far])[0] / limit - 1, 0)
        for name, one in (("bounded", bounded), ("free", unbounded))
    }
    assert over["free"].mean() > 0.3
    assert over["bounded"].mean() < 0.3 * over["free"].mean()


def test_quotes_out_of_order_are_refused():
    with pytest.raises(ValueError, match="sorted by k"):
        Quotes(0.1, FORWARD, np.array([0.1, 0.0]), *np.full((3, 2), 0.1))


def test_sessions_do_not_remember_each_other():
    _, quotes = chain(0.2, -0.6)
    first = fit_surface(quotes, FORWARD)
    fit_surface(chain(0.6, -0.2, seed=5)[1], FORWARD)
    again = fit_surface(quotes, FORWARD)
    assert np.array_equal(first.weights, again.weights)
    assert np.array_equal(first.stdevs, again.stdevs)


def test_chains_that_are_fitted_together_have_the_surfaces_that_they_have_alone():
    """Of 1 to 70 quotes an expiration, in order of time or not, with strikes without a bid."""
    random = np.random.default_rng(2)
    crossing = [quoted(truth(t, level, -0.6), t, random) for t, level in ((0.1, 0.30), (0.12, 0.20), (0.3, 0.25))]
    few = [Quotes(q.years, q.forward, *(v[q.fitted][:7] for v in (q.k, q.bid, q.mid, q.ask))) for q in crossing[:2]]
    chains = [chain(0.2, -0.6)[1], crossing, few, [chain(0.5, -0.5, strikes=15)[1][2]]]
    spots = [FORWARD, 510.0, 520.0, 530.0]
    together = fit_surfaces(chains, spots)
    for found, quotes, spot in zip(together, chains, spots, strict=True):
        alone = fit_surface(quotes, spot)
        assert (found.spot, found.years.tolist()) == (spot, alone.years.tolist())
        assert found.is_mixture.tolist() == alone.is_mixture.tolist()
        k = np.linspace(-4.0, 3.0, 71) * alone.at_money[:, None]
        assert np.abs(found.smiles(found.years).vol(k) - alone.smiles(alone.years).vol(k)).max() < 1e-9
    assert certify(together[1]).calendar_gap.max() <= 1e-12


def test_prices_between_expirations_do_not_fall_with_time_to_a_millionth_of_a_dollar():
    _, quotes = chain(0.16, -0.7)
    surface = fit_surface(quotes, FORWARD)
    for i in range(len(quotes) - 1):
        years = np.linspace(*surface.years[i : i + 2], 25)
        price = surface.smiles(years).otm_price(np.linspace(-10, 10, 401) * surface.at_money[i + 1])
        assert np.diff(price, axis=0).min() > -2e-9


def test_expirations_that_contradict_each_other_are_brought_into_order():
    """The later expiration is quoted below the earlier one: no surface meets both."""
    random = np.random.default_rng(2)
    quotes = [quoted(truth(t, level, -0.6), t, random) for t, level in ((0.1, 0.30), (0.12, 0.20), (0.3, 0.25))]
    surface = fit_surface(quotes, FORWARD)
    measured = certify(surface)
    assert measured.lift.max() > 1e-4
    assert measured.calendar_gap.max() <= 1e-12
    assert measured.min_density.min() >= 0


@given(
    seed=st.integers(0, 10_000),
    counts=st.lists(st.integers(1, 40), min_size=1, max_size=5),
    noise=st.floats(0, 0.5),
    level=st.floats(0.03, 2.0),
)
@settings(max_examples=25, deadline=None)
def test_whatever_the_quotes_the_surface_has_no_arbitrage(seed, counts, noise, level):
    random = np.random.default_rng(seed)
    quotes = []
    for i, count in enumerate(counts):
        k = np.sort(random.normal(0, 1.5 * level * np.sqrt(0.1), count))
        mid = level * np.sqrt(0.1 * (i + 1)) * np.exp(noise * random.standard_normal(count))
        no_bid = random.random(count) < 0.2
        no_bid[0] = False
        quotes.append(
            Quotes(
                0.1 * (i + 1),
                FORWARD,
                k,
                np.where(no_bid, np.nan, 0.97 * mid),
                np.where(no_bid, np.nan, mid),
                1.03 * mid,
            )
        )
    surface = fit_surface(quotes, FORWARD)
    measured = certify(surface)
    assert np.isfinite(surface.at_money).all()
    assert measured.min_density.min() >= 0
    assert measured.calendar_gap.max() <= 1e-12
    for i in range(len(counts) - 1):
        years = np.linspace(*surface.years[i : i + 2], 12)
        k = np.linspace(-9, 9, 181) * surface.at_money[i + 1]
        assert np.diff(surface.smiles(years).otm_price(k), axis=0).min() > -2e-6  # between them
