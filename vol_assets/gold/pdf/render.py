"""A gold report's document to its pages as PDF, and one of those as a picture.

Typst sets the pages from `report.typ` and the JSON that `pages.report_pages` makes. The same document and language
give the same bytes on any machine: no clock, no system font, no file path goes into them. A picture is drawn of the PDF
by pdfium, as a reader would: Typst's own PNG cuts letters of charts that lie across its tiles.
"""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

from vol_assets.gold.pdf.pages import report_pages
from vol_assets.gold.pdf.text import FONTS

TEMPLATE = Path(__file__).with_name("report.typ")
POINTS_AN_INCH = 72


def render_pdf(document: dict[str, Any], language: str) -> bytes:
    """The five pages, A4 lying."""
    import typst

    return typst.compile(
        TEMPLATE,
        format="pdf",
        font_paths=[FONTS],
        ignore_system_fonts=True,
        sys_inputs={"report": json.dumps(report_pages(document, language), ensure_ascii=False)},
    )


def page_png(pdf: bytes, page: int, ppi: int) -> bytes:
    """One page of a PDF, counted from 1, as a PNG of so many pixels an inch."""
    import pypdfium2

    with pypdfium2.PdfDocument(pdf) as pages:
        picture = io.BytesIO()
        pages[page - 1].render(scale=ppi / POINTS_AN_INCH).to_pil().save(picture, "PNG")
    return picture.getvalue()
