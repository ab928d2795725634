"""Which contracts there are: a client's description of one, or of many, resolved against a board's listing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache

from vol_assets import clock
from vol_assets.ibkr.plan import OptionKey
from vol_assets.ibkr.simulator.messages import AskedContract, ContractTerms

SHARE_NUMBER = 756733
NAMES = {"SPY": "SPDR S&P 500 ETF TRUST", "GLD": "SPDR GOLD SHARES"}
HOURS_AHEAD = 5  # days


@dataclass(frozen=True, eq=False)
class Listing:
    """The share and the options of one session."""

    symbol: str
    numbers: Mapping[OptionKey, int]

    @cached_property
    def keys(self) -> dict[int, OptionKey]:
        """The options by the number of their contract."""
        return {number: key for key, number in self.numbers.items()}

    @property
    def expirations(self) -> list[str]:
        return sorted({f"{key.expiration:%Y%m%d}" for key in self.numbers})

    @property
    def strikes(self) -> list[float]:
        """Of all expirations, so that not every one of them goes with every strike."""
        return sorted({key.strike for key in self.numbers})

    def is_share(self, asked: AskedContract) -> bool:
        """Whether the description fits the share."""
        if _number(asked):
            return _number(asked) == SHARE_NUMBER
        return asked.kind == "STK" and asked.symbol == self.symbol

    def options(self, asked: AskedContract) -> list[OptionKey]:
        """The options that the description fits, in order."""
        if number := _number(asked):
            return [self.keys[number]] if number in self.keys else []
        if asked.kind != "OPT" or asked.symbol != self.symbol:
            return []
        strike = float(asked.strike or 0.0)
        return sorted(
            key
            for key in self.numbers
            if f"{key.expiration:%Y%m%d}".startswith(asked.expiration)
            and (not strike or key.strike == strike)
            and key.right.startswith(asked.right[:1])
        )

    def terms(self, asked: AskedContract, key: OptionKey | None, instant: dt.datetime) -> ContractTerms:
        """What is said of an option, or (None) of the share."""
        local = (
            f"{self.symbol:<6}{key.expiration:%y%m%d}{key.right}{round(key.strike * 1000):08d}" if key else self.symbol
        )
        return ContractTerms(
            symbol=self.symbol,
            kind="OPT" if key else "STK",
            expiration=f"{key.expiration:%Y%m%d}" if key else "",
            strike=key.strike if key else 0.0,
            right=key.right if key else "",
            exchange=asked.exchange or "SMART",
            primary_exchange="" if key else "ARCA",
            local_symbol=local,
            number=self.numbers[key] if key else SHARE_NUMBER,
            multiplier="100" if key else "",
            under_number=SHARE_NUMBER if key else 0,
            name=NAMES.get(self.symbol, self.symbol),
            hours=_hours(instant.astimezone(clock.NEW_YORK).date()),
        )


def _number(asked: AskedContract) -> int:
    return int(asked.number or 0)


@lru_cache(maxsize=8)
def _hours(today: dt.date) -> str:
    """Hours of trading of the days ahead: `20240315:0930-20240315:1600;20240316:CLOSED;...`."""
    words = []
    for day in (today + dt.timedelta(days=ahead) for ahead in range(HOURS_AHEAD)):
        if clock.is_session(day):
            ends = (clock.open_instant(day), clock.close_instant(day))
            words.append("-".join(f"{end.astimezone(clock.NEW_YORK):%Y%m%d:%H%M}" for end in ends))
        else:
            words.append(f"{day:%Y%m%d}:CLOSED")
    return ";".join(words)
