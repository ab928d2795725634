"""raw/market, the feature tables and the forecast tables: each rule broken once."""

import numpy as np
import pandas as pd
import pytest

from vol_assets.contracts.features import (
    FEATURES_HAR,
    FEATURES_IMPLIED,
    FEATURES_L1,
    HAR_FEATURES,
    IMPLIED_FEATURES,
    L1_FEATURES,
)
from vol_assets.contracts.forecast import RV_5D, RV_BACKTEST
from vol_assets.contracts.market import RAW_MARKET
from vol_assets.errors import ContractError

DAYS = pd.DatetimeIndex(["2024-01-02", "2024-01-03", "2024-01-04"]).as_unit("ns")
BAD = DAYS[1]

L1_ROW = {
    **{name: 0.01 for name in L1_FEATURES if name.startswith("spy_ret")},
    **{name: 0.15 for name in L1_FEATURES if name.startswith(("spy_vol", "vix"))},
    **{name: -0.3 for name in L1_FEATURES if name.startswith("corr")},
    "drawdown_60d": 0.02,
    "vix_term": 1.1,
    "rsi_spy_14": 55.0,
    "hyg_tlt_spread": 0.001,
    "rv_vix_spread_20d": -0.03,
}
HAR_ROW = dict(zip(HAR_FEATURES, (-4.0, -4.0, -4.0, -1.8, -0.1, -0.01, 0.0), strict=True))
IMPLIED_ROW = dict(zip(IMPLIED_FEATURES, (-0.1, -0.06, 0.22), strict=True))
LEDGER_ROW = {
    "forecast_vol": 0.15,
    "forecast_var": 0.025,
    "p10": 0.08,
    "p50": 0.13,
    "p90": 0.25,
    "model": "ensemble",
    "model_version": "3",
    "trained_through": pd.Timestamp("2023-12-01"),
    "made_at": pd.Timestamp("2024-01-05 22:00", tz="UTC").as_unit("us"),
    "origin": "live",
    "baseline_vol": 0.16,
    "baseline_var": 0.028,
    "flags": "",
}
RAW_ROW = {
    "symbol": "SPY",
    "open": 100.0,
    "high": 101.0,
    "low": 99.0,
    "close": 100.5,
    "previous_close": 100.0,
    "volume": 1e6,
    "source": "sample",
    "fetched_at": pd.Timestamp("2024-01-05 22:00", tz="UTC").as_unit("us"),
}


def table(contract, row: dict) -> pd.DataFrame:
    frame = pd.DataFrame({"date": DAYS, **{name: [value] * len(DAYS) for name, value in row.items()}})
    for name, value in row.items():
        if isinstance(value, pd.Timestamp):
            frame[name] = frame[name].astype("datetime64[us, UTC]" if value.tz else "datetime64[ns]")
    return frame[list(contract.columns)]


def refused_for(contract, row: dict, **values) -> list[str]:
    """The rules broken when the middle session has these values."""
    frame = table(contract, row)
    for name, value in values.items():
        frame.loc[1, name] = value
    verdict = contract.judge(frame)
    assert verdict.refused in ([], [BAD])
    return list(verdict.rejects["rule"])


@pytest.mark.parametrize(
    ("contract", "row"),
    [
        (FEATURES_L1, L1_ROW),
        (FEATURES_HAR, HAR_ROW),
        (FEATURES_IMPLIED, IMPLIED_ROW),
        (RV_5D, LEDGER_ROW),
        (RAW_MARKET, RAW_ROW),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_a_sound_table_is_good(contract, row):
    assert refused_for(contract, row) == []


@pytest.mark.parametrize(
    ("contract", "row", "names"),
    [
        (FEATURES_L1, L1_ROW, L1_FEATURES),
        (FEATURES_HAR, HAR_ROW, HAR_FEATURES),
        (FEATURES_IMPLIED, IMPLIED_ROW, IMPLIED_FEATURES),
    ],
    ids=["l1", "har", "implied"],
)
def test_a_row_of_features_is_complete_or_null(contract, row, names):
    assert refused_for(contract, row, **dict.fromkeys(names, np.nan)) == []
    for name in names:
        assert refused_for(contract, row, **{name: np.nan}) == ["a row complete or null"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("vix", 18.5),  # points for decimals
        ("vix3m", 19.0),
        ("spy_ret_1d", 1.6),  # percent
        ("spy_vol_20d", 14.0),
        ("spy_vol_5d", -0.01),
        ("drawdown_60d", -0.02),
        ("rsi_spy_14", 101.0),
        ("corr_spy_tlt_20d", 1.01),
        ("vix_term", 0.0),
        ("hyg_tlt_spread", 0.7),
        ("rv_vix_spread_20d", 5.0),
    ],
)
def test_a_feature_in_the_wrong_unit_is_refused_by_name(name, value):
    (rule,) = refused_for(FEATURES_L1, L1_ROW, **{name: value})
    assert rule.startswith(f"{name}: within ")


@pytest.mark.parametrize(
    ("name", "value"),
    [("log_vvix", 4.52), ("log_vvix", 92.0), ("log_vix9d_term", -1.3), ("log_skew", 1.25), ("log_skew", 4.83)],
)  # logs of points, points, a difference of points, a ratio
def test_an_implied_feature_in_the_wrong_unit_is_refused_by_name(name, value):
    (rule,) = refused_for(FEATURES_IMPLIED, IMPLIED_ROW, **{name: value})
    assert rule.startswith(f"{name}: within ")


def test_there_are_21_features_named_as_in_the_design():
    assert len(L1_FEATURES) == 21
    assert {f"spy_ret_{w}d" for w in (1, 5, 10, 20, 60)} | {f"spy_vol_{w}d" for w in (5, 10, 20, 60)} <= set(
        L1_FEATURES
    )


def test_features_of_a_holiday_are_refused():
    frame = table(FEATURES_L1, L1_ROW)
    frame.loc[1, "date"] = pd.Timestamp("2024-01-01")
    assert list(FEATURES_L1.judge(frame).rejects["rule"]) == ["date: an exchange session"]


@pytest.mark.parametrize(
    ("values", "rule"),
    [
        ({"p10": 0.14}, "p10 <= p50 <= p90"),
        ({"p90": 0.10}, "p10 <= p50 <= p90"),
        ({"trained_through": BAD}, "trained before the session"),
        ({"trained_through": DAYS[2]}, "trained before the session"),
        ({"origin": "in_sample"}, "origin"),
        ({"forecast_vol": 15.0}, "forecast_vol: within 0 ... 5"),
        ({"forecast_vol": np.nan}, "forecast_vol: not_nullable"),
        ({"forecast_var": -0.1}, "forecast_var"),
    ],
)
def test_a_ledger_row_that_cannot_be_is_refused(values, rule):
    rules = refused_for(RV_5D, LEDGER_ROW, **values)
    assert any(broken.startswith(rule) for broken in rules)


def test_raw_bars_keep_whatever_prices_came():
    odd = {"open": -1.0, "high": np.nan, "low": 1e9, "close": 0.0, "previous_close": np.nan, "volume": np.nan}
    assert refused_for(RAW_MARKET, RAW_ROW, **odd) == []


@pytest.mark.parametrize(
    ("values", "rule"),
    [
        ({"symbol": "QQQ"}, "symbol: a known symbol"),
        ({"source": "bloomberg"}, "source"),
        ({"fetched_at": pd.NaT}, "fetched_at"),
    ],
)
def test_raw_bars_of_an_unknown_symbol_source_or_time_are_refused(values, rule):
    (broken,) = refused_for(RAW_MARKET, RAW_ROW, **values)
    assert broken.startswith(rule)


def test_a_backtest_has_one_forecast_a_date_and_model_and_no_null_but_the_future():
    row = {name: value for name, value in LEDGER_ROW.items() if name in RV_BACKTEST.columns} | {"realised": np.nan}
    frame = table(RV_BACKTEST, row)
    RV_BACKTEST.require(frame)
    RV_BACKTEST.require(pd.concat([frame, frame.assign(model="har")], ignore_index=True))
    with pytest.raises(ContractError, match="3 breaches of its contract: 2024-01-02"):
        RV_BACKTEST.require(pd.concat([frame, frame], ignore_index=True))
