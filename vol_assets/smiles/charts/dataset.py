"""The states of a data set in their order, and which of them train, choose and judge models."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from vol_assets.charts import style
from vol_assets.contracts.smiles import SPLITS
from vol_assets.smiles.panel import DAILY, Panel
from vol_assets.smiles.state import NODES, TENOR_DAYS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = (style.AMBER, style.GREEN, style.NAVY, style.MUTED)  # by smile
SHADES = dict(zip(SPLITS, (0.0, 0.25, 0.5, 0.0)))
MOST_DAYS = 8  # named below the axis
AT_THE_MONEY = int(np.flatnonzero(NODES == 0.0)[0])


def dataset(panel: Panel, split: np.ndarray) -> Figure:
    """The vol at the forward of every smile, state after state, broken between runs; validation and test are shaded."""
    sessions = pd.DatetimeIndex(np.unique(panel.session))
    counts = ", ".join(f"{int((split == which).sum()):,} {which}" for which in SPLITS)
    figure, ax = style.canvas(
        f"States of the {panel.family} smile of SPY",
        f"Implied volatility at the forward, {style.day(sessions[0])} to {style.day(sessions[-1])}; {counts}.",
    )
    at = np.arange(len(panel))
    vols = np.exp(panel.log_vol[:, :, AT_THE_MONEY])
    breaks = np.flatnonzero(np.diff(panel.run)) + 1
    for smile, colour in enumerate(COLOURS):
        name = f"{TENOR_DAYS[smile]} days" if panel.family == DAILY else f"expiration {smile + 1}"
        ax.plot(np.insert(at, breaks, at[breaks]), np.insert(vols[:, smile], breaks, np.nan), color=colour, label=name)
    _shade(ax, split)
    _days(ax, panel)
    ax.set_xlim(0, max(len(panel) - 1, 1))
    style.percent_ticks(ax.yaxis, most=7)
    style.head_legend(figure, ax.get_lines())
    return figure


def _shade(ax: Axes, split: np.ndarray) -> None:
    """A background behind each stretch of one split, with its name on top."""
    edges = np.flatnonzero(split[1:] != split[:-1]) + 1
    for start, stop in zip([0, *edges], [*edges, len(split)]):
        which = split[start]
        ax.axvspan(start, stop, color=style.SKY, alpha=SHADES[which], lw=0, zorder=0.5)
        on_top = {"transform": ax.get_xaxis_transform(), "ha": "center", "va": "bottom"}
        ax.text(0.5 * (start + stop), 1.0, which, fontsize=8.5, color=style.MUTED, **on_top)


def _days(ax: Axes, panel: Panel) -> None:
    """Some sessions named where they begin."""
    sessions, first = np.unique(panel.session, return_index=True)
    some = np.unique(np.linspace(0, len(sessions) - 1, MOST_DAYS).round().astype(int))
    ax.set_xticks(first[some], [style.day(pd.Timestamp(day)) for day in sessions[some]])
    ax.set_xlabel("states in order of time, marked where sessions begin")
