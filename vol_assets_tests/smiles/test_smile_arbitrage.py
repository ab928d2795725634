"""Butterflies and calendars: worth what the law of the share says, and below nothing where a smile allows for it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from vol_assets.smiles.arbitrage import HALF_TICK, breaches, butterflies, calendars
from vol_assets.sources.sample import live_surface

F, S = 100.0, 0.05
STRIKES = np.arange(90.0, 111.0)


def flat(strikes: np.ndarray = STRIKES, stdev: float = S) -> tuple[np.ndarray, ...]:
    k = np.log(strikes / F)
    return np.zeros(len(k), dtype=int), k, np.full(len(k), F), np.full(len(k), stdev)


def test_a_narrow_butterfly_is_worth_the_density_between_its_strikes():
    strikes = np.arange(90.0, 110.0, 0.25)
    worth = butterflies(*flat(strikes))
    d2 = -np.log(strikes[1:-1] / F) / S - 0.5 * S
    density = np.exp(-0.5 * d2**2) / np.sqrt(2.0 * np.pi) / (S * strikes[1:-1])
    assert worth == pytest.approx(0.5 * density * 0.25**2, rel=2e-3)  # half a unit of each wing


def test_strikes_at_unequal_distances_are_weighted_so_that_the_payoff_is_never_negative():
    smile, k, forward, _ = flat(np.array([99.0, 100.0, 103.0]))
    worth = butterflies(smile, k, forward, np.full(3, 1e-6))  # the share ends at its forward
    call = np.maximum(F - np.array([99.0, 100.0, 103.0]), 0.0)
    assert worth == pytest.approx([0.75 * call[0] + 0.25 * call[2] - call[1]], abs=1e-4)


def test_a_smile_of_the_market_has_no_breach():
    surface = live_surface("SPY", pd.Timestamp("2024-03-15 15:00", tz="UTC"))
    years = np.array([5.0, 33.0]) / 365.0
    z = np.linspace(-2.25, 1.75, 17)
    k = z * np.sqrt(surface.term_structure(years))[:, None]
    stdev = np.sqrt(surface.total_variance(k, years[:, None]))
    later = np.sqrt(surface.total_variance(k[0], years[1]))
    forward = np.repeat(surface.forward(years), 17)
    found = breaches(butterflies(np.repeat([0, 1], 17), k.ravel(), forward, stdev.ravel()))
    assert found == (30, 0.0, 0.0)
    assert breaches(calendars(k[0], forward[:17], stdev[0], later)) == (17, 0.0, 0.0)


def test_one_vol_too_high_makes_one_butterfly_an_arbitrage_and_leaves_its_neighbours_dear():
    smile, k, forward, stdev = flat()
    stdev[10] += 0.01
    worth = butterflies(smile, k, forward, stdev)
    assert np.flatnonzero(worth < 0).tolist() == [9]
    before = butterflies(*flat())
    price = F * 0.01 / np.sqrt(2.0 * np.pi)  # at the money, nearly linear in the vol
    assert worth[9] == pytest.approx(before[9] - price, rel=1e-3)
    assert worth[8] == pytest.approx(before[8] + 0.5 * price, rel=1e-3)
    found = breaches(worth)
    assert found.counted == 19
    assert found.share == pytest.approx(1 / 19)
    assert found.worst == pytest.approx(-worth[9])


def test_butterflies_are_of_strikes_of_one_smile():
    one, other = flat(), flat(np.array([95.0, 100.0]))
    both = [np.concatenate(pair) for pair in zip(one, other)]
    both[0][len(one[0]) :] = 1
    assert len(butterflies(*both)) == len(STRIKES) - 2


def test_a_calendar_is_worth_the_difference_of_the_prices_at_one_moneyness():
    _, k, forward, stdev = flat()
    worth = calendars(k, forward, stdev, stdev + 0.01)
    assert worth[10] == pytest.approx(F * 0.01 / np.sqrt(2.0 * np.pi), rel=1e-3)
    assert (worth > 0).all()
    turned = breaches(calendars(k, forward, stdev + 0.01, stdev))
    assert turned.share == 1.0
    assert turned.worst == pytest.approx(worth.max(), rel=1e-12)


def test_the_last_smile_has_no_calendar():
    _, k, forward, stdev = flat()
    later = np.where(k < 0, stdev, np.nan)
    assert breaches(calendars(k, forward, stdev, later)).counted == (k < 0).sum()


@pytest.mark.parametrize(("worth", "share"), [(-HALF_TICK * 0.99, 0.0), (-HALF_TICK * 1.01, 0.5), (0.001, 0.0)])
def test_what_no_quote_could_show_is_no_breach(worth: float, share: float):
    found = breaches(np.array([1.0, worth, np.nan]))
    assert found.counted == 2
    assert found.share == share
    assert found.worst == max(-worth, 0.0)


def test_of_nothing_there_is_no_share():
    found = breaches(np.array([np.nan]))
    assert found.counted == 0
    assert np.isnan(found.share)
