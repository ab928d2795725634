import numpy as np
import pandas as pd
import pytest

from vol_assets import clock
from vol_assets.errors import ForecastError
from vol_assets.features.har import HAR_FEATURES
from vol_assets.features.implied import IMPLIED_FEATURES
from vol_assets.features.l1 import L1_FEATURES
from vol_assets.forecasting.frame import (
    HORIZON,
    INPUTS,
    LABEL,
    RANGE_LABEL,
    complete,
    ewma_vol,
    input_array,
    modelling_frame,
    realised_vol_ahead,
    trainable,
)


def empty_features(dates):
    l1 = pd.DataFrame(0.1, index=dates, columns=list(L1_FEATURES))
    har = pd.DataFrame(-2.0, index=dates, columns=list(HAR_FEATURES))
    return l1, har


def test_the_label_is_the_annualised_root_of_the_next_five_squared_returns():
    returns = np.array([0.5, 0.01, -0.02, 0.0, 0.03, -0.01, 0.02])
    label = realised_vol_ahead(returns)
    # (1 + 4 + 0 + 9 + 1) * 1e-4 * 252 / 5 and, a session later, (4 + 0 + 9 + 1 + 4) * 1e-4 * 252 / 5
    assert label[:2] == pytest.approx([np.sqrt(0.0756), np.sqrt(0.09072)], rel=1e-12)
    assert np.isnan(label[2:]).all()


def test_the_label_is_null_on_exactly_the_last_five_rows(frame):
    assert frame[LABEL].isna().sum() == HORIZON
    assert frame[LABEL].iloc[-HORIZON:].isna().all()
    assert complete(frame).iloc[-HORIZON:].all()
    assert not trainable(frame).iloc[-HORIZON:].any()


def test_the_label_of_a_session_is_the_trailing_volatility_five_sessions_later(frame):
    np.testing.assert_array_equal(frame[LABEL].iloc[60:-HORIZON], frame["rv_5d"].iloc[60 + HORIZON :])


def test_the_range_label_is_the_trailing_garman_klass_and_overnight_volatility_five_sessions_later(frame, bars):
    spy = bars[bars["symbol"] == "SPY"].set_index("date")
    variance = (spy["range_variance"] + spy["overnight_variance"]).reindex(frame.index).to_numpy()
    for row in (70, 200, len(frame) - HORIZON - 1):
        ahead = variance[row + 1 : row + 1 + HORIZON]
        assert frame[RANGE_LABEL].iloc[row] == pytest.approx(np.sqrt(252 * ahead.mean()), rel=1e-12)
    assert frame[RANGE_LABEL].iloc[-HORIZON:].isna().all()


def test_a_session_with_an_infinite_input_is_neither_trained_on_nor_forecast(frame):
    broken = frame.copy()
    broken.iloc[100, broken.columns.get_loc("vix")] = np.inf
    assert not complete(broken).iloc[100]
    assert not trainable(broken).iloc[100]
    assert complete(broken).sum() == complete(frame).sum() - 1


def test_the_frame_holds_the_features_the_trailing_volatilities_and_the_label_in_that_order(frame):
    assert tuple(frame.columns) == (*INPUTS, *IMPLIED_FEATURES, LABEL, RANGE_LABEL)
    assert len(INPUTS) == 21 + 7 + 4
    assert frame.index.is_monotonic_increasing
    assert frame.index.name == "date"


def test_trailing_volatilities_are_annualised_over_their_own_window():
    dates = pd.DatetimeIndex(clock.sessions("2015-01-05", "2015-06-30"))
    returns = pd.Series(np.linspace(-0.02, 0.02, len(dates)), index=dates)
    row = modelling_frame(*empty_features(dates), returns).iloc[70]
    r = returns.to_numpy()[: 70 + 1]
    assert row["abs_return_1d"] == pytest.approx(np.sqrt(252) * abs(r[-1]))
    assert row["rv_5d"] == pytest.approx(np.sqrt(252 * np.mean(r[-5:] ** 2)))
    assert row["rv_22d"] == pytest.approx(np.sqrt(252 * np.mean(r[-22:] ** 2)))
    weights = 0.94 ** np.arange(60)
    assert row["ewma_vol"] == pytest.approx(np.sqrt(252 * np.average(r[::-1][:60] ** 2, weights=weights)))


def test_the_ewma_of_a_constant_move_is_that_move():
    assert ewma_vol(np.full(80, 0.01))[-1] == pytest.approx(0.01 * np.sqrt(252))


def test_a_session_missing_from_the_input_is_a_row_of_nulls_and_no_window_skips_over_it():
    dates = pd.DatetimeIndex(clock.sessions("2015-01-05", "2015-06-30"))
    gap = dates[80]
    l1, har = empty_features(dates.drop(gap))
    frame = modelling_frame(l1, har, pd.Series(0.01, index=dates.drop(gap)))
    assert list(frame.index) == list(dates)
    assert frame.loc[gap].isna().sum() >= len(L1_FEATURES) + len(HAR_FEATURES)
    assert frame[LABEL].iloc[75:80].isna().all()  # their five sessions hold the gap
    assert frame["rv_5d"].iloc[80:85].isna().all()
    assert frame[LABEL].iloc[[74, 80]].notna().all()


def test_a_longer_history_of_returns_fills_the_first_windows():
    dates = pd.DatetimeIndex(clock.sessions("2015-01-05", "2015-06-30"))
    l1, har = empty_features(dates[70:])
    frame = modelling_frame(l1, har, pd.Series(0.01, index=dates))
    assert frame.index[0] == dates[70]
    assert complete(frame).all()


def test_rows_may_come_in_any_order(make_bars, make_frame):
    bars = make_bars(120)
    pd.testing.assert_frame_equal(make_frame(bars.sample(frac=1, random_state=3)), make_frame(bars), check_exact=True)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda s: pd.concat([s, s.iloc[:1]]), "session 2015-01-05 twice"),
        (lambda s: pd.concat([s, pd.Series(0.01, index=[pd.Timestamp("2015-01-10")])]), "2015-01-10.*no XNYS session"),
        (lambda s: s.reset_index(drop=True), "must be indexed by session"),
        (lambda s: s.iloc[:0], "must be indexed by session"),
    ],
    ids=["a session twice", "a Saturday", "no dates", "nothing"],
)
def test_an_index_that_is_not_sessions_is_refused(change, complaint):
    dates = pd.DatetimeIndex(clock.sessions("2015-01-05", "2015-03-31"))
    with pytest.raises(ForecastError, match=complaint):
        modelling_frame(*empty_features(dates), change(pd.Series(0.01, index=dates)))


def test_null_inputs_are_refused_naming_the_session_and_the_columns(frame):
    holed = frame.iloc[100:].copy()
    holed.loc[holed.index[3], ["vix", "log_vix"]] = np.nan
    session = f"{holed.index[3]:%Y-%m-%d}"
    with pytest.raises(ForecastError, match=rf"1 of {len(holed)} sessions.*{session} in vix, log_vix;"):
        input_array(holed, ("vix", "vix3m", "log_vix"))
