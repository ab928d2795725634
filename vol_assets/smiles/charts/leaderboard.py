"""Who predicts the next smile better than the best baseline, and how sure that is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from vol_assets.charts import style
from vol_assets.contracts.leaderboard import ALL_HORIZONS
from vol_assets.smiles.panel import LIVE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from vol_assets.smiles.leaderboard import Board

Z = 1.645  # standard errors: the gate's test is one-sided at 5 %
WIDTH = 11.25  # inches
_FIGURE = {"ha": "right", "va": "center", "fontsize": 9, "color": style.MUTED}
FURTHEST = -0.6  # skill: a longer bar is cut; its figure says how long it is


def leaderboard(board: Board) -> Figure:
    """Skill over the best baseline with 90 % intervals, all horizons together on the left, then one by one.

    Models are in order of their loss over all horizons, the best on top; on the right of a panel is their RMSE.
    """
    table = board.table
    horizons = sorted(table["horizon_steps"].unique())
    horizons = horizons if len(horizons) > 2 else horizons[1:]  # of one horizon, all together is that one
    ranked = table[table["horizon_steps"] == ALL_HORIZONS].sort_values("loss", ascending=False, kind="stable")
    rows = ranked["model"].tolist()
    days = pd.DatetimeIndex(np.unique(board.session))
    figure, axes = style.canvas(
        f"Who predicts the {board.family} smile of SPY",
        f"Skill over the best baseline: {len(board.losses):,} snapshots of {len(days)} test sessions, "
        f"{style.day(days[0])} to {style.day(days[-1])}. Lines are 90% intervals, by session.",
        width=WIDTH,
        height=1.75 + 0.33 * len(rows),
        columns=len(horizons),
    )
    axes = np.atleast_1d(axes)
    for ax, horizon in zip(axes, horizons):
        of_one = table[table["horizon_steps"] == horizon].set_index("model").loc[rows]
        _panel(ax, of_one, named=ax is axes[0], room=len(horizons) / 3)
        style.panel_title(ax, _name(board.family, horizon), "" if horizon == ALL_HORIZONS else "RMSE")
    style.head_legend(figure, _legend())
    return figure


def _panel(ax: Axes, rows: pd.DataFrame, named: bool, room: float) -> None:
    """room: for labels, as a share of what three panels beside each other need."""
    skill = np.maximum(rows["skill_best"].to_numpy(), FURTHEST)
    reach = Z * rows["skill_best_error"].fillna(0.0).to_numpy()
    low, high = np.maximum(skill - reach, FURTHEST), skill + reach
    colours = [_colour(of_one, model) for model, of_one in rows.iterrows()]
    at = np.arange(len(rows))
    ax.barh(at, skill, color=colours, height=0.6, alpha=0.85)
    ax.hlines(at, low, high, color=style.INK, lw=1.4)
    left, right = min(low.min(), 0.0), max(high.max(), 0.0)
    span = max(right - left, 0.01)
    for row, (model, of_one) in enumerate(rows.iterrows()):
        said, outward = of_one["skill_best"], 1 if skill[row] > 0.0 else -1
        text = "best baseline" if model == of_one["best_baseline"] else f"{said:+.1%}"
        end = high[row] if outward > 0 else low[row]
        ax.annotate(
            text,
            (end, row),
            xytext=(5 * outward, 0),
            textcoords="offset points",
            ha="left" if outward > 0 else "right",
            va="center",
            fontsize=9,
            color=style.INK,
        )
        if np.isfinite(of_one["rmse"]):
            ax.text(0.995, row, f"{of_one['rmse']:.3f}", transform=ax.get_yaxis_transform(), **_FIGURE)
    ax.axvline(0, color=style.AMBER, lw=1.2)
    ax.set_yticks(at, rows.index if named else [""] * len(rows))
    ax.set_ylim(-0.6, len(rows) - 0.4)
    ax.tick_params(axis="y", labelcolor=style.INK, labelsize=9.5)
    ax.grid(False, axis="y")
    span *= room
    ax.set_xlim(left - 0.34 * span, right + (0.66 if rows["rmse"].notna().any() else 0.34) * span)
    style.percent_ticks(ax.xaxis, most=6)
    ax.set_xlabel(f"skill over {rows['best_baseline'].iloc[0]}")


def _colour(row: pd.Series, model: str) -> str:
    if model == row["best_baseline"]:
        return style.AMBER
    if row["is_baseline"]:
        return style.MUTED
    return style.NAVY


def _name(family: str, horizon: int) -> str:
    if horizon == ALL_HORIZONS:
        return "all horizons together"
    if family == LIVE:
        return f"{horizon} step ahead" if horizon == 1 else f"{horizon} steps ahead"
    return "the next session" if horizon == 1 else f"{horizon} sessions ahead"


def _legend() -> list:
    from matplotlib.lines import Line2D

    return [
        Line2D([], [], color=colour, lw=7, alpha=0.85, label=label)
        for colour, label in (
            (style.NAVY, "network"),
            (style.MUTED, "baseline"),
            (style.AMBER, "best baseline"),
        )
    ]
