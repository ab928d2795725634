"""States of the smile against the surfaces they are read from, and the way there and back."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from poll_frames import at, market_poll, plain_poll, plain_surface

from vol_assets import clock
from vol_assets.contracts.surfaces import SURFACES
from vol_assets.curation.chains import curate_chain
from vol_assets.errors import ContractError
from vol_assets.quant import black_price
from vol_assets.smiles import (
    COVARIATES,
    NODES,
    TENOR_DAYS,
    SmileState,
    daily_state,
    features,
    input_names,
    live_state,
    session_clock,
    smile_vols,
)
from vol_assets.smiles.state import FEWEST_QUOTES
from vol_assets.sources.sample import SampleMarket, TrueSurface, live_surface, true_surface
from vol_assets.surfaces.fit import surface_rows

NOON = at("2024-03-15", "12:00")
DAYS = ("2024-03-15", "2024-03-22", "2024-04-19", "2024-05-17")  # the first ends today
INNER = np.abs(NODES) < 1.4


def state_of(quotes: pd.DataFrame, rate: float = 0.0, opening: float = 100.0) -> SmileState:
    return live_state(features(quotes, rate, opening).used)


def true_log_vols(surface: TrueSurface, years: np.ndarray) -> np.ndarray:
    k = NODES * np.sqrt(surface.term_structure(years))[:, None]
    return np.log(surface.implied_vol(k, years[:, None]))


# From quotes


@pytest.mark.parametrize("instant", [NOON, at("2024-11-29", "10:30"), at("2032-05-20", "15:00")], ids=str)
def test_the_state_of_exact_quotes_is_the_true_smile_at_its_nodes(instant):
    session = instant.astimezone(clock.NEW_YORK).date()
    days = tuple(str(clock.offset(session, count)) for count in (0, 5, 22, 42))
    state, surface = state_of(plain_poll(instant, days, half_spread=5e-4)), plain_surface(instant)
    miss = state.log_vol - true_log_vols(surface, state.years)
    assert np.abs(miss[:, INNER]).max() < 0.002
    assert np.abs(miss).max() < 0.01
    assert state.expirations.astype(str).tolist() == list(days)
    assert state.forward == pytest.approx(np.full(4, surface.spot), rel=1e-9)
    assert state.ts == instant.floor("min")


def test_noise_of_quotes_moves_the_state_less_than_the_market_does():
    misses, truths = [], []
    for minute in range(8):
        instant = NOON + pd.Timedelta(minutes=minute)
        surface = live_surface("SPY", instant)
        state = state_of(market_poll(instant), surface.rate, surface.spot)
        truths.append(true_log_vols(surface, state.years))
        misses.append(state.log_vol - truths[-1])
    noise, moves = np.diff(misses, axis=0).std(axis=0), np.diff(truths, axis=0).std(axis=0)
    assert noise[:, INNER].mean() < 0.4 * moves[:, INNER].mean()
    assert np.abs(misses).max() < 0.03


def test_a_stray_quote_hardly_moves_the_state():
    quotes = plain_poll(NOON, DAYS, half_spread=5e-4)
    stray = quotes.copy()
    put = quotes.index[(quotes.expiration == pd.Timestamp(DAYS[2])) & (quotes.right == "P")][4]
    stray.loc[put, ["bid", "ask"]] *= 1.3  # 9 % of its vol
    moved = np.abs(state_of(stray).log_vol - state_of(quotes).log_vol)
    assert 0.0 < moved[2].max() < 0.006
    assert moved[[0, 1, 3]].max() < 1e-4


def test_many_more_quotes_give_the_same_state():
    surface = live_surface("SPY", NOON)
    few, many = (
        state_of(market_poll(NOON, exact=True, strikes=strikes), surface.rate, surface.spot) for strikes in (16, 60)
    )
    assert np.abs(few.log_vol - many.log_vol)[:, INNER].max() < 0.005


def test_covariates_are_those_of_the_features():
    quotes = plain_poll(NOON, DAYS)
    state = state_of(quotes, opening=float(quotes.underlying[0]) * 0.98)
    assert dict(zip(COVARIATES, state.covariates)) == pytest.approx(
        {**session_clock(NOON)._asdict(), "spot_return": -np.log(0.98)}
    )


def test_inputs_are_named_one_by_one():
    state = state_of(plain_poll(NOON, DAYS))
    named = dict(zip(input_names(4), state.inputs, strict=True))
    assert len(named) == 4 * 8 + 4 + 4
    assert named["log_vol_0_-2.0"] == state.log_vol[0, 0]
    assert named["log_vol_3_+1.5"] == state.log_vol[3, -1]
    assert named["years_2"] == state.years[2]
    assert named["minutes_since_open"] == 150.0


def test_an_expiration_with_few_strikes_out_of_the_money_is_left_out():
    quotes = plain_poll(NOON, DAYS)
    outside = quotes.right == np.where(quotes.strike < quotes.underlying, "P", "C")
    middle = np.abs(np.log(quotes.strike / quotes.underlying)).groupby(quotes.expiration).rank(method="dense")
    thin = (quotes.expiration == pd.Timestamp(DAYS[2])) & (middle > FEWEST_QUOTES - 1)
    assert state_of(quotes[~thin]).expirations.astype(str).tolist() == [DAYS[0], DAYS[1], DAYS[3]]
    enough = (quotes.expiration == pd.Timestamp(DAYS[2])) & (middle > FEWEST_QUOTES)
    assert len(state_of(quotes[~enough]).expirations) == 4
    only = features(quotes, 0.0, 100.0).used[outside & (middle < 3)]
    nothing = live_state(only)
    assert (len(nothing.expirations), nothing.log_vol.shape) == (0, (0, 8))


def test_no_features_and_two_polls_at_once_are_refused():
    used = features(plain_poll(NOON, DAYS), 0.0, 100.0).used
    with pytest.raises(ContractError, match="one poll"):
        live_state(used[:0])
    with pytest.raises(ContractError, match="of 2"):
        live_state(pd.concat([used, used.assign(ts=used.ts + pd.Timedelta(minutes=1))]))
    with pytest.raises(ContractError, match="skip the session"):
        daily_state(SURFACES["SPY"].empty(), 200.0)


# There and back


@pytest.fixture(scope="module")
def state() -> SmileState:
    return state_of(plain_poll(NOON, DAYS, half_spread=5e-4))


def test_at_its_nodes_a_state_gives_back_its_vols(state):
    at_money = np.exp(state.log_vol[:, NODES == 0.0]) * np.sqrt(state.years)[:, None]
    found = smile_vols(state.log_vol, state.years, state.years.repeat(8), (NODES * at_money).ravel())
    assert found == pytest.approx(np.exp(state.log_vol).ravel(), rel=1e-12)


def test_between_its_nodes_a_state_gives_back_the_true_smile():
    surface = plain_surface(NOON)
    years = np.array([1, 7, 28, 63]) / 365
    z = np.linspace(-2.0, 1.5, 29)
    k = z * np.sqrt(surface.term_structure(years))[:, None]
    found = smile_vols(true_log_vols(surface, years), years, years.repeat(29), k.ravel())
    assert found == pytest.approx(surface.implied_vol(k, years[:, None]).ravel(), rel=1.5e-3)


def test_at_the_strikes_of_its_quotes_a_state_gives_back_their_vols():
    surface = live_surface("SPY", NOON)
    used = features(market_poll(NOON), surface.rate, surface.spot).used
    state = live_state(used)
    found = smile_vols(state.log_vol, state.years, used.years.to_numpy(), used.log_moneyness.to_numpy())
    off = (found - used.implied_vol) * used.vega
    assert np.median(np.abs(off)) < 0.02  # USD
    pairs = used.assign(found=found).groupby(["expiration", "strike"]).found.agg(["nunique", "size"])
    assert (pairs["nunique"] == 1).all()  # one vol for C and P
    assert (pairs["size"] == 2).any()


def test_a_predicted_move_of_the_level_moves_every_vol_by_as_much_at_fixed_stdevs(state):
    years, z = state.years.repeat(5), np.tile([-2.4, -1.2, 0.0, 0.7, 1.9], 4)

    def vols(log_vol: np.ndarray) -> np.ndarray:
        at_money = (np.exp(log_vol[:, 4]) * np.sqrt(state.years)).repeat(5)
        return smile_vols(log_vol, state.years, years, z * at_money)

    assert vols(state.log_vol + 0.05) == pytest.approx(np.exp(0.05) * vols(state.log_vol), rel=1e-12)


def test_a_cubic_in_stdevs_comes_back_exactly_and_a_flat_smile_is_flat_everywhere():
    years = np.array([0.1])
    z = np.linspace(-2.0, 1.5, 23)

    def curve(z: np.ndarray) -> np.ndarray:
        return -1.6 - 0.1 * z + 0.03 * z**2 + 0.004 * z**3

    k = z * np.exp(-1.6) * np.sqrt(0.1)
    assert smile_vols(curve(NODES)[None], years, np.full(23, 0.1), k) == pytest.approx(np.exp(curve(z)), rel=1e-12)
    flat = np.full((1, 8), np.log(0.2))
    assert smile_vols(flat, years, np.full(41, 0.1), np.linspace(-3, 3, 41)) == pytest.approx(np.full(41, 0.2))


def test_between_two_expirations_total_variance_is_linear_at_fixed_stdevs_and_outside_vols_stay():
    years, log_vol = np.array([0.1, 0.4]), np.log([np.full(8, 0.3), np.full(8, 0.2)])
    asked = np.array([0.05, 0.1, 0.2, 0.4, 0.9])
    found = smile_vols(log_vol, years, asked, np.zeros(5))
    middle = np.sqrt((2 / 3 * 0.3**2 * 0.1 + 1 / 3 * 0.2**2 * 0.4) / 0.2)
    assert found == pytest.approx([0.3, 0.3, middle, 0.2, 0.2], rel=1e-12)


def test_less_time_left_keeps_a_node_in_its_place(state):
    """A state that is held until an hour later has the same vols at strikes that are as many stdevs away."""
    later = state.years - 3600 / (365 * 86400)
    k = 0.9 * np.exp(state.log_vol[:, 4]) * np.sqrt(state.years)
    now, then = (
        smile_vols(state.log_vol, years, years, k * np.sqrt(years / state.years)) for years in (state.years, later)
    )
    assert now == pytest.approx(then, rel=1e-12)


@pytest.mark.parametrize("lean", [-0.35, 0.0, 0.35])
def test_beyond_its_nodes_a_smile_stays_positive_and_reasonable(lean):
    years = np.array([0.1])
    log_vol = (np.log(0.2) + lean * NODES)[None]
    z = np.linspace(-8.0, 8.0, 161)
    vols = smile_vols(log_vol, years, np.full(161, 0.1), z * 0.2 * np.sqrt(0.1))
    assert (vols > 0.05).all()
    assert (vols < 2.0).all()
    assert np.abs(np.diff(np.log(vols))).max() < 0.06


def test_a_smile_between_its_nodes_has_no_butterfly(state):
    z = np.linspace(-2.0, 1.5, 71)
    for years, log_vol in zip(state.years, state.log_vol):
        k = z * np.exp(log_vol[4]) * np.sqrt(years)
        vols = smile_vols(state.log_vol, state.years, np.full(71, years), k)
        calls = black_price(1.0, np.exp(k), years, vols, "C")
        slopes = np.diff(calls) / np.diff(np.exp(k))
        assert (np.diff(slopes) > 0.0).all()


# From a session's surface


@pytest.fixture(scope="module", params=["2024-03-15", "2024-11-29"], ids=str)
def session_rows(request) -> pd.DataFrame:
    day = pd.Timestamp(request.param).date()
    (chain,) = SampleMarket().option_chains("SPY", day, day)
    return surface_rows(curate_chain(chain.quotes.assign(source="sample")))


def test_the_state_of_a_session_is_the_true_smile_at_its_tenors(session_rows):
    day = session_rows.date.iloc[0].date()
    state = daily_state(session_rows, 200.0)
    true = true_surface("SPY", day)
    years = np.array(TENOR_DAYS) / 365
    assert state.years == pytest.approx(years)
    assert np.abs(state.log_vol - true_log_vols(true, years))[:, INNER].max() < 0.02
    assert state.forward == pytest.approx(true.forward(years), rel=2e-4)
    assert state.ts == clock.close_instant(day)
    assert (state.expirations - np.datetime64(day, "D")).astype(int).tolist() == list(TENOR_DAYS)
    minutes = {"2024-03-15": 390.0, "2024-11-29": 210.0}[str(day)]
    assert state.covariates[2] == minutes
    assert state.covariates[3] == pytest.approx(np.log(session_rows.spot.iloc[0] / 200.0), rel=1e-12)
    assert len(state.inputs) == len(input_names(len(TENOR_DAYS)))


def test_a_sessions_state_gives_back_the_vols_of_its_surface_also_between_the_tenors(session_rows):
    state = daily_state(session_rows, np.nan)
    assert np.isnan(state.covariates[3])
    true = true_surface("SPY", session_rows.date.iloc[0].date())
    years = np.array([10, 40, 80]) / 365
    z = np.array([-1.5, -0.7, 0.0, 0.8, 1.4])
    k = z * np.sqrt(true.term_structure(years))[:, None]
    found = smile_vols(state.log_vol, state.years, years.repeat(5), k.ravel())
    assert found == pytest.approx(true.implied_vol(k, years[:, None]).ravel(), rel=0.03)


def test_a_state_is_immutable(state):
    with pytest.raises(AttributeError):
        state.years = np.zeros(4)
    assert replace(state, years=2.0 * state.years).years[0] == 2.0 * state.years[0]
