"""The forecaster through the registry: what comes back forecasts what went in, to the bit, and nothing else is run."""

from __future__ import annotations

import os
import pickle
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import mlflow
import pandas as pd
import pytest

from vol_assets.errors import ForecastError, RegistryError
from vol_assets.features.har import HAR_FEATURES
from vol_assets.features.implied import IMPLIED_FEATURES
from vol_assets.features.l1 import L1_FEATURES
from vol_assets.forecasting.calibration import Fitted
from vol_assets.forecasting.models.additive import OptionalLine
from vol_assets.tracking import GATE, HAND, serving
from vol_assets.tracking.rv_model import (
    ARTIFACT,
    MODEL,
    forecast_frame,
    load,
    load_champion,
    promote,
    register,
    roll_back,
    walk_forward_of,
)

COLUMNS = ["forecast_vol", "forecast_var", "p10", "p50", "p90"]


class Trap:
    """Unpickled, it makes a file."""

    def __init__(self, mark: Path):
        self.mark = mark

    def __reduce__(self):
        return os.mkdir, (str(self.mark),)


@pytest.fixture(scope="module")
def version(tracking, forecaster, frame, backtest) -> str:
    assert load_champion(tracking) is None  # nobody registered anything yet
    with tracking.run("rv_model", {"test": "registered"}):
        version = register(tracking, forecaster, frame.tail(10), backtest, {"source": "sample"})
    assert load_champion(tracking) is None  # registering crowns nobody
    tracking.crown(MODEL, version, "the first", GATE)
    return version


@pytest.fixture(scope="module")
def second(tracking, version, line, frame, backtest) -> str:
    with tracking.run("rv_model", {"test": "second"}):
        return register(tracking, line, frame.tail(10), backtest, {"source": "sample"})


@pytest.fixture(scope="module")
def foreign(tracking, version, line, frame, backtest) -> str:
    with tracking.run("rv_model", {"test": "foreign"}):
        return register(tracking, line, frame.tail(10), backtest, {"source": "yahoo"})


@pytest.fixture
def first_again(tracking, version):
    """Whatever the test does to the crown is undone."""
    yield
    tracking.crown(MODEL, version, "the test is over", HAND)


@pytest.fixture(scope="module")
def served(tracking, version):
    return mlflow.pyfunc.load_model(f"models:/{MODEL}@production")


def folder_of(tracking, version: str) -> Path:
    """Where the store keeps the forecaster's files of a version."""
    model = tracking.client.get_model_version_download_uri(MODEL, version).removeprefix("file://")
    return Path(model) / "artifacts" / ARTIFACT


@pytest.fixture
def damaged(tracking, version, second, tmp_path):
    """The forecaster's files of the second version, which is a line, for a test to damage."""
    with restored(folder_of(tracking, second), tmp_path) as folder:
        yield folder


@pytest.fixture
def damaged_champion(tracking, version, tmp_path):
    """Those of the champion, which has trees."""
    with restored(folder_of(tracking, version), tmp_path) as folder:
        yield folder


@contextmanager
def restored(folder: Path, aside: Path) -> Iterator[Path]:
    shutil.copytree(folder, aside / "sound")
    yield folder
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(aside / "sound", folder)


def test_the_champion_comes_back_with_its_version_and_source_and_forecasts_to_the_bit(
    tracking, version, forecaster, frame
):
    loaded, loaded_version, source = load_champion(tracking)
    assert (loaded_version, source) == (version, "sample")
    pd.testing.assert_frame_equal(forecast_frame(loaded, frame), forecast_frame(forecaster, frame), check_exact=True)
    assert loaded.trained_through == forecaster.trained_through
    assert loaded.feature_ranges == forecaster.feature_ranges


def test_mlflow_serves_the_same_forecasts_to_the_bit(served, forecaster, frame):
    features = frame[list(forecaster.columns)]
    expected = forecast_frame(forecaster, features)
    pd.testing.assert_frame_equal(served.predict(features), expected, check_exact=True)
    assert expected["forecast_vol"].nunique() > 10  # it has learnt something to be equal about


def test_the_signature_names_the_forecasters_inputs_and_the_five_numbers(served, forecaster):
    signature = served.metadata.signature
    assert signature.inputs.input_names() == list(forecaster.columns)
    assert set(L1_FEATURES) < set(signature.inputs.input_names()) <= {*L1_FEATURES, *HAR_FEATURES}
    assert signature.outputs.input_names() == COLUMNS
    assert {column.type.name for column in (*signature.inputs, *signature.outputs)} == {"double"}


def test_a_missing_feature_is_refused_by_the_served_model(served, forecaster, frame):
    with pytest.raises(mlflow.exceptions.MlflowException, match="vix_term"):
        served.predict(frame[list(forecaster.columns)].drop(columns="vix_term"))


def test_inputs_that_not_every_source_has_are_optional_to_the_served_model_too(
    tracking, version, line, frame, backtest
):
    names = IMPLIED_FEATURES[:2]
    level = replace(line.fitted.level, optional=OptionalLine(names, (0.5, -0.3), (0.2, 0.1)))
    with_optional = replace(
        line,
        fitted=Fitted(level, line.fitted.calibration),
        feature_ranges={**line.feature_ranges, **dict.fromkeys(names, (0.0, 0.5))},
        feature_means={**line.feature_means, **dict.fromkeys(names, 0.2)},
    )
    with tracking.run("rv_model", {"test": "optional"}) as run:
        made = register(tracking, with_optional, frame.tail(10), backtest, {"source": "sample"})
    served = mlflow.pyfunc.load_model(f"models:/{MODEL}/{made}")
    required = frame[list(line.columns)].tail(20)
    assert run.info.run_id == served.metadata.run_id
    pd.testing.assert_frame_equal(served.predict(required), forecast_frame(line, required), check_exact=True)
    whole = required.assign(**dict.fromkeys(names, 0.25))
    pd.testing.assert_frame_equal(served.predict(whole), forecast_frame(with_optional, whole), check_exact=True)
    assert not served.predict(whole).equals(served.predict(required))


def test_the_version_carries_its_tags_and_belongs_to_its_run(tracking, version, forecaster):
    found = tracking.client.get_model_version(MODEL, version)
    told = {"source": "sample", "model": "xgb_21", "trained_through": f"{forecaster.trained_through:%Y-%m-%d}"}
    assert told.items() <= found.tags.items()
    assert tracking.client.get_run(found.run_id).data.tags["test"] == "registered"


def test_forecasts_are_on_the_index_of_the_features_with_ordered_quantiles(forecaster, frame):
    forecasts = forecast_frame(forecaster, frame)
    assert list(forecasts.columns) == COLUMNS
    assert forecasts.index.equals(frame.index)
    assert (forecasts["p10"] <= forecasts["p50"]).all()
    assert (forecasts["p50"] <= forecasts["p90"]).all()


@pytest.mark.parametrize("which", ["version", "second"])
def test_a_version_keeps_what_its_model_had_said_in_the_backtest_to_the_bit(tracking, backtest, which, request):
    version = request.getfixturevalue(which)
    model = tracking.version(MODEL, version).tags["model"]
    columns = ["date", "forecast_vol", "forecast_var", "p10", "p90", "realised"]
    expected = backtest.loc[backtest["model"] == model, columns].reset_index(drop=True)
    pd.testing.assert_frame_equal(walk_forward_of(tracking, version), expected, check_exact=True)


@pytest.mark.parametrize("text", [None, "", "date,forecast_vol\n", "date\nnever\n", "\x00\xff"])
def test_a_walk_forward_that_was_not_kept_or_is_damaged_has_no_rows(tracking, second, damaged, text):
    path = damaged.with_name("walk_forward.csv")
    sound = path.read_text()
    path.unlink() if text is None else path.write_text(text, encoding="latin-1")
    try:
        rows = walk_forward_of(tracking, second)
    finally:
        path.write_text(sound)
    assert len(rows) == 0
    assert list(rows.columns) == ["date", "forecast_vol", "forecast_var", "p10", "p90", "realised"]
    assert rows["date"].dtype == "datetime64[ns]"


@pytest.mark.parametrize("name", ["forecaster.json", "trees_0.json", "model.pkl", "python_model.pkl"])
def test_a_pickle_among_the_files_is_refused_and_never_run(tracking, version, damaged_champion, name, tmp_path):
    mark = tmp_path / "it_ran"
    (damaged_champion / name).write_bytes(pickle.dumps(Trap(mark)))
    with pytest.raises(ForecastError, match=f"{MODEL} version {version} cannot be loaded"):
        load_champion(tracking)
    assert not mark.exists()
    pickle.loads((damaged_champion / name).read_bytes())
    assert mark.exists()  # the trap was a real one


def test_a_pickle_beside_the_forecasters_folder_is_not_even_fetched(tracking, second, damaged, tmp_path):
    mark = tmp_path / "it_ran"
    beside = [damaged.parent / "python_model.pkl", damaged.parent.parent / "python_model.pkl"]
    for path in beside:
        path.write_bytes(pickle.dumps(Trap(mark)))
    try:
        assert load(tracking, second)[0].name == "log_har_iv"
    finally:
        for path in beside:
            path.unlink()
    assert not mark.exists()


def test_files_that_are_gone_are_a_forecast_error_and_a_store_that_is_gone_is_not(tracking, second, damaged, nobody):
    shutil.rmtree(damaged)
    with pytest.raises(ForecastError, match="its artifact forecaster is not to be had"):
        load(tracking, second)
    with pytest.raises(RegistryError, match="does not answer"):
        load(nobody, second)


def test_promoting_crowns_keeps_a_copy_and_tells_before_and_after(tracking, version, second, first_again):
    before, now = promote(tracking, second, "simpler", "sample")
    assert (str(before.version), str(now.version)) == (version, second)
    assert load_champion(tracking)[1] == second
    assert serving.last_good(tracking, MODEL)[1] == second
    (last,) = tracking.crownings(MODEL)[-1:]
    assert (last.version, last.by, last.reason, last.replaced) == (second, "hand", "simpler", version)


def test_rolling_back_crowns_the_one_before_and_keeps_its_copy(tracking, version, second, first_again):
    promote(tracking, second, "simpler", "sample")
    before, now = roll_back(tracking, "not better", "sample")
    assert (str(before.version), str(now.version)) == (second, version)
    assert serving.last_good(tracking, MODEL)[1] == version


def test_a_version_that_cannot_be_loaded_is_not_promoted(tracking, version, second, damaged):
    (damaged / "forecaster.json").write_text("{}")
    history = tracking.crownings(MODEL)
    with pytest.raises(ForecastError, match="has the schema None"):
        promote(tracking, second, "why not", "sample")
    assert load_champion(tracking)[1] == version
    assert tracking.crownings(MODEL) == history


def test_nor_is_the_crown_given_back_to_one_that_cannot_be_loaded(tracking, version, second, damaged, first_again):
    promote(tracking, second, "simpler", "sample")
    promote(tracking, version, "better", "sample")
    (damaged / "forecaster.json").unlink()
    with pytest.raises(ForecastError, match="holds no forecaster|not to be had"):
        roll_back(tracking, "no", "sample")
    assert load_champion(tracking)[1] == version


def test_a_version_of_another_source_is_not_promoted(tracking, version, foreign):
    with pytest.raises(RegistryError, match=f"version {foreign} of {MODEL} was trained on the source 'yahoo'"):
        promote(tracking, foreign, "why not", "sample")
    assert load_champion(tracking)[1] == version


def test_the_champion_is_not_promoted_again_and_an_unknown_version_not_at_all(tracking, version):
    with pytest.raises(RegistryError, match=f"version {version} of {MODEL} is the champion already"):
        promote(tracking, version, "again", "sample")
    for unknown in ("99", "v1"):
        with pytest.raises(RegistryError, match=f"{MODEL} has no version {unknown}; there are {version}"):
            promote(tracking, unknown, "why not", "sample")
