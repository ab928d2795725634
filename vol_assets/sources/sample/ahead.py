"""What may come: GLD's returns after a session, drawn from the law that the sample market's own were drawn from.

The market is a Markov process. All that gold's coming sessions know of the past are SPY's two variance factors and its
regime, the part of gold's variance that is its own, and how gold goes with SPY. Their values at a close are the path's,
from the path's own streams; what follows is drawn anew by the recursions of `variance` and `closes`, for all paths at
once, from streams of other names: the path cannot move. What real yields add to gold's shock (TLT's shock) moves
neither variance nor correlation, so that gold's own shock is a standard normal, that part included.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import cache

import numpy as np

from vol_assets import clock
from vol_assets.errors import SourceError
from vol_assets.sources.sample import variance
from vol_assets.sources.sample.closes import DRIFTS, GOLD_HALF_LIFE, GOLD_LEVEL, GOLD_POWER, GOLD_SD
from vol_assets.sources.sample.process import decay, ornstein_uhlenbeck, stream

CORRELATION_HALF_LIFE, CORRELATION_SD = 60.0, 0.30  # of arctanh of GLD's correlation with SPY: `closes._correlations`


@dataclass(frozen=True)
class GoldState:
    """What gold's coming sessions know at n closes.

    fast, slow: SPY's variance factors; regime: 0 calm, 1 stress; own: gold's own part of its ln variance; correlation:
    arctanh of that with SPY. Each (n,), for all of them the values at the close, which the next session is drawn with.
    """

    fast: np.ndarray
    slow: np.ndarray
    regime: np.ndarray
    own: np.ndarray
    correlation: np.ndarray

    def take(self, which: np.ndarray) -> GoldState:
        """The states at these positions, in this order, as often as they are named."""
        return GoldState(**{name: values[which] for name, values in vars(self).items()})

    @property
    def variance(self) -> np.ndarray:
        """Annualised variance of GLD in the session to come."""
        return np.exp(GOLD_LEVEL + GOLD_POWER * (self.fast + self.slow) + self.own)


def gold_returns_ahead(session: dt.date, sessions: int, paths: int) -> np.ndarray:
    """Daily log returns of GLD on the `sessions` sessions after `session`, as they may come: (paths, sessions).

    Equal arguments give equal paths. Raises SourceError outside the simulated years, SessionError where `session` is
    none.
    """
    session = clock.as_date(session)
    if not clock.FIRST_SESSION <= session <= clock.CALENDAR_END:
        span = f"{clock.FIRST_SESSION} ... {clock.CALENDAR_END}"
        raise SourceError(f"the sample market runs {span}; it was asked for {session}")
    clock.require_session(session)
    number = np.searchsorted(clock.session_days(), np.datetime64(session, "D"))
    state = _path(len(clock.session_days())).take(np.full(paths, number))
    return returns_after(state, sessions, stream(f"gold after {session}"))


def states(count: int) -> GoldState:
    """The states at the closes of a path over `count` sessions; the market's own for as many as the calendar has."""
    spy = variance.simulate(count)
    own = ornstein_uhlenbeck(stream("gold variance").standard_normal(count), GOLD_HALF_LIFE, GOLD_SD)
    shocks = stream("gold correlation").standard_normal(count)
    correlation = ornstein_uhlenbeck(shocks, CORRELATION_HALF_LIFE, CORRELATION_SD)
    return GoldState(spy.factors[:, 0], spy.factors[:, 1], spy.regime, own, correlation)


def returns_after(state: GoldState, sessions: int, random: np.random.RandomState) -> np.ndarray:
    """One path of daily log returns from each of n states: (n, sessions)."""
    returns = np.empty((sessions, len(state.fast)))
    for ahead in range(sessions):
        returns[ahead], state = one_session(state, random)
    return returns.T


def one_session(state: GoldState, random: np.random.RandomState) -> tuple[np.ndarray, GoldState]:
    """GLD's log return of the next session from each of n states, and the states at its close."""
    n = len(state.fast)
    diffusive, fast, slow, size, gold, own, correlation = random.standard_normal((7, n))
    jumps, switches = random.random_sample((2, n))
    jump = (jumps < variance.JUMP_PROBABILITY) * (variance.JUMP_MEAN + variance.JUMP_SD * size)
    surprise = jump - variance.JUMP_PROBABILITY * variance.JUMP_MEAN
    market = np.sqrt(1.0 - variance.JUMP_VARIANCE) * diffusive + surprise
    load = np.tanh(state.correlation)
    shock = load * market + np.sqrt(1.0 - load**2) * gold
    returns = DRIFTS["GLD"] / 252.0 + np.sqrt(state.variance / 252.0) * shock

    keep_fast, keep_slow = decay(variance.HALF_LIVES)
    lever, rest = variance.LEVERAGES, np.sqrt(1.0 - variance.LEVERAGES**2)
    fast = variance.INNOVATION_SDS[0] * (lever[0] * diffusive + rest[0] * fast) + variance.JUMP_IN_FAST * surprise
    slow = variance.INNOVATION_SDS[1] * (lever[1] * diffusive + rest[1] * slow)
    pull = (1.0 - keep_slow) * variance.STRESS
    leave = 1.0 / np.array(variance.DURATIONS)
    return returns, GoldState(
        fast=keep_fast * state.fast + fast,
        slow=keep_slow * state.slow + slow + pull[state.regime],
        regime=state.regime ^ (switches < leave[state.regime]),
        own=_reverted(state.own, GOLD_HALF_LIFE, GOLD_SD, own),
        correlation=_reverted(state.correlation, CORRELATION_HALF_LIFE, CORRELATION_SD, correlation),
    )


def _reverted(values: np.ndarray, half_life: float, sd: float, shocks: np.ndarray) -> np.ndarray:
    """One step of an Ornstein-Uhlenbeck path of stationary standard deviation `sd`, by unit shocks."""
    keep = decay(half_life)
    return keep * values + sd * np.sqrt(1.0 - keep**2) * shocks


@cache
def _path(count: int) -> GoldState:
    return states(count)
