from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from vol_assets.errors import ForecastError
from vol_assets.features.l1 import L1_FEATURES
from vol_assets.forecasting.canary import DeepTrees, leakage_canary, seed_spread
from vol_assets.forecasting.evaluation import score
from vol_assets.forecasting.frame import LABEL
from vol_assets.forecasting.models import LOG_HAR_IV, XGB_21
from vol_assets.forecasting.walk_forward import walk_forward

QUICK = DeepTrees(rounds=40, learning_rate=0.15)


@pytest.fixture(scope="module")
def unforecastable():
    """Features that drift on their own, and five-session volatility of returns that know nothing of them."""
    draw = np.random.default_rng(2)
    n = 900
    returns = draw.normal(size=n + 5) * 0.01
    ahead = np.convolve(returns**2, np.ones(5), "valid")[1 : n + 1]
    features = np.cumsum(draw.normal(size=(n, len(L1_FEATURES))), axis=0)
    frame = pd.DataFrame(features, columns=list(L1_FEATURES), index=pd.bdate_range("2015-01-01", periods=n))
    return frame.assign(**{LABEL: np.sqrt(252 / 5 * ahead)})


def test_shuffled_folds_find_what_cannot_be_forecast_and_the_walk_forward_does_not(unforecastable):
    found = leakage_canary(unforecastable, model=QUICK, min_train=300, refit_every=100)
    assert found.r2["shuffled"] > 0.3
    assert found.r2["contiguous"] < 0
    assert found.r2["walk_forward"] < 0
    assert list(found.r2) == ["shuffled", "contiguous", "walk_forward"]


class Recorder:
    """Forecasts the mean label, and keeps the sessions it was shown: the first feature counts them."""

    def __init__(self):
        self.fits = []

    def predict(self, inputs, labels, ahead):
        self.fits.append((inputs[:, 0], ahead[:, 0]))
        return np.full(len(ahead), labels.mean())


@pytest.fixture
def counted():
    """A frame whose first feature is the row's position; nulls in rows 10 to 19, no outcome of the last five."""
    n = 120
    frame = pd.DataFrame(
        np.random.default_rng(0).normal(size=(n, len(L1_FEATURES))),
        columns=list(L1_FEATURES),
        index=pd.bdate_range("2015-01-01", periods=n),
    )
    frame[L1_FEATURES[0]] = np.arange(n)
    frame[LABEL] = np.random.default_rng(1).uniform(0.1, 0.3, n)
    frame.iloc[10:20, 3] = np.nan
    frame.iloc[-5:, -1] = np.nan
    return frame


def test_the_walk_forward_trains_on_labels_that_are_over_and_forecasts_each_session_once(counted):
    recorder = Recorder()
    found = leakage_canary(counted, model=recorder, folds=4, min_train=40, refit_every=20, workers=1)
    shuffled, contiguous, forward = recorder.fits[:4], recorder.fits[4:8], recorder.fits[8:]
    for train, ahead in forward:
        assert train.max() <= ahead.min() - 5
    forecast = np.concatenate([ahead for _, ahead in forward])
    assert forecast.tolist() == list(range(54, 115))  # 40 usable rows end at row 49, and five sessions pass
    assert (found.sessions, found.first, found.last) == (61, counted.index[54], counted.index[114])

    usable = [*range(10), *range(20, 115)]
    for folds in (shuffled, contiguous):
        assert sorted(np.concatenate([ahead for _, ahead in folds])) == usable
        assert all(not set(train) & set(ahead) for train, ahead in folds)
    assert all(np.ptp(ahead) < 40 for _, ahead in contiguous)
    assert all(np.ptp(ahead) > 80 for _, ahead in shuffled)


def test_one_seed_gives_one_canary_for_any_number_of_threads(unforecastable):
    short = unforecastable.iloc[:400]
    options = {"model": QUICK, "min_train": 300, "refit_every": 100}
    one, two = leakage_canary(short, workers=1, **options), leakage_canary(short, workers=3, **options)
    assert one == two
    assert leakage_canary(short, seed=8, **options).r2["shuffled"] != one.r2["shuffled"]


def test_a_history_too_short_for_the_canary_is_refused(counted):
    with pytest.raises(ForecastError, match=r"more than 755 sessions .* there are 105"):
        leakage_canary(counted)


def test_the_seed_moves_trees_and_leaves_lines_alone(frame):
    def models(seed):
        return [LOG_HAR_IV, replace(XGB_21, seed=seed)]

    spread = seed_spread(frame, models, (1, 2), min_train=350, refit_every=120)
    assert (spread.index.name, spread.columns.name, list(spread.columns)) == ("model", "seed", [1, 2])
    assert spread.loc["log_har_iv", 1] == spread.loc["log_har_iv", 2]
    assert spread.loc["xgb_21", 1] != spread.loc["xgb_21", 2]
    alone = score(walk_forward(frame, models(2), min_train=350, refit_every=120))["qlike"]
    pd.testing.assert_series_equal(spread[2], alone, check_names=False)
