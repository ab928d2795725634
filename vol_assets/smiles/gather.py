"""The states of every stored session as the panel of a family, and what of them is left out.

A live state counts steps by minutes as polled: where the time between polls was changed, sessions polled at another
step than the newest are left out, since ten steps are another horizon there.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import pandas as pd

from vol_assets import clock
from vol_assets.smiles.panel import DAILY, LIVE, Panel, panel_of
from vol_assets.smiles.state import SmileState, daily_state, states_of

MINUTE = dt.timedelta(minutes=1)


class Gathered(NamedTuple):
    """panel: of the states that can be used; thin: number of those with fewer smiles; step: from one live state to the
    next; other_step: the sessions that were polled at another."""

    panel: Panel
    thin: int
    step: dt.timedelta | None = None
    other_step: tuple[dt.date, ...] = ()


def live_panel(rows: pd.DataFrame) -> Gathered:
    """The panel of the rows of live/states, of any number of sessions."""
    steps = _steps(rows)
    step = next((steps[session] for session in sorted(steps, reverse=True) if steps[session]), MINUTE)
    others = tuple(session for session in sorted(steps) if steps[session] not in (None, step))
    states = states_of(rows[~rows["date"].isin(pd.to_datetime(others))])
    panel = panel_of(LIVE, states, step)
    return Gathered(panel, len(states) - len(panel), step, others)


def daily_panel(states: Iterable[SmileState | None]) -> Gathered:
    """The panel of `close_state` of sessions in order of time."""
    states = list(states)
    panel = panel_of(DAILY, [state for state in states if state is not None])
    return Gathered(panel, len(states) - len(panel))


def close_state(rows: pd.DataFrame, spot_before: float) -> SmileState | None:
    """The state of a session at its close, from its rows of surface/<underlying>; None where they do not tell it."""
    if rows.empty:
        return None
    state = daily_state(rows, spot_before)
    numbers = (state.log_vol, state.years, state.forward)
    return state if all(np.isfinite(values).all() for values in numbers) else None


def _steps(rows: pd.DataFrame) -> dict[dt.date, dt.timedelta | None]:
    """The commonest time from one state to the next of each session; None where there is only one."""
    found: dict[dt.date, dt.timedelta | None] = {}
    for session, ts in rows.drop_duplicates("ts").sort_values("ts").groupby("date")["ts"]:
        apart, count = np.unique(np.diff(ts.dt.tz_localize(None).to_numpy()), return_counts=True)
        found[clock.as_date(session)] = pd.Timedelta(apart[count.argmax()]).to_pytimedelta() if len(apart) else None
    return found
