import numpy as np
import pandas as pd
import pytest

from vol_assets.errors import ForecastError
from vol_assets.features.implied import IMPLIED_FEATURES
from vol_assets.forecasting.evaluation import score
from vol_assets.forecasting.frame import HORIZON, INPUTS, LABEL, RANGE_LABEL, complete
from vol_assets.forecasting.models import ENSEMBLE, HAR, LOG_HAR_IV, MODELS, XGB_21
from vol_assets.forecasting.protocol import Residuals
from vol_assets.forecasting.walk_forward import refits, trainable_before, walk_forward

SCHEDULE = {"min_train": 250, "refit_every": 60}  # few refits, for speed


@pytest.fixture(scope="module")
def backtest(frame):
    return walk_forward(frame, MODELS, **SCHEDULE, workers=1)


def forecasts_until(backtest, session):
    """What had been said by the close of a session; `realised` is what happened later and not part of it."""
    return backtest[backtest["date"] <= session].drop(columns="realised").reset_index(drop=True)


def test_there_is_a_row_a_session_and_model_from_the_first_origin_to_the_last_session(frame, backtest):
    first = frame.index[59 + 249 + HORIZON]  # 59 sessions to fill the windows, 250 to train on, 5 for a label
    sessions = frame.index[frame.index >= first]
    assert list(backtest["date"].unique()) == list(sessions)
    assert len(backtest) == len(sessions) * len(MODELS)
    assert list(backtest["model"][: len(MODELS)]) == [model.name for model in MODELS]
    assert list(backtest.columns) == [
        *["date", "model", "forecast_vol", "forecast_var", "p10", "p50", "p90", "realised", "trained_through"]
    ]


def test_the_last_five_sessions_have_forecasts_and_no_outcome_yet(frame, backtest):
    last = backtest[backtest["date"].isin(frame.index[-HORIZON:])]
    assert len(last) == HORIZON * len(MODELS)
    assert last["realised"].isna().all()
    assert last["forecast_vol"].notna().all()
    assert backtest.loc[~backtest["date"].isin(frame.index[-HORIZON:]), "realised"].notna().all()


def test_training_ends_five_sessions_before_the_origin_and_stays_there_until_the_next_refit(frame, backtest):
    positions = pd.Series(range(len(frame)), index=frame.index)
    age = positions[backtest["date"]].to_numpy() - positions[backtest["trained_through"]].to_numpy()
    assert age.min() == HORIZON
    assert age.max() == HORIZON + SCHEDULE["refit_every"] - 1


def test_the_schedule_is_the_one_of_the_docstring():
    frame = pd.DataFrame({name: np.ones(12) for name in (*INPUTS, LABEL, RANGE_LABEL)})
    frame.loc[7:, [LABEL, RANGE_LABEL]] = np.nan
    schedule = refits(frame, min_train=3, refit_every=2)
    assert [(list(r.train), list(r.between), list(r.forecast)) for r in schedule] == [
        ([0, 1, 2], [3, 4, 5, 6], [7, 8]),
        ([0, 1, 2, 3, 4], [5, 6, 7, 8], [9, 10]),
        ([0, 1, 2, 3, 4, 5, 6], [7, 8, 9, 10], [11]),
    ]


@pytest.fixture(scope="module")
def another_future(bars, make_frame, backtest):
    """The backtest over bars whose prices differ after an origin, and that origin, just refitted at its own close."""
    origin = backtest["date"].unique()[SCHEDULE["refit_every"]]  # the training labels end this very day
    future = bars.copy()
    draw = np.random.default_rng(9)
    after = future["date"] > origin
    for column in ("close", "log_return", "range_variance", "overnight_variance"):
        future.loc[after, column] *= np.exp(draw.normal(size=after.sum()))
    return walk_forward(make_frame(future), MODELS, **SCHEDULE), origin


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_nothing_that_happens_after_an_origin_changes_its_forecasts(model, backtest, another_future):
    other, origin = another_future
    other, ours = (rows[rows["model"] == model.name] for rows in (other, backtest))
    pd.testing.assert_frame_equal(
        forecasts_until(other, origin), forecasts_until(ours, origin), check_exact=True, check_freq=False
    )
    following = backtest["date"].unique()[SCHEDULE["refit_every"] + 1]
    assert not forecasts_until(other, following).equals(forecasts_until(ours, following))


def test_nothing_that_optional_inputs_say_after_an_origin_changes_its_forecasts(make_bars, make_frame):
    frame = make_frame(make_bars(1_000, seed=5))
    draw = np.random.default_rng(6)
    frame = frame.assign(**{name: 0.1 * draw.normal(size=len(frame)) for name in IMPLIED_FEATURES})
    options = {"min_train": 760, "refit_every": 60}
    ours = walk_forward(frame, [ENSEMBLE], **options)
    origin = ours["date"].unique()[60]
    other = frame.copy()
    other.loc[other.index > origin, list(IMPLIED_FEATURES)] += 0.3
    theirs = walk_forward(other, [ENSEMBLE], **options)
    pd.testing.assert_frame_equal(forecasts_until(theirs, origin), forecasts_until(ours, origin), check_exact=True)
    assert not theirs.drop(columns="realised").equals(ours.drop(columns="realised"))  # they are read


def test_more_data_add_forecasts_and_change_none(bars, make_frame, backtest):
    known = bars[bars["date"] <= bars["date"].unique()[449]]
    earlier = walk_forward(make_frame(known), MODELS, **SCHEDULE)
    pd.testing.assert_frame_equal(
        earlier.drop(columns="realised"), forecasts_until(backtest, earlier["date"].iloc[-1]), check_exact=True
    )


def test_worker_processes_change_nothing_to_the_last_bit(frame, backtest, monkeypatch):
    monkeypatch.setattr("vol_assets.forecasting.walk_forward.FROM_REFITS", 2)
    again = walk_forward(frame, MODELS, **SCHEDULE, workers=2)
    pd.testing.assert_frame_equal(again, backtest, check_exact=True)


def test_what_a_worker_says_is_wrong_reaches_the_caller(frame, monkeypatch):
    monkeypatch.setattr("vol_assets.forecasting.walk_forward.FROM_REFITS", 2)
    with pytest.raises(ForecastError, match="never varies over the training sessions"):
        walk_forward(frame.assign(log_vix=-1.8), [LOG_HAR_IV], **SCHEDULE)


def test_progress_counts_refits_to_the_end(frame):
    seen = []
    walk_forward(frame, [HAR], **SCHEDULE, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(done, len(seen)) for done in range(1, len(seen) + 1)]
    assert len(seen) == len(refits(frame, **SCHEDULE))


def test_sessions_with_null_inputs_are_neither_trained_on_nor_forecast(frame):
    holed = frame.copy()
    holes = holed.index[[200, 400]]
    holed.loc[holes, "vix"] = np.nan
    backtest = walk_forward(holed, [HAR, LOG_HAR_IV], **SCHEDULE)
    assert not backtest["date"].isin(holes).any()
    assert backtest["date"].min() == frame.index[59 + 250 + HORIZON]  # one session later: one fewer to train on
    assert all(complete(holed).iloc[refit.train].all() for refit in refits(holed, **SCHEDULE))


def test_too_little_history_is_refused_with_both_numbers(frame):
    with pytest.raises(ForecastError, match=r"needs 750 usable sessions .* there are 456 in 520 rows"):
        walk_forward(frame, [HAR])


def test_a_purge_shorter_than_the_label_is_refused(frame):
    with pytest.raises(ForecastError, match="purge is 4; below 5"):
        walk_forward(frame, [HAR], **SCHEDULE, purge=4)


def test_a_model_that_fails_stops_the_backtest_with_its_own_error(frame):
    class Broken:
        name = "broken"
        bases = ()
        residuals = Residuals.OUT_OF_FOLD

        def fit(self, frame):
            raise ForecastError("no")

    with pytest.raises(ForecastError, match="no"):
        walk_forward(frame, [Broken()], **SCHEDULE)


def test_no_model_finds_anything_in_a_market_of_constant_volatility(make_bars, make_frame):
    # The leakage canary: every gain here would have to come from the future.
    frame = make_frame(make_bars(700, seed=6, volatile=False))
    scores = score(walk_forward(frame, [HAR, LOG_HAR_IV, XGB_21, ENSEMBLE], min_train=300, refit_every=130))
    assert (scores["r2"] < 0.03).all()
    assert (scores["qlike"] > 0.19).all()  # 0.213 but for the sample


def test_where_volatility_can_be_forecast_the_models_beat_persistence(backtest):
    scores = score(backtest)
    for name in (
        "vix",
        "har",
        "log_har",
        "log_har_iv",
        "har_iv_plus",
        "gamma_glm",
        "xgb_21",
        "xgb_residual",
        "ensemble",
    ):
        assert scores.loc[name, "qlike"] < 0.8 * scores.loc["persistence", "qlike"]
    assert scores["coverage"].between(0.65, 0.92).all()


def test_the_sessions_to_train_on_before_an_origin_make_it_the_first_that_is_forecast(frame):
    origin = frame.index[400]
    rows = trainable_before(frame, origin)
    first = refits(frame, min_train=rows, refit_every=60)[0]
    assert first.forecast[0] == 400
    assert len(first.train) == rows
    assert trainable_before(frame, frame.index[2]) == 0
    with pytest.raises(ForecastError, match="2001-01-02 is no session of the history"):
        trainable_before(frame, pd.Timestamp("2001-01-02"))
