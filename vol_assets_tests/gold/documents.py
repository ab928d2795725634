"""A gold report's document made by hand: laws of two lognormals in closed form, everything else plausible constants.

`report()` is the whole GoldReport, `document()` the document that pages are made of. Keyword arguments replace parts.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import itertools
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from scipy.special import erf, ndtr

from vol_assets.gold import report as r
from vol_assets.gold.document.plain import plain
from vol_assets.gold.words import Words
from vol_assets.quant import cornish_fisher, mixture

SESSION = dt.date(2024, 3, 15)
SPOT, RATIO, EXPENSE, RATE = 147.42, 10.846, 0.004, 0.0531
EXPIRATION_DAYS = (7, 13, 21, 28, 35, 63, 98, 154, 217, 280, 371, 672)
TENOR_DAYS = (7, 14, 30, 60, 91, 122, 152, 182, 273, 365, 547)
PROBABILITIES = (erf(1 / np.sqrt(2)), 0.90, 0.95, 0.99)
TAILS = (0.05, 0.025, 0.01)
CONE = (7, 14, 21, 30, 60, 90, 120, 180)


@dataclasses.dataclass(frozen=True)
class Law:
    """ln(S_T / F) as a mixture of normals: weights, means and stdevs (c,)."""

    weights: np.ndarray
    centres: np.ndarray
    stdevs: np.ndarray

    @property
    def mean(self) -> float:
        return float(self.weights @ self.centres)

    @property
    def stdev(self) -> float:
        return float(np.sqrt(self.weights @ (self.stdevs**2 + (self.centres - self.mean) ** 2)))

    def shape(self) -> tuple[float, float]:
        """Skewness and excess kurtosis."""
        off, variance = self.centres - self.mean, self.stdevs**2
        third = self.weights @ (off**3 + 3 * off * variance)
        fourth = self.weights @ (off**4 + 6 * off**2 * variance + 3 * variance**2)
        return float(third / self.stdev**3), float(fourth / self.stdev**4 - 3)

    def rescaled(self, stdev: float) -> Law:
        """The same standardised law with another stdev, its mean price still the forward."""
        ratio = stdev / self.stdev
        centres, stdevs = ratio * self.centres, ratio * self.stdevs
        return Law(self.weights, centres - np.log(self.weights @ np.exp(centres + stdevs**2 / 2)), stdevs)

    def parts(self) -> tuple[np.ndarray, ...]:
        """As quant.mixture wants it."""
        return self.weights, np.exp(self.centres + self.stdevs**2 / 2), self.stdevs

    def quantile(self, probability: np.ndarray) -> np.ndarray:
        """Log return below which it ends with that probability."""
        low, high = np.full(np.shape(probability), -10 * self.stdev), np.full(np.shape(probability), 10 * self.stdev)
        for _ in range(50):
            middle = 0.5 * (low + high)
            below = mixture.distribution(middle, *self.parts()) < probability
            low, high = np.where(below, middle, low), np.where(below, high, middle)
        return 0.5 * (low + high)


def law(days: float) -> Law:
    """Calm most of the time, wilder at times and then upwards: skewness about .4, excess kurtosis about 2."""
    root = np.sqrt(days / 365) * (0.146 + 0.011 * np.sqrt(days / 672) + 0.012 * np.exp(-days / 20))
    weights, centres, stdevs = np.array([0.85, 0.15]), root * np.array([-0.06, 0.34]), root * np.array([0.8, 1.68])
    return Law(weights, centres - np.log(weights @ np.exp(centres + stdevs**2 / 2)), stdevs)


@cache
def laws(days: float) -> tuple[Law, Law]:
    """Q and P."""
    q = law(days)
    implied = q.stdev / np.sqrt(days / 365)
    blend = np.sqrt(0.42 * 0.87 * implied**2 + 0.58 * realised_vol(days) ** 2)
    return q, q.rescaled(blend * np.sqrt(days / 365))


class Returns(NamedTuple):
    """Log returns over the forward: interval ends (4,), value at risk and the log of the mean below it (3,), median."""

    low: np.ndarray
    high: np.ndarray
    at_risk: np.ndarray
    shortfall: np.ndarray
    median: float


@cache
def exact(days: float, number: int) -> Returns:
    """Of Q (0) or P (1)."""
    found = laws(days)[number]
    p, tails = np.array(PROBABILITIES), np.array(TAILS)
    at = found.quantile(np.concatenate([(1 - p) / 2, (1 + p) / 2, tails, [0.5]]))
    low, high, cut, (median,) = np.split(at, [4, 8, 11])
    weights, means, stdevs = found.parts()
    below = ndtr((cut[:, None] - np.log(means)) / stdevs - stdevs / 2) @ (weights * means) / tails
    return Returns(low, high, cut, np.log(below), float(median))


@cache
def expanded(days: float) -> tuple[cornish_fisher.CornishFisher, Returns]:
    """Cornish-Fisher with the moments of P."""
    p = laws(days)[1]
    fit = cornish_fisher.fit(*p.shape())

    def at(probability: np.ndarray) -> np.ndarray:
        return p.mean + p.stdev * cornish_fisher.quantile(probability, fit.s, fit.k) / fit.stdev

    inside, tails = np.array(PROBABILITIES), np.array(TAILS)
    below = np.exp(at(np.outer(tails, (np.arange(400) + 0.5) / 400))).mean(axis=1)
    median = float(at(np.array([0.5]))[0])
    return fit, Returns(at((1 - inside) / 2), at((1 + inside) / 2), at(tails), np.log(below), median)


def window(days: float, number: int, forward: float, spot: float) -> r.Window:
    """The window of Q (0) or P (1) about a forward."""
    found, returns = laws(days)[number], exact(days, number)
    return r.Window(
        mean=forward,
        median=forward * float(np.exp(returns.median)),
        log_mean=found.mean,
        log_stdev=found.stdev,
        intervals=_intervals(returns, forward),
        tails=_tails(returns, forward, spot),
    )


def expansion(days: float, forward: float, spot: float) -> r.CornishFisherWindow:
    fit, returns = expanded(days)
    return r.CornishFisherWindow(
        s=float(fit.s),
        k=float(fit.k),
        projected=not fit.reached,
        intervals=_intervals(returns, forward),
        tails=_tails(returns, forward, spot),
    )


def _intervals(returns: Returns, forward: float) -> tuple[r.Interval, ...]:
    low, high = forward * np.exp(returns.low), forward * np.exp(returns.high)
    return tuple(r.Interval(float(p), float(a), float(b)) for p, a, b in zip(PROBABILITIES, low, high))


def _tails(returns: Returns, forward: float, spot: float) -> tuple[r.TailRisk, ...]:
    at_risk, shortfall = forward * np.exp(returns.at_risk), forward * np.exp(returns.shortfall)
    return tuple(
        r.TailRisk(p, float(v), float(1 - v / spot), float(s), float(1 - s / spot))
        for p, v, s in zip(TAILS, at_risk, shortfall)
    )


def realised_vol(days: float) -> float:
    """The forecast of realised vol."""
    return 0.131 + 0.012 * np.sqrt(days / 672)


def forward_of(days: float, spot: float, expense: float = 0.0) -> float:
    return float(spot * np.exp((RATE - 0.004 + expense) * days / 365))


def horizon(days: int, spot: float, expense: float, *, is_tenor: bool, with_posterior: bool = True) -> r.Horizon:
    years, forward = days / 365, forward_of(days, spot, expense)
    implied, blend = (float(one.stdev / np.sqrt(years)) for one in laws(days))
    skewness, excess_kurtosis = laws(days)[0].shape()
    return r.Horizon(
        kind="tenor" if is_tenor else "expiration",
        expiration=None if is_tenor else SESSION + dt.timedelta(days=days),
        days=float(days),
        years=years,
        sessions=max(1, round(days * 252 / 365)),
        forward=forward,
        lowest_quoted=0.8 * spot,
        highest_quoted=1.25 * spot,
        shape="mixture",
        implied_vol=implied,
        realised_vol=realised_vol(days) if with_posterior else None,
        posterior_vol=blend if with_posterior else None,
        equal_weight_vol=float(np.sqrt(implied**2 / 2 + realised_vol(days) ** 2 / 2)) if with_posterior else None,
        calendar_adjusted=False,
        skewness=skewness,
        excess_kurtosis=excess_kurtosis,
        risk_neutral=window(days, 0, forward, spot),
        posterior=window(days, 1, forward, spot) if with_posterior else None,
        cornish_fisher=expansion(days, forward, spot) if with_posterior else None,
    )


def density(days: int, spot: float, expense: float, *, with_posterior: bool = True) -> r.DensityCurve:
    forward = forward_of(days, spot, expense)
    price = forward * np.exp(np.linspace(-4.5, 4.5, 241) * laws(days)[0].stdev)
    q, p = (tuple(mixture.density(np.log(price / forward), *one.parts()) / price) for one in laws(days))
    return r.DensityCurve(float(days), tuple(price), q, p if with_posterior else None)


@cache
def surface(expirations: tuple[int, ...] = EXPIRATION_DAYS, tenors: tuple[int, ...] = TENOR_DAYS) -> r.SurfaceReading:
    listed = tuple(_expiration(days) for days in expirations)
    standard = tuple(_tenor(days, max(expirations), min(expirations)) for days in tenors)
    inside = [tenor for tenor in standard if not tenor.extrapolated]
    edges = (0, *expirations)
    deltas = (0.1, 0.25, 0.5, 0.75, 0.9)
    strike = np.linspace(0.8, 1.25, 46) * SPOT
    bell = np.exp(-0.5 * (np.log(strike / SPOT) / 0.045) ** 2)
    return r.SurfaceReading(
        expirations=listed,
        tenors=standard,
        forward_vols=tuple(
            r.ForwardVol(float(a), float(b), float(_forward_vol(a, b))) for a, b in itertools.pairwise(edges)
        ),
        earlier=tuple(
            r.EarlierTermStructure(
                ago,
                SESSION - dt.timedelta(days=back),
                tuple(t.days for t in inside),
                tuple(t.atm_vol + shift * np.exp(-t.days / 90) for t in inside),
            )
            for ago, back, shift in (("day", 1, 0.002), ("week", 7, -0.006), ("month", 30, 0.011))
        ),
        bands=tuple(
            r.Band(t.days, what, now, now - 0.011, now - 0.002, now + 0.009, 0.62, 252)
            for t in inside
            for what, now in (("rr25", t.rr25), ("bf25", t.bf25))
        ),
        ranks=tuple(
            r.Rank(t.days, t.atm_vol, 0.34 + t.days / 2000, 0.41 + t.days / 2000, 0.11, 0.22, 252, "tenors", None)
            for t in inside
        ),
        smiles=tuple(_smile(days) for days in expirations),
        heat_map=r.HeatMap(
            tuple(t.days for t in inside),
            deltas,
            tuple(tuple(_vol(t.days, 0.6 * (0.5 - d)) for d in deltas) for t in inside),
        ),
        greeks=r.GreekCurves(30.0, tuple(strike), tuple(0.13 * bell), tuple(0.17 * bell)),
        vegas=tuple(r.AtMoneyVega(float(d), 0.4 * SPOT / 100 * np.sqrt(d / 365)) for d in expirations),
    )


def _vol(days: float, z: float) -> float:
    """Vol z stdevs from the forward."""
    return float(law(days).stdev / np.sqrt(days / 365) * (0.96 + 0.05 * z + 0.03 * z**2))


def _forward_vol(a: float, b: float) -> float:
    return np.sqrt((_vol(b, 0) ** 2 * b - (_vol(a, 0) ** 2 * a if a else 0.0)) / (b - a))


def _wings(days: float) -> tuple[float, float, float]:
    """At the money, risk reversal and butterfly at 25 deltas."""
    atm, call, put = (_vol(days, z) for z in (0.0, 0.6745, -0.6745))
    return atm, call - put, 0.5 * (call + put) - atm


def _expiration(days: int) -> r.Expiration:
    atm, rr, bf = _wings(days)
    skewness, excess_kurtosis = law(days).shape()
    return r.Expiration(
        expiration=SESSION + dt.timedelta(days=days),
        days=float(days),
        years=days / 365,
        forward=forward_of(days, SPOT),
        model="mixture_4",
        atm_vol=atm,
        rr25=rr,
        bf25=bf,
        rr10=1.9 * rr,
        bf10=3.4 * bf,
        call25_vol=atm + bf + rr / 2,
        put25_vol=atm + bf - rr / 2,
        model_free_vol=atm + 0.006,
        skewness=skewness,
        excess_kurtosis=excess_kurtosis,
        moments_source="surface",
        quotes=44,
        calls=23,
        lowest_strike=0.8 * SPOT,
        highest_strike=1.25 * SPOT,
        rmse_vol=0.0009,
        half_spread_vol=0.003,
        error_half_spreads=0.31,
        within_spread=0.97,
        outside_share=0.021,
        min_density=0.0002,
        calendar_gap=0.0,
        flags=(),
    )


def _tenor(days: int, longest: int, shortest: int) -> r.Tenor:
    atm, rr, bf = _wings(days)
    return r.Tenor(
        days=days,
        years=days / 365,
        forward=forward_of(days, SPOT),
        atm_vol=atm,
        rr25=rr,
        bf25=bf,
        model_free_vol=atm + 0.006,
        extrapolated=not shortest <= days <= longest,
        confidence=0.94,
    )


def _smile(days: int) -> r.SmileCurve:
    forward, stdev = forward_of(days, SPOT), law(days).stdev
    z = np.linspace(-2.6, 2.8, 61)
    quoted = np.linspace(-2.2, 2.4, 23)
    quotes = []
    for at in quoted:
        mid = _vol(days, at) + 0.0008 * np.sin(7 * at)
        half = 0.002 + 0.0015 * at**2
        quotes.append(
            r.Quote(
                strike=round(forward * float(np.exp(at * stdev)), 1),
                right="C" if at >= 0 else "P",
                k=float(at * stdev),
                delta=float(ndtr(-at)),
                bid_vol=mid - half,
                mid_vol=mid,
                ask_vol=mid + half,
            )
        )
    return r.SmileCurve(
        expiration=SESSION + dt.timedelta(days=days),
        days=float(days),
        forward=forward,
        k=tuple(z * stdev),
        vol=tuple(_vol(days, at) for at in z),
        quotes=tuple(quotes),
    )


def realised(*, estimators: tuple[str, ...] = ("close", "range"), shift: float = 0.0) -> r.Realised:
    cone = []
    for estimator in estimators:
        for length in CONE:
            wide = 0.42 * (length / 7) ** -0.28
            middle = 0.142 + shift - (0.006 if estimator == "range" else 0.0)
            levels = middle * np.exp(wide * np.array([-1.2816, -0.6745, 0.0, 0.6745, 1.2816]))
            cone.append(
                r.ConeWindow(
                    length,
                    estimator,
                    *map(float, levels),
                    middle * 0.94,
                    4200 - length,
                    4200 / length,
                    1 + length / 4200,
                )
            )
    return r.Realised(
        first=dt.date(2007, 4, 12),
        last=SESSION,
        sessions=4261,
        mean_return=0.051,
        vol=0.171 + shift,
        skewness=-0.31,
        excess_kurtosis=6.4,
        cone=tuple(cone),
        jumps=_jumps(),
        jump_notice=3.0,
        jump_significance=4.82,
        jumps_found=78,
        jumps_expected=11.5,
    )


def _jumps() -> tuple[r.Jump, ...]:
    listed = (
        ("2024-02-13", -0.0136, -3.2),
        ("2023-12-04", -0.0205, -3.4),
        ("2023-10-13", 0.0322, 5.3),
        ("2023-03-17", 0.0312, 4.1),
        ("2023-02-03", -0.0259, -4.0),
        ("2022-11-04", 0.0312, 3.6),
        ("2022-03-09", -0.0310, -3.5),
        ("2021-11-10", 0.0149, 3.1),
        ("2021-08-09", -0.0212, -3.3),
        ("2021-06-17", -0.0478, -6.2),
        ("2021-01-08", -0.0363, -4.9),
        ("2020-11-09", -0.0456, -5.1),
        ("2020-08-11", -0.0551, -5.7),
        ("2020-03-23", 0.0468, 3.1),
        ("2020-02-28", -0.0391, -5.6),
        ("2019-06-20", 0.0252, 4.6),
        ("2018-10-11", 0.0255, 3.9),
        ("2017-05-17", 0.0183, 3.2),
        ("2016-11-11", -0.0270, -3.0),
        ("2016-06-24", 0.0493, 6.1),
    )
    return tuple(r.Jump(dt.date.fromisoformat(day), move, z, abs(z) > 4.82) for day, move, z in listed)


def signal(ratio: float) -> str:
    return "SELL VOL" if ratio > 1.15 else "BUY VOL" if ratio < 0.85 else "NEUTRAL"


def ratios(expirations: tuple[int, ...] = EXPIRATION_DAYS, shift: float = 0.0) -> tuple[r.Ratio, ...]:
    rows = []
    for days in expirations:
        sessions = max(1, round(days * 252 / 365))
        length = min(CONE, key=lambda one: abs(one - sessions))
        implied, trailing, forecast = _vol(days, 0), 0.1335 + shift, realised_vol(days)
        signals = [signal(implied / other) for other in (trailing, forecast)]
        rows.append(
            r.Ratio(
                days=float(days),
                sessions=sessions,
                implied_vol=implied,
                trailing_window=length,
                trailing_vol=trailing,
                ratio=implied / trailing,
                signal=signals[0],
                forecast_vol=forecast,
                forecast_ratio=implied / forecast,
                forecast_signal=signals[1],
                variance_premium=implied**2 - forecast**2,
                cone_percentile=0.57,
            )
        )
    return tuple(rows)


@cache
def instrument(
    name: str = "GLD",
    expirations: tuple[int, ...] = EXPIRATION_DAYS,
    tenors: tuple[int, ...] = TENOR_DAYS,
    *,
    with_posterior: bool = True,
) -> r.Instrument:
    is_gld = name == "GLD"
    spot, expense = (SPOT, 0.0) if is_gld else (SPOT * RATIO, EXPENSE)
    ahead = [(days, False) for days in expirations] + [(days, True) for days in tenors]
    return r.Instrument(
        name=name,
        spot=r.Spot(spot, "close" if is_gld else "basis", SPOT if is_gld else None),
        realised=realised() if is_gld else realised(estimators=("close",), shift=0.004),
        ratios=ratios(expirations, 0.0 if is_gld else 0.003),
        ratio_history=r.RatioHistory(3940, 1.17, 0.58, 0.53, 0.33, 0.14, 0.78, 0.70),
        horizons=tuple(
            horizon(days, spot, expense, is_tenor=is_tenor, with_posterior=with_posterior)
            for days, is_tenor in sorted(ahead)
        ),
        densities=tuple(
            density(days, spot, expense, with_posterior=with_posterior) for days in (30, 91, 182) if days in tenors
        ),
    )


def quality() -> r.Quality:
    """Points off for wide spreads and a parity gap."""
    rules = (
        ("expirations", 0, 30, 10.0, {"count": 10}),
        ("smiles", 0, 15, 10.0, {"count": 10, "total": 11}),
        ("wings", 0, 10, 2.1, {"percent": 2.1}),
        ("raw_arbitrage", 2, 15, 2.0, {"count": 2, "total": 1130}),
        ("crossed", 0, 30, 0.0, {"count": 0}),
        ("parity", 3, 15, 12.4, {"basis_points": 12.4}),
        ("spreads", 5, 15, 0.62, {"points": 0.62}),
        ("staleness", 0, 10, 0.0, {"minutes": 0}),
        ("cone", 0, 10, 8.0, {"count": 8, "total": 8, "sessions": 4261}),
    )
    penalties = tuple(
        r.Penalty(code, points, most, measured, Words("en")(f"penalty.{code}", **values), values)
        for code, points, most, measured, values in rules
    )
    return r.Quality(90, "good", penalties)


def sources() -> tuple[r.Source, ...]:
    listed = (
        ("curated/gld_chain", 1, 1842, SESSION, "9c1f0a77d2e4"),
        ("surface/gld", 1, 12, SESSION, "41be9d036a55"),
        ("tenors/gld", 253, 3036, dt.date(2023, 3, 15), "e07d52c8b19f"),
        ("curated/bars", 4262, 38214, dt.date(2007, 4, 11), "5530b6ff2ac1"),
    )
    return tuple(
        r.Source(name, sessions, rows, first, SESSION, mark * 5 + mark[:4])
        for name, sessions, rows, first, mark in listed
    )


def report(**changes: Any) -> r.GoldReport:
    """The whole report, nothing missing."""
    whole = r.GoldReport(
        session=SESSION,
        quote_time=dt.datetime(2024, 3, 15, 20, tzinfo=dt.UTC),
        source="yahoo",
        rate=RATE,
        rate_source="vendor",
        gvz=r.Gvz(0.1484, -0.0031, 0.1532, 0.1519),
        surface=surface(),
        gld=instrument("GLD"),
        xau=instrument("XAU/USD"),
        blend=r.Blend(0.42, 0.87, "precision", "har", 3411, 162.4, 0.39, 0.36, 0.61),
        basis=r.Basis(
            2156.9, SPOT, RATIO, 0.00042, 63, 0.0031, 1 / RATIO, 0.09256, float(np.log(1 / RATIO / 0.09256)), 0.004
        ),
        quality=quality(),
        degraded=False,
        notices=(),
        sources=sources(),
    )
    return dataclasses.replace(whole, **changes)


def document(**changes: Any) -> dict[str, Any]:
    """The document of `report(**changes)`, as far as pages read it."""
    return {"schema_version": "3.0", "meta": {"pipeline_version": "0.1.0"}, "analysis": plain(report(**changes))}
