"""A model's folder gives the model back to the bit, or is refused with the reason."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from made_panels import random_walks, with_momentum

from vol_assets.errors import ForecastError
from vol_assets.smiles.baselines import BASELINES, fit_baseline, load_baseline
from vol_assets.smiles.dataset import split
from vol_assets.smiles.model import SmileModel
from vol_assets.smiles.networks import NETWORKS, load_network, train
from vol_assets.smiles.panel import DAILY, LIVE, Windows
from vol_assets.smiles.stored import FILE, load_model

WEIGHTS = "weights.pt"
KINDS = (*BASELINES, *NETWORKS)
PANELS = {LIVE: with_momentum(5, 40)[0], DAILY: with_momentum(150, 1, family=DAILY)[0]}


def windows(family: str) -> Windows:
    panel = PANELS[family]
    return panel.windows(panel.last_of_windows())


@pytest.fixture(scope="module")
def models() -> dict[tuple[str, str], SmileModel]:
    made = {}
    for family, panel in PANELS.items():
        which = split(panel)
        made |= {(kind, family): fit_baseline(kind, panel, which) for kind in BASELINES}
        made |= {(kind, family): train(kind, panel, which).model for kind in NETWORKS}
    return made


@pytest.fixture
def folder(models, tmp_path) -> Path:
    models["gru", LIVE].save(tmp_path / "model")
    return tmp_path / "model"


def edited(folder: Path, change: Callable[[dict], object]) -> Path:
    saved = json.loads((folder / FILE).read_text())
    change(saved)
    (folder / FILE).write_text(json.dumps(saved))
    return folder


@pytest.mark.parametrize("family", [LIVE, DAILY])
@pytest.mark.parametrize("kind", KINDS)
def test_a_saved_model_is_loaded_to_the_bit(kind, family, models, tmp_path):
    model = models[kind, family]
    model.save(tmp_path / "a" / "model")
    again = load_model(tmp_path / "a" / "model", family)
    assert type(again) is type(model)
    assert again.card == model.card
    assert (again.kind, again.family) == (kind, family)
    assert np.array_equal(again.forecast(windows(family)), model.forecast(windows(family)))
    again.save(tmp_path / "b")
    assert (tmp_path / "b" / FILE).read_bytes() == (tmp_path / "a" / "model" / FILE).read_bytes()


def test_a_model_is_loaded_by_a_process_that_never_trained(models, folder):
    np.savez(folder.parent / "windows.npz", *windows(LIVE))
    code = """
import sys, numpy as np
from vol_assets.smiles.panel import Windows
from vol_assets.smiles.stored import load_model
assert "torch" not in sys.modules
held = np.load(sys.argv[1] + "/windows.npz")
np.save(sys.argv[1] + "/forecast.npy", load_model(sys.argv[1] + "/model", "live").forecast(Windows(*held.values())))
"""
    subprocess.run([sys.executable, "-c", code, str(folder.parent)], check=True, timeout=120)
    found = np.load(folder.parent / "forecast.npy")
    assert found == pytest.approx(models["gru", LIVE].forecast(windows(LIVE)), abs=1e-9)


def test_a_baseline_is_one_file_of_numbers_and_a_network_two_files(models, tmp_path):
    for kind in KINDS:
        models[kind, DAILY].save(tmp_path / kind)
        files = {path.name for path in (tmp_path / kind).iterdir()}
        assert files == ({FILE, WEIGHTS} if kind in NETWORKS else {FILE})


# Refusals


def test_a_model_of_another_family_is_refused(folder):
    with pytest.raises(ForecastError, match="model of the live family, daily was asked for"):
        load_model(folder, DAILY)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda saved: saved.update(inputs=saved["inputs"][:-1]), r"other inputs .*spot_return"),
        (lambda saved: saved["inputs"].reverse(), "other inputs .*another order"),
        (lambda saved: saved.update(horizons=[1, 5]), r"predicts \(1, 5\) steps ahead, live models predict \(1, 10\)"),
        (lambda saved: saved.update(family="daily"), r"predicts \(1, 10\) steps ahead, daily"),
        (lambda saved: saved.update(family="weekly"), "family 'weekly'"),
        (lambda saved: saved.update(kind="cnn"), "kind 'cnn'; this code has persistence"),
        (lambda saved: saved.update(kind="lstm"), "no whole model of kind lstm .*weights"),
        (lambda saved: saved.update(kind="persistence"), "model.json, weights.pt; this model is model.json"),
        (lambda saved: saved.update(schema="vol_assets.smile_model/0"), "schema 'vol_assets.smile_model/0'"),
        (lambda saved: saved.pop("fingerprint"), "no whole model .*fingerprint"),
        (lambda saved: saved.update(horizons=3), "no whole model"),
        (lambda saved: saved["numbers"].pop("scaler"), "no whole model of kind gru .*scaler"),
        (lambda saved: saved["numbers"]["scaler"]["change"].pop(), "change has the shape"),
        (lambda saved: saved["numbers"]["scaler"].update(move=[float("nan")]), "move has a number that is not finite"),
        (lambda saved: saved["numbers"]["scaler"].update(move=["much"]), "no whole model of kind gru"),
        (lambda saved: saved["numbers"]["size"].update(depth=5), "not that of a live network"),
        (lambda saved: saved["numbers"]["size"].update(width=7), "weights.pt holds no weights of this network"),
    ],
)
def test_a_model_that_this_code_would_misread_is_refused(folder, change, reason):
    with pytest.raises(ForecastError, match=reason):
        load_model(edited(folder, change))


@pytest.mark.parametrize("kind", ["local_level", "ar1", "pca_var"])
def test_a_baseline_without_a_number_is_refused(models, tmp_path, kind):
    models[kind, LIVE].save(tmp_path)
    name = next(iter(json.loads((tmp_path / FILE).read_text())["numbers"]))
    with pytest.raises(ForecastError, match=f"no whole model of kind {kind} .*{name}"):
        load_model(edited(tmp_path, lambda saved: saved["numbers"].pop(name)))


@pytest.mark.parametrize(
    ("text", "reason"),
    [("", "not JSON"), ("{", "not JSON"), ("[1, 2]", "schema None"), ('"gru"', "schema None"), ("\udcff", "not JSON")],
)
def test_a_damaged_model_json_is_refused(folder, text, reason):
    (folder / FILE).write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(ForecastError, match=reason):
        load_model(folder)


def test_damaged_weights_are_refused(folder):
    whole = (folder / WEIGHTS).read_bytes()
    for damaged in (b"", whole[:100], whole[: len(whole) // 2], b"x" * 500):
        (folder / WEIGHTS).write_bytes(damaged)
        with pytest.raises(ForecastError, match=r"holds no whole model of kind gru .*weights\.pt"):
            load_model(folder)


def test_weights_that_are_not_finite_are_refused(models, folder):
    weights = torch.load(folder / WEIGHTS, weights_only=True)
    weights["straight.weight"][3, 4] = float("nan")
    torch.save(weights, folder / WEIGHTS)
    with pytest.raises(ForecastError, match="a weight that is not finite"):
        load_model(folder)


class Trap:
    """Runs something where it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
@pytest.mark.parametrize("save", [torch.save, lambda what, path: path.write_bytes(pickle.dumps(what))])
def test_nothing_that_is_in_the_weights_is_run(folder, tmp_path, save):
    save({"head.weight": Trap(tmp_path / "sprung")}, folder / WEIGHTS)
    with pytest.raises(ForecastError, match="holds no weights of this network"):
        load_model(folder)
    assert not (tmp_path / "sprung").exists()


def test_a_folder_that_lacks_a_file_or_has_one_too_many_is_refused(folder):
    (folder / "notes.txt").write_text("retrained by hand")
    with pytest.raises(ForecastError, match=r"holds model.json, notes.txt, weights.pt; this model is"):
        load_model(folder)
    (folder / "notes.txt").unlink()
    (folder / WEIGHTS).unlink()
    with pytest.raises(ForecastError, match=r"holds model.json; this model is model.json, weights.pt"):
        load_model(folder)
    (folder / FILE).unlink()
    with pytest.raises(ForecastError, match="holds no smile model: model.json is missing"):
        load_model(folder)
    with pytest.raises(ForecastError, match="model.json is missing"):
        load_model(folder / "nowhere")


def test_networks_and_baselines_are_not_loaded_as_each_other(models, folder, tmp_path):
    models["ar1", LIVE].save(tmp_path / "ar1")
    with pytest.raises(ForecastError, match="kind 'ar1', not gru or lstm"):
        load_network(tmp_path / "ar1")
    with pytest.raises(ForecastError, match="kind 'gru', not persistence or fixed_k"):
        load_baseline(folder)


@pytest.mark.parametrize("kind", KINDS)
def test_windows_that_are_not_a_models_are_refused(kind, models):
    whole = windows(LIVE)
    broken = whole.log_vol.copy()
    broken[2, -1, 1, 3] = np.nan
    for wrong in (
        Windows(whole.log_vol[:, 1:], whole.years[:, 1:], whole.covariates[:, 1:]),
        Windows(whole.log_vol[:, :, :3], whole.years[:, :, :3], whole.covariates),
        Windows(whole.log_vol, whole.years[1:], whole.covariates),
    ):
        with pytest.raises(ForecastError, match="takes windows of the shapes"):
            models[kind, LIVE].forecast(wrong)
    with pytest.raises(ForecastError, match="not finite"):
        models[kind, LIVE].forecast(Windows(broken, whole.years, whole.covariates))


def test_a_spot_return_that_is_not_known_is_no_reason_to_refuse(models):
    panel = random_walks(5, 40)
    whole = panel.windows(panel.last_of_windows())
    unknown = whole.covariates.copy()
    unknown[..., -1] = np.nan
    for kind in KINDS:
        assert np.isfinite(models[kind, LIVE].forecast(whole._replace(covariates=unknown))).all()
