"""The fan of an instrument's price: windows of the posterior by horizon, with what options alone would say."""

from __future__ import annotations

from typing import Any

from vol_assets.gold.pdf import axis, theme, ticks
from vol_assets.gold.pdf.panel import Key, Panel, missing
from vol_assets.gold.pdf.reading import within_a_year
from vol_assets.gold.words import Words

OPACITY = 0.17  # of each band: they lie over each other
APART = "\u00a0\u00a0"
Q_PROBABILITY = 1  # the place of 90 % among the intervals


def fan(instrument: dict[str, Any], words: Words, width: float, height: float) -> str:
    """Windows under P (Q, where there is no P) from the spot to every horizon, forward, spot and the 90 % of Q."""
    horizons = within_a_year(instrument["horizons"])
    if not horizons:
        return missing(words("window.no_horizons"), width, height)
    has_posterior = all(horizon["posterior"] for horizon in horizons)
    law, colour = ("posterior", theme.POSTERIOR) if has_posterior else ("risk_neutral", theme.IMPLIED)
    spot, days = instrument["spot"]["price"], [0.0, *(horizon["days"] for horizon in horizons)]

    def bounds(of: str, number: int) -> tuple[list[float], list[float]]:
        return tuple([spot, *(one[of]["intervals"][number][side] for one in horizons)] for side in ("low", "high"))

    windows = [bounds(law, number) for number in range(len(horizons[0][law]["intervals"]))]
    shares = [words.percent(each["probability"]) for each in horizons[0][law]["intervals"]]
    forward = [spot, *(horizon["forward"] for horizon in horizons)]
    ends = [
        (f"{share}{APART}{words.price(side[-1])}", side) for share, window in zip(shares, windows) for side in window
    ]
    ends.append((words("window.forward_end", price=words.price(forward[-1])), forward))

    panel = Panel(width, height)
    bands = words("window.fan", law="P" if has_posterior else "Q", shares=_listed(words, horizons[0][law]))
    keys = [
        Key(bands, colour, "band"),
        Key(words("window.forward"), theme.INK, dash=theme.DASH_DOT),
        Key(words("window.spot", price=words.price(spot)), theme.MUTED, dash=theme.DOTTED),
    ]
    if has_posterior:
        keys.insert(1, Key(words("window.q90"), theme.IMPLIED, dash=theme.DASHED))
    top = panel.legend(keys)
    q = bounds("risk_neutral", Q_PROBABILITY)
    prices = [price for window in (*windows, q) for side in window for price in side]
    plot = panel.plot(
        axis.days(days, words.number, words("axis.days"), start=0.0, at=ticks.days(days[1], days[-1])),
        axis.linear(prices, words.number, words("axis.usd"), most=8, pad=0.04),
        top=top,
        right=4.0,
        room_for=[name for name, _ in ends],
    )
    for low, high in reversed(windows):
        plot.band(days, low, high, colour, opacity=OPACITY)
    for low, high in windows:
        for side in (low, high):
            plot.line(days, side, colour, width=0.6, opacity=0.75)
    if has_posterior:
        for side in q:
            plot.line(days, side, theme.IMPLIED, dash=theme.DASHED, width=1.2)
    plot.rule_y(spot, theme.MUTED, dash=theme.DOTTED)
    plot.line(days, forward, theme.INK, dash=theme.DASH_DOT, width=1.0)
    for name, side in ends:
        plot.end_label(side[-1], name, theme.INK if side is forward else colour)
    return panel.svg()


def _listed(words: Words, window: dict[str, Any]) -> str:
    """68, 90, 95, 99 %."""
    *others, last = (each["probability"] for each in window["intervals"])
    return ", ".join([*(words.number(100 * each) for each in others), words.percent(last)])
