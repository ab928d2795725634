"""Analyses to draw, from all there can be to nothing, and a look at the panels that charts draw."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import documents
import pytest

from vol_assets.gold import report as r
from vol_assets.gold.pdf.panel import Panel

EMPTY_SURFACE = r.SurfaceReading((), (), (), (), (), (), (), None, None, ())


@pytest.fixture(scope="session")
def analysis() -> dict[str, Any]:
    """Everything is there."""
    return documents.document()["analysis"]


@pytest.fixture(scope="session")
def young_analysis() -> dict[str, Any]:
    """The first session of a lake with bars: nothing is known of earlier surfaces, and one forward vol is imaginary."""
    surface = documents.surface()
    broken = dataclasses.replace(surface.forward_vols[3], forward_vol=None)
    unranked = tuple(
        dataclasses.replace(rank, rank=None, percentile=None, lowest=None, highest=None, source=None, why_not="few")
        for rank in surface.ranks
    )
    surface = dataclasses.replace(
        surface,
        earlier=(),
        bands=(),
        ranks=unranked,
        forward_vols=(*surface.forward_vols[:3], broken, *surface.forward_vols[4:]),
    )
    return documents.document(surface=surface)["analysis"]


@pytest.fixture(scope="session")
def single_analysis() -> dict[str, Any]:
    """One expiration, one quote, one window."""
    surface = documents.surface((30,), (30,))
    smile = surface.smiles[0]
    surface = dataclasses.replace(surface, smiles=(dataclasses.replace(smile, quotes=smile.quotes[:1]),))
    gld = documents.instrument("GLD", (30,), (30,))
    gld = dataclasses.replace(gld, realised=dataclasses.replace(gld.realised, cone=gld.realised.cone[:1]))
    return documents.document(surface=surface, gld=gld, gvz=None)["analysis"]


@pytest.fixture(scope="session")
def empty_analysis() -> dict[str, Any]:
    """Whatever may be missing is."""
    gld = dataclasses.replace(
        documents.instrument("GLD"), realised=None, ratios=(), ratio_history=None, horizons=(), densities=()
    )
    return documents.document(surface=EMPTY_SURFACE, gld=gld, xau=None, gvz=None, blend=None, basis=None)["analysis"]


@dataclasses.dataclass(frozen=True)
class Drawn:
    """An SVG, and the panel it was made from."""

    svg: str
    panel: Panel


@pytest.fixture
def draw(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Drawn]:
    """Call a chart with its arguments and see its panel too."""
    panels: list[Panel] = []
    make = Panel.svg

    def svg(panel: Panel) -> str:
        panels.append(panel)
        return make(panel)

    monkeypatch.setattr(Panel, "svg", svg)

    def call(chart: Callable[..., str], *arguments: Any) -> Drawn:
        panels.clear()
        found = chart(*arguments)
        (panel,) = panels
        return Drawn(found, panel)

    return call
