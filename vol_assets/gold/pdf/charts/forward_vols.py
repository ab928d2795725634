"""Forward vol from expiration to expiration: what the term structure says of each stretch of time."""

from __future__ import annotations

from typing import Any

from vol_assets.gold.pdf import axis, theme
from vol_assets.gold.pdf.panel import Panel, missing
from vol_assets.gold.pdf.reading import column
from vol_assets.gold.words import Words

BUMP = 0.004  # a step this much above its neighbours' mean is named


def forward_vols(analysis: dict[str, Any], words: Words, width: float, height: float) -> str:
    """An SVG of that size in pt."""
    steps, rows = analysis["surface"]["forward_vols"], analysis["surface"]["expirations"]
    if not rows:
        return missing(words("chart.forward.missing"), width, height)
    days, vols = column(rows, "days"), column(rows, "atm_vol")
    levels = column(steps, "forward_vol")
    edges = [steps[0]["from_days"], *column(steps, "to_days")]
    names = words("chart.forward.forward"), words("chart.atm")
    panel = Panel(width, height)
    plot = panel.plot(
        axis.days([*days, *edges[1:]], words.number, words("chart.days"), start=edges[0]),
        axis.linear([*vols, *levels], words.number, words("chart.annualised"), shown=100, most=6, least=0.02),
        room_for=names,
    )
    for step in steps:
        if step["forward_vol"] is None:
            plot.stripe(step["from_days"], step["to_days"], theme.RICH, words("chart.forward.falls"))
    plot.line(days, vols, theme.IMPLIED, width=1.1, dash=theme.DASHED)
    plot.markers(days, vols, theme.IMPLIED, size=1.6)
    plot.steps(edges, levels, theme.GREEN, width=1.9)
    last = next((level for level in reversed(levels) if level is not None), None)
    plot.end_label(last, names[0], theme.GREEN)
    plot.end_label(vols[-1], names[1], theme.IMPLIED, bold=False)
    bump = _bump(levels)
    if bump is not None:
        step = steps[bump]
        middle = 0.5 * (step["from_days"] + step["to_days"])
        name = words(
            "chart.forward.bump",
            start=round(step["from_days"]),
            end=round(step["to_days"]),
            vol=words.number(100 * step["forward_vol"], 1),
        )
        plot.label(middle, step["forward_vol"], name, theme.INK, importance=70, prefer="above")
    return panel.svg()


def _bump(levels: list[float | None]) -> int | None:
    """The step farthest above the mean of its neighbours, if it is worth a word."""
    heights = {
        i: here - 0.5 * (before + after)
        for i, (before, here, after) in enumerate(zip(levels, levels[1:], levels[2:]), start=1)
        if None not in (before, here, after)
    }
    best = max(heights, key=heights.__getitem__, default=None)
    return best if best is not None and heights[best] >= BUMP else None
