"""Each session's smile and term structure: from the volatility indices, the rest from Ornstein-Uhlenbeck paths.

The model-free vol of the surface at 30 and 93 days is VIX and VIX3M of the close for SPY, for GLD it is GVZ and a
level drawn to gold's mean. The term structure goes through both; shorter than 30 days it leans on their ratio, beyond
93 the variance that follows reverts to a slow level. Arbitrage allows VIX / VIX3M no more than sqrt(93 / 30) = 1.76;
the simulated indices stay below 1.4.

Skew is known to deepen less than in proportion to volatility: convexity falls with it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vol_assets.sources.sample.process import ornstein_uhlenbeck, stream
from vol_assets.sources.sample.surface import Smile, TermStructure

DAYS = np.array([9.0, 30.0, 93.0, 182.0, 365.0, 730.0])
KNOTS = DAYS / 365.0

SHORT_LEAN = 0.8  # ln of 9-day over 30-day variance, a unit of ln of 30-day over 93-day variance
SHORT_LIMIT = 2.5  # 9-day over 30-day variance: leaves a quarter of the 30 days' variance for the last 21
REVERSION = 1.5  # a year: of the variance beyond 93 days
CONVEXITY_LIMIT = 1.35  # with |rho| <= RHO_LIMIT: convexity^2 (1 + |rho|) = 3.5 < 4
RHO_LIMIT = 0.92


@dataclass(frozen=True)
class Character:
    """How the smile of an underlying looks: means and standard deviations of its Ornstein-Uhlenbeck paths.

    short, long: arctanh of rho at both ends; convexity: ln of eta where the 30-day vol is `level`; power: of eta in
    that vol.
    """

    short: tuple[float, float]
    long: tuple[float, float]
    convexity: tuple[float, float]
    level: float
    power: float
    far: float  # vol that the variance beyond 93 days reverts to


CHARACTERS = {
    "SPY": Character((-0.72, 0.18), (-0.95, 0.14), (np.log(0.86), 0.08), 0.16, -0.35, 0.19),
    "GLD": Character((0.08, 0.12), (0.12, 0.08), (np.log(1.00), 0.08), 0.16, -0.20, 0.165),
}
GOLD_TERM = 0.80  # of ln GVZ^2 over its mean that is left in the 93-day variance


@dataclass(frozen=True, eq=False)
class Smiles:
    """One value a session (n): annualised model-free variances at 30 and 93 days, and what else bends the surface."""

    near: np.ndarray
    next: np.ndarray
    rho_short: np.ndarray
    rho_long: np.ndarray
    convexity: np.ndarray
    short_end: np.ndarray  # of ln 9-day variance
    far: np.ndarray  # annualised variance

    def at(self, session: int) -> tuple[Smile, TermStructure]:
        """The smile and the term structure of session number `session`."""
        smile = Smile(float(self.rho_short[session]), float(self.rho_long[session]), float(self.convexity[session]))
        model_free = np.array([self.near[session], self.next[session]]) * KNOTS[1:3]
        near, after = smile.at_the_money(model_free)
        lean = ((near / KNOTS[1]) / (after / KNOTS[2])) ** SHORT_LEAN * np.exp(self.short_end[session])
        first = near * min(lean, SHORT_LIMIT) * KNOTS[0] / KNOTS[1]
        between, far, wait = (after - near) / (KNOTS[2] - KNOTS[1]), self.far[session], KNOTS[3:] - KNOTS[2]
        beyond = after + far * wait + (between - far) * -np.expm1(-REVERSION * wait) / REVERSION
        return smile, TermStructure(KNOTS, np.array([first, near, after, *beyond]))


def spy(vix: np.ndarray, vix3m: np.ndarray) -> Smiles:
    """SPY's smiles from the two indices (points)."""
    return _smiles("SPY", (vix / 100.0) ** 2, (vix3m / 100.0) ** 2)


def gld(gvz: np.ndarray) -> Smiles:
    """GLD's smiles from GVZ (points)."""
    near, mean = (gvz / 100.0) ** 2, CHARACTERS["GLD"].far ** 2
    return _smiles("GLD", near, mean * (near / mean) ** GOLD_TERM * np.exp(_ou("GLD term", len(near), 40.0, 0.05)))


def _smiles(underlying: str, near: np.ndarray, after: np.ndarray) -> Smiles:
    character, count = CHARACTERS[underlying], len(near)

    def path(name: str, half_life: float, mean: float, sd: float) -> np.ndarray:
        return mean + _ou(f"{underlying} {name}", count, half_life, sd)

    convexity = (
        np.exp(path("convexity", 20.0, *character.convexity)) * (np.sqrt(near) / character.level) ** character.power
    )
    slow = np.exp(path("far variance", 250.0, 0.0, 0.15))
    return Smiles(
        near,
        after,
        np.clip(np.tanh(path("short skew", 12.0, *character.short)), -RHO_LIMIT, RHO_LIMIT),
        np.clip(np.tanh(path("long skew", 60.0, *character.long)), -RHO_LIMIT, RHO_LIMIT),
        np.minimum(convexity, CONVEXITY_LIMIT),
        path("short end", 4.0, 0.0, 0.10),
        slow * character.far**1.2 * np.sqrt(after) ** 0.8,
    )


def _ou(name: str, count: int, half_life: float, sd: float) -> np.ndarray:
    return ornstein_uhlenbeck(stream(name).standard_normal(count), half_life, sd)
