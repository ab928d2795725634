import numpy as np
import pandas as pd
import pytest
from scipy import stats

from vol_assets.errors import ForecastError
from vol_assets.forecasting.calibration import Calibration
from vol_assets.forecasting.frame import LABEL, complete, trainable
from vol_assets.forecasting.models import EWMA, HAR, LOG_HAR_IV, MODELS, PERSISTENCE, VIX, XGB_21
from vol_assets.forecasting.models.ols import Line

NOISE = 0.5  # stdev of log volatility around the line, about SPY's


def log_linear_world(rows, seed=5):
    """Log volatility linear in the regressors of log_har_iv with Gaussian noise: frame and true line."""
    draw = np.random.default_rng(seed)
    level = -4 + 0.6 * draw.standard_normal(rows)
    frame = pd.DataFrame(
        {f"log_var_{w}d": level + 0.3 * draw.standard_normal(rows) for w in (1, 5, 22)}
        | {"log_vix": level / 2 + 0.2 * draw.standard_normal(rows)}
    )
    truth = 0.1 + frame.to_numpy() @ np.array([0.05, 0.1, 0.15, 0.4])
    frame[LABEL] = np.exp(truth + NOISE * draw.standard_normal(rows))
    return frame, truth


@pytest.fixture(scope="module")
def fitted(frame):
    known = frame[trainable(frame)]
    return {model.name: model.fit(known) for model in MODELS}


def test_least_squares_recovers_an_exact_line():
    inputs = np.random.default_rng(0).normal(size=(50, 3)) * [1, 100, 0.01] + 7
    line = Line.fit(inputs, 3 + inputs @ [2.0, -1.0, 5.0])
    assert (line.intercept, *line.slopes) == pytest.approx((3, 2, -1, 5))
    assert line(inputs) == pytest.approx(3 + inputs @ [2.0, -1.0, 5.0])


def test_least_squares_agrees_with_lapack(frame):
    known = frame[trainable(frame)]
    inputs = known[list(LOG_HAR_IV.columns)].to_numpy()
    target = np.log(known[LABEL].to_numpy())
    expected = np.linalg.lstsq(np.column_stack([np.ones(len(target)), inputs]), target)[0]
    line = Line.fit(inputs, target)
    assert (line.intercept, *line.slopes) == pytest.approx(expected, rel=1e-8)


def test_smearing_factors_are_means_and_quantiles_of_realised_over_level():
    calibration = Calibration.smeared(realised=np.array([1.0, 2.0, 3.0]), level=np.array([1.0, 1.0, 2.0]))
    assert calibration.vol == pytest.approx((1 + 2 + 1.5) / 3)
    assert calibration.var == pytest.approx((1 + 4 + 2.25) / 3)
    assert calibration.p50 == pytest.approx(1.5)
    forecast = calibration.forecast(np.array([0.2]))
    assert forecast.vol == pytest.approx([0.2 * 1.5])
    assert forecast.var == pytest.approx([0.04 * 7.25 / 3])


def test_smearing_recovers_expected_volatility_and_expected_variance_of_a_lognormal():
    frame, truth = log_linear_world(20_000)
    forecast = LOG_HAR_IV.fit(frame).forecast(frame)
    assert forecast.vol == pytest.approx(np.exp(truth + NOISE**2 / 2), rel=0.06)
    assert forecast.var == pytest.approx(np.exp(2 * truth + 2 * NOISE**2), rel=0.12)
    # Without smearing E[vol] would be 12 % too low and E[var] 39 %: the tolerances tell them apart.


def test_intervals_hold_eighty_percent_of_what_happens():
    frame, _ = log_linear_world(20_000)
    forecast = LOG_HAR_IV.fit(frame[:10_000]).forecast(frame[10_000:])
    happened = frame[LABEL][10_000:]
    assert np.mean((happened >= forecast.p10) & (happened <= forecast.p90)) == pytest.approx(0.8, abs=0.015)
    assert np.mean(happened <= forecast.p50) == pytest.approx(0.5, abs=0.015)
    width = np.log(forecast.p90 / forecast.p10)
    assert width == pytest.approx(2 * NOISE * stats.norm.ppf(0.9), rel=0.05)


def test_persistence_and_ewma_are_the_trailing_volatility_itself(frame, fitted):
    ahead = frame[complete(frame)]
    for model in (PERSISTENCE, EWMA):
        forecast = fitted[model.name].forecast(ahead)
        np.testing.assert_array_equal(forecast.vol, ahead[model.column])
        np.testing.assert_array_equal(forecast.var, ahead[model.column] ** 2)


def test_vix_is_calibrated_so_that_its_premium_over_realised_volatility_is_gone(frame, fitted):
    known = frame[trainable(frame)]
    assert known["vix"].mean() > 1.1 * known[LABEL].mean()
    assert fitted[VIX.name].forecast(known).vol.mean() == pytest.approx(known[LABEL].mean(), rel=0.02)


def test_har_is_unbiased_where_it_was_fitted_in_volatility_and_in_variance(frame, fitted):
    known = frame[trainable(frame)]
    forecast = fitted[HAR.name].forecast(known)
    assert forecast.vol.mean() == pytest.approx(known[LABEL].mean(), rel=0.01)
    assert np.mean(known[LABEL] ** 2 / forecast.var) == pytest.approx(1.0)


def test_har_never_forecasts_below_its_floor(frame):
    known = frame[trainable(frame)].copy()
    model = HAR.fit(known)
    extreme = known.iloc[:3].assign(abs_return_1d=-50.0, rv_5d=-50.0, rv_22d=-50.0)
    assert model.forecast(extreme).vol == pytest.approx(np.full(3, np.quantile(known[LABEL], 0.01)))


def test_trees_find_a_dependence_that_is_not_linear_and_smear_out_of_fold():
    draw = np.random.default_rng(2)
    rows = 1_500
    world = pd.DataFrame({name: draw.normal(size=rows) for name in XGB_21.columns})
    truth = np.where(world["vix"] > 0, -1.5, -2.2)
    world[LABEL] = np.exp(truth + 0.4 * draw.standard_normal(rows))
    forecast = XGB_21.fit(world[:1_000]).forecast(world[1_000:])
    assert np.corrcoef(forecast.vol, np.exp(truth[1_000:]))[0, 1] > 0.95
    assert forecast.vol.mean() == pytest.approx(np.exp(truth + 0.08).mean(), rel=0.04)
    assert forecast.var.mean() == pytest.approx(np.exp(2 * truth + 0.32).mean(), rel=0.08)
    covered = world[LABEL][1_000:].between(forecast.p10, forecast.p90).mean()
    assert covered == pytest.approx(0.8, abs=0.05)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_every_model_forecasts_positive_finite_and_ordered_numbers(model, frame, fitted):
    ahead = frame[complete(frame)]
    forecast = fitted[model.name].forecast(ahead)
    for values in (forecast.vol, forecast.var, forecast.p10, forecast.p50, forecast.p90):
        assert values.shape == (len(ahead),)
        assert np.isfinite(values).all()
        assert (values > 0).all()
    assert (forecast.p10 <= forecast.p50).all()
    assert (forecast.p50 <= forecast.p90).all()
    assert (forecast.var >= 0.999_999 * forecast.vol**2).all() or model is HAR  # Jensen


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_every_model_refuses_null_rows_and_too_few_rows(model, frame, fitted):
    with pytest.raises(ForecastError, match="null inputs, the first 2007-04-11"):
        fitted[model.name].forecast(frame)
    with pytest.raises(ForecastError, match="null inputs"):
        model.fit(frame)
    with pytest.raises(ForecastError, match="at least 100 training sessions, there are 99"):
        model.fit(frame[trainable(frame)][:99])


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_five_sessions_without_a_move_do_not_break_a_model(model, make_bars, make_frame):
    bars = make_bars(300, seed=4)
    spy = bars["symbol"] == "SPY"
    bars.loc[bars.index[spy][200:212], "log_return"] = 0.0
    frame = make_frame(bars)
    assert (frame[LABEL] == 0).any()
    forecast = model.fit(frame[trainable(frame)]).forecast(frame[complete(frame)])
    assert np.isfinite(forecast.var).all()
    assert (forecast.var > 0).all()
