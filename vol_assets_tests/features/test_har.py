"""The HAR block against loops from its definition, with the same laws as the 21 features."""

import math

import numpy as np
import pandas as pd
import pytest

from vol_assets.contracts.features import FEATURES_HAR, HAR_FEATURES
from vol_assets.features.har import LOOKBACK_SESSIONS, VARIANCE_FLOOR, har_features


def by_definition(bars: pd.DataFrame, t: int) -> dict[str, float]:
    def series(symbol, column):
        return bars[bars["symbol"] == symbol].sort_values("date")[column].tolist()

    returns = series("SPY", "log_return")
    variance = [
        a + b for a, b in zip(series("SPY", "range_variance"), series("SPY", "overnight_variance"), strict=True)
    ]
    vix, vix3m = series("VIX", "close")[t], series("VIX3M", "close")[t]
    row = {f"log_var_{w}d": math.log(252 / w * math.fsum(variance[t - w + 1 : t + 1])) for w in (1, 5, 22)}
    row |= {"log_vix": math.log(vix / 100), "log_vix_term": math.log(vix / vix3m)}
    row |= {f"negative_return_{w}d": min(math.fsum(returns[t - w + 1 : t + 1]), 0.0) for w in (1, 5)}
    return row


@pytest.fixture(scope="module")
def features(bars):
    return har_features(bars)


@pytest.mark.parametrize("t", [21, 22, 80, 149])
def test_every_regressor_is_what_its_definition_says(bars, features, t):
    expected = by_definition(bars, t)
    assert list(features.columns) == list(expected) == list(HAR_FEATURES)
    for name, value in expected.items():
        assert features[name].iloc[t] == pytest.approx(value, abs=1e-12, rel=1e-12), name


def test_the_first_complete_row_is_the_22nd_session(features):
    assert features[:21].isna().all(axis=None)
    assert features[21:].notna().all(axis=None)
    assert LOOKBACK_SESSIONS == 21


def test_random_regressors_keep_their_contract(features):
    FEATURES_HAR.require(features.rename_axis("date").reset_index().astype({"date": "datetime64[ns]"}))


@pytest.mark.parametrize("t", [21, 60, 149])
@pytest.mark.parametrize("earlier", [0, 1, 5])
def test_a_daily_run_equals_a_rebuild_to_the_bit(bars, features, t, earlier):
    days = features.index[max(t - LOOKBACK_SESSIONS - earlier, 0) : t + 1]
    daily = har_features(bars[bars["date"].isin(days)])
    pd.testing.assert_frame_equal(daily.iloc[[-1]], features.iloc[[t]], check_exact=True, check_freq=False)


@pytest.mark.parametrize("t", [30, 148])
def test_nothing_after_a_session_changes_its_row(bars, features, t):
    future = bars["date"] > features.index[t]
    perturbed = bars.copy()
    perturbed.loc[future, ["close", "log_return", "range_variance", "overnight_variance"]] *= 1.7
    after = har_features(perturbed)
    pd.testing.assert_frame_equal(after[: t + 1], features[: t + 1], check_exact=True)
    assert not after[t + 1 :].equals(features[t + 1 :])


@pytest.mark.parametrize("symbol", [None, "SPY"])
def test_a_gap_makes_exactly_the_windows_that_hold_it_null(bars, drop, symbol):
    gap = 75
    features = har_features(drop(bars, sorted(bars["date"].unique())[gap], symbol))
    null = features.isna().all(axis=1)
    assert list(np.flatnonzero(~null)) == [t for t in range(21, 150) if not gap <= t < gap + 22]
    assert list(features.isna().any(axis=1)) == list(null)


def test_a_bar_that_does_not_move_or_has_a_negative_range_variance_has_the_floor(bars):
    """Garman-Klass is negative when the close-to-open move exceeds what the range allows."""
    for variance in (0.0, -3e-4):
        still = bars.assign(range_variance=variance, overnight_variance=0.0)
        row = har_features(still).iloc[-1]
        expected = math.log(252 * VARIANCE_FLOOR)
        assert [row[f"log_var_{w}d"] for w in (1, 5, 22)] == pytest.approx([expected] * 3)


def test_a_missing_range_is_a_null_and_not_the_floor(bars):
    odd = bars.copy()
    odd.loc[(bars["symbol"] == "SPY") & (bars["date"] == bars["date"].max()), "range_variance"] = np.nan
    assert har_features(odd).iloc[-1].isna().all()


def test_leverage_is_zero_after_a_rise(bars):
    risen = bars.assign(log_return=bars["log_return"].abs())
    assert (har_features(risen)[["negative_return_1d", "negative_return_5d"]][21:] == 0).all(axis=None)
