"""raw/market -> curated/market: a row for every symbol, returns and variances, flags, and rates carried over gaps.

Memory is five sessions: flags compare with the session before, and a missing rate takes the last one at most
MAX_CARRY_SESSIONS old. Nothing is dropped here; whether a session is good is the contract's to say.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from vol_assets import clock
from vol_assets.contracts.market import CURATED_MARKET
from vol_assets.contracts.symbols import SYMBOLS
from vol_assets.curation.flags import MAX_CARRY_SESSIONS, PRICES, RATES, flag_bars, in_words

LOOKBACK_SESSIONS = MAX_CARRY_SESSIONS
GARMAN_KLASS = 2 * np.log(2) - 1


def curate(raw: pd.DataFrame) -> pd.DataFrame:
    """Raw bars of some sessions (and, for their sake, of LOOKBACK_SESSIONS before) -> curated bars of all of them.

    A session of the calendar between the first and the last of `raw` that `raw` lacks stays away here too.
    """
    held = raw["date"].unique()
    grid = pd.MultiIndex.from_product([_calendar(held), SYMBOLS], names=["date", "symbol"])
    bars = raw.set_index(["date", "symbol"]).reindex(grid)
    before = bars[PRICES].groupby(level="symbol", sort=False).shift(1)
    carried = _carry_rates(bars)
    bars = bars.reset_index()

    flags = flag_bars(bars, before.reset_index(drop=True))
    words = in_words(flags)
    for row in np.flatnonzero(carried > 0):
        words.iloc[row] = f"missing_symbol,carried_{carried[row]}"
        bars.loc[row, "close"] = bars.loc[row - carried[row] * len(SYMBOLS), "close"]

    is_rate = bars["symbol"].isin(RATES).to_numpy()
    with np.errstate(invalid="ignore", divide="ignore"):
        log_return = np.log(bars["close"] / bars["previous_close"]).where(~is_rate)
        overnight = np.log(bars["open"] / bars["previous_close"]).where(~is_rate)
        high_low = np.log(bars["high"] / bars["low"])
        close_open = np.log(bars["close"] / bars["open"])
    curated = bars.assign(
        log_return=_finite(log_return),
        overnight_variance=_finite(overnight**2),
        # A rate, or a range that contradicts its own prices, has no variance to offer.
        range_variance=_finite(0.5 * high_low**2 - GARMAN_KLASS * close_open**2).where(
            ~flags["impossible_range"] & ~is_rate
        ),
        quality_flags=words,
    )[list(CURATED_MARKET.columns)]
    return curated[curated["date"].isin(held)].reset_index(drop=True)


def _calendar(held: np.ndarray) -> pd.DatetimeIndex:
    first, last = pd.Timestamp(held.min()).date(), pd.Timestamp(held.max()).date()
    return pd.DatetimeIndex(clock.sessions(first, last)).as_unit("ns")


def _carry_rates(bars: pd.DataFrame) -> np.ndarray:
    """For each row of the grid, how many sessions back its rate is taken from; 0 where it has its own or none."""
    close = bars["close"].unstack("symbol")[list(SYMBOLS)]
    steps = pd.DataFrame(np.arange(len(close))[:, None].repeat(close.shape[1], axis=1), close.index, close.columns)
    age = steps - steps.where(close.notna()).ffill()
    age = age.where((age <= MAX_CARRY_SESSIONS) & close.columns.isin(RATES)[None, :]).fillna(0)
    return age.to_numpy().astype(int).ravel()


def _finite(values: pd.Series) -> pd.Series:
    return values.where(np.isfinite(values))
