import json
import os
import pickle

import numpy as np
import pytest

from vol_assets.errors import ForecastError
from vol_assets.features.har import HAR_FEATURES
from vol_assets.features.implied import IMPLIED_FEATURES
from vol_assets.features.l1 import L1_FEATURES
from vol_assets.forecasting.fitting import fit
from vol_assets.forecasting.frame import HORIZON, complete, trainable
from vol_assets.forecasting.models import ENSEMBLE, LOG_HAR_IV, REFERENCE, XGB_21
from vol_assets.forecasting.rv_model import RvForecaster, train


@pytest.fixture(scope="module")
def frame(make_bars, make_frame):
    return make_frame(make_bars(640))


@pytest.fixture(scope="module")
def forecaster(frame):
    return train(frame)


@pytest.fixture(scope="module")
def ahead(frame):
    return frame[complete(frame)]


@pytest.fixture
def saved(forecaster, tmp_path):
    forecaster.save(tmp_path / "model")
    return tmp_path / "model"


def same(one, other):
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in ("vol", "var", "p10", "p50", "p90"))


def test_the_forecaster_is_the_ensemble_trained_on_every_session_whose_label_is_known(frame, forecaster):
    assert forecaster.name == "ensemble"
    assert forecaster.trained_rows == trainable(frame).sum()
    assert forecaster.trained_through == frame.index[-1 - HORIZON]
    known = frame.loc[trainable(frame), "vix"]
    assert forecaster.feature_ranges["vix"] == (known.min(), known.max())
    assert forecaster.feature_means["vix"] == pytest.approx(known.mean())
    assert set(forecaster.columns) == {*L1_FEATURES, *HAR_FEATURES}


def test_it_forecasts_what_the_model_fitted_on_those_sessions_does_and_its_reference_too(frame, forecaster, ahead):
    fitted = fit([ENSEMBLE, REFERENCE], frame[trainable(frame)])
    assert same(forecaster.forecast(ahead), fitted["ensemble"].forecast(ahead))
    assert same(forecaster.reference_forecast(ahead), fitted["log_har_iv"].forecast(ahead))


@pytest.mark.parametrize("model", [ENSEMBLE, XGB_21, LOG_HAR_IV], ids=lambda model: model.name)
def test_a_loaded_forecaster_equals_the_saved_one_to_the_bit(model, frame, ahead, tmp_path):
    forecaster = train(frame, model)
    forecaster.save(tmp_path / "model")
    loaded = RvForecaster.load(tmp_path / "model")
    assert same(loaded.forecast(ahead), forecaster.forecast(ahead))
    assert same(loaded.reference_forecast(ahead), forecaster.reference_forecast(ahead))
    assert (loaded.name, loaded.trained_rows, loaded.columns) == (
        *(forecaster.name, forecaster.trained_rows, forecaster.columns),
    )
    assert loaded.trained_through == forecaster.trained_through
    assert loaded.trained_through.unit == forecaster.trained_through.unit
    assert loaded.feature_ranges == forecaster.feature_ranges
    assert loaded.feature_means == forecaster.feature_means


def test_optional_inputs_are_saved_and_a_row_without_them_is_forecast_and_told(make_bars, make_frame, tmp_path):
    draw = np.random.default_rng(1)
    frame = make_frame(make_bars(900))
    ahead = frame[complete(frame)]
    richer = frame.assign(**{name: draw.normal(size=len(frame)) for name in IMPLIED_FEATURES})
    forecaster = train(richer)
    assert forecaster.optional_columns == IMPLIED_FEATURES
    forecaster.save(tmp_path / "model")
    loaded = RvForecaster.load(tmp_path / "model")
    rows = richer.loc[ahead.index[-3:]].copy()
    rows.iloc[1, rows.columns.get_loc("log_skew")] = np.nan
    assert same(loaded.forecast(rows), forecaster.forecast(rows))
    assert loaded.without_optional(rows).tolist() == [False, True, False]
    assert loaded.without_optional(ahead[list(loaded.columns)].tail(2)).tolist() == [True, True]
    assert not train(frame).without_optional(rows).any()
    rows.iloc[2, rows.columns.get_loc("log_vvix")] = 30.0
    assert loaded.outside(rows).tolist() == ["", "", "log_vvix"]
    assert set(loaded.columns) == {*L1_FEATURES, *HAR_FEATURES}


def test_training_twice_saves_the_same_bytes(frame, saved, tmp_path):
    train(frame).save(tmp_path / "again")
    for name in os.listdir(saved):
        assert (saved / name).read_bytes() == (tmp_path / "again" / name).read_bytes(), name


def test_a_saved_forecaster_is_json_throughout(saved):
    assert sorted(os.listdir(saved)) == ["forecaster.json", "trees_0.json"]
    assert all(json.loads(path.read_text()) for path in saved.iterdir())


def test_a_forecast_needs_the_inputs_alone_and_does_not_depend_on_its_neighbours(forecaster, ahead):
    rows = ahead[list(forecaster.columns)]
    assert same(forecaster.forecast(rows), forecaster.forecast(ahead))
    assert forecaster.forecast(rows.iloc[[-1]]).vol[0] == forecaster.forecast(ahead).vol[-1]


def test_inputs_outside_their_training_range_are_named_by_session(forecaster, ahead):
    rows = ahead.iloc[:3].copy()
    _, high = forecaster.feature_ranges["vix"]
    rows.loc[rows.index[1], ["vix", "log_var_1d"]] = high + 0.01, -30.0
    rows.loc[rows.index[2], "vix"] = high
    outside = forecaster.outside(rows)
    assert outside.iloc[[0, 2]].tolist() == ["", ""]
    assert sorted(outside.iloc[1].split(",")) == ["log_var_1d", "vix"]


def test_null_and_infinite_inputs_are_refused_naming_session_and_column(forecaster, ahead):
    for value in (np.nan, np.inf):
        row = ahead.iloc[[-1]].assign(rsi_spy_14=value)
        with pytest.raises(ForecastError, match=f"{row.index[0]:%Y-%m-%d} in rsi_spy_14"):
            forecaster.forecast(row)


def test_fewer_than_500_labelled_sessions_are_too_few_to_train(frame):
    enough = np.flatnonzero(trainable(frame))[499]
    assert train(frame[: enough + 1]).trained_rows == 500
    with pytest.raises(ForecastError, match="needs at least 500 complete sessions .* there are 499"):
        train(frame[:enough])


def test_a_feature_that_never_varies_is_named_and_nothing_is_trained(frame):
    with pytest.raises(ForecastError, match="corr_spy_gld_60d never varies"):
        train(frame.assign(corr_spy_gld_60d=0.25))


# ---------------------------------------------------------------------- what is not loaded


class Trap:
    """Unpickling it makes a file."""

    def __init__(self, mark):
        self.mark = str(mark)

    def __reduce__(self):
        return os.mkdir, (self.mark,)


def test_a_folder_without_a_model_or_with_half_of_one_says_which_file_is_missing(saved, tmp_path):
    with pytest.raises(ForecastError, match=r"forecaster\.json is missing"):
        RvForecaster.load(tmp_path)
    (saved / "trees_0.json").unlink()
    with pytest.raises(ForecastError, match=r"trees_0\.json is missing"):
        RvForecaster.load(saved)


@pytest.mark.parametrize("name", ["forecaster.json", "trees_0.json", "trees_1.json", "model.pkl", "__init__.py"])
def test_a_pickle_is_refused_whatever_it_is_called_and_never_run(name, saved, tmp_path):
    mark = tmp_path / "it_ran"
    (saved / name).write_bytes(pickle.dumps(Trap(mark), protocol=0))
    with pytest.raises(ForecastError, match="nothing of it is loaded"):
        RvForecaster.load(saved)
    assert not mark.exists()
    pickle.loads((saved / name).read_bytes())
    assert mark.exists()  # the trap was a real one


def edited(saved, change):
    content = json.loads((saved / "forecaster.json").read_text())
    change(content)
    (saved / "forecaster.json").write_text(json.dumps(content))
    return saved


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda saved: saved.update(schema="vol_assets.forecaster/0"), "has the schema 'vol_assets.forecaster/0'"),
        (lambda saved: saved.pop("schema"), "has the schema None"),
        (lambda saved: saved.pop("forecast"), "is no forecaster of schema .*KeyError: 'forecast'"),
        (lambda saved: saved["forecast"]["calibration"].pop("var"), "is no forecaster of schema"),
        (lambda saved: saved["forecast"]["slopes"].update(log_vix="steep"), "is no forecaster of schema"),
        (lambda saved: saved["forecast"]["trees"][0].update(file="../elsewhere.json"), "is no forecaster of schema"),
        (lambda saved: saved["forecast"]["trees"][0].update(file="trees_9.json"), "is no forecaster of schema"),
        (lambda saved: saved.update(trained_through="yesterday"), "is no forecaster of schema"),
        (lambda saved: saved.update(trained_through=None), "is no forecaster of schema"),
        (lambda saved: saved.update(feature_means={}), "no range and mean of every input"),
        (lambda saved: saved.update(feature_ranges=[]), "is no forecaster of schema"),
        (lambda saved: saved["forecast"].update(slopes=[0.1]), "is no forecaster of schema"),
        (lambda saved: saved["forecast"].update(intercept=float("nan")), "a number that is not finite"),
        (lambda saved: saved["reference"]["calibration"].update(vol=-1.0), "above zero and in order"),
        (lambda saved: saved["forecast"]["calibration"].update(p10=9.0), "above zero and in order"),
        (
            lambda saved: saved["forecast"].update(optional={"columns": ["a", "b"], "slopes": [1.0], "means": [0.0]}),
            "not one slope and one mean",
        ),
    ],
)
def test_a_forecaster_of_another_shape_is_refused_and_says_what_is_wrong(change, complaint, saved):
    with pytest.raises(ForecastError, match=complaint):
        RvForecaster.load(edited(saved, change))


def test_a_json_file_that_is_no_booster_is_refused(saved):
    (saved / "trees_0.json").write_text('{"learner": 1}')
    with pytest.raises(ForecastError, match="is no booster"):
        RvForecaster.load(saved)
