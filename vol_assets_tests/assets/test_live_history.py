"""live/history and live/states: simulated sessions on the sample source, the live store's elsewhere, or a reason."""

from __future__ import annotations

import datetime as dt
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import dagster as dg
import numpy as np
import pandas as pd
import pytest
from code_location import CodeLocation, Ran, files

from vol_assets import clock
from vol_assets.assets.live_history import LIVE_HISTORY_ASSETS
from vol_assets.automation import resources
from vol_assets.automation.progress import progress_logger
from vol_assets.contracts.live import LIVE_HISTORY, LIVE_STATES
from vol_assets.ibkr.simulator.history import simulated_history, simulated_polls
from vol_assets.lake.live import FEATURES, QUOTES, STATES, LiveStore
from vol_assets.settings import Settings
from vol_assets.smiles import features_of_polls, live_states, state_rows
from vol_assets.smiles.history import opening_price

BOTH = "live/history,live/states"
FIRST, SECOND, HALF = dt.date(2024, 11, 26), dt.date(2024, 11, 27), dt.date(2024, 11, 29)  # around Thanksgiving
BUCKET = 1800
RATE = 0.045


@contextmanager
def over(folder: Path, source: str = "sample", now: dt.datetime | None = None) -> Iterator[CodeLocation]:
    """A code location whose desk polls every half hour, on a clock that is at `now`; what its runs leave is kept in
    memory, since a run's own database takes as long as the run."""
    settings = Settings.from_env({"VOL_ASSETS_DATA": str(folder), "VOL_ASSETS_SOURCE": source})
    desk = (now, 1.0, time.time()) if now else None
    with dg.DagsterInstance.ephemeral() as instance:
        yield alone(replace(settings, bucket=BUCKET, rate=RATE, ibkr_clock=desk), instance)


def alone(settings: Settings, instance: dg.DagsterInstance) -> CodeLocation:
    """The two tables without all others, whose jobs take seconds to resolve."""
    location = CodeLocation(settings, instance)
    location.defs = dg.Definitions(
        assets=LIVE_HISTORY_ASSETS,
        resources=resources.build_resources(settings),
        executor=dg.in_process_executor,
        loggers={"progress": progress_logger},
    )
    return location


@pytest.fixture(scope="module")
def simulated(tmp_path_factory) -> Iterator[tuple[CodeLocation, Ran]]:
    """Three sessions of the sample source, one a half day."""
    with over(tmp_path_factory.mktemp("simulated")) as location:
        yield location, location.run(BOTH, FIRST, HALF)


@pytest.fixture(scope="module")
def polled() -> dict[dt.date, pd.DataFrame]:
    """What a gateway would have given in two sessions."""
    return {session: simulated_polls("SPY", session, BUCKET).assign(source="ibkr") for session in (FIRST, SECOND)}


@pytest.fixture
def real(tmp_path) -> Iterator[CodeLocation]:
    """A lake of another source, its desk a few sessions later."""
    with over(tmp_path, "yahoo", dt.datetime(2024, 12, 3, 22, 0, tzinfo=dt.UTC)) as location:
        yield location


def serve(location: CodeLocation, quotes: pd.DataFrame) -> pd.DataFrame:
    """Store polls with their features and states, as live/spy_features does poll by poll; the states."""
    opening = opening_price(quotes, quotes["ts"].iloc[0].date(), dt.timedelta(seconds=BUCKET))
    used = features_of_polls(quotes, RATE, opening).used
    states = state_rows(*live_states(used))
    with LiveStore(location.settings.live_url) as store:
        store.write_quotes(quotes.assign(own_vol=used["implied_vol"]))
        store.write_features(used)
        store.write_states(states)
    return states


# On the sample source


def test_sessions_are_simulated_at_the_desks_pace(simulated):
    location, ran = simulated
    assert ran.success
    history = location.read(LIVE_HISTORY, FIRST, HALF)
    states = location.read(LIVE_STATES, FIRST, HALF)
    assert history.groupby("date")["ts"].nunique().tolist() == [13, 13, 7]
    assert states.groupby("date").size().tolist() == [52, 52, 28]
    expected = simulated_history("SPY", SECOND, BUCKET, RATE)
    pd.testing.assert_frame_equal(
        history[history["date"] == pd.Timestamp(SECOND)].reset_index(drop=True), expected, check_column_type=False
    )
    assert location.recorded("live/history") == location.recorded("live/states") == {str(FIRST), str(SECOND), str(HALF)}


def test_pages_tell_of_the_newest_session(simulated):
    _, ran = simulated
    told = ran.metadata("live/history")
    assert (told["polls"], told["buckets without a poll"], told["longest gap in minutes"]) == (7, 0, 0.0)
    assert told["quotes from"] == "simulator"
    assert "2024-12-06" in told["newest session"]
    told = ran.metadata("live/states")
    assert told["states"] == 7
    assert "data:image/png" in told["smiles"]
    assert told["newest session"].count("\n") == 5
    for table, name in (
        ("live/history", "contract"),
        ("live/history", "coverage"),
        ("live/history", "rate"),
        ("live/history", "retention"),
        ("live/states", "contract"),
        ("live/states", "smiles"),
    ):
        assert ran.check(table, name).passed


def test_a_session_of_a_range_is_the_same_by_itself(simulated):
    location, _ = simulated
    before = [files(location.lake, contract)[str(HALF)] for contract in (LIVE_HISTORY, LIVE_STATES)]
    assert location.run(BOTH, HALF).success
    for contract, (written, content) in zip((LIVE_HISTORY, LIVE_STATES), before):
        again, the_same = files(location.lake, contract)[str(HALF)]
        assert again > written
        assert the_same == content


def test_a_rate_that_nobody_knows_is_warned_of(tmp_path):
    with over(tmp_path) as location:
        unset = alone(replace(location.settings, rate=None), location.instance)
        ran = unset.run("live/history", HALF)
    assert ran.success
    assert not ran.check("live/history", "rate").passed
    assert "2024-11-29" in str(ran.check("live/history", "rate").metadata["sessions valued at a usual rate"].value)


def test_what_was_polled_leaves_the_store_on_the_sample_source_too_where_the_lake_takes_nothing_of_it(tmp_path, polled):
    with over(tmp_path, now=clock.close_instant("2025-01-10").to_pydatetime()) as location:
        for quotes in polled.values():
            serve(location, quotes.assign(source="simulator"))
        ran = location.run("live/history", HALF)
        assert ran.success
        assert ran.check("live/history", "retention").passed
        with LiveStore(location.settings.live_url) as store:
            assert store.days() == []


# From the live store


def test_the_stores_polls_become_history_and_its_states_come_again(real, polled):
    """What is trained on is what was served."""
    served = serve(real, polled[FIRST])
    ran = real.run(BOTH, FIRST)
    assert ran.success
    history, states = real.read(LIVE_HISTORY, FIRST, FIRST), real.read(LIVE_STATES, FIRST, FIRST)
    assert len(history) == len(polled[FIRST])
    assert set(history["source"]) == {"ibkr"}
    assert retained(ran).passed
    assert retained(ran).metadata[DROPPED].value.startswith("0 of spy_option_chain")
    assert ran.check("live/history", "rate").passed
    for name in served.columns:
        if served[name].dtype == float:
            np.testing.assert_allclose(states[name], served[name], rtol=0.0, atol=1e-8)
        else:
            assert states[name].tolist() == served[name].tolist()


def test_a_rate_that_nobody_knew_is_warned_of_where_polls_are_of_the_store(real, polled):
    serve(real, polled[FIRST])
    unset = alone(replace(real.settings, rate=None), real.instance)
    rate = unset.run("live/history", FIRST).check("live/history", "rate")
    assert not rate.passed
    assert rate.metadata["sessions valued at a usual rate"].value == "2024-11-26"


def test_a_store_that_cannot_be_read_fails_the_step_with_its_reason_and_refuses_no_session(real):
    store = Path(real.settings.live_url.removeprefix("sqlite:///"))
    store.parent.mkdir(parents=True)
    store.write_bytes(b"no database at all" * 100)
    ran = real.run("live/history", FIRST)
    assert ran.failed == ["live__history"]
    assert "FAILED live/history: the live store sqlite:///" in ran.lines
    assert real.lake.read_rejects(LIVE_HISTORY).empty


def test_a_long_gap_is_warned_of(real, polled):
    quotes = polled[FIRST]
    serve(real, quotes[~quotes["ts"].dt.hour.isin([16, 17])])
    ran = real.run(BOTH, FIRST)
    assert ran.success
    coverage = ran.check("live/history", "coverage")
    assert not coverage.passed
    assert coverage.metadata["buckets without a poll"].value == 4
    assert ran.metadata("live/history")["longest gap in minutes"] == 120.0


def test_delayed_quotes_are_kept_and_make_no_states(real, polled):
    serve(real, polled[FIRST].assign(market_data_type="delayed"))
    ran = real.run(BOTH, FIRST)
    assert ran.failed == ["live__states"]
    assert "smiles of live quotes: no poll has enough usable quotes for one" in ran.lines
    assert f"{len(polled[FIRST])} delayed quotes" in ran.lines
    assert len(real.read(LIVE_HISTORY, FIRST, FIRST)) == len(polled[FIRST])


def simulators(quotes: pd.DataFrame) -> pd.DataFrame:
    return quotes.assign(source="simulator")


def mixed(quotes: pd.DataFrame) -> pd.DataFrame:
    return quotes.assign(source=np.where(quotes["ts"] == quotes["ts"].min(), "simulator", "ibkr"))


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda quotes: quotes[:0], "polls of the session: the live store sqlite:.* has none; sessions that nobody"),
        (simulators, "polls of the market: the live store .* holds the simulator's, .*VOL_ASSETS_LIVE_URL of its own"),
        (mixed, "polls of the market: the live store .* holds the simulator's"),
    ],
    ids=["none", "simulator", "mixed"],
)
def test_a_session_that_cannot_be_had_is_refused_with_its_reason_and_the_others_are_kept(
    real, polled, spoil: Callable[[pd.DataFrame], pd.DataFrame], reason
):
    serve(real, polled[FIRST])
    with LiveStore(real.settings.live_url) as store:
        store.write_quotes(spoil(polled[SECOND]).assign(own_vol=np.nan))
    ran = real.run(BOTH, FIRST, SECOND)
    assert ran.failed == ["live__history"]
    assert real.lake.sessions(LIVE_HISTORY) == [FIRST]
    assert real.recorded("live/history") == {str(FIRST)}
    (reject,) = real.lake.read_rejects(LIVE_HISTORY).itertuples()
    assert reject.date == pd.Timestamp(SECOND)
    assert pd.Series([f"{reject.rule}: {reject.value}"]).str.contains(reason).all()


def test_states_of_a_session_without_history_are_refused(real):
    ran = real.run("live/states", FIRST)
    assert ran.failed == ["live__states"]
    assert "live/history of the session: not in the lake; materialize it first" in ran.lines


# Letting go

DROPPED = "rows dropped from the live store"


def retained(ran: Ran) -> dg.AssetCheckEvaluation:
    return ran.check("live/history", "retention")


def test_what_is_in_the_lake_and_old_leaves_the_store_and_what_the_lake_lacks_stays(tmp_path, polled):
    with over(tmp_path, "yahoo", clock.close_instant("2025-01-10").to_pydatetime()) as location:
        for quotes in polled.values():
            serve(location, quotes)
        ran = location.run("live/history", FIRST)
        assert ran.success
        dropped = retained(ran).metadata[DROPPED].value
        assert dropped.startswith(f"{len(polled[FIRST]):,} of spy_option_chain, ")
        assert "52 of smile_state" in dropped
        with LiveStore(location.settings.live_url) as store:
            assert [store.days(table) for table in (QUOTES, FEATURES, STATES)] == [[SECOND]] * 3
        assert not retained(ran).passed
        assert retained(ran).metadata["old sessions that the lake lacks"].value == str(SECOND)
        assert f"the live store keeps everything from {SECOND} on" in ran.lines
        assert location.run("live/history", FIRST).failed == ["live__history"]  # gone, and the lake's is left alone
        assert location.lake.sessions(LIVE_HISTORY) == [FIRST]


def test_the_store_lets_go_of_a_session_although_another_of_the_run_was_refused(tmp_path, polled):
    with over(tmp_path, "yahoo", clock.close_instant("2025-01-10").to_pydatetime()) as location:
        serve(location, polled[FIRST])
        ran = location.run("live/history", FIRST, SECOND)
        assert ran.failed == ["live__history"]
        assert retained(ran).passed
        with LiveStore(location.settings.live_url) as store:
            assert store.days() == []


def test_a_store_that_is_locked_keeps_its_rows_and_the_lake_gets_them_all_the_same(tmp_path, polled, monkeypatch):
    monkeypatch.setattr(resources, "LiveStore", lambda url: LiveStore(url, patience=0.1))
    with over(tmp_path, "yahoo", clock.close_instant("2025-01-10").to_pydatetime()) as location:
        serve(location, polled[FIRST])
        with closing(sqlite3.connect(location.settings.live_url.removeprefix("sqlite:///"))) as holder:
            holder.execute("BEGIN IMMEDIATE")
            ran = location.run("live/history", FIRST)
        assert ran.success
        assert not retained(ran).passed
        assert retained(ran).metadata[DROPPED].value.startswith("none: ")
        assert "nothing was dropped from the live store" in ran.lines
        assert location.lake.sessions(LIVE_HISTORY) == [FIRST]
