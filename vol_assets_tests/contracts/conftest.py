"""Curated bars without a fault, for tests to break in one place."""

import pandas as pd
import pytest

from vol_assets import clock
from vol_assets.contracts.symbols import SYMBOLS


def sound_bars(first: str, last: str) -> pd.DataFrame:
    """A flawless row for every symbol a session."""
    sessions = pd.DatetimeIndex(clock.sessions(first, last)).as_unit("ns")
    grid = pd.MultiIndex.from_product([sessions, SYMBOLS], names=["date", "symbol"])
    return (
        pd.DataFrame(index=grid)
        .reset_index()
        .assign(
            open=100.0,
            high=101.0,
            low=99.0,
            close=100.5,
            volume=1e6,
            log_return=0.005,
            overnight_variance=0.0,
            range_variance=1e-4,
            quality_flags="",
        )
    )


@pytest.fixture
def bars() -> pd.DataFrame:
    """Four sessions, 2024-01-02 ... 2024-01-05."""
    return sound_bars("2024-01-02", "2024-01-05")


@pytest.fixture(scope="session")
def a_year() -> pd.DataFrame:
    return sound_bars("2024-01-02", "2024-12-27")
