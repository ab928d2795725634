"""How the training of a network went."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from vol_assets.charts import style

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def training(curve: pd.DataFrame, name: str) -> Figure:
    """Errors by epoch as shares of persistence's; the epoch whose weights were kept is marked.

    curve: epoch, train, validation, of `Trained`; name: of the network.
    """
    best = curve.loc[curve["validation"].idxmin()]
    kept = (
        f"Kept is epoch {best['epoch']:.0f}, with {best['validation']:.1%} of persistence's error in validation."
        if best["epoch"] > 0
        else "No epoch was better than persistence in validation: the untrained network is kept, which is persistence."
    )
    figure, ax = style.canvas(
        f"Training of {name}", f"Mean squared error over persistence's on the same samples. {kept}"
    )
    ax.axhline(1.0, color=style.AMBER, lw=1.4)
    ax.plot(curve["epoch"], curve["train"], color=style.SKY, lw=1.8)
    ax.plot(curve["epoch"], curve["validation"], color=style.NAVY, lw=2.0)
    ax.axvline(best["epoch"], color=style.MUTED, lw=0.9, ls=(0, (4, 3)), zorder=0.9)
    ax.plot(best["epoch"], best["validation"], "o", color=style.NAVY, ms=7)
    last = curve.iloc[-1]
    low = min(curve["train"].min(), curve["validation"].min(), 1.0)
    high = max(curve["train"].max(), min(curve["validation"].max(), 1.0 + 2.0 * (1.0 - low)), 1.0)
    margin = 0.08 * max(high - low, 0.01)
    ends = sorted([("validation", last["validation"]), ("training", last["train"]), ("persistence", 1.0)], key=_height)
    heights = style.apart([height for _, height in ends], 0.055 * (high - low + 2.0 * margin))
    for (label, _), height in zip(ends, heights):
        style.beside(ax, label, last["epoch"], height)
    ax.set_xlim(0, max(last["epoch"], 1) * 1.13)
    ax.set_ylim(low - margin, high + margin)
    ax.set_xlabel("epoch")
    ax.locator_params(axis="x", integer=True)
    style.percent_ticks(ax.yaxis, most=7)
    return figure


def _height(end: tuple[str, float]) -> float:
    return end[1]
