"""A simulated market whose volatility is known, as curated bars, and the modelling frame made from it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from vol_assets import clock
from vol_assets.features.har import har_features
from vol_assets.features.l1 import l1_features
from vol_assets.forecasting.frame import modelling_frame

SYMBOLS = ("SPY", "TLT", "HYG", "GLD", "VIX", "VIX3M")


def simulated_bars(sessions: int, seed: int = 1, *, volatile: bool = True) -> pd.DataFrame:
    """Curated bars of six symbols: log volatility of SPY is an AR(1) (constant unless `volatile`), VIX sees it."""
    draw = np.random.default_rng(seed)
    log_vol = np.full(sessions, np.log(0.15))
    for t in range(1, sessions):
        log_vol[t] = np.log(0.15) + 0.96 * (log_vol[t - 1] - np.log(0.15)) + 0.13 * volatile * draw.normal()
    vol = np.exp(log_vol)
    returns = {"SPY": vol / np.sqrt(252) * draw.standard_normal(sessions)}
    for symbol, beta in (("TLT", -0.3), ("HYG", 0.4), ("GLD", 0.05)):
        returns[symbol] = beta * returns["SPY"] + 0.004 * draw.standard_normal(sessions)
    # VIX knows the volatility but for its own noise, and asks a premium for it.
    vix = 120 * vol * np.exp(0.03 * draw.standard_normal(sessions))
    closes = {"VIX": vix, "VIX3M": 0.6 * vix + 0.4 * 19.0}

    dates = pd.DatetimeIndex(clock.sessions("2007-04-11", "2030-12-31")[:sessions])
    tables = []
    for symbol in SYMBOLS:
        r = returns.get(symbol, np.zeros(sessions))
        chi = draw.chisquare(8, sessions) / 8  # a range sees the day's variance better than its return does
        table = pd.DataFrame(
            {
                "date": dates,
                "symbol": symbol,
                "close": closes.get(symbol, 100 * np.exp(np.cumsum(r))),
                "log_return": r,
                "range_variance": 0.8 * vol**2 / 252 * chi,
                "overnight_variance": 0.2 * r**2,
            }
        )
        tables.append(table)
    return pd.concat(tables, ignore_index=True)


def frame_of(bars: pd.DataFrame) -> pd.DataFrame:
    """Curated bars -> modelling frame, through the project's own features."""
    spy = bars[bars["symbol"] == "SPY"].set_index("date")["log_return"]
    return modelling_frame(l1_features(bars), har_features(bars), spy)


@pytest.fixture(scope="session")
def bars() -> pd.DataFrame:
    return simulated_bars(520)


@pytest.fixture(scope="session")
def frame(bars: pd.DataFrame) -> pd.DataFrame:
    return frame_of(bars)


@pytest.fixture(scope="session")
def make_frame() -> Callable[[pd.DataFrame], pd.DataFrame]:
    return frame_of


@pytest.fixture(scope="session")
def make_bars() -> Callable[..., pd.DataFrame]:
    return simulated_bars
