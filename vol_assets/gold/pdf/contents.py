"""What stands on the five pages: panels in rows, as shares of a page's height and width, and the notes below them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from vol_assets.gold.pdf import notes
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
from vol_assets.gold.pdf.panel import missing
from vol_assets.gold.pdf.table import Content
from vol_assets.gold.pdf.tables.lineage import lineage
from vol_assets.gold.pdf.tables.notices import notices
from vol_assets.gold.pdf.tables.price_table import price_table
from vol_assets.gold.pdf.tables.quality import quality
from vol_assets.gold.pdf.tables.summary import summary
from vol_assets.gold.pdf.tables.terms import terms
from vol_assets.gold.words import Words

Draw = Callable[[dict[str, Any], Words, float, float], Content]
Values = dict[str, Any]


@dataclass(frozen=True)
class Part:
    """A panel of a page: title by `key`, content drawn from the analysis; `subtitle`: key and values of the line under
    the title, where it depends on the analysis."""

    key: str
    draw: Draw
    subtitle: Callable[[dict[str, Any]], tuple[str, Values]] | None = None


@dataclass(frozen=True)
class Page:
    """Words by `key` and rows of parts: (share of the height, ((share of the width, part), ...))."""

    key: str
    rows: tuple[tuple[float, tuple[tuple[float, Part], ...]], ...]
    notes: Callable[[dict[str, Any], Words], list[str]]
    values: Values
    answer: Callable[[dict[str, Any], Words], str] | None = None  # to the page's question, in a line

    def reading(self, analysis: dict[str, Any]) -> str:
        """Key of the line that says how to read the page."""
        alone = self.key == "windows" and not analysis["blend"]
        return "windows.reading_alone" if alone else f"{self.key}.reading"


def _windows_page(which: str, name: str) -> Page:
    """The page of an instrument's price windows; its panels are drawn from the instrument, not the whole analysis."""

    def of_instrument(draw: Draw) -> Draw:
        def drawn(analysis: dict[str, Any], words: Words, width: float, height: float) -> Content:
            instrument = analysis[which]
            if instrument is None:
                return missing(words("window.no_metal"), width, height)
            return draw(instrument, words, width, height)

        return drawn

    upper = (
        (0.62, Part("fan", of_instrument(fan))),
        (0.38, Part("price_density", of_instrument(price_density), _density_subtitle)),
    )
    lower = (
        (0.62, Part("price_table", of_instrument(price_table))),
        (0.38, Part("posterior", of_instrument(posterior), _posterior_subtitle)),
    )
    return Page("windows", ((0.54, upper), (0.46, lower)), notes.windows, {"name": name})


def _posterior_subtitle(analysis: dict[str, Any]) -> tuple[str, Values]:
    blend = analysis["blend"]
    if not blend:
        return "posterior.subtitle_alone", {}
    weight = blend["implied_weight"]
    return "posterior.subtitle", {"weight": weight, "scale": blend["implied_scale"], "other": 1.0 - weight}


def _gamma_subtitle(analysis: dict[str, Any]) -> tuple[str, Values]:
    greeks = analysis["surface"]["greeks"]
    return "dollar_gamma.subtitle", {"days": greeks["days"] if greeks else None}


def _density_subtitle(analysis: dict[str, Any]) -> tuple[str, Values]:
    return ("price_density.subtitle" if analysis["blend"] else "price_density.subtitle_alone"), {}


def _jumps_subtitle(analysis: dict[str, Any]) -> tuple[str, Values]:
    past = analysis["gld"]["realised"]
    if not past:
        return "jumps.subtitle_alone", {}
    return "jumps.subtitle", {"found": past["jumps_found"], "expected": past["jumps_expected"]}


def _forwards_subtitle(analysis: dict[str, Any]) -> tuple[str, Values]:
    basis = analysis["basis"]
    return ("forwards.subtitle", {"expense": basis["expense"]}) if basis else ("forwards.subtitle_alone", {})


_VOLATILITY = (
    (
        0.5,
        (
            (0.36, Part("term_structure", term_structure)),
            (0.36, Part("cone", cone)),
            (0.28, Part("signals", signals)),
        ),
    ),
    (
        0.5,
        (
            (0.31, Part("forward_vols", forward_vols)),
            (0.34, Part("skew", skew)),
            (0.35, Part("ranks", ranks)),
        ),
    ),
)
_SURFACE = (
    (0.55, ((0.6, Part("smiles", smiles)), (0.4, Part("density", density)))),
    (
        0.45,
        (
            (0.46, Part("heat_map", heat_map)),
            (0.3, Part("dollar_gamma", dollar_gamma, _gamma_subtitle)),
            (0.24, Part("vega", vega_by_tenor)),
        ),
    ),
)
_MARKETS = (
    (
        0.34,
        (
            (0.33, Part("terms", terms)),
            (0.27, Part("forwards", forwards, _forwards_subtitle)),
            (0.40, Part("cones", cones)),
        ),
    ),
    (0.345, ((0.66, Part("summary", summary)), (0.34, Part("jumps", jumps, _jumps_subtitle)))),
    (
        0.315,
        (
            (0.385, Part("quality", quality)),
            (0.35, Part("lineage", lineage)),
            (0.265, Part("notices", notices)),
        ),
    ),
)
PAGES = (
    Page("volatility", _VOLATILITY, notes.volatility, {}, notes.volatility_answer),
    Page("surface", _SURFACE, notes.surface, {}),
    Page("markets", _MARKETS, notes.markets, {}),
    _windows_page("gld", "GLD"),
    _windows_page("xau", "XAU/USD"),
)
