"""Jumps: returns far beyond what the sessions before them would have led one to expect.

A return is measured by the bipower stdev of the 60 sessions before it (Barndorff-Nielsen and Shephard 2004),

    z_t = r_t / sigma_t,   sigma_t^2 = pi/2 * mean of |r_i| |r_(i-1)| over i = t - 60 ... t - 1,

so that it is no part of its own measure, and an earlier jump enters the measure only times an ordinary neighbour, not
squared. Of n normal returns the largest |z| stays below Lee and Mykland's (2008) Gumbel level with 95 % probability.
The measure is itself an estimate, so that even normal returns pass the levels somewhat more often than stated.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import ndtr

from vol_assets.features.har import VARIANCE_FLOOR
from vol_assets.features.windows import windows
from vol_assets.gold.report import Jump

SCALE_SESSIONS = 60
LEAST_PRODUCTS = 40  # of the 60; a session without return takes two of them away
NOTICE = 3.0  # |z| beyond which a return is listed
SIGNIFICANCE = 0.05
LISTED = 20
LEAST_TESTED = 20  # the Gumbel level is a limit in n, and means nothing for a handful of returns


@dataclass(frozen=True)
class Jumps:
    """The jumps of a history."""

    listed: tuple[Jump, ...]  # newest first, LISTED at most
    significance: float  # |z| beyond which one is significant
    found: int  # in the whole history
    expected: float  # sessions beyond NOTICE, were z standard normal


def find_jumps(returns: pd.Series) -> Jumps:
    """Daily log returns, a row for every session (NaN where unknown) -> its jumps."""
    z = scaled_returns(returns.to_numpy())
    tested = int(np.isfinite(z).sum())
    level = gumbel_level(max(tested, LEAST_TESTED))
    found = np.flatnonzero(np.abs(z) > NOTICE)
    listed = tuple(
        Jump(
            session=returns.index[t].date(),
            log_return=float(returns.iloc[t]),
            z=float(z[t]),
            significant=bool(abs(z[t]) > level),
        )
        for t in found[::-1][:LISTED]
    )
    return Jumps(listed, level, len(found), float(tested * 2.0 * ndtr(-NOTICE)))


def scaled_returns(returns: np.ndarray) -> np.ndarray:
    """z (sessions,) of daily log returns (sessions,); NaN where the return or 21 of the 60 products are unknown."""
    size = np.abs(returns)
    product = np.concatenate([[np.nan], size[1:] * size[:-1]])
    before = windows(np.concatenate([[np.nan], product[:-1]]), SCALE_SESSIONS)
    known = np.isfinite(before)
    count = known.sum(axis=1)
    mean = np.where(known, before, 0.0).sum(axis=1) / np.maximum(count, 1)
    scale = np.sqrt(np.maximum(np.pi / 2 * mean, VARIANCE_FLOOR))
    return np.where(count >= LEAST_PRODUCTS, returns / scale, np.nan)


def gumbel_level(count: int) -> float:
    """What the largest of `count` (3 or more) absolute standard normals passes with 5 % probability, in the limit.

    Lee and Mykland's constants for the largest |N(0, 1)|: location a - (ln pi + ln ln n) / (2 a), scale 1 / a,
    a = sqrt(2 ln n). (Theirs are over sqrt(2 / pi): they leave pi/2 out of the measure.)
    """
    a = np.sqrt(2.0 * np.log(count))
    gumbel = -np.log(-np.log(1.0 - SIGNIFICANCE))
    return float(a - (np.log(np.pi) + np.log(np.log(count))) / (2.0 * a) + gumbel / a)
