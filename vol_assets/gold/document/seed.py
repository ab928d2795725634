"""The document, and the blocks `meta`, `gld` and `xauusd` that readers of a gold_surface_data.json know already.

Keys, nesting, units (percent and vol points) and rounding are theirs; `analysis` beside them holds everything, in
decimals. The keys mean what they meant, but for three: `ivp` is a percentile of implied vol among its own history, the
smiles are those of all expirations up to 400 days, and the strikes of XAU/USD are the metal's.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import importlib.metadata
import math
from dataclasses import dataclass
from typing import Any

from vol_assets.gold.report import (
    DAYS,
    DECIMAL,
    DECIMAL_A_YEAR,
    NONE,
    SESSIONS,
    USD,
    YEARS,
    GoldReport,
    Instrument,
    Penalty,
    Quote,
    Rank,
    Realised,
    of,
)

SCHEMA_VERSION = "3.0"
RANK_REACH = 0.25  # of an expiration's days: how far off the constant maturity may be that stands for it
CRITICAL_POINTS, MAJOR_POINTS = 20, 8  # off the score
PERCENT_VOL = "percent a year"
POINTS = "vol points"
PERCENT = "percent"


@dataclass(frozen=True)
class SurfaceRow:
    """A listed expiration."""

    expiry: dt.date = of(NONE, "last day of trading")
    tenor_days: int = of(DAYS, "to the expiration, the nearest whole number")
    T: float = of(YEARS, "from the quotes to the close of the expiration")
    atm_iv: float = of(PERCENT_VOL, "vol at the forward")
    iv_25c: float | None = of(PERCENT_VOL, "vol of the 25-delta call, forward delta")
    iv_25p: float | None = of(PERCENT_VOL, "vol of the 25-delta put, forward delta")
    rr25: float | None = of(POINTS, "iv_25c - iv_25p")
    bf25: float | None = of(POINTS, "(iv_25c + iv_25p) / 2 - atm_iv")
    n_strikes: int = of("quotes", "fitted")
    n_calls: int = of("quotes", "calls among them")
    n_puts: int = of("quotes", "puts among them")


@dataclass(frozen=True)
class SmileRow:
    """A quote of the fit."""

    k: float = of("100 log", "100 ln(K / spot)")
    iv: float = of(PERCENT_VOL, "European implied vol of the mid")
    K: float = of(USD, "strike; of XAU/USD: GLD's times the basis at the expiration")
    delta: float = of(DECIMAL, "forward delta, negative for a put")
    type: str = of(NONE, "call or put")


@dataclass(frozen=True)
class Smile:
    """The quotes of an expiration."""

    tenor_days: int = of(DAYS, "to the expiration, the nearest whole number")
    smile: tuple[SmileRow, ...] = of(NONE, "ascending in strike")


@dataclass(frozen=True)
class Cone:
    """Close-to-close realised vol over windows of one length, mean removed."""

    p10: float = of(PERCENT_VOL, "percentile of the history")
    p25: float = of(PERCENT_VOL, "percentile of the history")
    p50: float = of(PERCENT_VOL, "percentile of the history")
    p75: float = of(PERCENT_VOL, "percentile of the history")
    p90: float = of(PERCENT_VOL, "percentile of the history")
    current: float = of(PERCENT_VOL, "the newest window")
    n_obs: int = of("windows", "overlapping")


@dataclass(frozen=True)
class ReturnStats:
    """Daily log returns of the history."""

    mean_annual: float = of(PERCENT_VOL, "mean log return times 252")
    rv_annual: float = of(PERCENT_VOL, "stdev times sqrt(252)")
    skew: float = of(DECIMAL, "skewness")
    kurt_excess: float = of(DECIMAL, "kurtosis less 3")
    n_days: int = of(SESSIONS, "with a return")
    start_date: dt.date = of(NONE, "first session with a return")
    end_date: dt.date = of(NONE, "last session with a return")


@dataclass(frozen=True)
class JumpRow:
    """A return beyond 3 of the stdevs that the sessions before it had."""

    date: dt.date = of(NONE, "exchange session")
    return_: float = of(PERCENT, "log return, close to close")
    zscore: float = of("stdevs", "of the 60 sessions before, bipower: the jump itself is not among them")


@dataclass(frozen=True)
class VolRatioRow:
    """Implied over realised vol of an expiration, and where implied vol stands in its own history."""

    tenor_days: int = of(DAYS, "to the expiration, the nearest whole number")
    iv: float = of(PERCENT_VOL, "implied vol at the forward")
    rv_current: float | None = of(PERCENT_VOL, "realised over the cone's window nearest in sessions")
    ivr: float | None = of(DECIMAL, "iv / rv_current")
    ivp: float | None = of(
        PERCENT,
        "of the last year's sessions that had less implied vol; constant maturity nearest, within 25 % of the days",
    )
    signal: str | None = of(NONE, "SELL VOL above 1.15, BUY VOL below .85, else NEUTRAL")


@dataclass(frozen=True)
class ForwardVolRow:
    """At-the-money vol from one expiration to the next."""

    from_days: int = of(DAYS, "earlier expiration")
    to_days: int = of(DAYS, "later expiration")
    fwd_vol: float | None = of(PERCENT_VOL, "null where total variance falls")
    cal_arb_ok: bool = of(NONE, "whether total variance rises")


@dataclass(frozen=True)
class QualityWarning:
    """What took points off the score."""

    severity: str = of(NONE, "CRITIQUE from 20 points, MAJEUR from 8, MODÉRÉ below")
    msg: str = of(NONE, "in words")


@dataclass(frozen=True)
class QualityBlock:
    """How far the data can be trusted."""

    label: str = of(NONE, "instrument")
    score: int = of("points", "0 to 100")
    n_tenors_atm: int = of("expirations", "with a vol at the forward")
    n_tenors_smile: int = of("expirations", "with 25-delta vols")
    n_strikes: int = of("quotes", "fitted, of all expirations")
    warnings: tuple[QualityWarning, ...] = of(NONE, "a row a rule that took points off")


@dataclass(frozen=True)
class InstrumentBlock:
    """GLD."""

    spot: float = of(USD, "price at the quotes' instant")
    surface: tuple[SurfaceRow, ...] = of(NONE, "listed expirations, ascending")
    smiles: tuple[Smile, ...] = of(NONE, "expirations up to 400 days, ascending")
    rv_cone: dict[str, Cone] = of(NONE, "by length of the window in sessions")
    rv_recent: dict[str, float] = of(PERCENT_VOL, "the newest window, by length in sessions")
    rv_stats: ReturnStats | None = of(NONE, "null without history")
    jumps: tuple[JumpRow, ...] = of(NONE, "newest first, 20 at most")
    ivr_ivp: tuple[VolRatioRow, ...] = of(NONE, "a row an expiration")
    fwd_vols: tuple[ForwardVolRow, ...] = of(NONE, "between neighbouring expirations")
    quality: QualityBlock = of(NONE, "of the data")


@dataclass(frozen=True)
class MetalBlock(InstrumentBlock):
    """XAU/USD: GLD's vols about the metal's own forward, and the metal's own realised history."""

    spot_source: str = of(NONE, "where spot came from")
    ratio_gld: float = of("USD an ounce per USD of GLD", "the basis")
    note: str = of(NONE, "what to know of the block")


@dataclass(frozen=True)
class Meta:
    """When, of what and by what the document was made."""

    session: dt.date = of(NONE, "exchange session")
    fetched_at: dt.datetime = of(NONE, "instant of the option quotes, UTC")
    source: str = of(NONE, "sample (a simulated market), yahoo or files")
    gvz: float | None = of(PERCENT_VOL, "Cboe's gold ETF volatility index")
    rate: float = of(DECIMAL_A_YEAR, "30-day zero rate, continuously compounded")
    ratio_gld_xau: float | None = of("USD an ounce per USD of GLD", "the basis; null without a gold future")
    note: str = of(NONE, "what to know of the document")
    pipeline_version: str = of(NONE, "of the program")
    schema_version: str = of(NONE, "of the document's schema")
    degraded: bool = of(NONE, "some part is missing")
    degraded_reasons: tuple[str, ...] = of(NONE, "why, in words")
    data_sha256: str = of(NONE, "of the lines `fingerprint table` of the tables read, in the order of their names")


@dataclass(frozen=True)
class Document:
    """The gold volatility report of a session: percent and vol points in `gld` and `xauusd`, decimals in `analysis`."""

    schema_version: str = of(NONE, "of this schema")
    meta: Meta = of(NONE, "when, of what and by what")
    gld: InstrumentBlock = of(NONE, "the fund, percent and vol points")
    xauusd: MetalBlock | None = of(NONE, "the metal, percent and vol points; null without a gold future")
    analysis: GoldReport = of(NONE, "the whole report, in decimals")


def seed_blocks(report: GoldReport) -> tuple[Meta, InstrumentBlock, MetalBlock | None]:
    """`meta`, `gld` and `xauusd` of a report; the metal's is None where the report has no metal."""
    gld = InstrumentBlock(**_block(report, report.gld, ratio=1.0, expense=0.0))
    return _meta(report), gld, _metal(report)


def _meta(report: GoldReport) -> Meta:
    lines = sorted(f"{source.sha256} {source.table}\n" for source in report.sources)
    note = "Implied vols are those of GLD's options."
    if report.source == "sample":
        note = f"A simulated market. {note}"
    if report.xau is None:
        note += " Without a gold future there is no XAU/USD."
    else:
        note += " XAU/USD has the same vols about its own forward; its spot is GLD's times the basis."
    return Meta(
        session=report.session,
        fetched_at=report.quote_time,
        source=report.source,
        gvz=_percent(report.gvz.level, 2) if report.gvz else None,
        rate=_rounded(report.rate, 5),
        ratio_gld_xau=_rounded(report.basis.ratio, 4) if report.basis else None,
        note=note,
        pipeline_version=importlib.metadata.version("vol_assets"),
        schema_version=SCHEMA_VERSION,
        degraded=report.degraded,
        degraded_reasons=tuple(notice.message for notice in report.notices if notice.degrades),
        data_sha256=hashlib.sha256("".join(lines).encode()).hexdigest(),
    )


def _metal(report: GoldReport) -> MetalBlock | None:
    xau, basis = report.xau, report.basis
    if xau is None or basis is None:
        return None
    return MetalBlock(
        **_block(report, xau, ratio=basis.ratio, expense=basis.expense),
        spot_source=f"GLD's price times the basis, the median GC=F over GLD of {basis.sessions} sessions",
        ratio_gld=_rounded(basis.ratio, 4),
        note="Vols and deltas are those of GLD's options; a strike is GLD's times the basis at the expiration, which "
        "GLD's expenses raise; realised vols are those of GC=F.",
    )


def _block(report: GoldReport, instrument: Instrument, ratio: float, expense: float) -> dict[str, Any]:
    """The fields of an instrument's block.

    A strike K of GLD at T years is one of ratio exp(expense T) K of the metal, as its forward is: vol and delta stay.
    """
    return {
        "spot": _rounded(instrument.spot.price, 2),
        "surface": _surface(report),
        "smiles": _smiles(report, instrument.spot.price, ratio, expense),
        **_realised(instrument.realised),
        "ivr_ivp": tuple(
            VolRatioRow(
                tenor_days=_whole(row.days),
                iv=_percent(row.implied_vol, 3),
                rv_current=_percent(row.trailing_vol, 2),
                ivr=_rounded(row.ratio, 4),
                ivp=_percentile(row.days, report.surface.ranks),
                signal=row.signal,
            )
            for row in instrument.ratios
        ),
        "fwd_vols": _forward_vols(report),
        "quality": _quality(report, instrument.name),
    }


def _realised(realised: Realised | None) -> dict[str, Any]:
    if realised is None:
        return {"rv_cone": {}, "rv_recent": {}, "rv_stats": None, "jumps": ()}
    cone = {
        str(row.window): Cone(
            *(_percent(vol, 2) for vol in (row.p10, row.p25, row.p50, row.p75, row.p90, row.current)), row.observations
        )
        for row in realised.cone
        if row.estimator == "close"
    }
    return {
        "rv_cone": cone,
        "rv_recent": {window: row.current for window, row in cone.items()},
        "rv_stats": ReturnStats(
            mean_annual=_percent(realised.mean_return, 2),
            rv_annual=_percent(realised.vol, 2),
            skew=_rounded(realised.skewness, 3),
            kurt_excess=_rounded(realised.excess_kurtosis, 3),
            n_days=realised.sessions,
            start_date=realised.first,
            end_date=realised.last,
        ),
        "jumps": tuple(
            JumpRow(jump.session, _percent(jump.log_return, 2), _rounded(jump.z, 2)) for jump in realised.jumps
        ),
    }


def _surface(report: GoldReport) -> tuple[SurfaceRow, ...]:
    return tuple(
        SurfaceRow(
            expiry=row.expiration,
            tenor_days=_whole(row.days),
            T=_rounded(row.years, 6),
            atm_iv=_percent(row.atm_vol, 4),
            iv_25c=_percent(row.call25_vol, 4),
            iv_25p=_percent(row.put25_vol, 4),
            rr25=_percent(row.rr25, 4),
            bf25=_percent(row.bf25, 4),
            n_strikes=row.quotes,
            n_calls=row.calls,
            n_puts=row.quotes - row.calls,
        )
        for row in report.surface.expirations
    )


def _smiles(report: GoldReport, spot: float, ratio: float, expense: float) -> tuple[Smile, ...]:
    return tuple(
        Smile(
            _whole(curve.days),
            tuple(_smile_row(quote, spot, ratio * math.exp(expense * curve.days / 365.0)) for quote in curve.quotes),
        )
        for curve in report.surface.smiles
    )


def _smile_row(quote: Quote, spot: float, scale: float) -> SmileRow:
    """A quote of GLD; scale: the instrument's strike over GLD's."""
    return SmileRow(
        k=_percent(math.log(scale * quote.strike / spot), 2),
        iv=_percent(quote.mid_vol, 4),
        K=_rounded(scale * quote.strike, 2),
        delta=_rounded(quote.delta - (quote.right == "P"), 5),
        type="call" if quote.right == "C" else "put",
    )


def _forward_vols(report: GoldReport) -> tuple[ForwardVolRow, ...]:
    found = []
    for row in report.surface.forward_vols:
        if row.from_days > 0:  # before the first expiration a forward vol is the expiration's own
            vol = _percent(row.forward_vol, 3)
            found.append(ForwardVolRow(_whole(row.from_days), _whole(row.to_days), vol, vol is not None))
    return tuple(found)


def _percentile(days: float, ranks: tuple[Rank, ...]) -> float | None:
    near = [rank for rank in ranks if rank.percentile is not None and abs(rank.days - days) <= RANK_REACH * days]
    return _percent(min(near, key=lambda rank: abs(rank.days - days)).percentile, 1) if near else None


def _quality(report: GoldReport, label: str) -> QualityBlock:
    expirations = report.surface.expirations
    return QualityBlock(
        label=label,
        score=report.quality.score,
        n_tenors_atm=len(expirations),
        n_tenors_smile=sum(_rounded(row.rr25, 6) is not None for row in expirations),
        n_strikes=sum(row.quotes for row in expirations),
        warnings=tuple(
            QualityWarning(_severity(penalty), penalty.message)
            for penalty in report.quality.penalties
            if penalty.points
        ),
    )


def _severity(penalty: Penalty) -> str:
    if penalty.points >= CRITICAL_POINTS:
        return "CRITIQUE"
    return "MAJEUR" if penalty.points >= MAJOR_POINTS else "MODÉRÉ"


def _rounded(value: float | None, decimals: int) -> float | None:
    """None for what is not known; never a minus before nought."""
    return None if value is None or not math.isfinite(value) else round(float(value), decimals) + 0.0


def _percent(value: float | None, decimals: int) -> float | None:
    return None if value is None else _rounded(100.0 * value, decimals)


def _whole(days: float) -> int | None:
    return None if not math.isfinite(days) else round(days)
