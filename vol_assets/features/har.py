"""The HAR block: regressors of the log-HAR family of volatility models, in annualised decimals.

A row is complete or null, as in `l1`.

    log_var_w          log(252 / w * sum over w sessions of Garman-Klass + overnight variance)
    log_vix            log(VIX / 100)
    log_vix_term       log(VIX / VIX3M)
    negative_return_w  min(sum of the last w returns, 0): the leverage effect

Corsi (2009) for the horizons 1, 5, 22; Garman and Klass (1980) for the range estimator. Ranges see the day's
path and miss the night's gap, hence the overnight term: together they average close to the squared return
(1.009 of it on SPY 2016-26) with far less noise.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from vol_assets.contracts.features import HAR_FEATURES
from vol_assets.features.l1 import SESSIONS_A_YEAR, complete_or_null
from vol_assets.features.panel import panel
from vol_assets.features.windows import total

LOOKBACK_SESSIONS = 21  # sessions before a session that its row needs
# A session whose bar does not move has Garman-Klass variance 0 (or below): 1e-8 is a daily vol of 0.01 %.
VARIANCE_FLOOR = 1e-8


def har_features(bars: pd.DataFrame) -> pd.DataFrame:
    """Curated bars (date, symbol, close, log_return, overnight_variance, range_variance) -> the HAR block."""
    vix, vix3m = (panel(bars, "close", ("VIX", "VIX3M"))[symbol].to_numpy() / 100.0 for symbol in ("VIX", "VIX3M"))
    returns = panel(bars, "log_return", ("SPY",))
    spy = returns["SPY"].to_numpy()
    day = panel(bars, "range_variance", ("SPY",))["SPY"].to_numpy()
    night = panel(bars, "overnight_variance", ("SPY",))["SPY"].to_numpy()
    variance = np.maximum(day + night, VARIANCE_FLOOR)

    out = {f"log_var_{width}d": np.log(SESSIONS_A_YEAR / width * total(variance, width)) for width in (1, 5, 22)}
    out["log_vix"] = np.log(vix)
    out["log_vix_term"] = np.log(vix / vix3m)
    for width in (1, 5):
        out[f"negative_return_{width}d"] = np.minimum(total(spy, width), 0.0)
    return complete_or_null(pd.DataFrame(out, index=returns.index)[list(HAR_FEATURES)])
