"""From the inputs of a session to its GoldReport.

The surface says what options price in (Q). GLD's bars say what was realised and forecast what may be; both together
make the posterior (P). XAU/USD is the same market at another level: laws of the log return are GLD's, prices go through
the basis. What cannot be had is None, with a notice.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import dataclass

import numpy as np
import pandas as pd

from vol_assets import clock
from vol_assets.gold.bars import Bars
from vol_assets.gold.basis import WINDOW, gold_basis
from vol_assets.gold.blend import equal_blend, learn_blend, posterior_variance
from vol_assets.gold.har import FIRST_FIT, VarianceForecast, forecast_variance
from vol_assets.gold.implied import FARTHEST_DAYS, YEAR_SESSIONS, read_surface
from vol_assets.gold.inputs import GoldInputs
from vol_assets.gold.law import Law
from vol_assets.gold.notices import notice
from vol_assets.gold.quality import FEW_EXPIRATIONS, FULL_HISTORY, quality
from vol_assets.gold.ratios import ratio_history, ratios
from vol_assets.gold.realised import realised
from vol_assets.gold.report import (
    Basis,
    Blend,
    GoldReport,
    Gvz,
    Horizon,
    Instrument,
    Notice,
    Realised,
    Source,
    Spot,
    SurfaceReading,
)
from vol_assets.gold.windows import Listed, densities, horizons
from vol_assets.quant.rates import zero_rate
from vol_assets.quant.surface import Surface
from vol_assets.surfaces.fit import surface_of

RATE_DAYS = 30
FARTHEST_TENOR_DAYS = 365
DENSITY_DAYS = (30, 91, 182)
SPOT_GAP = 0.001  # of the close from parity: beyond it they are prices of two instants
SPOT_OFF = 0.02  # beyond it one of the two is another market's
CROSSED_LIFT = 1e-4  # of the forward, a cent or two: lifts below are what ticks leave of sound quotes
STALE_MINUTES = 60
BASIS_OFF, BASIS_BROKEN = 0.005, 0.02  # from the trust's stated ounces


def analyse(inputs: GoldInputs) -> GoldReport:
    """The report of a session."""
    surface = surface_of(inputs.surface)
    bars = Bars.of(inputs)
    gvz = bars.closes("GVZ") / 100.0
    rate = float(zero_rate(365.0 * surface.years, inputs.surface["rate"].to_numpy(float), np.array([RATE_DAYS]))[0])
    reading = read_surface(inputs, surface, rate, gvz)
    spot, gap, notices = _spot(surface, bars)
    minutes = _minutes_from_close(inputs)
    returns, variances = bars.returns("GLD"), bars.variances("GLD")
    past = realised(returns, variances)
    listed = _listed(inputs)
    sessions = sorted({each.sessions for each in listed})
    ahead = None if returns.empty else forecast_variance(returns, variances, sessions)
    blend = None if ahead is None else learn_blend(returns, variances, gvz if len(gvz) else None, ahead.source)
    laws = _Laws.of(surface, listed, ahead, blend)
    gld = _instrument("GLD", spot, 1.0, 0.0, reading, laws, past, returns, gvz, ahead)
    basis = gold_basis(bars.closes("GLD"), bars.closes("GC=F"), inputs.session, spot.price)
    xau = None
    if basis is not None and abs(basis.deviation) <= BASIS_BROKEN:
        price = Spot(spot.price * basis.ratio, "basis", None)
        own = bars.returns("GC=F")
        past_of_metal = realised(own, None)
        xau = _instrument("XAU/USD", price, basis.ratio, basis.expense, reading, laws, past_of_metal, own, gvz, ahead)
    near = 365.0 * inputs.surface["years"] <= FARTHEST_DAYS
    crossed = int((near & (inputs.surface["lift"] > CROSSED_LIFT)).sum())
    notices += _of_surface(reading, gld.horizons, crossed, minutes)
    notices += _of_history(bars, past, ahead)
    notices += _of_metal(bars, basis)
    degraded = any(each.degrades for each in notices)
    return GoldReport(
        session=inputs.session,
        quote_time=inputs.surface["quote_time"].iloc[0].to_pydatetime(),
        source=inputs.source,
        rate=rate,
        rate_source=inputs.surface["rate_source"].iloc[0],
        gvz=_gvz(inputs, bars),
        surface=reading,
        gld=gld,
        xau=xau,
        blend=blend,
        basis=basis if xau else None,
        quality=quality(reading.expirations, inputs.quotes, gap, minutes, past, crossed, degraded),
        degraded=degraded,
        notices=tuple(notices),
        sources=tuple(_source(name, table) for name, table in inputs.tables().items()),
    )


@dataclass(frozen=True)
class _Laws:
    """The laws of the log return to every horizon, and what the posterior is made of."""

    listed: tuple[Listed, ...]
    forward: np.ndarray  # GLD's
    q: Law
    realised_total: np.ndarray | None
    posterior_total: np.ndarray | None
    equal_total: np.ndarray | None
    adjusted: np.ndarray | None

    @classmethod
    def of(
        cls, surface: Surface, listed: tuple[Listed, ...], ahead: VarianceForecast | None, blend: Blend | None
    ) -> _Laws:
        years = np.array([each.years for each in listed])
        smiles = surface.smiles(years)
        q = Law(*smiles.mixtures())
        if ahead is None or blend is None:
            return cls(listed, smiles.forward, q, None, None, None, None)
        sessions = np.array([each.sessions for each in listed])
        realised_total = ahead.total_variance[np.searchsorted(ahead.horizons, sessions)]
        posterior_total, adjusted = posterior_variance(q.variance, realised_total, years, blend)
        equal_total, _ = posterior_variance(q.variance, realised_total, years, equal_blend(ahead.source))
        return cls(listed, smiles.forward, q, realised_total, posterior_total, equal_total, adjusted)


def _listed(inputs: GoldInputs) -> tuple[Listed, ...]:
    """The horizons, ascending: expirations and constant maturities between them."""
    rows, session = inputs.surface, inputs.session
    years = rows["years"].to_numpy(float)
    ends = np.log(rows[["lowest_strike", "highest_strike"]].to_numpy(float) / rows[["forward"]].to_numpy(float))
    rough = (rows["model"] == "essvi").to_numpy() | (rows["lift"] > CROSSED_LIFT).to_numpy()

    def listed(kind: str, expiration: dt.date | None, to: float, last: dt.date) -> Listed:
        place = np.interp(to, years, np.arange(len(years)))
        around = sorted({int(np.floor(place + 1e-9)), int(np.ceil(place - 1e-9))})
        quoted = float(ends[around, 0].max()), float(ends[around, 1].min())
        shape = "approximate" if rough[around].any() else "mixture"
        return Listed(kind, expiration, 365.0 * to, to, _sessions(session, last), quoted, shape)

    found = [
        listed("expiration", row.expiration.date(), row.years, row.expiration.date())
        for row in rows[365.0 * rows["years"] <= FARTHEST_DAYS].itertuples()
    ]
    tenors = inputs.tenors[~inputs.tenors["extrapolated"].astype(bool)]
    found += [
        listed("tenor", None, row.years, session + dt.timedelta(days=int(row.tenor_days)))
        for row in tenors[tenors["tenor_days"] <= FARTHEST_TENOR_DAYS].itertuples()
    ]
    return tuple(sorted(found, key=lambda each: (each.years, each.kind)))


def _instrument(
    name: str,
    spot: Spot,
    ratio: float,
    expense: float,
    reading: SurfaceReading,
    laws: _Laws,
    past: Realised | None,
    returns: pd.Series,
    gvz: pd.Series,
    ahead: VarianceForecast | None,
) -> Instrument:
    """One instrument: GLD's laws at its own level and drift, beside its own history."""
    years = np.array([each.years for each in laws.listed])
    forward = laws.forward * ratio * np.exp(expense * years)
    expirations = [each for each in laws.listed if each.kind == "expiration"]
    vols = [each.atm_vol for each in reading.expirations[: len(expirations)]]
    parts = (laws.realised_total, laws.posterior_total, laws.equal_total, laws.adjusted)
    return Instrument(
        name=name,
        spot=spot,
        realised=past,
        ratios=ratios(
            [each.days for each in expirations], [each.sessions for each in expirations], vols, past, returns, ahead
        ),
        ratio_history=ratio_history(returns, gvz),
        horizons=horizons(laws.listed, laws.q, forward, spot.price, *parts),
        densities=densities(DENSITY_DAYS, laws.listed, laws.q, forward, laws.posterior_total),
    )


def _spot(surface: Surface, bars: Bars) -> tuple[Spot, float | None, list[Notice]]:
    """GLD's price when its options were quoted, how far its close is from what they imply (log), and what is to be
    said of it. Forwards are the options' own, so the spot must be of their instant."""
    close, parity = bars.today("GLD"), float(surface.spot)
    if close is None:
        return Spot(parity, "parity", None), None, [notice("spot_from_parity")]
    gap = float(np.log(close / parity))
    if abs(gap) <= SPOT_GAP:
        return Spot(close, "close", close), gap, []
    code = "spot_off" if abs(gap) > SPOT_OFF else "spot_gap"
    return Spot(parity, "parity", close), gap, [notice(code, basis_points=round(1e4 * gap))]


def _gvz(inputs: GoldInputs, bars: Bars) -> Gvz | None:
    level = bars.today("GVZ")
    if level is None:
        return None
    before = bars.closes("GVZ").get(pd.Timestamp(clock.at_most_before(inputs.session, 1)), np.nan)
    change = (level - before) / 100.0
    month = inputs.tenors[(inputs.tenors["tenor_days"] == RATE_DAYS) & ~inputs.tenors["extrapolated"].astype(bool)]
    own, by_cboe = (
        float(month[name].iloc[0]) if len(month) else np.nan for name in ("model_free_vol", "index_vix_style")
    )
    known = [None if np.isnan(value) else float(value) for value in (change, own, by_cboe)]
    return Gvz(level / 100.0, *known)


def _of_surface(reading: SurfaceReading, found: tuple[Horizon, ...], crossed: int, minutes: float) -> list[Notice]:
    near = [each for each in reading.expirations if each.days <= FARTHEST_DAYS]
    thin = sum(each.moments_source == "expansion" for each in near)
    rough = sum(each.shape == "approximate" for each in found)
    levelled = sum(each.calendar_adjusted for each in found)
    projected = sum(each.cornish_fisher is not None and each.cornish_fisher.projected for each in found)
    unranked = [rank.sessions for rank in reading.ranks if rank.source is None]
    said = [
        len(near) < FEW_EXPIRATIONS and notice("few_expirations", count=len(near)),
        crossed and notice("crossed_surface", count=crossed),
        2 * thin > len(near) and notice("thin_surface", count=thin, total=len(near)),
        0 < 2 * thin <= len(near) and notice("thin_expirations", count=thin),
        rough and notice("approximate_shapes", count=rough),
        not reading.tenors and notice("no_tenors"),
        minutes > STALE_MINUTES and notice("stale_quotes", minutes=round(minutes)),
        unranked and notice("no_year_of_tenors", stored=max(unranked), needed=YEAR_SESSIONS),
        levelled and notice("calendar_levelled", count=levelled),
        projected and notice("cornish_fisher_projected", count=projected),
    ]
    return [each for each in said if each]


def _of_history(bars: Bars, past: Realised | None, ahead: VarianceForecast | None) -> list[Notice]:
    no_gvz = [notice("no_gvz")] if bars.today("GVZ") is None else []
    if "GLD" in bars.ended:
        return [*no_gvz, notice("old_bars", last=f"{bars.ended['GLD']:%Y-%m-%d}")]
    last = bars.last("GLD")
    if last is None:
        return [*no_gvz, notice("no_bars")]
    known = int(bars.returns("GLD").notna().sum())
    said = [
        last < bars.session and notice("late_bars", last=f"{last:%Y-%m-%d}"),
        (past is None or past.sessions < FULL_HISTORY) and notice("short_history", sessions=known, needed=FULL_HISTORY),
        ahead is None and notice("no_forecast", sessions=known),
        ahead is not None
        and ahead.source == "trailing"
        and notice("trailing_forecast", sessions=known, needed=FIRST_FIT),
    ]
    return [*no_gvz, *(each for each in said if each)]


def _of_metal(bars: Bars, basis: Basis | None) -> list[Notice]:
    if "GC=F" in bars.ended:
        return [notice("old_future", last=f"{bars.ended['GC=F']:%Y-%m-%d}")]
    if bars.last("GC=F") is None:
        return [notice("no_future", window=WINDOW)]
    if basis is None:
        return [notice("no_basis", window=WINDOW)]
    off = round(1e4 * basis.deviation)
    if abs(basis.deviation) > BASIS_BROKEN:
        return [notice("basis_broken", basis_points=off)]
    few = dict(sessions=basis.sessions, basis_points=round(1e4 * basis.ratio_error, 1))
    said = [
        basis.sessions < WINDOW // 3 and notice("few_basis_sessions", **few),
        bars.today("GC=F") is None and notice("future_missing_today"),
        abs(basis.deviation) > BASIS_OFF and notice("basis_off", basis_points=off),
    ]
    return [each for each in said if each]


def _minutes_from_close(inputs: GoldInputs) -> float:
    quoted = inputs.surface["quote_time"].iloc[0]
    return abs((quoted - clock.close_instant(inputs.session)).total_seconds()) / 60.0


def _sessions(session: dt.date, last: dt.date) -> int:
    """Exchange sessions after `session` to `last`, at least one."""
    return max(1, len(clock.sessions(session, last)) - 1)


def _source(name: str, table: pd.DataFrame) -> Source:
    days = pd.to_datetime(table["date"]) if len(table) else pd.Series(dtype="datetime64[ns]")
    digest = hashlib.sha256(",".join(table.columns).encode())
    digest.update(pd.util.hash_pandas_object(table, index=False).to_numpy().tobytes())
    ends = (days.min().date(), days.max().date()) if len(days) else (None, None)
    return Source(name, int(days.nunique()), len(table), *ends, digest.hexdigest())
