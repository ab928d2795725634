"""What is missing from the report or made another way, as sentences."""

from __future__ import annotations

from typing import Any

from vol_assets.gold.pdf import text
from vol_assets.gold.pdf.table import SIZE
from vol_assets.gold.words import Words

SENTENCE, BETWEEN = 9.2, 3.2  # pt from line to line and from notice to notice


def notices(analysis: dict[str, Any], words: Words, width: float, height: float) -> dict[str, Any]:
    """What is missing or made another way, as many as there is room for, what degrades the report first."""
    ordered = sorted(analysis["notices"], key=lambda notice: not notice["degrades"])
    items: list[dict[str, str]] = []
    used = 0.0
    for notice in ordered:
        sentence = said(notice, words)
        tall = SENTENCE * len(text.wrap(sentence, SIZE, width - 10.0)) + BETWEEN
        room = height - (0.0 if len(items) + 1 == len(ordered) else SENTENCE)
        if used + tall > room:
            break
        items.append({"text": sentence, "tone": "rich" if notice["degrades"] else "fair"})
        used += tall
    left = len(ordered) - len(items)
    if not ordered:
        items.append({"text": words("notices.none"), "tone": "good"})
    return {"kind": "list", "items": items, "more": words("notices.more", count=left) if left else "", "size": SIZE}


def said(notice: dict[str, Any], words: Words) -> str:
    """A notice as a sentence of the page's language."""
    sentence = words(f"notice.{notice['code']}", **notice["values"])
    return sentence[:1].upper() + sentence[1:] + "."
