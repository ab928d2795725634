"""Vols by constant maturity and delta, as numbers on their colours; low strikes on the left."""

from __future__ import annotations

from typing import Any

import numpy as np

from vol_assets.gold.pdf import axis, theme
from vol_assets.gold.pdf.panel import Panel, missing
from vol_assets.gold.words import Words

NARROWEST = 17.5  # pt: a cell that holds its number
FEWER = (0.1, 0.15, 0.2, 0.25, 0.35, 0.5, 0.65, 0.75, 0.8, 0.85, 0.9)  # columns where there is no room for all
FEWEST = (0.1, 0.25, 0.5, 0.75, 0.9)


def heat_map(analysis: dict[str, Any], words: Words, width: float, height: float) -> str:
    """An SVG of that size in pt."""
    found = analysis["surface"]["heat_map"]
    if not found:
        return missing(words("chart.heat.missing"), width, height)
    room = int((width - 30.0) / NARROWEST)
    shown = next((some for some in (found["deltas"], FEWER) if len(some) <= room), FEWEST)
    columns = [i for i in reversed(range(len(found["deltas"]))) if found["deltas"][i] in shown]
    vols = np.array(found["vol"])[:, columns]
    names = [_name(found["deltas"][i], words) for i in columns]
    low, high = vols.min(), vols.max()
    panel = Panel(width, height)
    plot = panel.plot(
        axis.categories(names, words("chart.heat.delta")),
        axis.categories([words.number(days) for days in found["days"]], words("axis.days"), downwards=True),
        right=0.0,
    )
    for (row, across), vol in np.ndenumerate(vols):
        share = (vol - low) / (high - low) if high > low else 0.5
        edges = (across - 0.5, across + 0.5), (row - 0.5, row + 0.5)
        plot.cell(*edges, theme.ramp(share), words.number(100 * vol, 1))
    return panel.svg()


def _name(delta: float, words: Words) -> str:
    """A column by the delta of the option that is out of the money."""
    percent = round(100 * delta)
    if percent == 50:
        return "50"
    return words("chart.heat.put" if percent > 50 else "chart.heat.call", delta=min(percent, 100 - percent))
