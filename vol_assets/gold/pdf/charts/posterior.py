"""The vols that the windows are made of, and the shape of the log return, by horizon."""

from __future__ import annotations

from typing import Any

from vol_assets.gold.pdf import axis, theme, ticks
from vol_assets.gold.pdf.panel import Key, Panel, missing
from vol_assets.gold.pdf.reading import within_a_year
from vol_assets.gold.words import Words

LINES = (  # field, key of its name, colour, dash, width
    ("implied_vol", "window.implied", theme.IMPLIED, theme.SOLID, 1.4),
    ("realised_vol", "window.realised", theme.FORECAST, theme.DASHED, 1.4),
    ("posterior_vol", "window.posterior", theme.POSTERIOR, theme.SOLID, 2.2),
    ("equal_weight_vol", "window.equal_weights", theme.MUTED, theme.DOTTED, 1.2),
)
SHAPES = (
    ("skewness", "window.skewness", theme.ORANGE, 0.4),
    ("excess_kurtosis", "window.kurtosis", theme.YELLOW, 2.0),
)
SHAPE_SHARE = 0.40  # of the height


def posterior(instrument: dict[str, Any], words: Words, width: float, height: float) -> str:
    """Implied, forecast and posterior vol above, skewness and excess kurtosis below."""
    horizons = within_a_year(instrument["horizons"])
    if not horizons:
        return missing(words("window.no_horizons"), width, height)
    days = [horizon["days"] for horizon in horizons]
    panel = Panel(width, height)
    upper = (1.0 - SHAPE_SHARE) * height
    _vols(panel, horizons, days, words, upper)
    gap = 10.0
    half = 0.5 * (width - gap)
    for number, (field, name, colour, least) in enumerate(SHAPES):
        values = [horizon[field] for horizon in horizons]
        plot = panel.plot(
            axis.days(days, words.number, at=ticks.days(days[0], days[-1])),
            axis.linear([*values, 0.0], words.number, most=3, least=least),
            frame=(number * (half + gap), upper, half, height - upper),
            head=words(name),
            note=words("axis.short_days"),
        )
        plot.rule_y(0.0)
        plot.line(days, values, colour)
        plot.markers(days[-1:], values[-1:], colour, shape="diamond" if number else "circle")
    return panel.svg()


def _vols(panel: Panel, horizons: list[dict[str, Any]], days: list[float], words: Words, height: float) -> None:
    known = [line for line in LINES if any(horizon[line[0]] is not None for horizon in horizons)]
    top = panel.legend([Key(words(name), colour, dash=dash) for _, name, colour, dash, _ in known])
    series = {field: [horizon[field] for horizon in horizons] for field, *_ in known}
    ends = {field: words.percent(values[-1], 1) for field, values in series.items()}
    plot = panel.plot(
        axis.days(days, words.number, at=ticks.days(days[0], days[-1])),
        axis.linear(
            [value for values in series.values() for value in values if value is not None],
            words.number,
            words("axis.vol_by_days"),
            shown=100,
            least=0.04,
        ),
        frame=(0.0, 0.0, panel.width, height - 4.0),
        top=top,
        room_for=ends.values(),
    )
    for field, _, colour, dash, thick in known:
        plot.line(days, series[field], colour, dash=dash, width=thick)
        plot.end_label(series[field][-1], ends[field], colour)
