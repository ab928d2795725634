"""What a gold report says: one immutable GoldReport, and each of its parts, with the unit of every number.

Everything is in decimals: vols a year of 365 days (implied) or 252 sessions (realised), log returns, US dollars. What
is not known is None, and `notices` says why. The document's `analysis` block is this object as it is, and its JSON
Schema is made from the fields below, so that a number means the same in Python, in the file and on the page.

GLD and XAU/USD are one market: both have the laws of the log return to each horizon that GLD's options give. They
differ in level (the basis), in drift (GLD's expenses), and in their own realised history.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

SELL, BUY = 1.15, 0.85  # implied over realised vol: above the one the rule says SELL VOL, below the other BUY VOL

# Units.
DECIMAL = "decimal"
DECIMAL_A_YEAR = "decimal a year"
LOG = "log"
USD = "USD"
DAYS = "calendar days"
YEARS = "years of 365 days"
SESSIONS = "sessions"
NONE = ""  # of what is no number


def of(unit: str, what: str) -> Any:
    """A field with its unit and meaning."""
    return field(metadata={"unit": unit, "what": what})


# ---------------------------------------------------------------------- the surface


@dataclass(frozen=True)
class Expiration:
    """A listed expiration of the fitted surface."""

    expiration: dt.date = of(NONE, "last day of trading")
    days: float = of(DAYS, "from the quotes to the close of the expiration")
    years: float = of(YEARS, "the same")
    forward: float = of(USD, "forward of GLD from put-call parity")
    model: str = of(NONE, "mixture_4, mixture_3 or essvi")
    atm_vol: float = of(DECIMAL_A_YEAR, "vol at the forward")
    rr25: float | None = of(DECIMAL_A_YEAR, "25-delta risk reversal: call vol less put vol, forward delta")
    bf25: float | None = of(DECIMAL_A_YEAR, "25-delta butterfly: mean of both vols less atm_vol")
    rr10: float | None = of(DECIMAL_A_YEAR, "10-delta risk reversal")
    bf10: float | None = of(DECIMAL_A_YEAR, "10-delta butterfly")
    call25_vol: float | None = of(DECIMAL_A_YEAR, "vol of the 25-delta call")
    put25_vol: float | None = of(DECIMAL_A_YEAR, "vol of the 25-delta put")
    model_free_vol: float = of(DECIMAL_A_YEAR, "sqrt(-2 E ln(S/F) / T), the log contract")
    skewness: float = of(DECIMAL, "of the log return")
    excess_kurtosis: float = of(DECIMAL, "of the log return; 0 for a normal law")
    moments_source: str = of(
        NONE, "surface: integrals over the fitted smile; expansion: Backus-Foresi-Wu from rr25, bf25"
    )
    quotes: int = of("quotes", "fitted")
    calls: int = of("quotes", "calls among them")
    lowest_strike: float = of(USD, "lowest strike fitted")
    highest_strike: float = of(USD, "highest strike fitted")
    rmse_vol: float | None = of(DECIMAL_A_YEAR, "rms error of mids within 2.5 stdevs")
    half_spread_vol: float | None = of(DECIMAL_A_YEAR, "median half-spread")
    error_half_spreads: float | None = of("half-spreads", "rms error of those mids")
    within_spread: float = of(DECIMAL, "share of fitted quotes whose bid and ask hold the fit")
    outside_share: float = of(DECIMAL, "share of the model-free variance outside the quoted strikes")
    min_density: float = of(
        DECIMAL, "certificate: least density to 10 stdevs, times the at-the-money stdev; at least 0"
    )
    calendar_gap: float = of("forwards", "certificate: worst fall of a price from the expiration before; 0 at most")
    flags: tuple[str, ...] = of(NONE, "notices on the expiration")


@dataclass(frozen=True)
class Tenor:
    """A constant maturity of the standard surface; `extrapolated` lie outside the listed expirations."""

    days: int = of(DAYS, "constant maturity")
    years: float = of(YEARS, "the same")
    forward: float = of(USD, "forward of GLD")
    atm_vol: float = of(DECIMAL_A_YEAR, "vol at the forward")
    rr25: float = of(DECIMAL_A_YEAR, "25-delta risk reversal")
    bf25: float = of(DECIMAL_A_YEAR, "25-delta butterfly")
    model_free_vol: float = of(DECIMAL_A_YEAR, "sqrt(-2 E ln(S/F) / T)")
    extrapolated: bool = of(NONE, "before the first or after the last expiration")
    confidence: float = of(DECIMAL, "share of delta nodes inside the quoted strikes")


@dataclass(frozen=True)
class ForwardVol:
    """At-the-money vol from one expiration to the next."""

    from_days: float = of(DAYS, "earlier expiration; 0 for today")
    to_days: float = of(DAYS, "later expiration")
    forward_vol: float | None = of(DECIMAL_A_YEAR, "null where total variance falls")


@dataclass(frozen=True)
class EarlierTermStructure:
    """At-the-money vols of the standard tenors at an earlier session."""

    ago: str = of(NONE, "day, week or month")
    session: dt.date = of(NONE, "exchange session")
    days: tuple[int, ...] = of(DAYS, "constant maturities")
    atm_vol: tuple[float, ...] = of(DECIMAL_A_YEAR, "vol at the forward, one a maturity")


@dataclass(frozen=True)
class Band:
    """Where a number stands among its values of the last year."""

    days: int = of(DAYS, "constant maturity")
    what: str = of(NONE, "rr25 or bf25")
    now: float = of(DECIMAL_A_YEAR, "this session")
    p10: float = of(DECIMAL_A_YEAR, "percentile of the sessions stored")
    p50: float = of(DECIMAL_A_YEAR, "percentile of the sessions stored")
    p90: float = of(DECIMAL_A_YEAR, "percentile of the sessions stored")
    percentile: float = of(DECIMAL, "share of the sessions whose value was not higher")
    sessions: int = of(SESSIONS, "stored, this one among them")


@dataclass(frozen=True)
class Rank:
    """IV rank and percentile of a constant maturity."""

    days: int = of(DAYS, "constant maturity")
    now: float = of(DECIMAL_A_YEAR, "implied vol compared")
    rank: float | None = of(DECIMAL, "(now - lowest) / (highest - lowest) of the window")
    percentile: float | None = of(DECIMAL, "share of the window's sessions below now")
    lowest: float | None = of(DECIMAL_A_YEAR, "of the window")
    highest: float | None = of(DECIMAL_A_YEAR, "of the window")
    sessions: int = of(SESSIONS, "in the window")
    source: str | None = of(NONE, "tenors: this tenor's own stored vols; gvz: the index, at 30 days; null: none")
    why_not: str | None = of(NONE, "why there is no rank")


@dataclass(frozen=True)
class Quote:
    """An option quote that entered the fit."""

    strike: float = of(USD, "strike")
    right: str = of(NONE, "C or P")
    k: float = of(LOG, "ln(strike / forward)")
    delta: float = of(DECIMAL, "forward delta of the call at this strike, N(d1)")
    bid_vol: float | None = of(DECIMAL_A_YEAR, "European implied vol of the bid")
    mid_vol: float = of(DECIMAL_A_YEAR, "of the mid")
    ask_vol: float | None = of(DECIMAL_A_YEAR, "of the ask")


@dataclass(frozen=True)
class SmileCurve:
    """The smile of an expiration: its quotes and the fit through them."""

    expiration: dt.date = of(NONE, "last day of trading")
    days: float = of(DAYS, "to the expiration")
    forward: float = of(USD, "forward of GLD")
    k: tuple[float, ...] = of(LOG, "ln(strike / forward), ascending")
    vol: tuple[float, ...] = of(DECIMAL_A_YEAR, "fitted vol there")
    quotes: tuple[Quote, ...] = of(NONE, "ascending in strike")


@dataclass(frozen=True)
class HeatMap:
    """Vols by constant maturity (rows) and call delta (columns)."""

    days: tuple[int, ...] = of(DAYS, "constant maturities, rows")
    deltas: tuple[float, ...] = of(DECIMAL, "forward deltas of a call; .9 is a 10-delta put; columns, ascending")
    vol: tuple[tuple[float, ...], ...] = of(DECIMAL_A_YEAR, "a row a maturity")


@dataclass(frozen=True)
class GreekCurves:
    """Greeks of one share's option by strike at one horizon, at each strike's own vol."""

    days: float = of(DAYS, "horizon")
    strike: tuple[float, ...] = of(USD, "ascending")
    dollar_gamma: tuple[float, ...] = of("USD of delta a 1 % move, a share", "gamma S^2 / 100")
    vega: tuple[float, ...] = of("USD a vol point, a share", "vega / 100")


@dataclass(frozen=True)
class AtMoneyVega:
    """Vega at the forward by expiration."""

    days: float = of(DAYS, "expiration")
    vega: float = of("USD a vol point, a share", "discounted vega / 100")


@dataclass(frozen=True)
class SurfaceReading:
    """What the option surface of GLD says."""

    expirations: tuple[Expiration, ...] = of(NONE, "listed, ascending")
    tenors: tuple[Tenor, ...] = of(NONE, "constant maturities, ascending")
    forward_vols: tuple[ForwardVol, ...] = of(NONE, "between neighbouring expirations")
    earlier: tuple[EarlierTermStructure, ...] = of(NONE, "as far as stored")
    bands: tuple[Band, ...] = of(NONE, "as far as a year is stored")
    ranks: tuple[Rank, ...] = of(NONE, "a row a constant maturity that is not extrapolated")
    smiles: tuple[SmileCurve, ...] = of(NONE, "a row an expiration")
    heat_map: HeatMap | None = of(NONE, "constant maturities that are not extrapolated")
    greeks: GreekCurves | None = of(NONE, "at 30 days, or the expiration nearest to it")
    vegas: tuple[AtMoneyVega, ...] = of(NONE, "a row an expiration")


# ---------------------------------------------------------------------- what was realised


@dataclass(frozen=True)
class ConeWindow:
    """Realised vol over windows of one length: percentiles over all windows of the history, and the newest.

    Overlapping windows resemble each other, so that their spread is too small; it is widened about the mean of ln vol
    by the factor of Hodges and Tompkins (2002).
    """

    window: int = of(SESSIONS, "length")
    estimator: str = of(NONE, "close: close to close, mean removed; range: Garman-Klass and overnight")
    p10: float = of(DECIMAL_A_YEAR, "percentile, widened")
    p25: float = of(DECIMAL_A_YEAR, "percentile, widened")
    p50: float = of(DECIMAL_A_YEAR, "percentile, widened")
    p75: float = of(DECIMAL_A_YEAR, "percentile, widened")
    p90: float = of(DECIMAL_A_YEAR, "percentile, widened")
    current: float = of(DECIMAL_A_YEAR, "the newest window")
    observations: int = of("windows", "overlapping")
    independent: float = of("windows", "history over length")
    widening: float = of(DECIMAL, "factor on the standard deviation of ln vol, at least 1")


@dataclass(frozen=True)
class Jump:
    """A return far beyond what the sessions before it would have led one to expect."""

    session: dt.date = of(NONE, "exchange session")
    log_return: float = of(LOG, "close to close")
    z: float = of("stdevs", "over the bipower stdev of the 60 sessions before, this one left out")
    significant: bool = of(NONE, "beyond what the largest of so many normal returns passes with 5 % chance")


@dataclass(frozen=True)
class Realised:
    """The realised history of an instrument."""

    first: dt.date = of(NONE, "first session with a return")
    last: dt.date = of(NONE, "last session with a return")
    sessions: int = of(SESSIONS, "with a return")
    mean_return: float = of("log a year", "mean log return times 252")
    vol: float = of(DECIMAL_A_YEAR, "stdev of log returns times sqrt(252)")
    skewness: float = of(DECIMAL, "of daily log returns")
    excess_kurtosis: float = of(DECIMAL, "of daily log returns")
    cone: tuple[ConeWindow, ...] = of(NONE, "by estimator, ascending in length")
    jumps: tuple[Jump, ...] = of(NONE, "newest first, 20 at most")
    jump_notice: float = of("stdevs", "beyond which a return is listed")
    jump_significance: float = of("stdevs", "beyond which it is significant")
    jumps_found: int = of("sessions", "listed ones in the whole history")
    jumps_expected: float = of("sessions", "were returns normal with the lagged scale")


@dataclass(frozen=True)
class Ratio:
    """Implied over realised vol to one expiration, compared as totals to it: realised vols are annualised on its years
    here, so that five sessions in seven days and one in three weigh as what they are."""

    days: float = of(DAYS, "to the expiration")
    sessions: int = of(SESSIONS, "to the expiration")
    implied_vol: float = of(DECIMAL_A_YEAR, "at the forward")
    trailing_window: int | None = of(
        SESSIONS, "length of the cone's window nearest to the expiration; null where its newest is unknown"
    )
    trailing_vol: float | None = of(DECIMAL_A_YEAR, "the newest window's vol over the sessions to the expiration")
    ratio: float | None = of(DECIMAL, "implied_vol / trailing_vol")
    signal: str | None = of(NONE, "SELL VOL above 1.15, BUY VOL below .85, else NEUTRAL")
    forecast_vol: float | None = of(
        DECIMAL_A_YEAR, "forecast of realised vol to the expiration; null where trailing variance stands in for one"
    )
    forecast_ratio: float | None = of(DECIMAL, "implied_vol / forecast_vol")
    forecast_signal: str | None = of(NONE, "the same thresholds")
    variance_premium: float | None = of("decimal^2 a year", "implied_vol^2 - forecast_vol^2")
    cone_percentile: float | None = of(
        DECIMAL, "share of past windows of that length whose realised vol was below implied"
    )


@dataclass(frozen=True)
class RatioHistory:
    """How often the rule says what: the index over trailing vol, every session of the history."""

    sessions: int = of(SESSIONS, "with both")
    now: float = of(DECIMAL, "GVZ over realised vol of the last 21 sessions")
    percentile: float = of(DECIMAL, "share of the history below now")
    sell_share: float = of(DECIMAL, "of sessions above 1.15")
    neutral_share: float = of(DECIMAL, "of sessions between")
    buy_share: float = of(DECIMAL, "of sessions below .85")
    after_sell: float | None = of(DECIMAL, "share of SELL sessions whose next 21 realised less than implied")
    after_all: float | None = of(DECIMAL, "share of all sessions whose next 21 realised less than implied")


# ---------------------------------------------------------------------- what may come


@dataclass(frozen=True)
class Interval:
    """A two-sided window with as much probability on either side."""

    probability: float = of(DECIMAL, "inside")
    low: float = of(USD, "price")
    high: float = of(USD, "price")


@dataclass(frozen=True)
class TailRisk:
    """Value at risk and expected shortfall of a long position, to the horizon."""

    probability: float = of(DECIMAL, "of ending lower")
    value_at_risk: float = of(USD, "price with this probability below it")
    value_at_risk_loss: float = of(DECIMAL, "1 - value_at_risk / spot")
    expected_shortfall: float = of(USD, "mean price below it")
    expected_shortfall_loss: float = of(DECIMAL, "1 - expected_shortfall / spot")


@dataclass(frozen=True)
class Window:
    """One law of the price at a horizon."""

    mean: float = of(USD, "expected price")
    median: float = of(USD, "price with even odds")
    log_mean: float = of(LOG, "expected ln(S_T / F)")
    log_stdev: float = of(LOG, "standard deviation of ln(S_T / F), to the horizon")
    intervals: tuple[Interval, ...] = of(NONE, "68.27, 90, 95 and 99 %, ascending")
    tails: tuple[TailRisk, ...] = of(NONE, "5, 2.5 and 1 %, descending")


@dataclass(frozen=True)
class CornishFisherWindow:
    """The Cornish-Fisher expansion with the posterior's log mean, stdev, skewness and kurtosis.

    Its law has no finite mean of the price, so it cannot be centred on the forward as the others are.
    """

    s: float = of(DECIMAL, "skewness parameter (not the skewness)")
    k: float = of(DECIMAL, "kurtosis parameter (not the excess kurtosis)")
    projected: bool = of(NONE, "the moments are out of the expansion's reach and were moved to its boundary")
    intervals: tuple[Interval, ...] = of(NONE, "68.27, 90, 95 and 99 %, ascending")
    tails: tuple[TailRisk, ...] = of(NONE, "5, 2.5 and 1 %; shortfall by quadrature")


@dataclass(frozen=True)
class Horizon:
    """The price at a listed expiration or a constant maturity."""

    kind: str = of(NONE, "expiration or tenor")
    expiration: dt.date | None = of(NONE, "of a listed expiration")
    days: float = of(DAYS, "from the quotes")
    years: float = of(YEARS, "the same")
    sessions: int = of(SESSIONS, "from the quotes")
    forward: float = of(USD, "of this instrument")
    lowest_quoted: float = of(
        USD, "lowest strike quoted around this horizon, of this instrument; below, laws extrapolate"
    )
    highest_quoted: float = of(USD, "highest strike quoted around this horizon")
    shape: str = of(NONE, "mixture: the fitted law itself; approximate: next to a thin or a lifted expiration")
    implied_vol: float = of(DECIMAL_A_YEAR, "stdev of the log return under the risk-neutral law, annualised")
    realised_vol: float | None = of(DECIMAL_A_YEAR, "forecast of realised vol, annualised on the same years")
    posterior_vol: float | None = of(DECIMAL_A_YEAR, "root of the blended variance, calendar order kept")
    equal_weight_vol: float | None = of(DECIMAL_A_YEAR, "the same with weight 1/2 and no premium removed")
    calendar_adjusted: bool = of(NONE, "the blend fell with time here and was levelled with its neighbours")
    skewness: float = of(DECIMAL, "of the log return, both laws")
    excess_kurtosis: float = of(DECIMAL, "of the log return, both laws")
    risk_neutral: Window = of(NONE, "Q: what options price in")
    posterior: Window | None = of(NONE, "P: the same shape with the posterior's stdev, mean price the forward")
    cornish_fisher: CornishFisherWindow | None = of(NONE, "beside P")


@dataclass(frozen=True)
class DensityCurve:
    """Densities of the price at a horizon."""

    days: float = of(DAYS, "horizon")
    price: tuple[float, ...] = of(USD, "ascending")
    risk_neutral: tuple[float, ...] = of("1 / USD", "density of Q")
    posterior: tuple[float, ...] | None = of("1 / USD", "density of P")


@dataclass(frozen=True)
class Blend:
    """How implied and realised variance make the posterior's."""

    implied_weight: float = of(DECIMAL, "on the implied variance")
    implied_scale: float = of(
        DECIMAL, "factor on the implied variance of the first 91 days that removes its mean premium; 1: none removed"
    )
    source: str = of(NONE, "equal: 1/2 each; precision: from past errors at 21 sessions")
    realised_source: str = of(NONE, "har: direct HAR; trailing: realised variance of the last sessions")
    errors: int = of(SESSIONS, "out-of-sample forecasts compared, overlapping")
    independent: float = of("windows", "the same, not overlapping")
    implied_error: float | None = of(LOG, "stdev of ln realised less ln implied variance, mean removed")
    realised_error: float | None = of(LOG, "stdev of ln realised less ln forecast variance, mean removed")
    correlation: float | None = of(DECIMAL, "of the two errors")


# ---------------------------------------------------------------------- the instruments


@dataclass(frozen=True)
class Spot:
    """The price of an instrument at the quotes' instant."""

    price: float = of(USD, "price")
    source: str = of(
        NONE,
        "close: of the bar, which options agree with; parity: the forward discounted; basis: GLD's times the basis",
    )
    close: float | None = of(USD, "GLD's close, where there is one")


@dataclass(frozen=True)
class Instrument:
    """GLD or XAU/USD."""

    name: str = of(NONE, "GLD or XAU/USD")
    spot: Spot = of(NONE, "price now")
    realised: Realised | None = of(NONE, "null without history")
    ratios: tuple[Ratio, ...] = of(NONE, "a row an expiration")
    ratio_history: RatioHistory | None = of(NONE, "null without GVZ or history")
    horizons: tuple[Horizon, ...] = of(NONE, "expirations and constant maturities, ascending")
    densities: tuple[DensityCurve, ...] = of(NONE, "at about 30, 91 and 182 days")


@dataclass(frozen=True)
class Basis:
    """XAU/USD from the front gold future: the ratio to GLD at one instant, made of many sessions.

    The future settles at 13:30, GLD trades until 16:00: on any one day their ratio holds what gold did in between. The
    median of the last sessions, each corrected for GLD's expenses since, does not.
    """

    future_close: float | None = of(USD, "GC=F of this session, settled at 13:30 New York")
    gld_close: float = of(USD, "GLD's price at this session")
    ratio: float = of("USD an ounce per USD of GLD", "median, at this session")
    ratio_error: float = of(LOG, "its standard error")
    sessions: int = of(SESSIONS, "with both closes")
    residual: float | None = of(LOG, "this session's own ln ratio less ln of the median: mostly 13:30 to 16:00")
    ounces_per_share: float = of("ounces", "1 / ratio")
    ounces_stated: float = of("ounces", "a tenth of an ounce in November 2004 less .40 % a year")
    deviation: float = of(LOG, "ln of ounces_per_share over ounces_stated")
    expense: float = of(DECIMAL_A_YEAR, "what GLD loses against the ounce")


# ---------------------------------------------------------------------- how good it is


@dataclass(frozen=True)
class Penalty:
    """Points taken off the quality score."""

    code: str = of(NONE, "which rule")
    points: int = of("points", "taken off")
    most: int = of("points", "the rule can take off")
    measured: float | None = of("see message", "what was measured")
    message: str = of(NONE, "in words")
    values: dict[str, Any] = of(NONE, "what the words hold")


@dataclass(frozen=True)
class Quality:
    """0 to 100."""

    score: int = of("points", "100 less the penalties, at least 0")
    label: str = of(NONE, "good from 85, fair from 60, poor below")
    penalties: tuple[Penalty, ...] = of(NONE, "one a rule, those of 0 points too")


@dataclass(frozen=True)
class Notice:
    """Something the reader must know: a part that is missing, or made another way."""

    code: str = of(NONE, "which notice")
    part: str = of(NONE, "of the report")
    degrades: bool = of(NONE, "whether the report is less for it")
    message: str = of(NONE, "in words")
    values: dict[str, Any] = of(NONE, "what the words hold")


@dataclass(frozen=True)
class Source:
    """A table the report was made of."""

    table: str = of(NONE, "asset key")
    sessions: int = of(SESSIONS, "read")
    rows: int = of("rows", "read")
    first: dt.date | None = of(NONE, "first session")
    last: dt.date | None = of(NONE, "last session")
    sha256: str = of(NONE, "of its contents, in hexadecimal")


@dataclass(frozen=True)
class Gvz:
    """Cboe's gold ETF volatility index."""

    level: float = of(DECIMAL_A_YEAR, "close")
    change: float | None = of(DECIMAL_A_YEAR, "from the session before")
    model_free: float | None = of(DECIMAL_A_YEAR, "30-day model-free vol of our surface, what GVZ stands for")
    vix_style: float | None = of(DECIMAL_A_YEAR, "the index by Cboe's rules on our quotes")


@dataclass(frozen=True)
class GoldReport:
    """The report of one session."""

    session: dt.date = of(NONE, "exchange session")
    quote_time: dt.datetime = of(NONE, "instant of the option quotes, UTC")
    source: str = of(NONE, "sample, yahoo or files")
    rate: float = of(DECIMAL_A_YEAR, "30-day zero rate, continuously compounded")
    rate_source: str = of(NONE, "where it came from")
    gvz: Gvz | None = of(NONE, "null where it is not quoted")
    surface: SurfaceReading = of(NONE, "GLD's options")
    gld: Instrument = of(NONE, "the fund")
    xau: Instrument | None = of(NONE, "the metal; null without a gold future")
    blend: Blend | None = of(NONE, "null without a forecast of realised variance")
    basis: Basis | None = of(NONE, "null without a gold future")
    quality: Quality = of(NONE, "of the data")
    degraded: bool = of(NONE, "some part is missing")
    notices: tuple[Notice, ...] = of(NONE, "what is missing or made another way")
    sources: tuple[Source, ...] = of(NONE, "the tables read, with fingerprints")
