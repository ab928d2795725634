"""The five pages as data: their furniture, and panels in rows, each with its words and its content in the room it has.

`report_pages` makes of a document all that the template `report.typ` draws: places in points from the upper left,
charts as SVG, tables as written cells. Rows and panels are shares of what the furniture leaves; a page with banners
has lower rows, and its charts are drawn for that.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from vol_assets.gold.pdf import furniture, notes, tables, theme
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
from vol_assets.gold.pdf.tables import Content
from vol_assets.gold.words import Words

WIDTH, HEIGHT = 841.89, 595.28  # A4, lying
MARGIN, GAP = 20.0, 6.0
INSET, PANEL_HEAD, PANEL_FOOT = 8.0, 28.0, 5.0
TITLE_Y, FACTS_Y, BANNER_Y = 14.0, 39.0, 62.0
BANNER, READING, NOTE = 16.0, 14.0, 9.0  # pt a row takes
BANNER_MARK = 90.0  # pt that a banner's mark takes
FOOTER_Y = HEIGHT - 15.0

COLOURS = {
    "page": theme.PAGE,
    "ground": theme.GROUND,
    "edge": theme.EDGE,
    "grid": theme.GRID,
    "ink": theme.INK,
    "soft": theme.SOFT,
    "muted": theme.MUTED,
    "gold": theme.GOLD,
    "good": theme.GREEN,
    "fair": theme.ORANGE,
    "rich": theme.RICH,
    "cheap": theme.CHEAP,
    "implied": theme.IMPLIED,
}

Draw = Callable[[dict[str, Any], Words, float, float], Content]
Values = dict[str, Any]


@dataclass(frozen=True)
class Panel:
    """Title by `key`, content drawn from the analysis; `subtitle`: key and values of the line under the title, where it
    depends on the analysis."""

    key: str
    draw: Draw
    subtitle: Callable[[dict[str, Any]], tuple[str, Values]] | None = None


@dataclass(frozen=True)
class Page:
    """Words by `key` and rows of panels: (share of the height, ((share of the width, panel), ...))."""

    key: str
    rows: tuple[tuple[float, tuple[tuple[float, Panel], ...]], ...]
    notes: Callable[[dict[str, Any], Words], list[str]]
    values: Values

    def reading(self, analysis: dict[str, Any]) -> str:
        """Key of the line that says how to read the page."""
        alone = self.key == "windows" and not analysis["blend"]
        return "windows.reading_alone" if alone else f"{self.key}.reading"


def report_pages(document: dict[str, Any], language: str) -> dict[str, Any]:
    """What the template draws of a document."""
    words, analysis = Words(language), document["analysis"]
    session = dt.date.fromisoformat(analysis["session"])
    pages = _pages()
    return {
        "title": words("report.title"),
        "author": "vol_assets",
        "date": {"year": session.year, "month": session.month, "day": session.day},
        "language": language,
        "family": theme.FAMILY,
        "bold_family": theme.BOLD_FAMILY,
        "width": WIDTH,
        "height": HEIGHT,
        "colours": COLOURS,
        "pages": [_page(page, f"{i} / {len(pages)}", document, words) for i, page in enumerate(pages, start=1)],
    }


# ---------------------------------------------------------------------- which panels, where


def _pages() -> tuple[Page, ...]:
    volatility = (
        (
            0.5,
            (
                (0.36, Panel("term_structure", term_structure)),
                (0.36, Panel("cone", cone)),
                (0.28, Panel("signals", signals)),
            ),
        ),
        (
            0.5,
            (
                (0.31, Panel("forward_vols", forward_vols)),
                (0.34, Panel("skew", skew)),
                (0.35, Panel("ranks", ranks)),
            ),
        ),
    )
    surface = (
        (0.55, ((0.6, Panel("smiles", smiles)), (0.4, Panel("density", density)))),
        (
            0.45,
            (
                (0.46, Panel("heat_map", heat_map)),
                (0.3, Panel("dollar_gamma", dollar_gamma)),
                (0.24, Panel("vega", vega_by_tenor)),
            ),
        ),
    )
    markets = (
        (0.34, ((0.33, Panel("terms", tables.terms)), (0.27, _FORWARDS), (0.40, Panel("cones", cones)))),
        (0.345, ((0.66, Panel("summary", tables.summary)), (0.34, _JUMPS))),
        (
            0.315,
            (
                (0.385, Panel("quality", tables.quality)),
                (0.35, Panel("lineage", tables.lineage)),
                (0.265, Panel("notices", tables.notices)),
            ),
        ),
    )
    return (
        Page("volatility", volatility, notes.volatility, {}),
        Page("surface", surface, notes.surface, {}),
        Page("markets", markets, notes.markets, {}),
        _windows_page("gld", "GLD"),
        _windows_page("xau", "XAU/USD"),
    )


def _windows_page(which: str, name: str) -> Page:
    """The page of an instrument's price windows."""
    rows = (
        (
            0.54,
            ((0.62, _of_instrument(which, "fan", fan)), (0.38, _of_instrument(which, "price_density", price_density))),
        ),
        (
            0.46,
            (
                (0.62, _of_instrument(which, "price_table", tables.price_table)),
                (0.38, _of_instrument(which, "posterior", posterior)),
            ),
        ),
    )
    return Page("windows", rows, notes.windows, {"name": name})


def _of_instrument(which: str, key: str, draw: Draw) -> Panel:
    """A panel that is drawn from an instrument instead of the whole analysis."""

    def drawn(analysis: dict[str, Any], words: Words, width: float, height: float) -> Content:
        instrument = analysis[which]
        if instrument is None:
            return missing(words("window.no_metal"), width, height)
        return draw(instrument, words, width, height)

    return Panel(key, drawn, _SUBTITLES.get(key))


def _blend_subtitle(analysis: dict[str, Any]) -> tuple[str, Values]:
    blend = analysis["blend"]
    if not blend:
        return "posterior.subtitle_alone", {}
    weight = blend["implied_weight"]
    return "posterior.subtitle", {"weight": weight, "scale": blend["implied_scale"], "other": 1.0 - weight}


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


_SUBTITLES = {"posterior": _blend_subtitle, "price_density": _density_subtitle}
_FORWARDS = Panel("forwards", forwards, _forwards_subtitle)
_JUMPS = Panel("jumps", jumps, _jumps_subtitle)


# ---------------------------------------------------------------------- where everything stands


def _page(page: Page, number: str, document: dict[str, Any], words: Words) -> dict[str, Any]:
    analysis = document["analysis"]
    banners = furniture.banners(analysis, words, WIDTH - 2 * MARGIN - BANNER_MARK)
    below = page.notes(analysis, words)
    reading_y = BANNER_Y + BANNER * len(banners)
    notes_y = FOOTER_Y - 2.0 - NOTE * len(below)
    top, bottom = reading_y + READING, notes_y - 5.0
    return {
        "title": words(f"{page.key}.title", **page.values),
        "question": words(f"{page.key}.question", **page.values),
        "left": MARGIN,
        "width": WIDTH - 2 * MARGIN,
        "title_y": TITLE_Y,
        "facts_y": FACTS_Y,
        "facts": furniture.facts(analysis, words, MARGIN, WIDTH - MARGIN),
        "banners": [{**banner, "y": BANNER_Y + BANNER * i} for i, banner in enumerate(banners)],
        "reading_y": reading_y,
        "reading": {"label": words("report.reading"), "text": words(page.reading(analysis), **page.values)},
        "panels": _panels(page, analysis, words, top, bottom),
        "notes_y": notes_y,
        "note_step": NOTE,
        "notes": below,
        "footer_y": FOOTER_Y,
        "footer": words("report.footer", version=document["meta"]["pipeline_version"]),
        "number": number,
    }


def _panels(page: Page, analysis: dict[str, Any], words: Words, top: float, bottom: float) -> list[dict[str, Any]]:
    placed = []
    tall = bottom - top - GAP * (len(page.rows) - 1)
    y = top
    for share, row in page.rows:
        height = share * tall
        wide = WIDTH - 2 * MARGIN - GAP * (len(row) - 1)
        x = MARGIN
        for part, panel in row:
            placed.append(_panel(panel, page, analysis, words, (x, y, part * wide, height)))
            x += part * wide + GAP
        y += height + GAP
    return placed


def _panel(
    panel: Panel, page: Page, analysis: dict[str, Any], words: Words, place: tuple[float, float, float, float]
) -> dict[str, Any]:
    x, y, width, height = (round(value, 2) for value in place)
    inner_width, inner_height = round(width - 2 * INSET, 2), round(height - PANEL_HEAD - PANEL_FOOT, 2)
    key, values = panel.subtitle(analysis) if panel.subtitle else (f"{panel.key}.subtitle", {})
    content = panel.draw(analysis, words, inner_width, inner_height)
    return {
        "x": x,
        "y": y,
        "width": width,
        "height": height,
        "inset": INSET,
        "head": PANEL_HEAD,
        "inner_width": inner_width,
        "inner_height": inner_height,
        "title": words(f"{panel.key}.title", **page.values),
        "subtitle": words(key, **page.values, **values),
        **({"kind": "svg", "svg": content} if isinstance(content, str) else content),
    }
