"""A session's polls with the features they would have been served with, its states, and what its buckets leave out."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from poll_frames import at, market_poll

from vol_assets import clock
from vol_assets.contracts.live import LIVE_HISTORY, LIVE_STATES
from vol_assets.smiles import features, live_state, state_rows
from vol_assets.smiles import history as history_module
from vol_assets.smiles.contracts import live_contracts
from vol_assets.smiles.history import coverage, history_rows, opening_price, session_states

SESSION = dt.date(2024, 3, 15)
TIMES = ("09:30", "09:31", "09:33", "15:59")
RATE = 0.04
MINUTE = dt.timedelta(minutes=1)
STORED = {"market_data_type": "live", "source": "ibkr"}
GREEKS = ("ib_vol", "ib_delta", "ib_gamma", "ib_vega", "ib_theta")


@pytest.fixture(scope="module")
def polls() -> pd.DataFrame:
    """Four polls, as a gateway gives them."""
    quotes = pd.concat([market_poll(at(SESSION, time)) for time in TIMES], ignore_index=True)
    quotes = quotes.assign(bid=quotes["bid"].where(quotes["bid"] > 0.0), **STORED, **dict.fromkeys(GREEKS, np.nan))
    return quotes.drop(columns=["price", "vol", "years", "forward"])


@pytest.fixture(scope="module")
def history(polls) -> pd.DataFrame:
    return history_rows(polls, SESSION, RATE, MINUTE)


def test_every_quote_is_in_the_history_with_the_features_of_its_poll(polls, history):
    LIVE_HISTORY.require(history)
    assert list(history.columns) == list(LIVE_HISTORY.columns)
    assert len(history) == len(polls)
    opening = polls["underlying"].iloc[0]
    for _, poll in polls.groupby("ts"):
        used = features(poll, RATE, opening).used
        kept = history.loc[poll.index]
        assert kept["own_vol"].notna().equals(pd.Series(poll.index.isin(used.index), poll.index))
        served = kept.loc[used.index]
        for name in ("forward", "years", "bid_vol", "ask_vol", "hour_sin", "hour_cos", "spot_return"):
            np.testing.assert_allclose(served[name], used[name], rtol=0.0, atol=1e-10)
        np.testing.assert_allclose(served["own_vol"], used["implied_vol"], rtol=0.0, atol=1e-10)


def test_states_of_the_history_are_those_that_were_served(polls, history):
    states = session_states(history, SESSION)
    LIVE_STATES.require(states)
    opening = opening_price(polls, SESSION, MINUTE)
    served = [live_state(features(poll, RATE, opening).used) for _, poll in polls.groupby("ts")]
    expected = state_rows(*served)
    assert len(states) == 16
    for name in expected.columns:
        if expected[name].dtype == float:
            np.testing.assert_allclose(states[name], expected[name], rtol=0.0, atol=1e-8)
        else:
            assert states[name].tolist() == expected[name].tolist()


def test_blocks_of_polls_make_no_difference(polls, history, monkeypatch):
    monkeypatch.setattr(history_module, "BLOCK", 3)
    again = history_rows(polls, SESSION, RATE, MINUTE)
    pd.testing.assert_frame_equal(again, history, rtol=0.0, atol=1e-10)
    pd.testing.assert_frame_equal(session_states(again, SESSION), session_states(history, SESSION), rtol=0, atol=1e-8)


def test_delayed_quotes_stay_in_the_history_and_make_no_states(polls):
    late = polls["ts"] == at(SESSION, "09:31")
    mixed = history_rows(polls.assign(market_data_type=np.where(late, "delayed", "live")), SESSION, RATE, MINUTE)
    assert mixed.loc[late, "own_vol"].notna().any()
    states = session_states(mixed, SESSION)
    assert states["ts"].nunique() == 3
    assert at(SESSION, "09:31") not in set(states["ts"])
    none = session_states(mixed[late], SESSION)
    assert none.empty
    assert list(none.columns) == list(LIVE_STATES.columns)


def test_the_opening_price_is_that_of_the_first_poll(polls):
    assert opening_price(polls.sample(frac=1.0, random_state=1), SESSION, MINUTE) == polls["underlying"].iloc[0]
    first = polls["ts"] == polls["ts"].min()
    assert np.isnan(opening_price(polls.assign(underlying=polls["underlying"].mask(first)), SESSION, MINUTE))
    assert np.isnan(opening_price(polls[:0], SESSION, MINUTE))


def test_the_opening_price_is_unknown_where_the_first_poll_was_late_or_delayed(polls):
    second, third = (polls[polls["ts"] >= at(SESSION, time)] for time in ("09:31", "09:33"))
    assert opening_price(second, SESSION, MINUTE) == second["underlying"].iloc[0]
    assert np.isnan(opening_price(third, SESSION, MINUTE))
    assert opening_price(third, SESSION, 2 * MINUTE) == third["underlying"].iloc[0]
    first = polls["ts"] == polls["ts"].min()
    assert np.isnan(opening_price(polls.assign(market_data_type=np.where(first, "delayed", "live")), SESSION, MINUTE))
    late = history_rows(third, SESSION, RATE, MINUTE)
    assert late["own_vol"].notna().any()
    assert late["spot_return"].isna().all()
    assert session_states(late, SESSION)["spot_return"].isna().all()


def minutes(session: dt.date, *spans: tuple[str, str], step: int = 60) -> pd.Series:
    """Starts of buckets, both ends of each span included."""
    ends = [(at(session, first), at(session, last)) for first, last in spans]
    return pd.Series(np.concatenate([pd.date_range(*end, freq=f"{step}s") for end in ends])).dt.tz_convert("UTC")


@pytest.mark.parametrize(
    ("session", "spans", "step", "expected"),
    [
        (SESSION, [("09:30", "15:59")], 60, (390, 0, 0.0)),
        (SESSION, [("09:30", "15:59:30")], 30, (780, 0, 0.0)),
        (SESSION, [("09:32", "11:59"), ("12:10", "15:59")], 60, (378, 12, 600.0)),
        (SESSION, [("09:30", "15:00")], 60, (331, 59, 59 * 60.0)),
        (dt.date(2024, 11, 29), [("09:30", "12:59")], 60, (210, 0, 0.0)),
        (SESSION, [("09:30", "15:30")], 1800, (13, 0, 0.0)),
        (SESSION, [("09:30", "09:30")], 60, (1, 0, 0.0)),  # one poll says nothing of how often there are any
    ],
)
def test_what_buckets_leave_out_of_a_session_is_counted(session, spans, step, expected):
    found = coverage(minutes(session, *spans, step=step), session)
    assert tuple(found) == expected


def test_a_session_without_polls_is_left_out_whole():
    seconds = (clock.close_instant(SESSION) - clock.open_instant(SESSION)).total_seconds()
    assert tuple(coverage(pd.Series(pd.DatetimeIndex([], tz="UTC")), SESSION)) == (0, 0, seconds)


def test_one_delayed_quote_leaves_its_poll_out_of_states_and_contracts(history):
    delayed = history.copy()
    first = delayed["ts"].min()
    delayed.loc[delayed.index[delayed["ts"] == first][0], "market_data_type"] = "delayed"
    assert first not in set(session_states(delayed, SESSION)["ts"])
    assert set(live_contracts(delayed)["ts"]) == set(history["ts"]) - {first}


def test_a_stub_quote_is_no_contract_to_be_held_against(history):
    contracts = live_contracts(history)
    stub = history.copy()
    row = stub.index[stub["own_vol"].notna()][5]
    stub.loc[row, ["own_vol", "ask_vol"]] = 3.0, 6.0
    assert len(live_contracts(stub)) == len(contracts) - 1
    stub.loc[row, ["own_vol", "ask_vol", "bid_vol"]] = 0.2, 0.21, np.nan  # a bid worth no more than exercise
    assert len(live_contracts(stub)) == len(contracts) - 1
