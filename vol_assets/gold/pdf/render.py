"""A gold report's document to its pages: PDF, or one page as PNG; only the document and shipped files are read.

Typst sets the pages from `report.typ` and the JSON that `pages.report_pages` makes. The same document and language
give the same bytes on any machine: no clock, no system font, no file path goes into them.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from vol_assets.gold.pdf.pages import report_pages
from vol_assets.gold.pdf.text import FONTS

TEMPLATE = Path(__file__).with_name("report.typ")


def render_pdf(document: dict[str, Any], language: str = "en") -> bytes:
    """The five pages, A4 lying. A SettingError where the report is not written in that language."""
    return _compiled(report_pages(document, language), format="pdf")


def render_png(document: dict[str, Any], language: str = "en", page: int = 1, ppi: int = 110) -> bytes:
    """One page, counted from 1, at so many pixels an inch."""
    return _compiled(report_pages(document, language, only=page), format="png", ppi=ppi)


def _compiled(pages: dict[str, Any], **options: Any) -> bytes:
    import typst

    return typst.compile(
        TEMPLATE,
        font_paths=[FONTS],
        ignore_system_fonts=True,
        sys_inputs={"report": json.dumps(pages, ensure_ascii=False)},
        **options,
    )
