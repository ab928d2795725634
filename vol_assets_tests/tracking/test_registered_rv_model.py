"""The forecaster through the registry: what comes back forecasts what went in, to the bit."""

import mlflow
import numpy as np
import pandas as pd
import pytest

from vol_assets import clock
from vol_assets.contracts.features import FEATURES_L1, L1_FEATURES
from vol_assets.forecasting.frame import INPUTS, LABEL
from vol_assets.forecasting.models.boosted import BoostedTrees
from vol_assets.forecasting.rv_model import RvForecaster, train
from vol_assets.tracking.rv_model import MODEL, forecast_frame, load_champion, register

COLUMNS = ["forecast_vol", "forecast_var", "p10", "p50", "p90"]


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    """Random inputs, and a label that VIX explains: enough for trees to have something to say."""
    draw = np.random.default_rng(5)
    index = pd.DatetimeIndex(clock.sessions("2023-01-03", "2023-09-29"), name="date").as_unit("ns")
    frame = pd.DataFrame(draw.normal(size=(len(index), len(INPUTS))), index=index, columns=list(INPUTS))
    frame["vix"] = 0.2 * np.exp(0.3 * frame["vix"])
    frame[LABEL] = frame["vix"] * np.exp(0.2 * draw.normal(size=len(index)))
    return frame


@pytest.fixture(scope="module")
def forecaster(frame) -> RvForecaster:
    return train(frame, BoostedTrees(rounds=15))


@pytest.fixture(scope="module")
def version(tracking, forecaster, frame) -> str:
    assert load_champion(tracking) is None  # nobody registered anything yet
    tags = {"source": "sample", "trained_through": "2023-09-29"}
    with tracking.run("rv_model", {"test": "registered"}):
        version = register(tracking, forecaster, frame.tail(10), tags)
    assert load_champion(tracking) is None  # registering crowns nobody
    tracking.crown(MODEL, version)
    return version


@pytest.fixture(scope="module")
def served(tracking, version):
    return mlflow.pyfunc.load_model(f"models:/{MODEL}@champion")


def test_the_champion_comes_back_with_its_version_and_source_and_forecasts_to_the_bit(
    tracking, version, forecaster, frame
):
    loaded, loaded_version, source = load_champion(tracking)
    assert (loaded_version, source) == (version, "sample")
    pd.testing.assert_frame_equal(forecast_frame(loaded, frame), forecast_frame(forecaster, frame), check_exact=True)
    assert loaded.trained_through == forecaster.trained_through
    assert loaded.feature_ranges == forecaster.feature_ranges


def test_mlflow_serves_the_same_forecasts_to_the_bit(served, forecaster, frame):
    features = frame[list(L1_FEATURES)]
    expected = forecast_frame(forecaster, features)
    pd.testing.assert_frame_equal(served.predict(features), expected, check_exact=True)
    assert expected["forecast_vol"].nunique() > 10  # it has learnt something to be equal about


def test_the_signature_names_the_21_features_and_the_five_numbers(served):
    signature = served.metadata.signature
    assert signature.inputs.input_names() == list(L1_FEATURES) == [n for n in FEATURES_L1.columns if n != "date"]
    assert signature.outputs.input_names() == COLUMNS
    assert {column.type.name for column in (*signature.inputs, *signature.outputs)} == {"double"}


def test_a_missing_feature_is_refused_by_the_served_model(served, frame):
    with pytest.raises(mlflow.exceptions.MlflowException, match="vix_term"):
        served.predict(frame[list(L1_FEATURES)].drop(columns="vix_term"))


def test_the_version_carries_its_tags_and_belongs_to_its_run(tracking, version):
    found = tracking.client.get_model_version(MODEL, version)
    assert found.tags == {"source": "sample", "trained_through": "2023-09-29"}
    assert tracking.client.get_run(found.run_id).data.tags["test"] == "registered"


def test_forecasts_are_on_the_index_of_the_features_with_ordered_quantiles(forecaster, frame):
    forecasts = forecast_frame(forecaster, frame)
    assert list(forecasts.columns) == COLUMNS
    assert forecasts.index.equals(frame.index)
    assert (forecasts["p10"] <= forecasts["p50"]).all()
    assert (forecasts["p50"] <= forecasts["p90"]).all()


def test_the_crown_decides_which_version_is_loaded_not_the_order_of_registration(tracking, version, frame):
    other = train(frame, BoostedTrees(name="xgb_other", rounds=3))
    with tracking.run("rv_model", {"test": "second"}):
        second = register(tracking, other, frame.tail(10), {"source": "yahoo"})
    assert second != version
    assert load_champion(tracking)[1] == version
    tracking.crown(MODEL, second)
    try:
        loaded, loaded_version, source = load_champion(tracking)
        assert (loaded.name, loaded_version, source) == ("xgb_other", second, "yahoo")
    finally:
        tracking.crown(MODEL, version)
