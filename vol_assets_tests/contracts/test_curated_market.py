"""curated/market, one breach at a time: the session with the breach is refused whole, and it alone."""

import numpy as np
import pandas as pd
import pytest

from vol_assets.contracts.market import CURATED_MARKET, FUND_RETURN_LIMIT, ROUNDING
from vol_assets.contracts.symbols import FUNDS, OPTIONAL_SYMBOLS, REQUIRED_SYMBOLS, SYMBOLS

BAD = pd.Timestamp("2024-01-03")
PRICES = ["open", "high", "low", "close"]
INDICES = ("VIX", "VIX3M")


def broken(bars: pd.DataFrame, of: str, **values) -> pd.DataFrame:
    """One row of BAD with other values."""
    bars = bars.copy()
    row = (bars["date"] == BAD) & (bars["symbol"] == of)
    assert row.sum() == 1
    for name, value in values.items():
        bars.loc[row, name] = value
    return bars


def judged(bars: pd.DataFrame):
    return CURATED_MARKET.judge(bars)


def assert_refused(bars: pd.DataFrame, symbol: str, rule: str) -> None:
    verdict = judged(bars)
    assert verdict.refused == [BAD]
    assert set(verdict.good["date"]) == set(bars["date"]) - {BAD}
    assert (symbol, rule) in set(zip(verdict.rejects["symbol"], verdict.rejects["rule"], strict=True))
    assert set(verdict.rejects["symbol"]) == {symbol}


def assert_good(bars: pd.DataFrame) -> None:
    verdict = judged(bars)
    assert list(verdict.rejects["rule"]) == []
    pd.testing.assert_frame_equal(verdict.good, bars)


def test_sound_bars_are_good(bars):
    assert_good(bars)


@pytest.mark.parametrize("symbol", REQUIRED_SYMBOLS)
def test_a_missing_close_of_a_required_symbol_refuses_the_session(bars, symbol):
    assert_refused(broken(bars, symbol, close=np.nan), symbol, "a close for every required symbol")


@pytest.mark.parametrize(
    ("symbol", "price", "value"),
    [(symbol, "close", 0.0) for symbol in REQUIRED_SYMBOLS]
    + [("SPY", price, value) for price in PRICES for value in (0.0, -1.0, np.inf)],
)
def test_a_price_of_a_required_symbol_that_is_not_a_positive_number_refuses_the_session(bars, symbol, price, value):
    assert_refused(broken(bars, symbol, **{price: value}), symbol, "prices above zero and finite")


@pytest.mark.parametrize("symbol", FUNDS)
def test_a_high_below_another_price_beyond_rounding_refuses_the_session(bars, symbol):
    top = 100.5
    assert_refused(broken(bars, symbol, high=top * (1 - 2 * ROUNDING)), symbol, "high >= max(open, close, low)")
    assert_good(broken(bars, symbol, high=top * (1 - 0.5 * ROUNDING)))


@pytest.mark.parametrize("symbol", FUNDS)
def test_a_low_above_another_price_beyond_rounding_refuses_the_session(bars, symbol):
    bottom = 100.0
    assert_refused(broken(bars, symbol, low=bottom * (1 + 2 * ROUNDING)), symbol, "low <= min(open, close, high)")
    assert_good(broken(bars, symbol, low=bottom * (1 + 0.5 * ROUNDING)))


def test_a_high_below_the_low_beyond_rounding_refuses_the_session_though_the_close_lies_near_both(bars):
    def crossed(by):
        return broken(
            bars, "SPY", open=100.0, close=100.0, high=100 * (1 - by * ROUNDING), low=100 * (1 + by * ROUNDING)
        )

    verdict = judged(crossed(0.9))
    assert set(verdict.rejects["rule"]) == {"high >= max(open, close, low)", "low <= min(open, close, high)"}
    assert_good(crossed(0.4))


@pytest.mark.parametrize("symbol", INDICES)
def test_an_index_whose_high_lies_below_its_close_is_kept_because_its_range_is_not_used(bars, symbol):
    assert_good(broken(bars, symbol, high=98.0))


@pytest.mark.parametrize("sign", [-1, 1])
@pytest.mark.parametrize("symbol", FUNDS)
def test_a_funds_return_beyond_the_limit_refuses_the_session(bars, symbol, sign):
    rule = f"|log_return| <= {FUND_RETURN_LIMIT}"
    assert_refused(broken(bars, symbol, log_return=sign * (FUND_RETURN_LIMIT + 1e-9)), symbol, rule)
    assert_good(broken(bars, symbol, log_return=sign * FUND_RETURN_LIMIT))


@pytest.mark.parametrize("symbol", INDICES)
def test_an_index_may_double_in_a_day(bars, symbol):
    assert_good(broken(bars, symbol, log_return=0.77))  # VIX, 2018-02-05


def test_a_first_session_without_returns_is_good(bars):
    assert_good(bars.assign(log_return=np.nan, overnight_variance=np.nan))


def test_a_session_that_lacks_a_row_is_refused(bars):
    eleven = bars[~((bars["date"] == BAD) & (bars["symbol"] == "IRX"))].reset_index(drop=True)
    verdict = judged(eleven)
    assert verdict.refused == [BAD]
    assert set(verdict.rejects["rule"]) == {"a row for every symbol"}


def test_a_symbol_twice_in_place_of_another_is_refused(bars):
    assert_refused(broken(bars, "IRX", symbol="SPY"), "SPY", "one row a date and symbol")


def test_a_row_twice_is_refused(bars):
    verdict = judged(pd.concat([bars, bars[(bars["date"] == BAD) & (bars["symbol"] == "TLT")]]))
    assert verdict.refused == [BAD]


def test_an_unknown_symbol_is_refused_by_name(bars):
    verdict = judged(broken(bars, "IRX", symbol="QQQ"))
    assert verdict.rejects.to_dict("records") == [
        {"date": BAD, "symbol": "QQQ", "rule": "symbol: a known symbol", "value": "QQQ"}
    ]


def test_a_row_without_a_symbol_is_refused(bars):
    verdict = judged(broken(bars, "IRX", symbol=None))
    assert verdict.refused == [BAD]
    assert set(verdict.rejects["symbol"]) == {""}


@pytest.mark.parametrize("day", ["2024-01-01", "2024-01-06"])
def test_a_holiday_or_a_weekend_is_refused(bars, day):
    bars = bars.assign(date=bars["date"].where(bars["date"] != BAD, pd.Timestamp(day)))
    verdict = judged(bars)
    assert verdict.refused == [pd.Timestamp(day)]
    assert set(verdict.rejects["rule"]) == {"date: an exchange session"}


def test_a_negative_overnight_variance_is_refused(bars):
    assert judged(broken(bars, "GLD", overnight_variance=-1e-9)).refused == [BAD]


@pytest.mark.parametrize("symbol", OPTIONAL_SYMBOLS)
@pytest.mark.parametrize(
    "values",
    [
        dict.fromkeys([*PRICES, "volume", "log_return", "overnight_variance", "range_variance"], np.nan),
        {"close": np.nan},
        {"close": 0.0},
        {"close": -0.105, "open": -0.1, "high": -0.1, "low": -0.12},  # IRX, March 2020
        {"high": 90.0, "low": 110.0},
        {"log_return": 5.0},
        {"close": np.inf},
    ],
)
def test_an_optional_symbol_never_refuses_a_session_whatever_its_numbers(bars, symbol, values):
    assert_good(broken(bars, symbol, **values))


def test_one_bad_session_of_250_leaves_249_untouched(a_year):
    sessions = a_year["date"].unique()
    assert len(sessions) == 250
    verdict = judged(broken(a_year, "SPY", close=np.nan))
    assert verdict.refused == [BAD]
    pd.testing.assert_frame_equal(verdict.good, a_year[a_year["date"] != BAD].reset_index(drop=True))
    assert verdict.good["date"].nunique() == 249


def test_every_breach_of_a_session_is_told_not_only_the_first(bars):
    bars = broken(broken(bars, "SPY", close=-5.0), "TLT", log_return=1.0)
    verdict = judged(bars)
    assert set(zip(verdict.rejects["symbol"], verdict.rejects["rule"], strict=True)) == {
        ("SPY", "prices above zero and finite"),
        ("SPY", "low <= min(open, close, high)"),
        ("TLT", f"|log_return| <= {FUND_RETURN_LIMIT}"),
    }


def test_the_symbols_are_six_required_and_six_optional_ones():
    assert REQUIRED_SYMBOLS == ("SPY", "VIX", "VIX3M", "TLT", "HYG", "GLD")
    assert set(SYMBOLS) - set(REQUIRED_SYMBOLS) == {"GC=F", "GVZ", "IRX", "VVIX", "VIX9D", "SKEW"}
    assert set(FUNDS) == set(REQUIRED_SYMBOLS) - set(INDICES)
