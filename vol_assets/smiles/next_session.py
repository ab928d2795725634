"""The next session's smile as predicted at a close, where a smile says something of its own: what a desk compares.

Rows are the chain's strikes out of the money whose expirations lie between the tenors of the smiles, now and at the
target, within reach of the outer nodes: those that the leaderboard scores.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import pandas as pd

from vol_assets import clock
from vol_assets.contracts.smile_next import LIVE, REPLAY, SMILE_NEXT
from vol_assets.smiles.contracts import CONTRACT
from vol_assets.smiles.model import SmileModel
from vol_assets.smiles.panel import DAILY
from vol_assets.smiles.predictor import predict
from vol_assets.smiles.scoring import within_reach
from vol_assets.smiles.state import SmileState

NEXT_COLUMNS = (
    *("target_ts", "ts", *CONTRACT, "forward", "bid_vol", "vol", "ask_vol", "fitted_vol", "held_vol", "predicted_vol"),
    "flagged",
)
A_STEP = dt.timedelta(days=1)  # of no meaning to daily states


def next_session(model: SmileModel | None, states: Sequence[SmileState], contracts: pd.DataFrame) -> pd.DataFrame:
    """NEXT_COLUMNS of a session, by expiration and strike; none where its smiles are not known.

    states: of sessions in order of time, the session's own the last; contracts: its CONTRACT_COLUMNS. held_vol is what
    persistence says of the target. Raises as `predict` does.
    """
    said, held = (predict(one, states, contracts, A_STEP, DAILY) for one in (model, None))
    if said.empty:
        return pd.DataFrame(columns=list(NEXT_COLUMNS))
    key = ["ts", *CONTRACT]
    held = held.rename(columns={"predicted_vol": "held_vol"})[[*key, "held_vol"]]
    rows = said.merge(held, on=key).merge(contracts, on=key)
    now = states[-1]
    k, years = rows["k"].to_numpy(), rows["years"].to_numpy()
    passed = (rows["target_ts"] - rows["ts"]) / pd.Timedelta(days=365)
    good = within_reach(now.log_vol, now.years, years, k) & ((rows["right"] == "C") == (k >= 0.0))
    good &= (years <= now.years[-1]) & (years - passed >= now.years[0])
    return rows[good].sort_values(["expiration", "strike"])[list(NEXT_COLUMNS)].reset_index(drop=True)


def as_rows(said: pd.DataFrame, session: dt.date, kind: str, version: str, now: dt.datetime) -> pd.DataFrame:
    """What `next_session` said of a session as smile/spy_next has it; kind, version: of the model; now: when it was
    made, which is before the target's open or it is a replay."""
    target = clock.offset(session, 1)
    rows = said.rename(columns={"ts": "quote_time"}).assign(
        date=pd.Timestamp(session).as_unit("ns"),
        target_date=pd.Timestamp(target).as_unit("ns"),
        model=kind,
        model_version=version,
        origin=LIVE if now < clock.open_instant(target) else REPLAY,
        made_at=pd.Timestamp(now).as_unit("us"),
    )
    return rows[list(SMILE_NEXT.columns)]
