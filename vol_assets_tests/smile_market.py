"""A small market for the simulator: a skewed smile that never moves, on whatever contracts a test lists."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache

import numpy as np

from vol_assets import clock
from vol_assets.ibkr import Limits
from vol_assets.ibkr.plan import OptionKey
from vol_assets.ibkr.simulator import Behaviour, OptionQuote, ShareQuote
from vol_assets.quant import black_price, delta, gamma, theta, vega

SESSION = dt.date(2024, 3, 15)
NOON = dt.datetime(2024, 3, 15, 16, 0, tzinfo=dt.UTC)
EXPIRATIONS = tuple(dt.date.fromisoformat(day) for day in ("2024-03-22", "2024-03-28", "2024-04-12", "2024-05-17"))
STRIKES = tuple(float(strike) for strike in range(440, 561))

FAST = Behaviour(tick_delay=0.01, greeks_delay=0.02)
FEW = Limits(budget=20.0, answer=8.0, quiet=8.0, lines=31)
TINY = replace(FEW, lines=9)


def listed(expirations: Sequence[dt.date] = EXPIRATIONS, strikes: Sequence[float] = STRIKES) -> dict[OptionKey, int]:
    """A call and a put of every strike in every expiration, numbered."""
    keys = [OptionKey(day, strike, right) for day in expirations for strike in strikes for right in "CP"]
    return {key: 700_000_000 + number for number, key in enumerate(keys)}


@cache
def open_of(session: dt.date) -> dt.datetime:
    return clock.open_instant(session).to_pydatetime()


@cache
def close_of(session: dt.date) -> dt.datetime:
    return clock.close_instant(session).to_pydatetime()


def vol_at(log_moneyness: np.ndarray) -> np.ndarray:
    return 0.18 - 0.5 * log_moneyness + log_moneyness**2


@dataclass(frozen=True, eq=False)
class SmileBoard:
    instant: dt.datetime
    spot: float
    numbers: Mapping[OptionKey, int]
    is_open: bool
    no_bids: frozenset[OptionKey]
    no_options: bool

    @property
    def share(self) -> ShareQuote:
        return ShareQuote(self.spot - 0.01, self.spot + 0.01, 500, 700, self.spot, 498.0, 0.18)

    def options(self, keys: Sequence[OptionKey]) -> list[OptionQuote]:
        strike = np.array([key.strike for key in keys])
        right = np.array([key.right for key in keys])
        ends = [close_of(key.expiration) for key in keys]
        years = np.array([(end - self.instant) / dt.timedelta(days=365) for end in ends])
        vol = vol_at(np.log(strike / self.spot))
        price = black_price(self.spot, strike, years, vol, right)
        columns = (
            np.floor(price * 99) / 100,
            np.ceil(price * 101 + 1) / 100,
            np.full(len(keys), 11.0),
            np.full(len(keys), 12.0),
            price,
            vol,
            delta(self.spot, strike, years, vol, right),
            gamma(self.spot, strike, years, vol),
            vega(self.spot, strike, years, vol) / 100,
            theta(self.spot, strike, years, vol, right) / 365,
        )
        quotes = [OptionQuote(*values) for values in zip(*(column.tolist() for column in columns))]
        if self.no_options:
            return [quote._replace(bid=0.0, ask=0.0) for quote in quotes]
        return [quote._replace(bid=0.0) if key in self.no_bids else quote for key, quote in zip(keys, quotes)]


@dataclass(frozen=True)
class SmileMarket:
    """Open by the exchange's clock. no_bids: options that nobody bids for; no_options: only the share is quoted."""

    underlying: str = "SPY"
    spot: float = 500.0
    numbers: Mapping[OptionKey, int] = field(default_factory=listed)
    no_bids: frozenset[OptionKey] = frozenset()
    no_options: bool = False

    def quotes_at(self, instant: dt.datetime) -> SmileBoard:
        return SmileBoard(instant, self.spot, self.numbers, self._is_open(instant), self.no_bids, self.no_options)

    @staticmethod
    def _is_open(instant: dt.datetime) -> bool:
        day = instant.astimezone(clock.NEW_YORK).date()
        return clock.is_session(day) and open_of(day) <= instant < close_of(day)
