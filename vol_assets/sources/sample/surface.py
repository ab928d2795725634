"""The true surface behind the sample market's options: an SSVI with a term structure, free of static arbitrage.

A slice has total variance w(k) = (theta + rho psi k + sqrt((psi k + rho theta)^2 + theta^2 (1 - rho^2))) / 2 (Gatheral
and Jacquier 2014), where theta is the at-the-money variance of its expiration, and width and slope follow from theta:

    psi = eta theta^(1 - gamma) (1 + theta)^(gamma - 1),    rho psi = integral of a local rho over d psi,

the local rho going from `rho_short` to `rho_long`, eta the convexity. No butterfly: psi^2 (1 + |rho|) <= 4 theta and
psi (1 + |rho|) < 4 hold where eta^2 (1 + |rho|) <= 4. No calendar spread: theta and psi increase, psi / theta
decreases, and |d(rho psi)| <= d psi (Hendriks and Martini 2019). The slope of the smile at the forward decays about
like T^-gamma.

It is no mixture of lognormals, with linear wings in w, so that nothing that is fitted to its quotes can be exact.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from vol_assets.quant.black import otm_price

GAMMA = 0.45
RHO_SCALE = 0.04  # of psi: its value at about two months on an ordinary day

_NODES = np.linspace(-6.0, 6.0, 121)  # k = at-the-money stdev * sinh(node): dense at the forward, to 200 stdevs out
_STEPS = 60  # halvings of a bracket, to the last bit


@dataclass(frozen=True)
class Smile:
    """What all slices of a session share: correlations at the short and the long end, and convexity (eta of SSVI)."""

    rho_short: float
    rho_long: float
    convexity: float

    def slice(self, theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """rho and psi of the slices with at-the-money variance `theta` > 0."""
        psi = self.convexity * (theta / (1.0 + theta)) ** (1.0 - GAMMA)
        x = psi / RHO_SCALE
        return self.rho_long + (self.rho_short - self.rho_long) * -np.expm1(-x) / x, psi

    def total_variance(self, k: np.ndarray, theta: np.ndarray) -> np.ndarray:
        """w at log-moneyness k; the arrays broadcast."""
        return self._with_slope(k, theta)[0]

    def model_free_variance(self, theta: np.ndarray) -> np.ndarray:
        """-2 E[ln(S_T / F)] of each slice: 2 times the integral of out-of-the-money prices over K^2.

        Equal to the integral of w phi(d2) over d2 (Fukasawa 2012), which is smooth: the trapezoidal rule is exact to
        1e-13.
        """
        theta = np.asarray(theta, dtype=float)[..., None]
        scale = np.sqrt(theta)
        k = scale * np.sinh(_NODES)
        w, slope = self._with_slope(k, theta)
        s = np.sqrt(w)
        d2 = -k / s - 0.5 * s
        rise = (1.0 - 0.5 * slope * (k / w - 0.5)) / s  # - d d2 / dk
        weight = np.exp(-0.5 * d2**2) / np.sqrt(2.0 * np.pi) * rise * scale * np.cosh(_NODES)
        return (w * weight).sum(axis=-1) * (_NODES[1] - _NODES[0])

    def at_the_money(self, model_free: np.ndarray) -> np.ndarray:
        """theta of the slices whose model-free variance this is; increasing in it.

        The ratio of the two hardly depends on theta: Newton's step in logarithms has slope 1.
        """
        theta = np.asarray(model_free, dtype=float)
        for _ in range(16):
            theta = theta * model_free / self.model_free_variance(theta)
        return theta

    def _with_slope(self, k: np.ndarray, theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        rho, psi = self.slice(theta)
        turn = psi * k + rho * theta
        root = np.sqrt(turn**2 + theta**2 * (1.0 - rho**2))
        return 0.5 * (theta + rho * psi * k + root), 0.5 * psi * (rho + turn / root)


@dataclass(frozen=True, eq=False)
class TermStructure:
    """At-the-money total variance by time: a monotone cubic through (0, 0) and the knots, a line beyond the last.

    years, thetas: (n,), both increasing. Slopes are the harmonic means of the neighbouring secants (Fritsch and Butland
    1984), at the ends the secants themselves: variance between any two dates is positive.
    """

    years: np.ndarray
    thetas: np.ndarray

    def __call__(self, years: np.ndarray) -> np.ndarray:
        t, theta = np.append(0.0, self.years), np.append(0.0, self.thetas)
        width, secant = np.diff(t), np.diff(theta) / np.diff(t)
        left, right = 2.0 * width[1:] + width[:-1], width[1:] + 2.0 * width[:-1]
        inner = (left + right) / (left / secant[:-1] + right / secant[1:])
        slope = np.concatenate([secant[:1], inner, secant[-1:]])
        years = np.asarray(years, dtype=float)
        i = np.clip(np.searchsorted(t, years, side="right") - 1, 0, len(width) - 1)
        x = np.minimum((years - t[i]) / width[i], 1.0)
        curve = theta[i] + width[i] * x * (
            slope[i]
            + x * (3.0 * secant[i] - 2.0 * slope[i] - slope[i + 1] + x * (slope[i] + slope[i + 1] - 2.0 * secant[i]))
        )
        return curve + slope[-1] * np.maximum(years - t[-1], 0.0)


@dataclass(frozen=True, eq=False)
class TrueSurface:
    """What every simulated quote of one underlying at one close is derived from.

    `years` are years of 365 days from the close, positive; k is ln(strike / forward); vols are decimals a year. The
    arguments of every method broadcast. rate and carry are continuously compounded, the same for all times.
    """

    underlying: str
    session: dt.date
    spot: float
    rate: float
    carry: float
    smile: Smile
    term_structure: TermStructure

    def forward(self, years: np.ndarray) -> np.ndarray:
        """USD."""
        return self.spot * np.exp((self.rate - self.carry) * np.asarray(years, dtype=float))

    def total_variance(self, k: np.ndarray, years: np.ndarray) -> np.ndarray:
        """Implied vol squared times years."""
        return self.smile.total_variance(np.asarray(k, dtype=float), self.term_structure(years))

    def implied_vol(self, k: np.ndarray, years: np.ndarray) -> np.ndarray:
        """Black vol of the European option."""
        return np.sqrt(self.total_variance(k, years) / years)

    def otm_price(self, k: np.ndarray, years: np.ndarray) -> np.ndarray:
        """Undiscounted European price / forward: of the put for k < 0, of the call from 0 on."""
        return otm_price(k, np.sqrt(self.total_variance(k, years)))

    def atm_vol(self, years: np.ndarray) -> np.ndarray:
        """Implied vol at the forward."""
        return np.sqrt(self.term_structure(years) / years)

    def model_free_vol(self, years: np.ndarray) -> np.ndarray:
        """sqrt(-2 E[ln(S_T / F)] / years), from all strikes: what VIX / 100 stands for."""
        return np.sqrt(self.smile.model_free_variance(self.term_structure(years)) / years)

    def k_at_delta(self, delta: np.ndarray, years: np.ndarray) -> np.ndarray:
        """Log-moneyness where the forward delta of a call, Phi(d1), is `delta`: .25 the 25-delta call, .75 the put."""
        theta = self.term_structure(years)
        d1 = ndtri(np.asarray(delta, dtype=float))
        low = np.full(np.broadcast(theta, d1).shape, -4.0 - 40.0 * np.sqrt(theta))
        high = -low
        for _ in range(_STEPS):
            k = 0.5 * (low + high)
            w = self.smile.total_variance(k, theta)
            right = 0.5 * w - k > d1 * np.sqrt(w)  # d1 falls in k
            low, high = np.where(right, k, low), np.where(right, high, k)
        return 0.5 * (low + high)

    def vol_at_delta(self, delta: np.ndarray, years: np.ndarray) -> np.ndarray:
        """Implied vol where Phi(d1) is `delta`."""
        return self.implied_vol(self.k_at_delta(delta, years), years)
