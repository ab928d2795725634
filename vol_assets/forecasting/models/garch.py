"""GARCH(1,1) and GJR-GARCH: variance from daily returns alone, by maximum likelihood with Student's t.

    h_{t+1} = omega + (alpha + gamma 1[e_t < 0]) e_t^2 + beta h_t,     e_t = r_t - mu

Bollerslev (1986, J. Econometrics 31, 307-327); Glosten, Jagannathan and Runkle (1993, J. Finance 48, 1779-1801).
The parameters are fitted by `arch` and then held, while the filter goes on through the sessions after; the forecast is
the mean of the next five expected variances, in closed form. A session missing on the way is passed by its expected
variance; among the training sessions the likelihood takes those around it for neighbours.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from vol_assets import clock
from vol_assets.errors import ForecastError
from vol_assets.features.l1 import SESSIONS_A_YEAR
from vol_assets.forecasting.frame import HORIZON, input_array, training_inputs
from vol_assets.forecasting.protocol import Model, Residuals

RETURN = "spy_ret_1d"
PERCENT = 100.0  # arch's optimiser wants returns of order one


@dataclass(frozen=True)
class Garch:
    """Calibrated in sample: its recursion cannot leave sessions out, and five or six parameters hardly overfit."""

    name: str
    leverage: bool
    bases: tuple[Model, ...] = ()
    residuals: Residuals = Residuals.IN_SAMPLE

    def fit(self, frame: pd.DataFrame) -> GarchLevel:
        """Maximum likelihood on the training sessions' returns."""
        from arch import arch_model

        returns = PERCENT * training_inputs(frame, (RETURN,))[:, 0]
        model = arch_model(returns, mean="Constant", vol="GARCH", p=1, o=int(self.leverage), q=1, dist="t")
        found = model.fit(disp="off", show_warning=False).params
        return GarchLevel(
            mu=float(found["mu"]),
            omega=float(found["omega"]),
            alpha=float(found["alpha[1]"]),
            gamma=float(found.get("gamma[1]", 0.0)),
            beta=float(found["beta[1]"]),
            start=float(np.var(returns)),
            sessions=_numbers(frame.index),
            returns=returns,
        )


@dataclass(frozen=True)
class GarchLevel:
    """Parameters in percent^2, and the training sessions (by their number in the calendar) that the filter starts from.

    Rows must be training sessions or later ones in ascending order, none left out that could be there.
    """

    mu: float
    omega: float
    alpha: float
    gamma: float
    beta: float
    start: float
    sessions: np.ndarray
    returns: np.ndarray

    def __call__(self, frame: pd.DataFrame) -> np.ndarray:
        asked, given = _numbers(frame.index), PERCENT * input_array(frame, (RETURN,))[:, 0]
        later = asked > self.sessions[-1]
        numbers = np.concatenate([self.sessions, asked[later]])
        places = np.searchsorted(numbers, asked)
        unknown = numbers[places] != asked
        if unknown.any():
            raise ForecastError(
                f"{frame.index[unknown][0]:%Y-%m-%d} is neither a training session of this GARCH model nor a later one"
            )
        ahead = self._next_variances(numbers.tolist(), np.concatenate([self.returns, given[later]]).tolist())
        variance = self._mean_over_horizon(ahead[places])
        return np.sqrt(SESSIONS_A_YEAR * variance) / PERCENT

    @property
    def persistence(self) -> float:
        """The share of a deviation of variance that is left a session later."""
        return self.alpha + 0.5 * self.gamma + self.beta

    def _next_variances(self, numbers: list[int], returns: list[float]) -> np.ndarray:
        """h_{t+1} at each session."""
        out, h, last = [], self.start, numbers[0] - 1
        for number, r in zip(numbers, returns, strict=True):
            for _ in range(number - last - 1):
                h = self.omega + self.persistence * h
            e = r - self.mu
            h = self.omega + (self.alpha + (self.gamma if e < 0 else 0.0)) * e * e + self.beta * h
            out.append(h)
            last = number
        return np.array(out)

    def _mean_over_horizon(self, h: np.ndarray) -> np.ndarray:
        total = np.zeros_like(h)
        for _ in range(HORIZON):
            total += h
            h = self.omega + self.persistence * h
        return total / HORIZON


def _numbers(index: pd.DatetimeIndex) -> np.ndarray:
    return np.searchsorted(clock.session_days(), index.values.astype("datetime64[D]"))


GARCH = Garch("garch", leverage=False)
GJR_GARCH = Garch("gjr_garch", leverage=True)
