"""Risk-neutral densities of GLD at three horizons: what options say of where it may be."""

from __future__ import annotations

from typing import Any

import numpy as np

from vol_assets.gold.pdf import axis, theme
from vol_assets.gold.pdf.panel import Key, Panel, missing
from vol_assets.gold.pdf.reading import nearest
from vol_assets.gold.words import Words

STYLES = ((theme.BLUE, theme.SOLID, 1.8), (theme.GREEN, theme.DASHED, 1.5), (theme.ORANGE, theme.DASH_DOT, 1.5))
NAMED_AT = 0.5  # of its highest: where a curve has its name
LEAST = 0.008  # of the highest density: beyond, nothing is to be seen


def density(analysis: dict[str, Any], words: Words, width: float, height: float) -> str:
    """An SVG of that size in pt."""
    gld = analysis["gld"]
    curves = sorted(gld["densities"], key=lambda curve: curve["days"])[: len(STYLES)]
    if not curves:
        return missing(words("chart.density.missing"), width, height)
    prices, heights = (np.concatenate([curve[name] for curve in curves]) for name in ("price", "risk_neutral"))
    seen = prices[heights > LEAST * heights.max()]
    panel = Panel(width, height)
    top = 0.0
    for curve, (colour, dash, _) in zip(curves, STYLES):
        described = _described(nearest(gld["horizons"], curve["days"]), words)
        top += panel.legend([Key(described, colour, dash=dash)], y=top) - 3.0
    plot = panel.plot(
        axis.linear(seen, words.number, words("chart.density.price"), pad=0.02, most=8, grid=False),
        axis.linear(heights, words.number, words("chart.density.per_dollar"), shown=100, zero=True, pad=0.12, most=4),
        top=top + 3.0,
    )
    for curve, (colour, dash, thick) in reversed(list(zip(curves, STYLES))):
        plot.band(curve["price"], np.zeros(len(curve["price"])), curve["risk_neutral"], colour, opacity=0.1)
        plot.line(curve["price"], curve["risk_neutral"], colour, width=thick, dash=dash)
    plot.rule_x(
        gld["spot"]["price"],
        theme.SOFT,
        dash=theme.DOTTED,
        label=words("chart.spot", price=gld["spot"]["price"]),
        importance=80,
    )
    for curve, (colour, _, _) in zip(curves, STYLES):
        price, law = np.array(curve["price"]), np.array(curve["risk_neutral"])
        top = int(law.argmax())
        side = top + int(np.abs(law[top:] - NAMED_AT * law[top]).argmin())
        name = words("chart.density.curve", days=round(curve["days"]))
        plot.label(price[side], law[side], name, colour, bold=True, importance=70)
    return panel.svg()


def _described(horizon: dict[str, Any], words: Words) -> str:
    """A horizon with its 68 % interval and its shape."""
    middle = horizon["risk_neutral"]["intervals"][0]
    return words(
        "chart.density.described",
        days=round(horizon["days"]),
        low=middle["low"],
        high=middle["high"],
        skew=horizon["skewness"],
        kurtosis=horizon["excess_kurtosis"],
    )
