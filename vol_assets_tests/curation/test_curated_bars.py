"""raw/market -> curated/market: returns on the right basis, variances by hand, rates carried over short gaps."""

import math

import numpy as np
import pandas as pd
import pytest

from vol_assets import clock
from vol_assets.contracts.market import CURATED_MARKET
from vol_assets.contracts.symbols import REQUIRED_SYMBOLS, SYMBOLS
from vol_assets.curation.bars import LOOKBACK_SESSIONS, curate

DAY, BEFORE = "2024-01-05", "2024-01-04"


def row(curated: pd.DataFrame, day: str, symbol: str) -> pd.Series:
    (found,) = curated[(curated["date"] == day) & (curated["symbol"] == symbol)].index
    return curated.loc[found]


def test_sound_bars_become_curated_bars_that_keep_the_contract(raw):
    curated = curate(raw)
    CURATED_MARKET.require(curated)
    assert len(curated) == 8 * len(SYMBOLS)
    assert curated["log_return"].notna().sum() == 8 * (len(SYMBOLS) - 1)


def test_prices_and_volumes_are_taken_as_they_came(raw):
    numbers = ["date", "symbol", "open", "high", "low", "close", "volume"]
    curated = curate(raw).sort_values(["date", "symbol"], ignore_index=True)
    pd.testing.assert_frame_equal(curated[numbers], raw[numbers], check_exact=True)


def test_the_bars_given_are_not_written_into(raw):
    before = raw.copy()
    curate(raw)
    pd.testing.assert_frame_equal(raw, before)


def test_returns_and_variances_by_hand(raw, change):
    raw = change(raw, DAY, "SPY", previous_close=400.0, open=404.0, high=412.0, low=402.0, close=410.0)
    spy = row(curate(raw), DAY, "SPY")
    assert spy["log_return"] == pytest.approx(math.log(410 / 400), rel=1e-14)
    assert spy["overnight_variance"] == pytest.approx(math.log(404 / 400) ** 2, rel=1e-12)
    # Garman and Klass (1980): u = ln(412/404), d = ln(402/404), c = ln(410/404); (u - d)^2 / 2 - (2 ln 2 - 1) c^2
    garman_klass = 0.5 * math.log(412 / 402) ** 2 - (2 * math.log(2) - 1) * math.log(410 / 404) ** 2
    assert spy["range_variance"] == pytest.approx(garman_klass, rel=1e-12)
    assert garman_klass == pytest.approx(2.1792e-4, rel=1e-4)


def test_a_dividend_is_part_of_the_return():
    """100.00 before, 1.50 paid, 99.00 after: the holder gained half a dollar on 98.50."""
    adjusted = 100.0 * (1 - 1.5 / 100)
    spy = row(curate(_two_sessions(close=99.0, previous_close=adjusted)), DAY, "SPY")
    assert spy["log_return"] == pytest.approx(math.log(99.0 / 98.5))


def test_a_split_is_no_return():
    """Two for one: 100 before, 50.5 after is a rise of one percent."""
    spy = row(curate(_two_sessions(close=50.5, previous_close=50.0)), DAY, "SPY")
    assert spy["log_return"] == pytest.approx(math.log(1.01))


def test_the_return_does_not_come_from_the_stored_close_of_another_basis():
    for stored in (100.0, 50.0, 1.0):
        bars = _two_sessions(close=50.5, previous_close=50.0)
        bars.loc[bars["date"] == BEFORE, "close"] = stored
        assert row(curate(bars), DAY, "SPY")["log_return"] == pytest.approx(math.log(1.01))


def _two_sessions(close: float, previous_close: float) -> pd.DataFrame:
    dates = pd.DatetimeIndex([BEFORE, DAY]).as_unit("ns")
    bars = pd.DataFrame({"date": dates, "symbol": "SPY", "close": [100.0, close]})
    bars["previous_close"] = [np.nan, previous_close]
    bars[["open", "high", "low"]] = np.nan
    fetched = pd.Series(pd.Timestamp("2024-01-10", tz="UTC"), bars.index).astype("datetime64[us, UTC]")
    return bars.assign(volume=0.0, source="sample", fetched_at=fetched)


def test_a_close_only_series_has_a_return_and_no_variances():
    gvz = row(curate(_two_sessions(close=50.5, previous_close=50.0).assign(symbol="GVZ")), DAY, "GVZ")
    assert gvz["log_return"] == pytest.approx(math.log(1.01))
    assert np.isnan(gvz["overnight_variance"])
    assert np.isnan(gvz["range_variance"])


def test_a_rate_has_neither_return_nor_variances(raw):
    rates = curate(raw).query("symbol == 'IRX'")
    assert rates[["log_return", "overnight_variance", "range_variance"]].isna().all(axis=None)
    assert rates["close"].notna().all()


@pytest.mark.parametrize(
    "values", [{"close": -5.0}, {"close": 0.0}, {"previous_close": 0.0}, {"open": -1.0, "low": -2.0}]
)
def test_numbers_without_a_logarithm_become_nulls_and_never_infinities(raw, change, values):
    curated = curate(change(raw, DAY, "GC=F", **values))
    numbers = curated[["log_return", "overnight_variance", "range_variance"]]
    assert not np.isinf(numbers.to_numpy()).any()
    assert row(curated, DAY, "GC=F")[["log_return", "overnight_variance", "range_variance"]].isna().any()


@pytest.mark.parametrize("gap", [1, 2, 5])
def test_a_missing_rate_is_the_last_one_of_up_to_five_sessions_ago(raw, remove, gap):
    days = [f"{day:%Y-%m-%d}" for day in raw["date"].unique()]
    last = row(curate(raw), days[1], "IRX")["close"]
    for day in days[2 : 2 + gap]:
        raw = remove(raw, day, "IRX")
    curated = curate(raw)
    for age, day in enumerate(days[2 : 2 + gap], start=1):
        rate = row(curated, day, "IRX")
        assert rate["close"] == last
        assert rate["quality_flags"] == f"missing_symbol,carried_{age}"
    assert row(curated, days[2 + gap], "IRX")["quality_flags"] == ""


def test_a_rate_is_not_carried_further_than_five_sessions(raw, remove):
    days = [f"{day:%Y-%m-%d}" for day in raw["date"].unique()]
    for day in days[1:7]:
        raw = remove(raw, day, "IRX")
    curated = curate(raw)
    assert row(curated, days[5], "IRX")["quality_flags"] == "missing_symbol,carried_5"
    assert row(curated, days[6], "IRX")["quality_flags"] == "missing_symbol"
    assert np.isnan(row(curated, days[6], "IRX")["close"])


def test_a_rate_ages_over_sessions_that_the_raw_table_lacks_altogether(raw, remove):
    days = [f"{day:%Y-%m-%d}" for day in raw["date"].unique()]
    raw = remove(remove(raw, days[3]), days[4], "IRX")
    assert row(curate(raw), days[4], "IRX")["quality_flags"] == "missing_symbol,carried_2"


@pytest.mark.parametrize("symbol", ["SPY", "VIX", "GC=F", "GVZ"])
def test_nothing_but_rates_is_carried(raw, remove, symbol):
    assert np.isnan(row(curate(remove(raw, DAY, symbol)), DAY, symbol)["close"])


def test_a_session_that_the_raw_table_lacks_stays_away(raw, remove):
    curated = curate(remove(raw, DAY))
    assert pd.Timestamp(DAY) not in set(curated["date"])
    assert curated["date"].nunique() == 7


@pytest.mark.parametrize("position", [5, 6, 7])
def test_a_daily_run_with_its_lookback_equals_a_rebuild(raw, remove, position):
    days = raw["date"].unique()
    raw = remove(raw, f"{days[1]:%Y-%m-%d}", "IRX")
    whole = curate(raw)
    first = pd.Timestamp(clock.offset(days[position].date(), -LOOKBACK_SESSIONS))
    daily = curate(raw[(raw["date"] >= first) & (raw["date"] <= days[position])])
    of_day = [frame[frame["date"] == days[position]].reset_index(drop=True) for frame in (daily, whole)]
    pd.testing.assert_frame_equal(*of_day, check_exact=True)


def test_the_rate_of_the_oldest_session_of_the_lookback_can_still_be_carried(raw, remove):
    days = [f"{day:%Y-%m-%d}" for day in raw["date"].unique()]
    for day in days[3:8]:
        raw = remove(raw, day, "IRX")
    lookback = raw[raw["date"] >= pd.Timestamp(clock.offset(days[7], -LOOKBACK_SESSIONS))]
    assert row(curate(lookback), days[7], "IRX")["quality_flags"] == "missing_symbol,carried_5"


def test_nothing_later_changes_an_earlier_row(raw, change):
    later = change(raw, "2024-01-11", "SPY", close=1.0, previous_close=3.0, open=-1.0)
    before = [curate(frame).query("date < '2024-01-11'") for frame in (raw, later)]
    pd.testing.assert_frame_equal(*before, check_exact=True)


def test_the_order_of_the_raw_rows_does_not_matter(raw):
    shuffled = raw.sample(frac=1, random_state=1)
    pd.testing.assert_frame_equal(curate(shuffled), curate(raw), check_exact=True)


def test_one_session_alone_can_be_curated(raw):
    alone = curate(raw[raw["date"] == DAY])
    CURATED_MARKET.require(alone)
    assert (alone["quality_flags"] == "").all()


def test_a_missing_required_symbol_is_left_for_the_contract_to_refuse(raw, remove):
    verdict = CURATED_MARKET.judge(curate(remove(raw, DAY, "HYG")))
    assert verdict.refused == [pd.Timestamp(DAY)]
    assert list(verdict.rejects["symbol"]) == ["HYG"]


def test_missing_optional_symbols_refuse_nothing(raw):
    CURATED_MARKET.require(curate(raw[raw["symbol"].isin(REQUIRED_SYMBOLS)]))
