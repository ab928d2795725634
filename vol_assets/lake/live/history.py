"""A session of the live store as rows of live/history: reading only, the lake's writer does the rest."""

from __future__ import annotations

import datetime as dt

import pandas as pd

from vol_assets import clock
from vol_assets.contracts.live import LIVE_HISTORY, SERVED
from vol_assets.errors import StoreError
from vol_assets.lake.live.retention import midnight, midnight_after
from vol_assets.lake.live.store import LiveStore
from vol_assets.lake.live.tables import FEATURES, QUOTES
from vol_assets.lake.parquet import Lake


def compact(store: LiveStore, session: dt.date) -> pd.DataFrame:
    """Every quote of a session's New York day in the form of live/history; no rows if there are none.

    With each the features that its bucket was served with; `own_vol` is theirs. A StoreError if simulated quotes and
    the gateway's lie in one session.
    """
    session = clock.require_session(session)
    first, last = midnight(session), midnight_after(session) - pd.Timedelta(microseconds=1)
    quotes = store.read(QUOTES, first, last)
    if quotes.empty:
        return LIVE_HISTORY.empty()
    sources = sorted(quotes["source"].unique())
    if len(sources) > 1:
        raise StoreError(
            f"the live store {store.place} holds quotes of {' and '.join(sources)} for {session}; training would take "
            "one for the other. Give the simulator a VOL_ASSETS_LIVE_URL of its own and delete one of the two"
        )
    served = store.read(FEATURES, first, last, ["ts", "con_id", *SERVED]).rename(columns=SERVED)
    history = quotes.drop(columns="own_vol").merge(served, how="left", on=["ts", "con_id"], validate="one_to_one")
    return history.assign(date=pd.Timestamp(session).as_unit("ns"))[list(LIVE_HISTORY.columns)]


def lacking(store: LiveStore, lake: Lake) -> list[dt.date]:
    """The sessions that the store has quotes of and the lake does not hold yet, ascending."""
    held = set(lake.sessions(LIVE_HISTORY))
    return [day for day in store.days() if day not in held and clock.is_session(day)]
