"""The five pages as data: their furniture, and panels in rows, each with its words and its content in the room it has.

`report_pages` makes of a document all that the template `report.typ` draws: places in points from the upper left,
charts as SVG, tables as written cells. Rows and panels are shares of what the furniture leaves; a page with banners
has lower rows, and its charts are drawn for that.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from vol_assets.gold.pdf import furniture, theme
from vol_assets.gold.pdf.contents import PAGES, Page, Part
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


def report_pages(document: dict[str, Any], language: str) -> dict[str, Any]:
    """What the template draws of a document."""
    words, analysis = Words(language), document["analysis"]
    session = dt.date.fromisoformat(analysis["session"])
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
        "pages": [_page(page, f"{i} / {len(PAGES)}", document, words) for i, page in enumerate(PAGES, start=1)],
    }


def _page(page: Page, number: str, document: dict[str, Any], words: Words) -> dict[str, Any]:
    analysis = document["analysis"]
    banners = furniture.banners(analysis, words, WIDTH - 2 * MARGIN - BANNER_MARK)
    below = page.notes(analysis, words)
    reading_y = BANNER_Y + BANNER * len(banners)
    notes_y = FOOTER_Y - 2.0 - NOTE * len(below)
    readings = [{"label": words("report.reading"), "text": words(page.reading(analysis), **page.values)}]
    if page.answer and (answer := page.answer(analysis, words)):
        readings.insert(0, {"label": words("report.answer"), "text": answer})
    top, bottom = reading_y + READING * len(readings), notes_y - 5.0
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
        "reading_step": READING,
        "readings": readings,
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
        for portion, part in row:
            placed.append(_panel(part, page, analysis, words, (x, y, portion * wide, height)))
            x += portion * wide + GAP
        y += height + GAP
    return placed


def _panel(
    part: Part, page: Page, analysis: dict[str, Any], words: Words, place: tuple[float, float, float, float]
) -> dict[str, Any]:
    x, y, width, height = (round(value, 2) for value in place)
    inner_width, inner_height = round(width - 2 * INSET, 2), round(height - PANEL_HEAD - PANEL_FOOT, 2)
    key, values = part.subtitle(analysis) if part.subtitle else (f"{part.key}.subtitle", {})
    content = part.draw(analysis, words, inner_width, inner_height)
    return {
        "x": x,
        "y": y,
        "width": width,
        "height": height,
        "inset": INSET,
        "head": PANEL_HEAD,
        "inner_width": inner_width,
        "inner_height": inner_height,
        "title": words(f"{part.key}.title", **page.values),
        "subtitle": words(key, **page.values, **values),
        **({"kind": "svg", "svg": content} if isinstance(content, str) else content),
    }
