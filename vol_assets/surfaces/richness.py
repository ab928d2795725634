"""Rich and cheap: what the surface gives for every quote, with the quote's own right to early exercise.

Vol and price come from the surface at the quote's strike, whatever the quote's role: one that was left out of the fit
because its strike's other side entered, or because it is off its neighbours, has a value all the same. Where a vendor's
prices hold no early exercise, neither does the value.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from vol_assets.contracts.richness import RICHNESS
from vol_assets.quant.american import american_price
from vol_assets.quant.black import black_price
from vol_assets.surfaces.fit import surface_of

# Reasons that keep a quote out of the fit, but leave it a quote of this contract and this market.
VALUED = ("", "zero_bid", "in_the_money", "near_exercise", "outside_table", "no_vol", "penny", "wide", "outlier")
# What is needed of a curated chain, besides its date.
QUOTE_COLUMNS = (
    *("symbol", "expiration", "strike", "right", "bid", "ask", "role", "reason"),
    *("years", "rate", "forward", "carry", "k", "quality_flags"),
)


def richness_rows(rows: pd.DataFrame, curated: pd.DataFrame) -> pd.DataFrame:
    """A row for each quote that VALUED names, of the expirations that have a slice, in the quotes' order.

    rows: surface/<underlying> of one session; curated: its quotes.
    """
    columns = list(next(iter(RICHNESS.values())).columns)
    rows = rows.sort_values("years")
    expiry = pd.Index(rows["expiration"]).get_indexer(curated["expiration"])
    valued = curated["reason"].isin(VALUED).to_numpy() & (expiry >= 0)
    quotes, expiry = curated[valued].reset_index(drop=True), expiry[valued]
    if quotes.empty:
        return next(iter(RICHNESS.values())).empty()
    vol = model_vols(rows, expiry, quotes["k"].to_numpy(float))
    price = model_prices(quotes, vol)
    bid, ask = quotes["bid"].to_numpy(float), quotes["ask"].to_numpy(float)
    bid = np.where(bid > 0, bid, np.nan)
    mid, half_spread = 0.5 * (bid + ask), 0.5 * (ask - bid)
    found = {"bid": bid, "mid": mid, "model_vol": vol, "model_price": price, "richness": (mid - price) / half_spread}
    return quotes.assign(**found)[columns]


def model_vols(rows: pd.DataFrame, expiry: np.ndarray, k: np.ndarray) -> np.ndarray:
    """The surface's vols at log-moneyness k (n,) of expirations `expiry` (n,), positions in `rows`."""
    surface = surface_of(rows)
    # A call and a put of one strike have one vol. Each expiration's strikes fill a row, as far as it has any.
    pairs, which = np.unique(expiry + 1j * k, return_inverse=True)  # complex numbers sort as pairs do
    row = pairs.real.astype(int)
    count = np.bincount(row, minlength=len(rows))
    place = np.arange(len(row)) - (np.cumsum(count) - count)[row]
    wide = np.zeros((len(rows), count.max()))
    wide[row, place] = pairs.imag
    return surface.expirations.vol(wide)[row, place][which]


def model_prices(quotes: pd.DataFrame, vol: np.ndarray) -> np.ndarray:
    """Discounted prices (n,), USD, of quotes with forward, strike, years, right, rate, carry and quality_flags."""
    forward, strike, years, rate, carry = (
        quotes[name].to_numpy(float) for name in ("forward", "strike", "years", "rate", "carry")
    )
    right = quotes["right"].to_numpy()
    codes, flags = pd.factorize(quotes["quality_flags"])  # a few different ones, each an expiration's
    european = np.array(["european_prices" in words for words in flags])[codes]
    price = np.empty(len(vol))
    own = (forward, strike, years, vol, right)
    e, a = np.flatnonzero(european), np.flatnonzero(~european)
    price[e] = np.exp(-rate[e] * years[e]) * black_price(*(part[e] for part in own))
    price[a] = american_price(*(part[a] for part in own), rate[a], carry[a])
    return price
