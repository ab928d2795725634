"""MLflow: runs found or created by tag, ended whatever happens, and the registry with its two pairs of aliases.

A run is identified by its tags (which asset, which Dagster run), so a retried step continues its run and never
starts a second one. The run is ended as FINISHED or FAILED on leaving the `with` block. (dagster-mlflow's
resource keeps one process-wide run instead, which a second step or a second job in the process then shares.)

    champion   = production   the version that serves
    challenger = staging      the newest one that was trained and has not been crowned

The second names are those of MLflow's retired stages, for whoever serves by them. A challenger that is crowned loses
its alias: there is none then until the next training.
"""

from __future__ import annotations

import datetime as dt
import logging
import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vol_assets.errors import ForecastError, RegistryError
from vol_assets.tracking import crownings
from vol_assets.tracking.crownings import HAND, Crowning

if TYPE_CHECKING:
    import mlflow
    from mlflow import MlflowClient

CHAMPION, CHALLENGER = "champion", "challenger"
MIRRORS = {CHAMPION: "production", CHALLENGER: "staging"}
# MLflow's own defaults (seven retries at doubling intervals, each of two minutes) wait four minutes at a port where
# nobody listens, twenty where nobody answers. These: five seconds, and 50.
PATIENCE = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2", "MLFLOW_HTTP_REQUEST_TIMEOUT": "15"}
HASTE = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0", "MLFLOW_HTTP_REQUEST_TIMEOUT": "5"}
NOT_THERE = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE")


@dataclass(frozen=True)
class Tracking:
    """One MLflow store and experiment.

    artifacts: the folder for artifacts of a local (database) store. ui: where a person's browser finds MLflow.
    Every method raises a RegistryError where MLflow does not answer.
    """

    uri: str
    experiment: str
    artifacts: Path
    ui: str = "http://127.0.0.1:5000"

    @property
    def client(self) -> MlflowClient:
        for name, value in PATIENCE.items():
            os.environ.setdefault(name, value)
        import mlflow

        for chatty in ("mlflow", "alembic"):  # migrations and model checks, of no interest in a run's progress
            logging.getLogger(chatty).setLevel(logging.WARNING)
        if self.uri.startswith("sqlite:///"):
            Path(self.uri.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
        mlflow.set_tracking_uri(self.uri)
        return mlflow.MlflowClient(tracking_uri=self.uri, registry_uri=self.uri)

    @property
    def made(self) -> bool:
        """Whether there is a store to ask: asking one on SQLite makes its database, which takes longer than a poll."""
        path = self.uri.removeprefix("sqlite:///")
        return path == self.uri or Path(path).exists()

    @contextmanager
    def in_haste(self) -> Iterator[None]:
        """Have MLflow asked once inside the block, and for a few seconds, by whoever can do without the answer."""
        before = {name: os.environ.get(name) for name in HASTE}
        os.environ.update(HASTE)
        try:
            yield
        finally:
            for name, value in before.items():
                if value is None:
                    del os.environ[name]
                else:
                    os.environ[name] = value

    @contextmanager
    def answering(self) -> Iterator[None]:
        """Have what MLflow raises inside the block raised as a RegistryError."""
        from mlflow.exceptions import MlflowException
        from sqlalchemy.exc import SQLAlchemyError

        try:
            yield
        except (MlflowException, SQLAlchemyError) as error:
            raise RegistryError(
                f"MLflow at {without_password(self.uri)} {_in_words(error)}; start it, or correct MLFLOW_TRACKING_URI"
            ) from error

    def experiment_id(self) -> str:
        """The experiment's id; created at first, with local artifacts under the data folder."""
        client = self.client
        with self.answering():
            found = client.get_experiment_by_name(self.experiment)
            if found is not None:
                return found.experiment_id
            served = self.uri.startswith(("http:", "https:", "databricks"))
            location = None if served else (self.artifacts / self.experiment).absolute().as_uri()
            # The tag makes MLflow's UI open on training runs; without it, on traces of language models.
            kind = {"mlflow.experimentKind": "custom_model_development"}
            return client.create_experiment(self.experiment, artifact_location=location, tags=kind)

    @contextmanager
    def run(
        self, name: str, identity: Mapping[str, str], tags: Mapping[str, str] | None = None
    ) -> Iterator[mlflow.ActiveRun]:
        """The run that carries the `identity` tags, created if there is none, active inside the block."""
        import mlflow

        client, experiment_id = self.client, self.experiment_id()
        wanted = " and ".join(f"tags.`{key}` = '{value}'" for key, value in identity.items())
        with self.answering():
            found = client.search_runs([experiment_id], filter_string=wanted, max_results=1)
            if found:
                run_id = found[0].info.run_id
            else:
                run_id = client.create_run(experiment_id, run_name=name, tags=dict(identity)).info.run_id
            with mlflow.start_run(run_id=run_id) as run:
                mlflow.set_tags({**git_revision(), **(tags or {})})
                yield run

    def url(self, run_id: str) -> str:
        """Where a person looks at a run."""
        with self.answering():
            experiment_id = self.client.get_run(run_id).info.experiment_id
        return f"{self.ui.rstrip('/')}/#/experiments/{experiment_id}/runs/{run_id}"

    def champion(self, model: str) -> Any | None:
        """The model version with the champion alias; None when there is no such model or alias."""
        return self._version_with(model, CHAMPION)

    def challenger(self, model: str) -> Any | None:
        """The model version with the challenger alias; None when there is none."""
        return self._version_with(model, CHALLENGER)

    def version(self, model: str, version: str) -> Any:
        """A version of a model; a RegistryError that lists those there are."""
        from mlflow.exceptions import MlflowException

        with self.answering():
            try:
                return self.client.get_model_version(model, version)
            except MlflowException as error:
                if error.error_code not in NOT_THERE:
                    raise
        there = ", ".join(str(found.version) for found in self.versions(model))
        raise RegistryError(
            f"{model} has no version {version}; "
            + (f"there are {there}" if there else "nothing is registered yet, train it first")
        )

    def versions(self, model: str) -> list[Any]:
        """Every version of a model, ascending."""
        found: list[Any] = []
        with self.answering():
            token = None
            while token != "":
                page = self.client.search_model_versions(f"name = '{model}'", page_token=token)
                found += page
                token = page.token or ""
        return sorted(found, key=lambda version: int(version.version))

    def challenge(self, model: str, version: str) -> None:
        """Make a version the challenger; the last one loses the alias."""
        self._alias(model, CHALLENGER, self.version(model, version))

    def crown(self, model: str, version: str, reason: str, by: str, *, rolled_back: bool = False) -> Crowning | None:
        """Make a version the champion and record when, by whom (GATE or HAND), why, and which version it replaced.

        For the champion itself nothing is recorded and None returned. `roll_back` is what rolls back.
        """
        found, champion = self.version(model, version), self.champion(model)
        crowning = None
        if champion is None or champion.version != found.version:
            replaced = None if champion is None else str(champion.version)
            crowning = Crowning(str(found.version), dt.datetime.now(dt.UTC), by, reason, replaced, rolled_back)
            self.tag(model, version, *crowning.tag)  # first: what serves shall never be without its history
        self._alias(model, CHAMPION, found)
        challenger = self.challenger(model)
        if challenger is not None and challenger.version == found.version:
            with self.answering():
                for alias in (CHALLENGER, MIRRORS[CHALLENGER]):
                    self.client.delete_registered_model_alias(model, alias)
        return crowning

    def roll_back(self, model: str, reason: str, by: str = HAND) -> Crowning | None:
        """Give the crown back to the version that had it before the champion; a RegistryError if there was none."""
        return self.crown(model, self.predecessor(model), reason, by, rolled_back=True)

    def predecessor(self, model: str) -> str:
        """The version that `roll_back` would crown."""
        champion = self.champion(model)
        if champion is None:
            raise RegistryError(f"{model} has no champion to roll back from; crown one by `make promote`")
        before = crownings.predecessor(self.crownings(model), str(champion.version))
        if before is None:
            raise RegistryError(
                f"version {champion.version} is the first champion of {model}, there is none before it to go back to; "
                "crown another by `make promote`"
            )
        return before

    def crownings(self, model: str) -> list[Crowning]:
        """Every crowning there was, in the order of time."""
        found = [one for version in self.versions(model) for one in crownings.read(str(version.version), version.tags)]
        return sorted(found, key=lambda crowning: crowning.at)

    def tag(self, model: str, version: str, key: str, value: str) -> None:
        """Set a tag of a version."""
        with self.answering():
            self.client.set_model_version_tag(model, version, key, value)

    def download(self, artifact_uri: str, folder: Path | str) -> Path:
        """The artifacts behind a URI, copied into a folder."""
        import mlflow

        self.client  # noqa: B018 - points MLflow at this store
        with self.answering():
            return Path(mlflow.artifacts.download_artifacts(artifact_uri, dst_path=folder, tracking_uri=self.uri))

    def artifact(self, model: str, version: str, name: str, folder: Path | str) -> Path:
        """An artifact of a version, copied into a folder.

        A ForecastError if it is not to be had although the registry answers.
        """
        try:
            return self.download(f"models:/{model}/{version}/artifacts/{name}", folder)
        except RegistryError as error:
            self.version(model, version)
            said = without_password(" ".join(str(error.__cause__).split()))[:300]
            raise ForecastError(f"its artifact {name} is not to be had ({said})") from error

    def _alias(self, model: str, alias: str, version: Any) -> None:
        with self.answering():
            for name in (alias, MIRRORS[alias]):
                self.client.set_registered_model_alias(model, name, version.version)

    def _version_with(self, model: str, alias: str) -> Any | None:
        from mlflow.exceptions import MlflowException

        with self.answering():
            try:
                return self.client.get_model_version_by_alias(model, alias)
            except MlflowException as error:
                if error.error_code in NOT_THERE:
                    return None
                raise


def _in_words(error: Exception) -> str:
    """What is wrong with MLflow, without the wrappings of three libraries."""
    said = without_password(str(error).splitlines()[0]) if str(error) else type(error).__name__
    refused = re.search(r"\[Errno -?\d+\] [\w ]+", said)
    if refused or re.search(r"timed out|Max retries exceeded|too many \d+ error", said):
        return f"does not answer ({refused[0] if refused else said[:200]})"
    return f"fails ({said[:300]})"


def without_password(text: str) -> str:
    """Text in which URLs do not say who asks."""
    return re.sub(r"//[^/@\s]*@", "//", text)


@cache
def git_revision() -> dict[str, str]:
    """The commit of the code that runs and whether it has local changes, as tags; empty outside a checkout."""
    here = Path(__file__).parent

    def git(*arguments: str) -> str:
        return subprocess.run(
            ["git", "-C", str(here), *arguments], capture_output=True, text=True, check=True, timeout=10
        ).stdout.strip()

    try:
        return {"git.commit": git("rev-parse", "HEAD"), "git.dirty": str(bool(git("status", "--porcelain"))).lower()}
    except (OSError, subprocess.SubprocessError):
        return {}
