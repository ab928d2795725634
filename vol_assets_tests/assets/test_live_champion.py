"""Who predicts the live smile: the copy beside the lake, and what happens where it is old, damaged or not there."""

from __future__ import annotations

import os
import shutil
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

LINE = "spy_smile_live"
MODEL = Persistence(Card("persistence", LIVE, HORIZONS[LIVE], tuple(input_names(SMILES)), "", "2024-03-14", 0, {}))


class Registry:
    """A data folder, its MLflow store, and the copy of a champion beside it."""

    def __init__(self, folder: Path):
        settings = Settings.from_env({"VOL_ASSETS_DATA": str(folder)})
        self.lake, self.tracking = Lake(settings.lake, settings.source), open_tracking(settings)
        self.database, self.copy = folder / "mlflow" / "mlflow.db", serving.path_of(self.tracking, LINE)
        self.warned: list[str] = []

    def keep(self, version: str, source: str = "sample", *, age: float = 0.0) -> None:
        serving.keep(self.tracking, LINE, (MODEL, version, source))
        os.utime(self.copy, (time.time() - age,) * 2)

    def predictor(self) -> Predictor:
        return predictor_of(self.lake, self.tracking, LIVE, self.warned.append)

    def age(self) -> float:
        return time.time() - self.copy.stat().st_mtime


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


def test_a_young_copy_serves_unasked(registry: Registry):
    registry.keep("3", age=ASK_AGAIN - 60.0)
    registry.database.write_bytes(b"no database: who asks it fails")
    predictor = registry.predictor()
    assert (predictor.version, predictor.kind, str(predictor)) == ("3", "persistence", "persistence version 3")
    assert registry.warned == []


def test_an_old_copy_is_confirmed_by_the_registry_and_young_again(crowned: Registry):
    crowned.keep("1", age=ASK_AGAIN + 60.0)
    assert crowned.predictor().version == "1"
    assert crowned.age() < 60.0
    assert crowned.warned == []


def test_an_old_copy_serves_while_the_registry_does_not_answer_and_is_confirmed_by_nobody(registry: Registry):
    registry.keep("3", age=ASK_AGAIN + 60.0)
    registry.database.write_bytes(b"no database at all" * 100)
    assert registry.predictor().version == "3"
    assert "the last champion that could be loaded, serves meanwhile" in registry.warned[-1]


def test_a_copy_that_is_damaged_is_told_of_and_nobody_predicts(registry: Registry):
    registry.keep("3")
    registry.copy.write_text('{"schema": "vol_assets.serving/2"}')
    predictor = registry.predictor()
    assert predictor.model is None
    assert predictor.why == registry.warned[-1]
    assert "cannot be loaded" in predictor.why


def test_a_champion_of_another_source_is_refused(crowned: Registry):
    crowned.keep("1", source="yahoo")
    with pytest.raises(ForecastError, match="trained on the source 'yahoo', this lake holds 'sample'"):
        crowned.predictor()


def test_neither_mlflow_nor_torch_is_imported_for_a_copy_that_is_young(registry: Registry):
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
