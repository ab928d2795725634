"""Today's forecast on the volatility of the last year, beside what options charge."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from vol_assets.charts import style
from vol_assets.forecasting.charts.backtest import LADDER
from vol_assets.forecasting.models import REFERENCE
from vol_assets.forecasting.outlook import Outlook

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

YEAR = 252  # sessions shown
# Where things stand right of the last session, as shares of the year that is shown.
INTERVAL, SEVEN_DAYS, NINE_DAYS, THIRTY_DAYS, LABELS, EDGE = 0.045, 0.095, 0.12, 0.145, 0.185, 0.57
LINE = 0.055  # height of a line of text, as a share of the axis
WIDTH = 0.28  # of a regime's label, as a share of the year


@dataclass(frozen=True)
class _Mark:
    """A number right of the year: where it stands, how it is drawn, and its name."""

    where: float
    vol: float
    marker: str
    colour: str
    text: str
    options: dict[str, Any] = field(default_factory=dict)
    weight: str = "normal"


def today(outlook: Outlook, realised: pd.Series) -> Figure:
    """The forecast and its interval, the baseline and implied volatilities, right of a year of realised volatility.

    realised: `outlook.realised_history`. Dashed lines are where regimes begin. The axis is logarithmic: volatility
    moves in proportion to itself, and a forecast stays legible beside last year's crisis.
    """
    year = realised.loc[: outlook.session].tail(YEAR)
    start, end = year.index[0], max(year.index[-1], year.index[0] + pd.Timedelta(days=28))
    span = end - start
    figure, ax = style.canvas(_title(outlook), _subtitle(outlook))
    everything = np.array([*year, outlook.p10, outlook.p90, *(mark.vol for mark in _marks(outlook))])
    everything = everything[np.isfinite(everything) & (everything > 0)]
    low, high = max(0.88 * everything.min(), 0.005), 1.2 * everything.max()
    ax.set(yscale="log", xlim=(start, end + EDGE * span), ylim=(low, high))
    ax.axvspan(end, end + EDGE * span, color="white", lw=0, zorder=0.7)  # no grid behind names
    ax.axvline(end, color=style.MUTED, lw=0.8, zorder=1)
    _regimes(ax, outlook, year, span, (low, high))
    ax.plot(
        year.index, year, color=style.AMBER, lw=1.4, solid_joinstyle="round", label="realised, trailing five sessions"
    )
    ax.vlines(end + INTERVAL * span, outlook.p10, outlook.p90, color=style.SKY, lw=13, label="80% interval")
    _named(ax, _marks(outlook), end, span, (low, high))
    ax.set_yticks([vol for vol in LADDER if low < vol < high])
    ax.set_yticks([], minor=True)
    style.percent(ax.yaxis)
    style.dates(ax, until=end)
    style.legend(ax)
    return figure


def _title(outlook: Outlook) -> str:
    regime = f", {outlook.regime}" if outlook.regime else ""
    return f"SPY over the next five sessions: {outlook.vol:.1%}{regime}"


def _subtitle(outlook: Outlook) -> str:
    made = f"Forecast of {style.day(outlook.session)}, 80% interval {outlook.p10:.1%} to {outlook.p90:.1%}."
    if not np.isfinite(outlook.percentile):
        return f"{made} {outlook.sessions} sessions of history are too few to say whether that is high."
    return (
        f"{made} Above {outlook.percentile:.0%} of SPY's {outlook.sessions:,} five-session volatilities since "
        f"{style.day(outlook.since)}."
    )


def _marks(outlook: Outlook) -> list[_Mark]:
    """Every number that is known."""
    hollow = {"mfc": "white", "mew": 1.5}
    marks = [
        _Mark(INTERVAL, outlook.vol, "o", style.NAVY, f"forecast {outlook.vol:.1%}", weight="bold"),
        _Mark(INTERVAL, outlook.baseline_vol, "o", style.MUTED, f"{REFERENCE.name} {outlook.baseline_vol:.1%}", hollow),
        _Mark(
            INTERVAL,
            outlook.variance_vol,
            "_",
            style.NAVY,
            f"root of expected variance {outlook.variance_vol:.1%}",
            {"mew": 2.0, "ms": 11},
        ),
        _Mark(
            SEVEN_DAYS,
            outlook.implied_7d,
            "D",
            style.GREEN,
            f"implied, 7 days {outlook.implied_7d:.1%}, {100 * outlook.premium_7d:+.1f} points",
        ),
        _Mark(
            NINE_DAYS,
            outlook.vix9d,
            "D",
            style.GREEN,
            f"VIX9D {outlook.vix9d:.1%}, {100 * outlook.premium_9d:+.1f} points",
            hollow,
        ),
        _Mark(THIRTY_DAYS, outlook.vix, "s", style.MUTED, f"VIX {outlook.vix:.1%}, of 30 days", hollow),
    ]
    return [mark for mark in marks if np.isfinite(mark.vol)]


def _named(ax: Axes, marks: list[_Mark], end: pd.Timestamp, span: pd.Timedelta, axis: tuple[float, float]) -> None:
    """The marks, and their names in one column, each led to from its mark."""
    marks = sorted(marks, key=lambda mark: mark.vol)
    low, high = np.log(axis)
    gap = LINE * (high - low)
    heights = np.exp(style.apart(np.log([mark.vol for mark in marks]), gap, low + 0.6 * gap, high - 0.6 * gap))
    for mark, height in zip(marks, heights, strict=True):
        x, name = end + mark.where * span, end + LABELS * span
        ax.plot([x, name - 0.006 * span], [mark.vol, height], color=style.MUTED, lw=0.6, alpha=0.7, zorder=2)
        order = 4 if mark.weight == "bold" else 3  # the forecast on top
        ax.plot(x, mark.vol, mark.marker, color=mark.colour, zorder=order, **({"ms": 6.5} | mark.options))
        text = ax.text(name, height, mark.text, va="center", fontsize=9, color=style.INK, fontweight=mark.weight)
        text.set_in_layout(False)


def _regimes(ax: Axes, outlook: Outlook, year: pd.Series, span: pd.Timedelta, axis: tuple[float, float]) -> None:
    """A dashed line where each regime begins, named where the year's line is furthest from the name."""
    low, high = np.log(axis)
    line = LINE * (high - low)
    for name, bound in list(outlook.bounds.items())[1:]:
        if np.isfinite(bound) and low < np.log(bound) < high - line:
            ax.hlines(bound, year.index[0], year.index[0] + span, color=style.MUTED, lw=0.8, ls=(0, (4, 3)), zorder=1.5)
            width = int(WIDTH * len(year))
            place = _free(np.log(year.to_numpy()), np.log(bound), np.log(bound) + line, width)
            ax.annotate(
                f"{name} from {bound:.1%}",
                (year.index[min(place + width // 2, len(year) - 1)], bound),
                xytext=(0, 3),
                textcoords="offset points",
                ha="center",
                fontsize=8.5,
                color=style.MUTED,
                bbox=style.OVER | {"pad": 0.2},
                zorder=2.5,
            )


def _free(line: np.ndarray, low: float, high: float, width: int) -> int:
    """Where, over `width` points, a line is least often in the band low ... high, and of those furthest from it."""
    away = np.nan_to_num(np.maximum(np.maximum(low - line, line - high), 0.0), nan=np.inf)
    parts = [away[start : start + width] for start in range(max(len(line) - width, 1))]
    return max(range(len(parts)), key=lambda start: (-np.sum(parts[start] == 0), parts[start].min()))
