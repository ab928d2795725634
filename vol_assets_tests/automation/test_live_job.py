"""The live smile's job over TCP: what a run stores and says, and the fault table: whatever gateway or store do wrong is
a skip or a failure with its reason, stores nothing as fresh, and leaves the next tick of the sensor working."""

from __future__ import annotations

import datetime as dt
import sqlite3
import threading
from dataclasses import replace
from urllib.parse import quote

import numpy as np
import pandas as pd
import pytest
from live_desk import ALWAYS, AT_ONCE, IMPATIENT, QUICK
from smile_market import EXPIRATIONS, FAST, NOON, SmileMarket, listed
from waiting import until

from vol_assets import clock
from vol_assets.automation.resources import open_tracking
from vol_assets.ibkr.plan import OptionKey
from vol_assets.ibkr.simulator import NEVER, Permission, Simulator
from vol_assets.ibkr.simulator.messages import Ask
from vol_assets.lake.live import FEATURES, PREDICTIONS, QUOTES, STATES
from vol_assets.smiles import input_names
from vol_assets.smiles.baselines import Persistence
from vol_assets.smiles.panel import HORIZONS, LIVE, SMILES
from vol_assets.smiles.stored import Card
from vol_assets.tracking import serving

EVERYTHING = frozenset(Ask)
ALL = ["spy_quotes", "spy_features", "spy_predicted"]
PERSISTENCE = Persistence(
    Card("persistence", LIVE, HORIZONS[LIVE], tuple(input_names(SMILES)), 60.0, "of a test", "2024-03-14", 0, {})
)
NOTHING = dict.fromkeys(("spy_option_chain", "option_features", "smile_state", "predicted_smile"), 0)


def later(desk, minutes: float) -> None:
    """Move the gateway's clock and the desk's on."""
    clock = desk.simulator.clock
    moved = replace(clock, start=clock.start + dt.timedelta(minutes=minutes))
    desk.simulator.clock = moved
    desk.desk = replace(desk.desk, clock=(moved.start, moved.speed, moved.began))


def crown(desk, model) -> None:
    """Have a model serve, as training leaves it beside the lake."""
    tracking = open_tracking(desk.settings)
    serving.keep(tracking, "spy_smile_live", (model, "7", "sample"))
    serving.asked_of(tracking, "spy_smile_live").write_text("")


def failed(desk, *words: str, step: str = "spy_quotes", config: dict = AT_ONCE) -> None:
    """A run fails at a step, at the first try, for a reason with these words; what comes after is not tried."""
    ran = desk.run(config)
    assert not ran.success
    assert ran.steps("UP_FOR_RETRY") == []
    assert ran.steps("FAILURE") == [step]
    assert ran.steps("SUCCESS") == ALL[: ALL.index(step)]
    assert ran.reason.startswith(f"live/{step}: ")
    for word in words:
        assert word in ran.reason


# ---------------------------------------------------------------------- as it should be


def test_a_poll_becomes_quotes_features_a_state_and_predictions_that_the_next_ones_score(desk_with):
    desk = desk_with()
    assert desk.run().steps("SUCCESS") == ALL
    later(desk, 1)
    second = desk.run()
    with desk.store() as store:
        quotes, states, predictions = (store.read(table, *ALWAYS) for table in (QUOTES, STATES, PREDICTIONS))
        used = store.latest(FEATURES)
    buckets = [pd.Timestamp(NOON), pd.Timestamp(NOON) + pd.Timedelta(minutes=1)]
    assert list(quotes["ts"].unique()) == list(states["ts"].unique()) == list(predictions["ts"].unique()) == buckets
    assert len(states) == 8
    assert quotes.groupby("ts").size().tolist() == [35, 35]
    assert set(quotes["source"]) == {"simulator"}
    newest = quotes[quotes["ts"] == buckets[1]].merge(used, on=["ts", "con_id"])
    assert np.array_equal(newest["own_vol"], newest["implied_vol"])
    due = predictions[predictions["target_ts"] == buckets[1]]
    assert due["realised_vol"].notna().all()
    assert second.metadata("spy_predicted")["scored"] == len(due) > 30
    assert second.metadata("spy_predicted")["RMSE of 1 ahead, vol points"] < 0.5
    assert predictions["flagged"].all()  # nobody is crowned
    assert set(predictions["model"]) == {"persistence"}
    assert set(predictions["horizon_steps"]) == {1, 10}


def test_a_bucket_that_is_polled_twice_is_stored_once(desk_with):
    desk = desk_with()
    desk.run()
    once = desk.stored()
    assert desk.run().success
    assert desk.stored() == once


def test_the_pages_say_what_came_of_it(desk_with):
    ran = desk_with().run()
    quotes, features, predicted = (ran.metadata(name) for name in ALL)
    assert quotes["outcome"] == "complete"
    assert quotes["market data"] == "35 live"
    assert quotes["seconds"] < QUICK.budget
    assert "curated/market has no IRX" in quotes["WARNING, rate from"]
    assert quotes["nearest the money"].count("| 500.00 |") >= 3
    assert features["bucket"] == "2024-03-15 12:00:00 New York"
    assert features["smiles"] == 4
    assert features["SPY at the open"] == "unknown"
    assert predicted["flagged"].startswith("persistence stands in")
    assert "nobody is crowned" in predicted["model"]


def test_what_no_bid_is_made_for_is_stored_without_one_and_left_out_of_the_features(desk_with):
    without = frozenset(OptionKey(EXPIRATIONS[0], 500.0, right) for right in "CP")
    desk = desk_with(market=SmileMarket(no_bids=without))
    ran = desk.run()
    with desk.store() as store:
        quotes = store.latest(QUOTES)
    empty = quotes[(quotes["expiration"] == pd.Timestamp(EXPIRATIONS[0])) & (quotes["strike"] == 500.0)]
    assert len(empty) == 2
    assert empty[["bid", "own_vol"]].isna().all(axis=None)
    assert not (quotes[["bid", "ask", "own_vol"]] <= 0).any(axis=None)
    assert ran.metadata("spy_features")["quotes left out"] == 2


def test_a_poll_too_thin_for_a_smile_is_stored_and_predicts_nothing(desk_with):
    ran = desk_with(limits=replace(QUICK, lines=9)).run()
    assert ran.steps("SUCCESS") == ALL
    assert ran.metadata("spy_features")["smiles"] == 0
    assert ran.metadata("spy_predicted")["predictions"] == 0


def test_quotes_of_which_none_can_be_used_fail_the_run_with_a_reason_for_each(desk_with):
    nobody_bids = SmileMarket(no_bids=frozenset(listed()))
    desk = desk_with(market=nobody_bids)
    failed(desk, "none of 35 quotes of 2024-03-15 12:00:00 New York can be used (35 no_bid)", step="spy_features")
    assert desk.stored()["spy_option_chain"] == 35
    desk.simulator.market = SmileMarket()
    assert desk.ticks()


def test_greeks_that_never_come_are_null_and_nothing_else_is(desk_with):
    desk = desk_with(replace(FAST, greeks_delay=NEVER), limits=replace(QUICK, quiet=0.5))
    assert desk.run().success
    with desk.store() as store:
        quotes = store.latest(QUOTES)
    assert quotes[["ib_vol", "ib_delta"]].isna().all(axis=None)
    assert quotes["own_vol"].notna().all()


def test_delayed_quotes_are_stored_as_such_and_their_predictions_flagged_and_never_scored_by(desk_with):
    desk = desk_with()
    desk.run()
    later(desk, 1)
    desk.simulator.behaviour = replace(FAST, permission=Permission.DELAYED)
    delayed = desk.run()
    assert delayed.metadata("spy_quotes")["outcome"] == "delayed"
    assert "delayed quotes" in delayed.metadata("spy_predicted")["flagged"]
    assert delayed.metadata("spy_predicted")["scored"] == 0
    with desk.store() as store:
        assert set(store.latest(QUOTES)["market_data_type"]) == {"delayed"}
        assert store.latest(PREDICTIONS)["flagged"].all()


def test_a_store_on_postgresql_is_filled_alike(desk_with, postgres):
    desk = desk_with()
    postgres.execute("postgres", "CREATE DATABASE polls")
    at = {name: quote(value, safe="") for name, value in postgres.environment.items()}
    url = f"postgresql://{at['PGUSER']}:{at['PGPASSWORD']}@{at['PGHOST']}:{at['PGPORT']}/polls"
    desk.settings = replace(desk.settings, live=url)
    assert desk.run().success
    later(desk, 1)
    second = desk.run()
    assert second.steps("SUCCESS") == ALL
    assert second.metadata("spy_predicted")["states"] == 2
    assert second.metadata("spy_predicted")["scored"] > 30
    assert desk.stored()["spy_option_chain"] == 70


# ---------------------------------------------------------------------- the fault table: gateways


def test_a_gateway_that_is_absent_fails_the_run_after_another_try_and_the_next_one_works(desk_with, free_port):
    desk = desk_with()
    ran = desk.run({}, gateway=desk.desk.gateway._replace(port=free_port()))
    assert ran.steps("UP_FOR_RETRY") == ran.steps("FAILURE") == ["spy_quotes"]
    assert "refused: nothing listens at" in ran.reason
    assert desk.stored() == NOTHING
    assert desk.ticks()


def test_what_has_passed_at_the_second_try_is_no_failure(desk_with):
    desk = desk_with(replace(FAST, lines=0))
    desk.simulator.at_line(1, lambda it: setattr(it, "behaviour", FAST))
    ran = desk.run({})
    assert ran.steps("UP_FOR_RETRY") == ["spy_quotes"]
    assert ran.steps("SUCCESS") == ALL


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [
        (replace(FAST, greeting=False), "silent: 127.0.0.1"),
        (replace(FAST, unanswered=EVERYTHING - {Ask.START}), "did not answer what time it is"),
        (replace(FAST, unanswered=frozenset({Ask.MARKET_DATA})), "no quote of SPY"),
        (replace(FAST, messages=10), "too_fast: 127.0.0.1"),
        (replace(FAST, lines=0), "no_lines: 127.0.0.1"),
    ],
    ids=["handshake", "time", "ticks", "pacing", "lines"],
)
def test_a_gateway_that_gives_no_quotes_fails_the_run_with_its_reason(desk_with, behaviour, reason):
    desk = desk_with(behaviour, limits=IMPATIENT)
    failed(desk, reason)
    assert desk.stored() == NOTHING
    desk.simulator.behaviour, desk.limits = FAST, QUICK
    assert desk.ticks()


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [
        (replace(FAST, permission=Permission.NONE), "no_permission: 127.0.0.1"),
        (replace(FAST, options=Permission.NONE), "OPRA"),
        (replace(FAST, competing=True), "competing_session: 127.0.0.1"),
        (replace(FAST, skew=3600.0), "clock_skew: 127.0.0.1"),
    ],
    ids=["permission", "options", "competing", "skew"],
)
def test_what_only_a_person_can_mend_fails_the_run_at_once_and_is_not_tried_again(desk_with, behaviour, reason):
    desk = desk_with(behaviour)
    failed(desk, reason, config={})
    assert desk.stored() == NOTHING
    desk.simulator.behaviour = FAST
    assert desk.ticks()


def test_a_gateway_that_goes_away_in_mid_poll_leaves_no_quotes_and_the_next_tick_says_that_it_is_gone(desk_with):
    desk = desk_with(limits=IMPATIENT)
    desk.simulator.at_line(10, Simulator.vanish)
    failed(desk, "dropped", "closed the connection")
    assert desk.stored() == NOTHING
    assert "no gateway at" in desk.look().skip_message


def test_a_connection_dropped_in_mid_poll_is_had_again_within_the_run(desk_with):
    desk = desk_with()
    desk.simulator.at_line(10, Simulator.drop)
    assert desk.run().steps("SUCCESS") == ALL
    assert desk.stored()["spy_option_chain"] == 35


def test_of_two_clients_with_one_id_the_second_fails_and_the_first_is_left_alone(desk_with):
    desk = desk_with(replace(FAST, greeks_delay=1.0))
    first = []
    thread = threading.Thread(target=lambda: first.append(desk.desk.poll()))
    thread.start()
    until(lambda: 10 in desk.simulator.clients)
    failed(desk, "duplicate_client", "326")
    thread.join()
    assert first[0].quoted
    assert desk.stored() == NOTHING
    assert desk.ticks()


def test_strikes_without_contracts_are_replaced_and_a_market_without_any_fails_the_run(desk_with):
    gone = {key: number for key, number in listed().items() if key.strike != 500.0}
    desk = desk_with(market=SmileMarket(numbers=gone))
    assert desk.run().success
    with desk.store() as store:
        assert 500.0 not in set(store.latest(QUOTES)["strike"])


def test_a_thousand_strikes_cost_no_more_lines(desk_with):
    strikes = [100.0 + 0.5 * number for number in range(1000)]
    desk = desk_with(market=SmileMarket(numbers=listed(strikes=strikes)))
    assert desk.run().steps("SUCCESS") == ALL
    assert desk.simulator.most_lines <= QUICK.lines


# ---------------------------------------------------------------------- the fault table: hours


@pytest.mark.parametrize(
    "at",
    ["2024-07-03T17:30", "2024-07-04T16:30", "2024-07-06T16:30", "2024-07-05T12:00"],
    ids=["half day", "holiday", "weekend", "before the open"],
)
def test_a_closed_market_ends_the_run_without_quotes_and_skips_what_comes_after(desk_with, at):
    days = [dt.date.fromisoformat(day) for day in ("2024-07-12", "2024-07-19", "2024-08-02", "2024-09-06")]
    at = dt.datetime.fromisoformat(at).replace(tzinfo=dt.UTC)
    desk = desk_with(market=SmileMarket(numbers=listed(days)), at=at)
    ran = desk.run()
    assert ran.success
    assert ran.steps("SKIPPED") == ["spy_features", "spy_predicted"]
    assert ran.metadata("spy_quotes")["outcome"] == "market_closed"
    assert desk.stored() == NOTHING


def test_options_that_are_not_quoted_while_the_share_is_end_the_run_too(desk_with):
    desk = desk_with(market=SmileMarket(no_options=True))
    ran = desk.run()
    assert ran.steps("SKIPPED") == ["spy_features", "spy_predicted"]
    assert "no bids and asks" in ran.metadata("spy_quotes")["reason"]
    assert desk.stored() == NOTHING


# ---------------------------------------------------------------------- the fault table: the store


def test_a_store_that_is_down_fails_the_run_before_the_gateway_is_asked(desk_with, free_port):
    desk = desk_with()
    here = desk.settings
    desk.settings = replace(here, live=f"postgresql://me:hunter2@127.0.0.1:{free_port()}/live")
    failed(desk, "the live store", "does not answer")
    assert "hunter2" not in desk.run().reason
    assert desk.simulator.asked[Ask.START] == 0
    desk.settings = here
    assert desk.ticks()


def test_a_locked_store_fails_the_run_and_has_none_of_it(desk_with):
    desk = desk_with()
    assert desk.run().success
    before = desk.stored()
    later(desk, 1)
    holder = sqlite3.connect(desk.settings.live_url.removeprefix("sqlite:///"), isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    failed(desk, "it is locked")
    holder.execute("ROLLBACK")
    holder.close()
    assert desk.stored() == before
    assert desk.ticks()


# ---------------------------------------------------------------------- the fault table: time and models


def test_what_is_not_of_now_is_refused_by_the_job_and_made_late_by_hand(desk_with):
    desk = desk_with()
    assert desk.run(select="spy_quotes").success
    later(desk, 5)
    ran = desk.run(select="spy_features")
    assert not ran.success
    assert "of 2024-03-15 12:00:00 New York, and it is 2024-03-15 12:05:" in ran.reason
    by_hand = desk.run(select="spy_features", job="__ASSET_JOB")
    assert by_hand.success
    assert "12:00:00" in by_hand.metadata("spy_features")["made late"]
    assert desk.stored()["smile_state"] == 4


def test_a_simulated_clock_that_starts_anew_is_not_confused_by_what_came_later_before(desk_with):
    desk = desk_with()
    assert desk.run().success
    later(desk, -60)
    again = desk.run()
    assert [again.metadata(name)["bucket"] for name in ALL] == ["2024-03-15 11:00:00 New York"] * 3


def test_steps_without_anything_stored_before_them_say_what_to_run_first(desk_with):
    desk = desk_with()
    for step, before in (("spy_features", "live/spy_quotes"), ("spy_predicted", "live/spy_features")):
        ran = desk.run(select=step)
        assert not ran.success
        assert f"nothing of {before} yet" in ran.reason


@pytest.mark.parametrize(("minutes", "expected"), [(0, np.log(505.0 / 500.0)), (2, np.nan)])
def test_the_opening_price_is_that_of_a_first_bucket_at_the_open_and_else_unknown(desk_with, minutes, expected):
    desk = desk_with(at=clock.open_instant("2024-03-15").to_pydatetime() + dt.timedelta(minutes=minutes))
    desk.run()
    later(desk, 1)
    desk.simulator.market = replace(desk.simulator.market, spot=505.0)
    desk.run()
    with desk.store() as store:
        assert np.allclose(store.latest(FEATURES)["spot_return"], expected, equal_nan=True)


def test_a_folder_of_contracts_that_cannot_be_written_is_named(desk_with, tmp_path):
    desk = desk_with()
    folder = tmp_path / "file"
    folder.write_text("in the folder's place")
    ran = desk.run(folder=folder)
    assert not ran.success
    assert f"what the gateway says of contracts cannot be kept in {folder}" in ran.reason
    assert desk.stored() == NOTHING


def test_ten_states_in_a_row_let_the_champion_predict_and_a_gap_stops_it(desk_with):
    desk = desk_with()
    crown(desk, PERSISTENCE)
    first = desk.run()
    assert first.metadata("spy_predicted")["flagged"] == "persistence stands in, with 1 states to predict from"
    with desk.store() as store:
        state = store.latest(STATES)
        for minute in range(1, 9):
            store.write_states(state.assign(ts=state["ts"] + pd.Timedelta(minutes=minute)))
    later(desk, 9)
    tenth = desk.run().metadata("spy_predicted")
    assert (tenth["model"], tenth["states"], tenth["flagged"]) == ("persistence version 7", 10, "no")
    with desk.store() as store:
        rows = store.latest(PREDICTIONS)
    assert set(rows["model_version"]) == {"7"}
    assert not rows["flagged"].any()
    later(desk, 2)
    assert "persistence stands in" in desk.run().metadata("spy_predicted")["flagged"]


def test_a_model_of_another_feature_set_does_not_predict_and_the_page_says_why(desk_with):
    desk = desk_with()
    card = replace(PERSISTENCE.card, inputs=(*PERSISTENCE.inputs[1:], "moon_phase"))
    crown(desk, Persistence(card))
    predicted = desk.run().metadata("spy_predicted")
    assert "moon_phase" in predicted["model"]
    assert "trained on other inputs" in predicted["model"]
    assert predicted["flagged"].startswith("persistence stands in")


def test_quotes_of_another_market_than_the_models_are_flagged(desk_with):
    """A lake of real prices, and a simulated gateway."""
    desk = desk_with()
    desk.settings = replace(desk.settings, source="yahoo")
    assert "quotes of simulator, and a lake of the source yahoo" in desk.run().metadata("spy_predicted")["flagged"]
