"""XAU/USD from the front gold future and GLD: the ratio of the two, at one instant, made of many sessions.

The future settles at 13:30 New York and GLD closes at 16:00, so a day's own ratio holds what gold did in between (some
tenths of a percent). Every session s of the last WINDOW gives

    x_s = ln(future_s / GLD_s) + e (t - s),    e = .40 % a year,

what its ratio would be at t, since GLD loses its expenses against the metal; their median is the ratio. No carry is
taken out: in real closes of years with a rate to see (2006-08, 2016-19) the ratio does not move with rate times time to
the nearest contract's expiry. What is left of a session's own ratio is reported as residual.

The trust began with a tenth of an ounce a share in November 2004; what its stated expenses have left of it stands
beside, as a check that owes the future nothing.
"""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd

from vol_assets import clock
from vol_assets.gold.report import Basis

WINDOW = 63  # sessions
LEAST = 5  # with both closes: fewer tell no ratio from the noise of one afternoon
EXPENSE = 0.004  # a year
FIRST_DAY, FIRST_OUNCES = dt.date(2004, 11, 18), 0.1
MEDIAN_OVER_MEAN = np.sqrt(np.pi / 2.0)  # standard error of a median over that of a mean, normal errors
MAD_TO_STDEV = 1.4826


def gold_basis(gld: pd.Series, future: pd.Series, session: dt.date, gld_now: float) -> Basis | None:
    """The basis at a session; None where fewer than LEAST of the last WINDOW sessions have both closes.

    gld, future: closes by session (DatetimeIndex), USD; gld_now: GLD at the close of `session`.
    """
    pair = pd.concat([gld, future], axis=1, keys=["gld", "future"])
    pair = pair.loc[pd.Timestamp(clock.at_most_before(session, WINDOW - 1)) :]
    pair = pair[(pair > 0).all(axis=1)]
    if len(pair) < LEAST:
        return None
    now = pd.Timestamp(session)
    years_ago = ((now - pair.index).days / 365.25).to_numpy()
    ratios = np.log(pair["future"] / pair["gld"]).to_numpy() + EXPENSE * years_ago
    middle = float(np.median(ratios))
    scatter = MAD_TO_STDEV * float(np.median(np.abs(ratios - middle)))
    stated = FIRST_OUNCES * np.exp(-EXPENSE * (session - FIRST_DAY).days / 365.25)
    own = float(ratios[-1]) if pair.index[-1] == now else None
    return Basis(
        future_close=float(pair["future"].iloc[-1]) if own is not None else None,
        gld_close=float(gld_now),
        ratio=float(np.exp(middle)),
        ratio_error=float(MEDIAN_OVER_MEAN * scatter / np.sqrt(len(ratios))),
        sessions=len(ratios),
        residual=None if own is None else own - middle,
        ounces_per_share=float(np.exp(-middle)),
        ounces_stated=float(stated),
        deviation=float(-middle - np.log(stated)),
        expense=EXPENSE,
    )
