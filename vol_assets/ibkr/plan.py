"""Which contracts a poll asks for: a few expirations by rule, strikes by delta, so many as there are lines.

Expirations: the nearest weekly one (the last of its week) and those nearest to DAYS from today, each another one;
today's own is left out. Strikes: at the PAIRS nearest the forward both rights, so that parity gives the forward; beyond
them the out-of-the-money side, from a put of PUT_DELTA to a call of CALL_DELTA, at the multiples of a round step that
the lines suffice for, and with the lines left over at those of a finer one next to the forward. Multiples of a step
stay what they are when the share moves, so that from one poll to the next few strikes come and go, and numbers of
contracts once asked for serve the whole day.

The vol that turns deltas into strikes is the share's own 30-day one, the forward a guess: the range is wide and the
pairs are several, so neither matters much.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from vol_assets import clock
from vol_assets.quant import strike_from_delta

DAYS = (7, 30, 60)
PUT_DELTA, CALL_DELTA = -0.02, 0.05  # about 2 stdevs down and 1.6 up: what a smile's state is read from
PAIRS = 3
DRIFT = 0.02  # a year, of the forward: between the rates of 2021 and of 2024, less dividends
STEPS = (0.5, *(digit * 10.0**power for power in range(4) for digit in (1.0, 2.0, 2.5, 5.0)))


class OptionKey(NamedTuple):
    """One option of an underlying. right: C or P."""

    expiration: dt.date
    strike: float
    right: str


def expirations(listed: Iterable[dt.date], today: dt.date) -> tuple[dt.date, ...]:
    """The expirations to poll, ascending; fewer than four where fewer are listed after `today`."""
    ahead = sorted(day for day in set(listed) if day > today and clock.is_session(day))
    if not ahead:
        return ()
    last_of_week = {day.isocalendar()[:2]: day for day in ahead}
    chosen = [min(last_of_week.values())]
    for days in DAYS:
        others = [day for day in ahead if day not in chosen]
        if others:
            chosen.append(min(others, key=lambda day: (abs((day - today).days - days), day)))
    return tuple(sorted(chosen))


def plan(
    listing: Mapping[dt.date, Sequence[float]], spot: float, vol: float, now: dt.datetime, lines: int
) -> tuple[OptionKey, ...]:
    """At most `lines` contracts of the strikes listed for each expiration, those next to the forward first.

    spot: USD; vol: the share's, decimal a year; now: before the expirations' closes.
    """
    wanted: list[tuple[float, OptionKey]] = []
    for number, (day, strikes) in enumerate(sorted(listing.items())):
        share = lines // len(listing) + (number < lines % len(listing))
        years = (clock.close_instant(day) - now) / dt.timedelta(days=365)
        forward = spot * np.exp(DRIFT * years)
        stdevs = vol * np.sqrt(years)
        for strike, right in _of_expiration(np.unique(strikes), forward, years, vol, share):
            distance = abs(np.log(strike / forward)) / stdevs
            wanted.append((distance, OptionKey(day, strike, right)))
    return tuple(key for _, key in sorted(wanted))


def _of_expiration(
    strikes: np.ndarray, forward: float, years: float, vol: float, lines: int
) -> list[tuple[float, str]]:
    nearest = strikes[np.argsort(np.abs(strikes - forward), kind="stable")]
    pairs = set(nearest[: min(PAIRS, lines // 2)].tolist())
    low, high = (
        float(strike_from_delta(forward, years, vol, delta, right))
        for delta, right in ((PUT_DELTA, "P"), (CALL_DELTA, "C"))
    )
    within = strikes[(strikes >= low) & (strikes <= high)]
    single = _spread_out(within, pairs, lines - 2 * len(pairs), forward)
    both = [(strike, right) for strike in pairs for right in "CP"]
    return both + [(strike, "C" if strike >= forward else "P") for strike in single]


def _spread_out(strikes: np.ndarray, without: set[float], most: int, forward: float) -> set[float]:
    """At most `most` strikes but for `without`: those nearest to the multiples of the finest step that leaves no more,
    and of the next finer one those next to the forward."""

    def next_to_the_forward(of: set[float], count: int) -> set[float]:
        return set(sorted(of, key=lambda strike: (abs(strike - forward), strike))[:count])

    finer: set[float] = set()
    for step in STEPS if len(strikes) else ():
        multiples = step * np.arange(np.floor(strikes[0] / step), np.ceil(strikes[-1] / step) + 1.0)
        nearest = np.abs(strikes[:, None] - multiples).argmin(axis=0)
        chosen = set(strikes[nearest].tolist()) - without
        if len(chosen) <= most:
            return chosen | next_to_the_forward(finer - chosen, most - len(chosen))
        finer = chosen
    return next_to_the_forward(finer, most)
