"""Historical bars: a request parsed, its bars' instants by the exchange calendar, prices from the market's quotes."""

from __future__ import annotations

import datetime as dt
import itertools
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from vol_assets import clock
from vol_assets.errors import GatewayError
from vol_assets.ibkr.simulator.messages import AskedContract

UNITS = {"S": 1, "D": 86_400, "W": 7 * 86_400, "M": 30 * 86_400, "Y": 365 * 86_400}
BAR_UNITS = {"sec": 1, "secs": 1, "min": 60, "mins": 60, "hour": 3600, "hours": 3600, "day": 86_400}
DAY = 86_400
MOST = 5_000  # bars
LOOKS = 4  # quotes looked at for a bar's high and low
VOLUME, TRADES = 1000, 10  # of every bar: nothing is traded in a simulated market


@dataclass(frozen=True)
class BarsRequest:
    """What bars are asked for: from `first` on, before `last` (UTC), of so many seconds; epoch: times in seconds."""

    contract: AskedContract
    first: dt.datetime
    last: dt.datetime
    seconds: int
    epoch: bool

    @classmethod
    def parsed(cls, fields: Sequence[str], now: dt.datetime) -> BarsRequest:
        """The request of a message's fields; a GatewayError that says what cannot be understood."""
        last = _instant(fields[15]) or now
        duration = re.fullmatch(r"(\d+) ([SDWMY])", fields[17])
        size = re.fullmatch(r"(\d+) (\w+)", fields[16])
        if not duration or not size or size[2] not in BAR_UNITS:
            raise GatewayError(f"a duration like '2 D' and a bar like '5 mins' are expected, not {fields[16:18]}")
        count, unit = int(duration[1]), duration[2]
        if unit == "D":  # of trading, the day of `last` among them
            first = clock.open_instant(clock.offset(last.astimezone(clock.NEW_YORK).date(), 1 - count))
        else:
            first = last - dt.timedelta(seconds=count * UNITS[unit])
        seconds = int(size[1]) * BAR_UNITS[size[2]]
        return cls(AskedContract(*fields[2:14]), first, last, seconds, epoch=fields[20] == "2")

    def rows(self, price_at: Callable[[dt.datetime], float]) -> list[tuple[object, ...]]:
        """The bars, as fields; a GatewayError for more than MOST."""
        spans = list(itertools.islice(self._spans(), MOST + 1))
        if len(spans) > MOST:
            raise GatewayError(f"more than {MOST} bars; ask for fewer or longer ones")
        rows = []
        for begin, end in spans:
            prices = [round(price_at(begin + (end - begin) * look / LOOKS), 4) for look in range(LOOKS + 1)]
            mean = round(sum(prices) / len(prices), 4)
            rows.append((self._written(begin), prices[0], max(prices), min(prices), prices[-1], VOLUME, mean, TRADES))
        return rows

    def ends(self) -> tuple[str, str]:
        """First and last instant, as they are written beside the bars."""
        return _local(self.first), _local(self.last)

    def _spans(self) -> Iterator[tuple[dt.datetime, dt.datetime]]:
        for session in clock.sessions(*(end.astimezone(clock.NEW_YORK).date() for end in (self.first, self.last))):
            opening, close = (at(session).to_pydatetime() for at in (clock.open_instant, clock.close_instant))
            step = dt.timedelta(seconds=min(self.seconds, (close - opening).total_seconds()))
            begin = opening
            while begin < min(close, self.last):
                if begin >= self.first or self.seconds >= DAY:
                    yield begin, min(begin + step, close, self.last)
                begin += step

    def _written(self, instant: dt.datetime) -> str:
        if self.seconds >= DAY:
            return f"{instant.astimezone(clock.NEW_YORK):%Y%m%d}"
        return str(int(instant.timestamp())) if self.epoch else _local(instant)


def _local(instant: dt.datetime) -> str:
    return f"{instant.astimezone(clock.NEW_YORK):%Y%m%d %H:%M:%S} US/Eastern"


def _instant(text: str) -> dt.datetime | None:
    """`20240315-20:00:00` (UTC) or `20240315 16:00:00 US/Eastern`; None for nothing, which means now."""
    if not text:
        return None
    try:
        if "-" in text:
            return dt.datetime.strptime(text, "%Y%m%d-%H:%M:%S").replace(tzinfo=dt.UTC)
        day, time, *zone = text.split()
        naive = dt.datetime.strptime(f"{day} {time}", "%Y%m%d %H:%M:%S")
        return naive.replace(tzinfo=ZoneInfo(zone[0]) if zone else clock.NEW_YORK).astimezone(dt.UTC)
    except (ValueError, LookupError) as error:
        raise GatewayError(f"an end like '20240315 16:00:00 US/Eastern' is expected, not {text!r}") from error
