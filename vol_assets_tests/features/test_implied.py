"""features/implied against its definitions, and what an absent or odd symbol does to a row."""

import math

import numpy as np
import pandas as pd
import pytest

from vol_assets.contracts.features import FEATURES_IMPLIED, IMPLIED_FEATURES, NINE_DAY_TERM_LIMIT
from vol_assets.contracts.symbols import PLAUSIBLE_LEVELS
from vol_assets.features.implied import implied_features

LEVELS = {"VVIX": (80.0, 120.0), "VIX9D": (12.0, 40.0), "SKEW": (115.0, 150.0)}


@pytest.fixture(scope="module")
def with_indices(bars) -> pd.DataFrame:
    """The random bars of the required symbols, and three indices beside them."""
    draw = np.random.default_rng(7)
    days = np.sort(bars["date"].unique())
    more = [
        pd.DataFrame({"date": days, "symbol": symbol, "close": draw.uniform(*ends, len(days))})
        for symbol, ends in LEVELS.items()
    ]
    return pd.concat([bars, *more], ignore_index=True).sample(frac=1, random_state=3)


@pytest.fixture(scope="module")
def features(with_indices):
    return implied_features(with_indices)


def changed(bars: pd.DataFrame, t: int, symbol: str, close: float) -> pd.DataFrame:
    day = np.sort(bars["date"].unique())[t]
    row = (bars["date"] == day) & (bars["symbol"] == symbol)
    assert row.sum() == 1
    return bars.assign(close=bars["close"].mask(row, close))


def nulls(features: pd.DataFrame) -> list[int]:
    null = features.isna()
    assert (null.all(axis=1) == null.any(axis=1)).all()
    return np.flatnonzero(null.all(axis=1)).tolist()


@pytest.mark.parametrize("t", [0, 77, 149])
def test_every_feature_is_what_its_definition_says(with_indices, features, t):
    closes = with_indices[with_indices["date"] == features.index[t]].set_index("symbol")["close"]
    expected = {
        "log_vvix": math.log(closes["VVIX"] / 100),
        "log_vix9d_term": math.log(closes["VIX9D"] / closes["VIX"]),
        "log_skew": math.log(closes["SKEW"] / 100),
    }
    assert list(features.columns) == list(expected) == list(IMPLIED_FEATURES)
    assert features.iloc[t].to_dict() == pytest.approx(expected, rel=1e-14, abs=1e-14)


def test_a_row_needs_its_own_session_alone(with_indices, features):
    assert nulls(features) == []
    day = features.index[60]
    alone = implied_features(with_indices[with_indices["date"] == day])
    pd.testing.assert_frame_equal(alone, features.loc[[day]], check_exact=True, check_freq=False)


@pytest.mark.parametrize("symbol", ["VIX", *LEVELS])
def test_a_session_that_lacks_a_symbol_is_null_and_no_other(with_indices, drop, symbol):
    gone = np.sort(with_indices["date"].unique())[75]
    assert nulls(implied_features(drop(with_indices, gone, symbol))) == [75]


@pytest.mark.parametrize("symbol", LEVELS)
def test_a_source_without_one_of_the_symbols_has_rows_of_nulls_that_keep_the_contract(with_indices, symbol):
    features = implied_features(with_indices[with_indices["symbol"] != symbol])
    assert len(features) == 150
    assert features.isna().all(axis=None)
    assert set(features.dtypes) == {np.dtype("float64")}
    FEATURES_IMPLIED.require(as_table(features))


@pytest.mark.parametrize("symbol", LEVELS)
@pytest.mark.parametrize("close", [0.0, -15.0, 1e-9, 1e9, np.inf])
def test_an_odd_level_makes_a_null_row_and_never_a_refused_session(with_indices, symbol, close):
    features = implied_features(changed(with_indices, 40, symbol, close))
    assert nulls(features) == [40]
    FEATURES_IMPLIED.require(as_table(features))


@pytest.mark.parametrize("vix", [0.0, -1.0, 1e6, 0.18])
def test_an_odd_vix_makes_a_null_row_too(with_indices, vix):
    features = implied_features(changed(with_indices, 40, "VIX", vix))
    assert nulls(features) == [40]
    FEATURES_IMPLIED.require(as_table(features))


@pytest.mark.parametrize("symbol", LEVELS)
@pytest.mark.parametrize("end", [0, 1])
def test_the_ends_of_what_is_plausible_are_inside_and_keep_the_contract(with_indices, symbol, end):
    close, outwards = PLAUSIBLE_LEVELS[symbol][end], (0.999, 1.001)[end]
    near = changed(with_indices, 40, "VIX", close) if symbol == "VIX9D" else with_indices  # term 0
    inside = implied_features(changed(near, 40, symbol, close))
    assert nulls(inside) == []
    FEATURES_IMPLIED.require(as_table(inside))
    assert nulls(implied_features(changed(near, 40, symbol, close * outwards))) == [40]


@pytest.mark.parametrize("sign", [-1, 1])
def test_a_term_beyond_its_limit_is_null(with_indices, sign):
    def term(size):
        return implied_features(changed(changed(with_indices, 40, "VIX", 30.0), 40, "VIX9D", 30.0 * math.exp(size)))

    assert nulls(term(sign * (NINE_DAY_TERM_LIMIT - 1e-9))) == []
    assert nulls(term(sign * (NINE_DAY_TERM_LIMIT + 1e-9))) == [40]


def test_what_happened_at_the_real_extremes_is_kept(with_indices):
    """2018-02-05: VIX 37.32, VIX9D 1.59 times as much. 2020-03-16: VVIX 207.59. 2025-02-18: SKEW 183.12."""
    extreme = changed(changed(with_indices, 40, "VIX", 37.32), 40, "VIX9D", 37.32 * 1.59)
    extreme = changed(changed(extreme, 41, "VVIX", 207.59), 42, "SKEW", 183.12)
    features = implied_features(extreme)
    assert nulls(features) == []
    FEATURES_IMPLIED.require(as_table(features))


def as_table(features: pd.DataFrame) -> pd.DataFrame:
    return features.rename_axis("date").reset_index().astype({"date": "datetime64[ns]"})
