"""Smiles beside their quotes, at the expirations nearest to a week, a month, a quarter and half a year."""

from __future__ import annotations

from typing import Any

import numpy as np

from vol_assets.gold.pdf import axis, theme
from vol_assets.gold.pdf.panel import Key, Panel, missing
from vol_assets.gold.pdf.reading import column, nearest
from vol_assets.gold.words import Words

DAYS = (7, 30, 91, 182)
GAP = 8.0  # pt between the small multiples
NARROW = 150.0  # pt of width that do not hold head and note
WIDE = 1.9  # width over height from which all stand side by side
STDEVS = 3.0  # of the at-the-money law, that the axes show at most
SIDES = {"P": ("circle", theme.ORANGE), "C": ("triangle", theme.YELLOW)}


def smiles(analysis: dict[str, Any], words: Words, width: float, height: float) -> str:
    """Up to four small multiples, side by side or two by two; an SVG of that size in pt."""
    curves = [curve for curve in analysis["surface"]["smiles"] if curve["k"]]
    if not curves:
        return missing(words("chart.smiles.missing"), width, height)
    chosen = {curve["expiration"]: curve for curve in (nearest(curves, days) for days in DAYS)}
    fits = {row["expiration"]: row for row in analysis["surface"]["expirations"]}
    panel = Panel(width, height)
    top = panel.legend(
        [
            Key(words("chart.smiles.put"), SIDES["P"][1], "circle"),
            Key(words("chart.smiles.call"), SIDES["C"][1], "triangle"),
            Key(words("chart.smiles.spread"), theme.ORANGE, "error"),
            Key(words("chart.smiles.fit"), theme.IMPLIED),
        ]
    )
    across = len(chosen) if width >= WIDE * height else min(2, len(chosen))
    down = -(-len(chosen) // across)
    part = (width - GAP * (across - 1)) / across, (height - top - GAP * (down - 1)) / down
    for number, curve in enumerate(chosen.values()):
        row, place = divmod(number, across)
        frame = (place * (part[0] + GAP), top + row * (part[1] + GAP), *part)
        _smile(panel, words, curve, fits[curve["expiration"]], frame, row == down - 1)
    return panel.svg()


def _smile(
    panel: Panel,
    words: Words,
    curve: dict[str, Any],
    fit: dict[str, Any],
    frame: tuple[float, float, float, float],
    is_lowest: bool,
) -> None:
    strikes = curve["forward"] * np.exp(curve["k"])
    vols, quotes = np.array(curve["vol"]), curve["quotes"]
    key = "chart.smiles.note" if fit["rmse_vol"] is not None else "chart.smiles.note_atm"
    note, label = words(key, vol=100 * fit["atm_vol"], error=100 * (fit["rmse_vol"] or 0.0)), words("chart.annualised")
    if frame[2] < NARROW:
        note, label = "", words("chart.smiles.narrow", note=note)
    shown = np.abs(curve["k"]) <= STDEVS * fit["atm_vol"] * np.sqrt(fit["years"])
    seen = [quote for quote in quotes if strikes[shown].min() <= quote["strike"] <= strikes[shown].max()]
    drawn = [*vols[shown], *column(seen, "mid_vol")]
    plot = panel.plot(
        axis.linear(strikes[shown], words.number, words("chart.strike") if is_lowest else "", pad=0.03, grid=False),
        axis.linear(drawn, words.number, label, shown=100, pad=0.12, least=0.01),
        frame=frame,
        head=words("chart.smiles.head", days=round(curve["days"]), day=curve["expiration"]),
        note=note,
        right=3.0,
    )
    plot.rule_x(curve["forward"], theme.MUTED, dash=theme.DOTTED)
    plot.line(strikes, vols, theme.IMPLIED, width=1.3)
    for right, (shape, colour) in SIDES.items():
        own = [quote for quote in quotes if quote["right"] == right]
        at = column(own, "strike")
        plot.error_bars(at, column(own, "bid_vol"), column(own, "ask_vol"), colour, width=1.1, opacity=0.75)
        plot.markers(at, column(own, "mid_vol"), colour, shape=shape, size=1.4)
