"""Names at the right ends of lines, in the lines' order and clear of one another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from vol_assets.gold.pdf import text, theme


class End(NamedTuple):
    """A name for the end of a line; `y` and `x` (of the line's last point) in pt."""

    y: float
    words: str
    colour: str
    bold: bool
    importance: float
    x: float

    @property
    def size(self) -> float:
        """Of its type, pt."""
        return theme.BODY if self.bold else theme.SMALL

    @property
    def half(self) -> float:
        """Half the height it needs, pt."""
        return 0.5 * self.size * (1 + text.LEADING * self.words.count("\n")) + 0.8


def settled(ends: list[End], low: float, high: float) -> tuple[list[tuple[End, float]], list[End]]:
    """Names with their heights within low ... high, and those there is no room for, the least important."""
    kept, left_out = sorted(ends, key=lambda end: -end.importance), []
    while kept and sum(end.half for end in kept) * 2 > high - low:
        left_out.append(kept.pop())
    kept.sort(key=lambda end: end.y)
    return list(zip(kept, apart([end.y for end in kept], [end.half for end in kept], low, high))), left_out


def apart(middles: Sequence[float], halves: Sequence[float], low: float, high: float) -> list[float]:
    """Ascending middles of things of these half heights, moved no more than keeps them apart and in low ... high.

    Those that would touch move as one group, to the mean of where its members would have it.
    """
    groups: list[_Group] = []
    for middle, half in zip(middles, halves):
        groups.append(_Group(middle - half, 1, 2 * half))
        while len(groups) > 1 and groups[-2].start(low, high) + groups[-2].height > groups[-1].start(low, high):
            later, earlier = groups.pop(), groups.pop()
            wish = earlier.wish + later.wish - later.count * earlier.height
            groups.append(_Group(wish, earlier.count + later.count, earlier.height + later.height))
    placed: list[float] = []
    rest = iter(halves)
    for group in groups:
        edge = group.start(low, high)
        for half in (next(rest) for _ in range(group.count)):
            placed.append(edge + half)
            edge += 2 * half
    return placed


class _Group(NamedTuple):
    """Things that touch: the sum of the starts that its members wish for it, their number, their height together."""

    wish: float
    count: int
    height: float

    def start(self, low: float, high: float) -> float:
        return max(min(self.wish / self.count, high - self.height), low)
