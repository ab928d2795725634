"""Notices: which part of the report each concerns, and whether the report is less for it; words are in `words`."""

from __future__ import annotations

from typing import Any

from vol_assets.gold.report import Notice
from vol_assets.gold.words import Words

# Code -> (part, degrades).
NOTICES = {
    "few_expirations": ("surface", True),
    "crossed_surface": ("surface", True),
    "thin_expirations": ("moments", False),
    "thin_surface": ("surface", True),
    "approximate_shapes": ("moments", False),
    "no_tenors": ("tenors", True),
    "stale_quotes": ("quotes", True),
    "spot_from_parity": ("spot", True),
    "spot_gap": ("spot", False),
    "spot_off": ("spot", True),
    "no_bars": ("realised", True),
    "old_bars": ("realised", True),
    "late_bars": ("realised", True),
    "short_history": ("realised", True),
    "trailing_forecast": ("posterior", True),
    "no_forecast": ("posterior", True),
    "no_gvz": ("gvz", True),
    "no_future": ("xau", True),
    "few_basis_sessions": ("xau", True),
    "future_missing_today": ("xau", False),
    "basis_off": ("xau", True),
    "basis_broken": ("xau", True),
    "old_future": ("xau", True),
    "no_basis": ("xau", True),
    "no_year_of_tenors": ("ranks", False),
    "calendar_levelled": ("posterior", False),
    "cornish_fisher_projected": ("cornish_fisher", False),
}


def notice(code: str, **values: Any) -> Notice:
    """The notice of a code, its English sentence made of the values (numbers and short texts)."""
    part, degrades = NOTICES[code]
    return Notice(code, part, degrades, Words("en")(f"notice.{code}", **values), values)
