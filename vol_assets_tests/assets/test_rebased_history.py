"""A drop folder whose history is re-based as vendors do it: by a dividend, then by a split.

Adjusted closes before an ex-date are multiplied by 1 - dividend / close of the session before it, and all prices
before a split divided by its ratio. So each day's files differ from the last day's over all of history.
"""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from code_location import BARS, CodeLocation, DropFolder, Ran, files

from vol_assets import clock
from vol_assets.contracts import CURATED_MARKET, FEATURES_HAR, RAW_MARKET
from vol_assets.sources import SYMBOLS

DAYS = clock.sessions("2019-05-20", "2019-07-05")
DAILY = DAYS[-8:]  # each of these is fetched on its day; those before in one run, on the first of them
DIVIDENDS = {"SPY": {DAILY[2]: 1.43}, "TLT": {DAILY[2]: 0.27, DAILY[6]: 0.26}}
SPLITS = {"SPY": {DAILY[5]: 4.0}, "HYG": {DAILY[5]: 0.5}}
NO_RATE = DAILY[1:4]  # the vendor has no IRX for these
TABLES = f"{BARS},features/har"
RETURNS = ["log_return", "overnight_variance", "range_variance"]


class Vendor(DropFolder):
    """A drop folder that can be saved as the vendor's download of any day."""

    def __init__(self, folder: Path):
        super().__init__(folder, DAYS[0], DAYS[-1])
        self.true_return = {s: np.log(p["adj_close"].astype(float)).diff() for s, p in self.prices.items()}
        self.as_traded = {s: self._as_traded(s, p.astype(float)) for s, p in self.prices.items()}

    def save_as_of(self, day: dt.date) -> None:
        self.prices = {symbol: self._as_of(symbol, traded.loc[:day]) for symbol, traded in self.as_traded.items()}
        self.save()

    def _as_traded(self, symbol: str, prices: pd.DataFrame) -> pd.DataFrame:
        """Prices as they stood on the tape of each day, that grow by the sample's total return less dividends."""
        close = prices["close"].copy()
        for before, day in itertools.pairwise(DAYS):
            paid = close[before] - DIVIDENDS.get(symbol, {}).get(day, 0)
            close[day] = paid * np.exp(self.true_return[symbol][day]) / SPLITS.get(symbol, {}).get(day, 1)
        scaled = prices[["open", "high", "low"]].mul(close / prices["close"], axis=0)
        return scaled.assign(close=close, volume=prices["volume"])

    def _as_of(self, symbol: str, traded: pd.DataFrame) -> pd.DataFrame:
        close = traded["close"]
        split, paid = pd.Series(1.0, close.index), pd.Series(1.0, close.index)
        for day, ratio in SPLITS.get(symbol, {}).items():
            if day in close:
                split[close.index < day] /= ratio
        for day, dividend in DIVIDENDS.get(symbol, {}).items():
            if day in close:
                paid[close.index < day] *= 1 - dividend / close[clock.offset(day, -1)]
        prices = traded[["open", "high", "low", "close"]].mul(split, axis=0)
        prices = prices.assign(adj_close=prices["close"] * paid, volume=traded["volume"] / split).round(6)
        return prices[~prices.index.isin(NO_RATE)] if symbol == "IRX" else prices


class Lakes:
    """The lake of daily runs on the files as they stood each day, and what the runs said."""

    def __init__(self, location: CodeLocation, vendor: Vendor):
        self.location, self.vendor = location, vendor
        self.runs: dict[dt.date, Ran] = {}
        self.after_dividend: dict[str, tuple[int, bytes]] = {}


@pytest.fixture(scope="module")
def lakes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lakes]:
    folder = tmp_path_factory.mktemp("daily")
    vendor = Vendor(folder / "drop")
    with CodeLocation.over(folder, source="files", drop=vendor.folder) as location:
        lakes = Lakes(location, vendor)
        vendor.save_as_of(DAILY[0])
        assert location.run(TABLES, DAYS[1], DAILY[0]).success
        for day in DAILY[1:]:
            vendor.save_as_of(day)
            lakes.runs[day] = location.run(TABLES, day)
            assert lakes.runs[day].success, lakes.runs[day].lines
        yield lakes


@pytest.fixture(scope="module")
def rebuilt(lakes: Lakes, tmp_path_factory: pytest.TempPathFactory) -> Iterator[CodeLocation]:
    """Everything in one run on the last day's files."""
    folder = tmp_path_factory.mktemp("rebuilt")
    with CodeLocation.over(folder, source="files", drop=lakes.vendor.folder) as location:
        assert location.run(TABLES, DAYS[1], DAYS[-1]).success
        yield location


def curated(location: CodeLocation) -> pd.DataFrame:
    return location.read(CURATED_MARKET, DAYS[1], DAYS[-1]).set_index(["date", "symbol"])


def test_the_files_of_two_days_share_no_price_of_spy_and_no_adjusted_close_of_tlt(lakes: Lakes):
    vendor = lakes.vendor
    early, late = (vendor._as_of("SPY", vendor.as_traded["SPY"].loc[:day])["close"] for day in (DAILY[0], DAYS[-1]))
    assert (early / late[early.index]).round(4).eq(4).all()
    early, late = (vendor._as_of("TLT", vendor.as_traded["TLT"].loc[:day])["adj_close"] for day in (DAILY[0], DAYS[-1]))
    assert (early / late[early.index] - 1).gt(0.003).all()


def test_daily_runs_on_rebased_files_give_the_returns_of_a_full_rebuild(lakes: Lakes, rebuilt: CodeLocation):
    daily, whole = curated(lakes.location), curated(rebuilt)
    assert len(daily) == len(SYMBOLS) * len(DAYS[1:])
    pd.testing.assert_frame_equal(daily[RETURNS], whole[RETURNS], rtol=0, atol=1e-6)
    assert daily["quality_flags"].equals(whole["quality_flags"])


def test_a_rate_is_carried_over_its_gap_by_daily_runs_as_by_a_rebuild(lakes: Lakes, rebuilt: CodeLocation):
    for location in (lakes.location, rebuilt):
        irx = curated(location).xs("IRX", level="symbol").loc[pd.DatetimeIndex(DAILY[:4])]
        assert irx["quality_flags"].tolist()[1:] == [f"missing_symbol,carried_{age}" for age in (1, 2, 3)]
        assert irx["close"].nunique() == 1


def test_both_are_the_total_returns_behind_the_dividends_and_splits(lakes: Lakes, rebuilt: CodeLocation):
    for location in (lakes.location, rebuilt):
        log_return = curated(location)["log_return"].unstack("symbol")
        for symbol in ("SPY", "TLT", "HYG", "GLD", "VIX"):
            truth = lakes.vendor.true_return[symbol].iloc[1:]
            assert np.abs(log_return[symbol].to_numpy() - truth.to_numpy()).max() < 1e-6, symbol


def test_features_of_daily_runs_on_rebased_files_equal_a_full_rebuild(lakes: Lakes, rebuilt: CodeLocation):
    daily, whole = (each.read(FEATURES_HAR, DAYS[22], DAYS[-1]).set_index("date") for each in (lakes.location, rebuilt))
    assert whole.notna().all(axis=None)
    pd.testing.assert_frame_equal(daily, whole, rtol=0, atol=1e-4)  # logs of variances whose inputs agree to 1e-6


def test_a_fetch_that_only_a_dividend_rebased_rewrites_nothing(lakes: Lakes):
    location, vendor = lakes.location, lakes.vendor
    vendor.save_as_of(DAYS[-1])
    after_split = DAILY[5]  # fetched since the split; the dividend of DAILY[6] has re-based them since
    before = files(location.lake, RAW_MARKET)

    again = location.run("raw/market", after_split, DAYS[-1])

    assert files(location.lake, RAW_MARKET) == before
    assert again.metadata("raw/market")["stored sessions that changed"] == 0
    assert "different" not in again.lines


def test_a_fetch_that_a_split_rebased_is_written_and_reported(lakes: Lakes):
    location, vendor = lakes.location, lakes.vendor
    vendor.save_as_of(DAYS[-1])
    before = files(location.lake, RAW_MARKET)

    again = location.run("raw/market", DAYS[1], DAYS[-1])

    rewritten = [str(day) for day in DAYS[1:] if day < DAILY[5]]
    after = files(location.lake, RAW_MARKET)
    assert [day for day in after if after[day] != before[day]] == rewritten
    shown = ", ".join(rewritten[:10])
    assert f"warning: raw/market: {len(rewritten)} stored sessions came back different: {shown} ..." in again.lines
    assert again.metadata("raw/market")["stored sessions that changed"] == len(rewritten)
    spy = location.read(RAW_MARKET, DAYS[1], DAYS[1]).set_index("symbol").loc["SPY", "close"]
    assert spy == pytest.approx(vendor.as_traded["SPY"]["close"].iloc[1] / 4, abs=1e-6)
