"""What an option on one share carries: gamma by strike at one horizon, vega at the forward by expiration."""

from __future__ import annotations

from typing import Any

import numpy as np

from vol_assets.gold.pdf import axis, theme
from vol_assets.gold.pdf.panel import Panel, missing
from vol_assets.gold.pdf.reading import at, column
from vol_assets.gold.words import Words

NAMED = (30.0, 91.0, 182.0, 365.0)  # days at which vega is written


def dollar_gamma(analysis: dict[str, Any], words: Words, width: float, height: float) -> str:
    """An SVG of that size in pt."""
    curves = analysis["surface"]["greeks"]
    if not curves or not curves["strike"]:
        return missing(words("chart.gamma.missing"), width, height)
    strike, gamma = np.array(curves["strike"]), np.array(curves["dollar_gamma"])
    spot, top = analysis["gld"]["spot"]["price"], int(gamma.argmax())
    panel = Panel(width, height)
    plot = panel.plot(
        axis.linear(strike, words.number, words("chart.strike"), pad=0.0, most=6, grid=False),
        axis.linear(gamma, words.number, words("chart.gamma.unit"), zero=True, pad=0.16, most=4),
    )
    plot.band(strike, np.zeros(len(strike)), gamma, theme.IMPLIED, opacity=0.18)
    plot.line(strike, gamma, theme.IMPLIED, width=1.8)
    plot.rule_x(spot, theme.SOFT, dash=theme.DOTTED, label=words("chart.spot", price=spot), importance=60)
    plot.markers(strike[top], gamma[top], theme.INK, size=2.2)
    name = words("chart.gamma.peak", gamma=gamma[top], strike=strike[top])
    plot.label(strike[top], gamma[top], name, theme.INK, bold=True, importance=70, prefer="right")
    return panel.svg()


def vega_by_tenor(analysis: dict[str, Any], words: Words, width: float, height: float) -> str:
    """An SVG of that size in pt."""
    rows = analysis["surface"]["vegas"]
    if not rows:
        return missing(words("chart.vega.missing"), width, height)
    days, vegas = column(rows, "days"), column(rows, "vega")
    panel = Panel(width, height)
    plot = panel.plot(
        axis.days(days, words.number, words("chart.days"), start=0.0),
        axis.linear(vegas, words.number, words("chart.vega.unit"), zero=True, pad=0.14, most=4),
    )
    plot.error_bars(days, np.zeros(len(days)), vegas, theme.IMPLIED, width=1.0, opacity=0.45)
    plot.line(days, vegas, theme.IMPLIED, width=1.2, opacity=0.6)
    plot.markers(days, vegas, theme.IMPLIED, size=2.2)
    for when in NAMED:
        vega = at(rows, when, "vega")
        if vega is not None:
            name = words("chart.vega.named", vega=vega, days=round(when))
            plot.label(when, vega, name, theme.INK, size=theme.SMALL, importance=70 - when / 100, prefer="left")
    return panel.svg()
