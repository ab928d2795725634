"""The path inside each session: from one close over the night to the open and in five-minute steps to the next close.

A path is a Brownian bridge, its variance U-shaped over the day. The high and low between two of its points are
drawn from the law of a bridge's extremes, P(max > m) = exp(-2 (m - a)(m - b) / sd^2) (Karatzas and Shreve 1991,
4.3.40): the points alone would make every range estimator about 10 % low.
"""

from __future__ import annotations

import numpy as np

from vol_assets.sources.sample.process import stream

STEPS = 78
OVERNIGHT_NEWS = 0.75  # share of jumps that come while the exchange is shut
_CLOCK = np.linspace(-1.0, 1.0, STEPS) ** 2 * 1.5 + 0.5  # four times the variance at the open and the close as at noon


class Intraday:
    """Paths of several series over the same `count` sessions, their moves inside a session correlated with SPY's."""

    def __init__(self, count: int) -> None:
        """Draw what the series share: the market's path and the instants of jumps."""
        random = stream("intraday")
        self._shape = (count, STEPS + 1)
        self._market = random.standard_normal(self._shape)
        daytime = 1 + random.choice(STEPS, size=count, p=_CLOCK / _CLOCK.sum())
        self._jump_step = np.where(random.random_sample(count) < OVERNIGHT_NEWS, 0, daytime)

    def path(
        self, symbol: str, moves: np.ndarray, sigma: np.ndarray, jumps: np.ndarray, overnight: float, with_spy: float
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Log distance from the close before: the points (count, STEPS + 1; the open first, the close last), high, low.

        moves: close to close, of which `jumps` in one step; sigma: standard deviation of a session without them;
        overnight: the gap's share of the variance; with_spy: correlation with SPY's path given the moves.
        """
        random = stream(f"{symbol} intraday")
        shares = np.concatenate([[overnight], (1.0 - overnight) * _CLOCK / _CLOCK.sum()])
        sds = np.multiply.outer(sigma, np.sqrt(shares))
        steps = with_spy * self._market
        if abs(with_spy) < 1.0:
            steps += np.sqrt(1.0 - with_spy**2) * random.standard_normal(self._shape)
        steps *= sds
        steps += np.multiply.outer(moves - jumps - steps.sum(axis=1), shares)
        steps[np.arange(len(steps)), self._jump_step] += jumps
        points = np.cumsum(steps, axis=1)

        middle = 0.5 * (points[:, :-1] + points[:, 1:])
        gaps, spreads = steps[:, 1:] ** 2, 2.0 * sds[:, 1:] ** 2
        up, down = (np.sqrt(gaps + spreads * random.standard_exponential(gaps.shape)) for _ in range(2))
        return points, (middle + 0.5 * up).max(axis=1), (middle - 0.5 * down).min(axis=1)
