"""Every flag: set by the one thing it speaks of, on the rows it speaks of, and nowhere else."""

import numpy as np
import pandas as pd
import pytest

from vol_assets.contracts.market import ROUNDING
from vol_assets.contracts.symbols import SYMBOLS
from vol_assets.curation.bars import curate
from vol_assets.curation.flags import FLAGS, in_words

DAY, BEFORE = "2024-01-05", "2024-01-04"
PRICES = ["open", "high", "low", "close"]


def flags(raw: pd.DataFrame) -> dict[tuple[str, str], str]:
    """{(day, symbol): flags} of every flagged row."""
    curated = curate(raw)
    flagged = curated[curated["quality_flags"] != ""]
    return {(f"{row.date:%Y-%m-%d}", row.symbol): row.quality_flags for row in flagged.itertuples()}


def bar(raw: pd.DataFrame, day: str, symbol: str) -> dict[str, float]:
    (row,) = raw[(raw["date"] == day) & (raw["symbol"] == symbol)][PRICES].to_dict("records")
    return row


def test_bars_in_order_have_no_flags(raw):
    assert flags(raw) == {}


@pytest.mark.parametrize("symbol", ["SPY", "VIX", "GVZ"])
def test_a_bar_that_did_not_come_is_missing(raw, remove, symbol):
    assert flags(remove(raw, DAY, symbol)) == {(DAY, symbol): "missing_symbol"}


def test_a_bar_without_a_close_is_missing(raw, change):
    nothing = dict.fromkeys([*PRICES, "previous_close"], np.nan)
    assert flags(change(raw, DAY, "SPY", **nothing)) == {(DAY, "SPY"): "missing_symbol"}


@pytest.mark.parametrize("symbol", ["SPY", "GC=F", "VIX"])
def test_a_bar_without_a_previous_close_has_no_return_and_says_so(raw, change, symbol):
    assert flags(change(raw, DAY, symbol, previous_close=np.nan)) == {(DAY, symbol): "no_previous_close"}


def test_a_rate_needs_no_previous_close(raw, change):
    assert flags(change(raw, DAY, "IRX", previous_close=np.nan)) == {}


@pytest.mark.parametrize(
    ("fetched", "flagged"),
    [("2024-01-11 20:59:59", True), ("2024-01-11 21:00:00", False)],  # 16:00 in New York is 21:00 UTC in winter
)
def test_a_bar_fetched_before_its_close_is_unfinished(raw, change, fetched, flagged):
    raw = change(raw, "2024-01-11", "TLT", fetched_at=pd.Timestamp(fetched, tz="UTC"))
    assert flags(raw) == ({("2024-01-11", "TLT"): "unfinished"} if flagged else {})


def test_a_bar_equal_to_the_one_before_in_all_four_prices_is_stale(raw, change):
    raw = change(raw, DAY, "HYG", **bar(raw, BEFORE, "HYG"))
    assert flags(raw) == {(DAY, "HYG"): "stale_bar,repeated_close"}


def test_a_close_equal_to_the_one_before_is_repeated_and_the_bar_not_stale(raw, change):
    close = bar(raw, BEFORE, "HYG")["close"]
    raw = change(raw, DAY, "HYG", close=close, high=close * 1.01, low=close * 0.99)
    assert flags(raw) == {(DAY, "HYG"): "repeated_close"}


def test_a_close_only_series_is_never_stale(raw, change):
    for day in (BEFORE, DAY):
        raw = change(raw, day, "GVZ", open=np.nan, high=np.nan, low=np.nan, close=15.0)
    assert flags(raw) == {(DAY, "GVZ"): "repeated_close"}


def test_a_rate_may_stand_still(raw, change):
    for day in (BEFORE, DAY):
        raw = change(raw, day, "IRX", open=5.1, high=5.3, low=5.0, close=5.2 if day == DAY else 5.2000001)
    raw = change(raw, BEFORE, "IRX", close=5.2, open=5.15)
    assert flags(raw) == {}


def test_what_is_repeated_across_a_missing_session_is_not_compared(raw, change, remove):
    raw = change(raw, "2024-01-08", "HYG", **bar(raw, BEFORE, "HYG"))
    assert flags(remove(raw, DAY)) == {}


def test_vix_equal_to_vix3m_flags_both(raw, change):
    close = bar(raw, DAY, "VIX3M")["close"]
    raw = change(raw, DAY, "VIX", open=close, close=close, high=close * 1.01, low=close * 0.99)
    assert flags(raw) == {(DAY, "VIX"): "vix_equals_vix3m", (DAY, "VIX3M"): "vix_equals_vix3m"}


def test_two_missing_indices_are_not_equal(raw, remove):
    raw = remove(remove(raw, DAY, "VIX"), DAY, "VIX3M")
    assert flags(raw) == {(DAY, "VIX"): "missing_symbol", (DAY, "VIX3M"): "missing_symbol"}


@pytest.mark.parametrize(
    "prices",
    [
        {"high": 99.0, "low": 98.0, "open": 98.5, "close": 99.0 * (1 + 2 * ROUNDING)},  # high below the close
        {"high": 99.0, "low": 98.0, "open": 99.0 * (1 + 2 * ROUNDING), "close": 98.5},  # high below the open
        {"high": 99.0, "low": 98.0, "open": 98.0 * (1 - 2 * ROUNDING), "close": 98.5},  # low above the open
        {"high": 99.0, "low": 98.0, "open": 98.5, "close": 98.0 * (1 - 2 * ROUNDING)},  # low above the close
        {"high": 98.0, "low": 99.0, "open": np.nan, "close": 98.5},
        {"high": 98.0 * (1 - 0.9 * ROUNDING), "low": 98.0 * (1 + 0.9 * ROUNDING), "open": 98.0, "close": 98.0},
        {"high": 98.0 * np.exp(0.2501), "low": 98.0, "open": 98.5, "close": 99.0},  # wider than a fund ever was
    ],
)
def test_a_range_that_cannot_be_is_flagged_and_offers_no_variance(raw, change, prices):
    raw = change(raw, DAY, "SPY", **prices)
    assert flags(raw) == {(DAY, "SPY"): "impossible_range"}
    curated = curate(raw)
    row = curated[(curated["date"] == DAY) & (curated["symbol"] == "SPY")].iloc[0]
    assert np.isnan(row["range_variance"])
    assert not np.isnan(row["log_return"])


@pytest.mark.parametrize(
    "prices",
    [
        {"high": 99.0, "low": 98.0, "open": 98.5, "close": 99.0 * (1 + 0.5 * ROUNDING)},
        {"high": 99.0, "low": 98.0, "open": 98.0 * (1 - 0.5 * ROUNDING), "close": 98.5},
        {"high": 98.0 * (1 - 0.4 * ROUNDING), "low": 98.0 * (1 + 0.4 * ROUNDING), "open": 98.0, "close": 98.0},
        {"high": 98.0 * np.exp(0.2499), "low": 98.0, "open": 98.5, "close": 99.0},
    ],
)
def test_a_range_within_rounding_and_what_was_ever_seen_is_not_flagged(raw, change, prices):
    assert flags(change(raw, DAY, "SPY", **prices)) == {}


@pytest.mark.parametrize(
    ("symbol", "limit"),
    [("SPY", 0.25), ("GC=F", 0.25), ("VIX", 1.1), ("VIX3M", 0.75), ("GVZ", 1.1), ("VIX9D", 1.3), ("VVIX", 0.75)],
)
def test_each_symbol_has_its_own_widest_range(raw, change, symbol, limit):
    def wide(width):
        return change(raw, DAY, symbol, open=100.0, low=100.0, close=101.0, high=100.0 * np.exp(width))

    assert flags(wide(limit - 1e-6)) == {}
    assert flags(wide(limit + 1e-6)) == {(DAY, symbol): "impossible_range"}


@pytest.mark.parametrize(
    ("symbol", "seen", "never"),
    [
        ("VVIX", (59.74, 207.59), (15.71, 2075.9, 0.9)),  # the lowest and highest closes there were, and a bad tick
        ("VIX9D", (7.10, 106.66), (0.106, 1066.6)),
        ("SKEW", (101.23, 183.12), (18.3, 1.25, 0.0)),
    ],
)
def test_a_level_that_never_was_is_flagged_and_one_that_was_is_not(raw, change, symbol, seen, never):
    def level(close):
        return flags(change(raw, DAY, symbol, open=np.nan, high=np.nan, low=np.nan, close=close))

    assert [level(close) for close in seen] == [{}, {}]
    for close in never:
        assert level(close)[(DAY, symbol)].startswith("implausible_level")


def test_the_level_of_another_symbol_is_not_judged(raw, change):
    assert flags(change(raw, DAY, "GVZ", open=np.nan, high=np.nan, low=np.nan, close=999.0)) == {}


@pytest.mark.parametrize("symbol", ["GC=F", "GVZ"])
@pytest.mark.parametrize("price", [0.0, -37.63])  # WTI, 2020-04-20: a future can settle below zero
def test_a_price_at_or_below_zero_of_an_optional_symbol_is_flagged(raw, change, symbol, price):
    raw = change(raw, DAY, symbol, close=price, low=price, open=1.0, high=1.0)
    assert flags(raw)[(DAY, symbol)] == "not_positive"


@pytest.mark.parametrize("level", [0.0, -0.105])  # IRX was below zero in March 2020
def test_a_rate_at_or_below_zero_is_no_fault(raw, change, level):
    raw = change(raw, DAY, "IRX", open=level, high=level, low=level, close=level)
    assert flags(raw) == {}


def test_a_rate_below_zero_whose_prices_contradict_each_other_is_flagged(raw, change):
    raw = change(raw, DAY, "IRX", open=-0.1, high=-0.2, low=-0.2, close=-0.1)
    assert flags(raw) == {(DAY, "IRX"): "impossible_range"}


def test_several_flags_stand_side_by_side_in_the_order_of_the_list(raw, change):
    raw = change(raw, DAY, "SPY", previous_close=np.nan, high=1.0, fetched_at=pd.Timestamp("2024-01-05", tz="UTC"))
    assert flags(raw) == {(DAY, "SPY"): "no_previous_close,unfinished,impossible_range"}
    assert [FLAGS.index(flag) for flag in ("no_previous_close", "unfinished", "impossible_range")] == [1, 2, 6]


def test_flags_in_words_are_comma_separated_names():
    table = pd.DataFrame({"one": [True, False, True], "two": [True, False, False]}, index=[5, 7, 9])
    words = in_words(table)
    assert list(words) == ["one,two", "", "one"]
    assert list(words.index) == [5, 7, 9]


def test_a_symbol_that_never_came_is_flagged_every_session(raw):
    raw = raw[raw["symbol"] != "GC=F"]
    assert flags(raw) == {(f"{day:%Y-%m-%d}", "GC=F"): "missing_symbol" for day in raw["date"].unique()}
    assert set(SYMBOLS) - set(raw["symbol"]) == {"GC=F"}
