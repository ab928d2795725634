"""Where a session stands among those before it: changes, percentiles and the skew-stickiness ratio of each tenor.

Sessions are fed one after the other, and each is compared with those stored within LOOKBACK_SESSIONS sessions of the
exchange before it, no matter whether they were fed or read from the lake: a range equals its daily runs. A session
that is not stored leaves gaps: changes from it are null, percentiles and the ratio reach further back instead.

The skew-stickiness ratio (Bergomi, Smile Dynamics IV, 2009) compares how the at-the-money vol moves with the forward
to how the smile leans. Over one-session changes, with r the log return of the forward of the tenor,

    SSR = sum(d atm_vol r) / (mean slope sum r^2),

the slope being that of the session before the change. Where strikes keep their vols it is 1, where deltas do, 0.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from vol_assets import clock
from vol_assets.contracts.tenors import (
    CHANGE_SESSIONS,
    COMPARED,
    HISTORY_COLUMNS,
    PERCENTILE_SESSIONS,
    STICKINESS_SESSIONS,
    TENOR_DAYS,
)
from vol_assets.errors import SessionError

LOOKBACK_SESSIONS = 300  # of the exchange: room for some that are not stored among the 252 that percentiles need
REMEMBERED = (*COMPARED, "slope", "forward")


class History:
    """The sessions stored lately, as far as a new one is compared with them."""

    def __init__(self, stored: pd.DataFrame | None = None) -> None:
        """stored: earlier rows of tenors/<underlying>: date, tenor_days and the REMEMBERED columns suffice."""
        self._numbers = np.empty(0, dtype=int)  # of the sessions, in the exchange's count
        self._values = np.empty((0, len(REMEMBERED), len(TENOR_DAYS)))
        if stored is not None and len(stored):
            for day, rows in stored.groupby("date", sort=True):
                self._remember(_number(day), _values(rows))

    def feed(self, rows: pd.DataFrame) -> pd.DataFrame:
        """The rows of one session, later than all before, with the history columns behind their own.

        A SessionError for a session that is not later.
        """
        if rows.empty:
            return rows.assign(**{name: pd.Series(dtype=float) for name in HISTORY_COLUMNS})
        rows = rows.sort_values("tenor_days").reset_index(drop=True)
        number = _number(rows["date"].iloc[0])
        if len(self._numbers) and number <= self._numbers[-1]:
            before = clock.session_days()[self._numbers[-1]]
            raise SessionError(
                f"tenors are compared in order of time; {rows['date'].iloc[0]:%Y-%m-%d} came after {before}"
            )
        self._remember(number, _values(rows))
        history = pd.DataFrame(
            {**self._changes(), **self._percentiles(), "skew_stickiness": self._stickiness()}, columns=HISTORY_COLUMNS
        )
        return pd.concat([rows, history], axis=1)

    def _remember(self, number: int, values: np.ndarray) -> None:
        kept = self._numbers >= number - LOOKBACK_SESSIONS
        self._numbers = np.append(self._numbers[kept], number)
        self._values = np.concatenate([self._values[kept], values[None]])

    def _changes(self) -> dict[str, np.ndarray]:
        changes = {}
        for count in CHANGE_SESSIONS:
            change = np.full_like(self._values[-1], np.nan)
            before = np.flatnonzero(self._numbers == self._numbers[-1] - count)
            if before.size:
                change = self._values[-1] - self._values[before[0]]
            changes |= {f"change_{count}_{name}": change[i] for i, name in enumerate(COMPARED)}
        return changes

    def _percentiles(self) -> dict[str, np.ndarray]:
        window = self._values[-PERCENTILE_SESSIONS:, : len(COMPARED)]
        share = (window <= window[-1]).mean(axis=0)
        if len(window) < PERCENTILE_SESSIONS:
            share = np.full_like(share, np.nan)
        return {f"percentile_{name}": share[i] for i, name in enumerate(COMPARED)}

    def _stickiness(self) -> np.ndarray:
        after = 1 + np.flatnonzero(np.diff(self._numbers) == 1)[-STICKINESS_SESSIONS:]
        if len(after) < STICKINESS_SESSIONS:
            return np.full(len(TENOR_DAYS), np.nan)
        now, before = self._values[after], self._values[after - 1]
        vol, slope, forward = (REMEMBERED.index(name) for name in ("atm_vol", "slope", "forward"))
        change, r = now[:, vol] - before[:, vol], np.log(now[:, forward] / before[:, forward])
        scale = before[:, slope].mean(axis=0) * (r * r).sum(axis=0)
        return np.where(scale != 0, (change * r).sum(axis=0) / np.where(scale != 0, scale, 1.0), np.nan)


def _number(day: pd.Timestamp) -> int:
    return int(np.searchsorted(clock.session_days(), np.datetime64(clock.require_session(day), "D")))


def _values(rows: pd.DataFrame) -> np.ndarray:
    """(remembered, tenors)."""
    return rows.sort_values("tenor_days")[list(REMEMBERED)].to_numpy(float).T
