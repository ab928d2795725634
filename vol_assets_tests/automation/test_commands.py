"""The commands behind make: what cannot be is refused in a line before anything starts, what fails says why."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest
from code_location import CodeLocation, at_home, command

from vol_assets import clock
from vol_assets.assets.partitions import SESSIONS
from vol_assets.automation import cli
from vol_assets.contracts import CURATED_MARKET, FEATURES_HAR, FEATURES_IMPLIED, FEATURES_L1, RAW_MARKET
from vol_assets.lake import Lake
from vol_assets.settings import Settings

NEWEST = clock.as_date(SESSIONS.get_last_partition_key())
TO_COME = clock.offset(NEWEST, 1)
FIRST, LAST = "2019-07-01", "2019-07-03"


def runs(folder: Path) -> list[dg.DagsterRun]:
    with at_home(Settings.from_env({"VOL_ASSETS_DATA": str(folder)})), dg.DagsterInstance.get() as instance:
        return list(instance.get_runs())


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VOL_ASSETS_DATA", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize(
    ("partition", "line"),
    [
        ("2024-07-04", "2024-07-04 is no XNYS session (July 4th); the one before it is 2024-07-03"),
        ("2024-07-06", "no XNYS session (weekend)"),
        ("2024-07-03...2024-07-01", "has its ends swapped; give the earlier date first"),
        ("2024-07-01...2024-07-04", "2024-07-04 is no XNYS session (July 4th)"),
        ("2024-07-01...", "'' is not a date; write it as YYYY-MM-DD"),
        ("July 3", "'July 3' is not a date; write it as YYYY-MM-DD"),
        (
            str(TO_COME),
            f"{TO_COME} is not to be had yet: a session's partition opens at 17:00 New York, 18:00 in summer; "
            f"the newest now is {NEWEST}",
        ),
        ("2007-04-10", "before the first session there is, 2007-04-11 (VOL_ASSETS_START)"),
        ("1999-01-04", "1999-01-04 is outside the calendar"),
    ],
)
def test_a_session_that_cannot_be_is_refused_in_one_line_and_nothing_starts(
    data: Path, capsys: pytest.CaptureFixture[str], partition: str, line: str
):
    with pytest.raises(SystemExit) as ended:
        cli.main(["materialize", "--partition", partition])
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert said.startswith("materialize: ")
    assert line in said
    assert said.count("\n") == 1
    assert not list(data.iterdir())  # not even a lake


def test_a_backfill_refuses_as_materialize_does(data: Path, capsys: pytest.CaptureFixture[str]):
    for first, last in (("2024-07-03", "2024-07-01"), ("2024-07-04", "2024-07-05"), ("2024-07-01", str(TO_COME))):
        with pytest.raises(SystemExit) as ended:
            cli.main(["backfill", "--from", first, "--to", last])
        assert ended.value.code == 2
        assert capsys.readouterr().err.startswith("backfill: ")
    assert not list(data.iterdir())


@pytest.mark.parametrize(
    ("select", "history"),
    [("raw/spy_chain,curated/spy_chain,group:surface", False), ("raw/spy_chain,features/l1", True)],
)
def test_a_backfill_of_chains_alone_brings_no_bars(
    data: Path, monkeypatch: pytest.MonkeyPatch, select: str, history: bool
):
    asked = []
    monkeypatch.setattr(cli, "_dagster", lambda *arguments: asked.append(arguments[arguments.index("--select") + 1]))
    cli.main(["backfill", "--from", FIRST, "--to", LAST, "--select", select])
    assert asked == [cli.HISTORY_TABLES] * history + [select]


@pytest.fixture(scope="module")
def backfilled(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A data folder after `make backfill` of three sessions, and what the command printed."""
    folder = tmp_path_factory.mktemp("backfilled")
    process = command(folder, "python", "-m", "vol_assets", "backfill", "--from", FIRST, "--to", LAST)
    printed, _ = process.communicate()
    assert process.returncode == 0, printed
    return folder, printed


def test_a_backfill_brings_the_sixty_sessions_before_it_so_that_its_first_features_are_complete(backfilled):
    folder, printed = backfilled
    lake = Lake(folder / "lake", "sample")
    before = clock.sessions(clock.offset(FIRST, -60), clock.offset(FIRST, -1))
    asked = clock.sessions(FIRST, LAST)
    assert lake.sessions(RAW_MARKET) == lake.sessions(CURATED_MARKET) == before + asked
    assert lake.sessions(FEATURES_L1) == asked
    for table in (FEATURES_L1, FEATURES_HAR, FEATURES_IMPLIED):
        assert lake.read(table, asked[0], asked[-1]).notna().all(axis=None)
    assert f"history first: 60 of the 60 sessions before {FIRST}" in printed
    assert f"  features/l1 {FIRST} ... {LAST}: 3 written" in printed


def test_a_command_leaves_two_finished_runs_that_the_ui_shows(backfilled):
    made = runs(backfilled[0])
    assert [run.status for run in made] == [dg.DagsterRunStatus.SUCCESS] * 2
    assert {run.tags["dagster/asset_partition_range_end"] for run in made} == {"2019-06-28", LAST}


def test_a_command_prints_a_line_a_table_and_none_a_session(backfilled):
    lines = backfilled[1].splitlines()
    assert len(lines) < 15, lines
    assert not [line for line in lines if "ASSET_MATERIALIZATION" in line or "Warning" in line]


def test_a_lake_of_another_source_is_refused_naming_the_settings(backfilled, tmp_path: Path):
    folder, _ = backfilled
    (tmp_path / "bars").mkdir()
    process = command(
        folder,
        *("python", "-m", "vol_assets", "materialize", "--select", "raw/market", "--partition", "2019-07-05"),
        VOL_ASSETS_SOURCE="files",
        VOL_ASSETS_FILES=str(tmp_path),
    )
    printed, _ = process.communicate()
    assert process.returncode == 1
    assert f"the lake {folder / 'lake'} holds data of the source 'sample', this run uses 'files'" in printed
    assert "set VOL_ASSETS_DATA to another folder, or VOL_ASSETS_SOURCE back" in printed
    assert "Traceback" not in printed
    assert "2019-07-05" not in {str(session) for session in Lake(folder / "lake", "sample").sessions(RAW_MARKET)}


def test_a_holiday_and_an_unknown_source_end_the_program_with_code_2(tmp_path: Path):
    materialize = ("python", "-m", "vol_assets", "materialize", "--partition")
    holiday = command(tmp_path, *materialize, "2024-07-04")
    unknown = command(tmp_path, *materialize, "2024-07-03", VOL_ASSETS_SOURCE="bloomberg")
    said, _ = holiday.communicate()
    assert (holiday.returncode, said.count("\n")) == (2, 1)
    said, _ = unknown.communicate()
    assert unknown.returncode == 2
    assert said == "materialize: VOL_ASSETS_SOURCE is 'bloomberg'; it must be one of sample, yahoo, files\n"
    assert runs(tmp_path) == []


def test_dagsters_own_command_with_swapped_ends_fails_inside_the_asset(tmp_path: Path):
    process = command(
        tmp_path,
        *("dagster", "asset", "materialize", "-m", "vol_assets.definitions", "--select", "raw/market"),
        *("--partition-range", "2024-07-03...2024-07-01"),
    )
    printed, _ = process.communicate()
    assert process.returncode == 1
    assert "vol_assets.errors.SessionError: raw/market: the run asks for an empty range of sessions" in printed
    (run,) = runs(tmp_path)
    assert run.status == dg.DagsterRunStatus.FAILURE
    assert Lake(tmp_path / "lake", "sample").sessions(RAW_MARKET) == []


def test_a_drop_folder_that_is_not_there_fails_the_fetch_by_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    with CodeLocation.over(tmp_path, source="files", drop=tmp_path / "nowhere") as location:
        assert location.run("raw/market", FIRST).failed == ["raw__market"]
    (line,) = [line for line in capsys.readouterr().err.splitlines() if "FAILED" in line]
    assert line == (
        f"  FAILED raw/market: {tmp_path / 'nowhere'} is not there; "
        "VOL_ASSETS_FILES must name a folder that holds bars/<SYMBOL>.csv"
    )


def test_a_data_folder_that_cannot_be_written_fails_by_name_and_remedy(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    (tmp_path / "lake").write_text("a file where the lake should be")
    with CodeLocation.over(tmp_path) as location:
        assert not location.run("raw/market", FIRST).success
    (line,) = [line for line in capsys.readouterr().err.splitlines() if "FAILED" in line]
    assert f"the data folder {tmp_path / 'lake'} cannot be written" in line
    assert line.endswith("make it writable or point VOL_ASSETS_DATA at another")
