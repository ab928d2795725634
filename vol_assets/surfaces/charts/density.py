"""What the market pays for: the risk-neutral law of the return to a few tenors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from vol_assets.charts import style
from vol_assets.surfaces.charts.words import DAYS, WIDTH, days, session_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from vol_assets.quant.surface import Surface

TENORS = (7, 30, 91, 365)  # days
MARKS = np.array([0.05, 0.5, 0.95])
ENDS = np.array([0.005, 0.999])  # probabilities at which a panel ends
STEPS = 301
LABEL_WIDTH = 0.15  # of a panel


def densities(surface: Surface, rows: pd.DataFrame, tenor_days: tuple[float, ...] = TENORS) -> Figure:
    """Density of the return from the spot, two panels a row, with 5, 50 and 95% quantiles and the lognormal beside.

    rows: of surface/<underlying>, for names only.
    """
    smiles = surface.smiles(np.array(tenor_days) / DAYS)
    drift = np.log(smiles.forward / surface.spot)[:, None]
    ends, marks = smiles.quantile(ENDS), smiles.quantile(MARKS)
    k = ends[:, :1] + (ends[:, 1:] - ends[:, :1]) * np.linspace(0, 1, STEPS)
    s = smiles.at_money[:, None]
    lognormal = np.exp(-0.5 * (k / s + 0.5 * s) ** 2) / (np.sqrt(2 * np.pi) * s)
    down = -(-len(tenor_days) // 2)
    figure, axes = style.panels(
        f"{rows['symbol'].iloc[0]}: risk-neutral densities",
        f"{session_of(rows)}. Of the return from the spot, {surface.spot:,.2f} USD, as probability per 1% of return.",
        width=WIDTH,
        height=1.5 + 2.9 * down,
        rows=down,
        columns=2,
        left=0.62,
        bottom=0.6,
        hspace=0.32,
        wspace=0.13,
        sharex=False,
    )
    for i, (ax, tenor) in enumerate(zip(axes.flat, tenor_days)):
        growth = np.exp(k[i] + drift[i])
        per_percent = 0.01 / growth  # d ln(S_T) for 1% of the spot
        value = smiles.density(k)[i] * per_percent
        ax.fill_between(growth - 1, value, color=style.SKY, alpha=0.45, lw=0)
        ax.plot(growth - 1, lognormal[i] * per_percent, color=style.AMBER, lw=1.3, ls=(0, (4, 3)))
        ax.plot(growth - 1, value, color=style.NAVY, lw=1.8)
        note = f"vol at the forward {smiles.at_money[i] / np.sqrt(smiles.years[i]):.1%}"
        style.panel_title(ax, days(tenor / DAYS), note + ", extrapolated" * bool(smiles.extrapolated[i]))
        ax.set_xlim(growth[0] - 1, growth[-1] - 1)
        _mark(ax, np.exp(marks[i] + drift[i]), surface.spot, growth - 1, value)
        ax.set_ylim(0, 1.38 * max(np.nanmax(value), np.nanmax(lognormal[i] * per_percent)))
        style.percent_ticks(ax.xaxis, most=8)
        style.percent_ticks(ax.yaxis, most=5)
    for ax in axes.flat[len(tenor_days) :]:
        ax.remove()
    for ax in axes.flat[max(len(tenor_days) - 2, 0) : len(tenor_days)]:
        ax.set_xlabel("return from the spot")
    style.head_legend(figure, _legend())
    return figure


def _mark(ax: Axes, growth: np.ndarray, spot: float, x: np.ndarray, value: np.ndarray) -> None:
    """The quantiles: a line up to the density, and at its place above the panel's curves what it stands for."""
    ax.vlines(growth - 1, 0, np.interp(growth - 1, x, value), color=style.INK, lw=1)
    places = np.clip((growth - 1 - x[0]) / (x[-1] - x[0]), LABEL_WIDTH, 1 - LABEL_WIDTH)
    for probability, one, place, side in zip(MARKS, growth, places, ("right", "center", "left")):
        text = f"{probability:.0%}: {spot * one:,.1f}\n{one - 1:+.1%}"
        ax.text(place, 0.97, text, transform=ax.transAxes, ha=side, va="top", fontsize=8.5, color=style.INK)


def _legend() -> list:
    from matplotlib.lines import Line2D

    return [
        Line2D([], [], color=style.NAVY, lw=1.8, label="from the surface"),
        Line2D([], [], color=style.AMBER, lw=1.3, ls=(0, (4, 3)), label="lognormal with the vol at the forward"),
        Line2D([], [], color=style.INK, lw=0, marker="|", ms=9, mew=1, label="quantiles: USD and return"),
    ]
