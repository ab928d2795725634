"""Windows of the price at horizons: two-sided intervals, value at risk, expected shortfall, densities, under two laws.

Q is the law of the log return that options give. P is Q's standardised return with the stdev of the posterior, shifted
so that the expected price is the forward. Beside P stands the Cornish-Fisher expansion with P's log mean, stdev,
skewness and kurtosis. All are laws of ln(S_T / F): instruments of one market differ by their forward and spot alone.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.special import erf, ndtr, ndtri

from vol_assets.gold.law import Law
from vol_assets.gold.report import CornishFisherWindow, DensityCurve, Horizon, Interval, TailRisk, Window
from vol_assets.quant import cornish_fisher

PROBABILITIES = (float(erf(np.sqrt(0.5))), 0.90, 0.95, 0.99)  # of a two-sided window; the first is one stdev's
TAILS = (0.05, 0.025, 0.01)

DENSITY_PRICES = 161
DENSITY_TAIL = 5e-4  # left out on either side of a density
DENSITY_AWAY = 1 / 3  # of the days wanted: how far off a horizon may be to stand for them
TAIL_STDEVS, TAIL_NODES = 9.0, 64  # of the integral over a tail: below it are less than 1e-24 of the tail's mass

_SIDES = (1.0 - np.array(PROBABILITIES)) / 2.0
_LEVELS = np.concatenate([_SIDES, 1.0 - _SIDES, TAILS])
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(TAIL_NODES)


@dataclass(frozen=True)
class Listed:
    """A horizon before anything is known of it; fields as in `report.Horizon`."""

    kind: str
    expiration: dt.date | None
    days: float
    years: float
    sessions: int
    quoted: tuple[float, float]  # ln(strike / forward) of the lowest and the highest strike quoted around it
    shape: str


class _Prices(NamedTuple):
    """Prices of h horizons: interval ends (h, 4), value at risk and expected shortfall (h, 3)."""

    low: np.ndarray
    high: np.ndarray
    value_at_risk: np.ndarray
    shortfall: np.ndarray


def horizons(
    listed: Sequence[Listed],
    q: Law,
    forward: np.ndarray,
    spot: float,
    realised_total: np.ndarray | None,
    posterior_total: np.ndarray | None,
    equal_total: np.ndarray | None,
    adjusted: np.ndarray | None,
) -> tuple[Horizon, ...]:
    """The horizons of an instrument with forwards (h,) and a spot, USD; `q` are their risk-neutral laws.

    The totals (h,) are variances of the log return to each horizon: forecast, posterior, and posterior with equal
    weights. Without a posterior there is no window under it, nor an expansion.
    """
    count = len(listed)
    risk_neutral = _windows(q, forward, spot)
    posterior, expansion = [None] * count, [None] * count
    if posterior_total is not None:
        p = q.rescaled(np.sqrt(posterior_total))
        posterior, expansion = _windows(p, forward, spot), _expansions(p, forward, spot)
    years = np.array([each.years for each in listed])
    implied, realised, blended, equal = (
        [None] * count if total is None else np.sqrt(total / years).tolist()
        for total in (q.variance, realised_total, posterior_total, equal_total)
    )
    return tuple(
        Horizon(
            kind=each.kind,
            expiration=each.expiration,
            days=float(each.days),
            years=float(each.years),
            sessions=int(each.sessions),
            forward=float(forward[i]),
            lowest_quoted=float(forward[i] * np.exp(each.quoted[0])),
            highest_quoted=float(forward[i] * np.exp(each.quoted[1])),
            shape=each.shape,
            implied_vol=implied[i],
            realised_vol=realised[i],
            posterior_vol=blended[i],
            equal_weight_vol=equal[i],
            calendar_adjusted=adjusted is not None and bool(adjusted[i]),
            skewness=float(q.skewness[i]),
            excess_kurtosis=float(q.excess_kurtosis[i]),
            risk_neutral=risk_neutral[i],
            posterior=posterior[i],
            cornish_fisher=expansion[i],
        )
        for i, each in enumerate(listed)
    )


def densities(
    wanted: Sequence[float],
    listed: Sequence[Listed],
    q: Law,
    forward: np.ndarray,
    posterior_total: np.ndarray | None,
) -> tuple[DensityCurve, ...]:
    """Densities of the price at the horizons nearest to the days wanted; none where the nearest is a third away.

    Prices are evenly spaced between the 0.05 and 99.95 % quantiles of the wider law. What is outside is not shared out
    among them: the densities are those of the laws.
    """
    days = np.array([each.days for each in listed])
    off = np.abs(days - np.array(wanted, dtype=float)[:, None])
    near = off.min(axis=1) <= DENSITY_AWAY * np.array(wanted)
    rows = list(dict.fromkeys(off.argmin(axis=1)[near].tolist()))
    if not rows:
        return ()
    forward = np.asarray(forward, dtype=float)[rows, None]
    laws = [q.part(rows)]
    if posterior_total is not None:
        laws.append(laws[0].rescaled(np.sqrt(np.asarray(posterior_total)[rows])))
    ends = np.array([law.quantile(np.array([DENSITY_TAIL, 1.0 - DENSITY_TAIL])) for law in laws])
    widest = np.argmax([law.stdev for law in laws], axis=0)
    ends = forward * np.exp(ends[widest, np.arange(len(rows))])
    price = np.linspace(ends[:, 0], ends[:, 1], DENSITY_PRICES, axis=1)
    curves = [law.density(np.log(price / forward)) / price for law in laws]
    return tuple(
        DensityCurve(
            days=float(days[row]),
            price=tuple(price[i].tolist()),
            risk_neutral=tuple(curves[0][i].tolist()),
            posterior=tuple(curves[1][i].tolist()) if len(curves) > 1 else None,
        )
        for i, row in enumerate(rows)
    )


def _windows(law: Law, forward: np.ndarray, spot: float) -> list[Window]:
    scale = np.asarray(forward, dtype=float)[:, None]
    log = law.quantile(np.append(_LEVELS, 0.5))
    prices = _prices(scale * np.exp(log[:, :-1]), scale * law.tail_mean(np.array(TAILS)))
    mean, median = scale[:, 0] * law.expectation, scale[:, 0] * np.exp(log[:, -1])
    return [
        Window(
            mean=float(mean[i]),
            median=float(median[i]),
            log_mean=float(law.mean[i]),
            log_stdev=float(law.stdev[i]),
            intervals=_intervals(prices, i),
            tails=_tails(prices, i, spot),
        )
        for i in range(len(mean))
    ]


def _expansions(law: Law, forward: np.ndarray, spot: float) -> list[CornishFisherWindow]:
    """The expansion with the moments of each law.

    The shortfall is the integral of the quantile function over (0, p), divided by p. That function's slope is infinite
    at 0; with u = N(z) the integrand is exp(a cubic in z) n(z), without singularities, and dies out faster than any
    exponential: 64 Gauss-Legendre nodes on the 9 stdevs up to N^-1(p) are right to 1e-12.
    """
    found = cornish_fisher.fit(law.skewness, law.excess_kurtosis)
    scale = np.asarray(forward, dtype=float)[:, None]

    def price(probability: np.ndarray) -> np.ndarray:
        """(m,) -> (h, m)."""
        standard = cornish_fisher.quantile(probability, found.s[:, None], found.k[:, None]) / found.stdev[:, None]
        return scale * np.exp(law.mean[:, None] + law.stdev[:, None] * standard)

    tails = np.array(TAILS)
    z = ndtri(tails)[:, None] + 0.5 * TAIL_STDEVS * (_NODES - 1.0)
    mass = 0.5 * TAIL_STDEVS * _WEIGHTS * np.exp(-0.5 * z**2) / np.sqrt(2.0 * np.pi)
    below = price(ndtr(z).ravel()).reshape(len(scale), *z.shape)
    prices = _prices(price(_LEVELS), (below * mass).sum(axis=-1) / tails)
    return [
        CornishFisherWindow(
            s=float(found.s[i]),
            k=float(found.k[i]),
            projected=not found.reached[i],
            intervals=_intervals(prices, i),
            tails=_tails(prices, i, spot),
        )
        for i in range(len(scale))
    ]


def _prices(at_levels: np.ndarray, shortfall: np.ndarray) -> _Prices:
    low, high, value_at_risk = np.split(at_levels, [len(_SIDES), 2 * len(_SIDES)], axis=1)
    return _Prices(low, high, value_at_risk, shortfall)


def _intervals(prices: _Prices, i: int) -> tuple[Interval, ...]:
    return tuple(map(Interval, PROBABILITIES, prices.low[i].tolist(), prices.high[i].tolist()))


def _tails(prices: _Prices, i: int, spot: float) -> tuple[TailRisk, ...]:
    return tuple(
        TailRisk(p, at_risk, 1.0 - at_risk / spot, shortfall, 1.0 - shortfall / spot)
        for p, at_risk, shortfall in zip(TAILS, prices.value_at_risk[i].tolist(), prices.shortfall[i].tolist())
    )
