"""Densities of an instrument's price at about 30 and 91 days, with value at risk and expected shortfall."""

from __future__ import annotations

from typing import Any

import numpy as np

from vol_assets.gold.pdf import axis, theme
from vol_assets.gold.pdf.panel import Key, Panel, missing
from vol_assets.gold.pdf.placer import Spot
from vol_assets.gold.pdf.reading import nearest
from vol_assets.gold.words import Words

SHOWN = 2  # of the densities: the shorter ones
VALUE_AT_RISK, SHORTFALL = 0.05, 0.025
LEAST_SHOWN = 0.01  # of the greatest density: what is lower is left out
NAMES_ROOM = 0.14  # of what is shown
TAIL_OPACITY = 0.6


def price_density(instrument: dict[str, Any], words: Words, width: float, height: float) -> str:
    """Under Q and P, one plot a horizon; the marks are those of P (of Q, where there is no P)."""
    curves = instrument["densities"][:SHOWN]
    if not curves:
        return missing(words("window.no_densities"), width, height)
    panel = Panel(width, height)
    has_posterior = all(curve["posterior"] for curve in curves)
    law, colour = ("posterior", theme.POSTERIOR) if has_posterior else ("risk_neutral", theme.IMPLIED)
    keys = [Key(words("window.density_q"), theme.IMPLIED, dash=theme.DASHED if has_posterior else theme.SOLID)]
    if has_posterior:
        keys.append(Key(words("window.density_p"), theme.POSTERIOR))
    tail = words("window.tail", law="P" if has_posterior else "Q", share=VALUE_AT_RISK)
    keys.append(Key(tail, theme.VERMILION, "band", opacity=TAIL_OPACITY))
    keys.append(Key(words("window.forward"), theme.INK, dash=theme.DASH_DOT))
    top = panel.legend(keys)
    tall = (height - top) / len(curves)
    for number, curve in enumerate(curves):
        horizon = nearest(instrument["horizons"], curve["days"])
        _density(panel, curve, horizon, law, colour, words, (0.0, top + number * tall, width, tall))
    return panel.svg()


def _density(
    panel: Panel,
    curve: dict[str, Any],
    horizon: dict[str, Any],
    law: str,
    colour: str,
    words: Words,
    frame: tuple[float, float, float, float],
) -> None:
    price = np.array(curve["price"])
    q, p = (np.array(curve[name]) for name in ("risk_neutral", law))
    at_risk, shortfall = (
        next(tail for tail in horizon[law]["tails"] if abs(tail["probability"] - share) < 1e-9)
        for share in (VALUE_AT_RISK, SHORTFALL)
    )
    edge, deep = at_risk["value_at_risk"], shortfall["expected_shortfall"]
    plot = panel.plot(
        axis.linear(price, words.number, most=7, ends=_ends(price, np.maximum(q, p), deep)),
        axis.bare(0.0, 1.12 * float(max(q.max(), p.max()))),
        frame=frame,
        head=words("window.at_days", days=curve["days"]),
        note=words("axis.usd"),
        left=2.0,
    )
    tail = np.append(price[price < edge], edge)
    plot.band(tail, np.zeros(len(tail)), np.interp(tail, price, p), theme.VERMILION, opacity=TAIL_OPACITY)
    plot.rule_x(horizon["forward"], theme.INK, dash=theme.DASH_DOT)
    if law == "posterior":
        plot.line(price, q, theme.IMPLIED, dash=theme.DASHED, width=1.2)
    plot.line(price, p, colour, width=1.7)
    losses = at_risk["value_at_risk_loss"], shortfall["expected_shortfall_loss"]
    marks = ("window.var", VALUE_AT_RISK, 0.78), ("window.es", SHORTFALL, 0.4)
    for at, loss, (key, share, tall) in zip((edge, deep), losses, marks):
        name = words(key, share=share, price=words.price(at), change=-loss)
        height = tall * float(p.max())
        plot.error_bars([at], [0.0], [height], theme.VERMILION, width=1.2)
        (across,), (up,) = plot.px([at]), plot.py([height])
        panel.ask(name, [Spot(across - 3.5, up + 6.0, "end")], theme.VERMILION, size=theme.SMALL, importance=70.0)


def _ends(price: np.ndarray, density: np.ndarray, deep: float) -> tuple[float, float]:
    """Prices of some density, and room for names left of the expected shortfall."""
    shown = price[density > LEAST_SHOWN * density.max()]
    low, high = min(float(shown[0]), deep), float(shown[-1])
    return low - NAMES_ROOM * (high - low), high
