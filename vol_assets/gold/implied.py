"""What the option surface says, read off the tables that hold it: term structure, smiles, ranks, greeks.

Nothing is fitted here. Constant maturities outside the listed expirations are left out of everything but `tenors`,
where they are marked.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.special import ndtr

from vol_assets import clock
from vol_assets.contracts.tenors import DELTAS
from vol_assets.gold.inputs import GoldInputs
from vol_assets.gold.report import (
    AtMoneyVega,
    Band,
    EarlierTermStructure,
    Expiration,
    ForwardVol,
    GreekCurves,
    HeatMap,
    Quote,
    Rank,
    SmileCurve,
    SurfaceReading,
    Tenor,
)
from vol_assets.quant import malz
from vol_assets.quant.greeks import gamma, vega
from vol_assets.quant.surface import Surface

FARTHEST_DAYS = 400.0  # smiles beyond are listed, not drawn
YEAR_SESSIONS = 252
GVZ_SESSIONS = 240  # of the year, with a close
BAND_SESSIONS = 60  # stored, before percentiles of the skew say anything
BAND_DAYS = (30, 91, 182)
GVZ_DAYS = 30
AGO = {"day": 1, "week": 5, "month": 21}
FLAT = 1e-6  # of the total variance: a gain below is rounding on a lifted stretch
CURVE_POINTS, CURVE_MARGIN = 61, 0.05  # of a smile; how far beyond its quotes, as a share of their width
GREEK_STDEVS, GREEK_POINTS = 3.0, 81


def read_surface(inputs: GoldInputs, surface: Surface, rate: float, gvz: pd.Series) -> SurfaceReading:
    """The reading of a session; `gvz`: the index by session, decimal, up to this one."""
    rows, tenors = inputs.surface, _tenors(inputs.tenors)
    inside = [tenor.days for tenor in tenors if not tenor.extrapolated]
    now = inputs.tenors[inputs.tenors["tenor_days"].isin(inside)].sort_values("tenor_days")
    past = inputs.earlier_tenors[~inputs.earlier_tenors["extrapolated"].astype(bool)]
    return SurfaceReading(
        expirations=_expirations(rows, inputs.quotes),
        tenors=tenors,
        forward_vols=_forward_vols(rows),
        earlier=_earlier(inputs, past),
        bands=_bands(now, past),
        ranks=tuple(_rank(row.tenor_days, row.atm_vol, past, gvz, inputs.session) for row in now.itertuples()),
        smiles=_smiles(rows, inputs.quotes, surface),
        heat_map=_heat_map(now),
        greeks=_greeks(surface, rows, rate, GVZ_DAYS in inside),
        vegas=_vegas(rows),
    )


def _expirations(rows: pd.DataFrame, quotes: pd.DataFrame) -> tuple[Expiration, ...]:
    fitted = quotes[quotes["role"] == "fit"]
    calls = fitted[fitted["right"] == "C"].groupby("expiration").size()
    expansion = malz.backus_foresi_wu(rows["atm_vol"], rows["rr25"], rows["bf25"])
    found = []
    for i, row in enumerate(rows.itertuples()):
        few = row.model == "essvi"
        skewness, excess = (float(part[i]) for part in expansion) if few else (row.skewness, row.kurtosis - 3.0)
        found.append(
            Expiration(
                expiration=row.expiration.date(),
                days=365.0 * row.years,
                years=row.years,
                forward=row.forward,
                model=row.model,
                atm_vol=row.atm_vol,
                rr25=row.rr25,
                bf25=row.bf25,
                rr10=row.rr10,
                bf10=row.bf10,
                call25_vol=row.atm_vol + row.bf25 + 0.5 * row.rr25,
                put25_vol=row.atm_vol + row.bf25 - 0.5 * row.rr25,
                model_free_vol=row.model_free_vol,
                skewness=skewness,
                excess_kurtosis=excess,
                moments_source="expansion" if few else "surface",
                quotes=int(row.quotes),
                calls=int(calls.get(row.expiration, 0)),
                lowest_strike=row.lowest_strike,
                highest_strike=row.highest_strike,
                rmse_vol=row.rmse_vol,
                half_spread_vol=row.half_spread_vol,
                error_half_spreads=row.error_half_spreads,
                within_spread=row.within_spread,
                outside_share=row.outside_share,
                min_density=row.min_density,
                calendar_gap=row.calendar_gap,
                flags=tuple(filter(None, row.quality_flags.split(","))),
            )
        )
    return tuple(found)


def _tenors(rows: pd.DataFrame) -> tuple[Tenor, ...]:
    return tuple(
        Tenor(
            days=int(row.tenor_days),
            years=row.years,
            forward=row.forward,
            atm_vol=row.atm_vol,
            rr25=row.rr25,
            bf25=row.bf25,
            model_free_vol=row.model_free_vol,
            extrapolated=bool(row.extrapolated),
            confidence=row.confidence,
        )
        for row in rows.sort_values("tenor_days").itertuples()
    )


def _forward_vols(rows: pd.DataFrame) -> tuple[ForwardVol, ...]:
    """None where total variance does not grow: the surface has been lifted there to keep it from falling."""
    years = np.append(0.0, rows["years"])
    variance = np.append(0.0, rows["atm_vol"] ** 2 * rows["years"])
    gained, passed = np.diff(variance), np.diff(years)
    return tuple(
        ForwardVol(365.0 * start, 365.0 * end, float(np.sqrt(more / time)) if more > FLAT * level else None)
        for start, end, more, time, level in zip(years, years[1:], gained, passed, variance[1:])
    )


def _earlier(inputs: GoldInputs, past: pd.DataFrame) -> tuple[EarlierTermStructure, ...]:
    found = []
    for ago, count in AGO.items():
        session = clock.offset(inputs.session, -count)
        rows = past[past["date"] == pd.Timestamp(session)].sort_values("tenor_days")
        if len(rows):
            days, vols = (tuple(rows[name].tolist()) for name in ("tenor_days", "atm_vol"))
            found.append(EarlierTermStructure(ago, session, days, vols))
    return tuple(found)


def _bands(now: pd.DataFrame, past: pd.DataFrame) -> tuple[Band, ...]:
    found = []
    for row in now[now["tenor_days"].isin(BAND_DAYS)].itertuples():
        for what in ("rr25", "bf25"):
            value = getattr(row, what)
            history = np.append(past.loc[past["tenor_days"] == row.tenor_days, what].tail(YEAR_SESSIONS - 1), value)
            if len(history) >= BAND_SESSIONS:
                low, middle, high = np.quantile(history, (0.1, 0.5, 0.9)).tolist()
                share = float((history <= value).mean())
                found.append(Band(int(row.tenor_days), what, value, low, middle, high, share, len(history)))
    return tuple(found)


def _rank(days: int, vol: float, past: pd.DataFrame, gvz: pd.Series, session) -> Rank:
    """Among the tenor's own last year where it is stored; at 30 days among GVZ's until then."""
    own = past.loc[past["tenor_days"] == days, "atm_vol"].tail(YEAR_SESSIONS - 1)
    stored = len(own) + 1
    if stored >= YEAR_SESSIONS:
        return _ranked(int(days), vol, np.append(own, vol), "tenors")
    index = gvz.loc[pd.Timestamp(clock.at_most_before(session, YEAR_SESSIONS - 1)) :].dropna()
    if days == GVZ_DAYS and len(index) >= GVZ_SESSIONS and index.index[-1] == pd.Timestamp(session):
        return _ranked(int(days), float(index.iloc[-1]), index.to_numpy(), "gvz")
    why = f"{stored} of {YEAR_SESSIONS} sessions are stored"
    return Rank(int(days), vol, None, None, None, None, stored, None, why)


def _ranked(days: int, now: float, window: np.ndarray, source: str) -> Rank:
    low, high = float(window.min()), float(window.max())
    rank = (now - low) / (high - low) if high > low else 0.5
    return Rank(days, now, rank, float((window[:-1] < now).mean()), low, high, len(window), source, None)


def _smiles(rows: pd.DataFrame, quotes: pd.DataFrame, surface: Surface) -> tuple[SmileCurve, ...]:
    by_expiration = dict(tuple(quotes[quotes["role"] == "fit"].sort_values(["strike", "right"]).groupby("expiration")))
    ends = np.log(rows[["lowest_strike", "highest_strike"]].to_numpy() / rows[["forward"]].to_numpy())
    ends = ends + CURVE_MARGIN * (ends[:, 1:] - ends[:, :1]) * np.array([-1.0, 1.0])
    k = ends[:, :1] + (ends[:, 1:] - ends[:, :1]) * np.linspace(0.0, 1.0, CURVE_POINTS)
    vols = surface.expirations.vol(k)
    curves = []
    for i, row in enumerate(rows.itertuples()):
        if 365.0 * row.years > FARTHEST_DAYS:
            break
        known = np.isfinite(vols[i])
        curves.append(
            SmileCurve(
                expiration=row.expiration.date(),
                days=365.0 * row.years,
                forward=row.forward,
                k=tuple(k[i, known].tolist()),
                vol=tuple(vols[i, known].tolist()),
                quotes=_quotes(by_expiration.get(row.expiration), row.years),
            )
        )
    return tuple(curves)


def _quotes(quotes: pd.DataFrame | None, years: float) -> tuple[Quote, ...]:
    if quotes is None:
        return ()
    k, mid = quotes["k"].to_numpy(float), quotes["mid_vol"].to_numpy(float)
    stdev = mid * np.sqrt(years)
    delta = ndtr(-k / stdev + 0.5 * stdev)
    columns = (quotes[name].tolist() for name in ("strike", "right", "k", "bid_vol", "mid_vol", "ask_vol"))
    return tuple(
        Quote(strike, right, at, float(d), bid, middle, ask)
        for (strike, right, at, bid, middle, ask), d in zip(zip(*columns), delta)
    )


def _heat_map(now: pd.DataFrame) -> HeatMap | None:
    if now.empty:
        return None
    vols = now[[f"vol_d{d}" for d in DELTAS]].to_numpy()
    return HeatMap(
        tuple(int(days) for days in now["tenor_days"]),
        tuple(d / 100.0 for d in DELTAS),
        tuple(map(tuple, vols.tolist())),
    )


def _greeks(surface: Surface, rows: pd.DataFrame, rate: float, at_month: bool) -> GreekCurves | None:
    """At 30 days where the surface encloses it, else at the expiration nearest to it."""
    years = GVZ_DAYS / 365.0 if at_month else rows["years"].iloc[(rows["years"] - GVZ_DAYS / 365.0).abs().argmin()]
    smile = surface.smiles([years])
    k = np.linspace(-GREEK_STDEVS, GREEK_STDEVS, GREEK_POINTS) * smile.at_money[0]
    vols, forward = smile.vol(k)[0], float(smile.forward[0])
    known = np.isfinite(vols)
    k, vols = k[known], vols[known]
    strike, spot = forward * np.exp(k), surface.spot
    carry = rate - np.log(forward / spot) / years
    arguments = (forward, strike, years, vols)
    return GreekCurves(
        days=365.0 * years,
        strike=tuple(strike.tolist()),
        dollar_gamma=tuple((gamma(*arguments, rate=rate, carry=carry) * spot**2 / 100.0).tolist()),
        vega=tuple((vega(*arguments, rate=rate) / 100.0).tolist()),
    )


def _vegas(rows: pd.DataFrame) -> tuple[AtMoneyVega, ...]:
    values = vega(rows["forward"], rows["forward"], rows["years"], rows["atm_vol"], rate=rows["rate"]) / 100.0
    return tuple(AtMoneyVega(365.0 * years, value) for years, value in zip(rows["years"].tolist(), values.tolist()))
