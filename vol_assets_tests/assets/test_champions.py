"""Champion and challenger: who is crowned after a training, and who serves while the registry cannot.

Backtests are constructed, so that it is known what the gate has to say; training, registry and ledger are real.
"""

from __future__ import annotations

import shutil
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from code_location import CodeLocation, Ran

from vol_assets import clock
from vol_assets.assets import rv_model
from vol_assets.assets.champion import UNREACHABLE, UNREADABLE, champion_of
from vol_assets.assets.training import modelling_history
from vol_assets.automation import cli
from vol_assets.automation.resources import open_tracking
from vol_assets.contracts import RV_5D, RV_BACKTEST
from vol_assets.errors import ForecastError, RegistryError
from vol_assets.lake import Lake
from vol_assets.settings import Settings
from vol_assets.tracking import HAND, Tracking, serving
from vol_assets.tracking.rv_model import ARTIFACT, MODEL, load, promote, walk_forward_of

DAYS = clock.sessions("2015-01-02", "2017-12-29")[:572]
LAST = DAYS[-1]
JUDGED = pd.DatetimeIndex(DAYS[-305:]).as_unit("ns")  # of which the last five have no outcome yet


def backtest(advantage: float, forecast_error: float = 0.0) -> pd.DataFrame:
    """The ensemble's variance is right (but for an error), the reference's wrong by a factor up to exp(+-advantage)."""
    draw = np.random.default_rng(11)
    vol = 0.15 * np.exp(0.4 * draw.standard_normal(len(JUDGED)))
    realised = vol * np.exp(0.3 * draw.standard_normal(len(JUDGED)) - 0.045)
    sign = draw.choice([-1.0, 1.0], len(JUDGED))
    numbers = {
        "date": JUDGED,
        "forecast_vol": vol,
        "p10": vol * np.exp(-0.045 - 0.3 * 1.2816),
        "p50": vol * np.exp(-0.045),
        "p90": vol * np.exp(-0.045 + 0.3 * 1.2816),
        "realised": np.where(np.arange(len(JUDGED)) < len(JUDGED) - 5, realised, np.nan),
        "trained_through": pd.Timestamp(DAYS[0]).as_unit("ns"),
    }
    tables = [
        pd.DataFrame({**numbers, "model": model, "forecast_var": 1.1 * vol**2 * np.exp(error * sign)})
        for model, error in (("log_har_iv", advantage), ("ensemble", forecast_error))
    ]
    return pd.concat(tables, ignore_index=True)[list(RV_BACKTEST.columns)]


GOOD, WORSE, WORTHLESS = backtest(0.8), backtest(0.8, 0.4), backtest(0.0)


@dataclass(frozen=True)
class Training:
    """A training, and who had which names in the registry after it."""

    ran: Ran
    aliases: dict[str, set[str]]

    @property
    def page(self):
        return self.ran.metadata("forecast/rv_model")


def tracking_of(location: CodeLocation | Place) -> Tracking:
    return open_tracking(location.settings)


def aliases(tracking: Tracking) -> dict[str, set[str]]:
    client = tracking.client
    numbers = [found.version for found in client.search_model_versions(f"name = '{MODEL}'")]
    return {str(number): set(client.get_model_version(MODEL, number).aliases) for number in numbers}


def train(location: CodeLocation, judged_on: pd.DataFrame) -> Training:
    location.lake.write_table(RV_BACKTEST, judged_on)
    ran = location.run("forecast/rv_model")
    assert ran.success, ran.lines
    return Training(ran, aliases(tracking_of(location)))


@pytest.fixture(scope="module")
def location(tmp_path_factory: pytest.TempPathFactory, empty_mlflow: Path) -> Iterator[CodeLocation]:
    with CodeLocation.over(tmp_path_factory.mktemp("champions"), store=empty_mlflow) as location:
        location.fill(DAYS[0], LAST)
        yield location


@pytest.fixture(scope="module")
def first(location: CodeLocation) -> Training:
    """By a challenger that is no better than the reference."""
    return train(location, WORTHLESS)


@pytest.fixture(scope="module")
def second(location: CodeLocation, first: Training) -> Training:
    """By one that is."""
    return train(location, GOOD)


@pytest.fixture(scope="module")
def third(location: CodeLocation, second: Training) -> Training:
    """By one that beats the reference and not the champion."""
    return train(location, WORSE)


@pytest.fixture(scope="module")
def fourth(location: CodeLocation, third: Training) -> Training:
    """By the champion's equal."""
    return train(location, GOOD)


@dataclass(frozen=True)
class Place:
    """A data folder, without a Dagster instance over it: one takes seconds to make."""

    settings: Settings

    @property
    def lake(self) -> Lake:
        return Lake(self.settings.lake, self.settings.source)


@pytest.fixture
def copy(location: CodeLocation, fourth: Training, tmp_path: Path) -> Place:
    """The trained lake and its store, whose artifacts stay where they are, for a test to change the rest."""
    lake = location.settings.lake
    shutil.copytree(lake / "forecast", tmp_path / "lake" / "forecast")
    for path in lake.iterdir():
        if path.name in ("raw", "curated", "features"):
            (tmp_path / "lake" / path.name).symlink_to(path)
        elif path.is_file():
            shutil.copy(path, tmp_path / "lake")
    (tmp_path / "mlflow").mkdir()
    shutil.copy(location.settings.data / "mlflow" / "mlflow.db", tmp_path / "mlflow")
    return Place(Settings.from_env({"VOL_ASSETS_DATA": str(tmp_path)}))


@pytest.fixture
def damaged(location: CodeLocation, fourth: Training, tmp_path: Path) -> Iterator[Path]:
    """The champion's file in the artifact store, which another schema has taken the place of."""
    client = tracking_of(location).client
    uri = client.get_model_version_download_uri(MODEL, "5")
    path = Path(uri.removeprefix("file://")) / "artifacts" / ARTIFACT / "forecaster.json"
    sound = path.read_bytes()
    path.write_text('{"schema": "vol_assets.forecaster/99"}')
    yield path
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(sound)


@pytest.fixture
def dead(monkeypatch: pytest.MonkeyPatch) -> str:
    """An MLflow server that is not running, asked once and not again."""
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}"


def test_where_there_was_no_champion_the_reference_is_crowned_to_serve_and_to_be_beaten(
    location: CodeLocation, first: Training
):
    assert first.aliases == {"1": {"champion", "production"}, "2": {"challenger", "staging"}}
    tracking = tracking_of(location)
    assert [load(tracking, version)[0].name for version in ("1", "2")] == ["log_har_iv", "ensemble"]
    (crowning,) = tracking.crownings(MODEL)[:1]
    assert (crowning.version, crowning.by, crowning.replaced) == ("1", "gate", None)
    assert crowning.reason == "no champion before it: the reference serves until a challenger beats it"
    assert first.page["champion before"] == "none"
    assert first.page["champion now"] == "1"
    assert first.page["version"] == "2"


def test_a_challenger_that_is_no_better_is_kept_as_such_and_the_check_warns_with_the_reason(
    location: CodeLocation, first: Training
):
    check = first.ran.check("forecast/rv_model", "gate")
    assert not check.passed
    assert check.severity.value == "WARN"
    reason = check.metadata["reason"].value
    assert reason.startswith("QLIKE is 1.000 of log_har_iv's")
    assert first.page["verdict"] == f"not promoted, version 1 stays champion: {reason}"
    assert tracking_of(location).version(MODEL, "2").tags["gate"] == first.page["verdict"]
    assert f"warning: forecast/rv_model: {MODEL} version 2 not promoted" in first.ran.lines


def test_the_page_shows_the_conditions_the_ranges_and_where_it_came_from(first: Training):
    conditions = [line.split("|")[1].strip() for line in first.page["gate"].splitlines()[2:]]
    assert conditions == ["sessions", "reference", "slope", "coverage", "champion"]
    assert first.page["trained through"] == str(DAYS[-6])
    assert "| vix |" in first.page["feature ranges"]
    assert len(first.page["data fingerprint"]) == 16
    assert first.page["sessions read"] == f"{DAYS[0]} ... {LAST}"


def test_a_challenger_that_beats_the_reference_is_crowned_and_the_check_passes(
    location: CodeLocation, second: Training
):
    assert second.aliases == {"1": set(), "2": set(), "3": {"champion", "production"}}
    assert second.ran.check("forecast/rv_model", "gate").passed
    last = tracking_of(location).crownings(MODEL)[-1]
    assert (last.version, last.by, last.replaced) == ("3", "gate", "1")
    assert second.page["verdict"] == f"promoted: {last.reason}"
    assert (second.page["champion before"], second.page["champion now"]) == ("1", "3")
    assert "p 1.000 of being worse" in last.reason  # than version 1, on what version 1 had said


def test_one_that_beats_the_reference_and_is_worse_than_the_champion_is_not(third: Training):
    assert third.aliases["3"] == {"champion", "production"}
    assert third.aliases["4"] == {"challenger", "staging"}
    reason = third.ran.check("forecast/rv_model", "gate").metadata["reason"].value
    assert "of the champion's on 300 sessions" in reason
    assert "log_har_iv" not in reason  # that one it has beaten


def test_retraining_one_recipe_replaces_the_champion_by_its_equal(location: CodeLocation, fourth: Training):
    assert fourth.aliases["5"] == {"champion", "production"}
    assert not fourth.aliases["4"]
    crowned = [(one.version, one.replaced) for one in tracking_of(location).crownings(MODEL)]
    assert crowned == [("1", None), ("3", "1"), ("5", "3")]


def test_every_version_keeps_its_walk_forward_in_the_registry(location: CodeLocation, fourth: Training):
    for version, model, told in (("1", "log_har_iv", WORTHLESS), ("4", "ensemble", WORSE)):
        kept = walk_forward_of(tracking_of(location), version)
        expected = told[told["model"] == model].reset_index(drop=True)[list(kept.columns)]
        pd.testing.assert_frame_equal(kept, expected, check_exact=True)


def test_all_was_done_in_one_mlflow_run_a_training(location: CodeLocation, first: Training):
    client = tracking_of(location).client
    run = client.get_run(first.page["MLflow run id"])
    assert run.info.status == "FINISHED"
    assert run.data.params["model"] == "ensemble"
    assert {"gate.reference", "gate.slope", "gate.coverage"} <= set(run.data.metrics)
    versions = [client.get_model_version(MODEL, version) for version in ("1", "2")]
    assert {version.run_id for version in versions} == {run.info.run_id}
    assert {version.tags["source"] for version in versions} == {"sample"}
    assert {version.tags["data_fingerprint"] for version in versions} == {first.page["data fingerprint"]}


def test_a_champion_deposed_by_mistake_is_brought_back_by_hand(copy: Place):
    tracking = tracking_of(copy)
    assert champion_of(copy.lake, tracking).version == "5"
    tracking.roll_back(MODEL, "a mistake")
    champion = champion_of(copy.lake, tracking)
    assert (champion.version, champion.notice) == ("3", "")


def test_a_champion_that_cannot_be_read_any_more_goes_on_from_its_copy_and_its_forecasts_say_so(
    copy: Place, location: CodeLocation, damaged: Path
):
    shutil.copytree(location.settings.data / "mlflow" / "serving", copy.settings.data / "mlflow" / "serving")
    here = tracking_of(copy)
    loaded = serving.last_good(tracking_of(location), MODEL)
    serving.keep(here, MODEL, loaded)  # as its own store's
    warnings: list[str] = []

    champion = champion_of(copy.lake, here, warnings.append)

    assert (champion.version, champion.notice) == ("5", UNREADABLE)
    (warning,) = warnings
    assert f"{MODEL} version 5 cannot be loaded" in warning
    assert "version 5, the last champion that could be loaded, serves meanwhile" in warning
    with CodeLocation.over(copy.settings.data) as there:
        ran = there.run("forecast/rv_5d", LAST)
    assert ran.success, ran.lines
    (row,) = copy.lake.read(RV_5D, LAST, LAST).itertuples()
    assert row.model_version == "5"
    assert UNREADABLE in row.flags.split(",")


def test_without_a_copy_it_is_said_what_is_wrong_and_what_to_do(copy: Place, damaged: Path):
    with pytest.raises(ForecastError) as told:
        champion_of(copy.lake, tracking_of(copy))
    for part in ("version 5 cannot be loaded", "vol_assets.forecaster/99", "no champion", "train anew", "make promote"):
        assert part in str(told.value)


def test_training_replaces_a_champion_that_cannot_be_read_by_the_reference_first(copy: Place, damaged: Path):
    with CodeLocation.over(copy.settings.data) as there:
        trained = train(there, WORTHLESS)
    assert trained.aliases["6"] == {"champion", "production"}
    assert trained.aliases["7"] == {"challenger", "staging"}
    last = tracking_of(copy).crownings(MODEL)[-1]
    assert (last.version, last.replaced) == ("6", "5")
    assert "version 5 cannot be loaded" in last.reason
    assert champion_of(copy.lake, tracking_of(copy)).forecaster.name == "log_har_iv"


def test_where_the_reference_serves_a_failed_challenge_leaves_it_trained_anew(copy: Place):
    tracking = tracking_of(copy)
    promote(tracking, "1", "back to the reference", "sample")
    tracking.client.set_model_version_tag(MODEL, "1", "trained_through", "2016-01-04")  # as of an older training
    with CodeLocation.over(copy.settings.data) as there:
        trained = train(there, WORTHLESS)
        again = train(there, WORTHLESS)
    assert trained.aliases["6"] == {"challenger", "staging"}
    assert trained.aliases["7"] == {"champion", "production"}
    assert "its model trained anew as version 7" in trained.page["verdict"]
    assert trained.page["champion now"] == "7"
    assert champion_of(copy.lake, tracking).forecaster.name == "log_har_iv"
    assert again.aliases["7"] == {"champion", "production"}  # nothing newer to train on


def test_a_backtest_older_than_the_features_judges_nobody(copy: Place):
    with CodeLocation.over(copy.settings.data) as there:
        there.lake.write_table(RV_BACKTEST, GOOD[GOOD["date"] <= JUDGED[-23]])
        ran = there.run("forecast/rv_model")
    assert ran.failed == ["forecast__rv_model"]
    assert f"forecast/rv_backtest ends {JUDGED[-23]:%Y-%m-%d}, 22 sessions before the features do" in ran.lines
    assert set(aliases(tracking_of(copy))) == {"1", "2", "3", "4", "5"}


def test_while_mlflow_is_down_the_last_good_champion_makes_flagged_forecasts(
    location: CodeLocation, fourth: Training, copy: Place, dead: str
):
    loaded = serving.last_good(tracking_of(location), MODEL)
    with CodeLocation.over(copy.settings.data, mlflow=dead) as alone:
        with pytest.raises(ForecastError, match=f"MLflow at {dead} does not answer .* and no champion"):
            champion_of(alone.lake, tracking_of(alone))
        serving.keep(tracking_of(alone), MODEL, loaded)  # as when that server was there
        ran = alone.run("forecast/rv_5d", LAST)
        assert ran.success, ran.lines
        (row,) = alone.read(RV_5D, LAST, LAST).itertuples()
        assert champion_of(alone.lake, tracking_of(alone)).notice == UNREACHABLE
    assert row.model_version == "5"
    assert UNREACHABLE in row.flags.split(",")
    assert row.forecast_vol == loaded[0].forecast(modelling_history(copy.lake).tail(1)).vol[0]


def test_training_while_mlflow_is_down_fails_plainly_and_changes_nothing(copy: Place, dead: str):
    copied = serving.path_of(tracking_of(copy), MODEL)
    before = aliases(tracking_of(copy)), copied.exists()
    with CodeLocation.over(copy.settings.data, mlflow=dead) as alone:
        ran = alone.run("forecast/rv_model")
    assert ran.failed == ["forecast__rv_model"]
    assert f"FAILED forecast/rv_model: MLflow at {dead} does not answer ([Errno 111] Connection refused)" in ran.lines
    assert "correct MLFLOW_TRACKING_URI" in ran.lines
    assert (aliases(tracking_of(copy)), copied.exists()) == before


def test_a_store_that_stops_answering_in_the_middle_leaves_the_champion(copy: Place, monkeypatch: pytest.MonkeyPatch):
    def away(*_, **__):
        raise RegistryError("MLflow went away")

    trained = load(tracking_of(copy), "4")[0]
    with monkeypatch.context() as patch:
        patch.setattr(rv_model, "train", lambda *_: trained)
        patch.setattr("vol_assets.tracking.rv_model.register", away)
        with CodeLocation.over(copy.settings.data) as there:
            ran = there.run("forecast/rv_model")
    assert ran.failed == ["forecast__rv_model"]
    assert "FAILED forecast/rv_model: MLflow went away" in ran.lines
    assert champion_of(copy.lake, tracking_of(copy)).version == "5"


def test_the_crown_given_by_hand_during_a_training_is_the_one_that_is_judged_against(
    copy: Place, monkeypatch: pytest.MonkeyPatch
):
    tracking = tracking_of(copy)

    def slow(*_):
        tracking.crown(MODEL, "1", "while it trained", HAND)
        return load(tracking, "4")[0]  # whatever it is that was trained

    monkeypatch.setattr(rv_model, "train", slow)
    with CodeLocation.over(copy.settings.data) as there:
        trained = train(there, WORTHLESS)
    assert trained.page["champion now"] == "1"
    assert "version 1 stays champion" in trained.page["verdict"]


@pytest.fixture
def by_hand(copy: Place, monkeypatch: pytest.MonkeyPatch) -> Place:
    """The copy, as the one the commands behind make find in the environment."""
    for name in ("VOL_ASSETS_SOURCE", "VOL_ASSETS_FILES", "MLFLOW_TRACKING_URI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("VOL_ASSETS_DATA", str(copy.settings.data))
    return copy


def test_promote_and_rollback_say_who_was_champion_and_who_is(by_hand: Place, capsys: pytest.CaptureFixture[str]):
    through = f"trained through {DAYS[-6]}"
    cli.main(["promote", "--version", "3", "--reason", " the newest is too jumpy, so it's back "])
    assert capsys.readouterr().out == (
        f"{MODEL}: the champion was version 5 (ensemble, {through}), it is version 3 (ensemble, {through}) now\n"
    )
    tracking = tracking_of(by_hand)
    last = tracking.crownings(MODEL)[-1]
    assert (last.version, last.by, last.reason) == ("3", "hand", "the newest is too jumpy, so it's back")
    cli.main(["rollback", "--reason", "it was not"])
    assert capsys.readouterr().out == (
        f"{MODEL}: the champion was version 3 (ensemble, {through}), it is version 5 (ensemble, {through}) now\n"
    )
    cli.main(["rollback", "--reason", "to where it was first"])
    assert "it is version 3 (ensemble" in capsys.readouterr().out
    assert serving.last_good(tracking, MODEL)[1] == "3"


def test_what_cannot_be_crowned_is_refused_in_one_line(by_hand: Place, capsys: pytest.CaptureFixture[str]):
    for arguments, line in (
        (["promote", "--version", "9", "--reason", "why not"], f"{MODEL} has no version 9; there are 1, 2, 3, 4, 5"),
        (["promote", "--version", "5", "--reason", "why not"], f"version 5 of {MODEL} is the champion already"),
        (["promote", "--version", "3", "--reason", " "], "the reason is empty; say why in a few words"),
        (["rollback", "--reason", ""], "the reason is empty; say why in a few words"),
    ):
        with pytest.raises(SystemExit) as ended:
            cli.main(arguments)
        assert ended.value.code == 2
        said = capsys.readouterr().err.splitlines()[-1]
        assert said.startswith(f"{arguments[0]}: ")
        assert line in said
    assert aliases(tracking_of(by_hand))["5"] == {"champion", "production"}


def test_a_version_that_cannot_be_read_or_is_of_another_source_is_not_crowned(
    by_hand: Place, damaged: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    tracking_of(by_hand).crown(MODEL, "3", "for the test", HAND)
    for command in (["promote", "--version", "5", "--reason", "why not"], ["rollback", "--reason", "why not"]):
        with pytest.raises(SystemExit):
            cli.main(command)
        assert f"{MODEL} version 5 cannot be loaded" in capsys.readouterr().err
    monkeypatch.setenv("VOL_ASSETS_SOURCE", "yahoo")
    with pytest.raises(SystemExit):
        cli.main(["promote", "--version", "4", "--reason", "why not"])
    said = capsys.readouterr().err
    assert f"version 4 of {MODEL} was trained on the source 'sample', this lake holds 'yahoo'" in said
    assert aliases(tracking_of(by_hand))["3"] == {"champion", "production"}
