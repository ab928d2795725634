"""The states of one family in order of time, and the windows of them that a model learns from.

Two families that never mix: `live`, a state a bucket of a session, and `daily`, a state a session. A run is a stretch
of states that are one step apart and tell of the same smiles; windows and their targets lie within one, so no sequence
crosses a gap, a night or a change of expirations.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import NamedTuple

import numpy as np

from vol_assets import clock
from vol_assets.smiles.state import SmileState

LIVE, DAILY = "live", "daily"
FAMILIES = (LIVE, DAILY)
HORIZONS = {LIVE: (1, 10), DAILY: (1,)}  # steps
LENGTH = 10  # states of a window
SMILES = 4  # of a state
NEAR, GAP = 0.5, 1.5  # steps: two live states less or further apart are no neighbours


class Windows(NamedTuple):
    """B windows of L states, the last of each the newest: log_vol (B, L, n, nodes), years (B, L, n), covariates
    (B, L, 4)."""

    log_vol: np.ndarray
    years: np.ndarray
    covariates: np.ndarray


@dataclass(frozen=True, eq=False)
class Panel:
    """m states of n smiles.

    ts: (m,) datetime64[us], UTC, ascending; session: (m,) datetime64[D]; expirations: (m, n) datetime64[D]; years,
    forward (USD): (m, n); log_vol: (m, n, nodes) ln of vols in decimals a year; covariates: (m, 4) as named by
    COVARIATES; run: (m,) number of the unbroken run that a state belongs to.
    """

    family: str
    ts: np.ndarray
    session: np.ndarray
    expirations: np.ndarray
    years: np.ndarray
    forward: np.ndarray
    log_vol: np.ndarray
    covariates: np.ndarray
    run: np.ndarray

    def __len__(self) -> int:
        return len(self.ts)

    @property
    def step_seconds(self) -> float:
        """From one state to the next; 0 where that is a session, or there is no next."""
        steps = np.diff(self.ts)[np.diff(self.run) == 0] / np.timedelta64(1, "s")
        return float(np.median(steps)) if self.family == LIVE and len(steps) else 0.0

    def rows(self, which: np.ndarray) -> Panel:
        """Some of the states (mask or numbers), their runs unchanged."""
        arrays = {field.name: getattr(self, field.name)[which] for field in fields(self) if field.name != "family"}
        return Panel(self.family, **arrays)

    def last_of_windows(self, length: int = LENGTH) -> np.ndarray:
        """The numbers of the states that end a window: those with `length` - 1 states of their run before them."""
        last = np.arange(length - 1, len(self))
        return last[self.run[last] == self.run[last - length + 1]]

    def with_target(self, last: np.ndarray, ahead: int) -> np.ndarray:
        """Those of `last` whose state `ahead` steps later is in the same run."""
        last = last[last + ahead < len(self)]
        return last[self.run[last] == self.run[last + ahead]]

    def windows(self, last: np.ndarray, length: int = LENGTH) -> Windows:
        """The windows that end at the states `last` (B,)."""
        at = np.asarray(last)[:, None] + np.arange(1 - length, 1)
        return Windows(self.log_vol[at], self.years[at], self.covariates[at])


def panel_of(family: str, states: Sequence[SmileState], step: dt.timedelta | None = None) -> Panel:
    """The panel of a family from its states in order of time; those that do not have SMILES smiles are gaps.

    step: from a live state to the next. A daily one's next is that of the next session.
    """
    states = [state for state in states if len(state.years) == SMILES]
    ts = np.array([state.ts.tz_convert("UTC").tz_localize(None).to_datetime64() for state in states], "datetime64[us]")
    session = np.array([state.ts.astimezone(clock.NEW_YORK).date() for state in states], "datetime64[D]")

    def stacked(name: str, *shape: int) -> np.ndarray:
        return np.array([getattr(state, name) for state in states]).reshape(len(states), *shape)

    expirations = stacked("expirations", SMILES).astype("datetime64[D]")
    if family == LIVE:
        steps = np.diff(ts) / np.timedelta64(step, "us")
        broken = (
            (steps < NEAR)
            | (steps > GAP)
            | (np.diff(session) > np.timedelta64(0, "D"))
            | (expirations[1:] != expirations[:-1]).any(axis=1)
        )
    else:
        broken = np.diff(np.searchsorted(clock.session_days(), session)) != 1
    return Panel(
        family=family,
        ts=ts,
        session=session,
        expirations=expirations,
        years=stacked("years", SMILES),
        forward=stacked("forward", SMILES),
        log_vol=stacked("log_vol", SMILES, -1) if states else np.empty((0, SMILES, 0)),
        covariates=stacked("covariates", -1) if states else np.empty((0, 0)),
        run=np.append(0, np.cumsum(broken)) if states else np.empty(0, dtype=int),
    )
