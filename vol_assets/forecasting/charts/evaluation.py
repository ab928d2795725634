"""Pictures of an evaluation: how much better, how sure, in which years, and whether the forecasts mean what they say.

In all of them models are sorted by QLIKE, best on top; the reference is amber, what is better than it navy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from vol_assets.charts import style
from vol_assets.errors import ForecastError
from vol_assets.forecasting.evaluation import GAUSSIAN_BEYOND
from vol_assets.forecasting.losses import QLIKE_OF_THE_TRUTH

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import LinearSegmentedColormap
    from matplotlib.figure import Figure

    from vol_assets.forecasting.canary import Canary
    from vol_assets.forecasting.evaluation import Evaluation

Z = 1.96  # half a 95 % interval, in errors
RATIOS = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.2, 1.5, 2.0, 3.0, 5.0, 8.0)  # a log axis may name
DEEPEST = 1.33  # the ratio at which the colours of the years are full
SCHEMES = {
    "shuffled": "shuffled folds",
    "contiguous": "contiguous folds",
    "walk_forward": "purged walk-forward",
}


def qlike_ladder(evaluation: Evaluation) -> Figure:
    """QLIKE of every model over the reference's, with 95 % intervals, and the floor that noise sets."""
    scores = _best_on_top(evaluation)
    name = _reference(evaluation)
    ratio, error = scores[f"qlike_vs_{name}"], scores[f"qlike_vs_{name}_error"].fillna(0.0)
    floor = QLIKE_OF_THE_TRUTH / scores.loc[name, "qlike"]
    figure, ax = style.canvas(
        f"How much better, or worse, than {name}",
        f"QLIKE over {name}'s, {_span(evaluation)}; bars are 95% intervals (Newey-West).",
        height=max(2.4, 1.7 + 0.36 * len(scores)),
    )
    low, high = np.maximum(ratio - Z * error, 0.5 * ratio), ratio + Z * error
    _rows(ax, scores.index)
    for row, (model, r) in enumerate(ratio.items()):
        colour = _colour(model, r, name)
        ax.hlines(row, low.iloc[row], high.iloc[row], color=colour, lw=4, alpha=0.35)
        ax.plot(r, row, "o", color=colour, ms=7)
        style.beside(ax, f"{r:.2f}", high.iloc[row], row)
    ax.axvline(1, color=style.AMBER, lw=1.2)
    ax.set_xscale("log")
    ax.set_xlim(0.94 * min(floor, low.min()), 1.12 * high.max())
    if floor < 1:  # a few calm sessions can score below what noise costs on average
        ax.axvline(floor, color=style.MUTED, lw=1, ls=(0, (4, 3)))
        note = "noise: what the true variance itself would score"
        ax.text(floor, len(scores) - 0.37, note, fontsize=8.5, color=style.MUTED, va="bottom")
    _log_ticks(ax, RATIOS, "{:g}".format)
    ax.set_xlabel(f"QLIKE / QLIKE of {name} (log axis)")
    return figure


def yearly_ratios(evaluation: Evaluation) -> Figure:
    """QLIKE over the reference's by model and year, the last column over all years."""
    name = _reference(evaluation)
    order = [model for model in _best_on_top(evaluation).index[::-1] if model != name]
    if not order:
        raise ForecastError(
            f"{name} is the only model; a table of ratios needs another, run the walk-forward with more"
        )
    table = evaluation.by_year[f"qlike_vs_{name}"].unstack("year").loc[order]
    table["all"] = evaluation.scores.loc[order, f"qlike_vs_{name}"]
    days = evaluation.by_year["n"].groupby("year").first()
    figure, ax = style.canvas(
        f"Year by year against {name}",
        f"QLIKE over {name}'s, {_span(evaluation)}. Blue is better, orange worse.",
        width=max(8.0, 2.6 + 0.66 * len(table.columns)),
        height=max(2.4, 1.6 + 0.36 * len(table)),
    )
    colours = _better_to_worse()
    depth = np.clip(np.log(table.to_numpy()) / np.log(DEEPEST), -1, 1)
    across = np.arange(len(table.columns)) + np.r_[np.zeros(len(days)), 0.25]
    for row, column in np.ndindex(*depth.shape):
        value, shade = table.iat[row, column], depth[row, column]
        colour = colours(0.5 + 0.5 * shade)
        ink = "white" if np.dot(colour[:3], (0.299, 0.587, 0.114)) < 0.5 else style.INK
        ax.fill_between(across[column] + np.array([-0.48, 0.48]), row - 0.46, row + 0.46, color=colour, lw=0)
        ax.text(across[column], row, f"{value:.2f}", ha="center", va="center", fontsize=9, color=ink)
    labels = [f"{year}\n{days[year]}" for year in days.index] + [f"all\n{len(evaluation.sessions):,}"]
    ax.set_xticks(across, labels)
    ax.set_yticks(range(len(order)), order)
    ax.set(xlim=(-0.6, across[-1] + 0.6), ylim=(len(order) - 0.4, -0.6))
    ax.grid(False)
    ax.tick_params(axis="y", labelcolor=style.INK, labelsize=9.5)
    ax.set_xlabel("year and number of sessions")
    ax.spines["bottom"].set_visible(False)
    return figure


def reliability(evaluation: Evaluation) -> Figure:
    """Interval, level and slope of every model beside what they should be, with 95 % intervals."""
    scores = _best_on_top(evaluation)
    figure, axes = style.canvas(
        "Do the forecasts mean what they say",
        f"{_span(evaluation)}; bars are 95% intervals (Newey-West), lines what a calibrated forecast has; red where "
        f"it lies outside.",
        width=12.0,
        height=max(2.4, 1.8 + 0.33 * len(scores)),
        columns=3,
    )
    panels = (
        ("coverage", 0.8, "outcomes inside p10 ... p90"),
        ("variance_ratio", 1.0, "mean realised / forecast variance"),
        ("mz_slope", 1.0, "Mincer-Zarnowitz slope of volatility"),
    )
    for ax, (column, right, title) in zip(axes, panels, strict=True):
        value, error = scores[column], scores[f"{column}_error"].fillna(0.0)
        _rows(ax, scores.index, named=ax is axes[0])
        miss = (value - right).abs() > Z * error
        for row, model in enumerate(scores.index):
            # Colour is the verdict here: navy where what is right lies inside the interval.
            colour = style.RED if miss[model] else style.NAVY
            ax.hlines(
                row, value[model] - Z * error[model], value[model] + Z * error[model], color=colour, lw=4, alpha=0.3
            )
            ax.plot(value[model], row, "D" if miss[model] else "o", color=colour, ms=5.5)
        ax.axvline(right, color=style.AMBER, lw=1.3)
        style.panel_title(ax, title)
        ax.locator_params(axis="x", nbins=5)
        if column == "coverage":
            style.percent(ax.xaxis)
    return figure


def exceedances(evaluation: Evaluation) -> Figure:
    """How often the next return fell beyond Gaussian bounds of its forecast sigma, over how often it should."""
    if evaluation.exceedances is None:
        raise ForecastError("the evaluation was made without returns; pass evaluate(..., returns=) to see exceedances")
    table = evaluation.exceedances.loc[_best_on_top(evaluation).index]
    figure, axes = style.canvas(
        "How far out the next return fell",
        f"Return of the next session over its forecast sigma, {table['n'].iloc[0]:,} sessions; lines are a Gaussian's, "
        f"shaded what 95% of Gaussian samples this long show.",
        width=12.0,
        height=max(2.4, 1.8 + 0.33 * len(table)),
        columns=4,
    )
    n = max(int(table["n"].iloc[0]), 1)
    panels = [("bias_statistic", 1.0, 1 / np.sqrt(2 * n), "standard deviation")]
    for column, (bound, share) in GAUSSIAN_BEYOND.items():
        panels.append((column, share, np.sqrt(share * (1 - share) / n), f"share beyond {bound:g} sigma"))
    for ax, (column, right, error, title) in zip(axes, panels, strict=True):
        _rows(ax, table.index, named=ax is axes[0])
        ax.axvspan(right - Z * error, right + Z * error, color=style.AMBER, alpha=0.15, lw=0)
        ax.axvline(right, color=style.AMBER, lw=1.3)
        ax.hlines(range(len(table)), right, table[column], color=style.SKY, lw=3)
        ax.plot(table[column], range(len(table)), "o", color=style.NAVY, ms=6)
        style.panel_title(ax, title)
        if column == "bias_statistic":
            ax.locator_params(axis="x", nbins=5)
        else:
            ax.set_xlim(left=0)
            style.percent_ticks(ax.xaxis, 5)
    return figure


def every_fifth(evaluation: Evaluation) -> Figure:
    """Diebold-Mariano t of every model on the five sets of sessions without overlap, beside the one on all sessions."""
    name = _reference(evaluation)
    scores = _best_on_top(evaluation).drop(index=name)
    figure, ax = style.canvas(
        f"Is it more than luck: t of the loss difference to {name}",
        "Diebold-Mariano on QLIKE; left of zero is better. Dots: every fifth session, five ways to begin, "
        "no overlap. Bar: their mean.",
        height=max(2.4, 1.7 + 0.36 * len(scores)),
    )
    _rows(ax, scores.index)
    ax.axvspan(-Z, Z, color=style.GRID, alpha=0.6, lw=0)
    ax.axvline(0, color=style.AMBER, lw=1.2)
    t = evaluation.every_fifth["dm_t"].unstack("offset")
    for row, model in enumerate(scores.index):
        colour = _colour(model, scores.loc[model, f"qlike_vs_{name}"], name)
        dots = t.loc[model].to_numpy()
        ax.plot(dots, np.full(len(dots), row), "o", color=colour, ms=5, alpha=0.55, mew=0)
        ax.vlines(dots.mean(), row - 0.3, row + 0.3, color=colour, lw=2.2)
        ax.plot(scores.loc[model, f"dm_t_vs_{name}"], row, "D", mfc="white", mec=style.INK, ms=6, mew=1.2)
    ax.plot([], [], "o", color=style.MUTED, ms=5, mew=0, label="every fifth session")
    ax.plot([], [], "D", mfc="white", mec=style.INK, ms=6, mew=1.2, label="all sessions, Newey-West")
    style.legend(ax, loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=2)
    ax.set_xlabel("t; inside the grey band luck explains it (two-sided 5%)")
    return figure


def leakage(canary: Canary) -> Figure:
    """R2 of the same trees by scheme of validation."""
    values = pd.Series(canary.r2)[list(SCHEMES)[::-1]]
    figure, ax = style.canvas(
        "Why shuffled folds lie",
        f"R2 of the same deep trees on the same {canary.sessions:,} sessions, {style.day(canary.first)} to "
        f"{style.day(canary.last)}. Only the last row can be earned.",
        height=2.9,
    )
    colours = [style.NAVY if scheme == "walk_forward" else style.SKY for scheme in values.index]
    bars = ax.barh([SCHEMES[scheme] for scheme in values.index], values, color=colours, height=0.6)
    ax.bar_label(bars, [f"{value:.2f}" for value in values], padding=6, fontsize=10, color=style.INK)
    low, high = min(0.0, values.min()), max(0.1, values.max())
    room = 0.12 * (high - low)  # for the numbers at the bars' ends
    ax.set_xlim(low - room * (low < 0), high + room)
    ax.axvline(0, color=style.MUTED, lw=0.8)
    ax.grid(False, axis="y")
    ax.tick_params(axis="y", labelcolor=style.INK, labelsize=10)
    ax.set_xlabel("R2 of five-session volatility, out of the training rows")
    return figure


def seed_dots(seeds: pd.DataFrame) -> Figure:
    """QLIKE by model, a dot a seed; `seeds` as of `canary.seed_spread`."""
    order = seeds.mean(axis=1).sort_values(ascending=False).index
    figure, ax = style.canvas(
        "How much of the ranking is the seed",
        f"QLIKE of the walk-forward with {seeds.shape[1]} seeds, a dot each; the bar is their mean.",
        height=max(2.4, 1.6 + 0.42 * len(seeds)),
    )
    _rows(ax, order)
    for row, model in enumerate(order):
        losses = seeds.loc[model]
        ax.plot(losses, np.full(len(losses), row), "o", color=style.NAVY, ms=7, alpha=0.45, mew=0)
        ax.vlines(losses.mean(), row - 0.26, row + 0.26, color=style.NAVY, lw=2)
        text = f"mean {losses.mean():.4f}" + (f", spread {np.ptp(losses):.4f}" if np.ptp(losses) else "")
        style.beside(ax, text, losses.max(), row)
    low, high = np.nanmin(seeds.to_numpy()), np.nanmax(seeds.to_numpy())
    margin = max(high - low, 0.01 * high)
    ax.set_xlim(low - 0.08 * margin, high + 0.4 * margin)
    ax.set_xlabel("QLIKE")
    return figure


def _reference(evaluation: Evaluation) -> str:
    if evaluation.reference not in evaluation.scores.index:
        raise ForecastError(
            f"{evaluation.reference} is not among {', '.join(evaluation.scores.index)}, so nothing can be drawn "
            f"against it; run the walk-forward with it, or evaluate with another reference"
        )
    return evaluation.reference


def _best_on_top(evaluation: Evaluation) -> pd.DataFrame:
    """Scores with the best model last: rows of a chart are counted from below."""
    return evaluation.scores.sort_values("qlike", ascending=False, kind="stable")


def _span(evaluation: Evaluation) -> str:
    days = evaluation.sessions
    return f"{len(days):,} sessions, {style.day(days[0])} to {style.day(days[-1])}"


def _colour(model: str, ratio: float, reference: str) -> str:
    return style.AMBER if model == reference else style.NAVY if ratio < 1 else style.MUTED


def _rows(ax: Axes, names: pd.Index, named: bool = True) -> None:
    ax.set_yticks(range(len(names)), names if named else [""] * len(names))
    ax.set_ylim(-0.6, len(names) - 0.4)
    ax.tick_params(axis="y", labelcolor=style.INK, labelsize=9.5)


def _log_ticks(ax: Axes, values: tuple[float, ...], label) -> None:
    from matplotlib.ticker import NullLocator

    low, high = ax.get_xlim()
    shown = [value for value in values if low < value < high]
    ax.xaxis.set_minor_locator(NullLocator())
    ax.set_xticks(shown, [label(value) for value in shown])


def _better_to_worse() -> LinearSegmentedColormap:
    """Navy, white, orange: told apart by every kind of colour vision."""
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list(
        "better_to_worse", [style.NAVY, style.SKY, "#f7f7f7", "#efc08f", style.AMBER]
    )
