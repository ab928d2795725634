"""A session's surface read at the standard tenors: tenors/<underlying> but for the columns that look back.

Everything follows from the smile of a tenor, which the surface makes of the two expirations around it: strikes by
forward delta, prices, slope and curvature at the forward, moments of the log return. Carr and Madan's (2001) integral
at 30 days and Cboe's sum over the quotes themselves stand beside the index that is quoted.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from vol_assets.contracts.tenors import BASE_COLUMNS, DELTAS, MONEYNESS, TENOR_DAYS, TENORS
from vol_assets.quant import moments, vix
from vol_assets.quant.rates import zero_rate
from vol_assets.quant.surface import Smiles, Surface
from vol_assets.surfaces.fit import at_the_forward, surface_of

INDEX_DAYS = 30
SESSIONS_YEAR = 252
MOMENT_STEP = 0.2  # at-the-money stdevs: prices are smooth on that scale, a finer grid tells no more
QUOTE_COLUMNS = ("expiration", "strike", "right", "bid", "ask", "reason")  # needed of a curated chain, besides its date
# Cboe's rules take quotes as they come, but quotes they must be: of this contract, and of one market.
NO_QUOTE = ("bad_strike", "nonstandard", "crossed", "ambiguous", "duplicate")


def tenor_rows(rows: pd.DataFrame, curated: pd.DataFrame, index_quoted: float = np.nan) -> pd.DataFrame:
    """One row a tenor with the BASE_COLUMNS of tenors/<underlying>; none without a surface.

    rows: surface/<underlying> of one session; curated: its quotes; index_quoted: VIX or GVZ as a decimal, if known.
    """
    if rows.empty:
        return empty_rows()
    rows = rows.sort_values("years")
    years, rate = rows["years"].to_numpy(float), rows["rate"].to_numpy(float)
    quoted = np.log(rows[["lowest_strike", "highest_strike"]].to_numpy(float) / rows[["forward"]].to_numpy(float))
    found = read_tenors(surface_of(rows), zero_rate(365.0 * years, rate, TENOR_DAYS), quoted)
    found["date"], found["symbol"] = rows["date"].iloc[0], rows["symbol"].iloc[0]
    found["index_vix_style"] = vix_style(curated, rows["expiration"].to_numpy(), years, rate)
    found["index_quoted"] = float(index_quoted)
    return found[list(BASE_COLUMNS)]


def empty_rows() -> pd.DataFrame:
    """No row, with the columns and types of BASE_COLUMNS."""
    return next(iter(TENORS.values())).empty()[list(BASE_COLUMNS)]


def read_tenors(surface: Surface, rate: np.ndarray, quoted: np.ndarray) -> pd.DataFrame:
    """What the smiles at TENOR_DAYS tell, a row a tenor, in the columns of tenors/<underlying> it settles.

    rate: (tenors,) zero rates; quoted: (expirations, 2) lowest and highest log-moneyness with a fitted quote.
    """
    years = np.array(TENOR_DAYS) / 365.0
    smiles = surface.smiles(years)
    atm_vol = smiles.at_money / np.sqrt(years)
    k, stdev = smiles.at_delta(np.array(DELTAS) / 100.0)
    slope, curvature = at_the_forward(smiles)
    columns = {
        "tenor_days": np.array(TENOR_DAYS),
        "years": years,
        "forward": smiles.forward,
        "rate": rate,
        "implied_yield": rate - np.log(smiles.forward / surface.spot) / years,
        "atm_vol": atm_vol,
        **_by_delta(smiles, k, stdev, rate),
        "slope": slope,
        "curvature": curvature,
        "slope_sqrt_t": slope * np.sqrt(years),
        "curvature_t": curvature * years,
        **dict(zip((f"vol_m{m}" for m in MONEYNESS), smiles.vol(np.log(np.array(MONEYNESS) / 100.0)).T)),
        **_forward_vols(smiles),
        "implied_move": 2.0 * smiles.otm_price(np.zeros(1))[:, 0],
        "daily_breakeven": atm_vol / np.sqrt(SESSIONS_YEAR),
        **_moments(smiles),
        "extrapolated": smiles.extrapolated,
        "confidence": _confidence(surface, smiles, k, quoted),
    }
    return pd.DataFrame(columns)


def vix_style(curated: pd.DataFrame, expirations: np.ndarray, years: np.ndarray, rate: np.ndarray) -> float:
    """The 30-day index, decimal, by Cboe's rules from the raw quotes of two of the expirations (n,) that enclose it.

    years, rate: (n,) of the expirations. NaN where none enclose 30 days, or one has no strip.
    """
    minutes = years * vix.MINUTES_YEAR
    choice = vix.choose_terms(minutes)
    if choice.rule == "nearest":
        return np.nan
    quotes = curated[~curated["reason"].isin(NO_QUOTE)]
    near, following = (
        _term(quotes[quotes["expiration"] == expirations[i]], minutes[i], rate[i]) for i in (choice.near, choice.next)
    )
    return float(vix.index(near, following) / 100.0)


def _term(quotes: pd.DataFrame, minutes: float, rate: float) -> vix.Term:
    quotes = quotes.sort_values("ask", na_position="first")  # of two for one contract, one that has an ask stays
    strikes, at = np.unique(quotes["strike"].to_numpy(float), return_inverse=True)
    side = np.where(quotes["right"] == "C", 0, 1)
    bids, asks = np.full((2, 2, len(strikes)), np.nan)
    bids[side, at] = np.nan_to_num(quotes["bid"].to_numpy(float))  # listed without a bid: a bid of 0
    asks[side, at] = quotes["ask"].to_numpy(float)
    return vix.term(strikes, bids[0], asks[0], bids[1], asks[1], minutes=minutes, rate=rate)


def _by_delta(smiles: Smiles, k: np.ndarray, stdev: np.ndarray, rate: np.ndarray) -> dict[str, np.ndarray]:
    vol = dict(zip(DELTAS, (stdev / np.sqrt(smiles.years)[:, None]).T))
    forward = smiles.forward[:, None]
    strike = forward * np.exp(k)
    premium = np.exp(-rate * smiles.years)[:, None] * forward * smiles.otm_price(k)
    columns = {f"vol_d{d}": values for d, values in vol.items()}
    columns |= {f"strike_d{d}": values for d, values in zip(DELTAS, strike.T)}
    columns |= {f"premium_d{d}": values for d, values in zip(DELTAS, premium.T)}
    atm_vol = smiles.at_money / np.sqrt(smiles.years)
    for d in (25, 10):
        call, put = vol[d], vol[100 - d]
        columns |= {f"rr{d}": call - put, f"bf{d}": 0.5 * (call + put) - atm_vol}
    return columns


def _forward_vols(smiles: Smiles) -> dict[str, np.ndarray]:
    variance, years = smiles.at_money**2, smiles.years
    more, later = variance - variance[:-1, None], years - years[:-1, None]
    vols = np.where(later > 0, np.sqrt(np.maximum(more, 0.0) / np.where(later > 0, later, 1.0)), np.nan)
    return {f"forward_vol_{days}": values for days, values in zip(TENOR_DAYS, vols)}


def _moments(smiles: Smiles) -> dict[str, np.ndarray]:
    k = moments.grid(smiles.at_money, step=MOMENT_STEP)
    price = smiles.otm_price(k)
    found = moments.from_prices(k, price)
    up, down = (part / smiles.years for part in moments.up_down_variance(k, price))
    model_free_vol = np.sqrt(found.model_free_variance / smiles.years)
    return {
        "model_free_vol": model_free_vol,
        "up_variance": up,
        "down_variance": down,
        "skewness": found.skewness,
        "kurtosis": found.kurtosis,
        "index_model_free": np.full(len(k), model_free_vol[TENOR_DAYS.index(INDEX_DAYS)]),
    }


def _confidence(surface: Surface, smiles: Smiles, k: np.ndarray, quoted: np.ndarray) -> np.ndarray:
    """Share of the nodes k (t, m) within the quotes of the expirations around, the nearer in time weighing more."""
    place = np.interp(smiles.years, surface.years, np.arange(len(surface.years)))
    earlier, later = np.floor(place).astype(int), np.ceil(place).astype(int)
    ends = [((k >= quoted[i, :1]) & (k <= quoted[i, 1:])).mean(axis=1) for i in (earlier, later)]
    share = (later - place) * ends[0] + (1.0 - (later - place)) * ends[1]
    return np.where(smiles.extrapolated, 0.0, share)
