import json

import numpy as np
import pytest

from vol_assets.errors import ForecastError
from vol_assets.features.l1 import L1_FEATURES
from vol_assets.forecasting import explanation
from vol_assets.forecasting.explanation import mean_abs_shap, shap_values
from vol_assets.forecasting.frame import HORIZON, complete, trainable
from vol_assets.forecasting.models.boosted import log_vol
from vol_assets.forecasting.rv_model import RvForecaster, train


@pytest.fixture(scope="module")
def forecaster(frame):
    return train(frame)


@pytest.fixture(scope="module")
def ahead(frame):
    return frame[complete(frame)]


def same(one, other):
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in ("vol", "var", "p10", "p50", "p90"))


def test_the_forecaster_is_trained_on_every_session_whose_label_is_known(frame, forecaster):
    assert forecaster.trained_rows == trainable(frame).sum()
    assert forecaster.trained_through == frame.index[-1 - HORIZON]
    low, high = forecaster.feature_ranges["vix"]
    known = frame.loc[trainable(frame), "vix"]
    assert (low, high) == (known.min(), known.max())
    assert tuple(forecaster.feature_ranges) == L1_FEATURES


def test_training_twice_gives_the_same_forecasts_to_the_bit(frame, forecaster, ahead):
    assert same(train(frame).forecast(ahead), forecaster.forecast(ahead))


def test_a_loaded_forecaster_equals_the_saved_one_to_the_bit(forecaster, ahead, tmp_path):
    forecaster.save(tmp_path / "model")
    loaded = RvForecaster.load(tmp_path / "model")
    assert same(loaded.forecast(ahead), forecaster.forecast(ahead))
    assert (loaded.name, loaded.trained_rows) == (forecaster.name, forecaster.trained_rows)
    assert loaded.trained_through == forecaster.trained_through
    assert loaded.trained_through.unit == forecaster.trained_through.unit
    assert loaded.feature_ranges == forecaster.feature_ranges


def test_a_saved_forecaster_is_two_json_files(forecaster, tmp_path):
    forecaster.save(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["booster.json", "calibration.json"]
    assert all(json.loads(path.read_text()) for path in tmp_path.iterdir())


def test_a_forecast_needs_the_features_alone_and_does_not_depend_on_its_neighbours(forecaster, ahead):
    rows = ahead[list(L1_FEATURES)]
    assert same(forecaster.forecast(rows), forecaster.forecast(ahead))
    assert forecaster.forecast(rows.iloc[[-1]]).vol[0] == forecaster.forecast(ahead).vol[-1]


def test_loading_from_a_folder_without_a_model_says_which_file_is_missing(tmp_path):
    with pytest.raises(ForecastError, match=r"booster\.json is missing"):
        RvForecaster.load(tmp_path)


def test_null_features_are_refused_naming_session_and_column(forecaster, ahead):
    row = ahead.iloc[[-1]].assign(rsi_spy_14=np.nan)
    with pytest.raises(ForecastError, match=f"{row.index[0]:%Y-%m-%d} in rsi_spy_14"):
        forecaster.forecast(row)


def test_too_little_history_to_train_is_refused(frame):
    with pytest.raises(ForecastError, match="at least 100 training sessions, there are 32"):
        train(frame[:91])


def test_shap_values_and_the_base_value_add_up_to_the_log_forecast(forecaster, ahead):
    values = shap_values(forecaster, ahead)
    assert list(values.columns) == [*L1_FEATURES, "base_value"]
    assert values.index.equals(ahead.index)
    margin = log_vol(forecaster.fitted.booster, ahead[list(L1_FEATURES)].to_numpy(), L1_FEATURES)
    assert values.sum(axis=1).to_numpy() == pytest.approx(margin, abs=1e-5)
    smeared = np.exp(values.sum(axis=1).to_numpy()) * forecaster.fitted.calibration.vol
    assert smeared == pytest.approx(forecaster.forecast(ahead).vol, rel=1e-5)


def test_a_loaded_forecaster_is_explained_like_the_saved_one(forecaster, ahead, tmp_path):
    forecaster.save(tmp_path)
    loaded = shap_values(RvForecaster.load(tmp_path), ahead.iloc[-20:])
    np.testing.assert_array_equal(loaded, shap_values(forecaster, ahead.iloc[-20:]))


def test_features_are_ranked_by_how_much_they_move_the_forecast(forecaster, ahead):
    ranked = mean_abs_shap(shap_values(forecaster, ahead))
    assert set(ranked.index) == set(L1_FEATURES)
    assert ranked.is_monotonic_decreasing
    assert ranked.index[0] in ("vix", "vix3m", "vix_term")  # the simulated VIX knows the volatility


def test_shap_values_that_do_not_add_up_are_refused(forecaster, ahead, monkeypatch):
    monkeypatch.setattr(explanation, "log_vol", lambda *given: log_vol(*given) + 1e-3)
    with pytest.raises(ForecastError, match=r"miss the booster's margin by 1\.0e-03"):
        shap_values(forecaster, ahead.iloc[-5:])
