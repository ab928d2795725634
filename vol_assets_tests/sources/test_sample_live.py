"""The sample market between the closes: the bars' own path, surfaces without arbitrage, quotes around the truth."""

from __future__ import annotations

import datetime as dt
import hashlib
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from vol_assets import clock
from vol_assets.contracts.live import LIVE_HISTORY
from vol_assets.errors import SourceError
from vol_assets.quant import black_price
from vol_assets.sources.sample import (
    SampleMarket,
    TrueSurface,
    expected_surface,
    listings,
    live_quotes,
    live_surface,
    true_surface,
)
from vol_assets.sources.sample.chains import honest_quotes
from vol_assets.sources.sample.live_path import GRID, session_path

PINNED_SPOT, PINNED_VOLS = 247.71748070, [0.189875, 0.190432, 0.211537, 0.222235]  # 2026-11-20 12:34:56

CALM, WILDEST, HALF, FRIDAY = dt.date(2014, 6, 18), dt.date(2032, 5, 20), dt.date(2024, 7, 3), dt.date(2024, 3, 15)
SPLIT, EX_DIVIDEND, LAST = dt.date(2020, 8, 31), dt.date(2023, 6, 16), dt.date(2035, 12, 31)
BOTH = pytest.mark.parametrize("underlying", ["SPY", "GLD"])
SESSIONS = pytest.mark.parametrize("session", [CALM, WILDEST, HALF, SPLIT, EX_DIVIDEND, LAST], ids=str)
YEARS = np.array([3, 7, 28, 60]) / 365
STDEVS = np.array([-2.0, -1.5, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5])
MONTH = 30 / 365


def at(session: dt.date, time: str) -> pd.Timestamp:
    """A New York time of day as an instant in UTC."""
    return pd.Timestamp(f"{session} {time}", tz="America/New_York").tz_convert("UTC")


def log_vols(surface: TrueSurface) -> np.ndarray:
    """ln vol at STDEVS from the forward, (years, stdevs)."""
    k = STDEVS * np.sqrt(surface.term_structure(YEARS))[:, None]
    return np.log(surface.implied_vol(k, YEARS[:, None]))


def minutes(session: dt.date, step: int = 1) -> pd.DatetimeIndex:
    return pd.date_range(clock.open_instant(session), clock.close_instant(session), freq=f"{step}min")


def bar(underlying: str, session: dt.date) -> pd.Series:
    return SampleMarket().daily_bars((underlying,), session, session).bars.iloc[0]


def frame(underlying: str, instant: pd.Timestamp) -> pd.DataFrame:
    return pd.DataFrame(live_quotes(underlying, instant))


# From close to close


@BOTH
@SESSIONS
def test_at_the_close_the_surface_is_the_daily_one(underlying, session):
    live, daily = live_surface(underlying, clock.close_instant(session)), true_surface(underlying, session)
    assert (live.spot, live.session, live.carry) == (daily.spot, daily.session, daily.carry)
    assert live.term_structure.thetas == pytest.approx(daily.term_structure.thetas, rel=1e-12)
    assert vars(live.smile) == pytest.approx(vars(daily.smile), rel=1e-12)
    assert live.rate == pytest.approx(daily.rate, rel=1e-12)


@BOTH
def test_the_night_moves_the_surface_as_much_less_than_a_day_as_it_moves_spot(underlying):
    days = clock.sessions("2024-07-01", "2024-08-30")
    before = [log_vols(true_surface(underlying, clock.offset(day, -1))) for day in days]
    night = [log_vols(live_surface(underlying, clock.open_instant(day))) for day in days]
    day = [log_vols(true_surface(underlying, day)) for day in days]
    assert 0.5 < np.std(np.subtract(night, before)) / np.std(np.subtract(day, before)) < 0.8


@BOTH
@SESSIONS
def test_open_high_low_and_close_of_the_path_are_the_bars(underlying, session):
    spot, day = session_path(underlying, session).spot, bar(underlying, session)
    assert (spot[0], spot.max(), spot.min(), spot[-1]) == (day["open"], day["high"], day["low"], day["close"])
    assert live_surface(underlying, clock.open_instant(session)).spot == day["open"]


@BOTH
def test_spot_walks_at_random_and_no_step_stands_out(underlying):
    steps = [np.diff(np.log(session_path(underlying, day).spot)) for day in clock.sessions("2024-06-17", "2024-07-12")]
    fine = np.mean([np.sum(step**2) for step in steps])
    coarse = np.mean([np.sum(step.reshape(-1, 10).sum(axis=1) ** 2) for step in steps])
    assert 0.9 < fine / coarse < 1.15
    for step in steps:
        assert np.abs(step).max() < 10.0 * np.median(np.abs(step))
    ends, noon = (np.mean([np.mean(step[part] ** 2) for step in steps]) for part in (slice(100), slice(340, 440)))
    assert ends > 2.0 * noon


def test_between_the_instants_of_the_grid_everything_is_interpolated():
    first, step = at(CALM, "11:00"), pd.Timedelta(seconds=30)
    ends = [live_surface("SPY", first + count * step) for count in (0, 1)]
    middle = live_surface("SPY", first + step / 2)
    assert middle.spot == pytest.approx(0.5 * (ends[0].spot + ends[1].spot), rel=1e-12)
    assert log_vols(middle) == pytest.approx(0.5 * (log_vols(ends[0]) + log_vols(ends[1])), abs=1e-6)
    later = live_surface("SPY", first + pd.Timedelta(seconds=1))
    assert np.abs(log_vols(later) - log_vols(ends[0])).max() < 2e-3


def test_a_half_day_runs_its_whole_path_by_one_oclock():
    path = session_path("SPY", HALF)
    assert path.seconds == 3.5 * 3600
    assert len(path.spot) == GRID + 1
    assert live_surface("SPY", at(HALF, "13:00")).spot == bar("SPY", HALF)["close"]


# No arbitrage


@BOTH
@pytest.mark.parametrize("session", [CALM, WILDEST, HALF, SPLIT, dt.date(2021, 8, 6)], ids=str)
def test_no_instant_has_static_arbitrage(underlying, session):
    years = np.concatenate([[30 / 86400 / 365, 1 / 24 / 365], np.geomspace(0.3 / 365, 2.2, 40)])
    wing = np.geomspace(1e-4, 3.0, 40)
    k = np.concatenate([-wing[::-1], [0.0], wing])
    for instant in minutes(session, 15):
        surface = live_surface(underlying, instant)
        assert (np.diff(surface.total_variance(k, years[:, None]), axis=0) > 0.0).all()
        strikes = 1.0 + np.sqrt(surface.term_structure(years))[:, None] * np.linspace(-4.0, 4.0, 81)
        some = strikes.min(axis=1) > 0.2
        vols = surface.implied_vol(np.log(strikes[some]), years[some, None])
        calls = black_price(1.0, strikes[some], years[some, None], vols, "C")
        density = np.diff(calls, 2, axis=1) / np.diff(strikes[some])[:, 1:]
        assert density.min() > -1e-12


# What moves


def test_vols_at_the_money_move_against_spot_with_the_skew_stickiness_of_the_closes():
    """Change of SPY's one-month vol at the money over half an hour, over the smile's slope times the log return."""
    vols, slips, returns = [], [], []
    for day in clock.sessions("2024-04-01", "2024-05-31"):
        surfaces = [live_surface("SPY", instant) for instant in minutes(day, 30)]
        slope = [float(s.implied_vol(1e-4, MONTH) - s.implied_vol(-1e-4, MONTH)) / 2e-4 for s in surfaces[:-1]]
        returns.append(np.diff(np.log([surface.spot for surface in surfaces])))
        slips.append(slope * returns[-1])
        vols.append(np.diff([float(surface.atm_vol(MONTH)) for surface in surfaces]))
    vols, slips, returns = (np.concatenate(values) for values in (vols, slips, returns))
    assert 1.1 < slips @ vols / (slips @ slips) < 1.8
    assert np.corrcoef(vols, returns)[0, 1] < -0.5


def test_golds_vols_hardly_know_where_spot_goes():
    vols, returns = [], []
    for day in clock.sessions("2024-05-01", "2024-05-31"):
        surfaces = [live_surface("GLD", instant) for instant in minutes(day, 30)]
        vols.append(np.diff([float(surface.atm_vol(MONTH)) for surface in surfaces]))
        returns.append(np.diff(np.log([surface.spot for surface in surfaces])))
    assert abs(np.corrcoef(np.concatenate(vols), np.concatenate(returns))[0, 1]) < 0.2


@pytest.fixture(scope="module")
def changes() -> dict[tuple[str, int], tuple[np.ndarray, np.ndarray]]:
    """By underlying and minutes: changes of ln vol at fixed stdevs, and what the true state expected of them."""
    found = {}
    for underlying in ("SPY", "GLD"):
        for ahead, last in ((1, "2024-06-26"), (10, "2024-07-05")):
            truths, forecasts = [], []
            for day in clock.sessions("2024-06-24", last):
                instants = minutes(day, ahead)
                state = np.array([log_vols(live_surface(underlying, instant)) for instant in instants])
                later = dt.timedelta(minutes=ahead)
                expected = [log_vols(expected_surface(underlying, instant, later)) for instant in instants[:-1]]
                truths.append(np.diff(state, axis=0))
                forecasts.append(np.array(expected) - state[:-1])
            found[underlying, ahead] = np.concatenate(truths), np.concatenate(forecasts)
    return found


@BOTH
@pytest.mark.parametrize(("ahead", "low", "high"), [(1, 0.05, 0.09), (10, 0.2, 0.4)])
def test_the_true_state_tells_the_documented_share_of_the_next_change(changes, underlying, ahead, low, high):
    truth, forecast = changes[underlying, ahead]
    assert low < 1.0 - np.mean((truth - forecast) ** 2) / np.mean(truth**2) < high
    assert np.mean(truth * forecast) / np.mean(forecast**2) == pytest.approx(1.0, abs=0.3)  # nor too bold nor too shy


@BOTH
def test_what_the_true_state_does_not_tell_is_told_by_no_earlier_change(changes, underlying):
    truth, forecast = changes[underlying, 1]
    surprise = (truth - forecast)[:, :, 4]
    correlation = np.mean(surprise[1:] * surprise[:-1], axis=0) / np.mean(surprise**2, axis=0)
    assert np.abs(correlation).max() < 0.05


def test_deviations_fade_with_their_half_lives():
    instant = at(FRIDAY, "11:07")
    now, soon, later = (
        log_vols(expected_surface("SPY", instant, dt.timedelta(minutes=minutes))) for minutes in (0, 30, 10_000)
    )
    assert now == pytest.approx(log_vols(live_surface("SPY", instant)), abs=1e-15)
    assert 0.0 < np.abs(soon - now).max() < 0.1
    path = session_path("SPY", FRIDAY)
    assert np.abs(path.away[:, -1]).max() == 0.0
    assert later == pytest.approx(log_vols(_without_deviations(path, instant)), abs=1e-12)


def _without_deviations(path, instant: pd.Timestamp) -> TrueSurface:
    still = type(path)(**{**vars(path), "away": np.zeros_like(path.away)})
    return still.surface((instant - path.opening).total_seconds())


# The same for everybody


def test_another_process_that_asks_in_another_order_sees_the_same_market():
    code = """
import hashlib, pandas as pd
from vol_assets.sources.sample import live_quotes, live_surface
live_surface("SPY", pd.Timestamp("2024-03-18 15:00", tz="UTC"))
live_quotes("SPY", pd.Timestamp("2024-03-18 14:00", tz="UTC"))
quotes = pd.DataFrame(live_quotes("SPY", pd.Timestamp("2024-03-15 11:11:11", tz="America/New_York")))
print(hashlib.sha256(quotes.to_csv().encode()).hexdigest())
"""
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    here = frame("SPY", at(FRIDAY, "11:11:11"))
    assert answer.stdout.strip() == hashlib.sha256(here.to_csv().encode()).hexdigest()


def test_the_live_market_is_frozen_a_change_of_constants_or_streams_must_be_meant():
    surface = live_surface("SPY", at(dt.date(2026, 11, 20), "12:34:56"))
    assert surface.spot == pytest.approx(PINNED_SPOT, rel=1e-9)
    assert surface.atm_vol(YEARS) == pytest.approx(PINNED_VOLS, abs=1e-6)


# Hours


@pytest.mark.parametrize(
    ("instant", "told"),
    [
        (at(FRIDAY, "09:29:59"), "from 09:30:00 to 16:00:00 New York; it was asked for 09:29:59"),
        (at(FRIDAY, "16:00:01"), "from 09:30:00 to 16:00:00"),
        (at(HALF, "13:00:01"), "from 09:30:00 to 13:00:00"),
        (pd.Timestamp("2024-01-10 13:45", tz="UTC"), "asked for 08:45:00"),  # open at that hour in summer
        (pd.Timestamp("2024-07-10 20:30", tz="UTC"), "asked for 16:30:00"),  # and at this one in winter
        (at(dt.date(2024, 3, 29), "12:00"), r"Good Friday.*2024-04-01"),
        (at(dt.date(2024, 3, 16), "12:00"), "weekend"),
        (at(dt.date(2007, 4, 11), "12:00"), "live from 2007-05-10"),
        (at(dt.date(2036, 1, 2), "12:00"), "to 2035-12-31"),
        (dt.datetime(2024, 3, 15, 12, 0), "no time zone"),
    ],
    ids=str,
)
def test_outside_the_hours_of_trading_there_is_no_market(instant, told):
    for ask in (live_surface, live_quotes):
        with pytest.raises(SourceError, match=told):
            ask("SPY", instant)


def test_another_underlying_is_refused():
    with pytest.raises(SourceError, match="QQQ"):
        live_quotes("QQQ", at(FRIDAY, "12:00"))


def test_the_first_and_the_last_session_of_the_live_market_are_open():
    for session in (dt.date(2007, 5, 10), LAST):
        assert live_surface("SPY", at(session, "10:00")).session == session


# Quotes


@BOTH
@pytest.mark.parametrize("session", [CALM, WILDEST, HALF, FRIDAY], ids=str)
def test_bid_and_ask_bracket_the_true_price_on_the_tick(underlying, session):
    for time in ("09:30:00", "10:17:20", "12:59:59"):
        quotes = frame(underlying, at(session, time))
        assert np.isfinite(quotes[["price", "vol"]]).all(axis=None)
        assert (quotes.bid <= quotes.price + 1e-6).all()
        assert (quotes.ask >= quotes.price - 1e-6).all()
        cents = quotes[["bid", "ask"]] * 100.0
        assert np.abs(cents - cents.round()).max(axis=None) < 1e-6
        assert ((quotes.bid_size > 0) == (quotes.bid > 0)).all()
        assert (quotes.ask_size >= 1).all()


def test_some_of_the_quotes_are_those_among_all():
    instant = at(FRIDAY, "11:11:11")
    every = frame("SPY", instant)
    wanted = every.con_id.iloc[[5, 900, 33, 1200]].to_numpy()
    some = pd.DataFrame(live_quotes("SPY", instant, np.append(wanted, 7)))  # 7: no such contract
    expected = every[every.con_id.isin(wanted)].reset_index(drop=True)
    pd.testing.assert_frame_equal(some, expected, rtol=1e-12)
    assert len(some) == 4


def test_quotes_have_the_columns_of_a_poll_as_far_as_a_market_knows_them():
    instant = at(FRIDAY, "11:11:11.25")
    quotes = frame("SPY", instant)
    known = [name for name in LIVE_HISTORY.columns if name in quotes]
    assert list(quotes.columns[:10]) == known[:10]
    assert known[:10] == [
        *("ts", "quote_time", "con_id", "expiration", "strike", "right", "bid", "ask", "bid_size", "ask_size")
    ]
    for name in known:
        if name != "right":  # text
            assert str(quotes[name].dtype) == str(LIVE_HISTORY.columns[name].dtype)
    assert (quotes.ts == at(FRIDAY, "11:11")).all()
    assert (quotes.quote_time == instant).all()
    assert (quotes.underlying == round(live_surface("SPY", instant).spot, 2)).all()
    assert quotes.con_id.is_unique
    assert quotes.con_id.between(1, 2**31 - 1).all()


def test_what_expires_today_is_listed_beside_the_daily_chain_until_the_close():
    daily = {pd.Timestamp(day) for day in listings.expirations(FRIDAY).day}
    today = pd.Timestamp(FRIDAY)
    for time in ("09:30", "12:00", "15:59:59"):
        assert set(frame("SPY", at(FRIDAY, time)).expiration) == daily | {today}
    assert set(frame("SPY", at(FRIDAY, "16:00")).expiration) == daily
    thursday = dt.date(2024, 3, 14)
    assert pd.Timestamp(thursday) not in set(frame("SPY", at(thursday, "12:00")).expiration)
    half = dt.date(2024, 11, 29)
    last = frame("SPY", at(half, "12:59:30"))
    assert last.years.min() == pytest.approx(30 / 86400 / 365, rel=1e-9)  # and not three hours more


def test_a_contract_keeps_its_listing_and_its_number_all_session_and_after():
    morning, noon = (frame("SPY", at(FRIDAY, time)) for time in ("09:30", "12:00"))
    same = ["con_id", "expiration", "strike", "right"]
    pd.testing.assert_frame_equal(morning[same], noon[same])
    monday = frame("SPY", at(dt.date(2024, 3, 18), "12:00"))
    both = noon.merge(monday, on=same[1:], suffixes=("", "_later"))
    assert len(both) > 1000
    assert (both.con_id == both.con_id_later).all()


@BOTH
def test_at_the_close_contracts_cost_what_they_cost_in_the_daily_chain(underlying):
    close = clock.close_instant(CALM)
    daily = pd.DataFrame(honest_quotes(true_surface(underlying, CALM), close.tz_localize(None).to_datetime64()))
    daily["expiration"] = daily["expiration"].astype("datetime64[ns]")
    both = frame(underlying, close).merge(daily, on=["expiration", "strike", "right"], suffixes=("", "_daily"))
    assert len(both) > 0.9 * len(daily)
    assert both.price.to_numpy() == pytest.approx(both.price_daily.to_numpy(), rel=1e-12)
    wide = both[both.ask_daily - both.bid_daily > 0.08]
    assert ((wide.ask - wide.bid) / (wide.ask_daily - wide.bid_daily)).median() == pytest.approx(1.0, abs=0.05)
    off, off_daily = ((wide[f"bid{day}"] + wide[f"ask{day}"]) / 2 - wide.price for day in ("", "_daily"))
    assert np.corrcoef(off, off_daily)[0, 1] > 0.6  # the part of the noise that stays with a contract


def test_noise_is_drawn_anew_each_bucket_and_stays_within_it():
    def noise(time: str) -> pd.Series:
        quotes = frame("SPY", at(CALM, time)).set_index("con_id")
        quotes = quotes[(quotes.ask - quotes.bid > 0.1) & (quotes.bid > 0.0)]
        return (0.5 * (quotes.bid + quotes.ask) - quotes.price) / (0.5 * (quotes.ask - quotes.bid))

    first, second, later = (noise(time) for time in ("11:00:01", "11:00:58", "11:01:02"))
    assert first.std() == pytest.approx(0.25, abs=0.05)
    assert first.corr(second.reindex(first.index)) > 0.97  # rounding to the tick apart
    assert 0.6 < first.corr(later.reindex(first.index)) < 0.9
