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

import numpy as np

from vol_assets.gold.pdf import tables, text, theme
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
from vol_assets.gold.words.numbers import UNKNOWN

WIDTH, HEIGHT = 841.89, 595.28  # A4, lying
MARGIN, GAP = 20.0, 6.0
INSET, PANEL_HEAD, PANEL_FOOT = 8.0, 28.0, 5.0
TITLE_Y, FACTS_Y, BANNER_Y = 14.0, 39.0, 62.0
BANNER, READING, NOTE = 16.0, 14.0, 9.0  # pt a row takes
BANNER_SIZE, BANNER_MARK = 7.6, 90.0  # pt of its text, and that its mark takes
FOOTER_Y = HEIGHT - 15.0
FACTS = (1.5, 1.15, 1.35, 1.2, 1.15, 1.1, 1.0)  # widths, relative

# Typst's names of the two fonts; in an SVG they are one family with two weights.
FAMILY, BOLD_FAMILY = "IBM Plex Sans", "IBM Plex Sans Cond SmBld"

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


def report_pages(document: dict[str, Any], language: str, only: int | None = None) -> dict[str, Any]:
    """What the template draws of a document; `only`: of one page, counted from 1."""
    words, analysis = Words(language), document["analysis"]
    session = dt.date.fromisoformat(analysis["session"])
    pages = _pages()
    chosen = range(1, len(pages) + 1) if only is None else (only,)
    return {
        "title": words("report.title"),
        "author": "vol_assets",
        "date": {"year": session.year, "month": session.month, "day": session.day},
        "language": language,
        "family": FAMILY,
        "bold_family": BOLD_FAMILY,
        "width": WIDTH,
        "height": HEIGHT,
        "colours": COLOURS,
        "pages": [_page(pages[number - 1], f"{number} / {len(pages)}", document, words) for number in chosen],
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
        Page("volatility", volatility, _volatility_notes, {}),
        Page("surface", surface, _surface_notes, {}),
        Page("markets", markets, _markets_notes, {}),
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
    return Page("windows", rows, _windows_notes, {"name": name})


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


# ---------------------------------------------------------------------- notes


def _volatility_notes(analysis: dict[str, Any], words: Words) -> list[str]:
    past = analysis["gld"]["realised"]
    cone_note = words("volatility.note.cone", first=past["first"]) if past else words("volatility.note.no_cone")
    return [words("volatility.note.implied"), cone_note, words("volatility.note.ranks")]


def _surface_notes(analysis: dict[str, Any], words: Words) -> list[str]:
    listed = analysis["surface"]["expirations"]
    notes = [words("surface.note.fit")]
    if listed:
        quotes = np.array([one["quotes"] for one in listed], dtype=float)
        within = float(np.average([one["within_spread"] for one in listed], weights=quotes))
        errors = [one["error_half_spreads"] for one in listed if one["error_half_spreads"] is not None]
        error = float(np.median(errors)) if errors else None
        notes.append(words("surface.note.error", within=within, error=error, count=len(listed)))
    return [*notes, words("surface.note.greeks")]


def _markets_notes(analysis: dict[str, Any], words: Words) -> list[str]:
    basis = analysis["basis"]
    values = {name: basis[name] for name in ("sessions", "expense")} if basis else {}
    return [
        words("markets.note.basis" if basis else "markets.note.no_basis", **values),
        words("markets.note.ratio"),
        words("markets.note.jumps"),
    ]


def _windows_notes(analysis: dict[str, Any], words: Words) -> list[str]:
    blend, horizons = analysis["blend"], analysis["gld"]["horizons"]
    projected = any(one["cornish_fisher"] and one["cornish_fisher"]["projected"] for one in horizons)
    levelled = any(one["calendar_adjusted"] for one in horizons)
    tails = words("windows.note.tails", adjusted=words("windows.note.adjusted") if levelled else "").rstrip()
    if not blend:
        return [words("windows.note.q"), words("windows.note.no_posterior"), tails]
    expansion = words("windows.note.cornish_fisher", projected=words("windows.note.projected") if projected else "")
    return [words("windows.note.laws"), _blend_note(blend, words), expansion.rstrip(), tails]


def _blend_note(blend: dict[str, Any], words: Words) -> str:
    source = words(f"windows.note.{blend['realised_source']}")
    if blend["source"] == "equal":
        return words("windows.note.equal", source=source)
    return words(
        "windows.note.precision",
        weight=blend["implied_weight"],
        scale=blend["implied_scale"],
        errors=blend["errors"],
        independent=blend["independent"],
        implied=blend["implied_error"],
        realised=blend["realised_error"],
        correlation=blend["correlation"],
        source=source,
    )


# ---------------------------------------------------------------------- furniture


def _page(page: Page, number: str, document: dict[str, Any], words: Words) -> dict[str, Any]:
    analysis = document["analysis"]
    banners = _banners(analysis, words)
    notes = page.notes(analysis, words)
    reading_y = BANNER_Y + BANNER * len(banners)
    notes_y = FOOTER_Y - 2.0 - NOTE * len(notes)
    top, bottom = reading_y + READING, notes_y - 5.0
    return {
        "title": words(f"{page.key}.title", **page.values),
        "question": words(f"{page.key}.question", **page.values),
        "left": MARGIN,
        "width": WIDTH - 2 * MARGIN,
        "title_y": TITLE_Y,
        "facts_y": FACTS_Y,
        "facts": _facts(analysis, words),
        "banners": [{**banner, "y": BANNER_Y + BANNER * i} for i, banner in enumerate(banners)],
        "reading_y": reading_y,
        "reading": {"label": words("report.reading"), "text": words(page.reading(analysis), **page.values)},
        "panels": _panels(page, analysis, words, top, bottom),
        "notes_y": notes_y,
        "note_step": NOTE,
        "notes": notes,
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


def _facts(analysis: dict[str, Any], words: Words) -> list[dict[str, Any]]:
    gvz, xau, found = analysis["gvz"], analysis["xau"], analysis["quality"]
    quotes = dt.datetime.fromisoformat(analysis["quote_time"]).astimezone(dt.UTC)
    cells = [
        (words("fact.session"), words.long_date(analysis["session"]), words("fact.quotes", time=f"{quotes:%H:%M}")),
        _spot_fact(analysis["gld"], analysis, words),
        _spot_fact(xau, analysis, words)
        if xau
        else (words("fact.spot", name="XAU/USD"), UNKNOWN, words("fact.no_xau")),
        (words("fact.rate"), words.percent(analysis["rate"], 2), _rate_source(analysis["rate_source"], words)),
        (words("fact.gvz"), *_gvz(gvz, words)),
        (words("fact.quality"), str(found["score"]), words("fact.of_100", label=words(f"quality.{found['label']}"))),
        (words("fact.source"), words(f"source.{analysis['source']}"), ""),
    ]
    room = (WIDTH - 2 * MARGIN) / sum(FACTS)
    left = MARGIN + room * np.cumsum([0.0, *FACTS[:-1]])
    return [
        {"x": round(float(x), 2), "width": round(share * room - 6.0, 2), "label": label, "value": value, "more": more}
        for x, share, (label, value, more) in zip(left, FACTS, cells)
    ]


def _spot_fact(instrument: dict[str, Any], analysis: dict[str, Any], words: Words) -> tuple[str, str, str]:
    spot, basis = instrument["spot"], analysis["basis"]
    more = words(f"spot.{spot['source']}", ratio=basis["ratio"] if basis else None)
    return words("fact.spot", name=instrument["name"]), words.dollars(spot["price"]), more


def _rate_source(source: str, words: Words) -> str:
    return words(f"rate.{source}") if source else ""


def _gvz(gvz: dict[str, Any] | None, words: Words) -> tuple[str, str]:
    if not gvz:
        return UNKNOWN, words("fact.no_gvz")
    change = gvz["change"]
    return words.number(100.0 * gvz["level"], 2), words.signed(None if change is None else 100.0 * change, 2)


def _banners(analysis: dict[str, Any], words: Words) -> list[dict[str, str]]:
    banners = []
    if analysis["source"] == "sample":
        said = words("banner.simulated_text")
        banners.append({"mark": words("banner.simulated"), "text": said, "tone": "fair"})
    if analysis["degraded"]:
        banners.append({"mark": words("banner.degraded"), "text": _reasons(analysis, words), "tone": "rich"})
    return banners


def _reasons(analysis: dict[str, Any], words: Words) -> str:
    """The notices that degrade the report, as many as a line holds."""
    reasons = [tables.said(notice, words) for notice in analysis["notices"] if notice["degrades"]]
    for kept in range(len(reasons), 0, -1):
        left = len(reasons) - kept
        line = " ".join([*reasons[:kept], *([words("banner.more", count=left)] if left else [])])
        if text.advance(line, BANNER_SIZE) <= WIDTH - 2 * MARGIN - BANNER_MARK or kept == 1:
            return line
    return words("banner.unexplained")
