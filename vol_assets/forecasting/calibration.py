"""From the level a model predicts to a forecast: every model owes its E[vol], E[var] and quantiles to this.

A model predicts a level m_t (say exp of a regression on log volatility). What happens is y_t = m_t * u_t, and the
past ratios u = y / m say how u is distributed whatever m is. Hence

    E[vol] = m * mean(u)      E[var] = m^2 * mean(u^2)      quantile_q = m * quantile_q(u)

For a regression in logs the first two are the smearing estimate of Duan (1983, JASA 78, 605-610), which assumes no
distribution of the errors. The two means are taken separately: mean(u^2) is not mean(u)^2. And whatever label a level
was fitted to, u is measured on the one that is forecast.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from vol_assets.forecasting.protocol import Forecast, Level


@dataclass(frozen=True)
class Calibration:
    """Factors on a model's level: `vol` on m for E[vol], `var` on m^2 for E[var], the rest on m for quantiles."""

    vol: float
    var: float
    p10: float
    p50: float
    p90: float

    @classmethod
    def smeared(cls, realised: np.ndarray, level: np.ndarray) -> Calibration:
        """The factors that past levels called for; arrays (n,) of annualised volatility, levels above zero."""
        ratio = realised / level
        p10, p50, p90 = np.quantile(ratio, (0.1, 0.5, 0.9))
        return cls(float(ratio.mean()), float((ratio**2).mean()), float(p10), float(p50), float(p90))

    def at_its_word(self) -> Calibration:
        """The same quantiles on a level that is itself the forecast."""
        return replace(self, vol=1.0, var=1.0)

    def forecast(self, level: np.ndarray) -> Forecast:
        """Levels (n,) -> the forecast."""
        return Forecast(
            vol=level * self.vol,
            var=level**2 * self.var,
            p10=level * self.p10,
            p50=level * self.p50,
            p90=level * self.p90,
        )


@dataclass(frozen=True)
class Fitted:
    """A level with its factors; knows nothing of the sessions it was fitted on."""

    level: Level
    calibration: Calibration

    def forecast(self, frame: pd.DataFrame) -> Forecast:
        """Forecast every row of a modelling frame; a ForecastError names sessions whose inputs are null."""
        return self.calibration.forecast(self.level(frame))
