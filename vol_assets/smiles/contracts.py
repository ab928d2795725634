"""The contracts that predictions of either family are held against, a row a contract of a snapshot.

They are the market's own quotes, not the fitted smiles that models learn from: a model that predicts its fit well and
the market badly is found out here. Both families come to one form: the live one from the polls of a session, the daily
one from its curated chain and its surface.

`fitted_vol` is what the surface has for a contract. A daily state has but a few times of that surface, and between them
the term structure of a market bends: a quarter of a vol point is left out of a contract, and up to one. That remainder,
in ln vol, is the expiration's and goes with it from session to session, so it is put back where a state is read.
A live state has none: its smiles are of the very expirations.

`vega` is that of an undiscounted option: it only weighs one contract against another.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from vol_assets.quant import black_vega
from vol_assets.smiles.state import smile_vols
from vol_assets.surfaces.richness import model_vols

CONTRACT = ("expiration", "strike", "right")
LIVE_INPUTS = ("ts", *CONTRACT, "market_data_type", "own_vol", "bid_vol", "ask_vol", "forward", "years")
DAILY_INPUTS = (*CONTRACT, "role", "years", "forward", "bid_vol", "mid_vol", "ask_vol")  # besides the date
WIDEST = 0.5  # of the vol of the mid, from bid to ask: a mid of wider quotes says nothing
CONTRACT_COLUMNS = ("ts", *CONTRACT, "k", "years", "forward", "vol", "bid_vol", "ask_vol", "fitted_vol", "vega")


def live_contracts(history: pd.DataFrame) -> pd.DataFrame:
    """CONTRACT_COLUMNS of the rows of live/history (LIVE_INPUTS) with a vol worth the name, of polls that are live.

    Left out are quotes wider than WIDEST, as a stub far off the market is, and all of a poll with a delayed one: the
    forward was made of both.
    ts: UTC; k: ln(strike / forward); years: from the poll to the close of the expiration; forward: USD; vol, bid_vol,
    ask_vol: European, decimals a year, bid_vol null where the bid is worth no more than exercise; fitted_vol: null;
    vega: USD per 1.00.
    """
    narrow = history["ask_vol"] - history["bid_vol"] <= WIDEST * history["own_vol"]  # not where a vol is unknown
    rows = history[live_polls(history) & narrow].rename(columns={"own_vol": "vol"})
    return _contracts(rows.assign(fitted_vol=np.nan))


def served_contracts(used: pd.DataFrame) -> pd.DataFrame:
    """CONTRACT_COLUMNS, as of `live_contracts`, of all features of polls (FEATURE_COLUMNS)."""
    return _contracts(used.rename(columns={"implied_vol": "vol"}).assign(fitted_vol=np.nan))


def live_polls(history: pd.DataFrame) -> pd.Series:
    """Which rows are of a poll that has live quotes alone."""
    return (history["market_data_type"] == "live").groupby(history["ts"]).transform("all")


def daily_contracts(chain: pd.DataFrame, surface: pd.DataFrame) -> pd.DataFrame:
    """CONTRACT_COLUMNS, as of `live_contracts`, of the rows of curated/<underlying>_chain that entered the surface.

    chain: date and DAILY_INPUTS of any sessions; surface: the rows of surface/<underlying>. A session in one of them
    alone has no contracts. ts: that of the session's state, whenever each contract was quoted.
    """
    fit = chain[chain["role"] == "fit"].rename(columns={"mid_vol": "vol"})
    rows_of = dict(list(surface.groupby("date")))
    parts = [_on_surface(quotes, rows_of[day]) for day, quotes in fit.groupby("date") if day in rows_of]
    none = fit[:0].assign(ts=surface["quote_time"][:0], fitted_vol=np.empty(0))
    return _contracts(pd.concat(parts, ignore_index=True) if parts else none)


def remainder(
    fitted_vol: np.ndarray,
    log_vol: np.ndarray,
    years: np.ndarray,
    at_years: np.ndarray,
    k: np.ndarray,
    which: np.ndarray | None = None,
) -> np.ndarray:
    """ln of the vols (m,) of contracts on the surface that states were read from, less what the states have there: what
    they leave out. 0 where a contract has no such vol. States, times and log-moneyness as `smile_vols` takes them."""
    left_out, there = np.zeros(len(k)), np.flatnonzero(np.isfinite(fitted_vol))
    said = smile_vols(log_vol, years, at_years[there], k[there], None if which is None else which[there])
    left_out[there] = np.log(fitted_vol[there] / said)
    return left_out


def _on_surface(quotes: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    """The quotes of a session whose expirations its surface has, with its instant and its vols."""
    ts, rows = rows["quote_time"].iloc[0], rows.sort_values("years")
    expiry = pd.Index(rows["expiration"]).get_indexer(quotes["expiration"])
    quotes, expiry = quotes[expiry >= 0], expiry[expiry >= 0]
    k = np.log(quotes["strike"].to_numpy(dtype=float) / quotes["forward"].to_numpy(dtype=float))
    return quotes.assign(ts=ts, fitted_vol=model_vols(rows, expiry, k) if len(k) else k)


def _contracts(rows: pd.DataFrame) -> pd.DataFrame:
    strike, forward, years, vol = (rows[name].to_numpy(dtype=float) for name in ("strike", "forward", "years", "vol"))
    rows = rows.assign(k=np.log(strike / forward), vega=black_vega(forward, strike, years, vol))
    return rows[list(CONTRACT_COLUMNS)].reset_index(drop=True)
