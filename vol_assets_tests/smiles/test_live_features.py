"""Features of a poll: the exchange's clock in closed form, the true vols of exact quotes, a reason for every other."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from poll_frames import at, market_poll, plain_poll, plain_surface

from vol_assets import clock
from vol_assets.errors import ContractError
from vol_assets.lake.live.tables import FEATURES
from vol_assets.quant import american_price, black_vega
from vol_assets.smiles import FEATURE_COLUMNS, features, session_clock
from vol_assets.sources.sample import live_surface

DAY, NEXT, LATER = "2024-03-15", "2024-03-22", "2024-04-19"
TEN = at(DAY, "10:00")
YEAR = 365 * 86400
HALF_DAY = "2024-11-29"  # after Thanksgiving


@pytest.fixture
def poll() -> pd.DataFrame:
    return plain_poll(TEN, (NEXT, LATER), half_spread=0.002)


def used(quotes: pd.DataFrame, rate: float = 0.0, opening: float = 100.0) -> pd.DataFrame:
    return features(quotes, rate, opening).used


# The clock


@pytest.mark.parametrize(
    ("winter", "summer"), [("2024-03-08", "2024-03-11"), ("2024-11-04", "2024-11-01"), ("2025-03-07", "2025-03-10")]
)
def test_the_clock_reads_the_same_on_both_sides_of_a_change_to_daylight_saving(winter, summer):
    for time, hours in (("09:30", 9.5), ("10:00", 10.0), ("15:45:30", 15.0 + 45.5 / 60)):
        instants = at(winter, time), at(summer, time)
        assert instants[0].hour == instants[1].hour + 1  # UTC
        for instant in instants:
            read = session_clock(instant)
            assert read.hour_sin == pytest.approx(np.sin(2 * np.pi * hours / 24), abs=1e-12)
            assert read.hour_cos == pytest.approx(np.cos(2 * np.pi * hours / 24), abs=1e-12)
            assert read.minutes_since_open == pytest.approx(60 * (hours - 9.5), abs=1e-9)


def test_a_tick_just_after_the_close_does_not_cost_the_sessions_last_poll():
    last = plain_poll(at(DAY, "15:59"), (NEXT, LATER), half_spread=0.002)
    late = last.assign(quote_time=[*last["quote_time"][:-1], at(DAY, "16:00:00.3")])
    kept = used(late)
    assert len(kept) == len(used(last)) > 0
    assert kept["minutes_since_open"].max() == 390.0
    after = last.assign(ts=at(DAY, "16:00"), quote_time=at(DAY, "16:00:01"))
    assert used(after).empty


def test_the_clock_of_any_time_zone_is_new_yorks():
    tokyo = TEN.tz_convert("Asia/Tokyo")  # of the same day, 23:00
    assert session_clock(tokyo.to_pydatetime()) == session_clock(TEN)


@pytest.mark.parametrize(
    ("instant", "expiration", "seconds"),
    [
        (at("2024-03-08", "10:00"), "2024-03-15", 7 * 86400 + 6 * 3600 - 3600),  # an hour is skipped on the way
        (at("2024-11-01", "10:00"), "2024-11-08", 7 * 86400 + 6 * 3600 + 3600),  # and here one comes twice
        (at("2024-11-22", "10:00"), HALF_DAY, 7 * 86400 + 3 * 3600),  # to 13:00
        (at(HALF_DAY, "10:00"), HALF_DAY, 3 * 3600),
        (at(DAY, "15:59:30"), DAY, 30),
        (at(DAY, "09:30"), DAY, 6.5 * 3600),
    ],
    ids=str,
)
def test_time_runs_in_seconds_to_the_close_of_the_last_day(instant, expiration, seconds):
    found = used(plain_poll(instant, (expiration,)))
    assert found.years.to_numpy() == pytest.approx(np.full(len(found), seconds / YEAR), rel=1e-12)
    assert len(found) > 30


def test_a_monthly_that_expires_on_a_saturday_ends_with_friday():
    instant = at("2014-03-17", "10:00")
    quotes = plain_poll(instant, ("2014-03-21",)).assign(expiration=pd.Timestamp("2014-03-22"))
    assert used(quotes).years.iloc[0] == pytest.approx((4 * 86400 + 6 * 3600) / YEAR, rel=1e-12)


def test_on_a_half_day_the_market_closes_at_one():
    last, after = at(HALF_DAY, "13:00"), at(HALF_DAY, "13:00:01")
    found = features(plain_poll(last, ("2024-12-06",)), 0.0, 100.0)
    assert (found.used.minutes_since_open == 210.0).all()
    shut = features(plain_poll(last, ("2024-12-06",)).assign(quote_time=after), 0.0, 100.0)
    assert shut.used.empty
    assert set(shut.dropped.reason) == {"closed"}


def test_what_expires_today_is_dropped_at_the_close_and_not_before():
    quotes = plain_poll(at(DAY, "15:59"), (DAY, NEXT))
    assert set(used(quotes).expiration) == {pd.Timestamp(DAY), pd.Timestamp(NEXT)}
    close = features(quotes.assign(quote_time=at(DAY, "16:00")), 0.0, 100.0)
    assert set(close.used.expiration) == {pd.Timestamp(NEXT)}
    assert set(close.dropped.reason) == {"expired"}


def test_the_instant_is_that_of_the_newest_tick_but_not_before_the_bucket(poll):
    later = used(poll.assign(quote_time=poll.quote_time.mask(poll.index == 3, TEN + pd.Timedelta(seconds=9))))
    assert later.years.to_numpy() == pytest.approx(used(poll).years.to_numpy() - 9 / YEAR, abs=1e-15)
    assert later.minutes_since_open.to_numpy() == pytest.approx(30.15)
    assert used(poll.assign(quote_time=TEN - pd.Timedelta(minutes=20))).years.equals(used(poll).years)
    unknown = poll.assign(quote_time=pd.Series(pd.NaT, poll.index, dtype="datetime64[us, UTC]"))
    assert used(unknown).years.equals(used(poll).years)


# The smile


@pytest.mark.parametrize(
    "instant", [TEN, at(DAY, "15:30"), at(HALF_DAY, "11:00"), at("2032-05-20", "12:34:56")], ids=str
)
def test_exact_quotes_give_back_the_true_vols_and_forwards(instant):
    session = instant.astimezone(clock.NEW_YORK).date()
    days = tuple(str(clock.offset(session, count)) for count in (0, 5, 22, 42))
    quotes = plain_poll(instant, days, half_spread=1e-3)
    found, surface = used(quotes), plain_surface(instant)
    assert len(found) == len(quotes)
    true = quotes.vol.to_numpy()
    assert found.forward.to_numpy() == pytest.approx(np.full(len(found), surface.spot), rel=1e-9)
    for name, vol in (("bid_vol", true - 1e-3), ("ask_vol", true + 1e-3)):
        assert found[name].to_numpy() == pytest.approx(vol, abs=1e-6)
    assert found.log_moneyness.to_numpy() == pytest.approx(np.log(quotes.strike / surface.spot).to_numpy(), abs=1e-9)
    locked = used(plain_poll(instant, days))
    assert locked.implied_vol.to_numpy() == pytest.approx(true, abs=1e-6)
    assert locked.vega.to_numpy() == pytest.approx(
        black_vega(surface.spot, quotes.strike, quotes.years, quotes.vol), rel=1e-4
    )


@pytest.mark.parametrize("instant", [at("2023-06-06", "10:45"), TEN, at("2032-05-20", "12:00")], ids=str)  # 4.7, 2.6 %
def test_early_exercise_is_taken_out_of_american_quotes(instant):
    quotes, surface = market_poll(instant, exact=True), live_surface("SPY", instant)
    found, dropped = features(quotes, surface.rate, surface.spot)
    true = quotes.loc[found.index]
    assert found.forward.to_numpy() == pytest.approx(true.forward.to_numpy(), rel=4e-6)
    assert found.implied_vol.to_numpy() == pytest.approx(true.vol.to_numpy(), abs=3e-5)
    assert set(dropped.reason) <= {"no_vol"}  # of puts whose best use is exercise
    assert (dropped.right == "P").all()
    assert len(dropped) <= 2


def test_of_what_early_exercise_is_worth_the_docstring_says_how_much():
    years, rate = 60 / 365, 0.047
    surface = live_surface("SPY", at("2023-06-06", "10:45"))
    strike = surface.forward(years)
    vol = surface.implied_vol(0.0, years)
    put, european = (
        american_price(strike, strike, years, vol, "P", charged, surface.carry) * np.exp(charged * years)
        for charged in (rate, 0.0)
    )
    assert (put - european) / black_vega(strike, strike, years, vol) == pytest.approx(0.0024, abs=0.0003)


def test_the_spread_of_quotes_holds_the_true_vol():
    for instant in (TEN, at(HALF_DAY, "12:00"), at("2023-06-06", "15:59")):
        quotes, surface = market_poll(instant), live_surface("SPY", instant)
        found = used(quotes, surface.rate, surface.spot)
        true = quotes.vol.loc[found.index]
        slack = 0.005 / found.vega  # half a cent, for the forward
        assert (found.ask_vol > true - slack).all()
        assert (found.bid_vol.fillna(0.0) < true + slack).all()
        error = (found.implied_vol - true) * found.vega
        assert (error.abs() < 0.5 * (quotes.ask - quotes.bid).loc[found.index] + 0.005).all()
        assert abs((error / (quotes.ask - quotes.bid).loc[found.index]).mean()) < 0.1


def test_a_call_and_a_put_of_one_strike_have_one_vol():
    quotes = market_poll(at("2023-06-06", "10:45"), exact=True)
    found = used(quotes, live_surface("SPY", at("2023-06-06", "10:45")).rate)
    pairs = found.pivot(index=["expiration", "strike"], columns="right", values="implied_vol").dropna()
    assert len(pairs) == 28
    assert np.abs(pairs["C"] - pairs["P"]).max() < 4e-5
    assert (found.right_enc == (found.right == "P")).all()


def test_with_few_pairs_the_forward_is_the_median_of_raw_parity(poll):
    exact = plain_poll(TEN, (NEXT, LATER))
    middle = exact.strike.unique()[11]
    for pairs in (1, 2):
        strikes = exact.strike.unique()[11 : 11 + pairs]
        one = exact[exact.strike.isin(strikes) | (exact.right == np.where(exact.strike < middle, "P", "C"))]
        found = used(one[one.expiration == pd.Timestamp(NEXT)])
        assert found.forward.to_numpy() == pytest.approx(np.full(len(found), exact.underlying[0]), rel=1e-12)
    without = exact[exact.right == np.where(exact.strike < middle, "P", "C")]
    found = features(without, 0.0, 100.0)
    assert found.used.empty
    assert set(found.dropped.reason) == {"no_forward"}


def test_an_expiration_without_a_forward_does_not_take_the_others_with_it(poll):
    far = poll[(poll.expiration == pd.Timestamp(NEXT)) | (poll.right == "P")]
    found = features(far, 0.0, 100.0)
    assert set(found.used.expiration) == {pd.Timestamp(NEXT)}
    assert set(found.dropped.expiration) == {pd.Timestamp(LATER)}


def test_one_wrong_pair_does_not_move_the_forward(poll):
    k = np.abs(np.log(poll.strike / poll.underlying)) + 10.0 * (poll.right == "P")
    wrong = poll.copy()
    wrong.loc[k.idxmin(), ["bid", "ask"]] += 3.0
    assert used(wrong).forward.to_numpy() == pytest.approx(used(poll).forward.to_numpy(), rel=2e-4)


# The share


def test_spot_is_its_return_since_the_open(poll):
    opening = float(poll.underlying[0]) / 1.01
    assert used(poll, opening=opening).spot_return.to_numpy() == pytest.approx(np.log(1.01), rel=1e-12)
    assert used(poll, opening=np.nan).spot_return.isna().all()


@pytest.mark.parametrize("nothing", [np.nan, 0.0, -1.0])
def test_without_a_price_of_the_share_there_is_no_return_and_all_else_is_as_it_was(poll, nothing):
    found = used(poll.assign(underlying=nothing))
    assert found.spot_return.isna().all()
    rest = [name for name in FEATURE_COLUMNS if name != "spot_return"]
    pd.testing.assert_frame_equal(found[rest], used(poll)[rest])


# What cannot be used


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"bid": np.nan}, "no_bid"),
        ({"bid": 0.0}, "no_bid"),
        ({"bid": -1.0}, "no_bid"),
        ({"ask": np.nan}, "no_ask"),
        ({"bid": 1e-9, "ask": -1.0}, "no_ask"),
        ({"bid": np.inf}, "no_bid"),
        ({"bid": 9.0, "ask": 8.0}, "crossed"),
        ({"strike": 0.0}, "bad_contract"),
        ({"strike": np.nan}, "bad_contract"),
        ({"right": "X"}, "bad_contract"),
        ({"right": None}, "bad_contract"),
        ({"expiration": pd.NaT}, "expired"),
        ({"expiration": pd.Timestamp("2024-03-14")}, "expired"),
        ({"expiration": pd.Timestamp("2099-01-02")}, "expired"),
        ({"bid": 1e-4, "ask": 2e-4, "strike": 1.0, "right": "C"}, "no_vol"),
    ],
    ids=str,
)
def test_a_quote_that_cannot_be_used_is_dropped_with_its_reason_and_alone(poll, change, reason):
    wing = 3  # a put far below, of no pair that gives the forward
    quotes = poll.copy()
    for name, value in change.items():
        quotes.loc[wing, name] = value
    found = features(quotes, 0.0, 100.0)
    assert found.dropped.index.tolist() == [wing]
    assert found.dropped.reason.tolist() == [reason]
    pd.testing.assert_frame_equal(found.used, used(poll).drop(index=wing), rtol=1e-9)


def test_the_second_quote_of_a_contract_is_dropped(poll):
    twice = pd.concat([poll, poll.iloc[[5]].assign(bid=1.0)], ignore_index=True)
    found = features(twice, 0.0, 100.0)
    assert found.dropped.index.tolist() == [len(poll)]
    assert found.dropped.reason.tolist() == ["duplicate"]


@pytest.mark.parametrize(
    "instant", [at(DAY, "09:29:59"), at(DAY, "16:00:01"), at("2024-03-29", "12:00"), at("2024-03-16", "12:00")], ids=str
)
def test_out_of_hours_nothing_is_used(poll, instant):
    found = features(poll.assign(ts=instant, quote_time=instant), 0.0, 100.0)
    assert found.used.empty
    assert tuple(found.used.columns) == FEATURE_COLUMNS
    assert set(found.dropped.reason) == {"closed"}
    assert len(found.dropped) == len(poll)


def test_no_quote_at_all_is_no_features(poll):
    found = features(poll[:0], 0.0, 100.0)
    assert found.used.empty
    assert found.dropped.empty
    assert tuple(found.used.columns) == FEATURE_COLUMNS


def test_quotes_that_are_all_bad_leave_nothing(poll):
    found = features(poll.assign(bid=-1.0, ask=-1.0), 0.0, 100.0)
    assert found.used.empty
    assert set(found.dropped.reason) == {"no_bid"}


# The frame


def test_every_quote_is_used_or_dropped_on_its_own_row_in_any_order(poll):
    quotes = poll.copy()
    quotes.loc[[7, 30], "bid"] = np.nan
    mixed = quotes.sample(frac=1.0, random_state=1)
    found = features(mixed, 0.0, 100.0)
    assert sorted([*found.used.index, *found.dropped.index]) == list(poll.index)
    assert (found.used.con_id == quotes.con_id.loc[found.used.index]).all()
    pd.testing.assert_frame_equal(found.used.sort_index(), used(quotes), rtol=1e-12)


def test_the_store_finds_its_columns_among_the_features(poll):
    found = used(poll)
    assert tuple(found.columns) == FEATURE_COLUMNS
    assert set(FEATURES.written) <= set(found.columns)
    assert found[["years", "forward", "implied_vol", "vega"]].gt(0.0).all(axis=None)


def test_dates_may_be_dates(poll):
    as_dates = poll.assign(expiration=[day.date() for day in poll.expiration])
    assert used(as_dates).years.equals(used(poll).years)


def test_two_polls_at_once_or_a_frame_without_bids_are_refused(poll):
    later = poll.assign(ts=poll.ts + dt.timedelta(minutes=1))
    with pytest.raises(ContractError, match="one poll at a time"):
        features(pd.concat([poll, later]), 0.0, 100.0)
    with pytest.raises(ContractError, match="columns bid, underlying"):
        features(poll.drop(columns=["bid", "underlying"]), 0.0, 100.0)
