"""GLD and XAU/USD side by side: their forwards over their spots, and the cones of their own histories."""

from __future__ import annotations

from typing import Any

from vol_assets.gold.pdf import axis, theme, ticks
from vol_assets.gold.pdf.panel import Key, Panel, missing
from vol_assets.gold.pdf.reading import within_a_year
from vol_assets.gold.words import Words

GAP = 8.0  # pt between the cones


def forwards(analysis: dict[str, Any], words: Words, width: float, height: float) -> str:
    """Forward over spot less one, by horizon."""
    shown = [(analysis["gld"], theme.BLUE, theme.SOLID), (analysis["xau"], theme.METAL, theme.DASHED)]
    shown = [one for one in shown if one[0] and one[0]["horizons"]]
    if not shown:
        return missing(words("window.no_horizons"), width, height)
    panel = Panel(width, height)
    top = panel.legend([Key(instrument["name"], colour, dash=dash) for instrument, colour, dash in shown])
    ahead = [(one["spot"]["price"], within_a_year(one["horizons"])) for one, _, _ in shown]
    days = [[0.0, *(horizon["days"] for horizon in horizons)] for _, horizons in ahead]
    over = [[0.0, *(horizon["forward"] / spot - 1.0 for horizon in horizons)] for spot, horizons in ahead]
    ends = [words.signed_percent(values[-1], 2) for values in over]
    plot = panel.plot(
        axis.days(days[0], words.number, words("axis.days"), start=0.0, at=ticks.days(days[0][1], days[0][-1])),
        axis.linear([one for values in over for one in values], words.number, words("axis.over_spot"), shown=100),
        top=top,
        room_for=ends,
    )
    for (_, colour, dash), across, values, end in zip(shown, days, over, ends):
        plot.line(across, values, colour, dash=dash)
        plot.end_label(values[-1], end, colour)
    return panel.svg()


def cones(analysis: dict[str, Any], words: Words, width: float, height: float) -> str:
    """Close-to-close realised vol by length of the window: percentiles of the history, and the newest window."""
    shown = [
        (one, [row for row in one["realised"]["cone"] if row["estimator"] == "close"])
        for one in _with_history(analysis)
    ]
    shown = [(instrument, cone) for instrument, cone in shown if cone]
    if not shown:
        return missing(words("cones.no_history"), width, height)
    panel = Panel(width, height)
    top = panel.legend(
        [
            Key(words("cones.wide"), theme.REALISED, "band", opacity=0.25),
            Key(words("cones.narrow"), theme.REALISED, "band", opacity=0.5),
            Key(words("cones.median"), theme.REALISED, dash=theme.DASHED),
            Key(words("cones.current"), theme.REALISED, "line+circle"),
        ]
    )
    highs_and_lows = [row[name] for _, cone in shown for row in cone for name in ("p10", "p90", "current")]
    each = (width - GAP * (len(shown) - 1)) / len(shown)
    for number, (instrument, cone) in enumerate(shown):
        windows = [row["window"] for row in cone]
        series = {name: [row[name] for row in cone] for name in ("p10", "p25", "p50", "p75", "p90", "current")}
        plot = panel.plot(
            axis.days(windows, words.number, words("axis.sessions"), at=windows),
            axis.linear(highs_and_lows, words.number, words("axis.vol"), shown=100),
            frame=(number * (each + GAP), top, each, height - top),
            head=instrument["name"],
            note=words("cones.since", year=instrument["realised"]["first"][:4]),
        )
        plot.band(windows, series["p10"], series["p90"], theme.REALISED, opacity=0.22)
        plot.band(windows, series["p25"], series["p75"], theme.REALISED, opacity=0.3)
        plot.line(windows, series["p50"], theme.REALISED, width=0.9, dash=theme.DASHED)
        plot.line(windows, series["current"], theme.REALISED, width=1.8)
        plot.markers(windows, series["current"], theme.REALISED)
    return panel.svg()


def _with_history(analysis: dict[str, Any]) -> list[dict[str, Any]]:
    return [one for one in (analysis["gld"], analysis["xau"]) if one and one["realised"]]
