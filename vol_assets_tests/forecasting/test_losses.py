import numpy as np
import pytest
from scipy.special import digamma

from vol_assets.forecasting.frame import VOL_FLOOR
from vol_assets.forecasting.losses import QLIKE_OF_THE_TRUTH, mae, qlike, r2, rmse


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


def test_fatter_tails_make_the_noise_greater():
    returns = 0.01 * np.random.default_rng(0).standard_t(5, size=(200_000, 5)) * np.sqrt(3 / 5)
    realised = 252 / 5 * (returns**2).sum(axis=1)
    assert qlike(realised, np.full(len(realised), 252 * 1e-4)).mean() > 1.2 * QLIKE_OF_THE_TRUTH


def test_a_realised_volatility_of_zero_counts_as_the_floor():
    assert qlike(np.array([0.0]), np.array([0.04])) == pytest.approx(qlike(np.array([VOL_FLOOR**2]), np.array([0.04])))


def test_r2_of_outcomes_that_do_not_vary_is_null():
    assert np.isnan(r2(np.array([0.2]), np.array([0.1])))
