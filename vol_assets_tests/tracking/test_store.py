"""Runs found by tag, ended whatever happens; the champion alias."""

import subprocess
from dataclasses import replace
from pathlib import Path

import mlflow
import pytest
from mlflow.exceptions import MlflowException

from vol_assets.tracking import CHAMPION, Tracking, git_revision, store


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


def test_the_experiment_is_made_once_with_its_artifacts_in_the_data_folder(tracking):
    experiment = tracking.client.get_experiment(tracking.experiment_id())
    assert tracking.experiment_id() == experiment.experiment_id
    assert experiment.artifact_location == (tracking.artifacts / "rooms").as_uri()
    with tracking.run("with a file", identity("file")) as run:
        mlflow.log_text("hello", "note.txt")
    folder = tracking.download(f"runs:/{run.info.run_id}/note.txt")
    assert folder.read_text() == "hello"
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


def test_there_is_no_champion_of_a_model_nobody_registered_or_crowned(tracking):
    assert tracking.champion("unheard_of") is None
    tracking.client.create_registered_model("uncrowned")
    assert tracking.champion("uncrowned") is None


def test_crowning_a_version_takes_the_crown_from_the_last_one(tracking):
    client = tracking.client
    client.create_registered_model("royal")
    with tracking.run("royal", identity("royal")) as run:
        versions = [client.create_model_version("royal", run.info.artifact_uri).version for _ in range(2)]
    for version in versions:
        tracking.crown("royal", version)
        assert tracking.champion("royal").version == version
    assert client.get_model_version("royal", versions[0]).aliases == []
    assert client.get_model_version("royal", versions[1]).aliases == [CHAMPION]


def test_a_store_that_does_not_answer_is_not_taken_for_one_without_a_champion(tracking, monkeypatch):
    class Broken:
        def get_model_version_by_alias(self, name, alias):
            raise MlflowException("the database is away")

    monkeypatch.setattr(Tracking, "client", Broken())
    with pytest.raises(MlflowException, match="the database is away"):
        tracking.champion("royal")


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
