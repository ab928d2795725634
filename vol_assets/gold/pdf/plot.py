"""Two axes of a panel and what is drawn between them, in data units.

What lies outside the axes is cut off, what is unknown (None, NaN) left out. Lines, marks and bars also tell the panel
where they are, so that texts keep off them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from vol_assets.gold.pdf import placer, svg, text, theme
from vol_assets.gold.pdf.axis import Axis, numbers
from vol_assets.gold.pdf.ends import End, settled
from vol_assets.gold.pdf.placer import Fill, Spot

if TYPE_CHECKING:
    from vol_assets.gold.pdf.panel import Panel

TICKS, LABELS, ENDS, NOTES = 90.0, 85.0, 80.0, 20.0  # importance of texts; what a chart asks for is 50 unless told
RULE = 0.8  # width of a rule, pt
STEP = 3.0  # pt between the points that stand for a line when texts look for a free place
MOST_POINTS = 1000  # of one line
NEAR, FAR = 4.5, 14.0  # pt from a point to its text, without and with a tie
LABEL_ROW, HEAD_ROW, TICK_ROW = 11.0, 13.0, 12.0  # pt that the y axis' label, a head and the x axis' ticks take
X_LABEL_ROW = 9.0
AROUND = np.array([(0.0, 0.0), (1.0, 0.0), (-1.0, 0.0), (0.0, 1.0), (0.0, -1.0)])
OVERHANG = 5.0  # pt that names at the ends of lines may reach beyond the plot, up and down


class Plot:
    """Made by `Panel.plot`."""

    def __init__(
        self,
        panel: Panel,
        number: int,
        x: Axis,
        y: Axis,
        frame: tuple[float, float, float, float],
        top: float,
        left: float | None,
        right: float,
        room_for: tuple[str, ...],
        head: str,
        note: str,
    ) -> None:
        self._panel, self._x, self._y = panel, x, y
        self._ends: list[End] = []
        if left is None:
            left = max((text.advance(name, theme.SMALL) + 5.0 for name in y.names), default=2.0)
        ends = [text.advance(line, theme.BODY, True) for one in room_for for line in one.split("\n")]
        right = max([right, *(end + 9.5 for end in ends)])
        frame_left, frame_top, frame_width, frame_height = frame
        head_room = HEAD_ROW if head or note else 0.0
        label_room = LABEL_ROW if y.label else 4.0
        below = (TICK_ROW if any(x.names) else 3.0) + (X_LABEL_ROW if x.label else 0.0)
        self.left = frame_left + left
        self.right = max(frame_left + frame_width - right, self.left + 1.0)
        self.top = frame_top + top + head_room + label_room
        self.bottom = max(frame_top + frame_height - below, self.top + 1.0)
        n = svg.number
        self._group = f'<g clip-path="url(#c{number})">'
        self.clip = (
            f'<clipPath id="c{number}"><rect x="{n(self.left)}" y="{n(self.top)}" '
            f'width="{n(self.right - self.left)}" height="{n(self.bottom - self.top)}"/></clipPath>'
        )
        self._axes(frame_left, frame_left + frame_width)
        middle = frame_top + top + 5.0
        panel.write(frame_left, middle, head, theme.INK, size=theme.HEAD, bold=True)
        panel.write(self.right, middle, note, theme.MUTED, anchor="end", importance=NOTES)

    # ------------------------------------------------------------------ where

    def px(self, values: object) -> np.ndarray:
        """Data to points from the left of the panel; NaN where unknown."""
        return self.left + (self.right - self.left) * self._x.place(values)

    def py(self, values: object) -> np.ndarray:
        """Data to points from the top of the panel; NaN where unknown."""
        return self.bottom - (self.bottom - self.top) * self._y.place(values)

    # ------------------------------------------------------------------ what

    def line(
        self, x: object, y: object, colour: str, *, width: float = 1.4, dash: str = theme.SOLID, opacity: float = 1.0
    ) -> None:
        """A line, interrupted where a value is unknown; a lone point is a dot."""
        px, py = self.px(x), self.py(y)
        path = ""
        for start, end in _runs(np.isfinite(px) & np.isfinite(py)):
            self._occupy(px[start:end], py[start:end])
            if end - start > 1:
                path += svg.path(px[start:end], py[start:end])
            else:
                self._clipped(svg.marker("circle", px[start], py[start], max(1.3, 0.5 * width), colour))
        if path:
            self._clipped(f'<path d="{path}"{svg.stroke(colour, width, dash, opacity)} stroke-linejoin="round"/>')

    def steps(self, edges: object, y: object, colour: str, *, width: float = 1.4) -> None:
        """Levels (n,) between edges (n + 1,), joined by uprights; interrupted where a level is unknown."""
        self.line(np.repeat(numbers(edges), 2)[1:-1], np.repeat(numbers(y), 2), colour, width=width)

    def band(self, x: object, low: object, high: object, colour: str, *, opacity: float = 0.25) -> None:
        """An area between two lines; a lone point is a narrow upright bar."""
        px, below, above = self.px(x), self.py(low), self.py(high)
        for start, end in _runs(np.isfinite(px) & np.isfinite(below) & np.isfinite(above)):
            if end - start == 1:
                at = px[start]
                self._rectangle(at - 3.0, at + 3.0, above[start], below[start], colour, opacity)
                continue
            across = np.concatenate([px[start:end], px[start:end][::-1]])
            self._polygon(across, np.concatenate([above[start:end], below[start:end][::-1]]), colour, opacity)

    def bars(self, x: object, y: object, colours: Sequence[str], *, base: float, thick: float) -> None:
        """Upright bars from `base` to y around x; thick in units of x."""
        middle, (foot,) = numbers(x), self.py(base)
        sides = self.px(middle - 0.5 * thick), self.px(middle + 0.5 * thick)
        for left, right, end, colour in zip(*sides, self.py(y), colours):
            if not np.isfinite([left, right, end]).all():
                continue
            left, right = np.clip([left, right], self.left, self.right)
            top, bottom = sorted(np.clip([foot, end], self.top, self.bottom))
            self._rectangle(left, right, top, bottom, colour, 1.0)
            columns, rows = np.arange(left, right + STEP, STEP), np.arange(top, bottom + STEP, STEP)
            grid = np.meshgrid(np.minimum(columns, right), np.minimum(rows, bottom))
            self._panel.occupy(np.column_stack([part.ravel() for part in grid]))

    def error_bars(
        self,
        x: object,
        low: object,
        high: object,
        colour: str,
        *,
        width: float = 1.0,
        cap: float = 0.0,
        opacity: float = 1.0,
    ) -> None:
        """Upright strokes from low to high, with cross-strokes of `cap` pt to both sides at their ends."""
        path, points, n = "", [], svg.number
        for across, start, end in zip(self.px(x), self.py(low), self.py(high)):
            if np.isfinite([across, start, end]).all():
                path += f"M{n(across)} {n(start)}V{n(end)}"
                if cap:
                    path += "".join(f"M{n(across - cap)} {n(at)}h{n(2 * cap)}" for at in (start, end))
                top, bottom = sorted(np.clip([start, end], self.top, self.bottom).tolist())
                points += [(across, at) for at in np.arange(top, bottom + STEP, STEP).tolist()]
        if path:
            self._panel.occupy(np.array(points))
            self._clipped(f'<path d="{path}"{svg.stroke(colour, width, opacity=opacity, cap="butt")}/>')

    def markers(
        self,
        x: object,
        y: object,
        colour: str,
        *,
        shape: str = "circle",
        size: float = 2.2,
        hollow: bool = False,
        halo: bool = False,
    ) -> None:
        """Marks of radius `size` pt on the points within the axes: circle, square, diamond or triangle."""
        for across, up in zip(self.px(x), self.py(y)):
            if self._holds(across, up):
                self._panel.shape(svg.marker(shape, across, up, size, colour, hollow=hollow, halo=halo))
                self._panel.occupy(np.array([across, up]) + size * AROUND)

    def rule_y(
        self,
        value: float | None,
        colour: str = theme.EDGE,
        *,
        label: str = "",
        dash: str = theme.SOLID,
        width: float = RULE,
        importance: float = 60.0,
    ) -> None:
        """A level line right across, its label over or under it, near its right end, its left one or its middle."""
        (at,) = self.py(value)
        if not self._holds(self.left, at):
            return
        self.line([self._x.low, self._x.high], [value, value], colour, width=width, dash=dash)
        places = [(self.right - 2, "end"), (self.left + 2, "start"), (0.5 * (self.left + self.right), "middle")]
        spots = [Spot(x, at + up, anchor) for x, anchor in places for up in (-5.5, 5.5)]
        self._panel.ask(label, spots, _readable(colour), size=theme.SMALL, importance=importance)

    def rule_x(
        self,
        value: float | None,
        colour: str = theme.EDGE,
        *,
        label: str = "",
        dash: str = theme.SOLID,
        importance: float = 60.0,
    ) -> None:
        """An upright line, its label beside it as high up as there is room."""
        (at,) = self.px(value)
        if not self._holds(at, self.top):
            return
        self.line([value, value], [self._y.low, self._y.high], colour, width=RULE, dash=dash)
        spots = [
            Spot(at + away, up, anchor)
            for up in np.arange(self.top + 4.5, self.bottom - 4, 9.0)
            for away, anchor in ((3.0, "start"), (-3.0, "end"))
        ]
        self._panel.ask(label, spots, _readable(colour), size=theme.SMALL, importance=importance)

    def stripe(self, start: float, end: float, colour: str, label: str) -> None:
        """The whole height from start to end of the x axis, marked; its label at the top or the bottom."""
        left, right = np.clip(self.px([start, end]), self.left, self.right)
        if not right > left:
            return
        self._rectangle(left, right, self.top, self.bottom, colour, 0.2)
        spots = [
            Spot(across, up, anchor)
            for up in (self.top + 5.0, self.bottom - 5.0)
            for across, anchor in ((0.5 * (left + right), "middle"), (right + 2.5, "start"), (left - 2.5, "end"))
        ]
        self._panel.ask(label, spots, _readable(colour), size=theme.SMALL, importance=60.0)

    def cell(self, x: tuple[float, float], y: tuple[float, float], colour: str, words: str) -> None:
        """A filled rectangle with a text in its middle, black or white."""
        (left, right), (one, other) = self.px(x).tolist(), self.py(y).tolist()
        self._rectangle(left, right, min(one, other), max(one, other), colour, 1.0, is_cell=True)
        spot = Spot(0.5 * (left + right), 0.5 * (one + other), "middle")
        self._panel.ask(words, (spot,), theme.on(colour), size=theme.SMALL, importance=LABELS, ground=colour)

    # ------------------------------------------------------------------ texts

    def label(
        self,
        x: float | None,
        y: float | None,
        words: str,
        colour: str = theme.INK,
        *,
        size: float = theme.BODY,
        bold: bool = False,
        importance: float = 50.0,
        prefer: str = "right",
        elsewhere: bool = True,
    ) -> None:
        """A text beside a point: right, left, above or below as preferred, else on another side, else farther and tied.

        elsewhere: whether it may be on another side at all, or is rather left out.
        """
        (across,), (up,) = self.px(x), self.py(y)
        if not self._holds(across, up):
            return
        tall = 0.5 * size * (1 + text.LEADING * words.count("\n")) + NEAR
        sides = {
            "right": [Spot(across + NEAR, up + aside) for aside in (0.0, -NEAR, NEAR)],
            "above": [Spot(across + aside, up - tall, "middle") for aside in (0.0, 8.0, -8.0)],
            "below": [Spot(across + aside, up + tall, "middle") for aside in (0.0, 8.0, -8.0)],
            "left": [Spot(across - NEAR, up + aside, "end") for aside in (0.0, -NEAR, NEAR)],
        }
        spots = sides[prefer]
        if elsewhere:
            spots = spots + [spot for side in sides if side != prefer for spot in sides[side]]
            spots += [
                Spot(across + aside, up + side * (tall + away - NEAR), anchor, (across, up))
                for away in (FAR, 1.8 * FAR)
                for aside, anchor in ((away, "start"), (-away, "end"), (0.0, "middle"))
                for side in (-1, 1)
            ]
        self._panel.ask(words, spots, _readable(colour), size=size, bold=bold, importance=importance)

    def end_label(
        self,
        y: float | None,
        words: str,
        colour: str,
        *,
        bold: bool = True,
        importance: float = ENDS,
        x: float | None = None,
    ) -> None:
        """The name of a line right of the plot at the height where it ends; neighbours are moved apart, never swapped.

        x: where the line ends, if before the right side.
        """
        (at,) = self.py(y)
        if np.isfinite(at):
            end = self.right if x is None else min(float(self.px(x)[0]), self.right)
            at = float(np.clip(at, self.top, self.bottom))
            self._ends.append(End(at, words, _readable(colour), bold, importance, end))

    def settle(self) -> list[str]:
        """Ask for the names at the ends of lines, now that all are known; those there is no room for are returned."""
        kept, left_out = settled(self._ends, self.top - OVERHANG, self.bottom + OVERHANG)
        self._ends = []
        for end, middle in kept:
            is_moved = abs(middle - end.y) > 6.0 or end.x < self.right - 8.0
            spot = Spot(self.right + 4.5, middle)
            if is_moved:
                spot = Spot(self.right + 9.0, middle, "start", (end.x + 2.5, end.y))
            self._panel.ask(end.words, (spot,), end.colour, size=end.size, bold=end.bold, importance=end.importance)
        return [end.words for end in left_out]

    # ------------------------------------------------------------------ how

    def _axes(self, low: float, high: float) -> None:
        panel, x, y, n = self._panel, self._x, self._y, svg.number
        across, up = self.px(x.ticks), self.py(y.ticks)
        lines = "".join(f"M{n(self.left)} {n(at)}H{n(self.right)}" for at in up if y.grid)
        lines += "".join(f"M{n(at)} {n(self.top)}V{n(self.bottom)}" for at in across if x.grid)
        if lines:
            panel.shape(f'<path d="{lines}" stroke="{theme.GRID}" stroke-width="0.6"/>')
        marks = "".join(f"M{n(at)} {n(self.bottom)}v2.2" for at in across) if any(x.names) else ""
        foot = f"M{n(self.left)} {n(self.bottom)}H{n(self.right)}"
        panel.shape(f'<path d="{foot}{marks}" stroke="{theme.EDGE}" stroke-width="0.8"/>')
        for at, name in zip(up, y.names):
            panel.write(self.left - 4.0, at, name, theme.MUTED, anchor="end", importance=TICKS)
        weights = x.importance or (0.0,) * len(x.names)
        for at, name, weight in zip(across, x.names, weights):
            half = 0.5 * text.advance(name, theme.SMALL)
            middle = min(max(at, half), panel.width - half)
            panel.write(middle, self.bottom + 7.5, name, theme.MUTED, anchor="middle", importance=TICKS + weight)
        panel.write(low, self.top - 7.0, y.label, theme.MUTED)
        half = 0.5 * text.advance(x.label, theme.SMALL)
        middle = min(max(0.5 * (self.left + self.right), low + half), high - half)
        panel.write(middle, self.bottom + 16.5, x.label, theme.MUTED, anchor="middle")

    def _polygon(self, x: np.ndarray, y: np.ndarray, colour: str, opacity: float) -> None:
        bounds = float(x.min()), float(y.min()), float(x.max()), float(y.max())
        self._panel.fill(Fill(x, y, colour, opacity, bounds))
        self._clipped(f'<path d="{svg.path(x, y)}Z"{svg.paint(colour, opacity)}/>')

    def _rectangle(
        self, left: float, right: float, top: float, bottom: float, colour: str, opacity: float, is_cell: bool = False
    ) -> None:
        """Filled; cells have gaps between them."""
        x, y = np.array([left, right, right, left]), np.array([top, top, bottom, bottom])
        self._panel.fill(Fill(x, y, colour, opacity, (left, top, right, bottom)))
        one, other, high, low = map(svg.number, (left, right, top, bottom))
        edge = f' stroke="{theme.GROUND}" stroke-width="0.9"' if is_cell else ""
        corners = f"M{one} {high}L{other} {high} {other} {low} {one} {low}Z"
        self._clipped(f'<path d="{corners}"{svg.paint(colour, opacity)}{edge}/>')

    def _occupy(self, x: np.ndarray, y: np.ndarray) -> None:
        """A point every STEP pt of a line; fewer where most of it is far outside the axes."""
        length = np.concatenate([[0.0], np.cumsum(np.hypot(np.diff(x), np.diff(y)))])
        along = np.arange(0.0, length[-1] + STEP, max(STEP, length[-1] / MOST_POINTS))
        self._panel.occupy(np.column_stack([np.interp(along, length, x), np.interp(along, length, y)]))

    def _clipped(self, element: str) -> None:
        self._panel.shape(f"{self._group}{element}</g>")

    def _holds(self, x: float, y: float) -> bool:
        """Whether a point, pt, lies within the axes; not where it is unknown."""
        return self.left - 0.1 <= x <= self.right + 0.1 and self.top - 0.1 <= y <= self.bottom + 0.1


def _readable(colour: str) -> str:
    """The colour of a text for something drawn in `colour`: the same, unless it is too dark to read."""
    return colour if theme.contrast(colour, theme.GROUND) >= placer.LEAST_CONTRAST else theme.MUTED


def _runs(known: np.ndarray) -> list[tuple[int, int]]:
    """Starts and ends of the stretches where all is known."""
    turns = np.flatnonzero(np.diff(np.concatenate([[False], known, [False]]).astype(int)))
    return list(zip(turns[::2].tolist(), turns[1::2].tolist()))
