"""SVG as it is written here: numbers of two decimals at most, strokes, polygons and marks."""

from __future__ import annotations

import numpy as np

from vol_assets.gold.pdf import placer, text, theme

SHAPES = {  # corners, in radii, y downwards
    "square": ((-0.89, -0.89), (0.89, -0.89), (0.89, 0.89), (-0.89, 0.89)),
    "diamond": ((0.0, -1.3), (1.3, 0.0), (0.0, 1.3), (-1.3, 0.0)),
    "triangle": ((0.0, -1.25), (1.2, 0.85), (-1.2, 0.85)),
}


def number(value: float) -> str:
    """A coordinate: two decimals at most, never -0."""
    written = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if written == "-0" else written


def path(x: np.ndarray, y: np.ndarray) -> str:
    """Straight strokes through two points or more."""
    first, *rest = (f"{number(across)} {number(up)}" for across, up in zip(x.tolist(), y.tolist()))
    return f"M{first}L{' '.join(rest)}"


def stroke(colour: str, width: float, dash: str = theme.SOLID, opacity: float = 1.0, cap: str = "round") -> str:
    """Attributes of a line."""
    dashes = f' stroke-dasharray="{dash}"' if dash else ""
    faint = f' stroke-opacity="{number(opacity)}"' if opacity < 1 else ""
    return f' stroke="{colour}" stroke-width="{number(width)}" stroke-linecap="{cap}"{dashes}{faint}'


def paint(colour: str, opacity: float) -> str:
    """Attributes of an area."""
    return f' fill="{colour}"' + (f' fill-opacity="{number(opacity)}"' if opacity < 1 else "")


def marker(
    shape: str, x: float, y: float, size: float, colour: str, *, hollow: bool = False, halo: bool = False
) -> str:
    """A mark of radius `size`: circle or one of SHAPES; hollow, or with a rim of the ground's colour."""
    if shape == "circle":
        r = number(size)
        outline = (
            f"M{number(x - size)} {number(y)}a{r} {r} 0 1 0 {number(2 * size)} 0a{r} {r} 0 1 0 {number(-2 * size)} 0Z"
        )
    else:
        corners = np.array(SHAPES[shape]) * size + (x, y)
        outline = path(corners[:, 0], corners[:, 1]) + "Z"
    looks = f'fill="{colour}"'
    if hollow:
        looks = f'fill="{theme.GROUND}" stroke="{colour}" stroke-width="1.1"'
    elif halo:
        looks += f' stroke="{theme.GROUND}" stroke-width="1"'
    return f'<path d="{outline}" {looks}/>'


def written(box: placer.TextBox) -> str:
    """A line of text; anchored as it was asked for, so that ends and middles hold whatever kerning does."""
    x = box.x + box.width * placer.ANCHORS[box.anchor]
    anchor = f' text-anchor="{box.anchor}"' if box.anchor != "start" else ""
    bold = f' font-family="{theme.BOLD_FAMILY}" font-weight="{theme.BOLD_WEIGHT}"' if box.bold else ""
    return (
        f'<text x="{number(x)}" y="{number(box.y + text.ASCENT * box.size)}" font-size="{number(box.size)}" '
        f'fill="{box.colour}"{bold}{anchor}>{text.escape(box.text)}</text>'
    )
