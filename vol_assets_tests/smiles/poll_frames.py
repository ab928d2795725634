"""Polls for tests: of the sample market as it is quoted, and of a world whose options are European and exact."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import numpy as np
import pandas as pd

from vol_assets import clock
from vol_assets.quant import black_price
from vol_assets.sources.sample import TrueSurface, live_quotes, live_surface

RANGE = (-2.3, 1.8)  # stdevs
RANKS = (1, 2, 5, 8)  # of the listed expirations


def at(session: str | dt.date, time: str) -> pd.Timestamp:
    """A New York time of day as an instant in UTC."""
    return pd.Timestamp(f"{session} {time}", tz="America/New_York").tz_convert("UTC")


def market_poll(instant: pd.Timestamp, *, exact: bool = False, strikes: int = 20) -> pd.DataFrame:
    """Four expirations of SPY, `strikes` strikes of each, both rights of the seven nearest to the forward.

    exact: bid and ask are the true price.
    """
    listed = pd.DataFrame(live_quotes("SPY", instant))
    days = np.unique(listed["expiration"])[list(RANKS)]
    surface = live_surface("SPY", instant)
    parts = []
    for day in days:
        quotes = listed[listed["expiration"] == day]
        k = np.log(quotes["strike"] / quotes["forward"])
        z = k / np.sqrt(surface.term_structure(quotes["years"].to_numpy()))
        within = quotes["strike"][z.between(*RANGE)].unique()
        chosen = within[np.unique(np.linspace(0, len(within) - 1, strikes).round().astype(int))]
        pairs = within[np.argsort(np.abs(within - quotes["forward"].iloc[0]))[:7]]
        outside = quotes["right"] == np.where(k < 0.0, "P", "C")
        parts.append(quotes[(quotes["strike"].isin(chosen) & outside) | quotes["strike"].isin(pairs)])
    poll = pd.concat(parts, ignore_index=True)
    return poll.assign(bid=poll["price"], ask=poll["price"]) if exact else poll


def plain_surface(instant: pd.Timestamp) -> TrueSurface:
    """The market's surface in a world without interest and dividends, where early exercise is worth nothing."""
    return replace(live_surface("SPY", instant), rate=0.0, carry=0.0)


def plain_poll(instant: pd.Timestamp, expirations: tuple[str, ...], half_spread: float = 0.0) -> pd.DataFrame:
    """Exact quotes of `plain_surface`, calls and puts of 21 strikes; half_spread: decimal of vol."""
    surface = plain_surface(instant)
    parts = []
    for day in expirations:
        years = (clock.close_instant(day) - instant).total_seconds() / (365 * 86400)
        z = np.linspace(*RANGE, 21).repeat(2)
        k = z * float(np.sqrt(surface.term_structure(years)))
        vol, strike = surface.implied_vol(k, years), surface.spot * np.exp(k)
        right = np.tile(np.array(["C", "P"], dtype=object), 21)
        sides = (black_price(surface.spot, strike, years, vol + side, right) for side in (-half_spread, half_spread))
        bid, ask = sides
        parts.append(
            pd.DataFrame(
                {"expiration": pd.Timestamp(day), "strike": strike, "right": right, "bid": bid, "ask": ask}
            ).assign(vol=vol, years=years)
        )
    poll = pd.concat(parts, ignore_index=True)
    return poll.assign(
        ts=instant.floor("min"), quote_time=instant, con_id=np.arange(len(poll)), underlying=surface.spot
    )
