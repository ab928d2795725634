"""Pictures of SHAP values: which features move the forecast, in general and on one session."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from vol_assets.charts import style
from vol_assets.forecasting.explanation import BASE_VALUE, mean_abs_shap

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def importance(values: pd.DataFrame) -> Figure:
    """Mean |SHAP| of each feature, largest on top."""
    mean = mean_abs_shap(values)[::-1]
    figure, ax = style.canvas(
        "What the forecast listens to",
        f"Mean |SHAP| over {len(values):,} sessions: by how much a feature moves the forecast, up or down.",
        height=1.4 + 0.27 * len(mean),
    )
    bars = ax.barh(mean.index, mean, color=style.NAVY, height=0.66)
    ax.bar_label(bars, [f"{np.expm1(v):.1%}" for v in mean], padding=5, fontsize=8.5, color=style.INK)
    ax.set(xlim=(0, mean.max() * 1.1), ylim=(-0.7, len(mean) - 0.3))
    ax.set_xlabel("mean |SHAP|, log volatility (the label: as a change of the forecast)")
    _name_rows(ax)
    return figure


def beeswarm(values: pd.DataFrame, frame: pd.DataFrame, top: int = 15) -> Figure:
    """A point a session and feature: across, how it moved the forecast; in colour, whether the feature was high."""
    names = mean_abs_shap(values).index[:top][::-1]
    figure, ax = style.canvas(
        "How each feature moves the forecast",
        f"SHAP values of {len(values):,} sessions, {style.day(values.index[0])} to {style.day(values.index[-1])}: "
        f"right of the line the feature raised the forecast.",
        height=1.6 + 0.36 * len(names),
    )
    colours = _low_to_high()
    for row, name in enumerate(names):
        phi = values[name].to_numpy()
        ranks = frame.loc[values.index, name].rank(pct=True).to_numpy()
        points = ax.scatter(phi, row + _swarm(phi), c=ranks, cmap=colours, vmin=0, vmax=1, s=5, lw=0, alpha=0.8)
    ax.axvline(0, color=style.INK, lw=1)
    ax.set_yticks(range(len(names)), names)
    ax.set_ylim(-0.7, len(names) - 0.3)
    _factor_axis(ax)
    _name_rows(ax)
    bar = figure.colorbar(points, ax=ax, aspect=40, pad=0.015, fraction=0.03)
    bar.set_ticks([0.02, 0.98], labels=["low", "high"])
    bar.ax.tick_params(length=0, labelsize=9, labelcolor=style.MUTED)
    bar.set_label("value of the feature (rank)", color=style.MUTED, fontsize=9, labelpad=-14)
    bar.outline.set_visible(False)
    bar.solids.set_alpha(1)
    return figure


def waterfall(values: pd.DataFrame, frame: pd.DataFrame, session: pd.Timestamp, top: int = 10) -> Figure:
    """One session's forecast, built up from the average one, feature by feature."""
    row = values.loc[session]
    phi = row.drop(BASE_VALUE)
    order = phi.abs().sort_values(ascending=False).index
    steps = phi[order[:top]]
    labels = [f"{name}  =  {frame.loc[session, name]:,.3g}" for name in steps.index]
    if len(order) > top:
        steps = pd.concat([steps, pd.Series({"others": phi[order[top:]].sum()})])
        labels.append(f"{len(order) - top} other features")
    ends = row[BASE_VALUE] + steps.cumsum().to_numpy()
    starts = ends - steps.to_numpy()

    figure, ax = style.canvas(
        f"Why the forecast was what it was on {style.day(session)}",
        f"From the average log forecast ({np.exp(row[BASE_VALUE]):.1%}) to this session's ({np.exp(ends[-1]):.1%}), "
        f"before smearing; each bar is one feature's factor.",
        height=1.6 + 0.36 * len(steps),
    )
    rows = np.arange(len(steps))[::-1]
    colours = np.where(steps > 0, style.RED, style.GREEN)
    ax.barh(rows, np.exp(ends) - np.exp(starts), left=np.exp(starts), color=colours, height=0.62)
    for y, end in zip(rows[:-1], ends[:-1], strict=True):
        ax.vlines(np.exp(end), y - 1.31, y + 0.31, color=style.MUTED, lw=0.8)
    for x, ls in ((np.exp(row[BASE_VALUE]), (0, (4, 3))), (np.exp(ends[-1]), "-")):
        ax.axvline(x, color=style.INK, lw=1, ls=ls, zorder=0.9)
    reach = np.r_[starts, ends]
    margin = 0.1 * np.ptp(reach)
    for y, start, end, v in zip(rows, starts, ends, steps, strict=True):
        style.beside(ax, f"{np.expm1(v):+.1%}", np.exp(max(start, end)), y)
    ax.set_yticks(rows, labels)
    ax.set_xscale("log")
    ax.set_xlim(*np.exp([reach.min() - margin, reach.max() + margin]))
    _vol_axis(ax)
    _name_rows(ax)
    return figure


def _name_rows(ax) -> None:
    ax.grid(False, axis="y")
    ax.tick_params(axis="y", labelcolor=style.INK, labelsize=9)


def _factor_axis(ax) -> None:
    """SHAP values are logs: mark them at round changes of the forecast."""
    changes = np.array([-0.75, -0.5, -0.3, -0.2, -0.1, 0.0, 0.1, 0.25, 0.5, 0.75, 1.0, 2.0, 4.0])
    low, high = ax.get_xlim()
    changes = changes[(np.log1p(changes) > low) & (np.log1p(changes) < high)]
    ax.set_xticks(np.log1p(changes), [f"{change:+.0%}" if change else "0" for change in changes])
    ax.set_xlabel("change of the forecast (the axis is linear in log volatility)")


def _vol_axis(ax) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator, NullLocator

    ax.xaxis.set_major_locator(MaxNLocator(7, steps=[1, 2, 2.5, 5, 10]))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda vol, _: f"{100 * vol:.3g}%"))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.set_xlabel("forecast volatility, annualised (log axis)")


def _low_to_high():
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("low_to_high", [style.GREEN, "#d5d9de", style.RED])


def _swarm(x: np.ndarray, width: float = 0.38, bins: int = 80) -> np.ndarray:
    """Vertical offsets that spread points where many share a place: (n,) -> (n,) within +-width."""
    span = np.ptp(x) or 1.0
    place = np.floor((x - x.min()) / span * (bins - 1)).astype(int)
    offsets, counts = np.zeros(len(x)), np.bincount(place, minlength=bins)
    for spot in np.flatnonzero(counts > 1):
        here = np.flatnonzero(place == spot)
        ranks = np.arange(len(here))
        offsets[here] = np.where(ranks % 2, 1, -1) * (ranks + 1) // 2
        offsets[here] *= width / (counts.max() / 2)
    return offsets
