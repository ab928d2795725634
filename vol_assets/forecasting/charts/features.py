"""The 21 features over time, one small panel each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from vol_assets.charts import style
from vol_assets.features.l1 import L1_FEATURES

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NOT_PERCENT = ("vix_term", "rsi_spy_14")  # a ratio and a 0..100 index; correlations are plain numbers too


def feature_history(l1: pd.DataFrame) -> Figure:
    """Small multiples of L1_FEATURES; gaps are sessions without features, the dot is the latest value."""
    known = l1.dropna(subset=list(L1_FEATURES))
    figure, axes = style.panels(
        "The 21 features",
        f"{len(known):,} complete sessions, {style.day(known.index[0])} to {style.day(known.index[-1])}; "
        f"the dashed line is the median, the dot the latest value, the band the 5-95% range.",
        width=13.0,
        height=12.0,
        rows=7,
        columns=3,
    )
    for ax, name in zip(np.ravel(axes), L1_FEATURES, strict=True):
        low, middle, high = known[name].quantile([0.05, 0.5, 0.95])
        ax.axhspan(low, high, color=style.SKY, alpha=0.22, lw=0)
        ax.axhline(middle, color=style.MUTED, lw=0.9, ls=(0, (4, 3)))
        ax.plot(l1.index, l1[name], color=style.NAVY, lw=0.7)
        ax.plot(known.index[-1], known[name].iloc[-1], "o", color=style.AMBER, ms=4.5, clip_on=False, zorder=3)
        style.panel_title(ax, name)
        if name not in NOT_PERCENT and not name.startswith("corr_"):
            style.percent(ax.yaxis)
        ax.set_xlim(l1.index[0], l1.index[-1])
        ax.locator_params(axis="y", nbins=4)
        ax.tick_params(labelsize=8, pad=3)
    for ax in axes[-1]:
        style.dates(ax, most=7)
    return figure
