"""Implied over realised vol by expiration, against the thresholds of the signals."""

from __future__ import annotations

from typing import Any

from vol_assets.gold.pdf import axis, theme
from vol_assets.gold.pdf.panel import Key, Panel, missing
from vol_assets.gold.pdf.reading import column
from vol_assets.gold.report import BUY, SELL
from vol_assets.gold.words import Words

COLOURS = {"SELL VOL": theme.RICH, "BUY VOL": theme.CHEAP, "NEUTRAL": theme.GREY}


def signals(analysis: dict[str, Any], words: Words, width: float, height: float) -> str:
    """An SVG of that size in pt."""
    rows = analysis["gld"]["ratios"]
    known = [value for row in rows for value in (row["ratio"], row["forecast_ratio"]) if value is not None]
    if not known:
        return missing(words("chart.signals.missing"), width, height)
    panel = Panel(width, height)
    top = panel.legend(
        [
            Key(words("chart.signals.trailing"), theme.GREY, "bar"),
            Key(words("chart.signals.forecast"), theme.FORECAST, "diamond"),
        ]
    )
    names = [words.number(round(row["days"])) for row in rows]
    plot = panel.plot(
        axis.categories(names, words("chart.signals.expirations")),
        axis.linear([*known, 0.95 * BUY, 1.03 * SELL], words.number, words("chart.signals.ratio"), most=6, pad=0.05),
        top=top,
    )
    colours = [COLOURS.get(row["signal"], theme.GREY) for row in rows]
    plot.bars(range(len(rows)), column(rows, "ratio"), colours, base=1.0, thick=0.66)
    plot.rule_y(1.0, theme.MUTED, width=0.7)
    plot.rule_y(SELL, theme.RICH, dash=theme.DASHED, label=words("chart.signals.sell"), importance=70)
    plot.rule_y(BUY, theme.CHEAP, dash=theme.DASHED, label=words("chart.signals.buy"), importance=70)
    plot.markers(range(len(rows)), column(rows, "forecast_ratio"), theme.FORECAST, shape="diamond", size=2.6, halo=True)
    return panel.svg()
