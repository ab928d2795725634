"""What a poll's contracts are said to be worth next: by whom, when, at which forward, and when nobody may say it."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from poll_frames import at, plain_poll
from tilted import Tilted

from vol_assets import clock
from vol_assets.errors import ContractError, ForecastError
from vol_assets.lake.live import LiveStore
from vol_assets.lake.live.tables import PREDICTIONS
from vol_assets.smiles import SmileState, features, live_state, smile_vols
from vol_assets.smiles.panel import DAILY, LENGTH, LIVE, panel_of
from vol_assets.smiles.predictor import PREDICTED_COLUMNS, predict, realised

DAY = "2024-03-11"
DAYS = ("2024-03-15", "2024-03-22", "2024-04-12", "2024-05-10")
MINUTE = dt.timedelta(minutes=1)
TEN = at(DAY, "10:00")
YEAR = 365 * 86400
CONTRACT = ["expiration", "strike", "right"]


def stretch(instant: pd.Timestamp, count: int) -> list[pd.DataFrame]:
    """The features of `count` polls, a minute apart, the last at `instant`."""
    polls = [plain_poll(instant - ago * MINUTE, DAYS, 0.002) for ago in reversed(range(count))]
    return [features(poll, 0.0, 100.0).used for poll in polls]


@pytest.fixture(scope="module")
def polls() -> list[pd.DataFrame]:
    return stretch(TEN, LENGTH + 1)


@pytest.fixture(scope="module")
def states(polls) -> list[SmileState]:
    return [live_state(used) for used in polls]


def said(model, states: list[SmileState], used: pd.DataFrame, family: str = LIVE) -> pd.DataFrame:
    return predict(model, states, used, MINUTE, family)


def at_later(states: list[SmileState], used: pd.DataFrame, log_vol: np.ndarray, steps: int) -> np.ndarray:
    """The vols of `used` by smiles that are so many minutes older."""
    gone, k = steps * 60 / YEAR, np.log(used["strike"] / used["forward"]).to_numpy()
    return smile_vols(log_vol, states[-1].years - gone, used["years"].to_numpy() - gone, k)


# By the model


def test_what_the_model_says_is_read_at_each_contracts_time_and_at_the_forward_of_now(polls, states):
    found = said(Tilted(), states, polls[-1])
    assert tuple(found.columns) == PREDICTED_COLUMNS
    panel = panel_of(LIVE, states, MINUTE)
    of_one, of_ten = Tilted().forecast(panel.windows([LENGTH]))[0]
    assert np.abs(of_ten - states[-1].log_vol).max() > 0.01  # it has something to say
    for steps, log_vol in ((1, of_one), (10, of_ten)):
        rows = found[found["horizon_steps"] == steps]
        assert rows[CONTRACT].to_numpy().tolist() == polls[-1][CONTRACT].to_numpy().tolist()
        assert rows["predicted_vol"].to_numpy() == pytest.approx(at_later(states, polls[-1], log_vol, steps), abs=1e-12)
        assert (rows["target_ts"] == TEN + steps * MINUTE).all()
    assert not found["flagged"].any()


def test_a_call_and_a_put_of_one_strike_have_one_vol(polls, states):
    found = said(Tilted(), states, polls[-1])
    sides = found.pivot(index=["horizon_steps", "expiration", "strike"], columns="right", values="predicted_vol")
    assert len(sides) == 2 * 4 * 21
    assert (sides["C"] == sides["P"]).all()


def test_only_the_last_states_count_and_they_all_do(polls, states):
    long, short = (said(Tilted(), some, polls[-1]) for some in (states, states[-LENGTH:]))
    pd.testing.assert_frame_equal(long, short)
    other = replace(states[1], log_vol=states[1].log_vol + 0.05)
    moved = said(Tilted(), [states[0], other, *states[2:]], polls[-1])
    assert not np.allclose(moved["predicted_vol"], long["predicted_vol"], atol=1e-6)


def test_a_day_ahead_the_times_to_expiry_of_the_smiles_stay_and_those_of_the_contracts_do_not():
    sessions = clock.sessions("2024-11-15", "2024-11-29")[:LENGTH]
    assert sessions[-1] == dt.date(2024, 11, 29)  # a half day
    draw = np.random.default_rng(3)
    years = np.array([7, 30, 60, 91]) / 365
    closes = [clock.close_instant(day) for day in sessions]
    states = [
        SmileState(ts, np.datetime64(ts.date(), "D") + np.array([7, 30, 60, 91]), years, np.full(4, 100.0), *drawn)
        for ts, drawn in zip(closes, ((-1.8 + 0.1 * draw.normal(size=(4, 8)), draw.normal(size=4)) for _ in closes))
    ]
    contracts = [("2024-11-30", 2), ("2024-12-02", 3), ("2024-12-06", 7), ("2025-01-17", 49)]
    used = pd.DataFrame(
        {
            "ts": closes[-1],
            "expiration": pd.to_datetime([day for day, _ in contracts]),
            "strike": [98.0, 99.0, 101.0, 103.0],
            "right": ["P", "P", "C", "C"],
            "years": [(days * 86400 + 3 * 3600) / YEAR for _, days in contracts],
            "forward": [100.0, 100.1, 100.2, 101.0],
            "fitted_vol": np.nan,
        }
    )
    found = said(Tilted(DAILY), states, used, DAILY)
    target = clock.close_instant("2024-12-02")
    assert (found["target_ts"] == target).all()
    assert found["strike"].tolist() == [101.0, 103.0]  # the others are over by then
    log_vol = Tilted(DAILY).forecast(panel_of(DAILY, states).windows([LENGTH - 1]))[0, 0]
    later = used["years"].to_numpy()[2:] - (target - closes[-1]).total_seconds() / YEAR
    vols = smile_vols(log_vol, years, later, np.log(used["strike"] / used["forward"]).to_numpy()[2:])
    assert found["predicted_vol"].to_numpy() == pytest.approx(vols, abs=1e-12)
    assert not found["flagged"].any()
    k, now = np.log(used["strike"] / used["forward"]).to_numpy(), used["years"].to_numpy()
    on_surface = used.assign(fitted_vol=1.03 * smile_vols(states[-1].log_vol, states[-1].years, now, k))
    moved = said(Tilted(DAILY), states, on_surface, DAILY)
    assert moved["predicted_vol"].to_numpy() == pytest.approx(1.03 * vols, abs=1e-12)


# By nobody


def held(states: list[SmileState], used: pd.DataFrame) -> np.ndarray:
    return np.concatenate([at_later(states, used, states[-1].log_vol, steps) for steps in (1, 10)])


def flagged_persistence(found: pd.DataFrame, states: list[SmileState], used: pd.DataFrame) -> None:
    assert found["flagged"].all()
    assert found["horizon_steps"].unique().tolist() == [1, 10]
    assert found["predicted_vol"].to_numpy() == pytest.approx(held(states, used), abs=1e-12)


def test_where_nobody_serves_the_smile_of_now_is_held_at_fixed_stdevs_and_flagged(polls, states):
    flagged_persistence(said(None, states, polls[-1]), states, polls[-1])


def test_a_model_is_not_asked_before_it_has_its_ten_states(polls, states):
    for count in (1, LENGTH - 1):
        flagged_persistence(said(Tilted(), states[-count:], polls[-1]), states, polls[-1])


def test_nor_across_a_poll_that_was_missed_or_told_of_three_smiles(polls, states):
    flagged_persistence(said(Tilted(), [*states[:6], *states[7:]], polls[-1]), states, polls[-1])
    three = SmileState(
        states[6].ts,
        **{name: getattr(states[6], name)[:3] for name in ("expirations", "years", "forward", "log_vol")},
        covariates=states[6].covariates,
    )
    flagged_persistence(said(Tilted(), [*states[:6], three, *states[7:]], polls[-1]), states, polls[-1])


def test_nor_across_a_night_or_a_change_of_expirations(polls, states):
    evening = [replace(state, ts=state.ts - pd.Timedelta(hours=66)) for state in states]  # Friday
    flagged_persistence(said(Tilted(), [*evening[:5], *states[5:]], polls[-1]), states, polls[-1])
    rolled = [replace(state, expirations=state.expirations + 1) for state in states[:5]]
    flagged_persistence(said(Tilted(), [*rolled, *states[5:]], polls[-1]), states, polls[-1])


def test_a_poll_of_two_smiles_is_predicted_from_those_and_flagged(polls, states):
    used = polls[-1][polls[-1]["expiration"].isin(polls[-1]["expiration"].unique()[:2])]
    two = live_state(used)
    assert len(two.years) == 2
    flagged_persistence(said(Tilted(), [*states[:-1], two], used), [two], used)


def test_a_model_that_answers_with_no_number_is_stood_in_for(polls, states):
    class Broken(Tilted):
        def forecast(self, windows):
            return np.full((1, 2, 4, 8), np.nan)

    flagged_persistence(said(Broken(), states, polls[-1]), states, polls[-1])


def test_a_poll_without_a_smile_is_not_predicted(polls, states):
    for some, used in (([], polls[-1]), (states[:-1], polls[-1]), (states, polls[-1][:0])):
        found = said(Tilted(), some, used)
        assert found.empty
        assert tuple(found.columns) == PREDICTED_COLUMNS
    thin = polls[-1].groupby("expiration").head(3)  # no expiration has strikes enough
    assert said(Tilted(), [*states[:-1], live_state(thin)], thin).empty


@pytest.mark.parametrize(
    ("session", "time", "steps"), [(DAY, "15:49", [1, 10]), (DAY, "15:50", [1]), (DAY, "15:59", [])]
)
def test_nothing_is_predicted_beyond_the_close(session, time, steps):
    used = stretch(at(session, time), 1)[0]
    found = said(Tilted(), [live_state(used)], used)
    assert found["horizon_steps"].unique().tolist() == steps


def test_on_a_half_day_the_close_is_at_one():
    instant = at("2024-11-29", "12:55")
    used = features(
        plain_poll(instant, ("2024-12-06", "2024-12-13", "2024-12-27", "2025-01-31"), 0.002), 0.0, 100.0
    ).used
    found = said(None, [live_state(used)], used)
    assert found["horizon_steps"].unique().tolist() == [1]


# Refused


def test_a_model_of_the_other_family_is_refused_by_name(polls, states):
    with pytest.raises(ForecastError, match="the model tilted is of the daily family and cannot predict live smiles"):
        said(Tilted(DAILY), states, polls[-1])


def test_a_model_of_other_inputs_is_refused_by_name_even_before_it_would_be_asked(polls, states):
    ours = Tilted().inputs
    for inputs, differs in (
        (ours[:-1], "it lacks spot_return"),
        (("spot", *ours[1:]), "spot is unknown here; it lacks log_vol_0_-2.0"),
        (ours[::-1], "the same in another order"),
    ):
        with pytest.raises(
            ForecastError, match=f"the model tilted of the live family .* \\({differs}.*train anew"
        ) as told:
            said(Tilted(inputs=inputs), states[-1:], polls[-1])
        assert differs in str(told.value)


def test_a_model_of_another_step_is_refused_and_told_apart(polls, states):
    with pytest.raises(ForecastError, match="a state every 60 s, and here is one every 900 s; set VOL_ASSETS_BUCKET"):
        predict(Tilted(step_seconds=60.0), states, polls[-1], dt.timedelta(minutes=15))
    assert len(predict(Tilted(step_seconds=900.0), states, polls[-1], dt.timedelta(minutes=15)))


def test_states_out_of_order_are_refused(polls, states):
    for mixed in (states[::-1], [*states, states[-1]]):
        with pytest.raises(ContractError, match="in order"):
            said(Tilted(), mixed, polls[-1])


# What came


@pytest.fixture(scope="module")
def listed(polls) -> list[pd.DataFrame]:
    """The same polls with strikes that stay, as listed ones do."""
    return [used.assign(strike=polls[0]["strike"]) for used in polls]


def test_what_came_is_each_contracts_own_vol_at_the_target_for_every_horizon_at_once(listed, states):
    due = pd.concat([said(Tilted(), states[:count], listed[count - 1]) for count in (1, LENGTH)])
    found = realised(due, listed[LENGTH])
    assert len(found) == len(listed[LENGTH])  # one of ten minutes ago, one of a minute ago: one outcome
    assert (found["target_ts"] == TEN).all()
    came = listed[LENGTH].set_index(CONTRACT)["implied_vol"]
    assert found.set_index(CONTRACT)["realised_vol"].sort_index().tolist() == came.sort_index().tolist()


def test_what_was_not_quoted_then_and_what_was_not_polled_is_not_scored(listed, states):
    due = said(Tilted(), states[:-1], listed[-2])
    assert len(realised(due, listed[-1][3:])) == len(listed[-1]) - 3
    assert realised(due, listed[-2]).empty
    assert realised(due, listed[-1][:0]).empty
    assert realised(due[:0], listed[-1]).empty


def test_the_store_takes_predictions_and_their_outcomes_as_they_are(listed, states, tmp_path):
    found = said(Tilted(), states[:-1], listed[-2])
    found = found.assign(model="tilted", model_version="1")
    with LiveStore(f"sqlite:///{tmp_path / 'live.db'}") as store:
        assert store.write_predictions(found) == len(found)
        due = store.read(PREDICTIONS, states[0].ts, TEN, target_ts=TEN)
        assert store.score(realised(due, listed[-1])) == len(listed[-1])
        scored = store.read(PREDICTIONS, states[0].ts, TEN, target_ts=TEN)
    assert np.abs(scored["predicted_vol"] - scored["realised_vol"]).max() < 0.02


def test_predictions_of_nothing_are_stored_as_nothing(listed, tmp_path):
    nothing = said(None, [], listed[-1]).assign(model="persistence", model_version="0")
    with LiveStore(f"sqlite:///{tmp_path / 'live.db'}") as store:
        assert store.write_predictions(nothing) == 0
