"""The surface as a table of numbers: constant tenors down, deltas across."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from vol_assets.charts import style
from vol_assets.contracts.tenors import DELTAS
from vol_assets.surfaces.charts.words import WIDTH, session_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DARK = 0.7  # of the colour scale: figures on darker cells are white


def heat_map(tenors: pd.DataFrame) -> Figure:
    """Vols in percent, low strikes on the left; tenors: the rows of tenors/<underlying> of one session."""
    tenors = tenors.sort_values("tenor_days")
    deltas = DELTAS[::-1]  # of the call: 90 is the 10-delta put
    outside = tenors["extrapolated"].to_numpy(bool)
    vols = tenors[[f"vol_d{delta}" for delta in deltas]].to_numpy(float)
    figure, ax = style.canvas(
        f"{tenors['symbol'].iloc[0]} volatility by tenor and delta",
        f"{session_of(tenors)}. Implied volatility, percent a year; deltas are forward deltas, in percent."
        + " * beyond the expirations: extrapolated." * bool(outside.any()),
        width=WIDTH,
        height=1.7 + 0.36 * len(tenors),
    )
    known = vols[np.isfinite(vols)]
    low, high = (known.min(), known.max()) if known.size else (0.0, 1.0)
    share = (vols - low) / (high - low or 1.0)
    ax.pcolormesh(share, cmap=_light_to_dark(), vmin=0, vmax=1, edgecolors="white", lw=1.5)
    for (row, column), vol in np.ndenumerate(vols):
        if np.isfinite(vol):
            colour = "white" if share[row, column] > DARK else style.INK
            text = f"{100 * vol:.1f}"
            ax.text(column + 0.5, row + 0.5, text, ha="center", va="center", fontsize=9, color=colour)
    ax.grid(False)
    ax.spines["bottom"].set_visible(False)
    ax.invert_yaxis()
    ax.set_xticks(np.arange(len(deltas)) + 0.5, [_delta(delta) for delta in deltas])
    ax.set_yticks(np.arange(len(tenors)) + 0.5, _names(tenors["tenor_days"], outside))
    ax.set_ylabel("tenor, days")
    ax.set_xlabel("delta: puts on the left, calls on the right")
    return figure


def _names(tenor_days: pd.Series, outside: np.ndarray) -> list[str]:
    return [f"{tenor:.0f}" + " *" * bool(out) for tenor, out in zip(tenor_days, outside)]


def _delta(call_delta: int) -> str:
    """The delta of the out-of-the-money option."""
    return f"{100 - call_delta} put" if call_delta > 50 else f"{call_delta} call" if call_delta < 50 else "50"


def _light_to_dark():
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("light_to_dark", ["#f3f6fa", style.SKY, style.NAVY])
