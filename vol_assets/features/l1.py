"""The 21 L1 features: what SPY, its implied volatility and its neighbours did over the last 60 sessions.

Decimals throughout; volatilities annualised on 252 sessions; `rsi_spy_14` runs 0..100. With r the daily total
log return of SPY and P its level cumulated from r:

    spy_ret_w    sum of the last w returns
    spy_vol_w    sqrt(252 / w * sum of the last w squared returns)
    drawdown_60d 1 - P / max(P over the last 60 closes)
    vix_term     VIX3M / VIX
    rsi_spy_14   100 * mean(r+) / mean(|r|) over 14 sessions, 50 when flat: Cutler's plain averages, because
                 Wilder's smoothing never forgets and a daily run would not equal a rebuild
    corr_w       Pearson correlation of daily returns
    hyg_tlt_spread     r_HYG - r_TLT over one session
    rv_vix_spread_20d  spy_vol_20d - vix, both annualised decimals

Memory is finite: the row of a session needs the returns of its last 60 sessions and nothing before. A row is
complete or null: one missing bar in the window makes the whole row null, so nobody trains on half of one.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from vol_assets.contracts.features import L1_FEATURES
from vol_assets.features.panel import panel
from vol_assets.features.windows import correlation, total, windows

LOOKBACK_SESSIONS = 59  # sessions before a session that its row needs
SESSIONS_A_YEAR = 252


def l1_features(bars: pd.DataFrame) -> pd.DataFrame:
    """Curated bars (date, symbol, close, log_return) -> the L1 features, a row a session of the bars' span.

    The first LOOKBACK_SESSIONS rows of the result are there for their windows' sake, and null.
    """
    returns = panel(bars, "log_return", ("SPY", "TLT", "HYG", "GLD"))
    index_levels = panel(bars, "close", ("VIX", "VIX3M")) / 100.0
    spy, tlt, hyg, gld = (returns[symbol].to_numpy() for symbol in returns)

    out: dict[str, np.ndarray] = {}
    for width in (1, 5, 10, 20, 60):
        out[f"spy_ret_{width}d"] = total(spy, width)
    for width in (5, 10, 20, 60):
        out[f"spy_vol_{width}d"] = realised_vol(spy, width)
    out["drawdown_60d"] = drawdown(spy, 60)
    out["vix"] = index_levels["VIX"].to_numpy()
    out["vix3m"] = index_levels["VIX3M"].to_numpy()
    out["vix_term"] = out["vix3m"] / out["vix"]
    out["rsi_spy_14"] = relative_strength(spy, 14)
    for name, other, width in (
        ("tlt", tlt, 20),
        ("tlt", tlt, 60),
        ("hyg", hyg, 20),
        ("hyg", hyg, 60),
        ("gld", gld, 60),
    ):
        out[f"corr_spy_{name}_{width}d"] = correlation(spy, other, width)
    out["hyg_tlt_spread"] = hyg - tlt
    out["rv_vix_spread_20d"] = out["spy_vol_20d"] - out["vix"]
    return complete_or_null(pd.DataFrame(out, index=returns.index)[list(L1_FEATURES)])


def complete_or_null(features: pd.DataFrame) -> pd.DataFrame:
    """The same rows, each null in every column when it is null in any."""
    return features.where(features.notna().all(axis=1))


def realised_vol(returns: np.ndarray, width: int) -> np.ndarray:
    """Annualised trailing volatility, mean not removed: sqrt(252 / width * sum r^2)."""
    return np.sqrt(SESSIONS_A_YEAR / width * total(returns**2, width))


def drawdown(returns: np.ndarray, closes: int) -> np.ndarray:
    """1 - P / max(P) over the last `closes` closes, the level P cumulated inside the window from log returns."""
    levels = np.cumsum(windows(returns, closes - 1), axis=1)
    peak = np.maximum(levels.max(axis=1), 0.0)  # 0: the close just before the window's first return
    return 0.0 - np.expm1(levels[:, -1] - peak)


def relative_strength(returns: np.ndarray, width: int) -> np.ndarray:
    """RSI with plain averages, 0..100; 50 where the window is flat."""
    gains, moves = total(np.maximum(returns, 0.0), width), total(np.abs(returns), width)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(moves == 0, 50.0, 100.0 * gains / moves)
