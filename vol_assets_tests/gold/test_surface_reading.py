"""The reading of a surface: against the sample market's true surface, and by hand where a year is needed."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from sample_inputs import CALM, STRESSED, crossed_inputs, earlier, sample_inputs

from vol_assets import clock
from vol_assets.gold.implied import read_surface
from vol_assets.gold.inputs import GoldInputs
from vol_assets.gold.report import SurfaceReading
from vol_assets.quant.black import black_price
from vol_assets.sources.sample import true_surface
from vol_assets.surfaces.fit import surface_of

NO_INDEX = pd.Series(dtype=float)
RATE = 0.04


def reading(inputs: GoldInputs, gvz: pd.Series = NO_INDEX) -> SurfaceReading:
    return read_surface(inputs, surface_of(inputs.surface), RATE, gvz)


def index(inputs: GoldInputs, levels: np.ndarray) -> pd.Series:
    days = clock.sessions(clock.offset(inputs.session, 1 - len(levels)), inputs.session)
    return pd.Series(levels, pd.DatetimeIndex(days))


@pytest.mark.parametrize("session", [CALM, STRESSED])
def test_the_term_structure_and_the_forward_vols_are_the_simulator_s(session):
    found, truth = reading(sample_inputs(session)), true_surface("GLD", session)
    listed = [each for each in found.expirations if 14 <= each.days <= 366]
    years = np.array([each.years for each in listed])
    assert np.abs([each.atm_vol for each in listed] - truth.atm_vol(years)).max() < 0.0015
    ends = np.array([(each.from_days, each.to_days) for each in found.forward_vols if 25 < each.to_days < 366]) / 365
    variance = truth.atm_vol(ends) ** 2 * ends
    true = np.sqrt((variance[:, 1] - variance[:, 0]) / (ends[:, 1] - ends[:, 0]))
    vols = np.array([each.forward_vol for each in found.forward_vols if 25 < each.to_days < 366])
    # A vol error of e at both ends is up to e (T1 + T2) / (T2 - T1) in the forward vol between them.
    leverage = ends.sum(axis=1) / (ends[:, 1] - ends[:, 0])
    assert (np.abs(vols - true) / leverage).max() < 0.0015


def test_the_25_delta_vols_give_back_risk_reversal_and_butterfly():
    for each in reading(sample_inputs()).expirations:
        assert each.call25_vol - each.put25_vol == pytest.approx(each.rr25, abs=1e-14)
        assert 0.5 * (each.call25_vol + each.put25_vol) - each.atm_vol == pytest.approx(each.bf25, abs=1e-14)


def test_forward_variances_add_up_to_the_total_variance():
    found = reading(sample_inputs())
    total = sum(each.forward_vol**2 * (each.to_days - each.from_days) / 365 for each in found.forward_vols)
    last = found.expirations[-1]
    assert total == pytest.approx(last.atm_vol**2 * last.years, rel=1e-12)


def test_where_an_expiration_had_to_be_lifted_there_is_no_forward_vol():
    found = reading(crossed_inputs())
    lifted = ["lifted" in each.flags for each in found.expirations]
    assert lifted[3:5] == [True, True]
    assert [each.forward_vol is None for each in found.forward_vols[:6]] == [False, False, False, True, True, False]


def test_every_fitted_quote_of_a_year_is_on_its_smile_and_the_fit_runs_through_bid_and_ask():
    inputs = sample_inputs()
    found = reading(inputs)
    fitted = inputs.quotes[inputs.quotes["role"] == "fit"]
    inside = []
    for curve in found.smiles:
        assert len(curve.quotes) == (fitted["expiration"] == pd.Timestamp(curve.expiration)).sum()
        for quote in curve.quotes:
            vol = np.interp(quote.k, curve.k, curve.vol)
            inside.append(quote.bid_vol - 5e-4 <= vol <= quote.ask_vol + 5e-4)
    assert np.mean(inside) > 0.95
    assert max(curve.days for curve in found.smiles) <= 400


def test_greeks_are_the_derivatives_of_the_price():
    inputs = sample_inputs()
    surface = surface_of(inputs.surface)
    found = reading(inputs).greeks
    years, step = found.days / 365, 0.01
    smile = surface.smiles([years])
    strike = np.array(found.strike)
    vol = smile.vol(np.log(strike / smile.forward[0]))[0]
    growth = smile.forward[0] / surface.spot

    def value(spot: float, vol: np.ndarray) -> np.ndarray:
        return np.exp(-RATE * years) * black_price(spot * growth, strike, years, vol, "C")

    spot = surface.spot
    gamma = (value(spot + step, vol) - 2 * value(spot, vol) + value(spot - step, vol)) / step**2
    assert np.allclose(found.dollar_gamma, gamma * spot**2 / 100, rtol=1e-4, atol=1e-4)
    vega = (value(spot, vol + 1e-4) - value(spot, vol - 1e-4)) / 2e-4
    assert np.allclose(found.vega, vega / 100, rtol=1e-5, atol=1e-9)


def test_a_rank_is_among_the_tenor_s_own_year_once_it_is_stored():
    inputs = sample_inputs()
    now = float(inputs.tenors.set_index("tenor_days").loc[30, "atm_vol"])
    vols = [now - 0.02] * 100 + [now + 0.06] * 151
    year = dataclasses.replace(inputs, earlier_tenors=earlier(inputs, vols))
    ranks = {rank.days: rank for rank in reading(year).ranks}
    assert ranks[30].source == "tenors"
    assert ranks[30].rank == pytest.approx(0.25)
    assert ranks[30].percentile == pytest.approx(100 / 251)
    assert (ranks[60].rank, ranks[60].source) == (None, None)
    assert ranks[60].why_not == "1 of 252 sessions are stored"


def test_until_a_year_is_stored_gvz_ranks_the_thirty_days_and_nothing_else():
    inputs = sample_inputs()
    levels = np.linspace(0.10, 0.20, 300)
    ranks = {rank.days: rank for rank in reading(inputs, index(inputs, levels)).ranks}
    assert (ranks[30].source, ranks[30].rank, ranks[30].percentile, ranks[30].now) == ("gvz", 1.0, 1.0, 0.20)
    assert ranks[30].sessions == 252
    assert ranks[91].rank is None


def test_a_gvz_of_another_day_ranks_nothing():
    inputs = sample_inputs()
    stale = index(inputs, np.linspace(0.1, 0.2, 300)).iloc[:-1]
    assert {rank.source for rank in reading(inputs, stale).ranks} == {None}


def test_bands_are_percentiles_of_what_is_stored_and_need_sixty_sessions():
    inputs = sample_inputs()
    vols = list(np.linspace(0.1, 0.2, 59))
    few = reading(dataclasses.replace(inputs, earlier_tenors=earlier(inputs, vols[:58])))
    assert few.bands == ()
    enough = reading(dataclasses.replace(inputs, earlier_tenors=earlier(inputs, vols)))
    bands = {(band.days, band.what): band for band in enough.bands}
    history = np.append(0.1 * np.array(vols), bands[30, "rr25"].now)
    assert bands[30, "rr25"].p90 == pytest.approx(np.quantile(history, 0.9))
    assert bands[30, "rr25"].sessions == 60
    assert set(bands) == {(30, "rr25"), (30, "bf25")}


def test_earlier_term_structures_are_of_one_five_and_21_sessions_before_and_missing_ones_are_left_out():
    inputs = sample_inputs()
    found = reading(dataclasses.replace(inputs, earlier_tenors=earlier(inputs, list(np.arange(1, 11) / 100))))
    assert [(each.ago, each.atm_vol) for each in found.earlier] == [("day", (0.10,)), ("week", (0.06,))]
    assert found.earlier[1].session == clock.offset(inputs.session, -5)
