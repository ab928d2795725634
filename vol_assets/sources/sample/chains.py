"""Quotes of one underlying's options at one close, made from the true surface.

Every strike has a call and a put, both American, worth what a lognormal share would make them worth at the surface's
vol. A market maker quotes around that: his spread is a few cents, a width in vol that grows with time, with volatility
and into the wings, and a share of what is in the money. His mid is off the truth by a normal fraction of the
half-spread with standard deviation NOISE, clipped at NOISE_LIMIT: most of it stays with the contract for as long as it
lives, the rest is the session's. The bid is rounded down to the tick, often to none, the ask up, so that the true price
is between them always; `dirt` then spoils a few.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np

from vol_assets.contracts.chains import RIGHTS
from vol_assets.quant.american import american_price
from vol_assets.quant.black import black_vega
from vol_assets.sources.sample import listings
from vol_assets.sources.sample.process import stream
from vol_assets.sources.sample.surface import TrueSurface

NOISE, NOISE_LIMIT = 0.25, 0.9
LASTING = 0.8  # share of the noise's variance that stays with the contract

_CONTRACTS = 65537  # a prime: contracts are numbered modulo it


@dataclass(frozen=True)
class Market:
    """How an underlying's options are quoted: prices in USD, widths in vol at 16 % a year."""

    least_spread: float
    width: float
    tick: float
    coarse_tick: float  # from 3 USD up
    open_interest: float  # contracts at the forward, next monthly expiration


MARKETS = {
    "SPY": Market(0.01, 0.0008, 0.01, 0.01, 60_000.0),
    "GLD": Market(0.02, 0.0020, 0.01, 0.05, 12_000.0),
}
IN_THE_MONEY = 0.002  # of the intrinsic value, in the spread
SPREAD_NOISE = 0.20  # of ln spread


def honest_quotes(surface: TrueSurface, close: np.datetime64) -> dict[str, np.ndarray]:
    """Quotes at the instant `close` (UTC, datetime64[us]) by expiration, strike and right; no dirt among them.

    Returns arrays of one length: expiration, strike, right, bid, ask, volume, open_interest; and what they were made
    of: price (USD today), years, k, stdevs (k over the at-the-money stdev), tick.
    """
    market, listed = MARKETS[surface.underlying], listings.expirations(surface.session)
    years = (listed.close - close) / np.timedelta64(365, "D")
    forwards, atm = surface.forward(years), surface.atm_vol(years)
    grids = [listings.strikes(forward, stdev) for forward, stdev in zip(forwards, atm * np.sqrt(years))]
    which = np.repeat(np.arange(len(years)), [len(grid) for grid in grids]).repeat(2)
    strike = np.concatenate(grids).repeat(2)
    right = np.resize(np.array(RIGHTS, dtype=object), len(strike))
    forward, years, level, monthly = forwards[which], years[which], atm[which], listed.monthly[which]

    random = stream(f"{surface.underlying} {surface.session} quotes").standard_normal((3, len(strike)))
    number = (
        listed.day[which].astype(int) * 7919 + np.round(strike * 4.0).astype(int) + 31 * (right == "C")
    ) % _CONTRACTS
    own = _contracts(surface.underlying)[:, number]

    made = market_maker(surface, strike, right, years, forward, level, own[0], random[:2])
    k, stdevs, depth = made.k, made.stdevs, made.depth

    fame = np.where(strike % 25.0 == 0.0, 3.0, np.where(strike % 5.0 == 0.0, 1.8, 1.0)) * np.where(monthly, 1.0, 0.3)
    away = np.exp(-0.5 * (stdevs / np.where(k < 0.0, 2.6, 1.7)) ** 2 - np.maximum(depth, 0.0) / (0.05 * surface.spot))
    held = market.open_interest * fame * away * np.exp(-years + 0.8 * own[1] - 0.3)
    traded = 0.25 * held * np.exp(-0.5 * stdevs**2 / 4.0 - 1.5 * years + 0.9 * random[2])
    return {
        "expiration": listed.day[which],
        "strike": strike,
        "right": right,
        "bid": made.bid,
        "ask": made.ask,
        "volume": np.floor(traded),
        "open_interest": np.floor(held),
        "price": made.price,
        "years": years,
        "k": k,
        "stdevs": stdevs,
        "tick": made.tick,
    }


class Made(NamedTuple):
    """Quotes, and what they were made of, each (n,): k, stdevs (k over the at-the-money stdev), vol, price (USD today),
    depth in the money (USD, below 0 outside), tick, bid (0: none), ask."""

    k: np.ndarray
    stdevs: np.ndarray
    vol: np.ndarray
    price: np.ndarray
    depth: np.ndarray
    tick: np.ndarray
    bid: np.ndarray
    ask: np.ndarray


def market_maker(
    surface: TrueSurface,
    strike: np.ndarray,
    right: np.ndarray,
    years: np.ndarray,
    forward: np.ndarray,
    level: np.ndarray,
    lasting: np.ndarray,
    passing: np.ndarray,
) -> Made:
    """How contracts (n,) are quoted around the truth.

    forward, level: of each contract's expiration, USD and at-the-money vol; lasting: (n,) normal numbers that stay with
    the contracts; passing: (2, n) normal numbers of the spread and of the mid that do not.
    """
    market = MARKETS[surface.underlying]
    k = np.log(strike / forward)
    stdevs = k / (level * np.sqrt(years))
    vol = surface.implied_vol(k, years)
    price = american_price(forward, strike, years, vol, right, surface.rate, surface.carry)
    depth = np.where(right == "C", surface.spot - strike, strike - surface.spot)

    width = market.width * (1.0 + years) * (level / 0.16) ** 0.75 * (1.0 + 0.1 * np.minimum(stdevs**2, 25.0))
    spread = market.least_spread + width * black_vega(forward, strike, years, vol)
    spread = (spread + IN_THE_MONEY * np.maximum(depth, 0.0)) * np.exp(SPREAD_NOISE * passing[0])
    noise = NOISE * (np.sqrt(LASTING) * lasting + np.sqrt(1.0 - LASTING) * passing[1])
    mid = price + 0.5 * spread * np.clip(noise, -NOISE_LIMIT, NOISE_LIMIT)
    tick = np.where(mid < 3.0, market.tick, market.coarse_tick)
    bid = on_tick(np.maximum(mid - 0.5 * spread, 0.0), tick, np.floor)
    ask = np.maximum(on_tick(mid + 0.5 * spread, tick, np.ceil), np.round(bid + tick, 2))
    return Made(k, stdevs, vol, price, depth, tick, bid, ask)


def on_tick(price: np.ndarray, tick: np.ndarray, rounding: np.ufunc) -> np.ndarray:
    """Prices rounded to the tick; one that a CPU's last bit put next to a tick is on it."""
    return np.round(rounding(np.round(price / tick, 6)) * tick, 2)


@cache
def _contracts(underlying: str) -> np.ndarray:
    """Normal numbers (2, contract number) that stay with a contract: of its mid, of its popularity."""
    return stream(f"{underlying} contracts").standard_normal((2, _CONTRACTS))
