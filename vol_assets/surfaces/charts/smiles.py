"""The smiles of a session beside their quotes: where the fit follows the market and where it has nothing to follow."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from vol_assets.charts import style
from vol_assets.surfaces.charts.words import WIDTH, days, session_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from vol_assets.quant.surface import Surface

COLUMNS = 3
REACH = (-6.0, 4.0)  # at-the-money stdevs that a panel shows at most
LEAST_REACH = (-2.0, 2.0)  # and at least
STEPS = 161


def smiles(surface: Surface, rows: pd.DataFrame, curated: pd.DataFrame, most: int = 12) -> Figure:
    """Quotes and fitted smile of up to `most` expirations, first and last among them, in vol against stdevs.

    rows: of surface/<underlying>; curated: the quotes of curated/<underlying>_chain, of the same session.
    """
    rows = rows.sort_values("years").reset_index(drop=True)
    shown = np.unique(np.linspace(0, len(rows) - 1, most).round().astype(int))
    quotes = [_quotes(curated, rows.loc[i]) for i in shown]
    low, high = _reach(quotes)
    x = np.linspace(low, high, STEPS)
    at_money = (rows["atm_vol"] * np.sqrt(rows["years"])).to_numpy()[shown, None]
    vols = surface.smiles(rows["years"].to_numpy()[shown]).vol(x * at_money)

    across = min(COLUMNS, len(shown))
    down = -(-len(shown) // across)
    figure, axes = style.panels(
        f"{rows['symbol'].iloc[0]} smiles: quoted and fitted",
        f"{session_of(rows)}; {_count(len(shown), len(rows))}. Across: ln(strike / forward) in at-the-money "
        f"standard deviations; rms: vol points.",
        width=WIDTH,
        height=1.6 + max(2.05 * down, 2.9),
        rows=down,
        columns=across,
        left=0.55,
        bottom=0.62,
        hspace=0.3,
        wspace=0.16,
    )
    for ax, i, of_one, vol in zip(axes.flat, shown, quotes, vols):
        _panel(ax, rows.loc[i], of_one, x, vol)
    for ax in axes.flat[len(shown) :]:
        ax.remove()
    for ax in axes.flat[max(len(shown) - across, 0) : len(shown)]:
        ax.tick_params(labelbottom=True)
        ax.set_xlabel("standard deviations from the forward")
    axes[0, 0].set_xlim(low, high)
    style.head_legend(figure, _legend(any(not one[one["role"] == "bound"].empty for one in quotes)))
    return figure


def _count(shown: int, there: int) -> str:
    if shown < there:
        return f"{shown} of {there} expirations"
    return f"{there} expirations" if there > 1 else "one expiration"


def _quotes(curated: pd.DataFrame, row: pd.Series) -> pd.DataFrame:
    """The quotes used for one expiration, with x = k in its at-the-money stdevs."""
    used = curated[(curated["expiration"] == row["expiration"]) & (curated["role"] != "dropped")]
    return used.assign(x=used["k"] / (row["atm_vol"] * np.sqrt(row["years"]))).sort_values("x")


def _reach(quotes: list[pd.DataFrame]) -> tuple[float, float]:
    """What all panels show: a stdev more than the quotes with a mid, within limits."""
    x = pd.concat([one.loc[one["role"] == "fit", "x"] for one in quotes])
    low, high = (x.min() - 1, x.max() + 1) if x.notna().any() else LEAST_REACH
    return max(min(low, LEAST_REACH[0]), REACH[0]), min(max(high, LEAST_REACH[1]), REACH[1])


def _panel(ax: Axes, row: pd.Series, quotes: pd.DataFrame, x: np.ndarray, vol: np.ndarray) -> None:
    fit, bound = quotes[quotes["role"] == "fit"], quotes[quotes["role"] == "bound"]
    quoted = (x >= fit["x"].min()) & (x <= fit["x"].max())
    ax.plot(x, vol, color=style.SKY, lw=1.6)
    ax.vlines(fit["x"], fit["bid_vol"], fit["ask_vol"], color=style.AMBER, lw=1.8, alpha=0.85)
    ax.plot(fit["x"], fit["mid_vol"], "o", color=style.AMBER, ms=3.4, mew=0)
    ax.plot(bound["x"], bound["ask_vol"], "v", color=style.MUTED, ms=3.2, mew=0)
    ax.plot(x, np.where(quoted, vol, np.nan), color=style.NAVY, lw=1.1)
    ax.axvline(0, color=style.MUTED, lw=0.8, ls=(0, (4, 3)), zorder=0.9)
    if row["model"] == "essvi":
        few = "eSSVI of 1 quote" if row["quotes"] == 1 else f"eSSVI of {row['quotes']} quotes"
        ax.text(
            0.98,
            0.96,
            few,
            transform=ax.transAxes,
            ha="right",
            va="top",
            fontsize=8.5,
            color=style.MUTED,
            bbox=style.OVER,
        )
    style.panel_title(ax, f"{style.day(row['expiration'])}, {days(row['years'])}", _note(row))
    _set_height(
        ax,
        [
            vol[quoted | (np.abs(x) < 1)],
            *(fit.loc[fit["x"].between(x[0], x[-1]), f"{side}_vol"] for side in ("bid", "ask")),
        ],
    )
    style.percent_ticks(ax.yaxis, most=6)
    ax.tick_params(labelsize=8.5, pad=3)


def _set_height(ax: Axes, values: list[np.ndarray]) -> None:
    """Show the quotes and the smile among them and near the forward whole; asks of worthless strikes may lie above."""
    values = np.concatenate(values)
    values = values[np.isfinite(values)]
    if values.size:
        margin = max(0.1 * np.ptp(values), 0.02 * values.max())
        ax.set_ylim(max(values.min() - margin, 0.0), values.max() + margin)


def _note(row: pd.Series) -> str:
    rms = f", rms {100 * row['rmse_vol']:.2f}" if np.isfinite(row["rmse_vol"]) else ""
    return f"ATM {row['atm_vol']:.1%}{rms}"


def _legend(bounds: bool) -> list:
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], color=style.AMBER, lw=0, marker="|", ms=9, mew=2, label="quoted, bid to ask"),
        Line2D([], [], color=style.NAVY, lw=1.6, label="fitted"),
        Line2D([], [], color=style.SKY, lw=1.6, label="beyond the quotes"),
        Line2D([], [], color=style.MUTED, lw=0, marker="v", ms=5, label="ask, no bid"),
    ]
    return handles if bounds else handles[:-1]
