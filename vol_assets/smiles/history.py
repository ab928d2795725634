"""A session's polls as live/history has them, and the states that live/states makes of them.

What the live store gathered comes with the features that were served. Polls that nobody was served with get theirs
here, by the same functions. Both go through in blocks of polls, whose arrays stay in the processor's cache.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd

from vol_assets import clock
from vol_assets.contracts.live import LIVE_HISTORY, LIVE_STATES, SERVED
from vol_assets.smiles.contracts import live_polls
from vol_assets.smiles.features import features_of_polls
from vol_assets.smiles.state import live_states, state_rows

BLOCK = 64  # polls
OPENING = 1.5  # buckets
LIVE = "live"  # market-data type
SECOND = np.timedelta64(1, "s")


class Coverage(NamedTuple):
    """How much of a session its polls are of.

    polls: their number; missed: of the buckets from open to close those without one; longest: seconds of the longest
    stretch of these.
    """

    polls: int
    missed: int
    longest: float


def opening_price(quotes: pd.DataFrame, session: dt.date, step: dt.timedelta) -> float:
    """The share's price (USD) in the first poll of a session's quotes, in buckets of `step`.

    NaN where that poll has no live quotes, or its bucket begins more than OPENING buckets after the open: a return
    since then is no return since the open, which is unknown.
    """
    since = quotes["ts"] - clock.open_instant(session)
    first = quotes[(since > -step) & (since == since[since > -step].min())]
    if first.empty or since[first.index[0]] > OPENING * step or (first["market_data_type"] != LIVE).any():
        return np.nan
    return float(first["underlying"].dropna().median())


def history_rows(quotes: pd.DataFrame, session: dt.date, rate: float, step: dt.timedelta) -> pd.DataFrame:
    """The quotes of a session's polls in the form of live/history, each with its features.

    rate: zero rate, continuously compounded, decimal a year; step: from one poll's bucket to the next.
    """
    opening = opening_price(quotes, session, step)
    used = [features_of_polls(block, rate, opening).used[list(SERVED)] for block in _blocks(quotes)]
    served = (
        pd.concat(used).rename(columns=SERVED) if used else pd.DataFrame(columns=list(SERVED.values()), dtype=float)
    )
    return _of_session(quotes.join(served), session)[list(LIVE_HISTORY.columns)]


def session_states(history: pd.DataFrame, session: dt.date) -> pd.DataFrame:
    """The rows of live/states of a session's rows of live/history, of polls of live quotes alone."""
    used = history[live_polls(history) & history["own_vol"].notna()]
    used = used.rename(columns={kept: name for name, kept in SERVED.items()}).assign(
        log_moneyness=np.log(used["strike"] / used["forward"]), right_enc=np.where(used["right"] == "P", 1.0, 0.0)
    )
    states = [state for block in _blocks(used) for state in live_states(block)]
    return _of_session(state_rows(*states), session)[list(LIVE_STATES.columns)]


def coverage(ts: pd.Series, session: dt.date) -> Coverage:
    """What the buckets that a session's rows start in (UTC) leave out; their length is the commonest distance."""
    starts = np.unique(ts.to_numpy("datetime64[ns]"))
    opens, closes = (
        end(session).tz_localize(None).to_datetime64() for end in (clock.open_instant, clock.close_instant)
    )
    if not len(starts):
        return Coverage(0, 0, (closes - opens) / SECOND)
    apart, count = np.unique(np.diff(starts), return_counts=True)
    step = apart[count.argmax()] if len(apart) else closes - opens
    ends = np.concatenate([[opens - step], starts, [closes]])
    missed = np.maximum(np.round(np.diff(ends) / step).astype(int) - 1, 0)
    return Coverage(len(starts), int(missed.sum()), float(missed.max() * (step / SECOND)))


def _blocks(rows: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """The rows of some polls at a time."""
    poll = np.unique(rows["ts"].to_numpy("datetime64[ns]"), return_inverse=True)[1]
    for first in range(0, poll.max(initial=-1) + 1, BLOCK):
        yield rows[(poll >= first) & (poll < first + BLOCK)]


def _of_session(rows: pd.DataFrame, session: dt.date) -> pd.DataFrame:
    return rows.assign(date=pd.Timestamp(session).as_unit("ns"))
