"""Settings from an environment given as a mapping: defaults, every variable, and every value that cannot be."""

import dataclasses
import datetime as dt
from pathlib import Path

import pytest

from vol_assets import clock
from vol_assets.errors import SettingError
from vol_assets.settings import SOURCES, Settings


def test_an_empty_environment_serves_a_laptop(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    settings = Settings.from_env({})
    assert settings.data == tmp_path / "data"
    assert settings.lake == tmp_path / "data" / "lake"
    assert settings.source == "sample"
    assert settings.files is None
    assert settings.start == dt.date(2007, 4, 11)
    assert settings.mlflow_uri == f"sqlite:///{tmp_path}/data/mlflow/mlflow.db"
    assert settings.live_url == f"sqlite:///{tmp_path}/data/live/live.db"
    assert settings.ibkr == ("127.0.0.1", 7497, 10)
    assert settings.ibkr_clock is None
    assert settings.bucket == 60
    assert list(tmp_path.iterdir()) == []  # reading settings makes nothing


def test_variables_that_are_set_but_empty_count_as_unset(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = ("VOL_ASSETS_DATA", "VOL_ASSETS_SOURCE", "VOL_ASSETS_FILES", "VOL_ASSETS_START", "VOL_ASSETS_RATE")
    names += ("MLFLOW_TRACKING_URI", "VOL_ASSETS_LIVE_URL")
    names += ("VOL_ASSETS_IBKR", "VOL_ASSETS_IBKR_CLOCK", "VOL_ASSETS_BUCKET")
    assert Settings.from_env(dict.fromkeys(names, "")) == Settings.from_env({})


def test_every_variable_is_read(tmp_path):
    settings = Settings.from_env(
        {
            "VOL_ASSETS_DATA": str(tmp_path / "d"),
            "VOL_ASSETS_SOURCE": "files",
            "VOL_ASSETS_FILES": str(tmp_path / "drop"),
            "VOL_ASSETS_START": "2015-06-30",
            "MLFLOW_TRACKING_URI": "http://mlflow:5000",
            "VOL_ASSETS_MLFLOW_UI": "http://localhost:5000",
            "VOL_ASSETS_SCHEDULES": "running",
            "VOL_ASSETS_RATE": "0.042",
            "VOL_ASSETS_LIVE_URL": "postgresql://me:hunter2@host/live",
            "VOL_ASSETS_IBKR": "gateway.lan:4002:7",
            "VOL_ASSETS_IBKR_CLOCK": "2024-03-15T13:30:00Z,6,1732600000.0",
            "VOL_ASSETS_BUCKET": "30",
        }
    )
    assert settings == Settings(
        data=tmp_path / "d",
        source="files",
        files=tmp_path / "drop",
        start=dt.date(2015, 6, 30),
        mlflow_uri="http://mlflow:5000",
        mlflow_ui="http://localhost:5000",
        schedules_running=True,
        rate=0.042,
        live="postgresql://me:hunter2@host/live",
        ibkr=("gateway.lan", 4002, 7),
        ibkr_clock=(dt.datetime(2024, 3, 15, 13, 30, tzinfo=dt.UTC), 6.0, 1732600000.0),
        bucket=30,
    )


def test_links_to_runs_point_at_a_tracking_server_unless_told_otherwise():
    assert Settings.from_env({"MLFLOW_TRACKING_URI": "https://mlflow.example"}).mlflow_ui == "https://mlflow.example"
    assert Settings.from_env({}).mlflow_ui == "http://127.0.0.1:5000"


def test_schedules_run_by_themselves_only_when_told_in_so_many_words():
    assert not Settings.from_env({}).schedules_running
    with pytest.raises(SettingError, match="VOL_ASSETS_SCHEDULES is 'yes'; it must be stopped or running"):
        Settings.from_env({"VOL_ASSETS_SCHEDULES": "yes"})


def test_the_process_environment_is_the_default(monkeypatch, tmp_path):
    monkeypatch.setenv("VOL_ASSETS_DATA", str(tmp_path / "elsewhere"))
    assert Settings.from_env().data == tmp_path / "elsewhere"


def test_mlflow_lies_under_the_data_folder_unless_it_is_named(tmp_path):
    settings = Settings.from_env({"VOL_ASSETS_DATA": str(tmp_path)})
    assert settings.mlflow_uri == f"sqlite:///{tmp_path}/mlflow/mlflow.db"


def test_the_live_store_is_the_database_that_is_named_and_its_password_is_not_shown():
    settings = Settings.from_env({"VOL_ASSETS_LIVE_URL": "postgresql://me:hunter2@host/live"})
    assert settings.live_url == "postgresql://me:hunter2@host/live"
    assert "hunter2" not in repr(settings)


def test_relative_folders_and_the_home_folder_become_absolute(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    settings = Settings.from_env({"VOL_ASSETS_DATA": "here/lake", "VOL_ASSETS_FILES": "~/drop"})
    assert settings.data == tmp_path / "here" / "lake"
    assert settings.files == tmp_path / "home" / "drop"
    assert isinstance(settings.files, Path)


@pytest.mark.parametrize("source", SOURCES)
def test_every_source_can_be_chosen(source):
    assert Settings.from_env({"VOL_ASSETS_SOURCE": source}).source == source


@pytest.mark.parametrize("source", ["Sample", "bloomberg", "yahoo "])
def test_an_unknown_source_is_refused_naming_the_variable_and_the_choices(source):
    with pytest.raises(SettingError) as raised:
        Settings.from_env({"VOL_ASSETS_SOURCE": source})
    assert str(raised.value) == f"VOL_ASSETS_SOURCE is {source!r}; it must be one of sample, yahoo, files"


@pytest.mark.parametrize(
    ("start", "why"),
    [
        ("2024-07-04", "is no XNYS session"),
        ("2024-07-06", "weekend"),
        ("last year", "write it as YYYY-MM-DD"),
        ("2040-01-03", "is outside the calendar, which runs 2006-01-03 ... 2035-12-31"),
        ("2007-04-10", "the first session there can be is 2007-04-11"),
    ],
)
def test_a_start_that_cannot_be_is_refused_naming_the_variable_and_what_it_may_be(start, why):
    with pytest.raises(SettingError) as raised:
        Settings.from_env({"VOL_ASSETS_START": start})
    assert str(raised.value).startswith("VOL_ASSETS_START")
    assert start in str(raised.value)
    assert why in str(raised.value)


def test_the_first_start_there_can_be_is_accepted():
    assert Settings.from_env({"VOL_ASSETS_START": "2007-04-11"}).start == clock.FIRST_SESSION


@pytest.mark.parametrize(("text", "rate"), [("0.042", 0.042), ("0", 0.0), ("-0.005", -0.005), (" 1e-2 ", 0.01)])
def test_a_rate_is_a_decimal_a_year(text, rate):
    assert Settings.from_env({"VOL_ASSETS_RATE": text}).rate == rate


@pytest.mark.parametrize("text", ["4.2", "4.2%", "0,042", "nan", "inf", "-1"])
def test_a_rate_that_cannot_be_is_refused_saying_how_to_write_it(text):
    with pytest.raises(SettingError) as raised:
        Settings.from_env({"VOL_ASSETS_RATE": text})
    assert str(raised.value).startswith(f"VOL_ASSETS_RATE is {text!r}; it must be a decimal a year")
    assert "0.042 for 4.2 %" in str(raised.value)


def test_a_gateways_client_id_may_be_left_out():
    assert Settings.from_env({"VOL_ASSETS_IBKR": "10.0.0.7:4001"}).ibkr == ("10.0.0.7", 4001, 10)
    assert Settings.from_env({"VOL_ASSETS_IBKR": "localhost:7496:0"}).ibkr == ("localhost", 7496, 0)


@pytest.mark.parametrize(
    "text", ["7497", "localhost", "localhost:", ":7497", "localhost:0", "localhost:65536", "a:1:2:3", "a:1:-2", "a b:1"]
)
def test_a_gateway_that_cannot_be_is_refused_naming_the_variable_and_its_form(text):
    with pytest.raises(SettingError) as raised:
        Settings.from_env({"VOL_ASSETS_IBKR": text})
    assert str(raised.value).startswith(f"VOL_ASSETS_IBKR is {text!r}; it must be host:port or host:port:client_id")


def test_a_simulated_clocks_start_may_be_in_any_time_zone():
    start, _, _ = Settings.from_env({"VOL_ASSETS_IBKR_CLOCK": "2024-03-15T09:30:00-04:00, 1, 0"}).ibkr_clock
    assert start == dt.datetime(2024, 3, 15, 13, 30, tzinfo=dt.UTC)
    assert start.tzinfo is dt.UTC


@pytest.mark.parametrize(
    "text",
    [
        "now",
        "2024-03-15T13:30:00Z",
        "2024-03-15T13:30:00Z,6",
        "2024-03-15T13:30:00,6,1732600000",  # no time zone
        "2024-03-15T13:30:00Z,0,1732600000",
        "2024-03-15T13:30:00Z,-1,1732600000",
        "2024-03-15T13:30:00Z,nan,1732600000",
        "2024-03-15T13:30:00Z,6,inf",
        "2024-03-15T13:30:00Z,6,1732600000,7",
    ],
)
def test_a_clock_that_cannot_be_is_refused_naming_the_variable_and_its_form(text):
    with pytest.raises(SettingError) as raised:
        Settings.from_env({"VOL_ASSETS_IBKR_CLOCK": text})
    assert str(raised.value).startswith(f"VOL_ASSETS_IBKR_CLOCK is {text!r}; it must be an instant with its time zone")


@pytest.mark.parametrize("text", ["0", "1", "9", "7", "-60", "1.5", "3600", "a minute"])
def test_a_bucket_that_does_not_divide_half_an_hour_or_is_too_short_for_a_poll_is_refused(text):
    with pytest.raises(SettingError) as raised:
        Settings.from_env({"VOL_ASSETS_BUCKET": text})
    assert str(raised.value).startswith(f"VOL_ASSETS_BUCKET is {text!r}; it must be a whole number of seconds")
    assert "at least 10" in str(raised.value)


def test_settings_cannot_be_changed_once_read():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Settings.from_env({}).source = "yahoo"
