"""A look at the panels that charts draw."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import pytest

from vol_assets.gold.pdf.panel import Panel
from vol_assets.gold.pdf.placer import TextBox


class Drawn(NamedTuple):
    """An SVG, and the panel it was made from."""

    svg: str
    panel: Panel

    @property
    def texts(self) -> list[str]:
        return [box.text for box in self.panel.texts]


def draw(chart: Callable[..., str], *arguments: Any) -> Drawn:
    """Call a chart with its arguments and see its panel too."""
    panels: list[Panel] = []
    make = Panel.svg

    def svg(panel: Panel) -> str:
        panels.append(panel)
        return make(panel)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Panel, "svg", svg)
        found = chart(*arguments)
    (panel,) = panels
    return Drawn(found, panel)


def overlapping(texts: Sequence[TextBox]) -> list[tuple[str, str]]:
    """Pairs of texts whose boxes share more than a hair."""
    return [
        (one.text, other.text)
        for one, other in itertools.combinations(texts, 2)
        if min(one.x + one.width, other.x + other.width) - max(one.x, other.x) > 0.01
        and min(one.y + one.size, other.y + other.size) - max(one.y, other.y) > 0.01
    ]
