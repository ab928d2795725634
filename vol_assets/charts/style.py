"""The house style: one palette, one title block, one way to label an axis.

Figures are made without pyplot, so there is no global state to leak between threads and nothing to close.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK = "#1c2733"
MUTED = "#6b7785"
GRID = "#e3e7ec"
NAVY = "#1f4e79"  # the model in question
SKY = "#a9c6e3"  # its interval, or what stands in the background
AMBER = "#d9822b"  # what happened, or the reference
GREEN = "#2e8b6f"  # better, lower
RED = "#c0453a"  # worse, higher
OVER = {"facecolor": "white", "edgecolor": "none", "pad": 1.0, "alpha": 0.85}  # box of a text that lies over lines


def canvas(title: str, subtitle: str, *, width: float = 10.0, height: float = 5.2, columns: int = 1):
    """A titled figure and its axes, laid out to fit its labels: (Figure, Axes), or an array of Axes side by side."""
    figure, head = _titled(title, subtitle, width, height, layout="constrained")
    figure.get_layout_engine().set(rect=(0.012, 0.02, 0.976, 0.98 - head), hspace=0.06, wspace=0.04)
    axes = figure.subplots(1, columns)
    for ax in figure.axes:
        _plain(ax)
    return figure, axes


def panels(
    title: str,
    subtitle: str,
    *,
    width: float,
    height: float,
    rows: int,
    columns: int,
    left: float = 0.65,
    bottom: float = 0.36,
    hspace: float = 0.34,
    wspace: float = 0.17,
    sharex: bool = True,
    heights: tuple[float, ...] | None = None,
):
    """A titled figure and an array (rows, columns) of small axes over one x axis, labelled at the bottom.

    left and bottom are room for labels, in inches; heights: of the rows, relative. Laid out by fixed margins: fitting
    21 panels to their labels takes longer than drawing them.
    """
    figure, head = _titled(title, subtitle, width, height, layout=None)
    axes = figure.subplots(rows, columns, sharex=sharex, squeeze=False, height_ratios=heights)
    figure.subplots_adjust(
        left=left / width,
        right=1 - 0.195 / width,
        bottom=bottom / height,
        top=1 - head - 0.18 / height,
        hspace=hspace,
        wspace=wspace,
    )
    for ax in figure.axes:
        _plain(ax)
    return figure, axes


def _titled(title: str, subtitle: str, width: float, height: float, layout: str | None):
    """A figure with its title block, and the share of its height that the block takes."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=144, facecolor="white", layout=layout)
    figure.text(0.02, 1 - 0.20 / height, title, fontsize=14, fontweight="bold", color=INK, va="top")
    figure.text(0.02, 1 - 0.48 / height, subtitle, fontsize=9.5, color=MUTED, va="top")
    return figure, 0.78 / height


def percent(axis, decimals: int = 0) -> None:
    """Label an axis that holds decimals in percent: what a person reads."""
    from matplotlib.ticker import PercentFormatter

    axis.set_major_formatter(PercentFormatter(1.0, decimals=decimals))


def percent_ticks(axis, most: int) -> None:
    """At most `most` round percents with the decimals they need, on an axis whose limits are set."""
    from matplotlib.ticker import MaxNLocator

    axis.set_major_locator(MaxNLocator(most, steps=[1, 2, 5, 10]))
    step = 100 * min(np.diff(axis.get_majorticklocs()), default=1.0)
    percent(axis, decimals=max(0, -int(np.floor(np.log10(step) + 1e-9))))


def dates(ax: Axes, most: int = 9, until: pd.Timestamp | None = None) -> None:
    """Few, short date labels; none after `until`, where an axis goes on to hold names."""
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    locator = AutoDateLocator(minticks=3, maxticks=most)
    ax.xaxis.set_major_locator(locator)
    ax.xaxis.set_major_formatter(ConciseDateFormatter(locator))
    ax.xaxis.get_offset_text().set(fontsize=8.5, color=MUTED)
    if until is not None:
        ax.set_xticks([tick for tick in ax.get_xticks() if tick <= ax.convert_xunits(until)])


def legend(ax: Axes | Figure, **options) -> None:
    """A legend without a box, above the axes on the right unless told otherwise."""
    placed = {"loc": "lower right", "bbox_to_anchor": (1.0, 1.0), "ncols": 4, "borderaxespad": 0.2} | options
    ax.legend(frameon=False, fontsize=9, labelcolor=INK, handlelength=1.6, columnspacing=1.4, **placed)


def head_legend(figure: Figure, handles: list) -> None:
    """One legend for all panels, on the line of the title."""
    right, top = 1 - 0.16 / figure.get_figwidth(), 1 - 0.14 / figure.get_figheight()
    legend(figure, handles=handles, loc="upper right", bbox_to_anchor=(right, top))


def panel_title(ax: Axes, name: str, note: str = "") -> None:
    """What a small panel shows, and on its right a figure or two about it."""
    ax.set_title(name, loc="left", fontsize=9.5, color=INK, fontweight="bold")
    ax.set_title(note, loc="right", fontsize=8.5, color=MUTED)


def beside(ax: Axes, text: str, x, y) -> None:
    """Write just to the right of a point, legible over lines."""
    ax.annotate(text, (x, y), xytext=(6, 0), textcoords="offset points", va="center", fontsize=9, color=INK, bbox=OVER)


def apart(heights: np.ndarray, gap: float, low: float = -np.inf, high: float = np.inf) -> np.ndarray:
    """Ascending heights moved as little as keeps them `gap` apart; neighbours in each other's way share the move."""
    groups: list[list[float]] = []
    for height in heights:
        groups.append([height])
        while len(groups) > 1 and _reach(groups[-2], gap)[1] + gap > _reach(groups[-1], gap)[0]:
            groups[-2:] = [groups[-2] + groups[-1]]
    placed = np.concatenate([_reach(group, gap)[0] + gap * np.arange(len(group)) for group in groups])
    ranks = np.arange(len(placed))
    return np.minimum(np.maximum(placed, low + gap * ranks), high - gap * ranks[::-1])  # the axis' ends hold


def _reach(group: list[float], gap: float) -> tuple[float, float]:
    """The ends of a group of labels `gap` apart around their mean."""
    half = 0.5 * gap * (len(group) - 1)
    return float(np.mean(group)) - half, float(np.mean(group)) + half


def day(session: pd.Timestamp) -> str:
    """A session as a person writes it: 5 Feb 2018."""
    return f"{session.day} {session:%b %Y}"


def png(figure: Figure, dpi: int = 144) -> bytes:
    """The figure as a PNG file."""
    from io import BytesIO

    buffer = BytesIO()
    figure.savefig(buffer, format="png", dpi=dpi)
    return buffer.getvalue()


def _plain(ax: Axes) -> None:
    ax.set_axisbelow(True)
    ax.grid(True, color=GRID, linewidth=0.8)
    ax.tick_params(length=0, labelsize=9, labelcolor=MUTED, pad=5)
    for side, spine in ax.spines.items():
        spine.set(visible=side == "bottom", color=MUTED, linewidth=0.8)
    ax.xaxis.label.set(color=MUTED, fontsize=9.5)
    ax.yaxis.label.set(color=MUTED, fontsize=9.5)
