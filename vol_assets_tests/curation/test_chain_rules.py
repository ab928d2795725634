"""Each rule on a handful of quotes: what it takes, and what it leaves."""

import numpy as np
import pandas as pd
import pytest

from vol_assets.curation.chain_neighbours import local_spread, outliers
from vol_assets.curation.chain_rules import (
    AFTER_FORWARD,
    BEFORE_FORWARD,
    BOUND,
    GLD_REPORT_FILTERS,
    REASONS,
    RULES,
    Quotes,
    judge,
    report_quotes,
)
from vol_assets.quant.american import NoEuropean

SESSION = np.datetime64("2024-01-02")
FORWARD = 100.0


def calls(strikes=(101, 102, 103, 104, 105), **columns):
    """Calls of one expiration, quoted 1.00 at 1.10, with whatever columns are to differ."""
    n = len(strikes)
    quotes = {
        "expiration": np.datetime64("2024-02-16"),
        "expiry": 0,
        "years": 45 / 365,
        "strike": np.asarray(strikes, dtype=float),
        "is_call": True,
        "bid": 1.0,
        "ask": 1.1,
        "root": "SPY",
        "nonstandard": False,
        **columns,
    }
    kinds = {"expiration": "datetime64[D]", "expiry": int, "is_call": bool, "nonstandard": bool, "root": object}
    arrays = {name: np.array(np.broadcast_to(v, n), dtype=kinds.get(name, float)) for name, v in quotes.items()}
    return Quotes(session=SESSION, symbol="SPY", **arrays)


def with_forward(quotes, **columns):
    n = len(quotes.strike)
    values = {"forward": FORWARD, "discount": 0.99, "bid_vol": 0.19, "mid_vol": 0.20, "ask_vol": 0.21, **columns}
    arrays = {name: np.array(np.broadcast_to(v, n), dtype=float) for name, v in values.items()}
    k = np.log(quotes.strike / arrays["forward"])
    before = {name: getattr(quotes, name) for name in Quotes.__dataclass_fields__}
    no_european = np.zeros(n, dtype=np.int8)
    return Quotes(**{**before, "no_european": no_european, **arrays, "k": k, "spot": 99.0})


def reasons(rules, quotes):
    return list(REASONS[judge(rules, quotes, np.zeros(len(quotes.strike), dtype=np.int8))])


def test_sound_quotes_break_no_rule():
    quotes = calls()
    assert reasons(BEFORE_FORWARD, quotes) == [""] * 5
    assert reasons((*AFTER_FORWARD, BOUND), with_forward(quotes)) == [""] * 5


def test_reasons_are_distinct_words_with_a_meaning():
    names = [rule.reason for rule in RULES]
    assert len(set(names)) == len(names)
    assert all(name.replace("_", "").isalpha() and name.islower() for name in names)
    assert all(rule.meaning for rule in RULES)


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("strike", np.nan, "bad_strike"),
        ("strike", 0.0, "bad_strike"),
        ("strike", -5.0, "bad_strike"),
        ("strike", np.inf, "bad_strike"),
        ("expiration", np.datetime64("2024-01-01"), "expired"),
        ("expiration", SESSION, "expires_today"),
        ("years", 0.0, "expires_today"),
        ("years", -1e-5, "expires_today"),
        ("years", np.nan, "bad_expiration"),
        ("nonstandard", True, "nonstandard"),
        ("root", "SPY7", "nonstandard"),
        ("ask", np.nan, "no_ask"),
        ("ask", 0.99, "crossed"),
        ("ask", 1.0, "locked"),
        ("bid", 0.01, "penny"),
        ("ask", 4.0, "wide"),
    ],
)
def test_one_fault_costs_one_quote_and_names_itself(column, value, reason):
    quotes = calls()
    getattr(quotes, column)[2] = value
    assert reasons(BEFORE_FORWARD, quotes) == ["", "", reason, "", ""]


def test_a_root_that_the_source_does_not_have_is_no_fault():
    assert reasons(BEFORE_FORWARD, calls(root=["", "SPY", "", "SPY", None])) == [""] * 5


def test_two_cents_bid_are_kept():
    assert reasons(BEFORE_FORWARD, calls(bid=0.02, ask=0.03)) == [""] * 5


def test_a_wing_that_is_wide_everywhere_is_kept():
    assert reasons(BEFORE_FORWARD, calls(bid=0.05, ask=0.40)) == [""] * 5


def test_stub_quotes_are_wide_even_among_their_like():
    assert reasons(BEFORE_FORWARD, calls(bid=0.05, ask=4.80)) == ["wide"] * 5


def test_of_a_contract_quoted_twice_alike_the_first_is_kept():
    assert reasons(BEFORE_FORWARD, calls((101, 102, 102, 102, 103))) == ["", "", "duplicate", "duplicate", ""]


def test_of_agreeing_quotes_the_tightest_is_kept():
    quotes = calls((101, 102, 102, 102, 103), bid=[1, 0.9, 1.0, np.nan, 1], ask=[1.1, 1.2, 1.1, 1.1, 1.1])
    assert reasons(BEFORE_FORWARD, quotes) == ["", "duplicate", "", "duplicate", ""]


def test_of_contradicting_quotes_none_is_kept():
    quotes = calls((101, 102, 102, 103, 104), bid=[1, 0.5, 1.0, 1, 1], ask=[1.1, 0.6, 1.1, 1.1, 1.1])
    assert reasons(BEFORE_FORWARD, quotes) == ["", "ambiguous", "ambiguous", "", ""]


def test_a_mini_contract_is_no_duplicate():
    quotes = calls((101, 102, 102, 103, 104), root=["SPY", "SPY7", "SPY", "SPY", "SPY"])
    assert reasons(BEFORE_FORWARD, quotes) == ["", "nonstandard", "", "", ""]


def test_a_put_and_a_call_of_one_strike_are_no_duplicates():
    quotes = calls((101, 101, 102, 102, 103), is_call=[True, False, True, False, True])
    assert reasons(BEFORE_FORWARD, quotes) == [""] * 5


def test_a_quote_without_bid_bounds():
    quotes = calls(bid=[1, 1, 1, 1, np.nan], strikes=(101, 102, 103, 104, 130))
    assert reasons(BEFORE_FORWARD, quotes) == [""] * 5
    after = with_forward(quotes, mid_vol=[0.2, 0.2, 0.2, 0.2, np.nan], bid_vol=[0.19, 0.19, 0.19, 0.19, np.nan])
    assert reasons((*AFTER_FORWARD, BOUND), after) == ["", "", "", "", "zero_bid"]


def test_nobody_bounds_below_what_is_bid_further_out():
    quotes = calls((101, 102, 103, 104, 105, 106), bid=[1, 1, 1, 1, np.nan, 0.9], ask=[1.1, 1.1, 1.1, 1.1, 0.5, 1.1])
    after = with_forward(quotes, mid_vol=[0.2, 0.2, 0.2, 0.2, np.nan, 0.2])
    assert reasons((*AFTER_FORWARD, BOUND), after) == ["", "", "", "", "outlier", ""]


def test_without_forward_nothing_enters():
    after = with_forward(calls(), forward=np.nan)
    assert reasons((*AFTER_FORWARD, BOUND), after) == ["no_forward"] * 5


@pytest.mark.parametrize(
    ("call", "put", "reason"),
    [
        (1.0, 11.0, "in_the_money"),
        (1.0, 13.5, "off_parity"),
        (1.0, 8.0, "below_intrinsic"),
        (5.0, 11.0, "off_parity"),  # the put lags behind the call
        (1.0, 12.2, "in_the_money"),  # within what an early exercise and the room allow
    ],
)
def test_in_the_money_quotes_far_from_the_other_side_of_their_strike(call, put, reason):
    quotes = calls((110, 110), is_call=[True, False], bid=[call, put], ask=[call + 0.1, put + 0.1])
    assert reasons(AFTER_FORWARD[:-1], with_forward(quotes)) == ["", reason]


def test_prices_beyond_arbitrage_bounds():
    quotes = calls((50, 80, 95, 101, 102, 103, 104), bid=[1, 99.5, 5, 1, 1, 1, 1], ask=[2, 99.9, 6, 1.1, 1.1, 1.1, 1.1])
    found = reasons(AFTER_FORWARD, with_forward(quotes))
    assert found == ["below_intrinsic", "above_maximum", "in_the_money", "", "", "", ""]


def test_of_each_strike_the_side_out_of_the_money_enters():
    quotes = calls((99, 99.5, 100, 101, 102, 103), is_call=[False, True, False, True, True, True])
    found = reasons(AFTER_FORWARD, with_forward(quotes))
    assert found == ["", "in_the_money", "in_the_money", "", "", ""]


@pytest.mark.parametrize("side", ["bid_vol", "mid_vol", "ask_vol"])
def test_a_quote_of_which_a_vol_is_missing_does_not_enter(side):
    after = with_forward(calls(), **{side: [np.nan, 0.2, 0.2, 0.2, 0.2]})
    assert reasons(AFTER_FORWARD, after) == ["no_vol", "", "", "", ""]


def test_what_the_table_of_early_exercise_says_is_the_reason():
    after = with_forward(calls((101, 102, 103, 104, 105, 106)), mid_vol=[np.nan, np.nan, 0.2, 0.2, 0.2, 0.2])
    after.no_european[:2] = [NoEuropean.EXERCISED, NoEuropean.OUTSIDE]
    assert reasons(AFTER_FORWARD, after) == ["near_exercise", "outside_table", "", "", "", ""]


def test_an_expiration_with_a_few_quotes_is_too_thin():
    assert reasons(AFTER_FORWARD, with_forward(calls((101, 102, 103)))) == ["thin_expiration"] * 3


# Neighbours.


def smile(k, atm=0.18):
    return atm + 0.4 * k**2 - 0.3 * k


def test_nobody_on_a_smooth_smile_is_an_outlier():
    k = np.linspace(-0.5, 0.3, 60)
    group = np.repeat([0, 1], 30)
    assert not outliers(group, k, smile(k), np.full(60, 1e-4)).any()


@pytest.mark.parametrize("at", [0, 1, 17, 29])
@pytest.mark.parametrize("off", [-0.12, 0.12])
def test_a_stale_quote_is_found_and_its_neighbours_are_not(at, off):
    k = np.linspace(-0.4, 0.2, 30)
    vol = smile(k)
    vol[at] += off
    order = np.random.default_rng(0).permutation(30)
    found = np.empty(30, dtype=bool)
    found[order] = outliers(np.zeros(30, dtype=int), k[order], vol[order], np.full(30, 1e-3))
    assert np.flatnonzero(found).tolist() == [at]


def test_wide_quotes_may_lie_off_by_their_spread():
    k = np.linspace(-0.4, 0.2, 30)
    vol = smile(k)
    vol[10] += 0.08
    half_spread = np.full(30, 1e-3)
    half_spread[10] = 0.05
    assert not outliers(np.zeros(30, dtype=int), k, vol, half_spread).any()


def test_a_few_quotes_judge_nobody():
    k = np.linspace(-0.1, 0.1, 5)
    assert not outliers(np.zeros(5, dtype=int), k, np.array([0.2, 0.9, 0.2, 0.2, 0.2]), np.full(5, 1e-3)).any()


def test_local_spread_is_the_median_around_a_quote_in_its_group():
    draw = np.random.default_rng(3)
    group, strike, spread = draw.integers(0, 3, 60), draw.permutation(60).astype(float), draw.uniform(0, 1, 60)
    found = local_spread(group, strike, spread)
    for number in range(3):
        at = np.flatnonzero(group == number)
        at = at[np.argsort(strike[at])]
        start = np.clip(np.arange(len(at)) - 4, 0, len(at) - 9)
        expected = [np.median(spread[at[i : i + 9]]) for i in start]
        np.testing.assert_array_equal(found[at], expected)


# The report's filter.


def test_the_report_shows_what_its_filter_lets_pass():
    sound = {
        "role": "fit",
        "forward": 180.0,
        "carry": 0.0,
        "rate": 0.04,
        "years": 0.25,
        "bid": 2.0,
        "ask": 2.2,
        "strike": 190.0,
        "open_interest": 50.0,
    }
    changes = [
        {},
        {"open_interest": np.nan},
        {"open_interest": 9.0},
        {"ask": 2.8},
        {"strike": 0.5 * 178},
        {"strike": 1.7 * 178},
        {"years": 401 / 365},
        {"role": "dropped"},
        {"forward": np.nan},
    ]
    shown = report_quotes(pd.DataFrame([{**sound, **change} for change in changes]))
    assert shown.tolist() == [True, True] + [False] * 7
    assert set(GLD_REPORT_FILTERS) == {"open_interest", "spread_of_mid", "strike_of_spot", "days"}


def test_no_quote_is_no_fault():
    assert reasons(BEFORE_FORWARD, calls(())) == []
    assert reasons((*AFTER_FORWARD, BOUND), with_forward(calls(()))) == []
