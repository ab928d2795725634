"""Colours and sizes of the pages and their charts: one dark ground, one meaning a colour.

The series' colours are those of Okabe and Ito (2008), which colour-blind readers tell apart, lightened for a dark
ground; they differ in lightness too, and series differ in dash or marker besides. Every colour here that is used for
text has a contrast of at least 4.5 : 1 with the panel's ground (WCAG 2.1, AA).
"""

from __future__ import annotations

from functools import cache

PAGE = "#0b1118"  # ground of a page
GROUND = "#121b26"  # ground of a panel
EDGE = "#2a3949"  # frame of a panel, zero lines, axes
GRID = "#1f2c3a"

INK = "#e8eef4"  # text that is to be read first
SOFT = "#c3ced9"  # text
MUTED = "#94a5b5"  # axes, notes

BLUE = "#5cb8ef"
ORANGE = "#f0a63c"
GREEN = "#35c59a"
VERMILION = "#ff7d4d"
PURPLE = "#dc96c4"
YELLOW = "#f1e45b"
GREY = "#8597a8"
GOLD = "#d8b45a"  # the report's own accent: headings, never a series

IMPLIED = BLUE  # what options price, and Q
REALISED = ORANGE  # what happened
FORECAST = PURPLE  # what is expected to be realised
POSTERIOR = GREEN  # P
INDEX = YELLOW  # GVZ
METAL = GOLD  # XAU/USD beside GLD
RICH = VERMILION  # implied is dear
CHEAP = BLUE  # implied is cheap

# The shipped fonts by the names that Typst gives them: to it "Condensed" is a stretch, and the heavier one a family.
FAMILY, BOLD_FAMILY, BOLD_WEIGHT = "IBM Plex Sans", "IBM Plex Sans Cond SmBld", 600
SMALL = 7.0  # pt: ticks, notes; nothing is smaller
BODY = 7.6  # labels
HEAD = 8.6  # heads of small multiples

SOLID = ""
DASHED = "4 2.4"
DOTTED = "0.1 2.4"
DASH_DOT = "5 2.2 0.1 2.2"

# Low to high: lightness rises all the way, so that it also reads in grey and without red or green.
RAMP = ("#13315c", "#2d5483", "#4f7a96", "#7c9a94", "#b0b67c", "#e0cf5c", "#fdee7a")


def ramp(share: float) -> str:
    """The colour of a share in 0 ... 1 of the way from low to high."""
    place = min(max(share, 0.0), 1.0) * (len(RAMP) - 1)
    first = min(int(place), len(RAMP) - 2)
    return over(RAMP[first + 1], RAMP[first], place - first)


def over(colour: str, ground: str, opacity: float) -> str:
    """What a colour of this opacity looks like on an opaque ground."""
    return "#" + "".join(f"{round(b + opacity * (a - b)):02x}" for a, b in zip(_channels(colour), _channels(ground)))


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two colours, 1 ... 21 (WCAG 2.1)."""
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def on(ground: str) -> str:
    """White or black, whichever reads better on the ground; at least 4.58 : 1 on any."""
    return max(("#ffffff", "#000000"), key=lambda colour: contrast(colour, ground))


def _channels(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


@cache
def _luminance(colour: str) -> float:
    shares = (channel / 255 for channel in _channels(colour))
    linear = [share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
