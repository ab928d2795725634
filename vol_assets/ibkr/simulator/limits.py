"""IB's limits on what a client asks: messages in a window, historical requests in ten minutes and twice the same."""

from __future__ import annotations

from collections import deque

from vol_assets.ibkr.simulator.behaviour import PACING_WINDOW

HISTORICAL_WINDOW, HISTORICAL_MOST = 600.0, 60  # seconds, requests
SAME_WINDOW = 15.0
LEAST_WINDOW = 0.05


class Lag:
    """How late the simulator's thread was of late: what it reads after a pause need not have been sent at once."""

    def __init__(self) -> None:
        self._late: deque[tuple[float, float]] = deque()

    def note(self, now: float, seconds: float) -> None:
        """The thread was late by so many seconds."""
        self._late.append((now, seconds))

    def until(self, now: float) -> float:
        """Seconds that it was late by within the window."""
        while self._late and now - self._late[0][0] > PACING_WINDOW:
            self._late.popleft()
        return sum(seconds for _, seconds in self._late)


class Pacing:
    """Whether messages come too fast; times in seconds."""

    def __init__(self, most: int):
        self.most = most
        self._times: deque[float] = deque()

    def allows(self, now: float, lag: float) -> bool:
        """Whether one more message is no more than the window takes, shortened by what the reader is late."""
        window = max(PACING_WINDOW - lag, LEAST_WINDOW)
        self._times.append(now)
        while now - self._times[0] > PACING_WINDOW:
            self._times.popleft()
        return sum(now - then <= window for then in self._times) <= self.most


class HistoricalPacing:
    """Whether requests for bars come too fast."""

    def __init__(self) -> None:
        self._asked: deque[tuple[float, tuple[str, ...]]] = deque()

    def allows(self, now: float, what: tuple[str, ...]) -> bool:
        """Whether `what` may be asked; what is refused does not count."""
        while self._asked and now - self._asked[0][0] > HISTORICAL_WINDOW:
            self._asked.popleft()
        again = any(same == what and now - then <= SAME_WINDOW for then, same in self._asked)
        if again or len(self._asked) >= HISTORICAL_MOST:
            return False
        self._asked.append((now, what))
        return True
