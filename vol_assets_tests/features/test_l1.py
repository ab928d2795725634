"""The 21 features against loops written from their definitions, and the laws that make them safe to train on."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vol_assets import clock
from vol_assets.contracts.features import FEATURES_L1, L1_FEATURES
from vol_assets.features.l1 import LOOKBACK_SESSIONS, drawdown, l1_features, realised_vol, relative_strength

MEMORY = LOOKBACK_SESSIONS + 1


def series(bars: pd.DataFrame, symbol: str, column: str) -> list[float]:
    return bars[bars["symbol"] == symbol].sort_values("date")[column].tolist()


def pearson(x: list[float], y: list[float]) -> float:
    mx, my = sum(x) / len(x), sum(y) / len(y)
    covariance = sum((a - mx) * (b - my) for a, b in zip(x, y, strict=True))
    return covariance / math.sqrt(sum((a - mx) ** 2 for a in x) * sum((b - my) ** 2 for b in y))


def by_definition(bars: pd.DataFrame, t: int) -> dict[str, float]:
    """The row of the t-th session, each number by the sentence of the design that defines it."""
    spy, tlt, hyg, gld = (series(bars, symbol, "log_return") for symbol in ("SPY", "TLT", "HYG", "GLD"))
    vix, vix3m = (series(bars, symbol, "close")[t] / 100 for symbol in ("VIX", "VIX3M"))

    def last(returns, width):
        return returns[t - width + 1 : t + 1]

    row = {f"spy_ret_{w}d": math.fsum(last(spy, w)) for w in (1, 5, 10, 20, 60)}
    row |= {f"spy_vol_{w}d": math.sqrt(252 / w * math.fsum(r * r for r in last(spy, w))) for w in (5, 10, 20, 60)}
    levels = [100.0]
    for r in spy:
        levels.append(levels[-1] * math.exp(r))
    levels = levels[1:]
    row["drawdown_60d"] = 1 - levels[t] / max(levels[t - 59 : t + 1])
    row |= {"vix": vix, "vix3m": vix3m, "vix_term": vix3m / vix}
    up = sum(r for r in last(spy, 14) if r > 0) / 14
    row["rsi_spy_14"] = 100 * up / (sum(abs(r) for r in last(spy, 14)) / 14)
    for name, other, width in (
        ("tlt", tlt, 20),
        ("tlt", tlt, 60),
        ("hyg", hyg, 20),
        ("hyg", hyg, 60),
        ("gld", gld, 60),
    ):
        row[f"corr_spy_{name}_{width}d"] = pearson(last(spy, width), last(other, width))
    row["hyg_tlt_spread"] = hyg[t] - tlt[t]
    row["rv_vix_spread_20d"] = row["spy_vol_20d"] - vix
    return row


@pytest.fixture(scope="module")
def features(bars):
    return l1_features(bars)


@pytest.mark.parametrize("t", [59, 60, 61, 100, 149])
def test_every_feature_is_what_its_definition_says(bars, features, t):
    expected = by_definition(bars, t)
    assert set(expected) == set(features.columns)
    assert len(expected) == 21
    for name, value in expected.items():
        assert features[name].iloc[t] == pytest.approx(value, abs=1e-12, rel=1e-12), name


def test_returns_volatility_and_correlation_equal_pandas_rolling_windows(bars, features):
    wide = bars.pivot(index="date", columns="symbol", values="log_return")
    spy = wide["SPY"]
    expected = {f"spy_ret_{w}d": spy.rolling(w).sum() for w in (1, 5, 10, 20, 60)}
    expected |= {f"spy_vol_{w}d": np.sqrt(252 * (spy**2).rolling(w).mean()) for w in (5, 10, 20, 60)}
    expected |= {f"corr_spy_tlt_{w}d": spy.rolling(w).corr(wide["TLT"]) for w in (20, 60)}
    for name, reference in expected.items():
        np.testing.assert_allclose(features[name][59:], reference[59:], rtol=0, atol=1e-12, err_msg=name)


def test_the_table_has_a_row_a_session_and_the_contracts_columns_in_order(bars, features):
    assert tuple(features.columns) == L1_FEATURES
    assert list(features.index.date) == clock.sessions(bars["date"].min(), bars["date"].max())


def test_the_first_complete_row_is_the_sixtieth_return(features):
    assert features[:59].isna().all(axis=None)
    assert features[59:].notna().all(axis=None)


def test_random_features_keep_their_contract(features):
    FEATURES_L1.require(features.rename_axis("date").reset_index().astype({"date": "datetime64[ns]"}))


@pytest.mark.parametrize("t", [59, 97, 149])
@pytest.mark.parametrize("earlier", [0, 1, 7])
def test_a_daily_run_equals_a_rebuild_to_the_bit(bars, features, t, earlier):
    """The row of a session from its own 60 sessions (or a few more) is the row of the whole history."""
    days = features.index[max(t - LOOKBACK_SESSIONS - earlier, 0) : t + 1]
    daily = l1_features(bars[bars["date"].isin(days)])
    pd.testing.assert_frame_equal(daily.iloc[[-1]], features.iloc[[t]], check_exact=True, check_freq=False)


@pytest.mark.parametrize("t", [60, 100, 148])
def test_nothing_after_a_session_changes_its_row(bars, features, t):
    today = features.index[t]
    future = bars["date"] > today
    draw = np.random.default_rng(t)
    columns = ["close", "log_return"]
    perturbed = bars.copy()
    perturbed.loc[future, columns] *= draw.uniform(-3, 3, (future.sum(), len(columns)))
    after = l1_features(perturbed)
    pd.testing.assert_frame_equal(after[: t + 1], features[: t + 1], check_exact=True)
    assert not after[t + 1 :].equals(features[t + 1 :])


def test_the_oldest_return_of_the_window_counts_and_the_one_before_does_not(bars, features):
    last = features.index[-1]
    for back, matters in ((LOOKBACK_SESSIONS, True), (LOOKBACK_SESSIONS + 1, False)):
        other = bars.copy()
        other.loc[(bars["date"] == features.index[-1 - back]) & (bars["symbol"] == "SPY"), "log_return"] += 0.05
        assert l1_features(other).loc[last].equals(features.loc[last]) != matters


def test_the_order_of_the_rows_of_the_bars_does_not_matter(bars, features):
    pd.testing.assert_frame_equal(l1_features(bars.sort_values(["symbol", "date"])), features, check_exact=True)


@pytest.mark.parametrize("symbol", [None, "SPY", "TLT", "HYG", "GLD"])
def test_a_gap_makes_exactly_the_windows_that_hold_it_null(bars, drop, symbol):
    gap = 75
    features = l1_features(drop(bars, sorted(bars["date"].unique())[gap], symbol))
    null = features.isna().all(axis=1)
    assert list(np.flatnonzero(~null)) == [t for t in range(59, 150) if not gap <= t < gap + MEMORY]
    assert list(features.isna().any(axis=1)) == list(null)  # a row is complete or null


@pytest.mark.parametrize("symbol", ["VIX", "VIX3M"])
def test_a_missing_index_level_costs_its_own_session_alone(bars, drop, symbol):
    features = l1_features(drop(bars, sorted(bars["date"].unique())[75], symbol))
    assert list(np.flatnonzero(features.isna().all(axis=1))) == [*range(59), 75]


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(gaps=st.sets(st.integers(60, 149), min_size=1, max_size=6), symbol=st.sampled_from(("SPY", "VIX", "GLD")))
def test_rows_are_complete_or_null_whatever_is_missing(bars, gaps, symbol):
    days = np.sort(bars["date"].unique())[list(gaps)]
    features = l1_features(bars[~(bars["date"].isin(days) & (bars["symbol"] == symbol))])
    nulls = features.isna()
    assert (nulls.all(axis=1) | ~nulls.any(axis=1)).all()


def test_an_optional_symbol_changes_nothing(bars, features):
    gold = bars[bars["symbol"] == "GLD"].assign(symbol="GC=F", log_return=np.nan, close=np.nan)
    pd.testing.assert_frame_equal(l1_features(pd.concat([bars, gold])), features, check_exact=True)


def test_hygs_listing_gives_the_first_complete_row_at_its_61st_session(make_bars):
    """HYG has a price on 2007-04-11 and its first return the session after; 60 returns are 61 sessions."""
    bars = make_bars(180, first="2007-01-03")
    first = pd.Timestamp("2007-04-11")
    bars = bars[(bars["symbol"] != "HYG") | (bars["date"] >= first)].copy()
    bars.loc[(bars["symbol"] == "HYG") & (bars["date"] == first), "log_return"] = np.nan
    complete = l1_features(bars).dropna()
    assert complete.index[0].date() == clock.sessions(clock.FIRST_SESSION, "2007-12-31")[60]
    assert complete.index[0] == pd.Timestamp("2007-07-06")


def test_a_flat_market_has_an_rsi_of_50_no_volatility_and_no_drawdown():
    flat = np.zeros(80)
    assert relative_strength(flat, 14)[13:].tolist() == [50.0] * 67
    assert realised_vol(flat, 20)[19:].tolist() == [0.0] * 61
    assert drawdown(flat, 60)[58:].tolist() == [0.0] * 22


def test_a_market_that_only_rises_has_an_rsi_of_100_and_one_that_only_falls_0():
    assert relative_strength(np.full(20, 0.01), 14)[13:] == pytest.approx(100.0)
    assert relative_strength(np.full(20, -0.01), 14)[13:].tolist() == [0.0] * 7


def test_rsi_by_hand():
    # Gains 1 + 2 + 1 = 4, moves 1 + 3 + 2 + 2 + 1 + 1 = 10, the rest flat: 40.
    returns = np.array([0.01, -0.03, 0.02, -0.02, 0.01, -0.01] + [0.0] * 8)
    assert relative_strength(returns, 14)[13] == pytest.approx(40.0)


def test_drawdown_by_hand():
    # 100, 120, 90, 108: after the fourth close 1 - 108 / 120, after the third 1 - 90 / 120.
    returns = np.diff(np.log([100.0, 120.0, 90.0, 108.0, 108.0]))
    np.testing.assert_allclose(drawdown(returns, 4)[2:], [0.10, 0.10], atol=1e-15)
    np.testing.assert_allclose(drawdown(returns, 3)[1:], [0.25, 0.10, 0.0], atol=1e-15)  # the 120 has left by then


def test_the_drawdown_sees_the_close_before_its_first_return():
    """Three closes are two returns: the first of the three can be the highest."""
    assert drawdown(np.log([0.9, 0.9]), 3)[-1] == pytest.approx(1 - 0.81)


@given(st.lists(st.floats(-0.1, 0.1), min_size=12, max_size=40))
def test_a_drawdown_is_between_zero_and_one_and_zero_exactly_at_a_high(returns):
    closes = 10
    levels = np.concatenate([[0.0], np.cumsum(returns)])
    for t, value in enumerate(drawdown(np.array(returns), closes)):
        if t < closes - 2:
            assert np.isnan(value)
            continue
        assert 0 <= value < 1
        window = levels[t + 2 - closes : t + 2]
        assert value == pytest.approx(1 - math.exp(window[-1] - window.max()), abs=1e-12)


def test_volatility_of_one_percent_a_day_is_its_annualised_value():
    assert realised_vol(np.full(20, -0.01), 20)[-1] == pytest.approx(0.01 * math.sqrt(252))


def test_levels_come_from_total_returns_and_never_from_closes(bars, features):
    """SPY's close jumps at a split or a dividend; its curated total return does not."""
    split = bars.copy()
    split.loc[(bars["symbol"] == "SPY") & (bars["date"] >= features.index[80]), "close"] /= 10
    pd.testing.assert_frame_equal(l1_features(split), features, check_exact=True)
