"""A panel of the report: plots with axes in data units, drawn as SVG, every text of it placed by `placer`.

    panel = Panel(256, 215)
    top = panel.legend([Key(words("..."), theme.IMPLIED), ...])
    plot = panel.plot(axis.days(days, words.number), axis.linear(vols, words.number, shown=100), top=top)
    plot.line(days, vols, theme.IMPLIED)
    plot.end_label(vols[-1], words("..."), theme.IMPLIED)
    return panel.svg()

Points are of 1/72 inch, y downwards. The same data give the same bytes. The ground is transparent; texts are chosen for
`theme.GROUND` under them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from vol_assets.gold.pdf import placer, svg, text, theme
from vol_assets.gold.pdf.axis import Axis
from vol_assets.gold.pdf.placer import Fill, Request, Spot, TextBox
from vol_assets.gold.pdf.plot import LABELS, Plot

ROW = 10.0  # pt from row to row of a legend
SWATCH, DOT = 13.0, 5.0  # width of a legend's mark, pt: a line or a box, a point
LONGEST_LINE = 230.0  # pt, of a sentence


class Key(NamedTuple):
    """An entry of a legend; mark: line, band, bar, error, circle, square, diamond, triangle or line+<marker>."""

    text: str
    colour: str
    mark: str = "line"
    dash: str = theme.SOLID
    opacity: float = 0.3
    hollow: bool = False


class Panel:
    """A surface of width x height pt; `texts` and `left_out` are known once `svg` has been called."""

    def __init__(self, width: float, height: float) -> None:
        self.width, self.height = width, height
        self.texts: list[TextBox] = []
        self.left_out: list[str] = []
        self._shapes: list[str] = []
        self._requests: list[Request] = []
        self._points: list[np.ndarray] = []
        self._fills: list[Fill] = []
        self._plots: list[Plot] = []

    def plot(
        self,
        x: Axis,
        y: Axis,
        *,
        frame: tuple[float, float, float, float] | None = None,
        top: float = 0.0,
        left: float | None = None,
        right: float = 6.0,
        room_for: Iterable[str] = (),
        head: str = "",
        note: str = "",
    ) -> Plot:
        """Axes within a frame (left, top, width, height; the whole panel unless told), drawn at once.

        top: what a legend takes; left: room for the labels of the y axis, their own width unless told; room_for: labels
        that will stand at the right ends of lines; head and note: over the plot, on the left and on the right.
        """
        frame = frame or (0.0, 0.0, self.width, self.height)
        found = Plot(self, len(self._plots), x, y, frame, top, left, right, tuple(room_for), head, note)
        self._plots.append(found)
        return found

    def legend(self, keys: Sequence[Key], *, y: float = 0.0) -> float:
        """Entries from left to right in as many rows as they need, from y on down; the height they take."""
        across, row = 0.0, 0
        for key in keys:
            room = (SWATCH if key.mark.partition("+")[0] in ("line", "band", "bar") else DOT) + 3.5
            length = room + text.advance(key.text, theme.SMALL)
            if across > 0.0 and across + length > self.width:
                across, row = 0.0, row + 1
            middle = y + 5.0 + row * ROW
            self._swatch(key, across, middle)
            self.write(across + room, middle, key.text)
            across += length + 9.0
        return (row + 1) * ROW + 3.0

    def write(
        self,
        x: float,
        y: float,
        words: str,
        colour: str = theme.SOFT,
        *,
        anchor: str = "start",
        size: float = theme.SMALL,
        bold: bool = False,
        importance: float = LABELS,
    ) -> None:
        """A text at a place of the panel, pt; y is the middle of its capitals. Lines are parted by a line feed."""
        self.ask(words, (Spot(x, y, anchor),), colour, size=size, bold=bold, importance=importance)

    def ask(
        self,
        words: str,
        spots: Iterable[Spot],
        colour: str,
        *,
        size: float = theme.BODY,
        bold: bool = False,
        importance: float = 50.0,
        ground: str | None = None,
    ) -> None:
        """A text that may be at any of the spots, the first preferred; ground: where it is known, and free of lines."""
        if words:
            lines = tuple(words.split("\n"))
            self._requests.append(Request(lines, tuple(spots), size, colour, bold, importance, ground))

    def shape(self, element: str) -> None:
        """An SVG element drawn after those before it."""
        self._shapes.append(element)

    def occupy(self, points: np.ndarray) -> None:
        """Points (n, 2), pt, that texts keep off if they can."""
        self._points.append(points)

    def fill(self, fill: Fill) -> None:
        """An area that is no longer of the ground's colour."""
        self._fills.append(fill)

    def svg(self) -> str:
        """The panel as an SVG document of its size in pt; settles where the texts go."""
        for plot in self._plots:
            self.left_out += plot.settle()
        points = np.concatenate(self._points) if self._points else np.empty((0, 2))
        placed = placer.place(self._requests, points, self._fills, self.width, self.height, theme.GROUND)
        self.texts = placed.boxes
        self.left_out += placed.left_out
        n = svg.number
        ties = "".join(
            f'<path d="M{n(a)} {n(b)}L{n(c)} {n(d)}" stroke="{colour}" stroke-width="0.5" stroke-opacity="0.7"/>'
            for a, b, c, d, colour in placed.ties
        )
        plates = "".join(
            f'<rect x="{n(plate.x)}" y="{n(plate.y)}" width="{n(plate.width)}" height="{n(plate.height)}" rx="1.5" '
            f'fill="{theme.GROUND}" fill-opacity="{n(plate.opacity)}"/>'
            for plate in placed.plates
        )
        size = n(self.width), n(self.height)
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{size[0]}" height="{size[1]}" '
            f'viewBox="0 0 {size[0]} {size[1]}" fill="none" font-family="{theme.FAMILY}" font-stretch="condensed">'
            f"<defs>{''.join(plot.clip for plot in self._plots)}</defs>"
            f"{''.join(self._shapes)}{ties}{plates}{''.join(map(svg.written, placed.boxes))}</svg>"
        )

    def _swatch(self, key: Key, x: float, y: float) -> None:
        n, stroke = svg.number, svg.stroke(key.colour, 1.5, key.dash)
        mark, _, marker = key.mark.partition("+")
        if mark == "line":
            self.shape(f'<path d="M{n(x)} {n(y)}h{n(SWATCH)}"{stroke}/>')
        elif mark in ("band", "bar"):
            opacity = f' fill-opacity="{n(key.opacity)}"' if mark == "band" else ""
            self.shape(f'<rect x="{n(x)}" y="{n(y - 3)}" width="{n(SWATCH)}" height="6" fill="{key.colour}"{opacity}/>')
        elif mark == "error":
            self.shape(f'<path d="M{n(x + 0.5 * DOT)} {n(y - 3.8)}v7.6"{stroke}/>')
        else:
            marker = mark
        if marker:
            middle = x + 0.5 * (SWATCH if mark == "line" else DOT)
            self.shape(svg.marker(marker, middle, y, 2.3, key.colour, hollow=key.hollow))


def missing(message: str, width: float, height: float) -> str:
    """The panel of a part that is not there: a plain sentence in its middle."""
    panel = Panel(width, height)
    lines = text.wrap(message, theme.BODY, min(0.85 * width, LONGEST_LINE))
    for number, line in enumerate(lines):
        middle = 0.46 * height + (number - 0.5 * (len(lines) - 1)) * 1.4 * theme.BODY
        panel.write(0.5 * width, middle, line, theme.MUTED, anchor="middle", size=theme.BODY)
    return panel.svg()
