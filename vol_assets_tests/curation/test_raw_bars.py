"""Which sessions of an answer differ from what is stored, which bars were fetched too early, and what is incomplete."""

import numpy as np
import pandas as pd
import pytest

from vol_assets.contracts.market import RAW_MARKET
from vol_assets.contracts.symbols import OPTIONAL_SYMBOLS, REQUIRED_SYMBOLS
from vol_assets.curation.raw import SAME, changed_sessions, incomplete_sessions, raw_bars, unfinished, with_stored
from vol_assets.sources import BAR_COLUMNS, DailyBars

DAY = "2024-01-05"


def days(index) -> list[str]:
    return [f"{day:%Y-%m-%d}" for day in index]


def test_an_answer_becomes_raw_bars_of_its_source(raw):
    answer = raw[list(BAR_COLUMNS)].sample(frac=1, random_state=2)
    bars = raw_bars(DailyBars(answer), "files")
    RAW_MARKET.require(bars)
    assert set(bars["source"]) == {"files"}
    assert list(bars.index) == list(range(len(raw)))


def test_an_equal_fetch_changes_nothing_whenever_it_was_made(raw):
    later = raw.assign(fetched_at=raw["fetched_at"] + pd.Timedelta(days=30)).sample(frac=1, random_state=3)
    assert days(changed_sessions(raw, later)) == []


@pytest.mark.parametrize("column", ["open", "high", "low", "close", "previous_close", "volume"])
def test_one_number_that_differs_changes_its_session_alone(raw, change, column):
    value = raw.loc[(raw["date"] == DAY) & (raw["symbol"] == "TLT"), column].item()
    for factor in (1 + 3 * SAME, 1 - 3 * SAME):
        assert days(changed_sessions(raw, change(raw, DAY, "TLT", **{column: value * factor}))) == [DAY]


@pytest.mark.parametrize("factor", [1 + 0.4 * SAME, 1 - 0.4 * SAME])
def test_the_rounding_of_an_adjusted_price_is_no_change(raw, change, factor):
    value = raw.loc[(raw["date"] == DAY) & (raw["symbol"] == "TLT"), "close"].item()
    assert days(changed_sessions(raw, change(raw, DAY, "TLT", close=value * factor))) == []


def test_a_cent_on_the_dearest_fund_is_a_change(raw, change):
    stored, fetched = change(raw, DAY, "SPY", close=700.00), change(raw, DAY, "SPY", close=700.01)
    assert days(changed_sessions(stored, fetched)) == [DAY]


def test_a_null_that_stays_null_is_no_change_and_one_that_is_filled_is(raw, change):
    stored = change(raw, DAY, "GVZ", open=np.nan)
    assert days(changed_sessions(stored, stored)) == []
    assert days(changed_sessions(stored, raw)) == [DAY]
    assert days(changed_sessions(raw, stored)) == [DAY]


def test_a_session_that_was_not_stored_is_new(raw, remove):
    assert days(changed_sessions(remove(raw, DAY), raw)) == [DAY]


def test_everything_is_new_to_an_empty_lake(raw):
    empty = raw.iloc[:0]
    assert days(changed_sessions(empty, raw)) == days(raw["date"].unique())


def test_a_stored_session_that_was_not_fetched_is_nobodys_business(raw, remove):
    assert days(changed_sessions(raw, remove(raw, DAY))) == []
    assert days(changed_sessions(raw, raw.iloc[:0])) == []


def test_a_symbol_that_came_or_went_changes_the_session(raw, remove):
    assert days(changed_sessions(remove(raw, DAY, "GVZ"), raw)) == [DAY]
    assert days(changed_sessions(raw, remove(raw, DAY, "GVZ"))) == [DAY]


def test_stored_bars_that_the_answer_lacks_are_kept(raw, remove):
    without = remove(raw, DAY, "GVZ")
    merged, kept = with_stored(without, raw)
    assert kept == 1
    pd.testing.assert_frame_equal(merged, raw.sort_values(["date", "symbol"], ignore_index=True))
    assert days(changed_sessions(raw, merged)) == []
    nothing, kept = with_stored(raw.iloc[:0], raw)
    assert kept == len(nothing) == len(raw)


def test_the_session_after_a_bar_that_the_answer_lost_keeps_its_return(raw, change, remove):
    """The vendor lost SPY of one session and re-based the next by 2:1; its stored return stands."""
    after = sorted(raw["date"].unique())[list(sorted(raw["date"].unique())).index(pd.Timestamp(DAY)) + 1]
    stored = raw[(raw["date"] == after) & (raw["symbol"] == "SPY")].iloc[0]
    lost = remove(raw, DAY, "SPY")
    lost = change(lost, after, "SPY", close=stored["close"] / 2, previous_close=np.nan)
    merged, kept = with_stored(lost, raw)
    assert kept == 1
    row = merged[(merged["date"] == after) & (merged["symbol"] == "SPY")].iloc[0]
    assert np.log(row["close"] / row["previous_close"]) == pytest.approx(
        np.log(stored["close"] / stored["previous_close"])
    )


def test_a_fund_without_a_previous_close_makes_its_session_incomplete_but_not_its_first(raw, change):
    first = raw["date"].min()
    assert incomplete_sessions(change(raw, first, "SPY", previous_close=np.nan)) == []
    assert incomplete_sessions(change(raw, DAY, "HYG", previous_close=np.nan)) == [pd.Timestamp(DAY).date()]
    assert incomplete_sessions(change(raw, DAY, "VIX", previous_close=np.nan)) == []


def test_fetched_bars_stand_before_stored_ones_of_the_same_symbol(raw, change):
    news = change(raw, DAY, "SPY", close=1.0)
    merged, kept = with_stored(news, raw)
    assert kept == 0
    assert days(changed_sessions(raw, merged)) == [DAY]


def test_a_bar_stored_before_the_close_is_replaced_by_the_finished_one_though_its_numbers_agree(raw, change):
    early = change(raw, "2024-01-11", "SPY", fetched_at=pd.Timestamp("2024-01-11 18:00", tz="UTC"))
    assert days(changed_sessions(early, raw)) == ["2024-01-11"]
    assert days(changed_sessions(early, early)) == []


@pytest.mark.parametrize(
    ("session", "fetched", "early"),
    [
        ("2024-01-05", "2024-01-05 20:59:59", True),
        ("2024-01-05", "2024-01-05 21:00:00", False),
        ("2024-07-05", "2024-07-05 19:59:59", True),
        ("2024-07-05", "2024-07-05 20:00:00", False),
        ("2024-07-03", "2024-07-03 17:00:00", False),  # a half day closes at 13:00
        ("2024-07-05", "2024-07-03 17:00:00", True),
    ],
)
def test_a_bar_is_finished_from_the_closing_instant_on(session, fetched, early):
    bars = pd.DataFrame(
        {
            "date": pd.DatetimeIndex([session]).as_unit("ns"),
            "fetched_at": pd.Series([pd.Timestamp(fetched, tz="UTC")]).astype("datetime64[us, UTC]"),
        }
    )
    assert unfinished(bars).tolist() == [early]


def test_no_bars_are_not_unfinished(raw):
    assert len(unfinished(raw.iloc[:0])) == 0


def test_a_full_week_is_complete(raw):
    assert incomplete_sessions(raw) == []


@pytest.mark.parametrize("symbol", ["SPY", "VIX3M", "GC=F"])
def test_a_session_without_a_symbol_that_others_have_is_incomplete(raw, remove, symbol):
    assert [str(day) for day in incomplete_sessions(remove(raw, DAY, symbol))] == [DAY]


@pytest.mark.parametrize("symbol", OPTIONAL_SYMBOLS)
def test_an_optional_symbol_that_the_source_never_has_is_not_missed(raw, symbol):
    assert incomplete_sessions(raw[raw["symbol"] != symbol]) == []


def test_a_source_of_required_symbols_alone_is_complete(raw):
    assert incomplete_sessions(raw[raw["symbol"].isin(REQUIRED_SYMBOLS)]) == []


@pytest.mark.parametrize("symbol", OPTIONAL_SYMBOLS)
def test_an_optional_symbol_is_missed_from_its_first_session_on_and_not_before(raw, remove, symbol):
    late = raw[(raw["symbol"] != symbol) | (raw["date"] >= DAY)]
    assert incomplete_sessions(late) == []
    assert days(incomplete_sessions(remove(late, "2024-01-10", symbol))) == ["2024-01-10"]


def test_two_optional_symbols_that_begin_on_different_days_are_missed_each_from_its_own(raw, remove):
    late = raw[(raw["symbol"] != "VIX9D") | (raw["date"] >= DAY)]
    late = late[(late["symbol"] != "GVZ") | (late["date"] >= "2024-01-09")]
    assert incomplete_sessions(late) == []
    assert days(incomplete_sessions(remove(late, "2024-01-08", "VIX9D"))) == ["2024-01-08"]
    assert days(incomplete_sessions(remove(late, "2024-01-10", "GVZ"))) == ["2024-01-10"]


@pytest.mark.parametrize("symbol", ["SPY", "HYG"])
def test_a_required_symbol_is_missed_before_its_first_session_too(raw, symbol):
    late = raw[(raw["symbol"] != symbol) | (raw["date"] >= DAY)]
    assert days(incomplete_sessions(late)) == days(raw.loc[raw["date"] < DAY, "date"].unique())


def test_a_required_symbol_that_never_came_makes_every_session_incomplete(raw):
    assert days(incomplete_sessions(raw[raw["symbol"] != "HYG"])) == days(raw["date"].unique())


def test_an_unfinished_or_null_bar_does_not_count(raw, change):
    raw = change(raw, DAY, "TLT", close=np.nan)
    raw = change(raw, "2024-01-11", "SPY", fetched_at=pd.Timestamp("2024-01-11 15:00", tz="UTC"))
    assert days(incomplete_sessions(raw)) == [DAY, "2024-01-11"]


def test_a_session_of_which_nothing_is_finished_is_incomplete(raw):
    early = raw["date"] == "2024-01-11"
    raw = raw.assign(fetched_at=raw["fetched_at"].mask(early, pd.Timestamp("2024-01-11 15:00", tz="UTC")))
    assert days(incomplete_sessions(raw)) == ["2024-01-11"]
