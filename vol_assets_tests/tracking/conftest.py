"""One MLflow store on SQLite for all tests of this room: making one costs seconds, and names keep them apart."""

import pytest

from vol_assets.tracking import Tracking


@pytest.fixture(scope="session")
def tracking(tmp_path_factory) -> Tracking:
    folder = tmp_path_factory.mktemp("mlflow")
    return Tracking(f"sqlite:///{folder}/made/when/needed/mlflow.db", "rooms", folder / "artifacts")
