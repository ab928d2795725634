"""The symbols of the market tables: which there are, which the forecast cannot do without, and what each is."""

REQUIRED_SYMBOLS = ("SPY", "VIX", "VIX3M", "TLT", "HYG", "GLD")
OPTIONAL_SYMBOLS = ("GC=F", "GVZ", "IRX")
SYMBOLS = REQUIRED_SYMBOLS + OPTIONAL_SYMBOLS

# Traded funds: their open, high and low are used, so a range that cannot be is refused, not only flagged.
FUNDS = ("SPY", "TLT", "HYG", "GLD")
