"""MLflow: runs found or created by tag, ended whatever happens, and the registry with its champion alias.

A run is identified by its tags (which asset, which Dagster run), so a retried step continues its run and never
starts a second one. The run is ended as FINISHED or FAILED on leaving the `with` block. (dagster-mlflow's
resource keeps one process-wide run instead, which a second step or a second job in the process then shares.)
"""

from __future__ import annotations

import logging
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import mlflow
    from mlflow import MlflowClient

CHAMPION = "champion"


@dataclass(frozen=True)
class Tracking:
    """One MLflow store and experiment.

    artifacts: the folder for artifacts of a local (database) store. ui: where a person's browser finds MLflow.
    """

    uri: str
    experiment: str
    artifacts: Path
    ui: str = "http://127.0.0.1:5000"

    @property
    def client(self) -> MlflowClient:
        import mlflow

        for chatty in ("mlflow", "alembic"):  # migrations and model checks, of no interest in a run's progress
            logging.getLogger(chatty).setLevel(logging.WARNING)
        if self.uri.startswith("sqlite:///"):
            Path(self.uri.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
        mlflow.set_tracking_uri(self.uri)
        return mlflow.MlflowClient(tracking_uri=self.uri, registry_uri=self.uri)

    def experiment_id(self) -> str:
        """The experiment's id; created at first, with local artifacts under the data folder."""
        client = self.client
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
        return f"{self.ui.rstrip('/')}/#/experiments/{self.client.get_run(run_id).info.experiment_id}/runs/{run_id}"

    def champion(self, model: str) -> Any | None:
        """The model version with the champion alias; None when there is no such model or alias."""
        from mlflow.exceptions import MlflowException

        try:
            return self.client.get_model_version_by_alias(model, CHAMPION)
        except MlflowException as error:
            if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
                return None
            raise

    def crown(self, model: str, version: str) -> None:
        """Give a version the champion alias, which the one that had it loses."""
        self.client.set_registered_model_alias(model, CHAMPION, version)

    def download(self, artifact_uri: str) -> Path:
        """A local folder with the artifacts behind a URI."""
        import mlflow

        self.client  # noqa: B018 - points MLflow at this store
        return Path(mlflow.artifacts.download_artifacts(artifact_uri, tracking_uri=self.uri))


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
