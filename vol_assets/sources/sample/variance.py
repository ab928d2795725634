"""SPY's return and variance, session by session, and the closed form of the variance that is to be expected.

ln v = LOG_LEVEL + fast + slow: two log-OU factors (Chernov, Gallant, Ghysels and Tauchen, J. Econometrics 2003), the
slow one drawn to a higher mean in a rare stress regime. The variance of a session is known at the close before it: v
at a close is the spot variance and that of the next session's return. A shock to the return moves both factors the
other way (leverage), and so does a jump. All of it is linear in ln v, hence E[v] is exact.

The constants were set on the facts listed at `process.SEED`. The two half-lives give volatility its slowly fading
memory (autocorrelation of log 5-session volatility .62 after a week, .49 after a month; real .63, .45), the regime
years of 30 % beside years of 8 %, leverage VIX's correlation with returns, and the jump of the fast factor VIX's
spikes (kurtosis of its daily log change 5.5; real 9).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vol_assets.sources.sample.process import decay, mean_reverting, regimes, stream

LOG_LEVEL = np.log(0.120**2)
HALF_LIVES = np.array([8.0, 110.0])  # sessions: fast, slow
INNOVATION_SDS = np.array([0.165, 0.085])  # of ln v, a session
LEVERAGES = np.array([-0.85, -0.80])  # correlation of a factor's innovation with the return's diffusive shock

STRESS = np.array([0.0, 1.4])  # what the slow factor is drawn to: calm, stress
DURATIONS = (750.0, 110.0)  # mean sessions in calm, in stress

JUMP_PROBABILITY = 0.016  # a session: four a year
JUMP_MEAN, JUMP_SD = -1.6, 1.6  # in units of the session's standard deviation
JUMP_VARIANCE = JUMP_PROBABILITY * (JUMP_MEAN**2 + JUMP_SD**2) - (JUMP_PROBABILITY * JUMP_MEAN) ** 2
"""Share of the return's variance that is jumps."""
JUMP_IN_FAST = -0.30  # what a unit of jump adds to the fast factor

_DECAYS = decay(HALF_LIVES)
_COVARIANCE = np.outer(INNOVATION_SDS * LEVERAGES, INNOVATION_SDS * LEVERAGES)  # the return's shock is all they share
np.fill_diagonal(_COVARIANCE, INNOVATION_SDS**2)
_TRANSITION = np.array([[1 - 1 / DURATIONS[0], 1 / DURATIONS[0]], [1 / DURATIONS[1], 1 - 1 / DURATIONS[1]]])


@dataclass(frozen=True)
class VariancePath:
    """What happened in each of n sessions.

    shock: (n,) the return's shock, mean 0 and variance 1, jump included; jump: (n,) the jump in it, 0 in most sessions;
    factors: (n, 2) fast and slow at the close; regime: (n,) 0 calm, 1 stress.
    """

    shock: np.ndarray
    jump: np.ndarray
    factors: np.ndarray
    regime: np.ndarray

    @property
    def excess(self) -> np.ndarray:
        """ln v at the close less LOG_LEVEL."""
        return self.factors.sum(axis=1)

    @property
    def spot(self) -> np.ndarray:
        """Annualised variance at the close."""
        return np.exp(LOG_LEVEL + self.excess)

    def expected(self, sessions: int) -> np.ndarray:
        """Annualised variance expected at the close over the next `sessions` sessions."""
        return np.exp(LOG_LEVEL) * self.moments(sessions).mean(axis=0)

    def moments(self, sessions: int, power: float = 1.0) -> np.ndarray:
        """E[exp(power * excess)] at the closes 0 ... sessions - 1 ahead, seen from each close: (sessions, n).

        Seen k sessions ahead a factor is decay^k of itself, plus innovations whose cumulants add up, plus the pull of
        the regimes on the way: E[pull over k] = exp(pull of today's) * transition matrix @ E[pull over k - 1].
        """
        moments = np.empty((sessions, len(self.shock)))
        cumulant, pull = 0.0, np.ones(2)
        for ahead in range(sessions):
            weights = power * _DECAYS**ahead
            moments[ahead] = np.exp(self.factors @ weights + cumulant) * pull[self.regime]
            cumulant += _cumulant(weights)
            pull = np.exp(weights[1] * (1.0 - _DECAYS[1]) * STRESS) * (_TRANSITION @ pull)
        return moments


def volatility_of_expected(sessions: int) -> float:
    """How far ln of the variance expected over the next `sessions` moves in a year, to first order in the factors."""
    weights = (_DECAYS ** np.arange(sessions)[:, None]).mean(axis=0)
    jumps = (weights[0] * JUMP_IN_FAST) ** 2 * JUMP_VARIANCE
    return float(np.sqrt(252.0 * (weights @ _COVARIANCE @ weights + jumps)))


def simulate(count: int) -> VariancePath:
    """The path of `count` sessions, from the mean of both factors in calm on."""
    random = stream("variance")
    regime = regimes(stream("regime"), count, DURATIONS)
    diffusive, *own = random.standard_normal((3, count))
    jump = (random.random_sample(count) < JUMP_PROBABILITY) * (JUMP_MEAN + JUMP_SD * random.standard_normal(count))
    surprise = jump - JUMP_PROBABILITY * JUMP_MEAN

    innovations = INNOVATION_SDS * (LEVERAGES * diffusive[:, None] + np.sqrt(1.0 - LEVERAGES**2) * np.transpose(own))
    innovations[:, 0] += JUMP_IN_FAST * surprise
    innovations[1:, 1] += (1.0 - _DECAYS[1]) * STRESS[regime[:-1]]
    factors = np.column_stack([mean_reverting(x, h) for x, h in zip(innovations.T, HALF_LIVES, strict=True)])
    return VariancePath(np.sqrt(1.0 - JUMP_VARIANCE) * diffusive + surprise, jump, factors, regime)


def _cumulant(weights: np.ndarray) -> float:
    """ln E[exp(weights . innovations)] of one session: a Gaussian part and a jump of the fast factor."""
    gaussian = 0.5 * weights @ _COVARIANCE @ weights
    fast = weights[0] * JUMP_IN_FAST
    jump = np.log1p(JUMP_PROBABILITY * np.expm1(fast * JUMP_MEAN + 0.5 * (fast * JUMP_SD) ** 2))
    return gaussian + jump - fast * JUMP_PROBABILITY * JUMP_MEAN
