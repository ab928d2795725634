"""Lean and curvature of the smile by time to expiration, and where they stand in the last year."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from vol_assets.gold.pdf import axis, theme
from vol_assets.gold.pdf.panel import Key, Panel, missing
from vol_assets.gold.pdf.reading import column
from vol_assets.gold.words import Words

COLOURS = {"rr25": theme.IMPLIED, "bf25": theme.GREEN}
AXIS = 8.0  # pt that the lower half has more, for the axis of both
GAP = 3.0  # pt between the halves
SHAPES = {"rr25": "circle", "bf25": "square"}


def skew(analysis: dict[str, Any], words: Words, width: float, height: float) -> str:
    """Risk reversal over butterfly, both of 25 delta; an SVG of that size in pt."""
    rows = [row for row in analysis["surface"]["expirations"] if row["rr25"] is not None and row["bf25"] is not None]
    bands = analysis["surface"]["bands"]
    if not rows:
        return missing(words("chart.skew.missing"), width, height)
    panel = Panel(width, height)
    top = 0.0
    if bands:
        least = min(band["sessions"] for band in bands)
        top = panel.legend([Key(words("chart.skew.band", sessions=least), theme.MUTED, "error")])
    part = (height - top) / 2
    for number, what in enumerate(("rr25", "bf25")):
        own = [band for band in bands if band["what"] == what]
        values = column(rows, what)
        is_last = number == 1
        drawn = [*values, *(band[name] for band in own for name in ("p10", "p90"))]
        across = axis.days(column(rows, "days"), words.number, words("chart.days") if is_last else "")
        plot = panel.plot(
            across if is_last else replace(across, names=()),
            axis.linear(drawn, words.number, shown=100, most=4, pad=0.12, least=0.005),
            frame=(0.0, top + number * (part - AXIS), width, part + (AXIS if is_last else -AXIS - GAP)),
            left=22.0,
            head=words(f"chart.skew.{what}"),
            note=words(f"chart.skew.{what}_note"),
        )
        plot.rule_y(0.0, theme.MUTED, width=0.6)
        for band in own:
            plot.error_bars(band["days"], band["p10"], band["p90"], theme.MUTED, width=1.2, cap=3.0)
            plot.error_bars(band["days"], band["p50"], band["p50"], theme.MUTED, width=1.2, cap=2.0)
        plot.line(column(rows, "days"), values, COLOURS[what], width=1.6)
        plot.markers(column(rows, "days"), values, COLOURS[what], shape=SHAPES[what], size=1.8)
        for band in own:
            name = words("chart.skew.percentile", share=round(100 * band["percentile"]))
            plot.label(band["days"], max(band["p90"], band["now"]), name, theme.SOFT, size=theme.SMALL, prefer="above")
    return panel.svg()
