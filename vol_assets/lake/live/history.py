"""A session of the live store as rows of live/history: reading only, the lake's writer does the rest."""

from __future__ import annotations

import datetime as dt

import pandas as pd

from vol_assets import clock
from vol_assets.contracts.live import LIVE_HISTORY, SERVED
from vol_assets.lake.live.retention import KEEP_SESSIONS, midnight, midnight_after
from vol_assets.lake.live.store import LiveStore
from vol_assets.lake.live.tables import FEATURES, QUOTES
from vol_assets.lake.parquet import Lake


def compact(store: LiveStore, session: dt.date) -> pd.DataFrame:
    """Every quote of a session's New York day in the form of live/history; no rows if there are none.

    With each the features that its bucket was served with; `own_vol` is theirs.
    """
    first, last = _day(clock.require_session(session))
    quotes = store.read(QUOTES, first, last)
    if quotes.empty:
        return LIVE_HISTORY.empty()
    served = store.read(FEATURES, first, last, ["ts", "con_id", *SERVED]).rename(columns=SERVED)
    history = quotes.drop(columns="own_vol").merge(served, how="left", on=["ts", "con_id"], validate="one_to_one")
    return history.assign(date=pd.Timestamp(session).as_unit("ns"))[list(LIVE_HISTORY.columns)]


def lacking(store: LiveStore, lake: Lake) -> list[dt.date]:
    """The sessions that the store has quotes of and the lake does not hold yet, ascending."""
    held = set(lake.sessions(LIVE_HISTORY))
    return [day for day in store.days() if day not in held and clock.is_session(day)]


def awaited(store: LiveStore, lake: Lake, session: dt.date) -> list[dt.date]:
    """What live/history is to be made of on the evening of a session: it, if it was polled, and those of the
    KEEP_SESSIONS before it that the lake lacks, ascending; but none of these with quotes of the simulator, which would
    be refused again every evening."""
    oldest = clock.offset(session, -KEEP_SESSIONS)
    missed = [
        day
        for day in lacking(store, lake)
        if oldest <= day < session and store.read(QUOTES, *_day(day), ["ts"], source="simulator").empty
    ]
    return [*missed, session] if len(store.buckets(*_day(session))) else missed


def _day(session: dt.date) -> tuple[pd.Timestamp, pd.Timestamp]:
    """The first and the last instant of a session's New York day."""
    return midnight(session), midnight_after(session) - pd.Timedelta(microseconds=1)
