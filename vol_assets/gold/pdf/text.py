"""Text measured with the shipped fonts, so that what is placed by its width is where it seems to be."""

from __future__ import annotations

from functools import cache
from pathlib import Path

FONTS = Path(__file__).with_name("fonts")
FILES = {False: "IBMPlexSansCondensed-Regular.ttf", True: "IBMPlexSansCondensed-SemiBold.ttf"}
CAP_HEIGHT = 0.698  # of the size; from the fonts' OS/2 tables
ASCENT = 0.78  # of the size: what letters of Latin text reach above the baseline; below it they reach the rest
LEADING = 1.25  # from line to line, of the size


def advance(text: str, size: float, bold: bool = False) -> float:
    """Width of a line of text, pt, without kerning; a character that the font lacks counts as its empty box."""
    widths, unknown = _widths(bold)
    return sum(widths.get(ord(character), unknown) for character in text) * size


def wrap(text: str, size: float, width: float) -> list[str]:
    """Lines no wider than `width`, broken at ordinary spaces only; a word wider than that has a line of its own."""
    lines: list[str] = []
    for word in text.split(" "):
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and advance(longer, size) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def escape(text: str) -> str:
    """Text as SVG holds it."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


@cache
def _widths(bold: bool) -> tuple[dict[int, float], float]:
    """Advance widths in ems by code point, and that of a missing glyph."""
    from fontTools.ttLib import TTFont

    with TTFont(FONTS / FILES[bold], lazy=True) as font:
        em, metrics = font["head"].unitsPerEm, font["hmtx"].metrics
        widths = {code: metrics[name][0] / em for code, name in font.getBestCmap().items()}
        return widths, metrics[".notdef"][0] / em
