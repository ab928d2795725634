"""The one way a text gets onto a panel: the most important first, each at the first free place that suits it.

No text overlaps another or leaves the panel; what finds no place is left out. Among free places the one that covers
fewest drawn points is taken, then the one asked for first. A text that lies over drawings gets a plate of the ground's
colour, and the ground that it is read on is recorded with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

from vol_assets.gold.pdf import text, theme

Box = tuple[float, float, float, float]  # left, top, right, bottom

ANCHORS = {"start": 0.0, "middle": 0.5, "end": 1.0}  # share of a text's width to the left of its anchor
APART = 1.6  # pt between two texts side by side
LEAST_CONTRAST = 4.6
PLATE = 0.86  # opacity
PER_PLACE = 0.4  # how many covered points the next place on the list may save to be taken


class Spot(NamedTuple):
    """A place for a text: `x` of its anchor (start, middle, end), `y` of its middle; `tie`: the point it speaks of."""

    x: float
    y: float
    anchor: str = "start"
    tie: tuple[float, float] | None = None


class Request(NamedTuple):
    """A text, its lines and where it may be."""

    lines: tuple[str, ...]
    spots: tuple[Spot, ...]
    size: float
    colour: str
    bold: bool
    importance: float
    ground: str | None = None  # where it is known: a cell's


class TextBox(NamedTuple):
    """A line of text as it was drawn: left, top, width and size (its height, too), pt; colours of text and ground."""

    text: str
    x: float
    y: float
    width: float
    size: float
    colour: str
    ground: str
    bold: bool
    anchor: str


class Plate(NamedTuple):
    """Ground under a block of text."""

    x: float
    y: float
    width: float
    height: float
    opacity: float


class Fill(NamedTuple):
    """A filled polygon, x and y (n,) pt, and the box around it."""

    x: np.ndarray
    y: np.ndarray
    colour: str
    opacity: float
    bounds: tuple[float, float, float, float]


class Placed(NamedTuple):
    """What the placer decided."""

    boxes: list[TextBox]
    plates: list[Plate]
    ties: list[tuple[float, float, float, float, str]]
    left_out: list[str]


def place(
    requests: Iterable[Request], points: np.ndarray, fills: list[Fill], width: float, height: float, ground: str
) -> Placed:
    """Place texts on a panel of this size with drawn points (n, 2)."""
    placed = Placed([], [], [], [])
    taken: list[Box] = []
    for request in sorted(requests, key=lambda request: -request.importance):
        best = _best_spot(request, points, taken, width, height)
        if best is None:
            placed.left_out.append(" ".join(request.lines))
            continue
        spot, box, hits = best
        taken.append(box)
        under, opacity = _under(request, box, hits, fills, ground)
        if opacity:
            left, top, right, bottom = box
            placed.plates.append(Plate(left - 1.2, top - 0.4, right - left + 2.4, bottom - top + 0.8, opacity))
        if spot.tie is not None:
            end = min(max(spot.tie[0], box[0] - 1), box[2] + 1), min(max(spot.tie[1], box[1]), box[3])
            placed.ties.append((*spot.tie, *end, request.colour))
        placed.boxes.extend(_lines(request, spot, box, under))
    return placed


def _best_spot(
    request: Request, points: np.ndarray, taken: list[Box], width: float, height: float
) -> tuple[Spot, Box, int] | None:
    """The free spot that suits a text best, its box, and how many drawn points that covers."""
    wide = max(text.advance(line, request.size, request.bold) for line in request.lines)
    high = request.size * (1 + text.LEADING * (len(request.lines) - 1))
    others = np.array(taken).reshape(-1, 4)
    best, lowest = None, np.inf
    for number, spot in enumerate(request.spots):
        box = _box(spot, wide, high, request.size)
        if not _inside(box, width, height) or _overlap(box, others):
            continue
        hits = _hits(box, points) if request.ground is None else 0
        score = hits + PER_PLACE * number
        if score < lowest:
            best, lowest = (spot, box, hits), score
        if not hits:
            break
    return best


def _under(request: Request, box: Box, hits: int, fills: list[Fill], ground: str) -> tuple[str, float]:
    """The colour that a text is read on, and the opacity of the plate that it needs for that; 0: none."""
    under, opacity = request.ground or _ground(box, fills, ground), 0.0
    if hits:
        under, opacity = theme.over(ground, under, PLATE), PLATE
    if theme.contrast(request.colour, under) < LEAST_CONTRAST:
        under, opacity = ground, 1.0
    return under, opacity


def _lines(request: Request, spot: Spot, box: Box, under: str) -> Iterator[TextBox]:
    """The lines of a text, each anchored as the spot says."""
    for number, line in enumerate(request.lines):
        length = text.advance(line, request.size, request.bold)
        left, top = spot.x - length * ANCHORS[spot.anchor], box[1] + number * request.size * text.LEADING
        yield TextBox(line, left, top, length, request.size, request.colour, under, request.bold, spot.anchor)


def _box(spot: Spot, width: float, height: float, size: float) -> Box:
    """Around a block of text whose capitals have their middle at the spot."""
    left = spot.x - width * ANCHORS[spot.anchor]
    top = spot.y - 0.5 * height + (0.5 - text.ASCENT + 0.5 * text.CAP_HEIGHT) * size
    return left, top, left + width, top + height


def _inside(box: Box, width: float, height: float) -> bool:
    return box[0] >= -0.01 and box[1] >= -0.01 and box[2] <= width + 0.01 and box[3] <= height + 0.01


def _overlap(box: Box, taken: np.ndarray) -> bool:
    """Whether a box touches one of those taken (n, 4)."""
    left, top, right, bottom = box
    beside = (taken[:, 0] >= right + APART) | (taken[:, 2] <= left - APART)
    return not (beside | (taken[:, 1] >= bottom + 0.1) | (taken[:, 3] <= top - 0.1)).all()


def _hits(box: Box, points: np.ndarray) -> int:
    x, y = points[:, 0], points[:, 1]
    return int(np.count_nonzero((x > box[0] - 1) & (x < box[2] + 1) & (y > box[1]) & (y < box[3])))


def _ground(box: Box, fills: list[Fill], ground: str) -> str:
    """The colour under a text: of all fills that its corners, its middle or the middles of its sides lie in."""
    left, top, right, bottom = box
    x = np.array([left, 0.5 * (left + right), right] * 3)
    y = np.array([top, 0.5 * (top + bottom), bottom]).repeat(3)
    for fill in fills:
        if left > fill.bounds[2] or right < fill.bounds[0] or top > fill.bounds[3] or bottom < fill.bounds[1]:
            continue
        if _within(x, y, fill).any():
            ground = theme.over(fill.colour, ground, fill.opacity)
    return ground


def _within(x: np.ndarray, y: np.ndarray, fill: Fill) -> np.ndarray:
    """Which points lie in a polygon, by the parity of the edges that a ray to the right crosses."""
    here_x, here_y = fill.x[:, None], fill.y[:, None]
    next_x, next_y = np.roll(fill.x, -1)[:, None], np.roll(fill.y, -1)[:, None]
    spans = (here_y > y) != (next_y > y)
    rise = np.where(spans, next_y - here_y, 1.0)
    return (spans & (x < here_x + (y - here_y) / rise * (next_x - here_x))).sum(axis=0) % 2 == 1
