"""Implied vol by time to expiration: at the forward and model-free today, and at the forward some sessions ago."""

from __future__ import annotations

from typing import Any

from vol_assets.gold.pdf import axis, theme
from vol_assets.gold.pdf.panel import Panel, missing
from vol_assets.gold.pdf.reading import at, column
from vol_assets.gold.words import Words

EARLIER = {  # by how long ago: colour, dash; the nearer, the brighter
    "day": (theme.SOFT, theme.SOLID),
    "week": (theme.GREY, theme.DASHED),
    "month": (theme.GREY, theme.DOTTED),
}
MONTH = 30.0  # days, GVZ's


def term_structure(analysis: dict[str, Any], words: Words, width: float, height: float) -> str:
    """An SVG of that size in pt."""
    rows = analysis["surface"]["expirations"]
    if not rows:
        return missing(words("chart.term.missing"), width, height)
    earlier = analysis["surface"]["earlier"]
    days, vols, model_free = (column(rows, name) for name in ("days", "atm_vol", "model_free_vol"))
    gvz = analysis["gvz"]["level"] if analysis["gvz"] else None
    names = {one["ago"]: words(f"chart.term.{one['ago']}") for one in earlier}
    panel = Panel(width, height)
    plot = panel.plot(
        axis.days([*days, *(day for one in earlier for day in one["days"])], words.number, words("chart.days")),
        axis.linear(
            [*vols, *model_free, gvz, *(vol for one in earlier for vol in one["atm_vol"])],
            words.number,
            words("chart.implied"),
            shown=100,
            most=6,
            least=0.02,
        ),
        room_for=[words("chart.atm"), words("chart.term.model_free"), *names.values()],
    )
    plot.rule_y(gvz, theme.INDEX, dash=theme.DOTTED, width=0.9)
    for one in reversed(earlier):
        colour, dash = EARLIER[one["ago"]]
        plot.line(one["days"], one["atm_vol"], colour, width=0.9, dash=dash)
        plot.end_label(one["atm_vol"][-1], names[one["ago"]], colour, bold=False, importance=70, x=one["days"][-1])
    plot.line(days, model_free, theme.IMPLIED, width=1.0, dash=theme.DASHED)
    plot.line(days, vols, theme.IMPLIED, width=1.8)
    plot.markers(days, vols, theme.IMPLIED, size=1.9)
    plot.end_label(vols[-1], words("chart.atm"), theme.IMPLIED, x=days[-1])
    plot.end_label(model_free[-1], words("chart.term.model_free"), theme.IMPLIED, bold=False, x=days[-1])
    if gvz is not None:
        plot.markers(MONTH, gvz, theme.INDEX, shape="diamond", size=2.6)
        name = words("chart.term.gvz", vol=words.number(100 * gvz, 1))
        plot.label(MONTH, gvz, name, theme.INDEX, bold=True, importance=75, prefer="above")
    month = at(rows, MONTH, "atm_vol")
    if month is not None:
        name = words("chart.term.month_vol", vol=words.number(100 * month, 1))
        plot.label(MONTH, month, name, theme.INK, bold=True, importance=74, prefer="below")
    return panel.svg()
