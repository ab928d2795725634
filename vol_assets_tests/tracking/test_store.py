"""Runs found by tag, ended whatever happens; who is champion, who was, and what is said when MLflow is not there."""

import datetime as dt
import os
import subprocess
from dataclasses import replace
from pathlib import Path

import mlflow
import pytest
from mlflow.exceptions import MlflowException

from vol_assets.errors import RegistryError
from vol_assets.tracking import GATE, HAND, Tracking, git_revision, store
from vol_assets.tracking.store import PATIENCE


def identity(name: str) -> dict[str, str]:
    return {"dagster.run_id": name, "dagster.asset": "forecast/rv_model"}


def test_a_run_of_the_same_identity_is_continued_and_never_started_twice(tracking):
    with tracking.run("first", identity("again")) as run:
        mlflow.log_metric("loss", 0.5)
    with tracking.run("renamed", identity("again"), {"source": "sample"}) as continued:
        mlflow.log_metric("gain", 2.0)
    assert continued.info.run_id == run.info.run_id
    both = tracking.client.get_run(run.info.run_id)
    assert both.data.metrics == {"loss": 0.5, "gain": 2.0}
    assert both.data.tags["source"] == "sample"
    assert both.info.run_name == "first"
    assert both.info.status == "FINISHED"


@pytest.mark.parametrize("key", ["dagster.run_id", "dagster.asset"])
def test_one_tag_that_differs_makes_another_run(tracking, key):
    with tracking.run("one", identity(f"apart {key}")) as one:
        pass
    with tracking.run("other", {**identity(f"apart {key}"), key: "something else"}) as other:
        pass
    assert other.info.run_id != one.info.run_id


def test_a_block_that_fails_ends_its_run_as_failed_and_a_retry_finishes_the_same_one(tracking):
    with pytest.raises(ZeroDivisionError), tracking.run("fails", identity("fails")) as run:
        1 / 0  # noqa: B018
    assert tracking.client.get_run(run.info.run_id).info.status == "FAILED"
    assert mlflow.active_run() is None
    with tracking.run("fails", identity("fails")) as retried:
        assert tracking.client.get_run(run.info.run_id).info.status == "RUNNING"
    assert retried.info.run_id == run.info.run_id
    assert tracking.client.get_run(run.info.run_id).info.status == "FINISHED"


def test_no_run_stays_active_after_its_block(tracking):
    with tracking.run("over", identity("over")) as run:
        assert mlflow.active_run().info.run_id == run.info.run_id
    assert mlflow.active_run() is None


def test_a_run_carries_its_identity_and_the_codes_revision(tracking):
    with tracking.run("tagged", identity("tagged")) as run:
        pass
    tags = tracking.client.get_run(run.info.run_id).data.tags
    assert tags["dagster.run_id"] == "tagged"
    assert tags["dagster.asset"] == "forecast/rv_model"
    assert git_revision().items() <= tags.items()


def test_the_experiment_is_made_once_with_its_artifacts_in_the_data_folder(tracking, tmp_path):
    experiment = tracking.client.get_experiment(tracking.experiment_id())
    assert tracking.experiment_id() == experiment.experiment_id
    assert experiment.artifact_location == (tracking.artifacts / "rooms").as_uri()
    with tracking.run("with a file", identity("file")) as run:
        mlflow.log_text("hello", "note.txt")
    copied = tracking.download(f"runs:/{run.info.run_id}/note.txt", tmp_path)
    assert copied == tmp_path / "note.txt"
    assert copied.read_text() == "hello"
    assert (tracking.artifacts / "rooms" / run.info.run_id / "artifacts" / "note.txt").read_text() == "hello"


def test_two_experiments_in_one_store_do_not_share_runs(tracking):
    other = Tracking(tracking.uri, "another", tracking.artifacts)
    assert other.experiment_id() != tracking.experiment_id()
    with tracking.run("here", identity("shared")) as here:
        pass
    with other.run("there", identity("shared")) as there:
        pass
    assert there.info.run_id != here.info.run_id
    assert there.info.experiment_id == other.experiment_id()


def test_a_run_is_looked_at_where_the_setting_says(tracking):
    with tracking.run("seen", identity("seen")) as run:
        pass
    path = f"#/experiments/{tracking.experiment_id()}/runs/{run.info.run_id}"
    assert tracking.url(run.info.run_id) == f"http://127.0.0.1:5000/{path}"
    elsewhere = replace(tracking, ui="https://mlflow.example/")
    assert elsewhere.url(run.info.run_id) == f"https://mlflow.example/{path}"


def versions(tracking: Tracking, model: str, count: int) -> list[str]:
    """A registered model with some versions."""
    tracking.client.create_registered_model(model)
    with tracking.run(model, identity(model)) as run:
        return [str(tracking.client.create_model_version(model, run.info.artifact_uri).version) for _ in range(count)]


def aliases(tracking: Tracking, model: str) -> dict[str, list[str]]:
    client = tracking.client
    numbers = [found.version for found in client.search_model_versions(f"name = '{model}'")]
    return {str(number): sorted(client.get_model_version(model, number).aliases) for number in numbers}


def test_there_is_no_champion_of_a_model_nobody_registered_or_crowned(tracking):
    assert tracking.champion("unheard_of") is None
    assert tracking.crownings("unheard_of") == []
    tracking.client.create_registered_model("uncrowned")
    assert tracking.champion("uncrowned") is None
    assert tracking.challenger("uncrowned") is None


def test_crowning_a_version_takes_both_names_from_the_last_one_and_records_the_change(tracking):
    one, two = versions(tracking, "royal", 2)
    started = dt.datetime.now(dt.UTC)
    tracking.crown("royal", one, "the first", GATE)
    assert str(tracking.champion("royal").version) == one
    tracking.crown("royal", two, "better by a tenth", HAND)
    assert str(tracking.champion("royal").version) == two
    assert aliases(tracking, "royal") == {one: [], two: ["champion", "production"]}
    first, second = tracking.crownings("royal")
    assert (first.version, first.by, first.reason, first.replaced) == (one, "gate", "the first", None)
    assert (second.version, second.by, second.reason, second.replaced) == (two, "hand", "better by a tenth", one)
    assert started <= first.at <= second.at <= dt.datetime.now(dt.UTC)
    (tag,) = tracking.version("royal", two).tags.items()
    assert tag == second.tag


def test_a_challenger_keeps_its_names_until_it_is_crowned_or_another_one_comes(tracking):
    one, two, three = versions(tracking, "jousting", 3)
    tracking.crown("jousting", one, "the first", GATE)
    tracking.challenge("jousting", two)
    assert aliases(tracking, "jousting") == {one: ["champion", "production"], two: ["challenger", "staging"], three: []}
    tracking.challenge("jousting", three)
    assert str(tracking.challenger("jousting").version) == three
    tracking.crown("jousting", two, "by hand", HAND)
    assert str(tracking.challenger("jousting").version) == three  # not its turn
    tracking.crown("jousting", three, "better", GATE)
    assert aliases(tracking, "jousting") == {one: [], two: [], three: ["champion", "production"]}
    assert tracking.challenger("jousting") is None


def test_crowning_the_champion_again_records_nothing_and_mends_its_second_name(tracking):
    (one,) = versions(tracking, "again", 1)
    tracking.crown("again", one, "the first", GATE)
    tracking.client.delete_registered_model_alias("again", "production")
    assert tracking.crown("again", one, "once more", GATE) is None
    assert aliases(tracking, "again") == {one: ["champion", "production"]}
    assert len(tracking.crownings("again")) == 1


def test_rolling_back_goes_to_the_one_before_and_then_further_until_there_is_none(tracking):
    one, two, three = versions(tracking, "falling", 3)
    for version, reason in ((one, "the first"), (two, "better"), (three, "better still")):
        tracking.crown("falling", version, reason, GATE)
    crowning = tracking.roll_back("falling", "it was not")
    assert (crowning.version, crowning.replaced, crowning.by, crowning.rolled_back) == (two, three, "hand", True)
    assert aliases(tracking, "falling") == {one: [], two: ["champion", "production"], three: []}
    tracking.roll_back("falling", "nor was this")
    assert str(tracking.champion("falling").version) == one
    with pytest.raises(RegistryError, match="version 1 is the first champion of falling, there is none before it"):
        tracking.roll_back("falling", "nor this")
    assert str(tracking.champion("falling").version) == one
    told = [(one.version, one.reason) for one in tracking.crownings("falling")]
    assert told == [
        ("1", "the first"),
        ("2", "better"),
        ("3", "better still"),
        ("2", "it was not"),
        ("1", "nor was this"),
    ]


def test_there_is_nothing_to_roll_back_without_a_champion(tracking):
    with pytest.raises(RegistryError, match="unheard_of has no champion to roll back from"):
        tracking.roll_back("unheard_of", "why not")


@pytest.mark.parametrize("version", ["3", "v2", "", "2; drop"])
def test_a_version_there_is_not_is_refused_naming_those_there_are(tracking, version):
    model = f"short {version}".replace(";", "")
    one, two = versions(tracking, model, 2)
    for act in (
        lambda: tracking.crown(model, version, "why not", HAND),
        lambda: tracking.challenge(model, version),
        lambda: tracking.version(model, version),
    ):
        with pytest.raises(RegistryError, match=f"{model} has no version {version}; there are 1, 2"):
            act()
    assert aliases(tracking, model) == {one: [], two: []}
    assert tracking.crownings(model) == []


def test_of_a_model_that_was_never_registered_that_is_said(tracking):
    with pytest.raises(RegistryError, match="unheard_of has no version 1; nothing is registered yet, train it first"):
        tracking.version("unheard_of", "1")


def test_what_serves_is_never_without_its_history(tracking, monkeypatch):
    one, two = versions(tracking, "unlucky", 2)
    tracking.crown("unlucky", one, "the first", GATE)

    def away(*_):
        raise MlflowException("the database is away")

    with monkeypatch.context() as patch:
        patch.setattr(mlflow.MlflowClient, "set_model_version_tag", away)
        with pytest.raises(RegistryError, match="the database is away"):
            tracking.crown("unlucky", two, "better", GATE)
    assert str(tracking.champion("unlucky").version) == one
    with monkeypatch.context() as patch:
        patch.setattr(mlflow.MlflowClient, "set_registered_model_alias", away)
        with pytest.raises(RegistryError, match="the database is away"):
            tracking.crown("unlucky", two, "better", GATE)
    assert str(tracking.champion("unlucky").version) == one
    tracking.crown("unlucky", two, "better", GATE)
    tracking.roll_back("unlucky", "not better")
    assert str(tracking.champion("unlucky").version) == one


def test_a_server_that_is_not_there_is_not_taken_for_one_without_a_champion(nobody):
    for ask in (
        lambda: nobody.champion("royal"),
        lambda: nobody.crown("royal", "1", "why not", HAND),
        lambda: nobody.roll_back("royal", "why not"),
        lambda: nobody.download("models:/royal/1", nobody.artifacts),
        lambda: nobody.run("first", identity("away")).__enter__(),
    ):
        with pytest.raises(RegistryError, match=rf"MLflow at {nobody.uri} does not answer \(.*Connection refused\); "):
            ask()


def test_it_is_not_waited_for_as_long_as_mlflow_would(tracking, monkeypatch):
    for name in PATIENCE:
        monkeypatch.delenv(name, raising=False)
    tracking.client  # noqa: B018
    tries = 1 + int(os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"])
    assert tries * int(os.environ["MLFLOW_HTTP_REQUEST_TIMEOUT"]) < 60
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "300")
    tracking.client  # noqa: B018
    assert os.environ["MLFLOW_HTTP_REQUEST_TIMEOUT"] == "300"  # a person's own setting stands


def test_a_store_that_fails_is_said_to_without_its_password(tmp_path):
    broken = Tracking("http://someone:secret@127.0.0.1:1", "rooms", tmp_path)
    said = r"MLflow at http://127.0.0.1:1 fails \(the database at //db is away\)"
    with pytest.raises(RegistryError, match=said) as told, broken.answering():
        raise MlflowException("the database at //me:secret@db is away\nand a long story")
    assert "secret" not in str(told.value)


def test_the_revision_is_the_commit_of_this_checkout():
    here = Path(store.__file__).parent
    head = subprocess.run(["git", "-C", here, "rev-parse", "HEAD"], capture_output=True, text=True)
    if head.returncode:
        assert git_revision() == {}
    else:
        assert git_revision()["git.commit"] == head.stdout.strip()
        assert git_revision()["git.dirty"] in ("true", "false")


def test_outside_a_checkout_there_is_no_revision(monkeypatch, tmp_path):
    monkeypatch.setattr(store, "__file__", str(tmp_path / "store.py"))
    assert git_revision.__wrapped__() == {}
