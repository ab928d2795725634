"""The sample market: one path however it is asked for, honest bars, and the facts that make it look like a market.

Bands hold what was measured on SPY, VIX and VIX3M of 2007-2019, beside each band in brackets.
"""

from __future__ import annotations

import datetime as dt
import hashlib

import numpy as np
import pandas as pd
import pytest

from vol_assets import clock
from vol_assets.contracts.symbols import PLAUSIBLE_LEVELS
from vol_assets.errors import SessionError, SourceError
from vol_assets.sources.protocol import BAR_COLUMNS, SYMBOLS
from vol_assets.sources.sample import SampleMarket, true_expected_variance, true_spot_variance
from vol_assets.sources.sample import variance as model
from vol_assets.sources.sample.bars import FIRST_SESSIONS, SPLITS

FIRST, LAST = clock.FIRST_SESSION, clock.CALENDAR_END
NOW = dt.datetime.now(dt.UTC)
SPLIT = SPLITS["SPY"][0]

NINE = ("SPY", "VIX", "VIX3M", "TLT", "HYG", "GLD", "GC=F", "GVZ", "IRX")  # as they were before there were more
LATER = ("SKEW", "VIX9D", "VVIX")

PINNED_CLOSES = {
    "GC=F": 2568.55,
    "GLD": 234.92,
    "GVZ": 15.07,
    "HYG": 82.96,
    "IRX": 2.04,
    "SPY": 249.86,
    "TLT": 97.44,
    "VIX": 20.82,
    "VIX3M": 23.54,
}  # 2026-11-20
PINNED_SPY = [
    np.float64(245.49),
    np.float64(250.37),
    np.float64(245.3),
    np.float64(249.86),
    np.float64(244.52),
    np.float64(411091600.0),
]
PINNED_VARIANCE = 0.01174627  # at the last close
PINNED_HASH = "d89580a7908cdd3f"
PINNED_LATER_HASH = "bb9cfbf82076dd7a"


def bars(first: dt.date = FIRST, last: dt.date = LAST, symbols: tuple[str, ...] = SYMBOLS) -> pd.DataFrame:
    return SampleMarket().daily_bars(symbols, first, last).bars


def without_clock(table: pd.DataFrame) -> pd.DataFrame:
    return table.drop(columns="fetched_at").reset_index(drop=True)


@pytest.fixture(scope="module")
def whole() -> pd.DataFrame:
    return bars()


@pytest.fixture(scope="module")
def close(whole) -> pd.DataFrame:
    return whole.pivot(index="date", columns="symbol", values="close")


@pytest.fixture(scope="module")
def spy(whole) -> pd.DataFrame:
    table = whole[whole.symbol == "SPY"].set_index("date")
    return table.assign(ret=np.log(table.close / table.previous_close))


@pytest.fixture(scope="module")
def returns(whole) -> pd.DataFrame:
    table = whole.assign(ret=np.log(whole.close / whole.previous_close))
    return table.pivot(index="date", columns="symbol", values="ret")


def realised(ret: pd.Series, sessions: int) -> pd.Series:
    """Annualised volatility of the `sessions` sessions up to each one."""
    return np.sqrt(252.0 / sessions * (ret**2).rolling(sessions).sum())


def range_variance(spy: pd.DataFrame) -> pd.Series:
    """Garman-Klass variance of the day plus the squared overnight return."""
    day = 0.5 * np.log(spy.high / spy.low) ** 2 - (2 * np.log(2) - 1) * np.log(spy.close / spy.open) ** 2
    return day + np.log(spy.open / spy.previous_close) ** 2


# One path, however it is asked for


@pytest.mark.parametrize("day", ["2007-04-11", "2008-10-15", "2020-08-31", "2026-11-20", "2035-12-31"])
def test_one_day_asked_for_alone_equals_its_slice_of_a_range(whole, day):
    alone = bars(dt.date.fromisoformat(day), dt.date.fromisoformat(day))
    pd.testing.assert_frame_equal(without_clock(alone), without_clock(whole[whole.date == day]), check_exact=True)


def test_a_range_equals_its_slice_of_the_whole_path(whole):
    some = bars(dt.date(2016, 1, 4), dt.date(2017, 12, 29))
    cut = whole[whole.date.between("2016-01-04", "2017-12-29")]
    pd.testing.assert_frame_equal(without_clock(some), without_clock(cut), check_exact=True)


def test_some_symbols_are_the_same_bars_as_all_of_them(whole):
    some = bars(symbols=("VIX", "GLD"))
    cut = whole[whole.symbol.isin(["VIX", "GLD"])]
    pd.testing.assert_frame_equal(without_clock(some), without_clock(cut), check_exact=True)


def test_an_answer_can_be_changed_without_changing_the_market():
    day = dt.date(2015, 6, 1)
    answer = bars(day, day)
    answer["close"] = 0.0
    assert (bars(day, day).close > 0.0).all()


def test_the_path_is_frozen_a_change_of_constants_or_streams_must_be_meant(whole):
    """If this fails by accident, every lake, model and document built on the sample market has just changed too.

    If it was meant, look at the picture and at the facts below, then write the new numbers here.
    """
    row = whole[whole.date == "2026-11-20"].set_index("symbol")
    assert row.close.loc[list(NINE)].sort_index().to_dict() == PINNED_CLOSES
    assert row.loc["SPY", ["open", "high", "low", "close", "previous_close", "volume"]].tolist() == PINNED_SPY
    assert true_spot_variance(LAST, LAST).iloc[0] == pytest.approx(PINNED_VARIANCE, rel=1e-6)
    assert hashed(whole[whole.symbol.isin(NINE)]) == PINNED_HASH
    assert hashed(whole[whole.symbol.isin(LATER)]) == PINNED_LATER_HASH


def hashed(table: pd.DataFrame) -> str:
    numbers = np.ascontiguousarray(table[["open", "high", "low", "close", "previous_close", "volume"]].to_numpy())
    cents = np.where(np.isnan(numbers), -1.0, np.round(numbers * 100.0)).astype("<i8")
    return hashlib.sha256(cents.tobytes()).hexdigest()[:16]


# The answer


def test_columns_types_and_order_are_the_protocols(whole):
    assert tuple(whole.columns) == BAR_COLUMNS
    assert whole.date.dtype == "datetime64[ns]"
    assert whole.fetched_at.dtype == "datetime64[us, UTC]"
    assert (whole[["open", "high", "low", "close", "previous_close", "volume"]].dtypes == "float64").all()
    assert whole.equals(whole.sort_values(["date", "symbol"], ignore_index=True))
    assert sorted(whole.symbol.unique()) == sorted(SYMBOLS)
    assert whole.date.drop_duplicates().dt.date.tolist() == clock.sessions(FIRST, LAST)


def test_a_bar_is_fetched_now_but_never_before_its_close(whole):
    closes = whole.date.map(clock.calendar().closes)
    past = closes <= NOW
    assert (whole.fetched_at[past] >= NOW).all()
    assert whole.fetched_at[past].nunique() == 1
    future = closes > whole.fetched_at.iloc[0]
    assert future.any()
    assert (whole.fetched_at[future] == closes[future]).all()


@pytest.mark.parametrize(("first", "last"), [("2007-04-10", "2007-05-01"), ("2035-12-31", "2036-01-02")])
def test_a_request_outside_the_simulated_years_says_which_they_are(first, last):
    with pytest.raises(SourceError, match=r"2007-04-11 \.\.\. 2035-12-31"):
        bars(dt.date.fromisoformat(first), dt.date.fromisoformat(last))


def test_an_unknown_symbol_is_named():
    with pytest.raises(SourceError, match="QQQ"):
        bars(FIRST, FIRST, ("SPY", "QQQ"))


def test_a_day_without_trading_is_refused():
    with pytest.raises(SessionError, match="Good Friday"):
        bars(dt.date(2019, 4, 19), dt.date(2019, 4, 22))


# Bars


def test_high_and_low_bound_open_and_close(whole):
    traded = whole.dropna(subset="open")
    assert (traded.high >= traded[["open", "close"]].max(axis=1)).all()
    assert (traded.low <= traded[["open", "close"]].min(axis=1)).all()
    assert (traded.low > 0.0).all()


def test_prices_are_on_the_tick(whole):
    prices = whole[["open", "high", "low", "close", "previous_close"]]
    assert (prices.round(2) == prices)[prices.notna()].stack().all()


def test_the_lesser_indices_have_closes_only_and_no_index_has_a_volume(whole):
    close_only = ["GVZ", "IRX", *LATER]
    assert whole.loc[whole.symbol.isin(close_only), ["open", "high", "low"]].isna().all(axis=None)
    assert set(whole.symbol[whole.open.isna()]) == set(close_only)
    indices = whole.symbol.isin(["VIX", "VIX3M", *close_only])
    assert (whole.volume[indices] == 0.0).all()
    assert (whole.volume[~indices] > 0.0).all()


def test_only_hyg_and_vix9d_on_their_first_days_have_no_previous_close(whole):
    missing = whole[whole.previous_close.isna()]
    begun = [[pd.Timestamp(FIRST), "HYG"], [pd.Timestamp(FIRST_SESSIONS["VIX9D"]), "VIX9D"]]
    assert missing[["date", "symbol"]].values.tolist() == begun


def test_vix9d_begins_in_2011_and_has_no_bar_before_alone_or_with_others(whole):
    assert whole.close.notna().all()
    begins = whole.groupby("symbol").date.min().dt.date
    assert begins.pop("VIX9D") == dt.date(2011, 1, 3)
    assert set(begins) == {FIRST}
    before, first = dt.date(2010, 12, 31), dt.date(2011, 1, 3)
    assert bars(before, before, ("VIX9D",)).empty
    assert bars(before, before).symbol.tolist() == sorted(set(SYMBOLS) - {"VIX9D"})
    assert bars(before, first, ("VIX9D", "VIX")).symbol.tolist() == ["VIX", "VIX", "VIX9D"]


def test_previous_close_is_the_close_before_except_on_ex_dates(whole):
    for symbol, table in whole.groupby("symbol"):
        before = table.close.shift()
        changed = table.date[(before != table.previous_close) & before.notna() & (table.date.dt.date != SPLIT)]
        a_year = len(changed) / ((LAST - FIRST).days / 365.25)
        assert a_year == pytest.approx({"SPY": 4, "TLT": 12, "HYG": 12}.get(symbol, 0), abs=0.1)


def test_the_split_halves_the_quote_and_leaves_no_jump_in_the_total_return(spy):
    at = spy.index.get_loc(pd.Timestamp(SPLIT))
    assert spy.close.iloc[at] / spy.close.iloc[at - 1] == pytest.approx(0.5, abs=0.03)
    assert abs(spy.ret.iloc[at]) < 4.0 * spy.ret.iloc[at - 22 : at].std()


def test_dividends_leave_no_jump_in_the_total_return(whole):
    """HYG pays half a percent a month: the quote falls by it, the total return does not."""
    hyg = whole[whole.symbol == "HYG"]
    quoted, total = np.log(hyg.close / hyg.close.shift()), np.log(hyg.close / hyg.previous_close)
    ex = hyg.previous_close < hyg.close.shift()
    assert (quoted - total)[ex].mean() == pytest.approx(-0.06 / 12, rel=0.05)
    assert abs(total[ex].mean() - total[~ex].mean()) < 3.0 * total.std() / np.sqrt(ex.sum())


def test_the_gold_future_follows_an_ounce_and_has_flat_days(whole, close, returns):
    ratio = close["GC=F"] / close["GLD"]
    assert ratio.between(9.5, 12.0).all()
    assert 0.6 < returns["GC=F"].corr(returns["GLD"]) < 0.95  # it settles at 13:30 (.87)
    future = whole[whole.symbol == "GC=F"]
    assert 0.03 < (future.high == future.low).mean() < 0.10  # (6 %)


# What makes it look like a market


def test_spy_volatility_is_that_of_an_equity_index(spy):
    assert 0.12 < spy.ret.std() * np.sqrt(252) < 0.22  # (.19)


def test_returns_have_fat_tails(spy):
    assert spy.ret.kurt() + 3.0 > 5.0  # (17)


def test_volatility_clusters(spy):
    assert 0.4 < np.log(realised(spy.ret, 5)).autocorr(5) < 0.8  # (.63)


def test_calm_years_and_wild_years_both_occur(spy):
    years = spy.ret.groupby(spy.index.year).std() * np.sqrt(252)
    assert years.min() < 0.10  # (.07)
    assert years.max() > 0.22  # (.41)


def test_vix_is_dearer_than_the_volatility_that_follows(spy, close):
    premium = close["VIX"] - 100.0 * realised(spy.ret, 21).shift(-21)
    assert 2.0 < premium.mean() < 6.0  # (3.5)


def test_vix_rises_when_spy_falls(spy, close):
    assert close["VIX"].diff().corr(spy.ret) < -0.6  # (-.85)


def test_vix3m_is_above_vix_on_most_sessions(close):
    assert 0.75 < (close["VIX3M"] > close["VIX"]).mean() < 0.95  # (.87)


def test_vix9d_is_mostly_below_vix_and_passes_it_in_stress(close):
    ratio = np.log(close["VIX9D"] / close["VIX"]).dropna()
    assert 0.65 < (ratio < 0.0).mean() < 0.85  # (.71, 2011-2019)
    assert -0.09 < ratio.median() < -0.03  # (-.05)
    assert 0.06 < ratio.std() < 0.11  # (.10)
    assert ratio.corr(np.log(close["VIX"])) > 0.15  # (.55)
    assert 0.7 < ratio.autocorr(1) < 0.9  # (.80)


def test_vix9d_moves_with_vix_and_more(close):
    nine, month = np.log(close["VIX9D"]).diff(), np.log(close["VIX"]).diff()
    assert nine.corr(month) > 0.8
    assert 1.2 < nine.std() / month.std() < 1.8  # (1.6)


def test_vvix_is_the_volatility_of_vix_and_rises_with_it(close):
    vvix, vix = np.log(close["VVIX"]), np.log(close["VIX"])
    assert 85.0 < close["VVIX"].mean() < 100.0  # (89)
    assert 10.0 < close["VVIX"].std() < 18.0  # (13)
    assert vvix.diff().corr(vix.diff()) > 0.6  # (.80)
    assert 0.2 < vvix.corr(vix) < 0.85  # (.25; since 2013 more)


def test_skew_has_a_life_of_its_own_and_is_a_little_lower_when_vix_is_high(close):
    skew = close["SKEW"]
    assert 120.0 < skew.mean() < 130.0  # (124)
    assert 6.0 < skew.std() < 10.0  # (8.2)
    assert 0.85 < skew.autocorr(1) < 0.97  # (.92)
    assert -0.55 < np.log(skew).corr(np.log(close["VIX"])) < 0.0  # (-.51)


def test_the_optional_indices_stay_where_the_real_ones_have_been(close):
    for symbol, (low, high) in PLAUSIBLE_LEVELS.items():
        assert close[symbol].dropna().between(low, high).all(), symbol


def test_the_daily_range_measures_the_variance_without_bias(spy):
    assert 0.95 < range_variance(spy).mean() / (spy.ret**2).mean() < 1.05  # (1.04)


def test_bonds_mostly_hedge_stocks_but_not_always(returns):
    rolling = returns["SPY"].rolling(60).corr(returns["TLT"])
    assert -0.6 < returns["SPY"].corr(returns["TLT"]) < -0.2  # (-.44)
    assert 0.05 < (rolling > 0.1).mean() < 0.3


def test_credit_goes_with_stocks_and_more_so_in_stress(returns, close):
    wild = close["VIX"] > close["VIX"].quantile(0.8)
    both = returns[["SPY", "HYG"]]
    assert 0.55 < both.corr().iloc[0, 1] < 0.8  # (.64)
    assert both[wild].corr().iloc[0, 1] > both[~wild].corr().iloc[0, 1] + 0.05


def test_volume_is_high_when_volatility_is(whole, close):
    volume = whole.pivot(index="date", columns="symbol", values="volume")
    assert np.log(volume["SPY"]).corr(np.log(close["VIX"])) > 0.4  # (.81)


def test_the_bill_rate_stays_in_the_range_of_living_memory(close):
    assert close["IRX"].between(0.0, 5.6).all()
    assert close["IRX"].max() > 4.0
    assert close["IRX"].min() < 0.5


def test_vix_improves_a_har_forecast_but_reveals_too_little_for_an_absurd_one(spy, close):
    """Fitted on the first half, judged on the second: R2 of the volatility of the next five sessions."""
    variance = range_variance(spy)
    har = pd.DataFrame({window: np.log(variance.rolling(window).mean()) for window in (1, 5, 22)})
    label = realised(spy.ret, 5).shift(-5)

    def r2(features: pd.DataFrame) -> float:
        rows = features.notna().all(axis=1) & label.notna()
        x, y = np.column_stack([np.ones(rows.sum()), features[rows]]), label[rows].to_numpy()
        half = len(y) // 2
        slope = np.linalg.lstsq(x[: half - 5], np.log(y[: half - 5]), rcond=None)[0]
        smearing = np.exp(np.log(y[: half - 5]) - x[: half - 5] @ slope).mean()
        return 1.0 - np.mean((y[half:] - smearing * np.exp(x[half:] @ slope)) ** 2) / np.var(y[half:])

    without, with_vix = r2(har), r2(har.assign(vix=np.log(close["VIX"])))
    assert 0.3 < with_vix < 0.65  # (.43)
    assert with_vix > without + 0.02


# The truth


def test_true_variance_is_unbiased_for_the_next_squared_return(spy):
    variance = true_spot_variance(FIRST, LAST).shift()
    assert (spy.ret**2 * 252.0 / variance).mean() == pytest.approx(1.0, abs=0.05)
    calm = variance < variance.median()
    for half in (calm, ~calm):
        assert (spy.ret**2)[half].mean() * 252.0 == pytest.approx(variance[half].mean(), rel=0.1)


def test_true_expected_variance_tracks_the_variance_that_follows(spy):
    expected = true_expected_variance(FIRST, LAST, 21)
    followed = realised(spy.ret, 21).shift(-21) ** 2
    assert followed.mean() == pytest.approx(expected.mean(), rel=0.15)
    assert np.log(expected).corr(np.log(followed)) > 0.7


@pytest.mark.parametrize("regime", [0, 1])
def test_the_closed_form_of_expected_variance_is_the_average_over_many_paths(regime):
    path = model.simulate(400_000)
    followed = np.convolve(path.spot, np.ones(21) / 21, mode="valid")
    inside = path.regime[: len(followed)] == regime
    expected = path.expected(21)[: len(followed)]
    for quantile in np.array_split(np.argsort(expected[inside]), 3):
        assert followed[inside][quantile].mean() == pytest.approx(expected[inside][quantile].mean(), rel=0.05)


def test_the_truth_covers_the_sessions_asked_for():
    one = true_spot_variance(dt.date(2019, 7, 1), dt.date(2019, 7, 5))
    assert [day.date() for day in one.index] == clock.sessions("2019-07-01", "2019-07-05")
    assert true_expected_variance(dt.date(2019, 7, 1), dt.date(2019, 7, 5), 1).tolist() == pytest.approx(one.tolist())


def test_neither_index_reveals_the_other_or_the_variance(close):
    state = np.log(true_spot_variance(FIRST, LAST))
    vix, vix3m = np.log(close["VIX"]), np.log(close["VIX3M"])
    for known in ([vix], [vix3m], [vix, vix3m]):
        x = np.column_stack([np.ones(len(state)), *known])
        left = state - x @ np.linalg.lstsq(x, state, rcond=None)[0]
        assert left.std() > 0.2  # of ln variance: 10 % of volatility
    assert np.std(vix3m - np.polyval(np.polyfit(vix, vix3m, 3), vix)) > 0.02
