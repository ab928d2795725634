"""The tables that the report was made of."""

from __future__ import annotations

from typing import Any

from vol_assets.gold.pdf.panel import missing
from vol_assets.gold.pdf.table import SMALL, Column, Content, cell, table
from vol_assets.gold.words import Words


def lineage(analysis: dict[str, Any], words: Words, width: float, height: float) -> Content:
    """The tables that the report was made of."""
    if not analysis["sources"]:
        return missing(words("lineage.none"), width, height)
    rows = [
        [
            cell(source["table"]),
            words.number(source["sessions"]),
            words.number(source["rows"]),
            words.date(source["first"]),
            words.date(source["last"]),
            source["sha256"][:12],
        ]
        for source in analysis["sources"]
    ]
    heads = ("table", "sessions", "rows", "first", "last", "sha")
    columns = [Column(words(f"lineage.{head}"), head == "table") for head in heads]
    return table(columns, rows, width, height, size=SMALL)
