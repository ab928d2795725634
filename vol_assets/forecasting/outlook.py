"""The outlook: what today's forecast means. Is it high, and what do options charge above it?

High or low is said against every five-session volatility SPY has had, from the first session of the lake to this one.
Regimes are quartiles and the last twentieth of that distribution, so that words keep their meaning: half of all
sessions are normal. A forecast is less spread out than what comes, being an average; it is seldom at the ends.

An implied volatility is the root of an expected variance. Its premium is taken over the root of the variance forecast,
not over forecast_vol, which is lower by about a tenth for the same market (the root is concave). Seven days of
options span five sessions, and VIX9D's nine six or seven: near enough to compare. VIX spans thirty days and is not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from vol_assets import clock
from vol_assets.features.l1 import realised_vol
from vol_assets.forecasting.frame import HORIZON
from vol_assets.forecasting.models import REFERENCE

# Since 2007: 7.5 % and below, 19 %, 35 % and above.
REGIMES = {"calm": 0.0, "normal": 0.25, "elevated": 0.75, "stressed": 0.95}
# A year: a percentile among fewer says more of that year than of the forecast.
ENOUGH_HISTORY = 252


@dataclass(frozen=True)
class Outlook:
    """A forecast and what surrounds it; annualised decimals, null where something is not known.

    variance_vol: the root of the variance forecast. percentile: share of the `sessions` volatilities since `since`
    that were not above the forecast; bounds: the volatilities at which the regimes begin. implied_7d: model-free, of
    SPY's options; vix9d and vix: the indices. The premiums are over variance_vol.
    """

    session: pd.Timestamp
    vol: float
    p10: float
    p90: float
    variance_vol: float
    baseline_vol: float
    since: pd.Timestamp
    sessions: int
    percentile: float
    bounds: Mapping[str, float]
    implied_7d: float
    vix9d: float
    vix: float

    @property
    def regime(self) -> str | None:
        """The name of the regime; None without a percentile."""
        begun = [name for name, start in REGIMES.items() if self.percentile >= start]
        return begun[-1] if begun else None

    @property
    def premium_7d(self) -> float:
        return self.implied_7d - self.variance_vol

    @property
    def premium_9d(self) -> float:
        return self.vix9d - self.variance_vol

    def in_words(self) -> pd.DataFrame:
        """A row a fact: what, value, and what it says."""
        calm, elevated, stressed = (f"{REGIMES[name]:.0%}" for name in ("normal", "elevated", "stressed"))
        distribution = f"SPY's {self.sessions:,} five-session volatilities since {self.since:%Y-%m-%d}, overlapping"
        known = np.isfinite(self.percentile)
        lines = [
            (
                "forecast of the next five sessions",
                _percent(self.vol),
                f"made at the close of {self.session:%Y-%m-%d}; 80 % interval {self.p10:.1%} ... {self.p90:.1%}",
            ),
            (
                f"baseline, {REFERENCE.name}",
                _percent(self.baseline_vol),
                "made at the same time after the same training",
            ),
            (
                "percentile of the forecast",
                f"{self.percentile:.0%}" if known else "-",
                f"of {distribution}" if known else f"{self.sessions} sessions are too few, {ENOUGH_HISTORY} are needed",
            ),
            (
                "regime",
                self.regime or "-",
                f"calm below {calm} of that distribution, elevated from {elevated}, stressed from {stressed}",
            ),
            (
                "forecast of variance, as a volatility",
                _percent(self.variance_vol),
                "what implied volatilities are compared with: they are roots of expected variances too",
            ),
            (
                "implied over 7 days",
                _percent(self.implied_7d),
                _premium(self.premium_7d, "model-free, of SPY's options"),
            ),
            ("VIX9D", _percent(self.vix9d), _premium(self.premium_9d, "implied over 9 days")),
            ("VIX", _percent(self.vix), "implied over 30 days: not comparable with a forecast of five sessions"),
        ]
        return pd.DataFrame(lines, columns=["what", "value", "in words"])


def outlook(
    forecast: Mapping[str, Any],
    realised: pd.Series,
    *,
    implied_7d: float = np.nan,
    vix9d: float = np.nan,
    vix: float = np.nan,
) -> Outlook:
    """The outlook of one row of the ledger. realised: `realised_history`, of which what is later is not looked at."""
    past = realised.loc[: forecast["date"]].dropna()
    vol = float(forecast["forecast_vol"])
    enough = len(past) >= ENOUGH_HISTORY
    starts = past.quantile(list(REGIMES.values())).to_list() if enough else [np.nan] * len(REGIMES)
    return Outlook(
        session=forecast["date"],
        vol=vol,
        p10=float(forecast["p10"]),
        p90=float(forecast["p90"]),
        variance_vol=float(np.sqrt(forecast["forecast_var"])),
        baseline_vol=float(forecast["baseline_vol"]),
        since=past.index[0] if len(past) else forecast["date"],
        sessions=len(past),
        percentile=float((past <= vol).mean()) if enough else np.nan,
        bounds=dict(zip(REGIMES, starts, strict=True)),
        implied_7d=implied_7d,
        vix9d=vix9d,
        vix=vix,
    )


def realised_history(returns: pd.Series) -> pd.Series:
    """Realised volatility of the five sessions that end with each session; null where one has no return."""
    if returns.empty:
        return pd.Series(dtype=float, index=pd.DatetimeIndex([]))
    sessions = pd.DatetimeIndex(clock.sessions(returns.index.min().date(), returns.index.max().date()))
    return pd.Series(realised_vol(returns.reindex(sessions).to_numpy(float), HORIZON), index=sessions)


def _percent(vol: float) -> str:
    return f"{vol:.1%}" if np.isfinite(vol) else "-"


def _premium(premium: float, what: str) -> str:
    return (
        f"{what}: {100 * premium:+.1f} points over the forecast of variance"
        if np.isfinite(premium)
        else f"{what}: not in the lake"
    )
