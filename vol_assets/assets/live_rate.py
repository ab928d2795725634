"""The zero rate that a session's live options are valued with, the same from its first poll to the training on it.

It is that of the newest bill's close before the session, as the lake has it; else VOL_ASSETS_RATE; else a usual one,
with a warning. A rate that is 1 % off moves a European vol at 60 days by .06 points at most: nothing waits for it.
"""

import datetime as dt
from typing import NamedTuple

from vol_assets import clock
from vol_assets.contracts.market import CURATED_MARKET
from vol_assets.lake import Lake
from vol_assets.sources.chain_rates import MAX_AGE, bill

USUAL = 0.03


class LiveRate(NamedTuple):
    """rate: continuously compounded, decimal a year; source: where it is from, in words; known: whether it is more than
    the usual one."""

    rate: float
    source: str
    known: bool = True


def live_rate(lake: Lake, session: dt.date, setting: float | None) -> LiveRate:
    """The rate for the options of a session; setting: VOL_ASSETS_RATE."""
    before = clock.offset(session, -1)
    bars = lake.read(CURATED_MARKET, clock.offset(before, -MAX_AGE), before, ["date", "symbol", "close"])
    closes = bars[bars["symbol"] == "IRX"]
    found = bill(closes["date"].dt.date.tolist(), closes["close"].tolist()).on(before)
    if found is not None:
        _, rates, age = found
        return LiveRate(float(rates[0]), f"IRX of {clock.offset(before, -age)}")
    if setting is not None:
        return LiveRate(setting, "VOL_ASSETS_RATE")
    return LiveRate(
        USUAL,
        f"a usual one; curated/market has no IRX of the {MAX_AGE} sessions before, and VOL_ASSETS_RATE is not set",
        known=False,
    )
