"""Short rates: from a bill's bank discount to a zero rate, and from a few tenors to any day.

A bill quoted at a bank discount d costs 1 - d days/360 of its face (31 CFR 356, appendix B), which is worth
exp(-r days/365) at the continuously compounded rate r:

    r = -ln(1 - d days/360) 365/days

Between tenors the rate itself is a straight line, beyond them it is that of the nearest: with one tenor, a flat curve.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

BILL_DAYS = 91  # the 13-week bill


def bank_discount_to_rate(percent: ArrayLike, days: ArrayLike = BILL_DAYS) -> np.ndarray:
    """The continuously compounded rate (decimal a year of 365 days) of a bank discount in percent of a year of 360
    days, for a bill of `days`; broadcasting, NaN where the bill would cost nothing or less, or has no days."""
    percent, days = np.broadcast_arrays(np.asarray(percent, dtype=float), np.asarray(days, dtype=float))
    price = 1.0 - percent / 100.0 * days / 360.0
    sound = (price > 0.0) & (days > 0.0)
    rate = np.full(price.shape, np.nan)
    np.log(price, out=rate, where=sound)
    np.divide(-365.0 * rate, days, out=rate, where=sound)
    return rate[()]


def zero_rate(tenor_days: ArrayLike, rates: ArrayLike, days: ArrayLike) -> np.ndarray:
    """The zero rate at `days` (any shape) of a curve given as rates at ascending `tenor_days` (each one-dimensional):
    linear between tenors, flat beyond them."""
    return np.interp(np.asarray(days, dtype=float), np.asarray(tenor_days, float), np.asarray(rates, float))
