"""The true surface of the sample market: free of static arbitrage, on the volatility indices, and like a real smile."""

from __future__ import annotations

import datetime as dt
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.special import ndtr

from vol_assets import clock
from vol_assets.errors import SessionError, SourceError
from vol_assets.sources.sample import SampleMarket, TrueSurface, true_surface
from vol_assets.sources.sample.smiles import CONVEXITY_LIMIT, RHO_LIMIT
from vol_assets.sources.sample.surface import Smile, TermStructure

CALM, INVERTED, WILDEST = dt.date(2014, 6, 18), dt.date(2021, 8, 6), dt.date(2032, 5, 20)
SESSIONS = [CALM, INVERTED, WILDEST, dt.date(2007, 4, 11), dt.date(2013, 2, 28), dt.date(2035, 12, 31)]
BOTH = pytest.mark.parametrize("underlying", ["SPY", "GLD"])
YEARS = np.array([1, 2, 5, 9, 10, 21, 30, 31, 60, 93, 94, 182, 183, 365, 366, 730, 900]) / 365
MONTH = 30 / 365


def durrleman(surface: TrueSurface, years: np.ndarray) -> np.ndarray:
    """g(k) of Gatheral and Jacquier (2014, eq. 2.1) from differences of w: at least 0 where there is no butterfly."""
    sd = np.sqrt(surface.term_structure(years))[:, None]
    k, h = sd * np.sinh(np.linspace(-4.0, 4.0, 161)), 2e-3 * sd
    low, w, high = (surface.total_variance(k + step, years[:, None]) for step in (-h, 0.0, h))
    slope, bend = (high - low) / (2 * h), (high - 2 * w + low) / h**2
    return (1 - k * slope / (2 * w)) ** 2 - slope**2 / 4 * (1 / w + 1 / 4) + bend / 2


def levels(session: dt.date) -> dict[str, float]:
    table = SampleMarket().daily_bars(("SPY", "GLD", "VIX", "VIX3M", "GVZ", "IRX"), session, session).bars
    return table.set_index("symbol")["close"].to_dict()


@pytest.fixture(scope="module")
def decade() -> dict[str, list[TrueSurface]]:
    """Every tenth session of ten years."""
    days = clock.sessions("2016-01-04", "2025-12-31")[::10]
    return {underlying: [true_surface(underlying, day) for day in days] for underlying in ("SPY", "GLD")}


# No static arbitrage


@BOTH
def test_no_slice_of_the_decade_has_a_butterfly(decade, underlying):
    for surface in decade[underlying] + [true_surface(underlying, day) for day in SESSIONS]:
        assert durrleman(surface, YEARS).min() > 0.0


@BOTH
def test_total_variance_increases_in_time_at_every_strike_also_when_the_term_structure_is_inverted(decade, underlying):
    wing = np.geomspace(1e-4, 6.0, 60)
    k = np.concatenate([-wing[::-1], [0.0], wing])
    years = np.union1d(YEARS, np.geomspace(0.5 / 365, 3.0, 60))[:, None]
    for surface in decade[underlying] + [true_surface(underlying, day) for day in SESSIONS]:
        assert (np.diff(surface.total_variance(k, years), axis=0) > 0.0).all()


def test_the_wings_obey_lees_bound():
    for day in SESSIONS:
        assert (true_surface("SPY", day).total_variance(np.array([-50.0, 50.0]), YEARS[:, None]) < 2.0 * 50.0).all()


@settings(max_examples=60, deadline=None)
@given(
    st.floats(-RHO_LIMIT, RHO_LIMIT),
    st.floats(-RHO_LIMIT, RHO_LIMIT),
    st.floats(0.05, CONVEXITY_LIMIT),
    st.lists(st.floats(1e-6, 0.3), min_size=2, max_size=8),
)
def test_any_smile_within_its_limits_and_any_rising_variance_are_free_of_arbitrage(short, long, convexity, increments):
    thetas = np.cumsum(increments)
    years = np.arange(1.0, len(thetas) + 1.0)
    surface = TrueSurface("SPY", CALM, 100.0, 0.0, 0.0, Smile(short, long, convexity), TermStructure(years, thetas))
    assert durrleman(surface, years).min() > -1e-6  # rounding of the second difference
    k = np.linspace(-4.0, 4.0, 81)
    w = surface.total_variance(k, np.linspace(0.1, years[-1] + 1.0, 40)[:, None])
    assert (np.diff(w, axis=0) > -1e-15).all()


def test_the_indices_never_ask_for_an_impossible_term_structure():
    """VIX3M^2 93 days below VIX^2 30 days would be an arbitrage."""
    bars = SampleMarket().daily_bars(("VIX", "VIX3M"), clock.FIRST_SESSION, clock.CALENDAR_END).bars
    close = bars.pivot(index="date", columns="symbol", values="close")
    assert (close["VIX"] / close["VIX3M"]).max() < 0.9 * np.sqrt(93 / 30)


# On the indices


@pytest.mark.parametrize("session", SESSIONS, ids=str)
def test_model_free_vols_are_the_indices_of_the_bars(session):
    level = levels(session)
    spy, gld = true_surface("SPY", session), true_surface("GLD", session)
    assert spy.model_free_vol(30 / 365) == pytest.approx(level["VIX"] / 100, rel=1e-10)
    assert spy.model_free_vol(93 / 365) == pytest.approx(level["VIX3M"] / 100, rel=1e-10)
    assert gld.model_free_vol(30 / 365) == pytest.approx(level["GVZ"] / 100, rel=1e-10)


@BOTH
@pytest.mark.parametrize("years", [1 / 365, 30 / 365, 2.0])
def test_model_free_vol_is_the_integral_over_all_strikes(underlying, years):
    surface = true_surface(underlying, WILDEST)
    sd = np.sqrt(surface.term_structure(years))
    ends = sd * np.array([-200.0, -20.0, -4.0, 0.0, 4.0, 20.0, 200.0])
    pieces = [
        quad(lambda k: float(surface.otm_price(k, years) * np.exp(-k)), *piece, epsabs=1e-16, epsrel=1e-11, limit=200)
        for piece in pairwise(ends)
    ]
    integral = sum(piece[0] for piece in pieces)
    assert surface.model_free_vol(years) ** 2 * years == pytest.approx(2.0 * integral, rel=1e-9)


@given(st.floats(1e-6, 0.2))
def test_the_variance_at_the_money_is_found_from_the_model_free_one(theta):
    for smile in (Smile(-0.62, -0.75, 0.85), Smile(0.9, -0.9, 1.35)):
        assert smile.at_the_money(smile.model_free_variance(theta)) == pytest.approx(theta, rel=1e-9)


def test_level_rate_and_carry_are_those_of_the_bars():
    level = levels(CALM)
    spy, gld = true_surface("SPY", CALM), true_surface("GLD", CALM)
    assert (spy.spot, gld.spot) == (level["SPY"], level["GLD"])
    bill = 1.0 - level["IRX"] / 100 * 91 / 360
    assert np.exp(-spy.rate * 91 / 365) == pytest.approx(bill, rel=1e-12)
    assert spy.carry == pytest.approx(0.019, rel=0.01)
    assert gld.carry == 0.0
    assert spy.forward(1.0) == pytest.approx(level["SPY"] * np.exp(spy.rate - spy.carry), rel=1e-12)


def test_the_surface_is_frozen_a_change_of_constants_or_streams_must_be_meant():
    """As `test_sample` says of the bars: whatever rests on the sample market's options has changed too."""
    years = np.array([9, 30, 93, 365]) / 365
    spy, gld = (true_surface(underlying, dt.date(2026, 11, 20)) for underlying in ("SPY", "GLD"))
    assert [spy.smile.rho_short, spy.smile.rho_long, spy.smile.convexity] == pytest.approx(
        [-0.72038338, -0.80576197, 0.85008605], rel=1e-7
    )
    assert spy.atm_vol(years) == pytest.approx([0.165941, 0.192032, 0.212944, 0.208864], abs=1e-6)
    assert [gld.smile.rho_short, gld.smile.rho_long, gld.smile.convexity] == pytest.approx(
        [-0.13546053, 0.02184699, 1.10602837], rel=1e-6
    )
    assert gld.atm_vol(years) == pytest.approx([0.139736, 0.139696, 0.133273, 0.135475], abs=1e-6)


# Reading it


def test_the_term_structure_goes_through_its_knots_and_on_in_a_line():
    years, thetas = np.array([0.1, 0.5, 1.0, 2.0]), np.array([0.001, 0.03, 0.031, 0.1])
    curve = TermStructure(years, thetas)
    assert curve(years) == pytest.approx(thetas, rel=1e-12)
    assert curve(0.0) == 0.0
    assert curve(np.array([3.0, 4.0])) == pytest.approx([0.169, 0.238])
    h = 1e-6
    assert (curve(years + h) - curve(years)) / h == pytest.approx((curve(years) - curve(years - h)) / h, abs=1e-4)


@BOTH
def test_a_strike_by_delta_has_that_delta(underlying):
    delta = np.array([0.02, 0.1, 0.25, 0.5, 0.75, 0.9, 0.98])
    for session in SESSIONS:
        surface = true_surface(underlying, session)
        k = surface.k_at_delta(delta, YEARS[:, None])
        s = np.sqrt(surface.total_variance(k, YEARS[:, None]))
        assert ndtr(-k / s + s / 2) == pytest.approx(np.broadcast_to(delta, k.shape), abs=1e-12)
        assert surface.vol_at_delta(delta, YEARS[:, None]) == pytest.approx(surface.implied_vol(k, YEARS[:, None]))


def test_arguments_broadcast_and_scalars_give_scalars():
    surface = true_surface("SPY", CALM)
    assert surface.implied_vol(np.zeros(5), YEARS[:3, None]).shape == (3, 5)
    for read in (surface.atm_vol, surface.model_free_vol, surface.forward):
        assert np.shape(read(YEARS)) == YEARS.shape
        assert np.ndim(read(0.25)) == 0
    assert surface.implied_vol(0.0, 0.25) == pytest.approx(surface.atm_vol(0.25), rel=1e-12)


def test_another_underlying_and_a_day_without_trading_are_refused():
    with pytest.raises(SourceError, match="QQQ"):
        true_surface("QQQ", CALM)
    with pytest.raises(SessionError, match="Good Friday"):
        true_surface("SPY", dt.date(2019, 4, 19))


# What makes it look like a market


def reversal(surface: TrueSurface, years: float) -> float:
    call, put = surface.vol_at_delta(np.array([0.25, 0.75]), years)
    return call - put


def test_spy_puts_are_four_to_five_points_dearer_than_calls(decade):
    month = np.array([reversal(surface, MONTH) for surface in decade["SPY"]])
    assert -0.055 < month.mean() < -0.035
    assert month.max() < -0.01


def test_gold_smiles_with_a_slight_preference_for_calls(decade):
    month = np.array([reversal(surface, MONTH) for surface in decade["GLD"]])
    assert 0.0 < month.mean() < 0.02
    assert (month < 0.0).any()
    for surface in decade["GLD"]:
        assert surface.vol_at_delta(np.array([0.1, 0.9]), MONTH).mean() > surface.atm_vol(MONTH)


def test_the_slope_of_spys_smile_decays_with_a_power_of_time(decade):
    years, h = np.array([7, 30, 91, 182, 365]) / 365, 1e-4
    for surface in decade["SPY"]:
        slope = (surface.implied_vol(h, years) - surface.implied_vol(-h, years)) / (2 * h)
        power = np.polyfit(np.log(years), np.log(-slope), 1)[0]
        assert -0.6 < power < -0.25


def test_skew_deepens_with_volatility_but_less_than_in_proportion(decade):
    month = np.array([-reversal(surface, MONTH) for surface in decade["SPY"]])
    vol = np.array([surface.model_free_vol(MONTH) for surface in decade["SPY"]])
    power = np.polyfit(np.log(vol), np.log(month), 1)[0]
    assert 0.4 < power < 1.0


def test_the_smile_moves_slowly_from_day_to_day():
    year = [true_surface("SPY", day) for day in clock.sessions("2018-01-02", "2018-12-31")]
    slope = np.array([reversal(surface, MONTH) / surface.atm_vol(MONTH) for surface in year])
    assert 0.8 < np.corrcoef(slope[1:], slope[:-1])[0, 1] < 0.995


@BOTH
def test_a_short_and_a_long_tenor_do_not_move_as_one(decade, underlying):
    slopes = [[reversal(surface, t) / surface.atm_vol(t) for t in (MONTH, 1.0)] for surface in decade[underlying]]
    assert np.corrcoef(np.transpose(slopes))[0, 1] < 0.95
