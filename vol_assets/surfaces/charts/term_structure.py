"""Level, lean and curvature of the smile by time to expiration."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from vol_assets.charts import style
from vol_assets.quant import moments
from vol_assets.surfaces.charts.words import DAYS, WIDTH, session_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from vol_assets.quant.surface import Smiles, Surface

TICKS = (1, 7, 14, 30, 61, 91, 182, 273, 365, 547, 730, 1095)  # days
LEAST_APART = 0.035  # of the axis: labels closer to the one before are left out
STEPS = 12  # of a line from one expiration to the next
CALL, PUT = 0.25, 0.75  # forward deltas of the call


def term_structure(surface: Surface, rows: pd.DataFrame) -> Figure:
    """At-the-money and model-free vol, risk reversal and butterfly: points are expirations, lines the surface.

    rows: of surface/<underlying>.
    """
    rows = rows.sort_values("years")
    smiles = surface.smiles(_between(surface.years))
    figure, axes = style.panels(
        f"{rows['symbol'].iloc[0]} term structure",
        f"{session_of(rows)}. Points are expirations, lines the surface between them; deltas are forward deltas.",
        width=WIDTH,
        height=8.2,
        rows=3,
        columns=1,
        left=0.62,
        bottom=0.6,
        hspace=0.24,
        heights=(2.2, 1, 1),
    )
    level, reversal, butterfly = axes[:, 0]
    x, points = smiles.years * DAYS, rows["years"] * DAYS
    vols = _read_off(smiles)
    for ax, column, colour, label in (
        (level, "model_free_vol", style.AMBER, "model-free"),
        (level, "atm_vol", style.NAVY, "at the forward"),
        (reversal, "rr25", style.NAVY, None),
        (butterfly, "bf25", style.NAVY, None),
    ):
        ax.plot(x, vols[column], color=colour, lw=1.6)
        ax.plot(points, rows[column], "o", color=colour, ms=4.2, label=label)
    for ax, name, note in (
        (level, "Implied volatility, annualised", ""),
        (reversal, "25-delta risk reversal", "call vol - put vol"),
        (butterfly, "25-delta butterfly", "mean of call and put vol - vol at the forward"),
    ):
        style.panel_title(ax, name, note)
        style.percent_ticks(ax.yaxis, most=6 if ax is level else 4)
        if ax is not level and ax.get_ylim()[0] < 0 < ax.get_ylim()[1]:
            ax.axhline(0, color=style.MUTED, lw=0.8, zorder=0.9)
    style.legend(level)
    _time_axis(butterfly, x)
    return figure


def _read_off(smiles: Smiles) -> dict[str, np.ndarray]:
    """The lines: columns of surface/<underlying> for any times."""
    root = np.sqrt(smiles.years)
    atm = smiles.at_money / root
    call, put = (smiles.at_delta(np.array([CALL, PUT]))[1] / root[:, None]).T
    k = moments.grid(smiles.at_money)
    variance = moments.from_prices(k, smiles.otm_price(k)).model_free_variance
    return {
        "atm_vol": atm,
        "model_free_vol": np.sqrt(variance) / root,
        "rr25": call - put,
        "bf25": 0.5 * (call + put) - atm,
    }


def _between(years: np.ndarray) -> np.ndarray:
    """The times themselves, and between two of them others at equal steps of their square roots."""
    steps = np.arange(0, len(years) - 1 + 0.5 / STEPS, 1 / STEPS)
    times = np.interp(steps, np.arange(len(years)), np.sqrt(years)) ** 2
    times[::STEPS] = years
    return times


def _time_axis(ax: Axes, x: np.ndarray) -> None:
    """Days on a square-root axis: vol diffuses so, and weeks do not crowd out years."""
    ax.set_xscale("function", functions=(lambda d: np.sqrt(np.maximum(d, 0)), np.square))
    low, high = np.sqrt(x[0]), np.sqrt(x[-1])
    margin = max(0.02 * (high - low), 0.01 * high)
    low, high = max(low - margin, 0.0), high + margin
    ticks: list[int] = []
    for tick in [days for days in TICKS if low**2 <= days <= high**2] or [round(x[0], 1)]:
        if not ticks or np.sqrt(tick) - np.sqrt(ticks[-1]) > LEAST_APART * (high - low):
            ticks.append(tick)
    ax.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    ax.set_xticks([], minor=True)
    ax.set_xlim(low**2, high**2)
    ax.set_xlabel("days to expiration (square-root axis)")
