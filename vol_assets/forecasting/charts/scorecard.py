"""The ledger's scores over time: what was gained on the baseline, and how often the interval held."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from vol_assets.charts import style
from vol_assets.contracts.monitoring import SCORE_WINDOWS
from vol_assets.forecasting.models import REFERENCE

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TARGET = 0.8  # of outcomes should fall inside
SHOWN = 504  # scored sessions


def skill(scored: pd.DataFrame) -> Figure:
    """Cumulated QLIKE gain on the baseline above, rolling coverage of the 80% interval below.

    scored: rows of `scorecard.score`, two at least, none without a baseline. A dotted line is a change of version.
    """
    rows = scored.set_index("date")
    shown = rows.tail(SHOWN)
    gain = (shown["baseline_qlike"] - shown["qlike"]).cumsum()
    ratio = shown["qlike"].mean() / shown["baseline_qlike"].mean()
    figure, (above, below) = style.panels(
        f"The forecasts that were made, against {REFERENCE.name}",
        f"{len(shown):,} scored forecasts, {style.day(shown.index[0])} to {style.day(shown.index[-1])}: QLIKE "
        f"{ratio:.2f} times the baseline's, {shown['inside'].mean():.0%} inside the 80% interval.",
        width=10.0,
        height=6.0,
        rows=2,
        columns=1,
        hspace=0.22,
        heights=(3.0, 2.0),
    )
    top, bottom = above[0], below[0]
    style.panel_title(top, "QLIKE gained on the baseline, cumulated", "rising: better than the baseline")
    top.axhline(0, color=style.AMBER, lw=1.4)
    for better, colour in ((True, style.GREEN), (False, style.RED)):
        top.fill_between(
            shown.index, 0, gain, where=(gain > 0) == better, color=colour, alpha=0.16, lw=0, interpolate=True
        )
    top.plot(gain.index, gain, color=style.NAVY, lw=1.8)
    short, long = SCORE_WINDOWS
    style.panel_title(bottom, "Inside the 80% interval", f"of the last {short} scored sessions; in grey, of {long}")
    bottom.axhline(TARGET, color=style.AMBER, lw=1.4)
    for window, colour, width in ((long, style.MUTED, 1.1), (short, style.NAVY, 1.8)):
        coverage = rows["inside"].astype(float).rolling(window).mean().reindex(shown.index)
        bottom.plot(coverage.index, coverage, color=colour, lw=width)
    if len(rows) < short:
        note = f"{len(rows)} scored sessions; drawn from {short} on"
        bottom.text(0.5, 0.25, note, transform=bottom.transAxes, ha="center", fontsize=9, color=style.MUTED)
    lowest = rows["inside"].astype(float).rolling(short).mean().reindex(shown.index).min()
    bottom.set_ylim(min(0.6, lowest - 0.05 if np.isfinite(lowest) else 0.6), 1.02)
    style.percent(bottom.yaxis)
    changed = shown.index[1:][(shown["model_version"] != shown["model_version"].shift())[1:]]
    for ax in (top, bottom):
        for day in changed:
            ax.axvline(day, color=style.MUTED, lw=0.9, ls=":")
    bottom.set_xlim(shown.index[0], shown.index[-1])
    style.dates(bottom)
    return figure
