"""The states of every stored session as the panel of a family.

The step of the live one is given: that of the polls to come. Sessions polled at another one have no two states that
are a step apart, so no window of them is learnt from.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import pandas as pd

from vol_assets.smiles.panel import DAILY, LIVE, Panel, panel_of
from vol_assets.smiles.state import SmileState, daily_state, states_of


class Gathered(NamedTuple):
    """panel: of the states that can be used; thin: number of those with fewer smiles."""

    panel: Panel
    thin: int


def live_panel(rows: pd.DataFrame, step: dt.timedelta) -> Gathered:
    """The panel of the rows of live/states, of any number of sessions; step: from one state to the next."""
    states = states_of(rows)
    panel = panel_of(LIVE, states, step)
    return Gathered(panel, len(states) - len(panel))


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
