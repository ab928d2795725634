"""The rate that option quotes imply, for a session that has none.

At the right rate European vols of put and call agree at every strike, not at the forward only; with a wrong one
C_E - P_E has a slope in the strike other than the discount factor's, and the forwards of the pairs drift with it. A
short expiration alone cannot tell a rate, nor can one of about a year, where the slope and the value of early exercise
move together; so one rate is taken for all, at which their slopes are least, in units of their errors, by Huber's loss.
"""

from __future__ import annotations

import numpy as np

from vol_assets.quant.forward import Pairs, implied_forwards

RATES = np.linspace(0.0, 0.08, 9)  # where it is sought first
ROUNDS = 3  # each on a grid four times finer
FINE = 20  # points between two of the grid
LEAST_ERROR = 1e-5  # of a slope
HUBER = 3.0  # errors beyond which an expiration counts linearly
UNDETERMINED = 0.01  # standard error of the rate beyond which quotes do not tell it


@np.errstate(all="ignore")
def parity_rate(pairs: Pairs, years: np.ndarray) -> tuple[float, float]:
    """The rate and its standard error; 0 and infinity where quotes tell nothing. years: (n,), a row of `pairs` each."""
    rates = RATES
    for _ in range(ROUNDS):
        solved = [implied_forwards(pairs, years, np.full(len(years), rate)) for rate in rates]
        slopes, errors = (np.stack([getattr(one, name) for one in solved]) for name in ("slope", "slope_error"))
        told = np.isfinite(slopes).all(axis=0) & np.isfinite(errors).all(axis=0)
        if not told.any():
            return 0.0, np.inf
        # The error where it is least: at a wrong rate early exercise bends what should be a line.
        error = np.maximum(errors[:, told].min(axis=0), LEAST_ERROR)
        fine = np.linspace(rates[0], rates[-1], FINE * (len(rates) - 1) + 1)
        slope = np.stack([np.interp(fine, rates, of_one) for of_one in slopes[:, told].T], axis=1)
        misfit = np.abs(slope / error)
        best = int(np.argmin(np.where(misfit < HUBER, misfit**2, HUBER * (2.0 * misfit - HUBER)).sum(axis=1)))
        # Without dividends a slope has one sign on both sides of its zero: the steeper side says how sharp that is.
        steepest = np.abs(np.diff(slope, axis=0) / np.diff(fine)[:, None])[max(best - 1, 0) : best + 1].max(axis=0)
        rate, step = fine[best], rates[1] - rates[0]
        rates = np.unique(np.maximum(rate + 0.25 * step * np.arange(-4, 5), RATES[0]))
    excess = max(1.0, np.median(misfit[best] ** 2))
    return float(rate), float(np.sqrt(excess / np.sum((steepest / error) ** 2)))
