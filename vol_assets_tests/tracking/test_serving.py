"""The copy of the last champion: whole or not at all, and of this MLflow store alone."""

from __future__ import annotations

import base64
import json
from dataclasses import replace

import pandas as pd
import pytest

from vol_assets.errors import ForecastError
from vol_assets.tracking import Tracking, serving
from vol_assets.tracking.rv_model import forecast_frame

MODEL = "spy_rv_5d"
EMPTY = base64.b64encode(b"{}").decode()


@pytest.fixture
def store(tmp_path) -> Tracking:
    return Tracking("http://someone:secret@mlflow:5000", "rooms", tmp_path / "mlflow" / "artifacts")


def test_a_kept_champion_comes_back_and_forecasts_to_the_bit(store, forecaster, frame):
    assert serving.last_good(store, MODEL) is None
    serving.keep(store, MODEL, (forecaster, "7", "sample"))
    loaded, version, source = serving.last_good(store, MODEL)
    assert (version, source) == ("7", "sample")
    pd.testing.assert_frame_equal(forecast_frame(loaded, frame), forecast_frame(forecaster, frame), check_exact=True)
    assert loaded.reference == forecaster.reference


def test_the_copy_lies_beside_the_artifacts_and_is_replaced_as_a_whole(store, forecaster, line):
    serving.keep(store, MODEL, (forecaster, "7", "sample"))
    serving.keep(store, MODEL, (line, "8", "sample"))
    path = serving.path_of(store, MODEL)
    assert path == store.artifacts.parent / "serving" / "spy_rv_5d.json"
    assert [kept.name for kept in path.parent.iterdir()] == [path.name]
    assert serving.last_good(store, MODEL)[1] == "8"
    assert "trees_0.json" not in json.loads(path.read_text())["files"]  # nothing of version 7 is left


def test_the_same_champion_is_not_written_again(store, forecaster):
    serving.keep(store, MODEL, (forecaster, "7", "sample"))
    before = serving.path_of(store, MODEL).stat().st_ino
    serving.keep(store, MODEL, (forecaster, "7", "sample"))
    assert serving.path_of(store, MODEL).stat().st_ino == before


def test_a_copy_of_another_store_does_not_serve_and_no_password_is_kept(store, line):
    serving.keep(store, MODEL, (line, "7", "sample"))
    assert serving.last_good(replace(store, uri="http://elsewhere:5000"), MODEL) is None
    assert "secret" not in serving.path_of(store, MODEL).read_text()


def test_a_folder_that_cannot_be_written_is_warned_of(store, line, caplog):
    serving.path_of(store, MODEL).parent.parent.mkdir(parents=True)
    serving.path_of(store, MODEL).parent.write_text("a file where the folder should be")
    serving.keep(store, MODEL, (line, "7", "sample"))
    assert "spy_rv_5d is not kept" in caplog.text


@pytest.mark.parametrize(
    "change",
    [
        lambda copy: copy.pop("files"),
        lambda copy: copy["files"].pop("forecaster.json"),
        lambda copy: copy["files"].update({"forecaster.json": EMPTY}),
        lambda copy: copy["files"].update({"forecaster.json": "{}"}),
        lambda copy: copy["files"].update({"../../outside.json": EMPTY}),
    ],
    ids=["no files", "no forecaster", "another forecaster", "no base64", "a file elsewhere"],
)
def test_a_damaged_copy_is_refused_and_writes_nothing_elsewhere(store, line, change, tmp_path):
    serving.keep(store, MODEL, (line, "7", "sample"))
    path = serving.path_of(store, MODEL)
    copy = json.loads(path.read_text())
    change(copy)
    path.write_text(json.dumps(copy))
    with pytest.raises(ForecastError, match=f"the copy in {path} cannot be loaded either"):
        serving.last_good(store, MODEL)
    assert not list(tmp_path.rglob("outside.json"))


def test_half_a_copy_is_refused(store, line):
    serving.keep(store, MODEL, (line, "7", "sample"))
    path = serving.path_of(store, MODEL)
    path.write_text(path.read_text()[:500])
    with pytest.raises(ForecastError, match="cannot be loaded either"):
        serving.last_good(store, MODEL)
