"""The lake on a real disk: what is written is read back, whole or not at all, whoever writes or dies meanwhile."""

import datetime as dt
import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet
import pytest

from vol_assets import clock
from vol_assets.contracts import CONTRACTS, REJECT_COLUMNS
from vol_assets.contracts.features import FEATURES_HAR
from vol_assets.contracts.forecast import RV_5D, RV_BACKTEST
from vol_assets.contracts.market import RAW_MARKET
from vol_assets.errors import LakeError
from vol_assets.lake import Lake, parquet

FIRST, LAST = dt.date(2024, 6, 17), dt.date(2024, 6, 28)
SESSIONS = clock.sessions(FIRST, LAST)  # nine: Juneteenth is a Wednesday
DAY = SESSIONS[3]

session_tables = pytest.mark.parametrize(
    "contract", [c for c in CONTRACTS.values() if c.by_session], ids=lambda contract: contract.name
)


def same(one: pd.DataFrame, other: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(one.reset_index(drop=True), other.reset_index(drop=True), check_exact=True)


# ---------------------------------------------------------------------- round trips


@session_tables
def test_a_range_comes_back_as_it_was_written(lake, make_frame, contract):
    frame = make_frame(contract, str(FIRST), str(LAST))
    assert lake.write(contract, frame) == SESSIONS
    same(lake.read(contract, FIRST, LAST), frame)


def test_one_session_comes_back_alone(lake, make_frame):
    frame = make_frame(RAW_MARKET, str(FIRST), str(LAST))
    lake.write(RAW_MARKET, frame)
    same(lake.read(RAW_MARKET, DAY, DAY), frame[frame["date"] == pd.Timestamp(DAY)])


def test_an_iterator_of_sessions_is_written_like_a_frame(lake, make_frame):
    frame = make_frame(RAW_MARKET, str(FIRST), str(LAST))
    pairs = ((day.date(), rows) for day, rows in frame.groupby("date"))
    assert lake.write_sessions(RAW_MARKET, pairs) == SESSIONS
    same(lake.read(RAW_MARKET, FIRST, LAST), frame)


def test_iterating_gives_the_sessions_one_at_a_time_in_order(lake, make_frame):
    frame = make_frame(RAW_MARKET, str(FIRST), str(LAST))
    lake.write(RAW_MARKET, frame)
    pairs = list(lake.iterate(RAW_MARKET, FIRST, LAST))
    assert [session for session, _ in pairs] == SESSIONS
    same(pd.concat([rows for _, rows in pairs]), frame)


def test_more_sessions_than_a_batch_are_all_written(lake, make_frame, monkeypatch):
    monkeypatch.setattr(parquet, "BATCH_SESSIONS", 4)
    frame = make_frame(RAW_MARKET, str(FIRST), str(LAST))
    assert lake.write(RAW_MARKET, frame) == SESSIONS
    same(lake.read(RAW_MARKET, FIRST, LAST), frame)


def test_rows_in_any_order_of_dates_are_sorted_into_their_sessions_and_keep_their_order_within(lake, make_frame):
    frame = make_frame(RAW_MARKET, str(FIRST), str(LAST), rows=1)
    twice = pd.concat([frame[::-1], frame.assign(symbol="second")])
    lake.write(RAW_MARKET, twice)
    same(lake.read(RAW_MARKET, FIRST, LAST), twice.sort_values("date", kind="stable"))


def test_an_unpartitioned_table_comes_back_and_is_replaced(lake, make_frame):
    frame = make_frame(RV_BACKTEST, str(FIRST), str(LAST))
    lake.write_table(RV_BACKTEST, frame)
    same(lake.read_table(RV_BACKTEST), frame)
    lake.write_table(RV_BACKTEST, frame[:2])
    same(lake.read_table(RV_BACKTEST), frame[:2])


def test_a_session_may_have_no_rows_and_is_held_all_the_same(lake, make_frame):
    nothing = make_frame(RV_5D, str(DAY), str(DAY)).iloc[:0]
    lake.write_sessions(RV_5D, [(DAY, nothing)])
    assert lake.sessions(RV_5D) == [DAY]
    same(lake.read(RV_5D, FIRST, LAST), nothing)


def test_writing_a_frame_without_rows_writes_nothing(lake, make_frame):
    assert lake.write(RV_5D, make_frame(RV_5D, str(DAY), str(DAY)).iloc[:0]) == []
    assert lake.write(RV_5D, pd.DataFrame(columns=list(RV_5D.columns))) == []
    assert lake.sessions(RV_5D) == []


@session_tables
def test_reading_what_is_not_there_gives_an_empty_frame_of_the_right_types(lake, make_frame, contract):
    assert (
        lake.read(contract, FIRST, LAST).dtypes.to_dict() == make_frame(contract, str(DAY), str(DAY)).dtypes.to_dict()
    )
    assert len(lake.read(contract, FIRST, LAST)) == 0


def test_a_range_reads_the_sessions_there_are(lake, make_frame):
    frame = make_frame(RAW_MARKET, str(FIRST), str(LAST))
    lake.write(RAW_MARKET, frame[frame["date"] != pd.Timestamp(DAY)])
    assert DAY not in set(lake.read(RAW_MARKET, FIRST, LAST)["date"].dt.date)
    assert lake.missing(RAW_MARKET, FIRST, LAST) == [DAY]
    assert lake.sessions(RAW_MARKET) == [session for session in SESSIONS if session != DAY]


def test_projected_columns_come_with_the_date_and_nothing_else(lake, make_frame):
    frame = make_frame(RAW_MARKET, str(FIRST), str(LAST))
    lake.write(RAW_MARKET, frame)
    same(lake.read(RAW_MARKET, FIRST, LAST, ["symbol", "close"]), frame[["date", "symbol", "close"]])
    same(lake.read(RAW_MARKET, FIRST, LAST, ["date", "close"]), frame[["date", "close"]])
    for session, rows in lake.iterate(RAW_MARKET, FIRST, LAST, ["close"]):
        same(rows, frame.loc[frame["date"] == pd.Timestamp(session), ["date", "close"]])
    assert list(lake.read(RAW_MARKET, dt.date(2023, 1, 3), dt.date(2023, 1, 4), ["close"]).columns) == ["date", "close"]


def test_projecting_a_column_that_does_not_exist_is_refused_by_name(lake, make_frame):
    lake.write(RAW_MARKET, make_frame(RAW_MARKET, str(DAY), str(DAY)))
    with pytest.raises(LakeError, match=r"raw/market has no column clsoe"):
        lake.read(RAW_MARKET, DAY, DAY, ["symbol", "clsoe"])


def test_an_unpartitioned_table_that_is_not_there_says_what_to_do(lake):
    with pytest.raises(LakeError, match=r"forecast/rv_backtest is not in the lake yet .*; materialize it first"):
        lake.read_table(RV_BACKTEST)


# ---------------------------------------------------------------------- files


def test_files_lie_where_the_design_says_and_hold_no_date_column(lake, make_frame):
    lake.write(RAW_MARKET, make_frame(RAW_MARKET, str(FIRST), str(LAST)))
    file = lake.root / "raw" / "market" / f"date={DAY}" / "data.parquet"
    assert lake.path(RAW_MARKET, DAY) == file
    schema = pyarrow.parquet.read_schema(file)
    assert schema.names == RAW_MARKET.arrow_schema.names
    assert "date" not in schema.names
    assert schema.field("close").metadata[b"unit"] == b"USD, index points, percent a year"
    lake.write_table(RV_BACKTEST, make_frame(RV_BACKTEST, str(FIRST), str(LAST)))
    assert (lake.root / "forecast" / "rv_backtest" / "data.parquet").exists()


def test_pandas_reads_a_tables_folder_with_the_folder_names_as_dates(lake, make_frame):
    frame = make_frame(RAW_MARKET, str(FIRST), str(LAST))
    lake.write(RAW_MARKET, frame)
    read = pd.read_parquet(lake.root / "raw" / "market")
    assert list(read["date"].astype(str)) == [f"{day:%Y-%m-%d}" for day in frame["date"]]
    same(read.drop(columns="date"), frame.drop(columns="date"))


def test_pandas_reads_an_unpartitioned_table(lake, make_frame):
    frame = make_frame(RV_BACKTEST, str(FIRST), str(LAST))
    lake.write_table(RV_BACKTEST, frame)
    same(pd.read_parquet(lake.root / "forecast" / "rv_backtest"), frame)


def test_nothing_lies_aside_after_a_write(lake, make_frame):
    lake.claim()
    lake.write(RAW_MARKET, make_frame(RAW_MARKET, str(FIRST), str(LAST)))
    assert list((lake.root / ".aside").iterdir()) == []


def test_foreign_files_in_a_tables_folder_are_not_sessions(lake, make_frame):
    lake.write(RAW_MARKET, make_frame(RAW_MARKET, str(DAY), str(DAY)))
    folder = lake.folder(RAW_MARKET)
    (folder / "date=2024-06-20").mkdir(exist_ok=True)  # empty
    (folder / "date=2024-06-21.bak").mkdir()
    (folder / "date=2024-06-21.bak" / "data.parquet").touch()
    (folder / "notes.txt").touch()
    assert lake.sessions(RAW_MARKET) == [DAY]


@pytest.mark.parametrize("content", [b"PAR1 but not really", b""])
def test_a_corrupt_file_is_named_with_the_remedy(lake, make_frame, content):
    lake.write(RAW_MARKET, make_frame(RAW_MARKET, str(FIRST), str(LAST)))
    path = lake.path(RAW_MARKET, DAY)
    path.write_bytes(content)
    with pytest.raises(LakeError) as raised:
        lake.read(RAW_MARKET, FIRST, LAST)
    assert str(path) in str(raised.value)
    assert "delete the file and materialize that session again" in str(raised.value)


def test_a_file_of_another_shape_is_named_with_the_remedy(lake, make_frame):
    path = lake.path(RAW_MARKET, DAY)
    path.parent.mkdir(parents=True)
    for frame in (pd.DataFrame({"symbol": ["SPY"]}), make_frame(RAW_MARKET, str(DAY), str(DAY)).assign(close="a")):
        frame.to_parquet(path)
        with pytest.raises(
            LakeError, match=f"date={DAY}.*cannot be read as raw/market.*materialize that session again"
        ):
            lake.read(RAW_MARKET, DAY, DAY)


# ---------------------------------------------------------------------- what may not be written


@pytest.mark.parametrize(
    ("disturb", "named"),
    [
        (lambda frame: frame.drop(columns=["close", "volume"]), "the frame lacks close, volume"),
        (lambda frame: frame.assign(close2=1.0), "the frame has close2 besides"),
        (lambda frame: frame.rename(columns={"close": "last"}), "the frame lacks close; has last besides"),
        (lambda frame: frame.assign(close="high"), "the frame's types are not the contract's"),
        (lambda frame: frame.assign(symbol=5), "the frame's types are not the contract's"),
        (lambda frame: frame.assign(symbol=None), "the frame's types are not the contract's"),
    ],
)
def test_a_frame_of_wrong_columns_or_types_is_refused_and_nothing_is_written(lake, make_frame, disturb, named):
    with pytest.raises(LakeError, match="raw/market") as raised:
        lake.write(RAW_MARKET, disturb(make_frame(RAW_MARKET, str(FIRST), str(LAST))))
    assert named in str(raised.value)
    assert lake.sessions(RAW_MARKET) == []


def test_a_good_session_stays_when_its_replacement_is_refused(lake, make_frame):
    frame = make_frame(RAW_MARKET, str(DAY), str(DAY))
    lake.write(RAW_MARKET, frame)
    with pytest.raises(LakeError):
        lake.write(RAW_MARKET, frame.assign(close="?"))
    same(lake.read(RAW_MARKET, DAY, DAY), frame)


@pytest.mark.parametrize("do", ["write", "claim", "write_rejects"])
def test_a_data_folder_that_cannot_be_written_says_so_and_what_to_do(tmp_path, make_frame, do):
    (tmp_path / "taken").write_text("a regular file where the data folder should be")
    lake = Lake(tmp_path / "taken" / "lake", "sample")
    actions = {
        "claim": lake.claim,
        "write": lambda: lake.write(FEATURES_HAR, make_frame(FEATURES_HAR, str(DAY), str(DAY))),
        "write_rejects": lambda: lake.write_rejects(FEATURES_HAR, _rejects(DAY)),
    }
    with pytest.raises(LakeError) as raised:
        actions[do]()
    assert f"the data folder {lake.root} cannot be written" in str(raised.value)
    assert "point VOL_ASSETS_DATA at another" in str(raised.value)


def test_a_table_folder_that_cannot_be_made_is_reported_and_leaves_nothing_aside(lake, make_frame):
    lake.root.mkdir()
    (lake.root / "features").write_text("in the way")
    with pytest.raises(LakeError, match=r"writing under .* failed .*nothing half-written was kept"):
        lake.write(FEATURES_HAR, make_frame(FEATURES_HAR, str(DAY), str(DAY)))
    assert list((lake.root / ".aside").iterdir()) == []


# ---------------------------------------------------------------------- atomic, whoever dies


WRITER = """
    import os, signal, sys
    from pathlib import Path
    import pandas as pd
    from vol_assets.contracts.features import FEATURES_HAR
    from vol_assets.lake import Lake, parquet

    root, new, point, after = sys.argv[1:]
    count = 0

    def dying(real):
        def call(*args, **kwargs):
            global count
            count += 1
            if count == int(after):
                if point == "write_table":  # half a file: the way a kill leaves it
                    Path(args[1]).write_bytes(b"PAR1 half")
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*args, **kwargs)
        return call

    home = {"write_table": parquet.pyarrow.parquet, "rename": parquet.os, "replace": parquet.os, "sync": parquet.os}
    if point != "nothing":
        setattr(home[point], point, dying(getattr(home[point], point)))
    Lake(Path(root), "sample").write(FEATURES_HAR, pd.read_pickle(new))
"""


def run_writer(root: Path, pickled: Path, point: str, after: int) -> int:
    arguments = [sys.executable, "-c", textwrap.dedent(WRITER), str(root), str(pickled), point, str(after)]
    return subprocess.run(arguments, timeout=60).returncode


@pytest.mark.parametrize(
    ("held", "point", "after", "written"),
    [
        (False, "write_table", 5, 0),  # while files are written aside
        (False, "rename", 5, 4),  # between the renames of new sessions
        (True, "replace", 5, 4),  # between the replacements of old ones
    ],
)
def test_a_killed_writer_leaves_whole_sessions_and_a_second_run_completes(
    lake, make_frame, tmp_path, held, point, after, written
):
    new = make_frame(FEATURES_HAR, str(FIRST), str(LAST))
    old = new.assign(log_vix=-9.0)
    if held:
        lake.write(FEATURES_HAR, old)
    new.to_pickle(tmp_path / "new.pickle")

    assert run_writer(lake.root, tmp_path / "new.pickle", point, after) == -signal.SIGKILL
    assert len(list((lake.root / ".aside").iterdir())) == 1  # it did die on the way
    now = lake.read(FEATURES_HAR, FIRST, LAST)
    of = {day: rows for day, rows in now.groupby("date")}
    assert len(of) == (len(SESSIONS) if held else written)
    for number, session in enumerate(pd.DatetimeIndex(list(of))):
        expected = new if number < written else old
        same(of[session], expected[expected["date"] == session])
    if of:
        assert len(pd.read_parquet(lake.folder(FEATURES_HAR))) == len(now)

    lake.write(FEATURES_HAR, new)
    same(lake.read(FEATURES_HAR, FIRST, LAST), new)


def test_readers_see_whole_sessions_while_they_are_replaced(lake, make_frame):
    """A reader that comes in the middle gets the old rows of a session or the new ones, never some of each."""
    frames = [make_frame(FEATURES_HAR, str(FIRST), str(LAST), rows=n).assign(log_vix=float(n)) for n in (40, 7)]
    lake.write(FEATURES_HAR, frames[0])
    enough = threading.Event()

    def write() -> None:
        while not enough.is_set():
            for frame in frames[::-1]:
                lake.write(FEATURES_HAR, frame)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        seen, deadline = [], time.monotonic() + 30
        while (len(seen) < 10 * len(SESSIONS) or set(seen) != {40, 7}) and time.monotonic() < deadline:
            for _, rows in lake.read(FEATURES_HAR, FIRST, LAST).groupby("date"):
                assert rows["log_vix"].nunique() == 1
                assert len(rows) == rows["log_vix"].iloc[0]
                seen.append(len(rows))
    finally:
        enough.set()
        writer.join()
    assert set(seen) == {40, 7}  # the reader did come in between


def test_two_processes_write_different_sessions_at_once(lake, make_frame, tmp_path):
    frame = make_frame(FEATURES_HAR, "2023-01-03", "2024-06-28", rows=1)
    middle = pd.Timestamp("2023-10-02")
    parts = {"one": frame[frame["date"] < middle], "two": frame[frame["date"] >= middle]}
    results = {}

    def work(name: str) -> None:
        parts[name].to_pickle(tmp_path / name)
        results[name] = run_writer(lake.root, tmp_path / name, "nothing", 0)

    threads = [threading.Thread(target=work, args=(name,)) for name in parts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == {"one": 0, "two": 0}
    same(lake.read(FEATURES_HAR, dt.date(2023, 1, 3), LAST), frame)


def test_two_writers_of_the_same_new_session_leave_one_of_them_whole(lake, make_frame, monkeypatch):
    """The session's folder appears between this writer's look and its rename."""
    frame = make_frame(FEATURES_HAR, str(DAY), str(DAY))
    real = os.rename

    def late(source, target):
        monkeypatch.setattr(parquet.os, "rename", real)
        Lake(lake.root, "sample").write(FEATURES_HAR, frame.assign(log_vix=-1.0))
        real(source, target)

    monkeypatch.setattr(parquet.os, "rename", late)
    lake.write(FEATURES_HAR, frame)
    same(lake.read(FEATURES_HAR, DAY, DAY), frame)


# ---------------------------------------------------------------------- what died writers left


def test_what_a_writer_left_aside_long_ago_is_swept_and_what_is_fresh_stays(lake, make_frame):
    old, fresh = lake.root / ".aside" / "old", lake.root / ".aside" / "fresh"
    for folder in (old, fresh):
        folder.mkdir(parents=True)
        (folder / "data.parquet").touch()
    long_ago = time.time() - (parquet.ASIDE_HOURS + 1) * 3600
    os.utime(old, (long_ago, long_ago))
    lake.write(FEATURES_HAR, make_frame(FEATURES_HAR, str(DAY), str(DAY)))
    assert not old.exists()
    assert fresh.exists()


def test_another_writers_folder_that_vanishes_during_the_sweep_fails_nobody(lake, make_frame, monkeypatch):
    frame = make_frame(FEATURES_HAR, str(DAY), str(DAY))
    other = lake.root / ".aside" / "of another run"
    other.mkdir(parents=True)
    real = Path.iterdir

    def slow(folder):
        names = list(real(folder))
        if folder == other.parent and other.exists():
            other.rmdir()  # the other run finishes between the listing and the look at each
        return iter(names)

    monkeypatch.setattr(Path, "iterdir", slow)
    lake.write(FEATURES_HAR, frame)
    same(lake.read(FEATURES_HAR, DAY, DAY), frame)


# ---------------------------------------------------------------------- one source a lake


def test_a_lake_belongs_to_the_source_that_claimed_it_first(lake):
    lake.claim()
    lake.claim()
    assert json.loads((lake.root / "source.json").read_text()) == {"source": "sample"}
    with pytest.raises(LakeError) as raised:
        Lake(lake.root, "yahoo").claim()
    assert "'sample'" in str(raised.value)
    assert "'yahoo'" in str(raised.value)
    assert "set VOL_ASSETS_DATA to another folder, or VOL_ASSETS_SOURCE back" in str(raised.value)


def test_of_two_sources_that_claim_a_new_lake_at_once_one_is_refused(lake, monkeypatch):
    real = os.link

    def late(source, target):
        monkeypatch.setattr(parquet.os, "link", real)
        Lake(lake.root, "yahoo").claim()
        real(source, target)

    monkeypatch.setattr(parquet.os, "link", late)
    with pytest.raises(LakeError, match="holds data of the source 'yahoo', this run uses 'sample'"):
        lake.claim()


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b"\xff\xfe\x00"])
def test_a_damaged_source_stamp_is_named(lake, content):
    lake.root.mkdir()
    (lake.root / "source.json").write_bytes(content)
    with pytest.raises(LakeError, match=r"source\.json is not the lake's source stamp any more; restore or delete it"):
        lake.claim()


# ---------------------------------------------------------------------- rejects


def _rejects(*sessions: dt.date, value: str = "nan") -> pd.DataFrame:
    rows = [(pd.Timestamp(s), symbol, "a close", value) for s in sessions for symbol in ("SPY", "TLT")]
    return pd.DataFrame(rows, columns=REJECT_COLUMNS)


def test_rejects_are_kept_by_session_until_they_are_cleared(lake):
    assert list(lake.read_rejects(RAW_MARKET).columns) == REJECT_COLUMNS
    assert len(lake.read_rejects(RAW_MARKET)) == 0
    rejects = _rejects(*SESSIONS[:3])
    lake.write_rejects(RAW_MARKET, rejects[::-1])
    same(lake.read_rejects(RAW_MARKET).sort_values(["date", "symbol"]), rejects)
    assert (lake.root / "rejects" / "raw" / "market" / f"date={SESSIONS[0]}" / "data.parquet").exists()

    lake.clear_rejects(RAW_MARKET, [SESSIONS[1], DAY])  # DAY has none
    same(lake.read_rejects(RAW_MARKET).sort_values(["date", "symbol"]), _rejects(SESSIONS[0], SESSIONS[2]))


def test_a_session_refused_again_has_its_new_reasons_alone(lake):
    lake.write_rejects(RAW_MARKET, _rejects(DAY, value="first"))
    lake.write_rejects(RAW_MARKET, _rejects(DAY, value="second").head(1))
    assert lake.read_rejects(RAW_MARKET)["value"].tolist() == ["second"]


def test_rejects_of_one_table_are_not_anothers_nor_rows_of_the_table(lake):
    lake.write_rejects(RAW_MARKET, _rejects(DAY))
    assert len(lake.read_rejects(FEATURES_HAR)) == 0
    assert lake.sessions(RAW_MARKET) == []


def test_session_slices_cover_a_frame_run_by_run():
    dates = pd.DatetimeIndex(np.repeat(pd.DatetimeIndex(SESSIONS[:3]), [2, 1, 3]))
    slices = list(parquet.session_slices(pd.DataFrame({"date": dates})))
    assert slices == [(SESSIONS[0], 0, 2), (SESSIONS[1], 2, 3), (SESSIONS[2], 3, 6)]
    assert list(parquet.session_slices(pd.DataFrame({"date": dates[:0]}))) == []
