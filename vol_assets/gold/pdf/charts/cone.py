"""The cone of realised vol with its newest windows and implied vol over it: is implied dear for what gold does?"""

from __future__ import annotations

from typing import Any

from vol_assets.gold.pdf import axis, theme
from vol_assets.gold.pdf.panel import Panel, missing
from vol_assets.gold.pdf.reading import column
from vol_assets.gold.words import Words

PERCENTILES = ("p90", "p75", "p50", "p25", "p10")


def cone(analysis: dict[str, Any], words: Words, width: float, height: float) -> str:
    """GLD's close-to-close cone, with the newest range-based vols where there are any; an SVG of that size in pt."""
    gld = analysis["gld"]
    windows = gld["realised"]["cone"] if gld["realised"] else []
    close = [window for window in windows if window["estimator"] == "close"]
    if not close:
        return missing(words("chart.cone.missing"), width, height)
    ranged = [window for window in windows if window["estimator"] == "range"]
    lengths = column(close, "window")
    implied = [row for row in gld["ratios"] if row["sessions"] <= 1.05 * lengths[-1]]
    bounds = {name: column(close, name) for name in PERCENTILES}
    current = column(close, "current")
    panel = Panel(width, height)
    sessions = column(implied, "sessions")
    drawn = [*bounds["p10"], *bounds["p90"], *current, *column(implied, "implied_vol"), *column(ranged, "current")]
    plot = panel.plot(
        axis.days([*lengths, *sessions], words.number, words("chart.cone.sessions"), at=lengths),
        axis.linear(drawn, words.number, words("chart.annualised"), shown=100, most=6),
        room_for=[words(f"chart.cone.{name}") for name in ("implied", "close", "range", "p50")],
    )
    plot.band(lengths, bounds["p10"], bounds["p90"], theme.REALISED, opacity=0.14)
    plot.band(lengths, bounds["p25"], bounds["p75"], theme.REALISED, opacity=0.22)
    plot.line(lengths, bounds["p50"], theme.REALISED, width=0.9, dash=theme.DASHED)
    if ranged:
        newest = column(ranged, "current")
        plot.line(column(ranged, "window"), newest, theme.REALISED, width=0.9, dash=theme.DOTTED)
        plot.end_label(newest[-1], words("chart.cone.range"), theme.REALISED, bold=False, importance=70)
    plot.line(lengths, current, theme.REALISED, width=1.8)
    plot.markers(lengths, current, theme.REALISED)
    if implied:
        plot.line(sessions, column(implied, "implied_vol"), theme.IMPLIED, width=1.8)
        plot.markers(sessions, column(implied, "implied_vol"), theme.IMPLIED, shape="square", size=1.9)
        last = implied[-1]
        plot.end_label(
            last["implied_vol"], words("chart.cone.implied"), theme.IMPLIED, importance=88, x=last["sessions"]
        )
    plot.end_label(current[-1], words("chart.cone.close"), theme.REALISED, importance=86)
    for name in PERCENTILES:
        importance = 75 if name == "p50" else 65
        plot.end_label(bounds[name][-1], words(f"chart.cone.{name}"), theme.MUTED, bold=False, importance=importance)
    return panel.svg()
