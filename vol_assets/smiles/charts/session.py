"""The smiles of one session through the day: their level, their lean, and the share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from vol_assets import clock
from vol_assets.charts import style
from vol_assets.smiles.panel import GAP

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDTH, HEIGHT = 11.25, 7.4  # inches
COLOURS = (style.AMBER, style.GREEN, style.NAVY, style.MUTED)  # by rank
DOWN, UP = "log_vol_-1.0", "log_vol_+1.0"


def session_smiles(rows: pd.DataFrame) -> Figure:
    """Vol at the forward and skew of each expiration, and the share's return, of the rows of live/states of a session.

    Lines are broken where a bucket has no state.
    """
    times = rows["ts"].dt.tz_convert(clock.NEW_YORK).dt.tz_localize(None)
    rows = rows.assign(
        time=times, atm_vol=np.exp(rows["log_vol_+0.0"]), skew=np.exp(rows[DOWN]) - np.exp(rows[UP])
    ).sort_values(["rank", "time"])
    figure, axes = style.panels(
        "SPY's smiles through the session",
        f"{style.day(times.min())}, {rows['ts'].nunique():,} states, {times.min():%H:%M} to {times.max():%H:%M} in New "
        "York. Lines break where one is missing.",
        width=WIDTH,
        height=HEIGHT,
        rows=3,
        columns=1,
        left=0.62,
        bottom=0.42,
        hspace=0.26,
        heights=(2.2, 1, 1),
    )
    level, lean, share = axes[:, 0]
    for rank, (_, part) in enumerate(rows.groupby("rank")):
        label = style.day(part["expiration"].iloc[-1])
        for ax, column in ((level, "atm_vol"), (lean, "skew")):
            ax.plot(*_broken(part["time"], part[column]), color=COLOURS[rank % len(COLOURS)], lw=1.3, label=label)
    first = rows.drop_duplicates("ts")
    share.plot(*_broken(first["time"], first["spot_return"]), color=style.NAVY, lw=1.3)
    for ax, name, note in (
        (level, "Implied volatility at the forward, annualised", ""),
        (lean, "Skew", "vol a stdev below the forward - a stdev above it"),
        (share, "SPY since the open", "log return"),
    ):
        style.panel_title(ax, name, note)
        style.percent_ticks(ax.yaxis, most=5)
    share.set_xlim(times.min(), max(times.max(), times.min() + pd.Timedelta(minutes=1)))
    _hours(share)
    style.head_legend(figure, level.get_lines())
    return figure


def _broken(time: pd.Series, value: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """A line's points, with one that is not there in every gap."""
    time, value = time.to_numpy(), value.to_numpy(dtype=float)
    apart = np.diff(time)
    gaps = np.flatnonzero(apart > GAP * np.median(apart)) + 1 if len(apart) else []
    return np.insert(time, gaps, time[gaps]), np.insert(value, gaps, np.nan)


def _hours(ax) -> None:
    from matplotlib.dates import AutoDateLocator, DateFormatter

    ax.xaxis.set_major_locator(AutoDateLocator(minticks=4, maxticks=9))
    ax.xaxis.set_major_formatter(DateFormatter("%H:%M"))
