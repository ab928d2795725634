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
CONTRACT_COLUMNS = ("ts", *CONTRACT, "k", "years", "forward", "vol", "bid_vol", "ask_vol", "vega")


def live_contracts(history: pd.DataFrame) -> pd.DataFrame:
    """CONTRACT_COLUMNS of the rows of live/history whose quotes are live and have a vol.

    ts: UTC; k: ln(strike / forward); years: from the poll to the close of the expiration; forward: USD; vol, bid_vol,
    ask_vol: European, decimals a year, bid_vol null where the bid is worth no more than exercise; vega: USD per 1.00.
    """
    live = history[(history["market_data_type"] == "live") & history["own_vol"].notna() & history["forward"].notna()]
    return _contracts(live.rename(columns={"own_vol": "vol"}))


def daily_contracts(chain: pd.DataFrame) -> pd.DataFrame:
    """CONTRACT_COLUMNS, as of `live_contracts`, of the rows of curated/<underlying>_chain that entered the surface."""
    return _contracts(chain[chain["role"] == "fit"].rename(columns={"quote_time": "ts", "mid_vol": "vol"}))


def _contracts(rows: pd.DataFrame) -> pd.DataFrame:
    strike, forward, years, vol = (rows[name].to_numpy(dtype=float) for name in ("strike", "forward", "years", "vol"))
    rows = rows.assign(k=np.log(strike / forward), vega=black_vega(forward, strike, years, vol))
    return rows[list(CONTRACT_COLUMNS)].reset_index(drop=True)
