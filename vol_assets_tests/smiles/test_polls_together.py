"""Many polls at once are the same polls one by one, whatever the company; states as rows, and read at many points."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from poll_frames import at, market_poll, plain_poll

from vol_assets import clock
from vol_assets.errors import ContractError
from vol_assets.smiles import (
    COVARIATES,
    FEATURE_COLUMNS,
    NODES,
    STATE_COLUMNS,
    SmileState,
    features,
    features_of_polls,
    live_state,
    live_states,
    smile_vols,
    state_rows,
    states_of,
)

DAY = "2024-03-15"
RATE, OPENING = 0.04, 240.0
FIELDS = ("expirations", "years", "forward", "log_vol", "covariates")


def odd_polls() -> list[pd.DataFrame]:
    """Polls of one session that have little in common: few quotes or many, wrong ones, none of use, out of hours."""
    thin = market_poll(at(DAY, "10:01"), strikes=12)
    wrong = market_poll(at(DAY, "10:02")).copy()
    wrong.loc[wrong.index[::7], "bid"] = np.nan
    wrong.loc[wrong.index[3], ["bid", "ask"]] += 4.0
    alone = market_poll(at(DAY, "10:03"))
    alone = alone[alone["expiration"] == alone["expiration"].iloc[-1]]
    puts = market_poll(at(DAY, "10:04")).query("right == 'P'").assign(underlying=np.nan)  # no parity, no forward
    wild = market_poll(at(DAY, "10:05"))
    wild = wild.assign(bid=wild["bid"] * (1.0 + 0.1 * (np.arange(len(wild)) % 3)), ask=wild["ask"] * 1.3)
    few = plain_poll(at(DAY, "10:06"), ("2024-03-22",)).iloc[18:26]  # a pair or two: raw parity
    shut = market_poll(at(DAY, "15:59")).assign(ts=at(DAY, "16:01"), quote_time=at(DAY, "16:01"))
    polls = [market_poll(at(DAY, "10:00")), thin, wrong, alone, puts, wild, few, market_poll(at(DAY, "15:30")), shut]
    return [poll.sample(frac=1.0, random_state=number) for number, poll in enumerate(polls)]


@pytest.fixture(scope="module")
def polls() -> list[pd.DataFrame]:
    """Each row with an index of its own, not in order."""
    polls = odd_polls()
    ends = np.cumsum([len(poll) for poll in polls])
    return [poll.set_axis(np.arange(end, end - len(poll), -1)) for poll, end in zip(polls, ends)]


@pytest.fixture(scope="module")
def shuffled(polls) -> pd.DataFrame:
    return pd.concat(polls).sample(frac=1.0, random_state=5)


@pytest.fixture(scope="module")
def used(shuffled) -> pd.DataFrame:
    return features_of_polls(shuffled, RATE, OPENING).used


def assert_same(one: SmileState, other: SmileState, within: float) -> None:
    assert one.ts == other.ts
    assert (one.expirations == other.expirations).all()
    for name in FIELDS[1:]:
        np.testing.assert_allclose(getattr(one, name), getattr(other, name), rtol=0.0, atol=within)


def test_features_of_many_polls_are_those_of_each(polls, shuffled, used):
    alone = [features(poll, RATE, OPENING) for poll in polls]
    together = features_of_polls(shuffled, RATE, OPENING)
    for found, expected in zip(together, (pd.concat(frames) for frames in zip(*alone))):
        pd.testing.assert_frame_equal(found.sort_index(), expected.sort_index(), rtol=0.0, atol=1e-10)
    assert {*together.dropped["reason"]} >= {"no_bid", "no_forward", "closed", "no_vol"}
    assert [len(frames.used) > 0 for frames in alone] == [True] * 4 + [False, True, True, True, False]


def test_states_of_many_polls_are_those_of_each(polls, used):
    together = live_states(used)
    alone = [live_state(one.used) for one in (features(poll, RATE, OPENING) for poll in polls) if len(one.used)]
    assert [len(state.years) for state in together] == [4, 4, 4, 1, 4, 0, 4]
    for found, expected in zip(together, alone, strict=True):
        assert_same(found, expected, 1e-8)


def test_who_is_polled_with_whom_is_of_no_consequence(used):
    half = live_states(used[used["ts"] >= at(DAY, "10:03")])
    for found, expected in zip(half, live_states(used)[-len(half) :], strict=True):
        assert_same(found, expected, 1e-8)


def test_a_poll_that_breaks_calendar_order_is_put_right_in_any_company(used):
    """Its later expirations are quoted below the earlier ones: the fit has to be repeated for that poll alone."""
    first = used[used["ts"] == at(DAY, "10:00")]
    quiet = first["expiration"].isin(sorted(first["expiration"].unique())[2:])
    broken = first.copy()
    broken.loc[quiet, ["bid_vol", "implied_vol", "ask_vol"]] *= 0.35
    broken["ts"] = at(DAY, "10:30")
    both = live_states(pd.concat([used, broken]))
    (found,) = (state for state in both if state.ts == at(DAY, "10:30"))
    assert_same(found, live_state(broken), 1e-8)
    total = found.log_vol[:, NODES == 0.0].ravel() + 0.5 * np.log(found.years)
    assert (np.diff(total) > -0.01).all()  # of the stdev at the money, which quotes alone would have fall
    assert_same(both[0], live_states(used)[0], 1e-8)


def test_quotes_that_leave_no_smile_leave_their_expiration_out():
    """Vols e-fold up and down from strike to strike: the nearer smile has no price at its own nodes."""
    k = np.tile(np.linspace(-0.3, 0.2, 20), 2)
    vol = 0.2 * np.exp(1.5 * np.random.default_rng(17).standard_normal(40))
    wild = pd.DataFrame(
        {
            "ts": at(DAY, "10:30"),
            "expiration": pd.to_datetime(["2024-03-22", "2024-04-19"]).repeat(20),
            "log_moneyness": k,
            "years": np.repeat([0.02, 0.1], 20),
            "forward": 500.0,
            "right_enc": np.where(k >= 0.0, 0.0, 1.0),
            **{"bid_vol": 0.9 * vol, "implied_vol": vol, "ask_vol": 1.1 * vol},
            **dict.fromkeys(COVARIATES, 0.0),
        }
    )
    state = live_state(wild)
    assert state.expirations.astype(str).tolist() == ["2024-04-19"]
    assert state.years.tolist() == [0.1]
    assert np.isfinite(state.log_vol).all()


def test_no_poll_at_all_has_no_features_and_no_state(polls):
    nothing = features_of_polls(polls[0][:0], RATE, OPENING)
    assert tuple(nothing.used.columns) == FEATURE_COLUMNS
    assert nothing.dropped.empty
    assert live_states(nothing.used) == []
    with pytest.raises(ContractError, match="columns ts of a poll"):
        features_of_polls(polls[0].drop(columns="ts"), RATE, OPENING)


# As rows


def test_states_come_back_from_their_rows_in_any_order(used):
    states = [state for state in live_states(used) if len(state.years)]
    rows = state_rows(*states)
    assert tuple(rows.columns) == STATE_COLUMNS
    assert len(rows) == sum(len(state.years) for state in states)
    assert rows.groupby("ts")["rank"].apply(list).map(lambda ranks: ranks == list(range(len(ranks)))).all()
    for found, expected in zip(states_of(rows.sample(frac=1.0, random_state=1)), states, strict=True):
        assert_same(found, expected, 0.0)
        assert str(found.ts.tz) == "UTC"


def test_a_state_without_smiles_has_no_row(used):
    (empty,) = (state for state in live_states(used) if not len(state.years))
    rows = state_rows(empty)
    assert rows.empty
    assert states_of(rows) == []
    assert dict(rows.dtypes.astype(str)) == dict(state_rows(live_states(used)[0]).dtypes.astype(str))
    assert state_rows().dtypes.equals(rows.dtypes)


# Read at many points


def test_points_of_many_states_are_read_as_each_state_reads_them():
    draw = np.random.default_rng(4)
    years = np.sort(draw.uniform(0.01, 0.4, (5, 4)), axis=1)
    log_vol = np.log(0.2) + 0.1 * draw.standard_normal((5, 4, len(NODES))) - 0.1 * NODES
    which = draw.integers(0, 5, 200)
    at_years, k = draw.uniform(0.005, 0.5, 200), 0.1 * draw.standard_normal(200)
    together = smile_vols(log_vol, years, at_years, k, which)
    for number in range(5):
        mine = which == number
        alone = smile_vols(log_vol[number], years[number], at_years[mine], k[mine])
        np.testing.assert_allclose(together[mine], alone, rtol=1e-12)
    assert smile_vols(log_vol, years, at_years[:0], k[:0], which[:0]).shape == (0,)


def test_a_state_of_one_smile_has_its_vols_at_all_times():
    vols = smile_vols(
        np.full((1, 1, 8), np.log(0.2)), np.array([[0.1]]), np.array([0.01, 0.1, 1.0]), np.zeros(3), np.zeros(3, int)
    )
    np.testing.assert_allclose(vols, 0.2, rtol=1e-12)


def test_polls_of_a_half_day_end_with_it():
    half = "2024-11-29"
    last = market_poll(at(half, "12:59"))
    after = last.assign(ts=at(half, "13:01"), quote_time=at(half, "13:01"))
    found = features_of_polls(pd.concat([last, after], ignore_index=True), RATE, OPENING)
    assert set(found.used["ts"]) == {at(half, "12:59")}
    assert set(found.used["minutes_since_open"]) == {209.0}
    assert clock.close_instant(half) == at(half, "13:00")
