"""Who predicts the live smile: the copy beside the lake, and what happens where it is old, damaged or not there."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from vol_assets.assets.live_champion import ASK_AGAIN, NOBODY, Predictor, predictor_of
from vol_assets.automation.resources import open_tracking
from vol_assets.errors import ForecastError
from vol_assets.lake import Lake
from vol_assets.settings import Settings
from vol_assets.smiles import input_names
from vol_assets.smiles.baselines import Persistence
from vol_assets.smiles.panel import HORIZONS, LIVE, SMILES
from vol_assets.smiles.stored import Card
from vol_assets.tracking import serving
from vol_assets.tracking.store import HASTE

LINE = "spy_smile_live"
MODEL = Persistence(
    Card("persistence", LIVE, HORIZONS[LIVE], tuple(input_names(SMILES)), 60.0, "", "2024-03-14", 0, {})
)


class Registry:
    """A data folder, its MLflow store, and the copy of a champion beside it."""

    def __init__(self, folder: Path, **environment: str):
        settings = Settings.from_env({"VOL_ASSETS_DATA": str(folder), **environment})
        self.lake, self.tracking = Lake(settings.lake, settings.source), open_tracking(settings)
        self.database, self.copy = folder / "mlflow" / "mlflow.db", serving.path_of(self.tracking, LINE)
        self.marker = serving.asked_of(self.tracking, LINE)
        self.warned: list[str] = []

    def keep(self, version: str, source: str = "sample", *, asked: float | None = 0.0) -> None:
        """Keep a champion whose registry was asked some seconds ago, or never."""
        serving.keep(self.tracking, LINE, (MODEL, version, source))
        if asked is not None:
            self.marker.write_text(NOBODY)
            os.utime(self.marker, (time.time() - asked,) * 2)

    def predictor(self) -> Predictor:
        return predictor_of(self.lake, self.tracking, LIVE, self.warned.append)

    def age(self) -> float:
        """Seconds since the registry was asked."""
        return time.time() - self.marker.stat().st_mtime


@pytest.fixture
def registry(tmp_path) -> Registry:
    return Registry(tmp_path)


@pytest.fixture
def crowned(registry: Registry, empty_mlflow: Path) -> Registry:
    """A registry whose champion is version 1 of the serving line."""
    registry.database.parent.mkdir(parents=True)
    shutil.copy(empty_mlflow, registry.database)
    client = registry.tracking.client
    client.create_registered_model(LINE)
    client.create_model_version(LINE, registry.tracking.artifacts.as_uri(), tags={"source": "sample"})
    client.set_registered_model_alias(LINE, "champion", "1")
    return registry


def test_where_nothing_was_ever_registered_nobody_is_asked_and_persistence_predicts(registry: Registry):
    predictor = registry.predictor()
    assert predictor == Predictor(None, "", "persistence", NOBODY)
    assert str(predictor) == "persistence: nobody is crowned yet"
    assert not registry.database.exists()


def test_a_copy_serves_unasked_while_the_marker_is_young(registry: Registry):
    registry.keep("3", asked=ASK_AGAIN - 60.0)
    registry.database.write_bytes(b"no database: who asks it fails")
    predictor = registry.predictor()
    assert (predictor.version, predictor.kind, str(predictor)) == ("3", "persistence", "persistence version 3")
    assert registry.warned == []


@pytest.mark.parametrize("asked", [ASK_AGAIN + 60.0, None])
def test_a_copy_is_confirmed_by_a_registry_that_was_not_asked_lately(crowned: Registry, asked):
    crowned.keep("1", asked=asked)
    assert crowned.predictor().version == "1"
    assert crowned.age() < 60.0
    assert crowned.warned == []


def test_a_copy_serves_while_the_registry_does_not_answer_which_is_not_asked_again_at_once(registry: Registry):
    registry.keep("3", asked=ASK_AGAIN + 60.0)
    registry.database.write_bytes(b"no database at all" * 100)
    assert registry.predictor().version == "3"
    assert "the last champion that could be loaded, serves meanwhile" in registry.warned[-1]
    assert registry.predictor().version == "3"
    assert len(registry.warned) == 1


def test_a_registry_that_says_nothing_is_asked_once_and_again_only_after_a_while(tmp_path, monkeypatch):
    monkeypatch.setitem(HASTE, "MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
    monkeypatch.delenv("MLFLOW_HTTP_REQUEST_TIMEOUT", raising=False)
    with socket.create_server(("127.0.0.1", 0)) as mute:
        registry = Registry(tmp_path, MLFLOW_TRACKING_URI=f"http://127.0.0.1:{mute.getsockname()[1]}")
        first, again = registry.predictor(), registry.predictor()
        mute.settimeout(0.0)
        mute.accept()
        with pytest.raises(BlockingIOError):
            mute.accept()  # a second question
    assert first == again
    assert first.model is None
    assert "does not answer" in first.why
    assert len(registry.warned) == 1
    assert os.environ.get("MLFLOW_HTTP_REQUEST_TIMEOUT") != "1"


def test_a_registry_without_a_champion_is_asked_again_only_after_a_while(crowned: Registry):
    crowned.tracking.client.delete_registered_model_alias(LINE, "champion")
    assert crowned.predictor().why == NOBODY
    crowned.tracking.client.set_registered_model_alias(LINE, "champion", "1")
    assert crowned.predictor().why == NOBODY
    crowned.keep("1", asked=ASK_AGAIN + 60.0)
    assert crowned.predictor().version == "1"


def test_a_copy_that_is_damaged_is_told_of_and_nobody_predicts(registry: Registry):
    registry.keep("3")
    registry.copy.write_text('{"schema": "vol_assets.serving/2"}')
    predictor = registry.predictor()
    assert predictor.model is None
    assert predictor.why == registry.warned[-1]
    assert "cannot be loaded" in predictor.why
    assert len(registry.warned) == 1


def test_a_copy_that_is_damaged_is_told_of_once_where_the_registry_is_asked_too(crowned: Registry):
    crowned.keep("1", asked=ASK_AGAIN + 60.0)
    crowned.copy.write_text('{"schema": "vol_assets.serving/2"}')
    crowned.predictor()
    assert len([said for said in crowned.warned if "the copy in" in said]) == 1


@pytest.mark.parametrize("asked", [0.0, None])
def test_a_champion_of_another_source_is_refused_whether_the_registry_is_asked_or_not(crowned: Registry, asked):
    crowned.keep("1", source="yahoo", asked=asked)
    with pytest.raises(ForecastError, match="trained on the source 'yahoo', this lake holds 'sample'"):
        crowned.predictor()


def test_neither_mlflow_nor_torch_is_imported_while_the_marker_is_young(registry: Registry):
    registry.keep("3")
    code = f"""
import sys
from pathlib import Path
from vol_assets.assets.live_champion import predictor_of
from vol_assets.lake import Lake
from vol_assets.tracking import Tracking
tracking = Tracking({registry.tracking.uri!r}, "vol_assets", Path({str(registry.tracking.artifacts)!r}))
assert predictor_of(Lake(Path({str(registry.lake.root)!r}), "sample"), tracking, "live", print).version == "3"
assert not {{"mlflow", "torch"}} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True)
