"""Everything the gold report says, in English and French: `Words("fr")("page1.title")`.

Texts are templates by key, (English, French). What a template names is given as it is in the document and written by
its format: `{share:percent.1}`, `{price:dollars.2}`, `{x:number.1}`, `{x:signed.2}`, `{day:date}`, `{day:long_date}`;
without a format it stands as it is, a fraction with its own decimals. Texts are typed with plain spaces and straight
apostrophes: spaces that must not break (before a percent sign, and in French before : ; ? ! and inside guillemets) and
curly apostrophes are put in here.

numbers: how numbers and dates are written. pages, charts, tables and notes: what stands where. notices and penalties:
what the data made of the report.
"""

from __future__ import annotations

import datetime as dt
import re
import string
from typing import Any

from vol_assets.gold.words.charts import CHARTS
from vol_assets.gold.words.notes import NOTES
from vol_assets.gold.words.notices import NOTICES
from vol_assets.gold.words.numbers import THIN, TYPOGRAPHY
from vol_assets.gold.words.pages import PAGES
from vol_assets.gold.words.penalties import PENALTIES
from vol_assets.gold.words.tables import TABLES
from vol_assets.settings import LANGUAGES

TEXTS: dict[str, tuple[str, str]] = {**PAGES, **CHARTS, **TABLES, **NOTES, **NOTICES, **PENALTIES}


class Words:
    """The report's texts, numbers and dates in one language."""

    def __init__(self, language: str) -> None:
        self.language = language
        self._typography = TYPOGRAPHY[language]
        self._formatter = _Formatter(self)

    def __call__(self, key: str, **values: Any) -> str:
        """The text of a key with its values; a KeyError where there is no such key, or a value is lacking."""
        return self._spaced(self._formatter.vformat(TEXTS[key][LANGUAGES.index(self.language)], (), values))

    def number(self, x: float | None, decimals: int = 0) -> str:
        """1,234.5; an en dash for None or NaN, here and below."""
        return self._typography.number(x, decimals)

    def signed(self, x: float | None, decimals: int = 0) -> str:
        """+1.2 or -1.2; 0 has no sign."""
        return self._typography.number(x, decimals, signed=True)

    def percent(self, x: float | None, decimals: int = 0) -> str:
        """A decimal in percent: .148 is 14.8 %."""
        return self._percent(x, decimals, signed=False)

    def signed_percent(self, x: float | None, decimals: int = 0) -> str:
        """A decimal in percent with its sign."""
        return self._percent(x, decimals, signed=True)

    def dollars(self, x: float | None, decimals: int = 2) -> str:
        """$1,234.50, or 1 234,50 $."""
        return self._typography.dollars(x, decimals)

    def price(self, x: float | None) -> str:
        """A price without its currency, to four digits or the dollar: 147.4 or 1,599."""
        return self._typography.number(x, 1 if x is None or abs(x) < 1000 else 0)

    def date(self, iso: str | dt.date | None) -> str:
        """15 Mar 2024, from an ISO date."""
        return self._typography.date(iso)

    def long_date(self, iso: str | dt.date | None) -> str:
        """15 March 2024, from an ISO date."""
        return self._typography.date(iso, short=False)

    def _percent(self, x: float | None, decimals: int, *, signed: bool) -> str:
        text = self._typography.number(None if x is None else 100.0 * x, decimals, signed=signed)
        return f"{text}{THIN}%" if text[-1].isdigit() else text

    def _spaced(self, text: str) -> str:
        before = "[%:;?!»]" if self.language == "fr" else "%"
        return re.sub(f" (?={before})", THIN, text).replace("« ", "«" + THIN).replace("'", "\u2019")


class _Formatter(string.Formatter):
    """Formats named after the methods of Words, with their decimals: {x:percent.1}."""

    def __init__(self, words: Words) -> None:
        self._words = words

    def format_field(self, value: Any, format_spec: str) -> str:
        name, _, decimals = format_spec.partition(".")
        if not name:
            return self._words.number(value, _decimals(value)) if isinstance(value, float) else str(value)
        return getattr(self._words, name)(value, *([int(decimals)] if decimals else []))


def _decimals(value: float) -> int:
    """The decimals that a number has, 6 at most."""
    return len(f"{value:.6f}".rstrip("0").partition(".")[2])
