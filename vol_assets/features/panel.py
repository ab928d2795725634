"""Curated bars as a panel: sessions down, symbols across, with a row for every session of the calendar.

A session that is missing from the input becomes a row of nulls, never a shorter history: a window across it is
null, so a gap is seen and cannot quietly stretch a window over more days than it says.
"""

from __future__ import annotations

import pandas as pd

from vol_assets import clock


def panel(bars: pd.DataFrame, column: str, symbols: tuple[str, ...]) -> pd.DataFrame:
    """One column of long bars (date, symbol, ...) as sessions x symbols; absent symbols are null columns."""
    wide = bars.pivot(index="date", columns="symbol", values=column)
    index = pd.DatetimeIndex(clock.sessions(wide.index.min(), wide.index.max()), name="date")
    return wide.reindex(index=index, columns=list(symbols)).astype(float)
