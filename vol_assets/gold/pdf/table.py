"""A table as data that the template draws: every number already written in the page's language.

It has the widths of its columns in points, their sides, heads, groups of columns above those, and rows of cells; a cell
is a text, or a text with a colour's name and a weight.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from vol_assets.gold.pdf import text

SIZE, SMALL = 7.4, 7.1  # pt of the cells
HEAD, HEAD_SIZE = 11.0, 7.0  # pt of a row of heads and of its text
CELL_PADDING = 5.0  # pt of a cell that its text does not use
HIGHEST_ROW = 14.0

Content = str | dict[str, Any]  # of a panel: an SVG, or what the template draws


class Column(NamedTuple):
    """Head of a column, and whether its cells stand on the left."""

    head: str
    left: bool = False


def table(
    columns: Sequence[Column],
    rows: Sequence[Sequence[Any]],
    width: float,
    height: float,
    groups: Sequence[tuple[str, int]] = (),
    size: float = SIZE,
) -> dict[str, Any]:
    """A table as wide as its room and no higher; groups: text and number of columns."""
    heads = 2 if groups else 1
    return {
        "kind": "table",
        "widths": _widths(columns, rows, groups, size, width),
        "sides": ["left" if column.left else "right" for column in columns],
        "heads": [column.head for column in columns],
        "groups": [{"text": name, "span": span} for name, span in groups],
        "rows": [list(row) for row in rows],
        "head_height": HEAD,
        "row_height": round(min(HIGHEST_ROW, (height - heads * HEAD) / max(len(rows), 1)), 3),
        "size": size,
    }


def _widths(
    columns: Sequence[Column],
    rows: Sequence[Sequence[Any]],
    groups: Sequence[tuple[str, int]],
    size: float,
    width: float,
) -> list[float]:
    """What each column needs, and the same share of what is left."""
    needs = []
    for number, column in enumerate(columns):
        cells = [row[number] for row in rows]
        written = [(one, False) if isinstance(one, str) else (one["text"], one["bold"]) for one in cells]
        widest = max((text.advance(words, size, bold) for words, bold in written), default=0.0)
        needs.append(max(widest, text.advance(column.head, HEAD_SIZE)) + CELL_PADDING)
    first = 0
    for name, span in groups:
        lacking = text.advance(name, HEAD_SIZE, bold=True) + CELL_PADDING - sum(needs[first : first + span])
        for number in range(first, first + span):
            needs[number] += max(lacking, 0.0) / span
        first += span
    spare = (width - sum(needs)) / len(needs)
    return [round(need + spare, 3) for need in needs]


def cell(words: str, colour: str = "ink", *, bold: bool = False) -> dict[str, Any]:
    """A cell that stands out."""
    return {"text": words, "colour": colour, "bold": bold}
