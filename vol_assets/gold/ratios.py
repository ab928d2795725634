"""Implied over realised vol: the ratio to trailing vol with its rule, the ratio to forecast vol, and the rule's record.

The rule says SELL VOL where implied vol is more than 1.15 of the vol of the last sessions, about as many as are left
to the expiration, and BUY VOL below .85. Implied vol is usually above realised, so that it says SELL most of the time,
which proves little. Beside it stand the same ratio to a forecast of realised vol, the place of implied vol among past
windows of that length, and how often the rule has said what before, and with what result.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from vol_assets.features.l1 import SESSIONS_A_YEAR
from vol_assets.gold.blend import GVZ_SESSIONS, GVZ_YEARS
from vol_assets.gold.har import VarianceForecast, next_sums
from vol_assets.gold.realised import CONE_WINDOWS, by_session, close_vols
from vol_assets.gold.report import BUY, SELL, ConeWindow, Ratio, RatioHistory, Realised

DAYS_A_YEAR = 365.0
LEAST_HISTORY = 252  # sessions with both vols


def signal(ratio: float) -> str:
    """What the rule says of implied over realised vol."""
    if ratio > SELL:
        return "SELL VOL"
    return "BUY VOL" if ratio < BUY else "NEUTRAL"


def ratios(
    days: Sequence[float],
    sessions: Sequence[int],
    atm_vols: Sequence[float],
    realised: Realised | None,
    returns: pd.Series | None,
    forecast: VarianceForecast | None,
) -> tuple[Ratio, ...]:
    """A row an expiration (days, sessions and vols at the forward alike), None in it for what is not known.

    `realised` is of `returns`, daily log returns by session; `forecast` has all of `sessions` among its horizons, and
    counts only if it is one: trailing variance is not.
    """
    cone = [row for row in realised.cone if row.estimator == "close"] if realised is not None else []
    forecast = forecast if forecast is not None and forecast.source == "har" else None
    past = {}
    if cone:
        daily = by_session(returns).to_numpy()
        past = {row.window: close_vols(daily, row.window) for row in cone}
    return tuple(
        _ratio(float(day), int(count), float(vol), cone, past, forecast)
        for day, count, vol in zip(days, sessions, atm_vols, strict=True)
    )


def ratio_history(returns: pd.Series, gvz: pd.Series) -> RatioHistory | None:
    """Daily log returns and GVZ (decimal a year) by session -> GVZ over the vol of the last 21 sessions, all along.

    None with fewer than 252 sessions that have both, or where the newest has not.
    """
    returns = by_session(returns)
    if len(returns) < LEAST_HISTORY:
        return None
    implied = gvz.reindex(returns.index).to_numpy(dtype=float)
    ratio = implied / close_vols(returns.to_numpy(), GVZ_SESSIONS)
    known = np.isfinite(ratio)
    if known.sum() < LEAST_HISTORY or not known[-1]:
        return None
    realised = next_sums(np.square(returns.to_numpy()), GVZ_SESSIONS)
    over = known & np.isfinite(realised)
    less = realised < np.square(implied) * GVZ_YEARS
    said = np.array([signal(value) for value in ratio])
    return RatioHistory(
        sessions=int(known.sum()),
        now=float(ratio[-1]),
        percentile=float(np.mean(ratio[known] < ratio[-1])),
        sell_share=float(np.mean(said[known] == "SELL VOL")),
        neutral_share=float(np.mean(said[known] == "NEUTRAL")),
        buy_share=float(np.mean(said[known] == "BUY VOL")),
        after_sell=_share(less[over & (said == "SELL VOL")]),
        after_all=_share(less[over]),
    )


def _ratio(
    days: float,
    sessions: int,
    implied: float,
    cone: list[ConeWindow],
    past: dict[int, np.ndarray],
    forecast: VarianceForecast | None,
) -> Ratio:
    nearest = min(CONE_WINDOWS, key=lambda window: (abs(window - sessions), window))
    trailing = next((row for row in cone if row.window == nearest), None)
    years = days / DAYS_A_YEAR
    by_calendar = float(np.sqrt(sessions / SESSIONS_A_YEAR / years))  # from a vol by sessions to one by days
    realised = trailing.current * by_calendar if trailing else None
    to_trailing = implied / realised if realised else None
    vol = float(np.sqrt(forecast.to(sessions) / years)) if forecast else None
    to_forecast = implied / vol if vol else None
    return Ratio(
        days=days,
        sessions=sessions,
        implied_vol=implied,
        trailing_window=trailing.window if trailing else None,
        trailing_vol=realised,
        ratio=to_trailing,
        signal=signal(to_trailing) if to_trailing else None,
        forecast_vol=vol,
        forecast_ratio=to_forecast,
        forecast_signal=signal(to_forecast) if to_forecast else None,
        variance_premium=implied**2 - vol**2 if vol else None,
        cone_percentile=_share(_below(past[trailing.window], implied / by_calendar)) if trailing else None,
    )


def _below(vols: np.ndarray, level: float) -> np.ndarray:
    return vols[np.isfinite(vols)] < level


def _share(answers: np.ndarray) -> float | None:
    return float(answers.mean()) if len(answers) else None
