import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from arch.covariance.kernel import Bartlett
from scipy.stats import t as student

from vol_assets.errors import ForecastError
from vol_assets.forecasting.comparison import (
    diebold_mariano,
    long_run_variance,
    mean_with_error,
    mincer_zarnowitz,
    model_confidence_set,
    ratio_with_error,
    superior_predictive_ability,
)


@pytest.fixture(scope="module")
def draw():
    return np.random.default_rng(3)


def moving_average(draw, n, q=4):
    """Autocorrelated over q sessions, as the losses of overlapping labels are."""
    return np.convolve(draw.normal(size=n + q), np.ones(q + 1), "valid")


def test_the_long_run_variance_of_three_numbers_by_hand():
    # deviations -1, 0, 1: gamma_0 = 2/3, gamma_1 = 0, gamma_2 = -1/3; weights 2/3 and 1/3
    assert long_run_variance(np.array([1.0, 2.0, 3.0]), lags=0) == pytest.approx(2 / 3)
    assert long_run_variance(np.array([1.0, 2.0, 3.0]), lags=1) == pytest.approx(2 / 3)
    assert long_run_variance(np.array([1.0, 2.0, 3.0]), lags=2) == pytest.approx(2 / 3 - 2 * (1 / 3) * (1 / 3))


@pytest.mark.parametrize("lags", [0, 4, 10])
def test_the_long_run_variance_is_that_of_arch_and_of_statsmodels(draw, lags):
    x = moving_average(draw, 300)
    mine = long_run_variance(x, lags)
    assert mine == pytest.approx(Bartlett(x, bandwidth=lags, force_int=True).cov.long_run.item(), rel=1e-12)
    fit = sm.OLS(x, np.ones(300)).fit(cov_type="HAC", cov_kwds={"maxlags": lags, "use_correction": False})
    assert mean_with_error(x, lags).value == pytest.approx(fit.params[0])
    assert mean_with_error(x, lags).error == pytest.approx(fit.bse[0])
    assert long_run_variance(np.column_stack([x, 2 * x]), lags) == pytest.approx([mine, 4 * mine])


def test_overlap_makes_the_error_of_a_mean_greater():
    x = moving_average(np.random.default_rng(0), 20_000)  # the true long-run variance is 25, the plain one 5
    assert long_run_variance(x, 0) == pytest.approx(5, rel=0.1)
    assert long_run_variance(x, 100) == pytest.approx(25, rel=0.15)


def test_diebold_mariano_without_overlap_is_the_t_test_of_the_mean(draw):
    loss, reference = draw.normal(size=(2, 40))
    gap = loss - reference
    plain_t = gap.mean() / (gap.std(ddof=1) / np.sqrt(40))
    found = diebold_mariano(loss, reference, horizon=1, lags=0)
    assert found.t == pytest.approx(plain_t)  # the small-sample factor at h = 1 is that of ddof
    assert found.difference == pytest.approx(gap.mean())
    assert found.p_two_sided == pytest.approx(2 * student.sf(abs(plain_t), 39))
    assert found.p_better == pytest.approx(student.cdf(plain_t, 39))


def test_diebold_mariano_has_the_factor_of_harvey_leybourne_and_newbold(draw):
    loss, reference = draw.normal(size=(2, 100)) + 0.1 * moving_average(draw, 100)
    gap = loss - reference
    fit = sm.OLS(gap, np.ones(100)).fit(cov_type="HAC", cov_kwds={"maxlags": 10, "use_correction": False})
    assert diebold_mariano(loss, reference).t == pytest.approx(fit.tvalues[0] * np.sqrt((101 - 10 + 20 / 100) / 100))


def test_swapping_the_models_turns_the_sign_and_the_side(draw):
    loss, reference = draw.normal(size=(2, 60))
    there, back = diebold_mariano(loss, reference), diebold_mariano(reference, loss)
    assert there.t == pytest.approx(-back.t)
    assert there.p_better == pytest.approx(1 - back.p_better)
    assert there.p_two_sided == pytest.approx(back.p_two_sided)


def test_a_model_with_the_reference_s_losses_is_neither_better_nor_worse(draw):
    loss = draw.normal(size=60) ** 2
    found = diebold_mariano(loss, loss * (1 + 1e-15))
    assert (found.t, found.p_two_sided, found.p_better) == (0, 1, 0.5)


def test_a_model_that_is_always_better_by_the_same_is_better_beyond_doubt():
    loss = np.arange(60.0)
    found = diebold_mariano(loss, loss + 1)
    assert (found.t, found.p_two_sided, found.p_better) == (-np.inf, 0, 0)


def test_too_few_sessions_have_a_difference_but_no_test():
    found = diebold_mariano(np.arange(21.0) ** 2, np.zeros(21))
    assert found.difference == pytest.approx(np.mean(np.arange(21) ** 2))
    assert np.isnan([found.t, found.p_two_sided, found.p_better]).all()
    assert np.isfinite(diebold_mariano(np.arange(22.0) ** 2, np.zeros(22)).t)


def test_lags_that_do_not_cover_the_overlap_are_refused():
    with pytest.raises(ForecastError, match="overlap over 4: set lags higher than 3"):
        diebold_mariano(np.zeros(50), np.ones(50), horizon=5, lags=3)


@pytest.mark.parametrize("bad", [np.array([]), np.array([1.0, np.nan] * 20)])
def test_losses_that_are_no_numbers_are_refused(bad):
    with pytest.raises(ForecastError, match="must be finite numbers"):
        diebold_mariano(bad, bad)


def test_losses_of_different_sessions_are_refused():
    with pytest.raises(ForecastError, match="of the same sessions; they have 40 and 41"):
        diebold_mariano(np.zeros(40), np.zeros(41))


def test_mincer_zarnowitz_is_least_squares_with_newey_west_errors(draw):
    forecast = 0.15 + 0.01 * moving_average(draw, 400)
    realised = 0.02 + 0.8 * forecast + 0.02 * moving_average(draw, 400)
    fit = sm.OLS(realised, sm.add_constant(forecast)).fit(
        cov_type="HAC", cov_kwds={"maxlags": 10, "use_correction": False}
    )
    mine = mincer_zarnowitz(realised, forecast, lags=10)
    assert (mine.intercept, mine.slope) == pytest.approx(tuple(fit.params))
    assert (mine.intercept_error, mine.slope_error) == pytest.approx(tuple(fit.bse))
    assert mine.r2 == pytest.approx(fit.rsquared)
    assert mine.p_unbiased == pytest.approx(fit.wald_test("const = 0, x1 = 1", use_f=False, scalar=True).pvalue)


def test_a_forecast_that_is_always_right_is_unbiased_and_one_that_is_half_of_it_is_not():
    realised = np.linspace(0.1, 0.3, 50)
    right, half = mincer_zarnowitz(realised, realised), mincer_zarnowitz(realised, realised / 2)
    assert (right.intercept, right.slope, right.r2) == pytest.approx((0, 1, 1), abs=1e-12)
    assert right.p_unbiased == 1
    assert half.slope == pytest.approx(2)
    assert half.p_unbiased == 0


def test_a_forecast_that_never_moves_has_no_slope():
    assert np.isnan(mincer_zarnowitz(np.linspace(0.1, 0.3, 50), np.full(50, 0.2)).slope)


def test_a_share_has_the_error_of_its_zeros_and_ones():
    inside = np.tile([1.0, 1.0, 1.0, 0.0], 25)
    found = mean_with_error(inside, lags=0)
    assert found.value == 0.75
    assert found.error == pytest.approx(np.sqrt(0.75 * 0.25 / 100))
    assert np.isnan(mean_with_error(inside[:21]).error)


def test_the_error_of_a_ratio_is_that_of_many_samples():
    draw = np.random.default_rng(5)
    reference = draw.chisquare(5, (4000, 200))
    losses = 0.9 * reference + draw.chisquare(1, (4000, 200))
    ratios = losses.mean(axis=1) / reference.mean(axis=1)
    one = ratio_with_error(losses[0], reference[0], lags=0)
    assert one.value == pytest.approx(ratios[0])
    errors = [ratio_with_error(loss, ref, lags=0).error for loss, ref in zip(losses[:200], reference[:200])]
    assert np.mean(errors) == pytest.approx(ratios.std(), rel=0.05)


def test_a_multiple_of_the_reference_has_a_ratio_without_error(draw):
    reference = draw.chisquare(5, 100)
    found = ratio_with_error(1.25 * reference, reference)
    assert (found.value, found.error) == pytest.approx((1.25, 0), abs=1e-12)


@pytest.fixture(scope="module")
def losses():
    """`good` is best; `close` as good with its own noise; `bad` worse by two standard deviations of a session."""
    draw = np.random.default_rng(8)
    common = draw.chisquare(3, 400)
    noise = draw.normal(size=(3, 400))
    return pd.DataFrame(
        {"bad": common + 2 + noise[0], "good": common + noise[1], "close": common + 0.01 + noise[2]},
        index=pd.date_range("2018-01-01", periods=400, freq="B"),
    )


def test_the_confidence_set_keeps_the_equal_and_drops_the_worse(losses):
    found = model_confidence_set(losses, reps=500)
    assert found.members == ("good", "close")
    assert found.p_values["bad"] == 0
    assert max(found.p_values.values()) == 1
    assert (found.size, found.block, found.reps, found.seed) == (0.10, 20, 500, 7)
    assert list(found.p_values) == ["bad", "good", "close"]


def test_models_with_the_same_losses_stay_together_and_a_constant_more_is_out(losses):
    good = losses["good"]
    twins = pd.DataFrame({"more": good + 0.01, "one": good, "two": good, "most": good + 0.02, "bad": losses["bad"]})
    found = model_confidence_set(twins, reps=200)
    assert found.members == ("one", "two")
    assert dict(found.p_values) == {"more": 0, "one": 1, "two": 1, "most": 0, "bad": 0}
    assert model_confidence_set(twins[["one", "two"]]).members == ("one", "two")
    assert model_confidence_set(twins[["one"]]).p_values == {"one": 1}


def test_one_seed_gives_one_answer_and_another_seed_another(losses):
    pair = losses[["good", "close"]]
    p = [model_confidence_set(pair, reps=200, seed=seed).p_values for seed in (1, 1, 2)]
    assert p[0] == p[1] != p[2]
    spa = [superior_predictive_ability(losses["close"], losses[["good"]], reps=200, seed=s).p for s in (1, 1, 2)]
    assert spa[0] == spa[1] != spa[2]


def test_nothing_beats_a_reference_that_is_best(losses):
    found = superior_predictive_ability(losses["good"], losses[["bad"]])
    assert (found.p, found.best) == (1, None)


def test_a_model_that_dominates_the_reference_is_seen_among_many(losses):
    found = superior_predictive_ability(losses["bad"], losses[["close", "good"]])
    assert found.p == 0
    assert found.best in ("good", "close")
    gap = losses["bad"] - losses[found.best]
    assert found.t == pytest.approx(gap.mean() / np.sqrt(long_run_variance(gap.to_numpy(), 20) / 400))
    always = superior_predictive_ability(losses["bad"], losses[["bad"]] - 0.01)
    assert always.p == 0


def test_the_p_value_pays_for_the_search():
    draw = np.random.default_rng(0)
    reference = draw.normal(size=500)
    lucky = reference[:, None] + draw.normal(size=(500, 40))  # none is better than the reference
    lucky = pd.DataFrame(lucky, columns=[f"m{i}" for i in range(40)])
    best = lucky.mean().idxmin()
    alone = superior_predictive_ability(reference, lucky[[best]])
    among_all = superior_predictive_ability(reference, lucky)
    assert alone.p < 0.05 < 0.3 < among_all.p
    assert among_all.p_lower <= among_all.p <= among_all.p_upper
    assert among_all.models == 40


def test_a_wild_model_does_not_hide_a_good_one(losses):
    wild = losses["bad"] + 200 * np.random.default_rng(1).normal(size=400)
    found = superior_predictive_ability(losses["bad"], pd.DataFrame({"good": losses["good"], "wild": wild}))
    assert found.p == 0
    assert found.best == "good"


def test_a_model_with_the_reference_s_losses_adds_nothing(losses):
    twin = superior_predictive_ability(losses["bad"], losses[["bad"]])
    assert (twin.p, twin.best) == (1, None)
    good, with_twin = (
        superior_predictive_ability(losses["close"], losses[names], reps=200) for names in (["good"], ["good", "close"])
    )
    assert good.p == with_twin.p
    assert superior_predictive_ability(losses["close"], losses[[]]).p == 1


def test_too_few_sessions_for_blocks_have_no_p_value_and_nobody_is_dropped(losses):
    few = losses.iloc[:39]
    found = model_confidence_set(few)
    assert found.members == ("bad", "good", "close")
    assert np.isnan(list(found.p_values.values())).all()
    assert np.isnan(superior_predictive_ability(few["bad"], few[["good"]]).p)
