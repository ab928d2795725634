"""What stands above the panels of every page: the strip of facts, and banners where something must be known first."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np

from vol_assets.gold.pdf import text
from vol_assets.gold.pdf.tables.notices import said
from vol_assets.gold.words import TEXTS, Words
from vol_assets.gold.words.numbers import UNKNOWN

FACT_WIDTHS = (1.9, 1.1, 1.3, 1.15, 1.05, 1.05, 0.9)  # relative
BANNER_SIZE = 7.6  # pt


def facts(analysis: dict[str, Any], words: Words, left: float, right: float) -> list[dict[str, Any]]:
    """The cells of the strip under the title, between two abscissas: label, value and a word more."""
    found = analysis["quality"]
    quotes = dt.datetime.fromisoformat(analysis["quote_time"]).astimezone(dt.UTC)
    cells = [
        (words("fact.session"), words.long_date(analysis["session"]), words("fact.quotes", time=f"{quotes:%H:%M}")),
        (words("fact.spot", name="GLD"), *_spot(analysis["gld"], analysis["basis"], words)),
        (words("fact.spot", name="XAU/USD"), *_spot(analysis["xau"], analysis["basis"], words)),
        (words("fact.rate"), words.percent(analysis["rate"], 2), _rate_source(analysis["rate_source"], words)),
        (words("fact.gvz"), *_gvz(analysis["gvz"], words)),
        (words("fact.quality"), str(found["score"]), words("fact.of_100", label=words(f"quality.{found['label']}"))),
        (words("fact.source"), words(f"source.{analysis['source']}"), ""),
    ]
    room = (right - left) / sum(FACT_WIDTHS)
    starts = left + room * np.cumsum([0.0, *FACT_WIDTHS[:-1]])
    return [
        {"x": round(float(x), 2), "width": round(share * room - 6.0, 2), "label": label, "value": value, "more": more}
        for x, share, (label, value, more) in zip(starts, FACT_WIDTHS, cells)
    ]


def _spot(instrument: dict[str, Any] | None, basis: dict[str, Any] | None, words: Words) -> tuple[str, str]:
    if not instrument:
        return UNKNOWN, words("fact.no_xau")
    spot = instrument["spot"]
    return words.dollars(spot["price"]), words(f"spot.{spot['source']}", ratio=basis["ratio"] if basis else None)


def _rate_source(source: str, words: Words) -> str:
    """In words where there are some, else as the table has it."""
    return words(f"rate.{source}") if f"rate.{source}" in TEXTS else source


def _gvz(gvz: dict[str, Any] | None, words: Words) -> tuple[str, str]:
    if not gvz:
        return UNKNOWN, words("fact.no_gvz")
    change = gvz["change"]
    return words.number(100.0 * gvz["level"], 2), words.signed(None if change is None else 100.0 * change, 2)


def banners(analysis: dict[str, Any], words: Words, width: float) -> list[dict[str, str]]:
    """A line each for a simulated market and a degraded report, as wide as a line may be."""
    lines = []
    if analysis["source"] == "sample":
        said = words("banner.simulated_text")
        lines.append({"mark": words("banner.simulated"), "text": said, "tone": "fair"})
    if analysis["degraded"]:
        lines.append({"mark": words("banner.degraded"), "text": _reasons(analysis, words, width), "tone": "rich"})
    return lines


def _reasons(analysis: dict[str, Any], words: Words, width: float) -> str:
    """The notices that degrade the report, as many as a line holds."""
    reasons = [said(notice, words) for notice in analysis["notices"] if notice["degrades"]]
    for kept in range(len(reasons), 0, -1):
        left = len(reasons) - kept
        line = " ".join([*reasons[:kept], *([words("banner.more", count=left)] if left else [])])
        if text.advance(line, BANNER_SIZE) <= width:
            break
    return line
