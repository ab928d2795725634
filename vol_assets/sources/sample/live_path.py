"""What happens between two closes: spot and surface of a session on a fine grid, the same for every caller.

Spot runs through the points of `intraday`, GRID steps from open to close (30 s each; 16 s on half days). Of CANDIDATES
bridges between the points the one is taken whose extremes come nearest to the bar's, and then made to touch them: open,
high, low and close are the bar's.

The surface has ten coordinates: logs of forward variances, so that variance increases in time whatever moves them, both
correlations (arctanh), convexity (log) and the rate. They are the sum of

- the course from one close to the next. Vols answer to spot with the closes' own skew-stickiness; the rest comes by the
  clock of variance, around it a Brownian bridge with the covariance of the last HISTORY sessions' rests. Who does not
  know the close sees a martingale: no part of it can be forecast.
- deviations. Level, slope and curvature wander off by Ornstein-Uhlenbeck paths of HALF_LIVES, and vols answer late to a
  share LAG of each move of spot. All of it is bridged to 0 at the close, where the surface is `true_surface`. This part
  can be forecast, by whoever tells it from the course.

How much that is, of the variance of the change of log vol at fixed stdevs from the forward (-2 ... 1.5, tenors of 3 to
60 days, second quarter of 2024): 7 % over one minute and 30 % over ten, for SPY and GLD alike. That is for who knows
the deviations; a linear regression on the last ten true smiles and SPY's returns finds 2 and 11 %. A change has a
standard deviation of .5 to .7 % of the vol over one minute, 1.1 to 1.8 % over ten.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd

from vol_assets import clock
from vol_assets.sources.sample import bars, closes
from vol_assets.sources.sample.intraday import STEPS, Intraday
from vol_assets.sources.sample.market import SampleMarket, true_surface
from vol_assets.sources.sample.process import decay, mean_reverting, stream
from vol_assets.sources.sample.smiles import CHARACTERS, CONVEXITY_LIMIT, KNOTS, RHO_LIMIT
from vol_assets.sources.sample.surface import Smile, TermStructure, TrueSurface

FINE = 10  # grid steps to one of `intraday`
GRID = STEPS * FINE
CANDIDATES = 48
HISTORY = 20

STICKINESS = {"SPY": (1.1, 1.8, 1.7, 2.3, 2.6, 2.9), "GLD": (0.1, 0.2, 0.2, 0.25, 0.3, 0.3)}
"""Change of ln forward variance up to each knot per log return of spot, over the smile's slope there: the regression of
one on the other at the closes of all years, so that what is left at a close has nothing to do with the day's return."""

HALF_LIVES = (4.0, 90.0)  # minutes: fast, slow
LEVEL_SDS, SLOPE_SDS, CURVATURE_SDS = (0.020, 0.020), (0.015, 0.015), (0.010, 0.010)
"""Stationary standard deviations of fast and slow deviations: of ln variance, arctanh rho_short, ln convexity."""
LAG = 0.4  # of the answer to spot, with the fast half-life

COORDINATES = len(KNOTS) + 4
VARIANCES, RHO_SHORT, RHO_LONG, CONVEXITY, RATE = slice(0, len(KNOTS)), *range(len(KNOTS), COORDINATES)

_DIRECTIONS = np.zeros((3, COORDINATES))  # of level, slope and curvature: short tenors move more
_DIRECTIONS[0, VARIANCES] = 1.0, 0.85, 0.6, 0.45, 0.35, 0.3
_DIRECTIONS[1, [RHO_SHORT, RHO_LONG]] = 1.0, 0.5
_DIRECTIONS[2, CONVEXITY] = 1.0
_SDS = np.transpose([LEVEL_SDS, SLOPE_SDS, CURVATURE_SDS])  # (half-lives, deviations)
_ACTIVITY = 0.5 + 1.5 * np.linspace(-1.0 + 1.0 / GRID, 1.0 - 1.0 / GRID, GRID) ** 2  # variance by grid step: a U
_ACTIVITY /= _ACTIVITY.sum()


@dataclass(frozen=True, eq=False)
class SessionPath:
    """A session on its grid of GRID + 1 instants, evenly from the open to `seconds` later, the close.

    spot: USD; course: (GRID + 1, COORDINATES) without deviations; away: (2, GRID + 1, COORDINATES) the deviations of
    each half-life.
    """

    underlying: str
    session: dt.date
    opening: pd.Timestamp
    seconds: float
    spot: np.ndarray
    course: np.ndarray
    away: np.ndarray

    def surface(self, since_open: float, ahead: float = 0.0) -> TrueSurface:
        """The surface `since_open` seconds after the open, its deviations as expected `ahead` seconds later."""
        place = GRID * since_open / self.seconds
        first = min(int(place), GRID - 1)
        share = place - first
        spot, course, away = (
            (1.0 - share) * values[..., first, :] + share * values[..., first + 1, :]
            for values in (self.spot[:, None], self.course, self.away)
        )
        keep = np.array([decay(60.0 * half_life) ** ahead for half_life in HALF_LIVES])
        return _surface(self.underlying, self.session, float(spot[0]), course + keep @ away)


def session_path(underlying: str, session: dt.date) -> SessionPath:
    """The path of SPY or GLD through a session that has HISTORY + 1 sessions of the simulated market before it."""
    random = stream(f"{underlying} {session} live")
    number = int(np.searchsorted(clock.session_days(), np.datetime64(session, "D")))
    points, sigma = _paths(underlying)
    overnight = bars.OVERNIGHT[underlying]
    shares = np.append(overnight, (1.0 - overnight) * _ACTIVITY)
    opening = clock.open_instant(session)
    seconds = (clock.close_instant(session) - opening).total_seconds()

    spot = _spot(underlying, session, points[number], sigma[number] * np.sqrt(shares[1:]), random)
    moved = np.log(spot / spot[-1]) + points[number, -1]  # since the close before, dividends and splits apart
    surfaces = [true_surface(underlying, clock.offset(session, count)) for count in range(-HISTORY - 1, 1)]
    at_close = np.array([_coordinates(surface) for surface in surfaces])
    reactions = np.array([_reaction(surface) for surface in surfaces[:-1]])
    rests = np.diff(at_close, axis=0) - reactions * points[number - HISTORY : number + 1, -1:]

    passed = np.cumsum(shares)
    walks = np.cumsum(np.sqrt(shares)[:, None] * random.standard_normal((len(shares), HISTORY)), axis=0)
    bridges = walks - passed[:, None] * walks[-1]
    before = rests[:-1].copy()
    before[:, RATE] = 0.0  # a rate is set once a day
    course = at_close[-2] + np.outer(moved, reactions[-1]) + np.outer(passed, rests[-1])
    course += bridges @ before / np.sqrt(HISTORY)
    away = _deviations(moved, reactions[-1], seconds, random)
    return SessionPath(underlying, session, opening, seconds, spot, course, away)


def _spot(
    underlying: str, session: dt.date, points: np.ndarray, sds: np.ndarray, random: np.random.RandomState
) -> np.ndarray:
    """Spot on the grid, USD. points: (STEPS + 1,) log distances from the close before; sds: (GRID,) of the steps."""
    bar = SampleMarket().daily_bars((underlying,), session, session).bars.iloc[0]
    grid = np.arange(GRID + 1)
    straight = bar["close"] * np.exp(np.interp(grid, grid[::FINE], points - points[-1]))
    walks = np.zeros((CANDIDATES, STEPS, FINE + 1))
    walks[..., 1:] = np.cumsum(random.standard_normal((CANDIDATES, STEPS, FINE)) * sds.reshape(STEPS, FINE), axis=2)
    bridges = walks - np.linspace(0.0, 1.0, FINE + 1) * walks[..., -1:]
    paths = straight[:-1] * np.exp(bridges[..., :-1].reshape(CANDIDATES, GRID))
    misses = np.abs(np.log(paths.max(axis=1) / bar["high"])) + np.abs(np.log(paths.min(axis=1) / bar["low"]))
    path = np.append(paths[misses.argmin()], straight[-1])

    between = np.flatnonzero(grid % FINE)
    highest, lowest = between[path[between].argmax()], between[path[between].argmin()]
    path = np.clip(path, bar["low"], bar["high"])
    path[[0, highest, lowest, -1]] = bar[["open", "high", "low", "close"]].to_numpy(dtype=float)
    return path


def _deviations(moved: np.ndarray, reaction: np.ndarray, seconds: float, random: np.random.RandomState) -> np.ndarray:
    """Deviations of each half-life, (2, GRID + 1, COORDINATES): x_t less e^(-kappa (T - t)) x_T, 0 at the close T."""
    left = np.arange(GRID, -1, -1)
    away = []
    for half_life, sds in zip(HALF_LIVES, _SDS):
        steps = 60.0 * half_life * GRID / seconds
        keep = decay(steps)
        shocks = sds * random.standard_normal((GRID + 1, len(sds)))
        shocks[1:] *= np.sqrt(1.0 - keep**2)
        paths = np.transpose([mean_reverting(shock, steps) for shock in shocks.T])
        directions = _DIRECTIONS
        if half_life == min(HALF_LIVES):
            late = mean_reverting(np.diff(moved, prepend=moved[0]), steps)
            paths, directions = np.column_stack([paths, late]), np.vstack([directions, -LAG * reaction])
        away.append((paths - keep ** left[:, None] * paths[-1]) @ directions)
    return np.array(away)


@cache
def _paths(underlying: str) -> tuple[np.ndarray, np.ndarray]:
    """Of every session of the calendar: the points of `intraday` and the standard deviation of its log return."""
    count = len(clock.session_days())
    simulated = closes.simulate(count)
    moves, sigma, jumps = (values[underlying] for values in (simulated.returns, simulated.sigmas, simulated.jumps))
    ways = (bars.OVERNIGHT[underlying], bars.WITH_SPY[underlying])
    return Intraday(count).path(underlying, moves, sigma, jumps, *ways)[0], sigma


def _coordinates(surface: TrueSurface) -> np.ndarray:
    smile, curve = surface.smile, surface.term_structure
    variances = np.diff(curve.thetas, prepend=0.0) / np.diff(curve.years, prepend=0.0)
    rhos = np.arctanh([smile.rho_short, smile.rho_long])
    return np.array([*np.log(variances), *rhos, np.log(smile.convexity), surface.rate])


def _reaction(surface: TrueSurface) -> np.ndarray:
    """Change of the coordinates per log return of spot.

    The slope of total variance at the forward is rho psi: with one stickiness R d theta = R rho psi dx, so a forward
    variance moves by R times the difference of rho psi over that of theta. Convexity follows the vol at a month.
    """
    theta = surface.term_structure.thetas
    rho, psi = surface.smile.slice(theta)
    reaction = np.zeros(COORDINATES)
    reaction[VARIANCES] = STICKINESS[surface.underlying] * np.diff(rho * psi, prepend=0.0) / np.diff(theta, prepend=0.0)
    reaction[CONVEXITY] = 0.5 * CHARACTERS[surface.underlying].power * reaction[1]
    return reaction


def _surface(underlying: str, session: dt.date, spot: float, coordinates: np.ndarray) -> TrueSurface:
    thetas = np.cumsum(np.exp(coordinates[VARIANCES]) * np.diff(KNOTS, prepend=0.0))
    rhos = np.clip(np.tanh(coordinates[[RHO_SHORT, RHO_LONG]]), -RHO_LIMIT, RHO_LIMIT)
    return TrueSurface(
        underlying=underlying,
        session=session,
        spot=spot,
        rate=float(coordinates[RATE]),
        carry=bars.dividend_yield(underlying),
        smile=Smile(float(rhos[0]), float(rhos[1]), min(float(np.exp(coordinates[CONVEXITY])), CONVEXITY_LIMIT)),
        term_structure=TermStructure(KNOTS, thetas),
    )
