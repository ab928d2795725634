"""What holds of every chart, whatever there is to show."""

from __future__ import annotations

import copy
import warnings
import xml.etree.ElementTree as ElementTree
from typing import Any

import pytest
from drawn import Drawn, draw, overlapping

from vol_assets.gold.pdf import theme
from vol_assets.gold.pdf.charts.comparison import cones, forwards
from vol_assets.gold.pdf.charts.cone import cone
from vol_assets.gold.pdf.charts.density import density
from vol_assets.gold.pdf.charts.fan import fan
from vol_assets.gold.pdf.charts.forward_vols import forward_vols
from vol_assets.gold.pdf.charts.greeks import dollar_gamma, vega_by_tenor
from vol_assets.gold.pdf.charts.heat_map import heat_map
from vol_assets.gold.pdf.charts.jumps import jumps
from vol_assets.gold.pdf.charts.posterior import posterior
from vol_assets.gold.pdf.charts.price_density import price_density
from vol_assets.gold.pdf.charts.ranks import ranks
from vol_assets.gold.pdf.charts.signals import signals
from vol_assets.gold.pdf.charts.skew import skew
from vol_assets.gold.pdf.charts.smiles import smiles
from vol_assets.gold.pdf.charts.term_structure import term_structure
from vol_assets.gold.words import LANGUAGES, Words

CHARTS = {  # size in pt, as on the pages, and the key of the sentence where there is nothing to draw
    term_structure: ((268.0, 191.0), "chart.term.missing"),
    cone: ((268.0, 191.0), "chart.cone.missing"),
    signals: ((205.0, 191.0), "chart.signals.missing"),
    forward_vols: ((229.0, 191.0), "chart.forward.missing"),
    skew: ((253.0, 191.0), "chart.skew.missing"),
    ranks: ((260.0, 191.0), "chart.ranks.missing"),
    smiles: ((461.0, 214.0), "chart.smiles.missing"),
    density: ((302.0, 214.0), "chart.density.missing"),
    heat_map: ((347.0, 169.0), "chart.heat.missing"),
    dollar_gamma: ((221.0, 169.0), "chart.gamma.missing"),
    vega_by_tenor: ((174.0, 169.0), "chart.vega.missing"),
    forwards: ((197.0, 110.0), "window.no_horizons"),
    cones: ((299.0, 110.0), "cones.no_history"),
    jumps: ((253.0, 110.0), "jumps.no_history"),
    fan: ((485.0, 205.0), "window.no_horizons"),
    price_density: ((285.0, 205.0), "window.no_densities"),
    posterior: ((285.0, 160.0), "window.no_horizons"),
}
OF_AN_INSTRUMENT = (fan, price_density, posterior)
ANALYSES = ("analysis", "young_analysis", "options_alone_analysis", "single_analysis", "empty_analysis")

chart_of = pytest.mark.parametrize("chart", CHARTS, ids=lambda chart: chart.__name__)
language_of = pytest.mark.parametrize("language", LANGUAGES)


def drawn(chart, analysis: dict[str, Any], language: str) -> Drawn:
    """A chart of its size on the pages; what warns fails."""
    source, (size, _) = analysis["gld"] if chart in OF_AN_INSTRUMENT else analysis, CHARTS[chart]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return draw(chart, source, Words(language), *size)


@pytest.mark.parametrize("of", ANALYSES)
@language_of
@chart_of
def test_every_text_is_legible_inside_and_clear_of_the_others(chart, language, of, request):
    found = drawn(chart, request.getfixturevalue(of), language)
    (width, height), _ = CHARTS[chart]
    root = ElementTree.fromstring(found.svg)
    assert (float(root.get("width")), float(root.get("height"))) == (width, height)
    assert "nan" not in found.svg
    assert found.texts
    for box in found.panel.texts:
        assert box.size >= 7.0
        assert -0.02 <= box.x <= box.x + box.width <= width + 0.02, box
        assert -0.02 <= box.y <= box.y + box.size <= height + 0.02, box
        assert theme.contrast(box.colour, box.ground) >= 4.5, box
    assert overlapping(found.panel.texts) == []


@pytest.mark.parametrize("of", ANALYSES[:2])
@language_of
@pytest.mark.parametrize("chart", [chart for chart in CHARTS if chart is not jumps], ids=lambda chart: chart.__name__)
def test_nothing_but_a_tick_is_left_out_for_want_of_room(chart, language, of, request):
    left_out = drawn(chart, request.getfixturevalue(of), language).panel.left_out
    assert [one for one in left_out if not one.isdecimal()] == []


@chart_of
def test_the_same_analysis_gives_the_same_bytes(chart, analysis):
    assert drawn(chart, analysis, "fr").svg == drawn(chart, copy.deepcopy(analysis), "fr").svg


@language_of
@chart_of
def test_what_is_missing_is_said_in_a_sentence(chart, language, empty_analysis):
    assert " ".join(drawn(chart, empty_analysis, language).texts) == Words(language)(CHARTS[chart][1])
