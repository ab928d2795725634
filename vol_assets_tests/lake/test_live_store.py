"""The live store on SQLite and on a real PostgreSQL: what goes in, what comes out, and who is in the way."""

from __future__ import annotations

import datetime as dt
import multiprocessing
import os
import socket
import sqlite3
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import psycopg2
import pytest
import sqlalchemy as sa
import store_processes
from stored_frames import EXPIRATIONS, MINUTE, OPEN, features, predictions, quotes, realised, states

from vol_assets.contracts import CONTRACTS
from vol_assets.contracts.live import LIVE_HISTORY, LIVE_STATES, STATE_COLUMNS
from vol_assets.errors import StoreError
from vol_assets.ibkr.outcome import QUOTE_COLUMNS
from vol_assets.lake import Lake
from vol_assets.lake.live import FEATURES, PREDICTIONS, QUOTES, STATES, TABLES, LiveStore, awaited, compact, lacking
from vol_assets.lake.live.tables import Table
from vol_assets.smiles.features import FEATURE_COLUMNS

DATABASE = "live_store"
EVER = (pd.Timestamp("2000-01-01", tz="UTC"), pd.Timestamp("2100-01-01", tz="UTC"))
SESSION = dt.date(2026, 1, 15)


@dataclass(frozen=True)
class Place:
    """An empty database: its URL, and a way in that is not ours."""

    kind: str
    url: str
    connect: Callable[[], sqlite3.Connection | psycopg2.extensions.connection]

    def execute(self, *statements: str) -> None:
        with closing(self.connect()) as connection:
            cursor = connection.cursor()
            for statement in statements:
                cursor.execute(statement)
            connection.commit()

    def count(self, table: Table) -> int:
        with closing(self.connect()) as connection:
            cursor = connection.cursor()
            cursor.execute(f"SELECT count(*) FROM {table.name}")
            return cursor.fetchone()[0]


@pytest.fixture(scope="module")
def server(postgres):
    """The server with a database for these tests."""
    postgres.execute("postgres", f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")
    postgres.execute("postgres", f"CREATE DATABASE {DATABASE}")
    return postgres


def url_on(server, **other: str | int) -> str:
    at = server.environment
    parts = {
        "username": at["PGUSER"],
        "password": at["PGPASSWORD"],
        "host": at["PGHOST"],
        "port": int(at["PGPORT"]),
        "database": DATABASE,
    }
    return sa.URL.create("postgresql", **{**parts, **other}).render_as_string(hide_password=False)


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    if request.param == "sqlite":
        file = tmp_path / "live" / "live.db"
        file.parent.mkdir()
        return Place("sqlite", f"sqlite:///{file}", lambda: sqlite3.connect(file))
    server = request.getfixturevalue("server")
    server.execute(DATABASE, "DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    at = {name.removeprefix("PG").lower(): value for name, value in server.environment.items()}
    return Place("postgresql", url_on(server), lambda: psycopg2.connect(dbname=DATABASE, **at))


@pytest.fixture
def store(place: Place) -> Iterator[LiveStore]:
    with LiveStore(place.url) as opened:
        yield opened


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def untouched(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveStore]:
    """A store for tests that store nothing."""
    url = f"sqlite:///{tmp_path_factory.mktemp('untouched')}/live.db"
    if request.param == "postgresql":
        server = request.getfixturevalue("server")
        server.execute("postgres", "DROP DATABASE IF EXISTS live_untouched WITH (FORCE)")
        server.execute("postgres", "CREATE DATABASE live_untouched")
        url = url_on(server, database="live_untouched")
    with LiveStore(url) as opened:
        yield opened


@pytest.fixture(scope="module")
def fresh():
    """A way to start processes that inherit nothing of this one: from a server that has imported what takes long."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["vol_assets.lake.live", "sqlalchemy", "psycopg2"])
    return context


@pytest.fixture(scope="module")
def processes(fresh) -> Iterator[ProcessPoolExecutor]:
    """Three other processes."""
    with ProcessPoolExecutor(3, fresh) as pool:
        yield pool


def everything(store: LiveStore, table: Table = QUOTES) -> pd.DataFrame:
    return store.read(table, *EVER)


# ---------------------------------------------------------------------- in and out


def test_an_empty_store_answers_with_empty_frames_of_the_right_types(store: LiveStore):
    for table in TABLES.values():
        found = store.latest(table)
        assert found.empty
        assert list(found) == list(table.dtypes)
        assert {name: str(kind).replace("object", "str") for name, kind in found.dtypes.items()} == table.dtypes
    assert len(store.buckets(*EVER)) == 0
    assert store.days() == []
    assert store.unscored("spy_smile_live", *EVER).empty


def test_quotes_come_out_as_they_went_in(store: LiveStore):
    given = quotes(buckets=3)
    assert store.write_quotes(given) == 12
    expected = given.assign(
        ts=given["ts"].dt.as_unit("us"),
        quote_time=given["quote_time"].dt.as_unit("us"),
        expiration=pd.to_datetime(given["expiration"]),
    )
    pd.testing.assert_frame_equal(everything(store), expected)


def test_features_come_out_as_they_went_in(store: LiveStore):
    given = features(quotes()).assign(right_enc=[1, 0, 1, 0], spot_return=np.nan)
    store.write_features(given)
    found = everything(store, FEATURES)
    pd.testing.assert_frame_equal(
        found.drop(columns=["ts", "expiration"]),
        given[list(FEATURES.dtypes)].drop(columns=["ts", "expiration"]),
        check_dtype=False,
    )
    assert list(found["expiration"].dt.date) == list(given["expiration"])


def test_states_come_out_as_they_went_in(store: LiveStore):
    given = states(buckets=3).assign(spot_return=[np.nan, 0.1, 0.2, 0.3, 0.4, 0.5])
    assert store.write_states(given) == 6
    pd.testing.assert_frame_equal(everything(store, STATES), given)


def test_instants_of_any_zone_are_the_same_instants_in_utc(store: LiveStore):
    in_new_york = quotes(OPEN.tz_convert("America/New_York") + pd.Timedelta(microseconds=123_456))
    store.write_quotes(in_new_york)
    found = store.read(QUOTES, OPEN.tz_convert("Asia/Tokyo"), (OPEN + MINUTE).to_pydatetime())
    assert set(found["ts"]) == {pd.Timestamp("2026-01-15 14:30:00.123456", tz="UTC")}
    assert str(found["ts"].dtype) == str(found["quote_time"].dtype) == "datetime64[us, UTC]"


def test_columns_of_plain_objects_do_as_well(store: LiveStore):
    given = quotes()
    as_objects = given.astype(object).assign(
        ts=pd.Series([stamp.to_pydatetime() for stamp in given["ts"]], dtype=object),
        expiration=pd.to_datetime(given["expiration"]),
        bid=[None, 1, 2.5, np.float64(3)],
    )
    store.write_quotes(as_objects)
    found = everything(store)
    assert set(found["ts"]) == {OPEN}
    assert found["bid"].fillna(-1).tolist() == [-1, 1, 2.5, 3]
    assert list(found["expiration"].dt.date) == list(given["expiration"])


def test_what_is_not_there_stays_null(store: LiveStore, place: Place):
    late_greeks = quotes().assign(ib_vol=np.nan, ib_delta=None, bid=[np.nan, 1.0, 1.0, 1.0], own_vol=pd.NA)
    store.write_quotes(late_greeks)
    found = everything(store)
    assert found[["ib_vol", "ib_delta", "own_vol"]].isna().all(axis=None)
    assert found["bid"].isna().tolist() == [True, False, False, False]
    with closing(place.connect()) as connection:  # a null, not a NaN, which PostgreSQL would keep
        cursor = connection.cursor()
        cursor.execute("SELECT count(*) FROM spy_option_chain WHERE ib_vol IS NULL AND ib_delta IS NULL")
        assert cursor.fetchone() == (4,)


def test_many_pages_of_rows_are_all_there(store: LiveStore, place: Place):
    given = quotes(buckets=4, contracts=2503)
    assert store.write_quotes(given) == 10_012 == place.count(QUOTES)
    found = everything(store)
    assert found["own_vol"].tolist() == given["own_vol"].tolist()
    assert found["con_id"].tolist() == given["con_id"].tolist()


def test_the_tables_hold_what_polls_and_features_are_made_of():
    assert set(QUOTES.dtypes) == {*QUOTE_COLUMNS, "own_vol"}
    assert set(FEATURES.dtypes) == set(FEATURE_COLUMNS)
    assert tuple(STATES.dtypes) == STATE_COLUMNS
    assert list(LIVE_STATES.columns) == ["date", *STATE_COLUMNS]


def test_an_empty_frame_is_nothing_to_write(store: LiveStore, place: Place):
    assert store.write_quotes(quotes().iloc[:0]) == 0
    assert store.score(realised(OPEN).iloc[:0]) == 0
    assert place.count(QUOTES) == 0


# ---------------------------------------------------------------------- twice


def test_the_same_again_is_stored_once_and_the_later_poll_of_a_bucket_wins(store: LiveStore, place: Place):
    store.write_quotes(quotes(level=1.0))
    store.write_quotes(quotes(level=1.0))
    store.write_features(features(quotes()))
    store.write_features(features(quotes()))
    store.write_states(states())
    store.write_states(states().assign(forward=601.0))
    assert (place.count(QUOTES), place.count(FEATURES), place.count(STATES)) == (4, 4, 2)
    assert everything(store, STATES)["forward"].tolist() == [601.0, 601.0]
    store.write_quotes(quotes(level=2.0, contracts=3))
    assert everything(store)["bid"].tolist() == [2.0, 2.0, 2.0, 1.0]


def test_of_a_contract_that_a_frame_holds_twice_the_last_row_counts(store: LiveStore):
    assert store.write_quotes(pd.concat([quotes(level=1.0), quotes(level=3.0, contracts=2)])) == 4
    assert everything(store)["bid"].tolist() == [3.0, 3.0, 1.0, 1.0]


# ---------------------------------------------------------------------- reading


def test_a_range_holds_both_of_its_ends(store: LiveStore):
    store.write_quotes(quotes(buckets=5))
    found = store.read(QUOTES, OPEN + MINUTE, OPEN + 3 * MINUTE)
    assert found["ts"].drop_duplicates().tolist() == [OPEN + MINUTE, OPEN + 2 * MINUTE, OPEN + 3 * MINUTE]


def test_some_columns_of_some_rows_can_be_read(store: LiveStore):
    store.write_quotes(quotes(buckets=2))
    found = store.read(QUOTES, *EVER, columns=["bid", "strike"], right="P", expiration=EXPIRATIONS[1])
    assert list(found) == ["bid", "strike"]
    assert len(found) == 2
    assert len(store.read(QUOTES, *EVER, ts=OPEN, right="C")) == 2


def test_the_latest_rows_are_those_of_the_newest_bucket(store: LiveStore):
    store.write_quotes(quotes(buckets=3))
    assert set(store.latest(QUOTES)["ts"]) == {OPEN + 2 * MINUTE}
    store.write_predictions(predictions(OPEN))
    store.write_predictions(predictions(OPEN + MINUTE, steps=10))
    assert set(store.latest(PREDICTIONS)["horizon_steps"]) == {10}
    assert set(store.latest(PREDICTIONS, horizon_steps=1)["ts"]) == {OPEN}


def test_buckets_and_new_york_days_are_listed_once_each(store: LiveStore):
    evening = pd.Timestamp("2026-01-15 20:15", tz="America/New_York")  # the 16th in UTC
    for first in (OPEN, evening, OPEN + pd.Timedelta(days=5)):
        store.write_quotes(quotes(first, buckets=2))
    assert store.days() == [dt.date(2026, 1, 15), dt.date(2026, 1, 20)]
    assert store.buckets(OPEN, evening).tolist() == [OPEN, OPEN + MINUTE, evening.tz_convert("UTC")]


def test_a_column_that_is_none_is_named(store: LiveStore):
    with pytest.raises(StoreError, match="spy_option_chain has no column vega; it has ts, quote_time"):
        store.read(QUOTES, *EVER, columns=["vega"])
    with pytest.raises(StoreError, match="option_features has no column bid"):
        store.latest(FEATURES, bid=1.0)


def test_an_instant_without_a_zone_is_refused(store: LiveStore):
    with pytest.raises(StoreError, match="instants have a time zone, datetime.datetime.2026, 1, 15.* has none"):
        store.read(QUOTES, dt.datetime(2026, 1, 15), EVER[1])
    with pytest.raises(StoreError, match="has none; give it in UTC"):
        store.drop_before(pd.Timestamp("2026-01-15"))


# ---------------------------------------------------------------------- predictions


def test_predictions_are_scored_by_what_came_whatever_their_horizon(store: LiveStore):
    target = OPEN + 10 * MINUTE
    store.write_predictions(predictions(OPEN, steps=10))
    store.write_predictions(predictions(target - MINUTE, steps=1))
    store.write_predictions(predictions(target, steps=1))
    assert everything(store, PREDICTIONS)["realised_vol"].isna().all()
    assert set(store.unscored("spy_smile_live", OPEN, target)["ts"]) == {OPEN, target - MINUTE}

    assert store.score(realised(target)) == 8
    found = store.read(PREDICTIONS, OPEN, target, target_ts=target)
    assert found["realised_vol"].tolist() == pytest.approx(2 * [0.20, 0.22, 0.21, 0.23])  # in the order of the key
    assert store.unscored("spy_smile_live", OPEN, target).empty
    assert len(store.unscored("spy_smile_live", OPEN, target + MINUTE)) == 4


def test_a_prediction_that_is_scored_stands(store: LiveStore):
    store.write_predictions(predictions())
    store.write_predictions(predictions().assign(model="persistence", flagged=True))
    assert everything(store, PREDICTIONS)["flagged"].tolist() == [True] * 4  # made again before the event: replaced
    store.score(realised(OPEN + MINUTE).iloc[:2])
    assert store.score(realised(OPEN + MINUTE, vol=0.9)) == 2  # those that were open
    store.write_predictions(predictions().assign(predicted_vol=0.5))
    found = everything(store, PREDICTIONS)
    assert set(found["model"]) == {"persistence"}
    assert found["predicted_vol"].max() < 0.5
    assert sorted(found["realised_vol"]) == pytest.approx([0.20, 0.21, 0.92, 0.93])


def test_families_do_not_score_each_other(store: LiveStore):
    store.write_predictions(predictions(family="spy_smile_daily"))
    assert store.score(realised(OPEN + MINUTE, family="spy_smile_live")) == 0
    assert len(store.unscored("spy_smile_daily", *EVER)) == 4


def test_what_came_is_no_column_of_a_prediction(store: LiveStore):
    with pytest.raises(StoreError, match="predicted_smile takes the columns .*; the frame has realised_vol besides"):
        store.write_predictions(predictions().assign(realised_vol=0.2))
    with pytest.raises(StoreError, match="predicted_smile: a row has no realised_vol"):
        store.score(realised(OPEN).assign(realised_vol=np.nan))


# ---------------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"bid": [1.0, 0.0, 1.0, 1.0]}, "a row has a bid that is not above 0; null says that there is none; nothing"),
        ({"ask": -1.0}, r"a row has a ask that is not above 0; .* \(4 rows\)"),
        ({"ib_vol": -2.0}, "a row has a ib_vol that is not above 0"),
        ({"bid": np.nan, "ask": [1.0, 1.0, np.nan, 1.0]}, "a row has no bid and no ask"),
        ({"ib_delta": [0.1, np.inf, 0.1, 0.1]}, "a row has an infinite ib_delta.*con_id 700000001"),
        ({"right": "call"}, "a row has a right that is none of C, P"),
        ({"market_data_type": "stale"}, "none of live, frozen, delayed, delayed_frozen"),
        ({"source": "yahoo"}, "none of ibkr, simulator"),
        ({"con_id": [1, None, 3, 4]}, "a row has no con_id"),
        ({"con_id": 1.5}, "con_id holds whole numbers; the frame's column is float64 .1.5 for instance"),
        ({"ts": pd.NaT}, "a row has no ts"),
        ({"ts": OPEN.tz_localize(None)}, "ts holds instants with a time zone; the frame's column is datetime64"),
        ({"quote_time": "14:30"}, "quote_time holds instants with a time zone"),
        ({"expiration": "2026-01-16"}, "expiration holds dates; the frame's column is object .'2026-01-16'"),
        ({"expiration": OPEN}, "expiration holds dates"),
        ({"bid": "1.05"}, "bid holds numbers; the frame's column is object .'1.05'"),
        ({"right": None}, "a row has no right"),
        ({"source": 7}, "a row has a source that is none of"),
        ({"mid": 1.0}, "the frame has mid besides"),
    ],
)
def test_a_row_that_cannot_be_true_is_refused_with_the_whole_frame(untouched: LiveStore, change, why):
    with pytest.raises(StoreError, match=why) as raised:
        untouched.write_quotes(quotes().assign(**change))
    assert "spy_option_chain" in str(raised.value)
    assert everything(untouched).empty


def test_columns_that_lack_are_named(untouched: LiveStore):
    with pytest.raises(StoreError, match="the frame lacks bid, own_vol and has IV besides"):
        untouched.write_quotes(quotes().drop(columns=["bid", "own_vol"]).assign(IV=0.2))
    with pytest.raises(StoreError, match="flagged holds true or false; the frame's column is object .'no'"):
        untouched.write_predictions(predictions().assign(flagged="no"))
    with pytest.raises(StoreError, match="model holds text; the frame's column is int64 .3 for instance"):
        untouched.write_predictions(predictions().assign(model=3))


# ---------------------------------------------------------------------- the tables


def test_what_was_stored_is_there_when_opened_again(place: Place):
    with LiveStore(place.url) as first:
        first.write_quotes(quotes())
    with LiveStore(place.url) as again:
        assert len(again.latest(QUOTES)) == 4


def test_a_table_that_lacks_is_made_beside_those_that_are_there(place: Place):
    with LiveStore(place.url) as store:
        store.write_quotes(quotes())
    place.execute("DROP TABLE predicted_smile")
    with LiveStore(place.url) as store:
        assert store.write_predictions(predictions()) == 4
        assert len(everything(store)) == 4


@pytest.mark.parametrize(
    ("statements", "why"),
    [
        (["ALTER TABLE option_features DROP COLUMN vega"], "option_features is not this version's: it lacks vega"),
        (["ALTER TABLE predicted_smile ADD COLUMN note TEXT"], "predicted_smile .*: it has note besides"),
        (
            ["DROP TABLE option_features", "CREATE TABLE option_features (ts TEXT PRIMARY KEY)"],
            r"it lacks con_id; .*; ts is TEXT, not (BIGINT|TIMESTAMP WITH TIME ZONE); its key is \(ts\), not \(ts, con",
        ),
    ],
)
def test_a_table_of_another_version_is_refused_and_left_alone(place: Place, statements, why):
    LiveStore(place.url).close()
    place.execute(*statements)
    with pytest.raises(StoreError, match=f"{why}.* Rename or drop it, or point VOL_ASSETS_LIVE_URL at another"):
        LiveStore(place.url)
    assert place.count(FEATURES) == 0  # still there


def test_a_table_that_goes_while_the_store_is_open_is_missed(place: Place, store: LiveStore):
    place.execute("DROP TABLE option_features")
    with pytest.raises(StoreError, match="has lost a table or column since it was opened .*option_features.*; open it"):
        store.latest(FEATURES)


def test_plain_postgresql_and_sqlite_have_no_hypertables(place: Place, store: LiveStore):
    from vol_assets.lake.live.capabilities import hypertables_possible

    url = place.url.replace("postgresql:", "postgresql+psycopg2:")
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        assert not hypertables_possible(connection)
    engine.dispose()


# ---------------------------------------------------------------------- other processes


def test_processes_that_open_an_empty_store_at_once_all_find_their_tables(place: Place, processes):
    assert list(processes.map(store_processes.open_only, [place.url] * 3)) == [[0, 0]] * 3


def test_readers_see_whole_polls_while_another_process_writes(place: Place, processes):
    LiveStore(place.url).close()
    readers = [processes.submit(store_processes.watch, place.url) for _ in range(2)]
    written = processes.submit(store_processes.write_buckets, place.url)
    whole = (store_processes.CONTRACTS, 1)
    for reader in readers:
        seen = reader.result()
        assert set(seen) == {whole}
    assert written.result() == store_processes.CONTRACTS * store_processes.BUCKETS == place.count(QUOTES)


def test_writers_of_the_same_rows_store_each_once_and_none_is_turned_away(place: Place, processes):
    written = list(processes.map(store_processes.rewrite, [place.url] * 3, [1.0, 2.0, 3.0]))
    assert written == [store_processes.CONTRACTS] * 3
    assert place.count(QUOTES) == place.count(FEATURES) == store_processes.CONTRACTS
    with LiveStore(place.url) as store:
        assert store.latest(QUOTES)["bid"].nunique() == 1  # one writer's poll, whole


def test_a_writer_killed_in_the_middle_leaves_nothing_and_blocks_nobody(place: Place, fresh):
    with LiveStore(place.url) as store:
        store.write_quotes(quotes(level=1.0))
        told = fresh.Event()
        victim = fresh.Process(target=store_processes.hang_before_commit, args=(place.url, told))
        victim.start()
        assert told.wait(60)
        assert store.latest(QUOTES)["bid"].tolist() == [1.0] * 4  # readers do not wait for a writer
        victim.kill()
        victim.join()
        pd.testing.assert_frame_equal(everything(store)[["bid"]], pd.DataFrame({"bid": [1.0] * 4}))
        assert store.write_quotes(quotes(level=2.0)) == 4
        assert everything(store)["bid"].tolist() == [2.0] * 4


def test_a_locked_store_is_given_up_after_its_patience_and_still_read(place: Place, store: LiveStore):
    store.write_quotes(quotes())
    with LiveStore(place.url, patience=0.1) as impatient:
        with closing(place.connect()) as holder:
            lock = "BEGIN IMMEDIATE" if place.kind == "sqlite" else "LOCK TABLE spy_option_chain IN EXCLUSIVE MODE"
            holder.cursor().execute(lock)
            with pytest.raises(StoreError, match="locked: another process has held it for more than 0.1 s"):
                impatient.write_quotes(quotes(level=2.0))
            with pytest.raises(StoreError, match="locked"):
                impatient.drop_before(OPEN + MINUTE)
            assert impatient.latest(QUOTES)["bid"].tolist() == [1.0] * 4
        assert impatient.write_quotes(quotes(level=2.0)) == 4  # the next tick works


def test_a_closed_store_leaves_no_connection(place: Place):
    def connections() -> int:
        if place.kind == "sqlite":
            return sum("live.db" in os.readlink(f"/proc/self/fd/{fd}") for fd in _descriptors())
        with closing(place.connect()) as connection:
            cursor = connection.cursor()
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
                "AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
            )
            return cursor.fetchone()[0]

    with LiveStore(place.url) as store:
        store.write_quotes(quotes())
        assert connections() > 0
    until = time.monotonic() + 10.0
    while connections() and time.monotonic() < until:  # a server sees a moment later that a client has gone
        time.sleep(0.01)
    assert connections() == 0


def _descriptors() -> list[str]:
    return [fd for fd in os.listdir("/proc/self/fd") if os.path.exists(f"/proc/self/fd/{fd}")]


# ---------------------------------------------------------------------- a store that is not there


def test_a_server_that_restarts_between_polls_is_found_again(server):
    server.execute(DATABASE, "DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    with LiveStore(url_on(server)) as store:
        store.write_quotes(quotes())
        server.execute(
            "postgres", f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{DATABASE}'"
        )
        assert len(store.latest(QUOTES)) == 4


@pytest.mark.parametrize(
    ("other", "why"),
    [
        ({"password": "hunter2-wrong"}, "password authentication failed"),
        ({"database": "nowhere"}, 'database "nowhere" does not exist'),
        ({"host": "no-such-host.invalid"}, "could not translate host name"),
        ({"port": 1}, "Connection refused"),
    ],
)
def test_a_server_that_does_not_let_us_in_is_named_without_the_password(server, other, why):
    url = url_on(server, **other)
    with pytest.raises(StoreError, match=f"does not answer .*{why}.*start it or correct VOL_ASSETS_LIVE_URL") as raised:
        LiveStore(url)
    told = "".join(traceback.format_exception(raised.value))
    for secret in (server.environment["PGPASSWORD"], "hunter2", sa.make_url(url).password):
        assert secret not in told
    assert "postgresql://vol_assets:***@" in str(raised.value)


def test_a_server_that_never_answers_is_given_up():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"postgresql://somebody:hunter2@127.0.0.1:{silent.getsockname()[1]}/live?application_name=hunter2"
        with pytest.raises(StoreError, match=r"\*\*\*@127.0.0.1:\d+/live: it does not answer .*timeout") as raised:
            LiveStore(url, patience=1.0)
    assert "hunter2" not in str(raised.value)


def test_the_variables_of_libpq_do_as_well_as_a_url(server, monkeypatch):
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    server.execute(DATABASE, "DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    with LiveStore(f"postgresql:///{DATABASE}") as store:
        assert store.write_quotes(quotes()) == 4


def test_a_role_of_another_time_zone_still_gets_utc(server):
    server.execute(DATABASE, "DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    server.execute(DATABASE, "ALTER ROLE vol_assets SET timezone = 'Asia/Tokyo'")
    try:
        with LiveStore(url_on(server)) as store:
            store.write_quotes(quotes())
            assert set(everything(store)["ts"]) == {OPEN}
            assert store.days() == [SESSION]
    finally:
        server.execute(DATABASE, "ALTER ROLE vol_assets RESET timezone")


def test_a_file_that_is_no_database_is_left_alone(tmp_path):
    file = tmp_path / "live.db"
    file.write_bytes(b"not a database at all, but long enough to look at" * 100)
    before = file.read_bytes()
    with pytest.raises(StoreError, match="it is no SQLite database or a damaged one .*; move the file away"):
        LiveStore(f"sqlite:///{file}")
    assert file.read_bytes() == before


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match=f"folder {tmp_path}/file/live cannot be made .*; make it writable or point"):
        LiveStore(f"sqlite:///{tmp_path}/file/live/live.db")


def test_a_file_that_cannot_be_opened_is_named(tmp_path):
    (tmp_path / "live.db").mkdir()
    with pytest.raises(StoreError, match=f"{tmp_path}/live.db: it cannot be opened or written .*unable to open"):
        LiveStore(f"sqlite:///{tmp_path}/live.db")


def test_a_full_disk_keeps_what_was_there(tmp_path):
    """A database that may grow no further says what a full disk says."""
    with LiveStore(f"sqlite:///{tmp_path}/live.db") as store:
        store.write_quotes(quotes())

        @sa.event.listens_for(store._reader, "begin")
        def cap(connection) -> None:
            connection.exec_driver_sql("PRAGMA max_page_count = 20")

        with pytest.raises(StoreError, match="cannot be opened or written .*full.*; free the disk"):
            store.write_quotes(quotes(buckets=10, contracts=500, level=2.0))
        assert everything(store)["bid"].tolist() == [1.0] * 4


@pytest.mark.parametrize(
    ("url", "why"),
    [
        (
            "",
            "is no database's URL; write sqlite:////absolute/path/live.db or postgresql://user:password@host/database",
        ),
        ("live.db", "is no database's URL"),
        ("postgresql://me:hunter2@host:port/live", "is no database's URL"),
        ("postgresql://me:hun:ter2@x@host/live", "with @, :, / and % of a password as %40"),
        ("postgresql://me:pass@hunter2@host/live", "is no database's URL"),
        ("mysql://me:hunter2@host/live", "begins with mysql; it may be sqlite"),
        ("postgresql+asyncpg://me:hunter2@host/live", "begins with postgresql.asyncpg; it may be"),
        ("sqlite+aiosqlite:////data/live.db", "begins with sqlite.aiosqlite"),
        ("sqlite:///live/live.db", "names the file 'live/live.db'.* beginning with a fourth slash"),
        ("sqlite://", "names the file '.none, in memory.'"),
        ("sqlite:///:memory:", "names the file ':memory:'"),
    ],
)
def test_a_url_that_is_none_is_refused_and_not_repeated(url, why):
    with pytest.raises(StoreError, match=why) as raised:
        LiveStore(url)
    told = "".join(traceback.format_exception(raised.value))
    assert "hunter2" not in told
    assert "hun:ter2" not in told
    assert "VOL_ASSETS_LIVE_URL" in str(raised.value)


def test_without_its_driver_postgresql_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg2", None)
    with pytest.raises(StoreError, match=r"psycopg2 is not installed; pip install 'vol_assets\[postgres\]'"):
        LiveStore("postgresql://me@localhost/live")


def test_sqlite_lies_in_a_folder_that_is_made_for_it_and_logs_ahead(tmp_path):
    with (
        LiveStore(f"sqlite:///{tmp_path}/a/b/live.db"),
        closing(sqlite3.connect(tmp_path / "a/b/live.db")) as connection,
    ):
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_loading_the_room_does_not_load_sqlalchemy():
    code = "import sys, vol_assets.lake.live; assert not {'sqlalchemy', 'psycopg2', 'dagster'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


# ---------------------------------------------------------------------- letting go


def test_rows_before_an_instant_are_dropped_however_many_days_they_fill(store: LiveStore):
    for day in range(6):
        poll = quotes(OPEN + pd.Timedelta(days=2 * day))
        store.write_quotes(poll)
        store.write_features(features(poll))
        store.write_states(states(OPEN + pd.Timedelta(days=2 * day)))
    store.write_predictions(predictions(OPEN))
    kept = OPEN + pd.Timedelta(days=8)
    dropped = {"spy_option_chain": 16, "option_features": 16, "smile_state": 8, "predicted_smile": 4}
    assert store.drop_before(kept) == dropped
    assert store.buckets(*EVER).tolist() == [kept, kept + pd.Timedelta(days=2)]
    assert store.drop_before(kept, [QUOTES]) == {"spy_option_chain": 0}


def test_quotes_stay_twenty_sessions_and_longer_where_the_lake_lacks_them(store: LiveStore):
    now = dt.datetime(2026, 3, 2, 23, 0, tzinfo=dt.UTC)  # 20 sessions back: 2026-01-30
    for day in ("2026-01-28", "2026-01-29", "2026-01-30"):
        instant = pd.Timestamp(f"{day} 10:00", tz="America/New_York").tz_convert("UTC")
        store.write_quotes(quotes(instant))
        store.write_states(states(instant))
    retained = store.retain(now, [dt.date(2026, 1, 29)])
    assert retained == {"spy_option_chain": 4, "option_features": 0, "smile_state": 2, "predicted_smile": 0}
    assert store.days() == [dt.date(2026, 1, 29), dt.date(2026, 1, 30)]
    assert store.retain(now, [])["spy_option_chain"] == 4
    assert store.days() == [dt.date(2026, 1, 30)]


def test_predictions_stay_for_a_year(store: LiveStore):
    for made in (OPEN, OPEN + pd.Timedelta(days=300)):
        store.write_predictions(predictions(made))
    now = (OPEN + pd.Timedelta(days=370)).to_pydatetime()
    assert store.retain(now, [])["predicted_smile"] == 4
    assert len(everything(store, PREDICTIONS)) == 4


# ---------------------------------------------------------------------- to the lake


def test_a_session_goes_into_the_lake_with_its_features_and_comes_back(store: LiveStore, tmp_path):
    day = [quotes(pd.Timestamp("2026-01-15 09:30", tz="America/New_York"), buckets=3)]
    day.append(quotes(pd.Timestamp("2026-01-15 23:59", tz="America/New_York"), contracts=2))
    others = [quotes(OPEN - pd.Timedelta(days=1)), quotes(pd.Timestamp("2026-01-16", tz="America/New_York"))]
    for poll in (*day, *others):
        store.write_quotes(poll)
    store.write_features(features(day[0].assign(own_vol=0.3)))

    history = compact(store, SESSION)
    assert len(history) == 14
    LIVE_HISTORY.require(history)
    assert history["forward"].tolist()[:4] == [600.0, 601.0, 600.0, 601.0]
    late = history[history["forward"].isna()]
    assert len(late) == 2  # of the bucket without features
    assert late[["own_vol", "bid_vol", "ask_vol", "years", "hour_sin", "spot_return"]].isna().all(axis=None)
    assert set(history["own_vol"].dropna()) == {0.3}  # the features'

    lake = Lake(tmp_path / "lake", "sample")
    lake.write(LIVE_HISTORY, history)
    pd.testing.assert_frame_equal(lake.read(LIVE_HISTORY, SESSION, SESSION), history)
    assert lacking(store, lake) == [dt.date(2026, 1, 14), dt.date(2026, 1, 16)]


def test_a_session_without_quotes_has_no_history(store: LiveStore):
    history = compact(store, SESSION)
    assert history.empty
    assert list(history) == list(LIVE_HISTORY.columns)


def test_polls_of_a_day_without_a_session_are_not_missed_in_the_lake(store: LiveStore, tmp_path):
    store.write_quotes(quotes(pd.Timestamp("2026-01-17 12:00", tz="America/New_York")))  # a Saturday
    assert lacking(store, Lake(tmp_path / "lake", "sample")) == []


def test_what_awaits_the_lake_is_the_session_and_what_it_lacks_of_the_weeks_before(store: LiveStore, tmp_path):
    lake = Lake(tmp_path / "lake", "yahoo")
    for day in ("2025-12-01", "2026-01-12", "2026-01-13", "2026-01-14", "2026-01-15", "2026-01-16"):
        source = "simulator" if day in ("2026-01-14", "2026-01-15") else "ibkr"
        store.write_quotes(quotes(pd.Timestamp(f"{day} 10:00", tz="America/New_York")).assign(source=source))
    lake.write(LIVE_HISTORY, compact(store, dt.date(2026, 1, 12)))
    missed = dt.date(2026, 1, 13)  # the first is too old, the second held, the third the simulator's
    assert awaited(store, lake, SESSION) == [missed, SESSION]
    assert awaited(store, lake, dt.date(2026, 1, 20)) == [missed, dt.date(2026, 1, 16)]
    assert awaited(store, lake, dt.date(2026, 1, 12)) == [dt.date(2026, 1, 12)]  # asked for again, though held


@pytest.fixture(scope="module")
def whole_history(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    """One bucket's rows of live/history."""
    with LiveStore(f"sqlite:///{tmp_path_factory.mktemp('history')}/live.db") as store:
        store.write_quotes(quotes())
        return compact(store, SESSION)


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"bid": 0.0}, "bid: above 0"),
        ({"bid": np.nan, "ask": np.nan}, "a bid or an ask"),
        ({"ts": (OPEN + pd.Timedelta(days=1)).as_unit("us")}, "ts on the session's day"),
        ({"right": "X"}, "right: C or P"),
        ({"years": 0.0}, "years: above 0"),
        ({"market_data_type": ""}, "market_data_type: live, frozen, delayed or delayed_frozen"),
        ({"con_id": 5, "strike": 600.0, "right": "C", "expiration": pd.Timestamp("2026-01-16")}, "one row a ts and"),
    ],
)
def test_the_contract_of_the_history_refuses_what_cannot_be(whole_history: pd.DataFrame, change, rule):
    assert CONTRACTS[("live", "history")] is LIVE_HISTORY
    assert LIVE_HISTORY.judge(whole_history).rejects.empty
    rejects = LIVE_HISTORY.judge(whole_history.assign(**change)).rejects
    assert rejects["rule"].str.startswith(rule).any(), rejects


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"log_vol_+0.0": np.nan}, "log_vol_+0.0: not_nullable"),
        ({"rank": -1}, "rank: at least 0"),
        ({"forward": 0.0}, "forward: above 0"),
        ({"ts": (OPEN + pd.Timedelta(days=1)).as_unit("us")}, "ts on the session's day"),
        ({"expiration": pd.Timestamp("2026-01-16")}, "one row a ts and expiration"),
    ],
)
def test_the_contract_of_the_states_refuses_what_cannot_be(change, rule):
    good = states(buckets=2).assign(date=pd.Timestamp(SESSION).as_unit("ns"))[list(LIVE_STATES.columns)]
    assert CONTRACTS[("live", "states")] is LIVE_STATES
    assert LIVE_STATES.judge(good).rejects.empty
    rejects = LIVE_STATES.judge(good.assign(**change)).rejects
    assert rejects["rule"].str.startswith(rule).any(), rejects
