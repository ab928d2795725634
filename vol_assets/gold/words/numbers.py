"""Numbers and dates as a reader of English or French expects them.

French: 1 234,5 with a thin no-break space between thousands and a decimal comma, the currency after the number.
English: 1,234.5 and the currency before. Both set a thin no-break space before the percent sign and a true minus.
What is not known is an en dash.
"""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass

THIN = "\u202f"
MINUS = "\u2212"
UNKNOWN = "\u2013"

_ENGLISH_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_FRENCH_MONTHS = (
    *("janvier", "février", "mars", "avril", "mai", "juin"),
    *("juillet", "août", "septembre", "octobre", "novembre", "décembre"),
)
_FRENCH_SHORT = ("janv.", "févr.", "mars", "avr.", "mai", "juin", "juil.", "août", "sept.", "oct.", "nov.", "déc.")


@dataclass(frozen=True)
class Typography:
    """How one language writes numbers, money and dates."""

    decimal: str
    thousands: str
    money: str  # {} is the number
    months: tuple[str, ...]
    short_months: tuple[str, ...]
    first_of_month: str

    def number(self, x: float | None, decimals: int = 0, *, signed: bool = False) -> str:
        """x with that many decimals; `signed` writes a plus before what is above 0 as printed."""
        if x is None or math.isnan(x):
            return UNKNOWN
        digits = f"{abs(x):,.{decimals}f}"
        is_zero = not any(digit in digits for digit in "123456789")
        sign = "" if is_zero else MINUS if x < 0 else "+" if signed else ""
        whole, _, fraction = digits.partition(".")
        whole = whole.replace(",", self.thousands)
        return sign + whole + (self.decimal + fraction if fraction else "")

    def dollars(self, x: float | None, decimals: int = 2) -> str:
        """x US dollars."""
        text = self.number(x, decimals)
        return text if text == UNKNOWN else self.money.format(text)

    def date(self, iso: str | dt.date | None, *, short: bool = True) -> str:
        """15 Mar 2024 or, where not short, 15 March 2024; French in French."""
        if iso is None:
            return UNKNOWN
        day = dt.date.fromisoformat(iso) if isinstance(iso, str) else iso
        month = (self.short_months if short else self.months)[day.month - 1]
        return f"{self.first_of_month if day.day == 1 else day.day}\u00a0{month}\u00a0{day.year}"


TYPOGRAPHY = {
    "en": Typography(".", ",", "${}", _ENGLISH_MONTHS, tuple(name[:3] for name in _ENGLISH_MONTHS), "1"),
    "fr": Typography(",", THIN, "{}" + THIN + "$", _FRENCH_MONTHS, _FRENCH_SHORT, "1er"),
}
