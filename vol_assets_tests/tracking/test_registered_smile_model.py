"""Smile models through the registry: they come back to the bit, serve by way of a copy, and go on without MLflow."""

from __future__ import annotations

import os
import pickle
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import mlflow
import numpy as np
import pytest
import smile_world

from vol_assets import clock
from vol_assets.errors import ForecastError, RegistryError
from vol_assets.smiles import input_names
from vol_assets.smiles.baselines import fit_baseline
from vol_assets.smiles.dataset import fingerprint, split
from vol_assets.smiles.networks import train
from vol_assets.smiles.panel import DAILY, LENGTH, LIVE, Windows
from vol_assets.tracking import GATE, HAND, Tracking, serving
from vol_assets.tracking.smile_model import (
    ARTIFACT,
    champion_of_family,
    family_of,
    forecast_frame,
    line,
    load,
    newest,
    promote,
    register,
    roll_back,
    serve,
    serving_line,
    state_frame,
)

SESSIONS = clock.sessions("2024-03-04", "2024-03-11")
SERVES = serving_line(LIVE)


class Trap:
    """Unpickled, it makes a file."""

    def __init__(self, mark: Path):
        self.mark = mark

    def __reduce__(self):
        return os.mkdir, (str(self.mark),)


@pytest.fixture(scope="module")
def panel():
    return smile_world.panel(LIVE, SESSIONS, count=30)


@pytest.fixture(scope="module")
def windows(panel) -> Windows:
    return panel.windows(panel.last_of_windows()[-40:])


@pytest.fixture(scope="module")
def models(panel) -> dict:
    which = split(panel)
    baselines = {kind: fit_baseline(kind, panel, which) for kind in ("persistence", "ar1")}
    return {**baselines, "mlp": train("mlp", panel, which).model}


@pytest.fixture(scope="module")
def tags(panel) -> dict[str, str]:
    return {"source": "sample", "data_fingerprint": fingerprint(panel, split(panel)), "trained_through": "2024-03-08"}


@pytest.fixture(scope="module")
def tracking(tmp_path_factory, empty_mlflow) -> Tracking:
    folder = tmp_path_factory.mktemp("smiles") / "mlflow"
    folder.mkdir()
    shutil.copy(empty_mlflow, folder / "mlflow.db")
    return Tracking(f"sqlite:///{folder}/mlflow.db", "rooms", folder / "artifacts")


@pytest.fixture(scope="module")
def registered(tracking, models, windows, tags) -> dict[str, str]:
    """A version of each kind."""
    assert champion_of_family(tracking, LIVE) is None  # nobody registered anything yet
    with tracking.run("smile", {"test": "registered"}):
        return {kind: _register(tracking, model, windows, tags) for kind, model in models.items()}


def _register(tracking, model, windows, tags) -> str:
    return register(tracking, model, Windows(*(part[:1] for part in windows)), tags)


@pytest.fixture
def place(tracking, registered, tmp_path) -> Tracking:
    """A copy of the registry, of which the artifacts stay where they are, with nothing kept beside it."""
    (tmp_path / "mlflow").mkdir()
    shutil.copy(tracking.uri.removeprefix("sqlite:///"), tmp_path / "mlflow" / "mlflow.db")
    return Tracking(f"sqlite:///{tmp_path}/mlflow/mlflow.db", "rooms", tmp_path / "mlflow" / "artifacts")


@pytest.fixture
def damaged(tracking, registered, tmp_path) -> Iterator[Path]:
    """The files of the registered network, for a test to damage."""
    uri = tracking.client.get_model_version_download_uri(line(LIVE, "mlp"), registered["mlp"])
    folder = Path(uri.removeprefix("file://")) / "artifacts" / ARTIFACT
    shutil.copytree(folder, tmp_path / "sound")
    yield folder
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(tmp_path / "sound", folder)


@pytest.fixture
def dead(place, monkeypatch) -> Tracking:
    """The same place, when its MLflow server is not running; it is asked once and not again."""
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return Tracking(f"http://127.0.0.1:{free.getsockname()[1]}", "rooms", place.artifacts)


def told(tracking: Tracking, family: str = LIVE, **options) -> tuple:
    """The champion, and what was warned of."""
    warnings: list[str] = []
    return champion_of_family(tracking, family, warn=warnings.append, **options), warnings


# A line a kind


def test_every_kind_has_its_line_and_comes_back_to_the_bit(tracking, registered, models, windows):
    assert registered == dict.fromkeys(("persistence", "ar1", "mlp"), "1")
    for kind, version in registered.items():
        back = load(tracking, line(LIVE, kind), version)
        assert (back.kind, back.family, back.horizons) == (kind, LIVE, (1, 10))
        assert np.array_equal(back.forecast(windows), models[kind].forecast(windows))
    assert np.abs(models["mlp"].forecast(windows) - models["persistence"].forecast(windows)).max() > 1e-4


def test_a_version_carries_its_tags_and_belongs_to_its_run(tracking, registered, tags):
    found = tracking.version(line(LIVE, "mlp"), "1")
    assert {**tags, "kind": "mlp"}.items() <= found.tags.items()
    assert tracking.client.get_run(found.run_id).data.tags["test"] == "registered"


def test_mlflow_serves_the_same_numbers_row_by_row(tracking, registered, models, windows):
    served = mlflow.pyfunc.load_model(f"models:/{line(LIVE, 'mlp')}/1")
    inputs = models["mlp"].inputs
    said = served.predict(state_frame(inputs, windows))
    assert said["horizon_steps"].tolist() == [1, 10] * 40
    expected = models["mlp"].forecast(windows).reshape(80, -1)
    assert np.array_equal(said[list(inputs[:32])].to_numpy(), expected)
    assert served.metadata.signature.inputs.input_names() == input_names(4)
    assert served.metadata.signature.outputs.input_names() == ["horizon_steps", *input_names(4)[:32]]
    with pytest.raises(mlflow.exceptions.MlflowException, match="years_2"):
        served.predict(state_frame(inputs, windows).drop(columns="years_2"))


def test_half_a_window_is_refused(models, windows):
    states = state_frame(models["ar1"].inputs, windows)
    assert len(forecast_frame(models["ar1"], states[:LENGTH])) == 2
    with pytest.raises(ForecastError, match=f"a window is {LENGTH} states, oldest first; 13 rows"):
        forecast_frame(models["ar1"], states[:13])


def test_the_newest_version_is_that_of_the_data_asked_for(place, models, windows, tags):
    with place.run("smile", {"test": "newest"}):
        later = _register(place, models["ar1"], windows, {**tags, "data_fingerprint": "other"})
    assert newest(place, LIVE, "ar1").version == int(later) == 2
    assert newest(place, LIVE, "ar1", tags["data_fingerprint"]).version == 1
    assert newest(place, LIVE, "ar1", "none") is None
    assert newest(place, DAILY, "ar1") is None


def test_names_tell_their_family():
    assert [family_of(name) for name in (SERVES, line(DAILY, "gru"), "spy_rv_5d", "spy_smile_weekly", "live")] == [
        *(LIVE, DAILY),
        *(None, None, None),
    ]


@pytest.mark.parametrize("name", ["model.json", "weights.pt", "python_model.pkl"])
def test_a_pickle_among_the_files_is_refused_and_never_run(tracking, registered, damaged, name, tmp_path):
    mark = tmp_path / "it_ran"
    (damaged / name).write_bytes(pickle.dumps(Trap(mark)))
    with pytest.raises(ForecastError, match="spy_smile_live_mlp version 1 cannot be loaded"):
        load(tracking, line(LIVE, "mlp"), "1")
    assert not mark.exists()


def test_a_model_of_other_inputs_or_of_the_other_family_is_refused_by_name(tracking, registered, damaged):
    sound = (damaged / "model.json").read_text()
    for old, new, reason in (
        ('"spot_return"', '"spot"', "trained on other inputs"),
        ('"family": "live"', '"family": "daily"', "daily"),
    ):
        assert old in sound
        (damaged / "model.json").write_text(sound.replace(old, new))
        with pytest.raises(ForecastError, match=f"spy_smile_live_mlp version 1 cannot be loaded: .*{reason}"):
            load(tracking, line(LIVE, "mlp"), "1")


def test_what_is_not_there_is_a_registry_error(tracking, registered, dead):
    with pytest.raises(RegistryError, match="spy_smile_live_mlp has no version 9; there are 1"):
        load(tracking, line(LIVE, "mlp"), "9")
    with pytest.raises(RegistryError, match="nothing is registered yet, train it first"):
        load(tracking, line(DAILY, "mlp"), "1")
    with pytest.raises(RegistryError, match="does not answer"):
        load(dead, line(LIVE, "mlp"), "1")


# What serves


def test_who_serves_is_a_copy_that_says_what_it_is_of(place, windows, models, tags):
    assert serve(place, LIVE, "persistence", "1", "the first") == "1"
    assert serve(place, LIVE, "mlp", "1", "better") == "2"
    found = place.champion(SERVES)
    assert {**tags, "kind": "mlp", "copy_of": "spy_smile_live_mlp/1"}.items() <= found.tags.items()
    model, version, kind = champion_of_family(place, LIVE)
    assert (version, kind) == ("2", "mlp")
    assert np.array_equal(model.forecast(windows), models["mlp"].forecast(windows))
    served = mlflow.pyfunc.load_model(f"models:/{SERVES}@champion")
    assert served.predict(state_frame(model.inputs, windows)).equals(
        forecast_frame(model, state_frame(model.inputs, windows))
    )
    assert champion_of_family(place, DAILY) is None


def test_crowning_again_copies_nothing_twice(place):
    assert serve(place, LIVE, "mlp", "1", "better") == "1"
    assert serve(place, LIVE, "mlp", "1", "again") == "1"
    assert serve(place, LIVE, "ar1", "1", "better still") == "2"
    assert serve(place, LIVE, "mlp", "1", "after all") == "1"
    crowned = [(one.version, one.by, one.reason, one.replaced) for one in place.crownings(SERVES)]
    assert crowned == [
        ("1", GATE, "better", None),
        ("2", GATE, "better still", "1"),
        ("1", GATE, "after all", "2"),
    ]


def test_what_cannot_be_loaded_is_not_crowned(place, damaged):
    serve(place, LIVE, "persistence", "1", "the first")
    (damaged / "weights.pt").unlink()
    with pytest.raises(ForecastError, match="spy_smile_live_mlp version 1 cannot be loaded"):
        serve(place, LIVE, "mlp", "1", "better")
    assert champion_of_family(place, LIVE).kind == "persistence"
    assert len(place.versions(SERVES)) == 1


def test_the_champion_serves_from_its_copy_while_mlflow_is_down_and_says_so(place, dead, models, windows):
    serve(place, LIVE, "mlp", "1", "better")
    kept = serving.path_of(place, SERVES)
    kept.write_text(kept.read_text().replace(serving._store(place), serving._store(dead)))  # as that server's
    champion, warnings = told(dead)
    assert (champion.version, champion.kind) == ("1", "mlp")
    assert np.array_equal(champion.model.forecast(windows), models["mlp"].forecast(windows))
    (warning,) = warnings
    assert "does not answer" in warning
    assert warning.endswith("version 1, the last champion that could be loaded, serves meanwhile")


def test_without_a_copy_nobody_serves_while_mlflow_is_down(dead):
    champion, (warning,) = told(dead)
    assert champion is None
    assert warning.endswith("nobody serves meanwhile")


def test_the_copy_of_the_version_that_the_registry_names_is_read_and_no_other(place, damaged, models, windows):
    serve(place, LIVE, "mlp", "1", "better")
    shutil.rmtree(damaged)
    champion, warnings = told(place)
    assert (champion.kind, warnings) == ("mlp", [])
    serve(place, LIVE, "ar1", "1", "better still")
    assert champion_of_family(place, LIVE).kind == "ar1"
    place.crown(SERVES, "1", "moved in MLflow itself", HAND)
    champion, (warning,) = told(place)
    assert champion.kind == "ar1"
    assert "spy_smile_live version 1 cannot be loaded: its artifact smile_model is not to be had" in warning
    assert "version 2, the last champion that could be loaded, serves meanwhile" in warning


def test_a_champion_crowned_elsewhere_is_loaded_and_kept(place):
    serve(place, LIVE, "mlp", "1", "better")
    serving.path_of(place, SERVES).unlink()
    assert champion_of_family(place, LIVE).kind == "mlp"
    before = serving.path_of(place, SERVES).stat().st_mtime_ns
    assert champion_of_family(place, LIVE).kind == "mlp"
    assert serving.path_of(place, SERVES).stat().st_mtime_ns == before


def test_a_damaged_copy_is_told_of_and_made_anew(place):
    serve(place, LIVE, "mlp", "1", "better")
    path = serving.path_of(place, SERVES)
    sound = path.read_text()
    path.write_text(sound[:1000])
    champion, (warning,) = told(place)
    assert champion.kind == "mlp"
    assert f"the copy in {path} cannot be loaded either" in warning
    assert path.read_text() == sound


def test_a_champion_of_another_source_is_refused(place):
    serve(place, LIVE, "mlp", "1", "better")
    assert told(place, source="sample")[0].kind == "mlp"
    with pytest.raises(
        ForecastError, match="champion of spy_smile_live .version 1. was trained on the source 'sample'"
    ):
        champion_of_family(place, LIVE, source="yahoo")


# By hand


def test_a_version_of_a_kind_is_promoted_by_way_of_a_copy_and_one_of_the_serving_line_as_it_is(place):
    before, now = promote(place, line(LIVE, "mlp"), "1", "I know better", "sample")
    assert before is None
    assert (now.name, now.version, now.tags["kind"]) == (SERVES, 1, "mlp")
    before, now = promote(place, line(LIVE, "ar1"), "1", "simpler", "sample")
    assert (before.tags["kind"], now.tags["kind"]) == ("mlp", "ar1")
    before, now = promote(place, SERVES, "1", "back", "sample")
    assert (before.version, now.version) == (2, 1)
    assert {one.by for one in place.crownings(SERVES)} == {HAND}
    assert serving.last_good(place, SERVES, lambda folder: None)[1] == "1"


def test_the_champion_is_not_promoted_again_nor_one_of_another_source_or_unknown(place):
    promote(place, line(LIVE, "mlp"), "1", "why not", "sample")
    for name in (line(LIVE, "mlp"), SERVES):
        with pytest.raises(RegistryError, match=f"version 1 of {name} is the champion already"):
            promote(place, name, "1", "again", "sample")
    with pytest.raises(RegistryError, match="was trained on the source 'sample', this lake holds 'yahoo'"):
        promote(place, line(LIVE, "ar1"), "1", "why not", "yahoo")
    with pytest.raises(RegistryError, match="spy_smile_live_gru has no version 1"):
        promote(place, line(LIVE, "gru"), "1", "why not", "sample")
    assert len(place.crownings(SERVES)) == 1


def test_rolling_back_brings_back_whatever_kind_served_before(place):
    serve(place, LIVE, "persistence", "1", "the first")
    serve(place, LIVE, "mlp", "1", "better")
    before, now = roll_back(place, SERVES, "not better", "sample")
    assert (before.tags["kind"], now.tags["kind"]) == ("mlp", "persistence")
    assert champion_of_family(place, LIVE).kind == "persistence"
    with pytest.raises(RegistryError, match="first champion of spy_smile_live"):
        roll_back(place, SERVES, "further", "sample")
