import dataclasses

import numpy as np
import pandas as pd
import pytest

from vol_assets import clock
from vol_assets.errors import ForecastError
from vol_assets.forecasting.canary import Canary
from vol_assets.forecasting.comparison import (
    diebold_mariano,
    mean_with_error,
    mincer_zarnowitz,
    model_confidence_set,
    ratio_with_error,
    superior_predictive_ability,
)
from vol_assets.forecasting.evaluation import Evaluation, evaluate, qlike_by_session, score
from vol_assets.forecasting.losses import QLIKE_OF_THE_TRUTH


def backtest_of(forecasts, realised, dates=None):
    """A backtest with given volatilities; variance is the square, the interval half to twice the forecast."""
    dates = pd.date_range("2018-12-27", periods=len(realised), freq="B") if dates is None else dates
    tables = [
        pd.DataFrame(
            {
                "date": dates,
                "model": model,
                "forecast_vol": vol,
                "forecast_var": np.square(vol),
                "p10": np.multiply(vol, 0.5),
                "p50": vol,
                "p90": np.multiply(vol, 2.0),
                "realised": realised,
                "trained_through": dates[0],
            }
        )
        for model, vol in forecasts.items()
    ]
    return pd.concat(tables).sort_values("date", kind="stable", ignore_index=True)


def test_scores_are_a_row_a_model_with_ratios_to_the_references_and_coverage():
    realised = np.array([0.1, 0.2, 0.1, 0.45])
    scores = score(backtest_of({"har": [0.2] * 4, "log_har_iv": realised * 1.1, "mine": realised}, realised))
    assert list(scores.index) == ["har", "log_har_iv", "mine"]
    assert list(scores.columns) == [
        *["n", "rmse", "mae", "r2", "qlike", "qlike_vs_har", "qlike_vs_log_har_iv", "coverage"]
    ]
    assert (scores["n"] == 4).all()
    assert scores.loc["har", "qlike_vs_har"] == 1
    assert scores.loc["har", "qlike_vs_log_har_iv"] == pytest.approx(
        scores.loc["har", "qlike"] / scores.loc["log_har_iv", "qlike"]
    )
    assert scores.loc["mine", ["rmse", "mae", "qlike"]].tolist() == [0, 0, 0]
    assert scores["coverage"].tolist() == [0.75, 1, 1]  # 0.45 is above twice 0.2


def test_all_models_are_scored_on_the_same_sessions_and_none_that_is_not_over():
    realised = [0.1, 0.2, 0.3, np.nan]
    backtest = backtest_of({"har": [0.2] * 4, "mine": [0.1] * 4}, realised)
    first_of_mine = backtest.index[backtest["model"] == "mine"][0]
    scores = score(backtest.drop(index=first_of_mine))
    assert scores["n"].tolist() == [2, 2]
    assert scores.loc["har", "mae"] == pytest.approx(0.05)


def test_a_realised_volatility_of_zero_leaves_the_scores_finite():
    scores = score(backtest_of({"har": [0.1, 0.1, 0.1]}, [0.0, 0.1, 0.2]))
    assert np.isfinite(scores.to_numpy(float)[:, :5]).all()


def test_the_ratio_to_a_reference_that_was_not_run_is_null():
    scores = score(backtest_of({"mine": [0.1, 0.2]}, [0.2, 0.2]))
    assert scores[["qlike_vs_har", "qlike_vs_log_har_iv"]].isna().all(axis=None)


def test_years_are_scored_on_their_own_sessions():
    backtest = backtest_of({"har": [0.2] * 6, "mine": [0.1] * 6}, [0.1, 0.1, 0.1, 0.2, 0.2, 0.2])
    years = evaluate(backtest).by_year  # three sessions of 2018, three of 2019
    assert years.index.names == ["year", "model"]
    assert years.loc[(2018, "mine"), "qlike"] == 0
    assert years.loc[(2019, "har"), "qlike"] == 0
    assert years["n"].tolist() == [3, 3, 3, 3]


def test_losses_by_session_average_to_the_score():
    backtest = backtest_of({"mine": [0.1, 0.2, 0.3], "har": [0.2] * 3}, [0.15, 0.1, 0.3])
    losses = qlike_by_session(backtest)
    assert list(losses.columns) == ["mine", "har"]
    assert losses.mean().to_dict() == pytest.approx(score(backtest)["qlike"].to_dict())


@pytest.mark.parametrize("judge", [score, evaluate])
def test_a_backtest_without_an_outcome_yet_is_refused(judge):
    with pytest.raises(ForecastError, match="no session was forecast by all of har, mine"):
        judge(backtest_of({"har": [0.1], "mine": [0.1]}, [np.nan]))


SESSIONS = pd.DatetimeIndex(clock.sessions("2017-07-03", "2019-06-28"))


@pytest.fixture(scope="module")
def market():
    """Two years in which volatility is known: daily returns, its true level, and what the five sessions ahead did."""
    draw = np.random.default_rng(11)
    n = len(SESSIONS)
    log_vol = np.full(n, np.log(0.15))
    for t in range(1, n):
        log_vol[t] = np.log(0.15) + 0.97 * (log_vol[t - 1] - np.log(0.15)) + 0.1 * draw.normal()
    vol = np.exp(log_vol)
    returns = pd.Series(np.r_[0.0, vol[:-1] * draw.normal(size=n - 1)] / np.sqrt(252), index=SESSIONS)
    ahead = (returns**2)[::-1].rolling(5).sum()[::-1].shift(-1)
    return returns, vol, np.sqrt(252 / 5 * ahead).to_numpy()


@pytest.fixture(scope="module")
def backtest(market):
    """`wise` knows the volatility; `log_har_iv` a little less, `har` less still; `copy` says what log_har_iv says."""
    _, vol, realised = market
    draw = np.random.default_rng(12)
    noise = draw.normal(size=(2, len(vol)))
    fair = vol * np.exp(0.25 * noise[0])
    forecasts = {"har": vol * np.exp(0.6 * noise[1]), "log_har_iv": fair, "copy": fair.copy(), "wise": vol}
    return backtest_of(forecasts, realised, SESSIONS)


@pytest.fixture(scope="module")
def evaluation(backtest, market):
    return evaluate(backtest, returns=market[0], reps=200)


def test_an_evaluation_holds_what_each_test_says_of_the_same_losses(evaluation, backtest):
    losses = qlike_by_session(backtest)
    pd.testing.assert_frame_equal(evaluation.losses, losses)
    row = evaluation.scores.loc["wise"]
    for name in ("har", "log_har_iv"):
        test = diebold_mariano(losses["wise"], losses[name])
        ratio = ratio_with_error(losses["wise"], losses[name])
        assert (row[f"dm_t_vs_{name}"], row[f"dm_p_vs_{name}"]) == (test.t, test.p_better)
        assert (row[f"qlike_vs_{name}"], row[f"qlike_vs_{name}_error"]) == (ratio.value, ratio.error)
        spa = superior_predictive_ability(losses[name].to_numpy(), losses.drop(columns=name), reps=200)
        assert evaluation.superior[name] == spa
    assert evaluation.confidence == model_confidence_set(losses, reps=200)
    assert evaluation.scores["mcs_p"].to_dict() == evaluation.confidence.p_values

    mine = backtest[(backtest["model"] == "wise") & backtest["realised"].notna()]
    line = mincer_zarnowitz(mine["realised"], mine["forecast_vol"])
    assert row[["mz_intercept", "mz_slope", "mz_slope_error", "mz_p"]].tolist() == pytest.approx(
        [line.intercept, line.slope, line.slope_error, line.p_unbiased]
    )
    inside = mean_with_error(mine["realised"].between(mine["p10"], mine["p90"]))
    assert (row["coverage"], row["coverage_error"]) == (inside.value, inside.error)
    assert row["variance_ratio"] == pytest.approx((mine["realised"] ** 2 / mine["forecast_var"]).mean())


def test_the_reducible_share_is_of_the_excess_over_the_noise(evaluation):
    qlike = evaluation.scores["qlike"]
    assert evaluation.scores.loc["log_har_iv", "reducible_vs_log_har_iv"] == 1
    assert evaluation.scores.loc["wise", "reducible_vs_har"] == pytest.approx(
        (qlike["wise"] - QLIKE_OF_THE_TRUTH) / (qlike["har"] - QLIKE_OF_THE_TRUTH)
    )
    good = evaluate(backtest_of({"log_har_iv": [0.1, 0.2], "mine": [0.1, 0.2]}, [0.11, 0.21]))
    assert good.scores["reducible_vs_log_har_iv"].isna().all()  # nothing above the noise to reduce


def test_a_reference_is_not_tested_against_itself_and_a_copy_ties_with_it(evaluation):
    scores = evaluation.scores
    assert np.isnan(scores.loc["log_har_iv", "dm_t_vs_log_har_iv"])
    assert scores.loc["copy", ["dm_t_vs_log_har_iv", "dm_p_vs_log_har_iv"]].tolist() == [0, 0.5]
    assert scores.loc["copy", "mcs_p"] == scores.loc["log_har_iv", "mcs_p"]


def test_years_have_the_mean_losses_of_their_sessions(evaluation):
    year = evaluation.losses.loc["2018"].mean()
    row = evaluation.by_year.loc[(2018, "wise")]
    assert row["n"] == len(evaluation.losses.loc["2018"])
    assert row["qlike"] == pytest.approx(year["wise"])
    assert row["qlike_vs_log_har_iv"] == pytest.approx(year["wise"] / year["log_har_iv"])
    assert evaluation.by_year.index.get_level_values("year").unique().tolist() == [2017, 2018, 2019]


def test_every_fifth_session_is_tested_without_lags_five_times_over(evaluation):
    losses = evaluation.losses
    test = diebold_mariano(losses["wise"][2::5], losses["log_har_iv"][2::5], horizon=1, lags=0)
    row = evaluation.every_fifth.loc[(2, "wise")]
    assert (row["n"], row["dm_t"], row["dm_p"]) == (len(losses[2::5]), test.t, test.p_better)
    ts = evaluation.every_fifth.xs("wise", level="model")["dm_t"]
    assert len(ts) == 5
    assert evaluation.scores.loc["wise", "dm_t_every_fifth"] == pytest.approx(ts.mean())
    assert evaluation.every_fifth["n"].groupby("model").sum().eq(len(losses)).all()


def test_exceedances_are_of_the_session_after_the_forecast(backtest, market):
    returns, vol, _ = market
    found = evaluate(backtest, returns=returns, reps=50).exceedances.loc["wise"]
    z = returns.to_numpy()[1:-4] / (vol[:-5] / np.sqrt(252))  # the outcomes of the last five are not known
    assert found["n"] == len(z)
    assert found["bias_statistic"] == pytest.approx(z.std(ddof=1))
    assert found["bias_statistic"] == pytest.approx(1, abs=0.1)
    assert found["beyond_95"] == pytest.approx((np.abs(z) > 1.96).mean())


def test_a_forecast_of_half_the_volatility_has_twice_the_bias_statistic_and_more_beyond(backtest, market):
    half = backtest.assign(forecast_var=np.where(backtest["model"] == "wise", 0.25, 1.0) * backtest["forecast_var"])
    before = evaluate(backtest, returns=market[0], reps=50).exceedances.loc["wise"]
    after = evaluate(half, returns=market[0], reps=50).exceedances.loc["wise"]
    assert after["bias_statistic"] == pytest.approx(2 * before["bias_statistic"])
    assert after["beyond_99"] > 5 * max(before["beyond_99"], 0.01)


def test_a_session_whose_next_return_is_missing_has_no_exceedance(backtest, market):
    returns = market[0]
    whole = evaluate(backtest, returns=returns, reps=50).exceedances
    gap = evaluate(backtest, returns=returns.drop(returns.index[100]), reps=50).exceedances
    assert (gap["n"] == whole["n"] - 1).all()


def test_without_returns_or_seeds_their_columns_are_null(backtest):
    bare = evaluate(backtest, reps=50)
    assert bare.exceedances is None
    columns = ["bias_statistic", "beyond_90", "beyond_95", "beyond_99", "qlike_seed_low", "qlike_seed_high"]
    assert bare.scores[columns].isna().all(axis=None)


def test_a_backtest_in_another_order_has_the_same_evaluation(backtest, market, evaluation):
    shuffled = backtest.sample(frac=1, random_state=1)
    again = evaluate(shuffled, returns=market[0], reps=200)
    columns = [column for column in evaluation.scores if column not in ("mcs_p", "in_mcs")]
    pd.testing.assert_frame_equal(again.scores.loc[evaluation.scores.index, columns], evaluation.scores[columns])
    assert again.scores["qlike"].idxmin() == evaluation.best == "wise"


def test_one_seed_gives_one_evaluation(backtest, market, evaluation):
    again = evaluate(backtest, returns=market[0], reps=200)
    pd.testing.assert_frame_equal(again.to_frame(), evaluation.to_frame())
    assert again.superior == evaluation.superior
    assert again.summary() == evaluation.summary()


def test_an_evaluation_cannot_be_reassigned(evaluation):
    with pytest.raises(dataclasses.FrozenInstanceError):
        evaluation.reference = "har"


def test_the_frame_is_a_row_a_model_with_these_columns(evaluation):
    frame = evaluation.to_frame()
    assert frame["model"].tolist() == ["har", "log_har_iv", "copy", "wise"]
    against = [
        f"{name}_vs_{reference}{end}"
        for reference in ("har", "log_har_iv")
        for name, end in (("qlike", ""), ("qlike", "_error"), ("reducible", ""), ("dm_t", ""), ("dm_p", ""))
    ]
    assert list(frame.columns) == [
        *["model", "n", "rmse", "mae", "r2", "qlike", *against],
        *["coverage", "coverage_error", "variance_ratio", "variance_ratio_error"],
        *["mz_intercept", "mz_intercept_error", "mz_slope", "mz_slope_error", "mz_p"],
        *["dm_t_every_fifth", "mcs_p", "in_mcs", "bias_statistic", "beyond_90", "beyond_95", "beyond_99"],
        *["qlike_seed_low", "qlike_seed_high"],
    ]
    kinds = frame.dtypes.astype(str).to_dict()
    assert (kinds.pop("model"), kinds.pop("n"), kinds.pop("in_mcs")) == ("object", "int64", "bool")
    assert set(kinds.values()) == {"float64"}


def test_metrics_are_the_finite_numbers_of_every_model_and_test(evaluation):
    metrics = evaluation.to_metrics()
    assert metrics["wise.qlike"] == evaluation.scores.loc["wise", "qlike"]
    assert metrics["spa_p.log_har_iv"] == evaluation.superior["log_har_iv"].p
    assert "log_har_iv.dm_t_vs_log_har_iv" not in metrics
    assert all(type(value) is float and np.isfinite(value) for value in metrics.values())


def many(models, market):
    """A backtest of `models` models none of which is the truth."""
    _, vol, realised = market
    draw = np.random.default_rng(4)
    names = ["har", "log_har_iv", *(f"model_with_a_long_name_{i}" for i in range(models - 2))]
    return backtest_of({name: vol * np.exp(0.3 * draw.normal(size=len(vol))) for name in names}, realised, SESSIONS)


@pytest.mark.parametrize("models", [2, 13, 30])
def test_a_summary_fits_a_terminal(market, models):
    extras = {
        "seeds": pd.DataFrame({1: [0.3], 2: [0.31]}, index=["har"]),
        "canary": Canary({"shuffled": 0.8, "contiguous": 0.4, "walk_forward": 0.2}, 400, 5, SESSIONS[0], SESSIONS[-1]),
    }
    text = evaluate(many(models, market), returns=market[0], reps=50, **extras).summary()
    assert len(text.splitlines()) < 40
    heading, table, findings = text.split("\n\n")
    assert max(len(line) for line in (heading + "\n" + findings).splitlines()) <= 118
    assert len(table.splitlines()) == 1 + min(models, 15)


def test_the_summary_says_who_is_best_how_sure_and_in_which_settings(evaluation):
    text = " ".join(evaluation.summary().split())
    assert "496 sessions out of sample, 2017-07-03 to 2019-06-21" in text
    ratio = evaluation.scores.loc["wise", "qlike_vs_log_har_iv"]
    assert f"wise is best: {ratio:.3f} of log_har_iv's QLIKE" in text
    assert "it beats log_har_iv at 5%: Diebold-Mariano t " in text
    assert "10 lags; bootstrap of 200 draws, blocks of 20 sessions, seed 7" in text
    assert "variants tried and dropped" in text
    assert "MCS p follow the order of elimination" in text


def test_the_summary_names_the_years_in_which_the_best_loses():
    dates = pd.DatetimeIndex(clock.sessions("2016-01-04", "2017-12-29"))
    realised = np.tile([0.1, 0.2], len(dates))[: len(dates)]
    worse_at_first = np.where(dates.year == 2016, 1.12, 1.0)
    backtest = backtest_of({"log_har_iv": realised * 1.1, "mine": realised * worse_at_first}, realised, dates)
    evaluation = evaluate(backtest, reps=50)
    ratio = evaluation.by_year.loc[(2016, "mine"), "qlike_vs_log_har_iv"]
    assert f"mine loses to log_har_iv in 1 of 2 years: 2016 ({ratio:.3f})." in evaluation.summary()


def test_the_summary_says_when_nothing_beats_the_reference(backtest):
    text = evaluate(backtest, reference="wise", reps=50).summary()
    assert "No model has a lower QLIKE than wise." in text
    assert "wise p 1.000 (of 3 others)" in " ".join(text.split())


def test_the_summary_is_of_the_model_that_is_asked_for(evaluation):
    text = " ".join(evaluation.summary("har").split())
    assert "har is number 4 of 4, wise the best: " in text
    assert "it does not beat log_har_iv at 5%" in text
    assert "these too beat log_har_iv at 5%: wise." in text
    assert f"har: {evaluation.scores.loc['har', 'coverage']:.1%}" in text
    with pytest.raises(ForecastError, match="garch is not among the evaluated models, har, log_har_iv"):
        evaluation.summary("garch")


def test_a_single_session_has_scores_and_no_tests():
    alone = evaluate(backtest_of({"har": [0.1], "log_har_iv": [0.2], "mine": [0.15]}, [0.15]))
    assert alone.best == "mine"
    assert alone.scores.loc["mine", ["n", "mae", "qlike"]].tolist() == [1, 0, 0]
    assert (
        alone.scores[["dm_t_vs_har", "mz_slope", "coverage_error", "mcs_p", "dm_t_every_fifth"]].isna().all(axis=None)
    )
    assert alone.scores["in_mcs"].all()
    assert "too few sessions for a test" in alone.summary()


def test_references_that_were_not_run_leave_nulls(backtest):
    left = evaluate(backtest[backtest["model"].isin(["wise", "copy"])], reps=50)
    assert left.superior == {}
    assert left.scores.filter(regex="_vs_").isna().all(axis=None)
    assert left.by_year["qlike_vs_log_har_iv"].isna().all()
    assert left.every_fifth["qlike_vs_log_har_iv"].isna().all()
    assert "log_har_iv was not run" in left.summary()
    assert left.challenger == "wise"


def test_other_references_may_be_named(backtest):
    found = evaluate(backtest, reference="copy", benchmark="copy", reps=50)
    assert isinstance(found, Evaluation)
    assert set(found.superior) == {"copy"}
    assert found.scores.loc["log_har_iv", "qlike_vs_copy"] == 1
    assert not found.scores.columns.duplicated().any()
    assert "wise is best" in found.summary()


def test_the_challenger_is_the_best_that_is_no_reference(evaluation, backtest):
    assert evaluation.challenger == "wise"
    alone = evaluate(backtest[backtest["model"].isin(["har", "log_har_iv"])], reps=50)
    assert alone.challenger is None


def test_seeds_and_canary_are_told_with_the_rest(backtest):
    seeds = pd.DataFrame({1: [0.30, 0.25], 2: [0.32, 0.25]}, index=pd.Index(["wise", "har"], name="model"))
    canary = Canary({"shuffled": 0.79, "contiguous": 0.37, "walk_forward": 0.17}, 2000, 5, SESSIONS[0], SESSIONS[-1])
    told = evaluate(backtest, reps=50, seeds=seeds, canary=canary)
    assert told.scores.loc["wise", ["qlike_seed_low", "qlike_seed_high"]].tolist() == [0.30, 0.32]
    assert np.isnan(told.scores.loc["copy", "qlike_seed_low"])
    assert told.to_metrics()["canary.shuffled"] == 0.79
    text = " ".join(told.summary().split())
    assert "Over 2 seeds QLIKE of wise goes from 0.3000 to 0.3200" in text
    assert "shuffled 0.79, contiguous 0.37, walk-forward 0.17" in text
