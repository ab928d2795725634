"""The simulated option chains: quotes around the truth, contracts that a calendar lists, and a little dirt."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from vol_assets import clock
from vol_assets.contracts.chains import RAW_CHAINS
from vol_assets.errors import SessionError, SourceError
from vol_assets.quant import black_price, black_vega, implied_vol
from vol_assets.sources.protocol import CHAIN_COLUMNS
from vol_assets.sources.sample import SampleMarket, listings, true_surface
from vol_assets.sources.sample.chains import NOISE, honest_quotes

CALM, WILDEST, LAST = dt.date(2014, 6, 18), dt.date(2032, 5, 20), dt.date(2035, 12, 31)
BOTH = pytest.mark.parametrize("underlying", ["SPY", "GLD"])
SESSIONS = pytest.mark.parametrize("session", [CALM, WILDEST, LAST, dt.date(2007, 4, 11)], ids=str)


def quotes(underlying: str, session: dt.date) -> pd.DataFrame:
    (chain,) = SampleMarket().option_chains(underlying, session, session)
    return chain.quotes


def honest(underlying: str, session: dt.date) -> pd.DataFrame:
    close = clock.close_instant(session).tz_localize(None).to_numpy().astype("datetime64[us]")
    return pd.DataFrame(honest_quotes(true_surface(underlying, session), close))


def without_clock(table: pd.DataFrame) -> pd.DataFrame:
    return table.drop(columns="fetched_at")


# The answer


@BOTH
@SESSIONS
def test_a_chain_meets_the_contract_of_the_raw_table(underlying, session):
    table = quotes(underlying, session)
    assert tuple(table.columns) == CHAIN_COLUMNS
    contract = RAW_CHAINS[underlying]
    contract.require(table.assign(source="sample")[list(contract.columns)])


@BOTH
def test_a_session_is_the_same_alone_and_in_a_range(underlying):
    first, last = dt.date(2020, 8, 27), dt.date(2020, 9, 2)  # across SPY's split
    for chain in SampleMarket().option_chains(underlying, first, last):
        pd.testing.assert_frame_equal(
            without_clock(quotes(underlying, chain.session)), without_clock(chain.quotes), check_exact=True
        )


def test_chains_come_in_order_one_a_session_as_they_are_asked_for():
    days = clock.sessions("2019-11-25", "2019-12-02")
    chains = SampleMarket().option_chains("GLD", days[0], days[-1])
    assert next(chains).session == days[0]
    assert [chain.session for chain in chains] == days[1:]


def test_quotes_are_of_the_close_also_on_a_half_day():
    table = quotes("SPY", dt.date(2019, 11, 29))
    assert (table.quote_time == pd.Timestamp("2019-11-29 13:00", tz="America/New_York")).all()
    assert (table.date == pd.Timestamp(2019, 11, 29)).all()


def test_a_chain_is_fetched_now_but_never_before_its_close():
    future = quotes("SPY", LAST)
    assert (future.fetched_at == future.quote_time).all()
    now = pd.Timestamp.now(tz="UTC").floor("us")
    assert (quotes("SPY", CALM).fetched_at >= now).all()


def test_the_rate_is_irx_as_a_zero_rate():
    table, surface = quotes("GLD", CALM), true_surface("GLD", CALM)
    assert (table.rate == surface.rate).all()
    assert set(table.rate_source) == {"IRX"}
    assert (table.rate_tenor_days == 91.0).all()
    assert (table.rate_age_sessions == 0.0).all()


def test_an_unknown_underlying_and_an_impossible_range_are_refused_at_once():
    market = SampleMarket()
    with pytest.raises(SourceError, match="QQQ"):
        market.option_chains("QQQ", CALM, CALM)
    with pytest.raises(SourceError, match=r"2007-04-11 \.\.\. 2035-12-31"):
        market.option_chains("SPY", CALM, dt.date(2036, 1, 2))
    with pytest.raises(SessionError, match="Good Friday"):
        market.option_chains("SPY", dt.date(2019, 4, 19), dt.date(2019, 4, 22))


# What is listed


@BOTH
@SESSIONS
def test_expirations_reach_from_days_to_two_years_with_sixty_strikes_each(underlying, session):
    listed = honest(underlying, session)
    by_expiration = listed.groupby("expiration")
    assert len(by_expiration) >= 16
    assert listed.years.min() < 8 / 365
    assert 1.3 < listed.years.max() < 2.1
    assert 40 < by_expiration.strike.nunique().median() < 90
    assert (by_expiration.strike.nunique() >= 4).all()
    pairs = listed.groupby(["expiration", "strike"])["right"].agg("".join)
    assert (pairs == "CP").all()


def test_weeklies_are_the_next_six_fridays_or_the_session_before():
    days = listings.expirations(dt.date(2019, 4, 10)).day[:6].astype(str).tolist()
    assert days == ["2019-04-12", "2019-04-18", "2019-04-26", "2019-05-03", "2019-05-10", "2019-05-17"]  # Good Friday


def test_an_expiration_of_today_is_not_listed_any_more():
    assert listings.expirations(dt.date(2019, 4, 18)).day[0] == np.datetime64("2019-04-26")


def test_months_go_out_a_year_quarters_further_and_january_two_years():
    far = listings.expirations(dt.date(2024, 1, 10))
    days = pd.DatetimeIndex(far.day[far.monthly])
    assert set(days.month[days < "2025-01-20"]) == set(range(1, 13))
    assert days[days > "2025-01-20"].strftime("%Y-%m-%d").tolist() == ["2025-03-21", "2025-06-20", "2026-01-16"]
    assert (days.day_of_week == 4).all()


def test_time_runs_to_the_close_of_the_expiration():
    listed = listings.expirations(dt.date(2019, 11, 22))
    assert listed.day[0] == np.datetime64("2019-11-29")
    assert listed.close[0] == np.datetime64("2019-11-29T18:00")  # the half day after Thanksgiving
    assert listings.expirations(LAST).close[-1] == np.datetime64("2037-06-19T20:00")  # beyond the exchange calendar


def test_strikes_are_on_a_grid_and_spread_with_time():
    for session in (CALM, WILDEST):
        listed = honest("SPY", session)
        assert (listed.strike % 0.5 == 0.0).all()
        assert listed.groupby("expiration").stdevs.agg(lambda z: z.abs().min()).max() < 0.3
        span = listed.groupby("years").strike.agg(lambda strikes: np.log(strikes.max() / strikes.min()))
        assert span.iloc[-1] > 4.0 * span.iloc[0]


# Quotes around the truth


@BOTH
@SESSIONS
def test_bid_and_ask_bracket_the_true_american_price_on_the_tick(underlying, session):
    table = honest(underlying, session)
    assert np.isfinite(table.price).all()
    assert (table.bid <= table.price + 1e-6).all()
    assert (table.ask >= table.price - 1e-6).all()
    assert (table.ask - table.bid > table.tick - 1e-9).all()
    for side in (table.bid, table.ask):
        assert np.abs(side / table.tick - np.round(side / table.tick)).max() < 1e-6


@BOTH
@SESSIONS
def test_an_american_option_is_worth_no_less_than_exercise_and_the_european(underlying, session):
    table, surface = honest(underlying, session), true_surface(underlying, session)
    vol, forward = surface.implied_vol(table.k, table.years), surface.forward(table.years)
    right = table.right.to_numpy()
    european = np.exp(-surface.rate * table.years) * black_price(forward, table.strike, table.years, vol, right)
    exercise = np.where(right == "C", 1.0, -1.0) * (surface.spot - table.strike)
    tolerance = 0.002 + 1e-4 * european
    assert (table.price >= european - tolerance).all()
    assert (table.price >= exercise - tolerance).all()
    if underlying == "GLD":  # pays nothing: a call is never exercised early
        call = right == "C"
        assert np.abs(table.price - european)[call].max() < 0.01


def test_the_smile_can_be_read_off_the_quotes():
    """Calls of GLD above the forward are European: the vol of their mid is the surface's."""
    table, surface = honest("GLD", CALM), true_surface("GLD", CALM)
    table = table[(table.right == "C") & table.stdevs.between(0.0, 1.5) & (table.years > 0.05)]
    growth = np.exp(surface.rate * table.years)
    read = implied_vol(
        growth * 0.5 * (table.bid + table.ask), surface.forward(table.years), table.strike, table.years, "C"
    )
    assert np.abs(read - surface.implied_vol(table.k, table.years)).max() < 0.01
    assert np.abs(np.mean(read - surface.implied_vol(table.k, table.years))) < 0.001


@pytest.mark.parametrize(("underlying", "factor"), [("SPY", 1.5), ("GLD", 1.0)])  # gold's calm had the coarser tick
def test_spreads_widen_in_the_wings_with_time_and_with_volatility(underlying, factor):
    def width(session: dt.date) -> pd.DataFrame:
        table, surface = honest(underlying, session), true_surface(underlying, session)
        vol = surface.implied_vol(table.k, table.years)
        vega = black_vega(surface.forward(table.years), table.strike, table.years, vol)
        table = table.assign(dollars=table.ask - table.bid, vol=(table.ask - table.bid) / vega)
        return table[(table.right == np.where(table.k < 0, "P", "C")) & (table.bid > 0.0)]

    calm, wild = width(CALM), width(WILDEST)
    near, wing = calm.stdevs.abs() < 0.5, calm.stdevs.abs() > 2.0
    assert calm.vol[wing].median() > 1.5 * calm.vol[near].median()
    assert calm.dollars[near & (calm.years > 0.7)].median() > 2.0 * calm.dollars[near & (calm.years < 0.2)].median()
    assert wild.vol[wild.stdevs.abs() < 0.5].median() > factor * calm.vol[near].median()


def test_mids_are_off_the_truth_by_a_lasting_unbiased_part_of_the_spread():
    def noise(session: dt.date) -> pd.Series:
        table = honest("SPY", session)
        table = table[(table.ask - table.bid > 0.08) & (table.bid > 0.0)].set_index(["expiration", "strike", "right"])
        return (0.5 * (table.bid + table.ask) - table.price) / (0.5 * (table.ask - table.bid))

    today, tomorrow = noise(CALM), noise(dt.date(2014, 6, 19))
    assert today.mean() == pytest.approx(0.0, abs=0.03)
    assert today.std() == pytest.approx(NOISE, abs=0.05)
    assert 0.5 < today.corr(tomorrow.reindex(today.index)) < 0.95


@BOTH
def test_far_strikes_have_no_bid(underlying):
    table = honest(underlying, CALM)
    assert 0.02 < (table.bid == 0.0).mean() < 0.3
    assert (table.bid[(table.stdevs.abs() < 1.0) & (table.years > 0.1)] > 0.0).all()


def test_trading_gathers_near_the_money_and_at_round_strikes():
    table = honest("SPY", CALM)
    for count in (table.volume, table.open_interest):
        assert (count >= 0.0).all()
        assert (count == count.round()).all()
        assert count[table.stdevs.abs() < 1.0].median() > 4.0 * count[table.stdevs.abs() > 3.0].median()
    near = table.stdevs.abs() < 2.0
    round_strike = table.strike % 25.0 == 0.0
    assert table.open_interest[near & round_strike].mean() > 1.5 * table.open_interest[near & ~round_strike].mean()


# Dirt


@BOTH
@SESSIONS
def test_a_few_quotes_of_every_kind_are_bad_and_the_others_are_as_they_were(underlying, session):
    table, clean, spot = (
        quotes(underlying, session),
        honest(underlying, session),
        true_surface(underlying, session).spot,
    )
    kept = table.iloc[: len(clean)]
    assert ((kept.bid == clean.bid) & (kept.ask == clean.ask)).mean() > 0.98
    assert ((kept.bid > kept.ask) & (kept.ask > 0.0)).any()  # crossed
    assert ((kept.bid == kept.ask) & (kept.bid > 0.0)).any()  # locked
    assert ((kept.ask == 0.0) & (kept.bid == 0.0)).any()
    assert kept.bid.isna().any()
    intrinsic = np.maximum(np.where(kept.right == "C", spot - kept.strike, kept.strike - spot), 0.0)
    assert (kept.ask < 0.9 * intrinsic)[kept.ask > 0.0].any()
    assert (kept.ask - kept.bid > 10.0 * (clean.ask - clean.bid)).any()

    added = table.iloc[len(clean) :]
    day = pd.Timestamp(session)
    assert (added.expiration < day).any()
    assert (added.expiration == day).any()
    mini = added.root == f"{underlying}7"
    assert mini.any()
    assert added.nonstandard.equals(mini.rename("nonstandard"))
    assert not kept.nonstandard.any()
    alive = added[(added.expiration > day) & ~mini]
    assert len(alive) == 2
    repeated = alive.merge(kept, on=["expiration", "strike", "right"], suffixes=("", "_first"))
    assert (repeated.ask > repeated.ask_first).all()
    assert len(added) < 60
