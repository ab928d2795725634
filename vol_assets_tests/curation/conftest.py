"""Raw bars that are in order, for tests to disturb in one place."""

import numpy as np
import pandas as pd
import pytest

from vol_assets import clock
from vol_assets.contracts.market import RAW_MARKET
from vol_assets.contracts.symbols import SYMBOLS

PRICES = ["open", "high", "low", "close"]


def sound_raw(first: str, last: str) -> pd.DataFrame:
    """A bar of every symbol a session, that moves a little every day, each fetched the evening of the last one."""
    sessions = pd.DatetimeIndex(clock.sessions(first, last)).as_unit("ns")
    draw = np.random.default_rng(0)
    tables = []
    for symbol in SYMBOLS:
        close = 100 * np.exp(np.cumsum(draw.normal(0, 0.01, len(sessions) + 1)))
        table = pd.DataFrame({"date": sessions, "symbol": symbol, "close": close[1:], "previous_close": close[:-1]})
        table["open"] = close[:-1] * 1.002
        table["high"] = table[["open", "close"]].max(axis=1) * 1.003
        table["low"] = table[["open", "close"]].min(axis=1) * 0.997
        tables.append(table)
    raw = pd.concat(tables, ignore_index=True).assign(volume=1e6, source="sample")
    raw["fetched_at"] = pd.Series(pd.Timestamp(f"{last} 23:00", tz="UTC"), raw.index).astype("datetime64[us, UTC]")
    return raw[list(RAW_MARKET.columns)].sort_values(["date", "symbol"], ignore_index=True)


@pytest.fixture
def raw() -> pd.DataFrame:
    """Eight sessions, 2024-01-02 ... 2024-01-11."""
    return sound_raw("2024-01-02", "2024-01-11")


def changed(bars: pd.DataFrame, day: str, of: str, **values) -> pd.DataFrame:
    bars = bars.copy()
    row = (bars["date"] == day) & (bars["symbol"] == of)
    assert row.sum() == 1
    for name, value in values.items():
        bars.loc[row, name] = value
    return bars


@pytest.fixture(scope="session")
def change():
    """change(bars, day, symbol, column=value, ...): the bars with one row altered."""
    return changed


def removed(bars: pd.DataFrame, day: str, of: str | None = None) -> pd.DataFrame:
    gone = (bars["date"] == day) & ((bars["symbol"] == of) if of else True)
    assert gone.any()
    return bars[~gone].reset_index(drop=True)


@pytest.fixture(scope="session")
def remove():
    """remove(bars, day) takes a session away, remove(bars, day, symbol) one bar."""
    return removed
