import numpy as np
import pandas as pd
import pytest
from scipy.special import digamma

from vol_assets.errors import ForecastError
from vol_assets.forecasting.evaluation import (
    QLIKE_OF_THE_TRUTH,
    mae,
    qlike,
    qlike_by_session,
    r2,
    rmse,
    score,
    score_by_year,
)
from vol_assets.forecasting.frame import VOL_FLOOR


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


def test_losses_agree_with_numbers_worked_out_by_hand():
    realised, forecast = np.array([0.1, 0.2, 0.3, 0.4]), np.array([0.2, 0.2, 0.2, 0.5])
    assert rmse(realised, forecast) == pytest.approx(np.sqrt(0.03 / 4))
    assert mae(realised, forecast) == pytest.approx(0.3 / 4)
    assert r2(realised, forecast) == pytest.approx(1 - 0.03 / 0.05)
    assert qlike(np.array([0.04]), np.array([0.02])) == pytest.approx([2 - np.log(2) - 1])


def test_qlike_is_zero_only_for_the_truth_and_punishes_too_little_more_than_too_much():
    loss = qlike(np.full(3, 0.04), np.array([0.02, 0.04, 0.08]))
    assert loss[1] == 0
    assert loss[0] > loss[2] > 0


def test_the_true_variance_scores_log_two_and_a_half_minus_digamma():
    assert pytest.approx(np.log(2.5) - digamma(2.5), abs=1e-4) == QLIKE_OF_THE_TRUTH
    returns = np.random.default_rng(0).normal(scale=0.01, size=(200_000, 5))
    realised = 252 / 5 * (returns**2).sum(axis=1)
    assert qlike(realised, np.full(len(realised), 252 * 1e-4)).mean() == pytest.approx(QLIKE_OF_THE_TRUTH, abs=0.002)


def test_a_realised_volatility_of_zero_counts_as_the_floor():
    assert qlike(np.array([0.0]), np.array([0.04])) == pytest.approx(qlike(np.array([VOL_FLOOR**2]), np.array([0.04])))
    scores = score(backtest_of({"har": [0.1, 0.1, 0.1]}, [0.0, 0.1, 0.2]))
    assert np.isfinite(scores.to_numpy(float)[:, :5]).all()


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


def test_the_ratio_to_a_reference_that_was_not_run_is_null():
    scores = score(backtest_of({"mine": [0.1, 0.2]}, [0.2, 0.2]))
    assert scores[["qlike_vs_har", "qlike_vs_log_har_iv"]].isna().all(axis=None)


def test_r2_of_outcomes_that_do_not_vary_is_null():
    assert np.isnan(r2(np.array([0.2]), np.array([0.1])))


def test_years_are_scored_on_their_own_sessions():
    backtest = backtest_of({"har": [0.2] * 6, "mine": [0.1] * 6}, [0.1, 0.1, 0.1, 0.2, 0.2, 0.2])
    years = score_by_year(backtest)  # three sessions of 2018, three of 2019
    assert years.index.names == ["year", "model"]
    assert years.loc[(2018, "mine"), "mae"] == 0
    assert years.loc[(2019, "har"), "mae"] == 0
    assert years["n"].tolist() == [3, 3, 3, 3]


def test_losses_by_session_average_to_the_score():
    backtest = backtest_of({"mine": [0.1, 0.2, 0.3], "har": [0.2] * 3}, [0.15, 0.1, 0.3])
    losses = qlike_by_session(backtest)
    assert list(losses.columns) == ["mine", "har"]
    assert losses.mean().to_dict() == pytest.approx(score(backtest)["qlike"].to_dict())


def test_a_backtest_without_an_outcome_yet_is_refused():
    with pytest.raises(ForecastError, match="no session was forecast by all of har, mine"):
        score(backtest_of({"har": [0.1], "mine": [0.1]}, [np.nan]))
