"""The random processes that the simulated market is made of: named streams, Ornstein-Uhlenbeck paths, regimes."""

from __future__ import annotations

import zlib
from itertools import accumulate

import numpy as np

SEED = 3176
"""Among the best of 4,500 looked at: the whole path, the history to 2026 and its last five years all resemble what was
measured on the real market of 2007-2019 (in brackets), with rates, bonds and gold that could have happened too.

Whole path: SPY volatility 18.0 % (19.4), by calendar year 7.5 ... 32 % (7 ... 41); kurtosis 8 (17); autocorrelation of
log 5-session volatility at lag 5 .62 (.63); VIX over the volatility that follows 3.9 points (3.5); change of VIX
against SPY's return -.83 (-.85); VIX3M above VIX on 86 % of sessions (87); Garman-Klass + overnight over squared
return 1.00 (1.04); out-of-sample R2 of a log-HAR forecast of 5-session volatility .50, with VIX .55 (.31, .43).
"""


def stream(name: str) -> np.random.RandomState:
    """The random numbers of one part of the market; no part can shift the numbers of another.

    RandomState and not Generator: only its streams are promised to stay the same in every numpy (NEP 19).
    """
    return np.random.RandomState(np.random.PCG64([SEED, zlib.crc32(name.encode())]))


def decay(half_life: float) -> float:
    """The factor by which a deviation shrinks in one session."""
    return 0.5 ** (1.0 / half_life)


def mean_reverting(innovations: np.ndarray, half_life: float) -> np.ndarray:
    """x_t = decay x_{t-1} + innovation_t, from x = 0 before the first session.

    A plain loop: 1 ms for thirty years, where importing a compiled filter (scipy.signal) takes most of a second.
    """
    keep = decay(half_life)
    return np.array(list(accumulate(innovations.tolist(), lambda x, innovation: keep * x + innovation)))


def ornstein_uhlenbeck(shocks: np.ndarray, half_life: float, sd: float) -> np.ndarray:
    """A path of stationary standard deviation `sd` driven by unit `shocks`, from its mean (0) on."""
    return mean_reverting(sd * np.sqrt(1.0 - decay(half_life) ** 2) * shocks, half_life)


def regimes(random: np.random.RandomState, count: int, durations: tuple[float, float]) -> np.ndarray:
    """A Markov chain of states 0 and 1 over `count` sessions, from 0 on, with these mean durations in sessions."""
    cycles = 10 + 4 * count // int(sum(durations))  # far more than can be needed
    lengths = random.geometric(1.0 / np.tile(durations, cycles))
    return np.repeat(np.arange(len(lengths)) % 2, lengths)[:count]
