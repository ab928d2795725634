"""The symbols of the market tables: which there are, which the forecast cannot do without, and what each is."""

REQUIRED_SYMBOLS = ("SPY", "VIX", "VIX3M", "TLT", "HYG", "GLD")
OPTIONAL_SYMBOLS = ("GC=F", "GVZ", "IRX", "VVIX", "VIX9D", "SKEW")
SYMBOLS = REQUIRED_SYMBOLS + OPTIONAL_SYMBOLS

# Traded funds: their open, high and low are used, so a range that cannot be is refused, not only flagged.
FUNDS = ("SPY", "TLT", "HYG", "GLD")

# Points. A close outside is flagged, and no feature is made of it. Seen at the close of Cboe's histories to March 2026:
# VVIX 59.74 (2008-04-23) ... 207.59 (2020-03-16), after a tick of 15.71 in its first days; VIX9D 7.10 (2017-07-21) ...
# 106.66 (2020-03-16); SKEW 101.23 (1991-03-19) ... 183.12 (2025-02-18).
PLAUSIBLE_LEVELS = {"VVIX": (50.0, 250.0), "VIX9D": (5.0, 200.0), "SKEW": (95.0, 210.0)}
