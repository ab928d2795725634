"""Random curated bars: nothing about them is smooth, so that a window off by one session shows."""

import numpy as np
import pandas as pd
import pytest

from vol_assets import clock

SYMBOLS = ("SPY", "TLT", "HYG", "GLD", "VIX", "VIX3M")


def random_bars(sessions: int, seed: int = 0, first: str = "2019-03-01") -> pd.DataFrame:
    """Curated bars of the six required symbols, in no particular order of rows."""
    draw = np.random.default_rng(seed)
    dates = pd.DatetimeIndex(clock.sessions(first, "2030-12-31")[:sessions]).as_unit("ns")
    bars = pd.DataFrame(
        {"date": np.tile(dates, len(SYMBOLS)), "symbol": np.repeat(SYMBOLS, sessions)},
    )
    rows = len(bars)
    bars["close"] = draw.uniform(12, 40, rows)
    bars["log_return"] = draw.standard_t(4, rows) * 0.01
    bars["range_variance"] = draw.exponential(1e-4, rows)
    bars["overnight_variance"] = draw.exponential(3e-5, rows)
    return bars.sample(frac=1, random_state=seed).reset_index(drop=True)


@pytest.fixture(scope="session")
def bars() -> pd.DataFrame:
    return random_bars(150)


@pytest.fixture(scope="session")
def make_bars():
    return random_bars


def without(bars: pd.DataFrame, day: pd.Timestamp, symbol: str | None = None) -> pd.DataFrame:
    gone = (bars["date"] == day) & ((bars["symbol"] == symbol) if symbol else True)
    assert gone.any()
    return bars[~gone]


@pytest.fixture(scope="session")
def drop():
    """drop(bars, day) leaves a session out, drop(bars, day, symbol) one row."""
    return without
