"""Implied vol by tenor within its own last year, and over the forecast of realised vol: is it high, does it pay?"""

from __future__ import annotations

from typing import Any

from vol_assets.gold.pdf import axis, theme
from vol_assets.gold.pdf.panel import Key, Panel, missing
from vol_assets.gold.pdf.reading import at, column
from vol_assets.gold.words import Words

FARTHEST = 400.0  # days: ranks and forecasts are of maturities up to there
NAMED = (30.0, 182.0)  # days at which the premium is written


def ranks(analysis: dict[str, Any], words: Words, width: float, height: float) -> str:
    """An SVG of that size in pt."""
    tenors = [row for row in analysis["surface"]["tenors"] if not row["extrapolated"] and row["days"] <= FARTHEST]
    ranked = [row for row in analysis["surface"]["ranks"] if row["rank"] is not None and row["days"] <= FARTHEST]
    ratios = [row for row in analysis["gld"]["ratios"] if row["days"] <= FARTHEST]
    forecasts = [row for row in ratios if row["forecast_vol"] is not None]
    if not ranked and not forecasts:
        return missing(words("chart.ranks.missing"), width, height)
    own = any(row["source"] == "tenors" for row in ranked)
    panel = Panel(width, height)
    keys = [Key(words("chart.ranks.implied"), theme.IMPLIED, "line+square")]
    if forecasts:
        keys.append(Key(words("chart.ranks.forecast"), theme.FORECAST, dash=theme.DASHED))
    if ranked:
        keys.append(Key(words("chart.ranks.range" if own else "chart.ranks.range_gvz"), theme.GREY, "bar"))
    top = panel.legend(keys)
    days = column(tenors, "days")
    drawn = [*column(tenors, "atm_vol"), *column(forecasts, "forecast_vol")]
    drawn += [row[name] for row in ranked for name in ("lowest", "highest", "now")]
    plot = panel.plot(
        axis.days(
            [*days, *column(forecasts, "days"), *column(ranked, "days")], words.number, words("chart.days"), pad=0.05
        ),
        axis.linear(drawn, words.number, words("chart.annualised"), shown=100, most=6, pad=0.1),
        top=top,
    )
    for row in ranked:
        plot.error_bars(row["days"], row["lowest"], row["highest"], theme.GREY, width=5.0, opacity=0.45)
    implied = [at(tenors, row["days"], "atm_vol") for row in forecasts]
    plot.band(column(forecasts, "days"), column(forecasts, "forecast_vol"), implied, theme.FORECAST, opacity=0.16)
    plot.line(column(forecasts, "days"), column(forecasts, "forecast_vol"), theme.FORECAST, dash=theme.DASHED)
    plot.line(days, column(tenors, "atm_vol"), theme.IMPLIED, width=1.6)
    plot.markers(days, column(tenors, "atm_vol"), theme.IMPLIED, shape="square", size=2.0)
    for row in ranked:
        name = words.number(100 * row["rank"])
        if row["source"] == "gvz":
            plot.markers(row["days"], row["now"], theme.INDEX, shape="diamond", size=2.6)
            name = words("chart.ranks.rank_gvz", rank=name)
        importance = 70 if row["days"] in (30, 91, 182, 365) else 60
        plot.label(
            row["days"],
            row["highest"],
            name,
            theme.INK,
            size=theme.SMALL,
            importance=importance,
            prefer="above",
            elsewhere=False,
        )
    for when in NAMED:
        vol, forecast = at(tenors, when, "atm_vol"), at(forecasts, when, "forecast_vol")
        if vol is not None and forecast is not None:
            name = words("chart.ranks.premium", points=words.signed(100 * (vol - forecast), 1))
            plot.label(when, forecast, name, theme.FORECAST, bold=True, importance=65, prefer="below")
    return panel.svg()
