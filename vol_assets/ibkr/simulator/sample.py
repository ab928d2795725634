"""The sample market for the simulator: SPY or GLD as they were quoted at every instant of a simulated session."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from vol_assets import clock
from vol_assets.ibkr.plan import OptionKey
from vol_assets.ibkr.simulator.market import OptionQuote, ShareQuote
from vol_assets.quant import delta, gamma, theta, vega
from vol_assets.sources.sample import TrueSurface, live_quotes, live_surface

SHARE_TICK = 0.01  # USD: the share's spread is two of them
SHARE_SIZE = 500
VOL_YEARS = 30.0 / 365.0
DAYS = 365.0  # theta is IB's, a day
QUOTED = ("bid", "ask", "bid_size", "ask_size", "price", "vol")


@dataclass(frozen=True, eq=False)
class SampleBoard:
    """The quotes of an instant of a session; computed when first asked for."""

    underlying: str
    instant: dt.datetime
    is_open: bool

    @cached_property
    def surface(self) -> TrueSurface:
        """The surface that the quotes are made from."""
        return live_surface(self.underlying, self.instant)

    @cached_property
    def share(self) -> ShareQuote:
        surface = self.surface
        spot, close = round(surface.spot, 2), _previous_close(self.underlying, surface.session)
        vol = float(surface.atm_vol(np.array(VOL_YEARS)))
        bid, ask = (round(spot + side * SHARE_TICK, 2) for side in (-1, 1))
        return ShareQuote(bid, ask, SHARE_SIZE, SHARE_SIZE, spot, close, vol)

    @property
    def numbers(self) -> Mapping[OptionKey, int]:
        return _numbers(self.underlying, self.surface.session)

    def options(self, keys: Sequence[OptionKey]) -> list[OptionQuote]:
        quotes, places = self._quotes
        rows = np.array([places[self.numbers[key]] for key in keys], dtype=int)
        asked = {name: values[rows] for name, values in quotes.items()}
        columns = (*(asked[name] for name in QUOTED), *model_greeks(asked, self.surface))
        return [OptionQuote(*values) for values in zip(*(column.tolist() for column in columns))]

    @cached_property
    def _quotes(self) -> tuple[dict[str, np.ndarray], dict[int, int]]:
        quotes = live_quotes(self.underlying, self.instant)
        return quotes, {number: row for row, number in enumerate(quotes["con_id"].tolist())}


def model_greeks(quotes: Mapping[str, np.ndarray], surface: TrueSurface) -> tuple[np.ndarray, ...]:
    """Delta, gamma, vega and theta of `live_quotes`, in IB's units, by the surface that they are made from."""
    forward, strike, years, vol, right = (quotes[name] for name in ("forward", "strike", "years", "vol", "right"))
    rate, carry = surface.rate, surface.carry
    return (
        delta(forward, strike, years, vol, right, "spot", carry=carry),
        gamma(forward, strike, years, vol, rate=rate, carry=carry),
        vega(forward, strike, years, vol, rate=rate) / 100.0,
        theta(forward, strike, years, vol, right, rate=rate, carry=carry) / DAYS,
    )


@dataclass(frozen=True)
class SampleMarket:
    """A `SimulatedMarket` of the sample source. Quotes change by whole seconds."""

    underlying: str = "SPY"

    def quotes_at(self, instant: dt.datetime) -> SampleBoard:
        """The board of an instant (UTC); out of hours, that of the last close.

        Raises a SourceError outside the simulated years.
        """
        return _board(self.underlying, instant.replace(microsecond=0))


@lru_cache(maxsize=64)
def _board(underlying: str, instant: dt.datetime) -> SampleBoard:
    session = clock.offset(instant.astimezone(clock.NEW_YORK).date(), 0)
    if instant < clock.open_instant(session):
        session = clock.offset(session, -1)
    close = clock.close_instant(session).to_pydatetime()
    return SampleBoard(underlying, min(instant, close), is_open=clock.open_instant(session) <= instant < close)


@lru_cache(maxsize=8)
def _numbers(underlying: str, session: dt.date) -> dict[OptionKey, int]:
    """Numbers of the contracts that outlive the session: those that end with it are not asked for."""
    quotes = live_quotes(underlying, clock.close_instant(session).to_pydatetime())
    columns = (quotes["expiration"].astype("datetime64[D]"), quotes["strike"], quotes["right"], quotes["con_id"])
    return {OptionKey(*row): number for *row, number in zip(*(column.tolist() for column in columns))}


@lru_cache(maxsize=8)
def _previous_close(underlying: str, session: dt.date) -> float:
    before = clock.offset(session, -1)
    return round(live_surface(underlying, clock.close_instant(before).to_pydatetime()).spot, 2)
