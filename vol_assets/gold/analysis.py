"""From the inputs of a session to its GoldReport.

The surface says what options price in (Q). GLD's bars say what was realised and forecast what may be; both together
make the posterior (P). XAU/USD is the same market at another level: laws of the log return are GLD's, prices go through
the basis. What cannot be had is None, with a notice.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
import pandas as pd

from vol_assets import clock
from vol_assets.gold.basis import WINDOW, gold_basis
from vol_assets.gold.blend import equal_blend, learn_blend, posterior_variance
from vol_assets.gold.har import FIRST_FIT, VarianceForecast, forecast_variance
from vol_assets.gold.implied import FARTHEST_DAYS, YEAR_SESSIONS, read_surface
from vol_assets.gold.inputs import BAR_SESSIONS, GoldInputs
from vol_assets.gold.law import Law
from vol_assets.gold.notices import notice
from vol_assets.gold.quality import FEW_EXPIRATIONS, quality
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
SPOT_GAP = 0.02  # between the close and parity: beyond it one of the two is another market's
STALE_MINUTES = 60
OLD_BARS_SESSIONS = 5
BASIS_OFF = 0.005
FULL_HISTORY = BAR_SESSIONS // 2  # three years: the cone's longest window four times over


def analyse(inputs: GoldInputs) -> GoldReport:
    """The report of a session."""
    surface = surface_of(inputs.surface)
    bars = _Bars.of(inputs)
    rate = float(zero_rate(365.0 * surface.years, inputs.surface["rate"].to_numpy(float), np.array([RATE_DAYS]))[0])
    reading = read_surface(inputs, surface, rate, bars.gvz)
    spot, gap, notices = _spot(surface, bars)
    minutes = _minutes_from_close(inputs)
    past = realised(bars.returns, bars.variances)
    forecast_horizons, ahead = _ahead(inputs, surface, bars)
    basis = gold_basis(bars.closes("GLD"), bars.closes("GC=F"), inputs.session, spot.price)
    future = realised(bars.of_symbol("GC=F", "log_return"), None) if basis else None
    blend = None if ahead is None else learn_blend(bars.returns, bars.variances, bars.gvz_or_none, ahead.source)
    laws = _Laws.of(surface, forecast_horizons, ahead, blend)
    gld = _instrument("GLD", spot, 1.0, 0.0, reading, laws, past, bars.returns, bars, ahead)
    xau = None
    if basis:
        price = Spot(spot.price * basis.ratio, "basis")
        returns = bars.of_symbol("GC=F", "log_return")
        xau = _instrument("XAU/USD", price, basis.ratio, basis.expense, reading, laws, future, returns, bars, ahead)
    notices += _notices(inputs, reading, bars, past, ahead, basis, gld.horizons, minutes)
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
        basis=basis,
        quality=quality(reading.expirations, inputs.quotes, gap, minutes, past),
        degraded=any(each.degrades for each in notices),
        notices=tuple(notices),
        sources=tuple(_source(name, table) for name, table in inputs.tables().items()),
    )


@dataclass(frozen=True)
class _Bars:
    """The bars by symbol, sessions ascending; what is flagged as no price of that day is left out."""

    session: pd.Timestamp
    rows: pd.DataFrame
    ended: pd.Timestamp | None  # GLD's last bar, where it is too old to be of use: then there are no rows

    @classmethod
    def of(cls, inputs: GoldInputs) -> _Bars:
        flagged = inputs.bars["quality_flags"].str.contains("not_positive|implausible_level")
        rows, session = inputs.bars[~flagged & (inputs.bars["close"] > 0)], pd.Timestamp(inputs.session)
        last = rows.loc[rows["symbol"] == "GLD", "date"].max()
        if pd.notna(last) and len(clock.sessions(last.date(), inputs.session)) - 1 > OLD_BARS_SESSIONS:
            return cls(session, rows.iloc[:0], last)
        return cls(session, rows, None)

    def of_symbol(self, symbol: str, column: str) -> pd.Series:
        """By session, every session from the first to the last there is a bar of."""
        rows = self.rows[self.rows["symbol"] == symbol].set_index("date")[column]
        if rows.empty:
            return rows.astype(float)
        index = pd.DatetimeIndex(clock.sessions(rows.index[0].date(), rows.index[-1].date()), name="date")
        return rows.reindex(index)

    def closes(self, symbol: str) -> pd.Series:
        return self.of_symbol(symbol, "close").dropna()

    @property
    def returns(self) -> pd.Series:
        return self.of_symbol("GLD", "log_return")

    @property
    def variances(self) -> pd.Series:
        return self.of_symbol("GLD", "overnight_variance") + self.of_symbol("GLD", "range_variance")

    @property
    def gvz(self) -> pd.Series:
        return self.closes("GVZ") / 100.0

    @property
    def gvz_or_none(self) -> pd.Series | None:
        return self.gvz if len(self.gvz) else None

    def today(self, symbol: str) -> float | None:
        closes = self.closes(symbol)
        return float(closes.iloc[-1]) if len(closes) and closes.index[-1] == self.session else None


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


def _ahead(inputs: GoldInputs, surface: Surface, bars: _Bars) -> tuple[tuple[Listed, ...], VarianceForecast | None]:
    """The horizons, ascending, and the forecast of realised variance to each; None where the bars have ended."""
    rows, session = inputs.surface, inputs.session
    found = [
        Listed("expiration", row.expiration.date(), 365.0 * row.years, row.years, _sessions(session, row.expiration))
        for row in rows[365.0 * rows["years"] <= FARTHEST_DAYS].itertuples()
    ]
    tenors = inputs.tenors[~inputs.tenors["extrapolated"].astype(bool)]
    found += [
        Listed("tenor", None, float(row.tenor_days), row.years, _sessions(session, _in_days(session, row.tenor_days)))
        for row in tenors[tenors["tenor_days"] <= FARTHEST_TENOR_DAYS].itertuples()
    ]
    found.sort(key=lambda each: (each.years, each.kind))
    returns = bars.returns
    if returns.empty:
        return tuple(found), None
    return tuple(found), forecast_variance(returns, bars.variances, sorted({each.sessions for each in found}))


def _instrument(
    name: str,
    spot: Spot,
    ratio: float,
    expense: float,
    reading: SurfaceReading,
    laws: _Laws,
    past: Realised | None,
    returns: pd.Series,
    bars: _Bars,
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
        ratio_history=ratio_history(returns, bars.gvz),
        horizons=horizons(laws.listed, laws.q, forward, spot.price, *parts),
        densities=densities(DENSITY_DAYS, laws.listed, laws.q, forward, laws.posterior_total),
    )


def _spot(surface: Surface, bars: _Bars) -> tuple[Spot, float | None, list[Notice]]:
    """GLD's price, how far its close is from what options imply (log), and what is to be said of it."""
    close, parity = bars.today("GLD"), Spot(float(surface.spot), "parity")
    if close is None:
        return parity, None, [notice("spot_from_parity")]
    gap = float(np.log(close / surface.spot))
    if abs(gap) > SPOT_GAP:
        return parity, gap, [notice("spot_gap", basis_points=round(1e4 * gap))]
    return Spot(close, "close"), gap, []


def _gvz(inputs: GoldInputs, bars: _Bars) -> Gvz | None:
    level = bars.today("GVZ")
    if level is None:
        return None
    before = bars.of_symbol("GVZ", "close").tail(2) / 100.0
    change = float(before.iloc[-1] - before.iloc[0]) if len(before) == 2 else np.nan
    month = inputs.tenors[(inputs.tenors["tenor_days"] == RATE_DAYS) & ~inputs.tenors["extrapolated"].astype(bool)]
    own, by_cboe = (
        float(month[name].iloc[0]) if len(month) else np.nan for name in ("model_free_vol", "index_vix_style")
    )
    known = [None if np.isnan(value) else value for value in (change, own, by_cboe)]
    return Gvz(level / 100.0, *known)


def _notices(
    inputs: GoldInputs,
    reading: SurfaceReading,
    bars: _Bars,
    past: Realised | None,
    ahead: VarianceForecast | None,
    basis: Basis | None,
    found: tuple[Horizon, ...],
    minutes: float,
) -> list[Notice]:
    near = [each for each in reading.expirations if each.days <= FARTHEST_DAYS]
    thin = sum(each.moments_source == "expansion" for each in near)
    crossed = sum(each.forward_vol is None for each in reading.forward_vols)
    levelled = sum(each.calendar_adjusted for each in found)
    projected = sum(each.cornish_fisher is not None and each.cornish_fisher.projected for each in found)
    unranked = [rank.sessions for rank in reading.ranks if rank.source is None]
    known = int(bars.returns.notna().sum())
    said = [
        len(near) < FEW_EXPIRATIONS and notice("few_expirations", count=len(near)),
        crossed and notice("crossed_surface", count=crossed),
        thin and notice("thin_expirations", count=thin),
        not reading.tenors and notice("no_tenors"),
        minutes > STALE_MINUTES and notice("stale_quotes", minutes=round(minutes)),
        bars.today("GVZ") is None and notice("no_gvz"),
        basis is None and notice("no_future", window=WINDOW),
        unranked and notice("no_year_of_tenors", stored=max(unranked), needed=YEAR_SESSIONS),
        levelled and notice("calendar_levelled", count=levelled),
        projected and notice("cornish_fisher_projected", count=projected),
    ]
    return [each for each in said if each] + _of_history(bars, past, ahead, known) + _of_basis(basis)


def _of_history(bars: _Bars, past: Realised | None, ahead: VarianceForecast | None, known: int) -> list[Notice]:
    if bars.ended is not None:
        return [notice("old_bars", last=f"{bars.ended:%Y-%m-%d}")]
    if not known:
        return [notice("no_bars")]
    said = [
        (past is None or past.sessions < FULL_HISTORY) and notice("short_history", sessions=known, needed=FULL_HISTORY),
        ahead is None and notice("no_forecast", sessions=known),
        ahead is not None
        and ahead.source == "trailing"
        and notice("trailing_forecast", sessions=known, needed=FIRST_FIT),
    ]
    return [each for each in said if each]


def _of_basis(basis: Basis | None) -> list[Notice]:
    if basis is None:
        return []
    few = dict(sessions=basis.sessions, basis_points=round(1e4 * basis.ratio_error, 1))
    said = [
        basis.sessions < WINDOW // 3 and notice("few_basis_sessions", **few),
        basis.residual is None and notice("future_missing_today"),
        abs(basis.deviation) > BASIS_OFF and notice("basis_off", basis_points=round(1e4 * basis.deviation)),
    ]
    return [each for each in said if each]


def _minutes_from_close(inputs: GoldInputs) -> float:
    quoted = inputs.surface["quote_time"].iloc[0]
    return abs((quoted - clock.close_instant(inputs.session)).total_seconds()) / 60.0


def _sessions(session, end: pd.Timestamp) -> int:
    """Exchange sessions after `session` to `end`, at least one."""
    return max(1, len(clock.sessions(session, end.date())) - 1)


def _in_days(session, days: int) -> pd.Timestamp:
    return pd.Timestamp(session) + pd.Timedelta(days=int(days))


def _source(name: str, table: pd.DataFrame) -> Source:
    days = pd.to_datetime(table["date"]) if len(table) else pd.Series(dtype="datetime64[ns]")
    digest = hashlib.sha256(",".join(table.columns).encode())
    digest.update(pd.util.hash_pandas_object(table, index=False).to_numpy().tobytes())
    ends = (days.min().date(), days.max().date()) if len(days) else (None, None)
    return Source(name, int(days.nunique()), len(table), *ends, digest.hexdigest())
