"""The returns that stand out: when, how far, and which are too far for chance."""

from __future__ import annotations

import datetime as dt
from typing import Any

from vol_assets.gold.pdf import axis, theme
from vol_assets.gold.pdf.panel import Key, Panel, missing
from vol_assets.gold.pdf.placer import Spot
from vol_assets.gold.words import Words

AWAY = 12.0  # pt from the end of a bar to the middle of its name
ASIDE = (0.0, 12.0, -12.0, 20.0, -20.0)  # pt that a name may stand aside


def jumps(analysis: dict[str, Any], words: Words, width: float, height: float) -> str:
    """GLD's listed jumps as bars by date, the significant ones filled, with their date and z."""
    past = analysis["gld"]["realised"]
    if past is None:
        return missing(words("jumps.no_history"), width, height)
    listed = past["jumps"]
    if not listed:
        return missing(words("jumps.none", z=past["jump_notice"], sessions=past["sessions"]), width, height)
    panel = Panel(width, height)
    top = panel.legend(
        [
            Key(words("jumps.listed", z=past["jump_notice"]), theme.REALISED, "line+circle", hollow=True),
            Key(words("jumps.significant", z=past["jump_significance"]), theme.VERMILION, "line+diamond"),
        ]
    )
    days = [dt.date.fromisoformat(jump["session"]) for jump in listed]
    last = dt.date.fromisoformat(analysis["session"])
    by_year = last - min(days) > dt.timedelta(days=2 * 365)
    plot = panel.plot(
        axis.dates(
            min(days) - dt.timedelta(days=90),
            last,
            lambda day: str(day.year) if by_year else f"{day:%m/%Y}",
            most=9 if by_year else 5,
        ),
        axis.linear(
            [0.0, *(jump["log_return"] for jump in listed)], words.number, words("axis.return"), shown=100, pad=0.65
        ),
        top=top,
    )
    plot.rule_y(0.0)
    for day, jump in zip(days, listed):
        at, move = [day.toordinal()], [jump["log_return"]]
        colour = theme.VERMILION if jump["significant"] else theme.REALISED
        plot.error_bars(at, [0.0], move, colour, width=1.3)
        shape = "diamond" if jump["significant"] else "circle"
        plot.markers(at, move, colour, shape=shape, size=1.9, hollow=not jump["significant"])
        (across,), (up,) = plot.px(at), plot.py(move)
        spots = [Spot(across + aside, up - AWAY * (1 if move[0] > 0 else -1), "middle") for aside in ASIDE]
        name = words("jumps.label", day=day, z=jump["z"])
        colour = theme.INK if jump["significant"] else theme.SOFT
        panel.ask(name, spots, colour, size=theme.SMALL, importance=30.0 + 3.0 * abs(jump["z"]))
    return panel.svg()
