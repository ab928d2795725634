"""The Cboe Volatility Index's arithmetic on one underlying's quotes, as its methodology prescribes it.

A term (one expiration) gives, with T its minutes to settlement over 525,600 and R its rate,

    F = K* + e^(RT) (C - P) at the strike K* of least |C - P|, mid quotes; K_0 the highest strike not above F,
    sigma^2 = (2/T) sum dK / K^2 e^(RT) Q(K) - (1/T) (F/K_0 - 1)^2,

over out-of-the-money mid quotes Q, outwards from K_0: an option without a bid is left out, and after two such
neighbours nothing further counts. At K_0 Q is the mean of call and put; dK is half the distance between the strikes
on either side, at the ends the distance to the only neighbour. Two terms are interpolated in minutes to 30 days,
linearly in total variance. Sources: Cboe, VIX White Paper (2014, 2019) and Volatility Index Methodology (2022). Their
worked examples differ by a day in the minutes, an input here, and in the rates: the sums over quotes agree.

The sum is a truncated strip with wide steps: `moments` has the integral it stands for.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

MINUTES_DAY = 1_440
MINUTES_YEAR = 365 * MINUTES_DAY
HORIZON = 30 * MINUTES_DAY
WINDOW = (23 * MINUTES_DAY, 37 * MINUTES_DAY)  # Cboe's terms lie strictly between


@dataclass(frozen=True)
class Term:
    """One expiration. variance is sigma^2 a year; strikes and quotes (n,) are those that entered it, in order."""

    minutes: float
    forward: float
    k0: float
    strikes: np.ndarray
    quotes: np.ndarray
    variance: float


@dataclass(frozen=True)
class Choice:
    """Positions of the two expirations to interpolate.

    rule: `window` as Cboe asks, both between 23 and 37 days; `bracket` 30 days lie between them; `nearest` they do
    not, and the index is an extrapolation.
    """

    near: int
    next: int
    rule: str


def term(
    strike: np.ndarray,
    call_bid: np.ndarray,
    call_ask: np.ndarray,
    put_bid: np.ndarray,
    put_ask: np.ndarray,
    *,
    minutes: float,
    rate: float,
) -> Term:
    """sigma^2 of one expiration from quotes (n,) by strike; NaN: not listed, 0: no bid.

    Without a strike where both sides have a bid, or with fewer than two strikes left, the variance is NaN.
    """
    order = np.argsort(strike)
    k, call_bid, call_ask, put_bid, put_ask = (
        np.asarray(values, dtype=float)[order] for values in (strike, call_bid, call_ask, put_bid, put_ask)
    )
    years = minutes / MINUTES_YEAR
    growth = np.exp(rate * years)
    call, put = 0.5 * (call_bid + call_ask), 0.5 * (put_bid + put_ask)
    gap = np.where((call_bid > 0) & (put_bid > 0), np.abs(call - put), np.nan)
    if not years > 0 or np.isnan(gap).all():
        return _nothing(minutes)
    star = np.nanargmin(gap)
    forward = k[star] + growth * (call[star] - put[star])
    usable_at_k0 = (k <= forward) & np.isfinite(call + put)
    if not usable_at_k0.any():
        return _nothing(minutes, forward)
    at = np.flatnonzero(usable_at_k0)[-1]
    below, above = np.arange(at - 1, -1, -1), np.arange(at + 1, len(k))
    below, above = below[_included(put_bid[below], put_ask[below])], above[_included(call_bid[above], call_ask[above])]
    used = np.concatenate([below[::-1], [at], above])
    quotes = np.concatenate([put[below[::-1]], [0.5 * (call[at] + put[at])], call[above]])
    if len(used) < 2:
        return _nothing(minutes, forward)
    strikes = k[used]
    strip = (np.gradient(strikes) / strikes**2 * growth * quotes).sum()
    variance = (2.0 * strip - (forward / k[at] - 1.0) ** 2) / years
    return Term(minutes, float(forward), float(k[at]), strikes, quotes, float(variance))


def index(near: Term, following: Term) -> float:
    """The index in points, 100 times the 30-day volatility; NaN where a term has none."""
    return interpolate(near.minutes, near.variance, following.minutes, following.variance)


def interpolate(near_minutes: float, near_variance: float, next_minutes: float, next_variance: float) -> float:
    """The index from two terms' minutes to settlement and sigma^2; a single term, given twice, stands for itself."""
    span = next_minutes - near_minutes
    if span == 0:
        variance = 0.5 * (near_variance + next_variance)
    else:
        near, following = near_minutes * near_variance, next_minutes * next_variance
        variance = (near * (next_minutes - HORIZON) + following * (HORIZON - near_minutes)) / span / HORIZON
    return float(100.0 * np.sqrt(variance)) if variance >= 0 else np.nan


def choose_terms(minutes: np.ndarray) -> Choice:
    """The expirations (n >= 1, minutes to settlement, any order) that enclose 30 days most closely."""
    minutes = np.asarray(minutes, dtype=float)
    order = np.argsort(minutes)
    after = int(np.searchsorted(minutes[order], HORIZON, side="right"))
    if 0 < after < len(order):
        near, following = order[after - 1], order[after]
        window = WINDOW[0] < minutes[near] and minutes[following] < WINDOW[1]
        return Choice(int(near), int(following), "window" if window else "bracket")
    pair = order[:2] if after == 0 else order[-2:]
    return Choice(int(pair[0]), int(pair[-1]), "nearest")


def _included(bid: np.ndarray, ask: np.ndarray) -> np.ndarray:
    """Which options, from K_0 outwards, enter: a bid, and no two listed neighbours without one before them."""
    listed = np.flatnonzero(np.isfinite(bid))
    empty = bid[listed] <= 0
    stopped = np.logical_or.accumulate(np.append(False, empty[1:] & empty[:-1]))[: len(empty)]
    included = np.zeros(len(bid), dtype=bool)
    included[listed] = ~empty & ~stopped
    return included & np.isfinite(ask)


def _nothing(minutes: float, forward: float = np.nan) -> Term:
    return Term(minutes, float(forward), np.nan, np.empty(0), np.empty(0), np.nan)
