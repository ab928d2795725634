"""What three more indices say beside VIX, at the close of one session. A row is complete or null, as in `l1`.

    log_vvix        log(VVIX / 100): how far options expect VIX itself to move
    log_vix9d_term  log(VIX9D / VIX): above 0 the next nine days are dearer than the month
    log_skew        log(SKEW / 100): how dear far puts are; 0 for a lognormal share

The three are optional. A source that lacks one, or a session before the first of VIX9D (2011), has rows of nulls, and
that is no fault. A close further out than its symbol ever was makes the row null: it is flagged in curated/market, and
an optional symbol refuses nothing.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from vol_assets.contracts.features import IMPLIED_FEATURES, NINE_DAY_TERM_LIMIT
from vol_assets.contracts.symbols import PLAUSIBLE_LEVELS
from vol_assets.features.l1 import complete_or_null
from vol_assets.features.panel import panel

LOOKBACK_SESSIONS = 10  # a row needs none; they tell a symbol that stays away today from one the source does not have


def implied_features(bars: pd.DataFrame) -> pd.DataFrame:
    """Curated bars (date, symbol, close) -> log_vvix, log_vix9d_term, log_skew, a row a session of the bars' span."""
    close = panel(bars, "close", ("VIX", *PLAUSIBLE_LEVELS))
    for symbol, (low, high) in PLAUSIBLE_LEVELS.items():
        close[symbol] = close[symbol].where(close[symbol].between(low, high))
    with np.errstate(invalid="ignore", divide="ignore"):
        term = np.log(close["VIX9D"] / close["VIX"])
    out = {
        "log_vvix": np.log(close["VVIX"] / 100.0),
        "log_vix9d_term": term.where(term.abs() <= NINE_DAY_TERM_LIMIT),
        "log_skew": np.log(close["SKEW"] / 100.0),
    }
    return complete_or_null(pd.DataFrame(out)[list(IMPLIED_FEATURES)])
