"""What of a predicted smile could be traded against without risk, in USD at the strikes that are there.

A butterfly of neighbouring strikes pays off between them and never costs its holder a cent later, so it has a price
above 0; and so has a calendar spread, the later option of one log-moneyness against the earlier one (undiscounted, per
forward: Gatheral and Jacquier 2014). A worth below 0 is an arbitrage. One above -HALF_TICK is none that a quote could
show: prices are whole ticks.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from vol_assets.quant.black import otm_price

HALF_TICK = 0.005  # USD


class Breaches(NamedTuple):
    """counted: how many spreads were looked at; share: of them those worth less than -HALF_TICK; worst: USD that the
    worst one is worth less than nothing, 0 if none is."""

    counted: int
    share: float
    worst: float


def butterflies(smile: np.ndarray, k: np.ndarray, forward: np.ndarray, stdev: np.ndarray) -> np.ndarray:
    """Worth, USD undiscounted, of each butterfly of three neighbouring strikes of one smile, an option sold of each.

    smile: (m,) number of the smile that each strike is on; k: (m,) ln(strike / forward), ascending in each smile;
    forward: (m,) USD; stdev: (m,) vol times the root of its years.
    """
    strike = forward * np.exp(k)
    call = forward * otm_price(k, stdev) + np.maximum(forward - strike, 0.0)
    middle = 1 + np.flatnonzero(smile[2:] == smile[:-2])
    below = (strike[middle + 1] - strike[middle]) / (strike[middle + 1] - strike[middle - 1])
    return below * call[middle - 1] + (1.0 - below) * call[middle + 1] - call[middle]


def calendars(k: np.ndarray, forward: np.ndarray, stdev: np.ndarray, later: np.ndarray) -> np.ndarray:
    """Worth (m,), USD undiscounted, of the next smile's option of a log-moneyness against this one's, per forward.

    stdev, later: (m,) vol times the root of its years, of this smile and of the next; NaN where there is no next.
    """
    return forward * (otm_price(k, later) - otm_price(k, stdev))


def breaches(worth: np.ndarray) -> Breaches:
    """Counted over what is a number."""
    worth = worth[np.isfinite(worth)]
    if not len(worth):
        return Breaches(0, np.nan, np.nan)
    return Breaches(len(worth), float(np.mean(worth < -HALF_TICK)), float(max(-worth.min(), 0.0)))
