"""The contracts that predictions of either family are held against, a row a contract of a snapshot.

They are the market's own quotes, not the fitted smiles that models learn from: a model that predicts its fit well and
the market badly is found out here. Both families come to one form: the live one from the polls of a session, the daily
one from its curated chain.

`vega` is that of an undiscounted option: it only weighs one contract against another.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from vol_assets.quant import black_vega

CONTRACT = ("expiration", "strike", "right")
LIVE_INPUTS = ("ts", *CONTRACT, "market_data_type", "own_vol", "bid_vol", "ask_vol", "forward", "years")
WIDEST = 0.5  # of the vol of the mid, from bid to ask: a mid of wider quotes says nothing
CONTRACT_COLUMNS = ("ts", *CONTRACT, "k", "years", "forward", "vol", "bid_vol", "ask_vol", "vega")


def live_contracts(history: pd.DataFrame) -> pd.DataFrame:
    """CONTRACT_COLUMNS of the rows of live/history (LIVE_INPUTS) with a vol worth the name, of polls that are live.

    Left out are quotes wider than WIDEST, as a stub far off the market is, and all of a poll with a delayed one: the
    forward was made of both.
    ts: UTC; k: ln(strike / forward); years: from the poll to the close of the expiration; forward: USD; vol, bid_vol,
    ask_vol: European, decimals a year, bid_vol null where the bid is worth no more than exercise; vega: USD per 1.00.
    """
    narrow = history["ask_vol"] - history["bid_vol"] <= WIDEST * history["own_vol"]  # not where a vol is unknown
    return _contracts(history[live_polls(history) & narrow].rename(columns={"own_vol": "vol"}))


def live_polls(history: pd.DataFrame) -> pd.Series:
    """Which rows are of a poll that has live quotes alone."""
    return (history["market_data_type"] == "live").groupby(history["ts"]).transform("all")


def daily_contracts(chain: pd.DataFrame) -> pd.DataFrame:
    """CONTRACT_COLUMNS, as of `live_contracts`, of the rows of curated/<underlying>_chain that entered the surface."""
    return _contracts(chain[chain["role"] == "fit"].rename(columns={"quote_time": "ts", "mid_vol": "vol"}))


def _contracts(rows: pd.DataFrame) -> pd.DataFrame:
    strike, forward, years, vol = (rows[name].to_numpy(dtype=float) for name in ("strike", "forward", "years", "vol"))
    rows = rows.assign(k=np.log(strike / forward), vega=black_vega(forward, strike, years, vol))
    return rows[list(CONTRACT_COLUMNS)].reset_index(drop=True)
