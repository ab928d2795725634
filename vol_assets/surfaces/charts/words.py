"""How a surface's pictures name times, and how wide they are."""

from __future__ import annotations

import pandas as pd

from vol_assets import clock
from vol_assets.charts import style

WIDTH = 11.25  # inches: 900 pixels at the resolution of an asset's page
DAYS = 365.0  # in a year


def session_of(rows: pd.DataFrame) -> str:
    """The session, and the instant of its quotes where the rows have it: 5 Feb 2018, quotes of 16:15 New York."""
    session = style.day(rows["date"].iloc[0])
    if "quote_time" not in rows:
        return session
    quoted = pd.Timestamp(rows["quote_time"].iloc[0]).tz_convert(clock.NEW_YORK)
    return f"{session}, quotes of {quoted:%H:%M} New York"


def days(years: float) -> str:
    """A time to expiration: 1 day, 30 days; under a day and a half with a decimal, unless it is 1."""
    number = years * DAYS
    text = f"{number:.0f}" if number >= 1.5 or round(number, 1) == 1 else f"{number:.1f}"
    return f"{text} day" + ("" if text == "1" else "s")
