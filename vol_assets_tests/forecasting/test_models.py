import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.linear_model import GammaRegressor

from vol_assets.errors import ForecastError
from vol_assets.features.har import HAR_FEATURES
from vol_assets.features.implied import IMPLIED_FEATURES
from vol_assets.forecasting.calibration import Calibration
from vol_assets.forecasting.fitting import fit
from vol_assets.forecasting.frame import LABEL, RANGE_LABEL, complete, trainable
from vol_assets.forecasting.models import (
    ENSEMBLE,
    EWMA,
    GAMMA_GLM,
    GARCH,
    GJR_GARCH,
    HAR,
    HAR_IV_PLUS,
    LOG_HAR_IV,
    MODELS,
    PERSISTENCE,
    VIX,
    XGB_21,
    XGB_RESIDUAL,
)
from vol_assets.forecasting.models.ols import Line

NOISE = 0.5  # stdev of log volatility around the line, about SPY's
RANGE_NOISE = 0.3  # and of the range label's


def log_linear_world(rows, seed=5):
    """Log volatility linear in the HAR block with Gaussian noise, seen by two labels: frame and true line.

    The range label is a tenth too low throughout, as ranges may be.
    """
    draw = np.random.default_rng(seed)
    level = -4 + 0.6 * draw.standard_normal(rows)
    frame = pd.DataFrame(
        {f"log_var_{w}d": level + 0.3 * draw.standard_normal(rows) for w in (1, 5, 22)}
        | {"log_vix": level / 2 + 0.2 * draw.standard_normal(rows)}
    )
    truth = 0.1 + frame.to_numpy() @ np.array([0.05, 0.1, 0.15, 0.4])
    others = {name: 0.05 * draw.standard_normal(rows) for name in HAR_FEATURES if name not in frame}
    frame = frame.assign(**others)[list(HAR_FEATURES)]
    frame[LABEL] = np.exp(truth + NOISE * draw.standard_normal(rows))
    frame[RANGE_LABEL] = 0.9 * np.exp(truth + RANGE_NOISE * draw.standard_normal(rows))
    frame.index = pd.bdate_range("1970-01-01", periods=rows, name="date")
    return frame, truth


def fit_one(model, frame):
    return fit([model], frame)[model.name]


@pytest.fixture(scope="module")
def fitted(frame):
    return fit(MODELS, frame[trainable(frame)])


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


@pytest.mark.parametrize("model", [LOG_HAR_IV, HAR_IV_PLUS, GAMMA_GLM], ids=lambda model: model.name)
def test_smearing_is_unbiased_for_expected_volatility_and_expected_variance_whatever_label_was_learnt_from(model):
    frame, truth = log_linear_world(20_000)
    forecast = fit_one(model, frame).forecast(frame)
    assert np.mean(forecast.vol / np.exp(truth + NOISE**2 / 2)) == pytest.approx(1, abs=0.01)
    assert np.mean(forecast.var / np.exp(2 * truth + 2 * NOISE**2)) == pytest.approx(1, abs=0.02)
    assert forecast.vol == pytest.approx(np.exp(truth + NOISE**2 / 2), rel=0.06)
    assert forecast.var == pytest.approx(np.exp(2 * truth + 2 * NOISE**2), rel=0.12)
    # Without smearing E[vol] would be 12 % too low and E[var] 39 %, more by the range label: the tolerances tell.


def test_a_line_learns_more_from_the_quieter_label():
    """The variance of estimated slopes is that of the label's noise: (.3 / .5)^2 of it, seen over 200 samples."""
    errors = {LABEL: [], RANGE_LABEL: []}
    for seed in range(200):
        frame, _ = log_linear_world(200, seed)
        for name, found in errors.items():
            inputs = frame[list(LOG_HAR_IV.columns)].to_numpy()
            found.append(np.subtract(Line.fit(inputs, np.log(frame[name].to_numpy())).slopes, [0.05, 0.1, 0.15, 0.4]))
    ratio = np.var(errors[RANGE_LABEL]) / np.var(errors[LABEL])
    assert ratio == pytest.approx((RANGE_NOISE / NOISE) ** 2, rel=0.25)


def test_intervals_hold_eighty_percent_of_what_happens():
    frame, _ = log_linear_world(20_000)
    forecast = fit_one(LOG_HAR_IV, frame[:10_000]).forecast(frame[10_000:])
    happened = frame[LABEL][10_000:]
    assert np.mean((happened >= forecast.p10) & (happened <= forecast.p90)) == pytest.approx(0.8, abs=0.015)
    assert np.mean(happened <= forecast.p50) == pytest.approx(0.5, abs=0.015)
    width = np.log(forecast.p90 / forecast.p10)
    assert width == pytest.approx(2 * NOISE * stats.norm.ppf(0.9), rel=0.05)


def test_the_gamma_glm_agrees_with_scikit_learns(frame):
    known = frame[trainable(frame)]
    inputs, variance = known[list(HAR_FEATURES)], known[RANGE_LABEL] ** 2
    spread = inputs.std()
    other = GammaRegressor(alpha=0, tol=1e-10, max_iter=10_000, solver="newton-cholesky").fit(inputs / spread, variance)
    level = GAMMA_GLM.fit(known)
    assert level(known) ** 2 == pytest.approx(other.predict(inputs / spread), rel=1e-6)


def test_the_gamma_glm_minimises_qlike_of_what_it_learns_from(frame):
    known = frame[trainable(frame)]
    realised, level = known[RANGE_LABEL].to_numpy() ** 2, GAMMA_GLM.fit(known)
    assert np.mean(realised / level(known) ** 2) == pytest.approx(1, abs=1e-9)  # the first-order condition
    for name in HAR_FEATURES:
        moment = (realised / level(known) ** 2 - 1) * (known[name] - known[name].mean()) / known[name].std()
        assert moment.mean() == pytest.approx(0, abs=1e-8), name


def test_persistence_and_ewma_are_the_trailing_volatility_itself(frame, fitted):
    ahead = frame[complete(frame)]
    for model in (PERSISTENCE, EWMA):
        forecast = fitted[model.name].forecast(ahead)
        np.testing.assert_array_equal(forecast.vol, ahead[model.column])
        np.testing.assert_array_equal(forecast.var, ahead[model.column] ** 2)


def test_vix_is_calibrated_so_that_its_premium_over_realised_volatility_is_gone(frame, fitted):
    known = frame[trainable(frame)]
    assert known["vix"].mean() > 1.1 * known[LABEL].mean()
    # Two folds of a year each differ by a few percent in what they call for; the premium is a fifth.
    assert fitted[VIX.name].forecast(known).vol.mean() == pytest.approx(known[LABEL].mean(), rel=0.04)


def test_har_is_unbiased_where_it_was_fitted_in_volatility_and_in_variance(make_bars, make_frame):
    frame = make_frame(make_bars(4_000))
    known = frame[trainable(frame)]
    forecast = fit_one(HAR, known).forecast(known)
    assert forecast.vol.mean() == pytest.approx(known[LABEL].mean(), rel=0.01)
    assert np.mean(known[LABEL] ** 2 / forecast.var) == pytest.approx(1.0, abs=0.01)


def test_har_never_forecasts_below_its_floor(frame):
    known = frame[trainable(frame)].copy()
    level = HAR.fit(known)
    extreme = known.iloc[:3].assign(abs_return_1d=-50.0, rv_5d=-50.0, rv_22d=-50.0)
    assert level(extreme) == pytest.approx(np.full(3, np.quantile(known[LABEL], 0.01)))


def test_trees_find_a_dependence_that_is_not_linear_and_smear_out_of_fold():
    draw = np.random.default_rng(2)
    rows = 1_500
    world = pd.DataFrame({name: draw.normal(size=rows) for name in XGB_21.columns})
    world.index = pd.bdate_range("2000-01-03", periods=rows)
    truth = np.where(world["vix"] > 0, -1.5, -2.2)
    world[LABEL] = np.exp(truth + 0.4 * draw.standard_normal(rows))
    forecast = fit_one(XGB_21, world[:1_000]).forecast(world[1_000:])
    assert np.corrcoef(forecast.vol, np.exp(truth[1_000:]))[0, 1] > 0.95
    assert forecast.vol.mean() == pytest.approx(np.exp(truth + 0.08).mean(), rel=0.04)
    assert forecast.var.mean() == pytest.approx(np.exp(2 * truth + 0.32).mean(), rel=0.08)
    covered = world[LABEL][1_000:].between(forecast.p10, forecast.p90).mean()
    assert covered == pytest.approx(0.8, abs=0.05)


def test_trees_on_a_line_keep_the_line_and_add_what_it_cannot_say():
    """The world is a line in log VIX and a step in drawdown: the line alone misses the step, the trees find it."""
    draw = np.random.default_rng(3)
    rows = 2_000
    world = pd.DataFrame({name: draw.normal(size=rows) for name in (*XGB_21.columns, *HAR_FEATURES)})
    world.index = pd.bdate_range("2000-01-03", periods=rows)
    truth = -2 + 0.5 * world["log_vix"] + 0.4 * (world["drawdown_60d"] > 0)
    world[LABEL] = np.exp(truth + 0.3 * draw.standard_normal(rows))
    world[RANGE_LABEL] = np.exp(truth + 0.1 * draw.standard_normal(rows))
    levels = {name: found.level for name, found in fit([XGB_RESIDUAL], world[:1_500]).items()}
    ahead, coming = world[1_500:], truth[1_500:]
    line, both = levels["har_iv_plus"].log_level(ahead), levels["xgb_residual"].log_level(ahead)
    assert levels["xgb_residual"].line == levels["har_iv_plus"].line
    assert np.std(line - coming) == pytest.approx(0.2, abs=0.02)  # of a step of 0.4
    assert np.std(both - coming) < 0.08


def test_the_ensemble_is_the_geometric_mean_of_its_members_with_factors_of_its_own(frame, fitted):
    ahead = frame[complete(frame)]
    members = [fitted[member.name].level(ahead) for member in ENSEMBLE.bases]
    assert [member.name for member in ENSEMBLE.bases] == ["har_iv_plus", "gamma_glm", "xgb_residual"]
    level = fitted[ENSEMBLE.name].level
    assert level(ahead) == pytest.approx(np.exp(np.mean(np.log(members), axis=0)), rel=1e-12)
    assert set(level.inputs) == {*HAR_FEATURES, *XGB_21.columns}
    assert len(level.trees) == 1


def with_optional_inputs(frame, rows, slopes=(0.3, 0.5, -0.2)):
    """The frame with optional inputs on the last `rows` rows that explain a part of both labels."""
    draw = np.random.default_rng(8)
    inputs = pd.DataFrame(0.2 * draw.standard_normal((len(frame), 3)) + 0.1, frame.index, list(IMPLIED_FEATURES))
    factor = np.exp((inputs - 0.1) @ np.array(slopes))
    out = frame.assign(**{name: frame[name] * factor for name in (LABEL, RANGE_LABEL)})
    inputs.iloc[: len(frame) - rows] = np.nan
    return out.assign(**inputs)


def test_optional_inputs_are_learnt_from_where_there_is_a_year_of_them_and_left_out_where_they_lack(
    make_bars, make_frame
):
    plain = make_frame(make_bars(3_000, seed=3))
    frame = with_optional_inputs(plain, 1_500)
    known = frame[trainable(frame)]
    level = fit_one(ENSEMBLE, known).level
    assert level.optional.slopes == pytest.approx((0.3, 0.5, -0.2), abs=0.06)
    lacking = known.tail(5).assign(log_vvix=np.nan)
    without = fit_one(ENSEMBLE, known).level.log_level(lacking)
    difference = level.log_level(known.tail(5)) - without
    expected = (known[list(IMPLIED_FEATURES)].tail(5) - np.array(level.optional.means)) @ np.array(
        level.optional.slopes
    )
    assert difference == pytest.approx(expected.to_numpy(), abs=1e-12)
    few = with_optional_inputs(plain, 200)
    assert fit_one(ENSEMBLE, few[trainable(few)]).level.optional is None


def test_a_model_alone_is_the_model_among_others_to_the_bit(frame, fitted):
    known = frame[trainable(frame)]
    for model in (HAR_IV_PLUS, XGB_RESIDUAL, ENSEMBLE):
        np.testing.assert_array_equal(fit_one(model, known).forecast(known).var, fitted[model.name].forecast(known).var)


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
    assert (forecast.var >= 0.999_999 * forecast.vol**2).all()  # Jensen


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_every_model_refuses_null_and_infinite_rows_and_too_few_rows(model, frame, fitted):
    with pytest.raises(ForecastError, match="null or infinite inputs, the first 2007-0"):
        fitted[model.name].forecast(frame)
    with pytest.raises(ForecastError, match="null or infinite inputs"):
        fit_one(model, frame)
    infinite = frame[trainable(frame)].copy()
    infinite.iloc[7] = np.inf
    with pytest.raises(ForecastError, match=f"1 of {len(infinite)} sessions .* {infinite.index[7]:%Y-%m-%d}"):
        fit_one(model, infinite)
    with pytest.raises(ForecastError, match="at least 100 training sessions, there are 99"):
        fit_one(model, frame[trainable(frame)][:99])


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_every_model_refuses_a_feature_that_never_varies_and_names_it(model, frame):
    known = frame[trainable(frame)]
    stuck = pd.DataFrame(0.2, index=known.index, columns=known.columns)
    with pytest.raises(ForecastError, match=r"never varies over the training sessions .* a series behind it is stuck"):
        fit_one(model, stuck)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_five_sessions_without_a_move_do_not_break_a_model(model, make_bars, make_frame):
    bars = make_bars(300, seed=4)
    spy = bars["symbol"] == "SPY"
    bars.loc[bars.index[spy][200:212], "log_return"] = 0.0
    frame = make_frame(bars)
    assert (frame[LABEL] == 0).any()
    forecast = fit_one(model, frame[trainable(frame)]).forecast(frame[complete(frame)])
    assert np.isfinite(forecast.var).all()
    assert (forecast.var > 0).all()


# ---------------------------------------------------------------------- GARCH


def garch_returns(rows, seed=11, *, omega=0.02, alpha=0.05, gamma=0.1, beta=0.86, nu=8.0):
    """Returns in percent of a GJR-GARCH with Student's t, and the variance each is drawn with."""
    draw = np.random.default_rng(seed)
    shock = draw.standard_t(nu, rows) * np.sqrt((nu - 2) / nu)
    h, returns, variances = omega / (1 - alpha - gamma / 2 - beta), [], []
    for z in shock:
        e = np.sqrt(h) * z
        returns.append(e)
        variances.append(h)
        h = omega + (alpha + gamma * (e < 0)) * e**2 + beta * h
    return np.array(returns), np.array(variances)


def garch_frame(returns):
    index = pd.bdate_range("1970-01-01", periods=len(returns), name="date")
    return pd.DataFrame({"spy_ret_1d": returns / 100}, index=index)


@pytest.fixture
def weekdays_are_sessions(monkeypatch):
    """A long simulation needs more sessions than the calendar holds."""
    days = pd.bdate_range("1970-01-01", periods=12_000).values.astype("datetime64[D]")
    monkeypatch.setattr("vol_assets.clock.session_days", lambda: days)


def test_garch_finds_the_parameters_of_a_simulation(weekdays_are_sessions):
    returns, _ = garch_returns(10_000)
    level = GJR_GARCH.fit(garch_frame(returns))
    assert level.alpha == pytest.approx(0.05, abs=0.02)
    assert level.gamma == pytest.approx(0.1, abs=0.03)
    assert level.beta == pytest.approx(0.86, abs=0.03)
    assert GARCH.fit(garch_frame(returns[:1_000])).gamma == 0


def test_garch_forecasts_the_mean_of_the_next_five_expected_variances(weekdays_are_sessions):
    """Against a Monte Carlo from the same state with the same parameters."""
    returns, _ = garch_returns(3_000)
    frame = garch_frame(returns)
    level = GJR_GARCH.fit(frame[:2_900])
    h = level._next_variances(list(range(3_000)), returns.tolist())[-1]
    draw = np.random.default_rng(0).standard_normal((400_000, 5))
    state, total = np.full(len(draw), h), 0.0
    for z in draw.T:
        total = total + state
        e = np.sqrt(state) * z
        state = level.omega + (level.alpha + level.gamma * (e < 0)) * e**2 + level.beta * state
    simulated = np.sqrt(252 * total.mean() / 5) / 100
    assert level(frame)[-1] == pytest.approx(simulated, rel=2e-3)


def test_garch_filters_as_arch_does_with_the_parameters_held(weekdays_are_sessions):
    from arch import arch_model

    returns, _ = garch_returns(1_500)
    level = GJR_GARCH.fit(garch_frame(returns[:1_000]))
    held = arch_model(returns, mean="Constant", vol="GARCH", p=1, o=1, q=1, dist="t").fix(
        [level.mu, level.omega, level.alpha, level.gamma, level.beta, 8.0]
    )
    ours = level._next_variances(list(range(1_500)), returns.tolist())
    # arch starts from another variance, forgotten after a few hundred sessions
    assert ours[900:-1] == pytest.approx(held.conditional_volatility[901:] ** 2, rel=1e-9)


def test_garch_passes_a_missing_session_by_its_expected_variance(weekdays_are_sessions):
    returns, _ = garch_returns(1_000)
    frame = garch_frame(returns)
    level = GARCH.fit(frame[:900])
    whole, holed = level(frame[900:]), level(frame[900:].drop(frame.index[950]))
    np.testing.assert_array_equal(holed[:50], whole[:50])
    h = level._next_variances(list(range(950)), returns[:950].tolist())[-1]
    expected = level.omega + level.persistence * h
    after = level.omega + level.alpha * (returns[951] - level.mu) ** 2 + level.beta * expected
    assert holed[50] == pytest.approx(np.sqrt(252 * level._mean_over_horizon(np.array([after]))[0]) / 100, rel=1e-12)
