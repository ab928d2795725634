"""Pictures of an explanation: which terms move the forecast, how, when, and why one forecast is what it is.

Parts are logs. Axes are linear in them and labelled by the change of the forecast that they make, in percent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from vol_assets.charts import style
from vol_assets.forecasting.charts.readings import Reading, reading
from vol_assets.forecasting.explanation import LINEAR, OTHERS, TREES, Explanation

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

KIND_COLOURS = {LINEAR: style.NAVY, TREES: style.AMBER, f"{LINEAR} + {TREES}": style.GREEN}
# Marks that axes may have, roundest first: finer ones fill what room there is. LEVELS are of volatilities and ratios.
CHANGES = np.concatenate(
    [
        (0, 1, -0.5, 3, -0.75, 9, -0.9, 0.5, -0.3, 0.2, -0.2, 0.1, -0.1, 0.05, -0.05, 0.15, -0.15, 0.3, 0.4, 0.25),
        (0.75, 2, 5, 0.02, -0.02, 0.01, -0.01, 0.005, -0.005),
    ]
)
LEVELS = np.outer((1, 2, 5, 3, 8, 1.5, 1.2, 0.9, 1.1), 10.0 ** np.arange(-4, 2)).ravel()
FLAT = 0.01  # parts that are all smaller are drawn on an axis of this half-width, not blown up to fill one


def importance(explanation: Explanation) -> Figure:
    """Mean |part| of each term, largest on top, by kind."""
    mean = explanation.importance()[::-1]
    figure, ax = style.canvas(
        "What the forecast listens to",
        f"By how much a term changes the forecast, up or down, on average over {_span(explanation)}.",
        height=1.8 + 0.27 * len(mean),
    )
    colours = [KIND_COLOURS[explanation.kinds[name]] for name in mean.index]
    bars = ax.barh(mean.index, mean, color=colours, height=0.66)
    ax.bar_label(bars, [_size(part) for part in mean], padding=5, fontsize=8.5, color=style.INK)
    ax.set(xlim=(0, 1.1 * max(mean.max(), FLAT)), ylim=(-0.7, len(mean) - 0.3))
    _change_axis(ax, signed=False)
    ax.set_xlabel("mean change of the forecast by the term, up or down")
    _name_rows(ax)
    style.legend(ax, handles=_kind_handles(explanation))
    return figure


def beeswarm(explanation: Explanation, top: int = 15) -> Figure:
    """A point a session and term: across, how it moved the forecast; in colour, whether its input was high."""
    ranked = _known(explanation)
    names = ranked[:top][::-1]
    many = f"The {top} that move it most of {len(ranked)} terms" if len(ranked) > top else f"{len(ranked)} terms"
    figure, ax = style.canvas(
        "How each term moves the forecast",
        f"{many if len(ranked) > 1 else 'One term'}, a point a session, {_span(explanation)}. "
        f"Right of the line, the term raised the forecast.",
        height=1.6 + 0.36 * max(len(names), 4),
    )
    for row, name in enumerate(names):
        known = explanation.values[name].notna()
        part = explanation.terms.loc[known, name].to_numpy()
        ranks = explanation.values.loc[known, name].rank(pct=True).to_numpy()
        at = row + _swarm(part)
        points = ax.scatter(part, at, c=ranks, cmap=_low_to_high(), vmin=0, vmax=1, s=5, lw=0, alpha=0.8)
    ax.axvline(0, color=style.INK, lw=1)
    ax.set_yticks(range(len(names)), names)
    ax.set_ylim(-0.7, len(names) - 0.3)
    _widen(ax.get_xlim, ax.set_xlim)
    _change_axis(ax)
    _name_rows(ax)
    bar = figure.colorbar(points, ax=ax, aspect=40, pad=0.015, fraction=0.03)
    bar.set_ticks([0.05, 0.95], labels=["lowest\ninput", "highest\ninput"])
    bar.ax.tick_params(length=0, labelsize=9, labelcolor=style.MUTED)
    bar.outline.set_visible(False)
    bar.solids.set_alpha(1)
    return figure


def waterfall(explanation: Explanation, session: pd.Timestamp, top: int = 10) -> Figure:
    """One session's forecast, built up from the average one, term by term."""
    steps = explanation.why(session, top)
    forecast = float(explanation.forecast_vol[session])
    ends = explanation.base + steps["part"].cumsum().to_numpy()
    starts = ends - steps["part"].to_numpy()
    rows = np.arange(len(steps), 0, -1)
    figure, ax = style.canvas(
        f"Why the forecast of {style.day(session)} is {forecast:.1%}",
        "From the forecast of an average session to this one's: a term's input on the left, the change it makes at its "
        "bar.",
        height=1.9 + 0.34 * (len(steps) + 2),
    )
    colours = np.where(steps["part"] > 0, style.RED, style.GREEN)
    ax.barh(rows, np.exp(ends) - np.exp(starts), left=np.exp(starts), color=colours, height=0.6)
    for y, reached in zip(np.r_[rows[0] + 1, rows], np.exp(np.r_[explanation.base, ends]), strict=True):
        ax.vlines(reached, y - 1.3, y + 0.3, color=style.MUTED, lw=0.8)
    for x, y in ((np.exp(explanation.base), rows[0] + 1), (forecast, 0)):
        ax.plot(x, y, "o", color=style.NAVY, ms=7)
        style.beside(ax, f" {x:.1%}", x, y)
    for y, start, end, part in zip(rows, starts, ends, steps["part"], strict=True):
        style.beside(ax, f"{np.expm1(part):+.1%}", np.exp(max(start, end)), y)
    reach = np.r_[starts, ends]
    margin = max(0.1 * np.ptp(reach), FLAT)
    ax.set(xscale="log", ylim=(-0.6, rows[0] + 1.6))
    ax.set_xlim(*np.exp([reach.min() - margin, reach.max() + 1.4 * margin]))
    others = explanation.terms.shape[1] - top
    names = [f"{others} other terms" if name == OTHERS else name for name in steps.index]
    values = ["" if name == OTHERS else reading(name).text(value) for name, value in steps["value"].items()]
    _two_columns(ax, [rows[0] + 1, *rows, 0], ["an average session", *names, "this session"], ["", *values, ""])
    _vol_axis(ax)
    _name_rows(ax)
    return figure


def dependence(explanation: Explanation, top: int = 8) -> Figure:
    """The part of each of the most important terms against its input, in small panels coloured by VIX."""
    from matplotlib.colors import LogNorm

    names = _known(explanation)[:top]
    columns = min(len(names), 4)
    rows = -(-len(names) // columns)
    what, level = _regime(explanation)
    straight = "Linear terms are straight lines." if LINEAR in explanation.kinds.values() else ""
    order = np.argsort(level.to_numpy(), kind="stable")  # storms drawn over calm
    norm = LogNorm(*_apart(level.min(), level.max()))
    width = max(3.3 * columns, 9.0)
    figure, axes = style.panels(
        "What the terms make of their inputs",
        f"The change a term makes, by its input: {len(explanation.terms):,} sessions to "
        f"{style.day(explanation.terms.index[-1])}, which is ringed. {straight}",
        width=width,
        height=1.1 + 2.75 * rows,
        rows=rows,
        columns=columns,
        bottom=0.50,
        hspace=0.38,
        wspace=0.24,
        sharex=False,
    )
    for ax in axes.flat[len(names) :]:
        ax.remove()
    for ax, name in zip(axes.flat, names, strict=False):
        read, part = reading(name), explanation.terms[name].to_numpy()
        shown = np.asarray(read.shown(explanation.values[name].to_numpy(float)))
        points = ax.scatter(
            shown[order],
            part[order],
            c=level.iloc[order],
            cmap=_calm_to_storm(),
            norm=norm,
            s=6,
            lw=0,
            alpha=0.75,
        )
        ax.axhline(0, color=style.INK, lw=0.8, zorder=0.9)
        ax.plot(shown[-1], part[-1], "o", ms=8, mfc="none", mec=style.INK, mew=1.6)
        _widen(ax.get_ylim, ax.set_ylim)
        _input_axis(ax, read)
        _change_axis(ax, "y", most=6)
        ax.tick_params(labelsize=8, pad=3)
        style.panel_title(ax, name, explanation.kinds[name])
    _head_bar(figure, points, norm, what)
    return figure


def drift(explanation: Explanation, top: int = 12) -> Figure:
    """How much the most important terms moved the forecast in each calendar year, as a table in colour."""
    yearly = explanation.importance_by_year().iloc[:top]
    mean = explanation.forecast_vol.groupby(explanation.forecast_vol.index.year).mean()
    rows, years = yearly.shape
    figure, ax = style.canvas(
        "What moved the forecast, year by year",
        f"Mean change by a term, up or down. One model, trained to {style.day(explanation.trained_through)}: years "
        f"differ by what its inputs did.{' Blank: no such input.' if yearly.isna().any(axis=None) else ''}",
        width=max(10.0, 2.2 + 0.62 * years),
        height=1.6 + 0.36 * (rows + 1),
    )
    depth = np.sqrt(yearly.to_numpy() / max(yearly.max().max(), FLAT))
    edges = np.arange(years + 1) - 0.5, np.arange(rows + 1) - 0.5
    ax.pcolormesh(*edges, depth, cmap=_paper_to_navy(), vmin=0, vmax=1, edgecolors="white", linewidth=1.5)
    for row, column in np.argwhere(np.isfinite(depth)):
        colour = "white" if depth[row, column] > 0.7 else style.INK
        size = _size(yearly.iat[row, column])
        ax.text(column, row, size, ha="center", va="center", fontsize=8.5, color=colour)
    for column, vol in enumerate(mean):
        ax.text(column, rows + 0.1, f"{vol:.0%}", ha="center", va="center", fontsize=8.5, color=style.INK)
    ax.set_xticks(range(years), yearly.columns)
    ax.set_yticks([*range(rows), rows + 0.1], [*yearly.index, "mean forecast"])
    ax.set_ylim(rows + 0.6, -0.5)
    ax.xaxis.tick_top()
    ax.grid(False)
    ax.spines["bottom"].set_visible(False)
    ax.tick_params(axis="both", labelcolor=style.INK)
    return figure


def _known(explanation: Explanation) -> pd.Index:
    """The terms whose input is there on any session, most important first."""
    ranked = explanation.importance().index
    return ranked[explanation.values[ranked].notna().any()]


def _span(explanation: Explanation) -> str:
    days = explanation.terms.index
    if len(days) == 1:
        return style.day(days[0])
    return f"{len(days):,} sessions, {style.day(days[0])} to {style.day(days[-1])}"


def _size(part: float) -> str:
    """A mean |part| as the change it makes: 28%, 6.9%, 0.3%."""
    change = float(np.expm1(part))
    return f"{change:.0%}" if change >= 0.0995 else f"{change:.1%}"


def _name_rows(ax: Axes) -> None:
    ax.grid(False, axis="y")
    ax.tick_params(axis="y", labelcolor=style.INK, labelsize=9)


def _two_columns(ax: Axes, rows: list, names: list[str], values: list[str], room: float = 92.0) -> None:
    """Row labels in two columns, the second `room` points wide and next to the axis."""
    ax.set_yticks(rows, values)
    for y, name in zip(rows, names, strict=True):
        ax.annotate(
            name,
            (0, y),
            xycoords=("axes fraction", "data"),
            xytext=(-room, 0),
            textcoords="offset points",
            ha="right",
            va="center",
            fontsize=9,
            color=style.INK,
        )


def _kind_handles(explanation: Explanation) -> list:
    from matplotlib.patches import Patch

    how = {LINEAR: "linear: slope x distance from the mean", TREES: "trees: SHAP values"}
    together = explanation.importance_by_kind()
    return [
        Patch(color=colour, label=f"{how.get(kind, kind)}; together {_size(together[kind])}")
        for kind, colour in KIND_COLOURS.items()
        if kind in together
    ]


def _regime(explanation: Explanation) -> tuple[str, pd.Series]:
    """What points are coloured by: VIX where the model reads it, else its own forecast."""
    for name in ("vix", "log_vix"):
        if name in explanation.values:
            return "VIX", np.exp(explanation.values[name]) if name == "log_vix" else explanation.values[name]
    return "the forecast", explanation.forecast_vol


def _apart(low: float, high: float) -> tuple[float, float]:
    """Limits that differ, if need be by moving them apart."""
    return (low, high) if high > 1.05 * low else (low / 1.05, high * 1.05)


def _widen(limits, set_limits) -> None:
    """Let an axis of parts hold zero and be no narrower than FLAT to either side."""
    low, high = limits()
    set_limits(min(low, -FLAT), max(high, FLAT))


def _change_axis(ax: Axes, which: str = "x", *, signed: bool = True, most: int = 9) -> None:
    """Mark an axis of parts at round changes of the forecast."""
    low, high = ax.get_xlim() if which == "x" else ax.get_ylim()
    shown = _spaced(CHANGES, np.log1p(CHANGES), low, high, most)
    marks = [f"{100 * change:{'+' if signed else ''}g}%" if change else "0" for change in shown]
    getattr(ax, f"set_{which}ticks")(np.log1p(shown), marks)
    if which == "x":
        ax.set_xlabel("change of the forecast by the term")


def _input_axis(ax: Axes, read: Reading) -> None:
    """Few marks in the unit a person reads, on a log axis for a log."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator, NullLocator

    ax.margins(x=0.06)
    if read.log:
        ax.set_xscale("log")
        ax.xaxis.set_minor_locator(NullLocator())
        ax.set_xticks(_spaced(LEVELS, np.log(LEVELS), *np.log(ax.get_xlim()), most=6))
        ax.set_xlabel(f"{read.name}, log axis", fontsize=8, labelpad=1)
    else:
        ax.xaxis.set_major_locator(MaxNLocator(5))
    ax.xaxis.set_major_formatter(FuncFormatter(read.tick))


def _spaced(candidates: np.ndarray, places: np.ndarray, low: float, high: float, most: int) -> np.ndarray:
    """The first of the candidates that lie between low and high with room for about `most`, in ascending order."""
    kept: list[int] = []
    for number in np.flatnonzero((places >= low) & (places <= high)):
        if all(abs(places[number] - places[other]) > (high - low) / (most + 1) for other in kept):
            kept.append(number)
    return np.sort(candidates[kept])


def _vol_axis(ax: Axes) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator, NullLocator

    ax.xaxis.set_major_locator(MaxNLocator(7, steps=[1, 2, 2.5, 5, 10]))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda vol, _: f"{100 * vol:.3g}%"))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.set_xlabel("forecast volatility, annualised (log axis)")


def _head_bar(figure: Figure, points, norm, what: str) -> None:
    """A colour bar on the line of the title, with the levels named."""
    width, height = figure.get_size_inches()
    cax = figure.add_axes([1 - 2.6 / width, 1 - 0.33 / height, 2.3 / width, 0.10 / height])
    bar = figure.colorbar(points, cax=cax, orientation="horizontal")
    named = _spaced(LEVELS, np.log(LEVELS), *np.log((norm.vmin, norm.vmax)), most=6)
    bar.set_ticks(named, labels=[f"{100 * level:.3g}%" for level in named])
    bar.ax.minorticks_off()
    bar.ax.tick_params(length=0, labelsize=8, labelcolor=style.MUTED, pad=2)
    bar.outline.set_visible(False)
    bar.solids.set_alpha(1)
    cax.text(-0.03, 0.5, what, transform=cax.transAxes, ha="right", va="center", fontsize=9, color=style.INK)


def _low_to_high():
    return _colours("low_to_high", style.GREEN, "#d5d9de", style.RED)


def _calm_to_storm():
    return _colours("calm_to_storm", style.SKY, style.NAVY, style.RED)


def _paper_to_navy():
    return _colours("paper_to_navy", "white", style.SKY, style.NAVY)


def _colours(name: str, *colours: str):
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list(name, colours)


def _swarm(x: np.ndarray, width: float = 0.38, bins: int = 80) -> np.ndarray:
    """Vertical offsets that spread points where many share a place: (n,) -> (n,) within +-width."""
    span = np.ptp(x) or 1.0
    place = np.floor((x - x.min()) / span * (bins - 1)).astype(int)
    offsets, counts = np.zeros(len(x)), np.bincount(place, minlength=bins)
    for spot in np.flatnonzero(counts > 1):
        here = np.flatnonzero(place == spot)
        ranks = np.arange(len(here))
        offsets[here] = np.where(ranks % 2, 1, -1) * ((ranks + 1) // 2)
        offsets[here] *= width / (counts.max() / 2)
    return offsets
