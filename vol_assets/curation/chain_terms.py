"""What each expiration of a chain has for all its quotes: rate, forward, carry, and notices about them.

Flags, comma-separated in `quality_flags`:

rate_N_sessions_old  the session has no rate of its own; this one is N sessions old
rate_interpolated    this expiration has no rate, others of the session do
rate_beyond_curve    beyond a year, and the curve ends before: `rate_sensitivity` says what is at stake
rate_uncertain       no rate came with the session, and the quotes hardly tell one
carry_unknown        the only forward of the session: its carry is taken as 0
carry_not_smooth     cumulated carry has a spike here, which dividends, that only add up, do not make
parity_tilted        the pairs' forwards drift with the strike: calls exercised ahead of a dividend, or a wrong rate;
                     the forward may be off by some basis points
few_parity_strikes   the forward rests on less than six strikes
european_prices      the vendor's prices follow from its own vols by Black's formula: no early exercise in them
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from vol_assets.curation.chain_rules import FIT, Quotes
from vol_assets.quant import forward as parity
from vol_assets.quant.implied_vol import implied_stdev
from vol_assets.quant.parity_rate import UNDETERMINED, parity_rate
from vol_assets.quant.rates import zero_rate
from vol_assets.quant.rows import median

FAR = 1.0  # years
BUMP = 0.01  # the rate that rate_sensitivity adds
CARRY_SPIKE = 5e-4  # of the forward, beyond three standard errors of it
CARRY_STEP = (0.01, 0.10)  # the first and last may differ from their neighbour by so much, and so much a year
TILT = 3e-4  # of the forward, across the strikes near the money, beyond three standard errors
EUROPEAN_SCATTER = 1e-3  # relative, of stdev over the vendor's vol within an expiration
MAX_RATE = 1.0  # a year: beyond, it is a percentage or worse
MAX_VENDOR_GROWTH = 2.0  # a vendor's discount factor must lie between its inverse and it
# A residual beyond all of these is no noise of a market: the quotes do not belong together.
ABSURD_SPREADS = 5.0  # of a pair, their median
ABSURD = 2e-3  # of the forward, besides what a rate off by RATE_ROOM puts on the pairs furthest from the money
RATE_ROOM = 0.02
GUESS = 0.03  # rate by which the strikes near the money are found where no rate is known


@dataclass(frozen=True)
class Terms:
    """One value an expiration, (n,), NaN or "" where there is none; spot in USD."""

    rate: np.ndarray
    rate_source: np.ndarray
    rate_sensitivity: np.ndarray
    discount: np.ndarray
    forward: np.ndarray
    forward_source: np.ndarray
    rate_years: np.ndarray
    carry_years: np.ndarray
    residual: np.ndarray
    strikes: np.ndarray
    european: np.ndarray
    flags: np.ndarray
    spot: float


def expiration_terms(raw: pd.DataFrame, quotes: Quotes, codes: np.ndarray, years: np.ndarray) -> Terms:
    """Rate, forward and carry of each expiration.

    raw, quotes, codes: the session's quotes (m,) and what the rules say of them so far; years: (n,) an expiration.
    """
    count = len(years)
    sound = codes == FIT
    first = _first_of(raw, quotes.expiry, count)
    pairs, paired = _pairs(quotes, sound & quotes.has_bid, years, first)
    rate, source, interpolated, uncertain = _rates(first, years, pairs, paired)

    forward, error, residual, strikes, stdev = (np.full(count, np.nan) for _ in range(5))
    tilted = np.zeros(count, dtype=bool)
    forward_source = np.full(count, "", dtype=object)
    spot = np.nan
    if paired.any():
        solved = parity.implied_forwards(pairs, years[paired], rate[paired])
        absurd = _absurd(solved, pairs, years[paired])
        if absurd.any():
            solved = solved.without(absurd, (rate * years)[paired], years[paired])
        forward[paired], error[paired], stdev[paired] = solved.forward, solved.error, solved.stdev
        residual[paired], strikes[paired], spot = solved.residual, solved.strikes, solved.spot
        drift = np.maximum(np.abs(solved.slope) - 3.0 * solved.slope_error, 0.0)
        tilted[paired] = drift * 2.0 * parity.NEAR * solved.stdev > TILT
    found = np.isfinite(forward)
    forward_source[found] = "parity"
    residual[~found], strikes[~found] = np.nan, np.nan
    vendor = ~found & np.isfinite(first.vendor_forward) & np.isfinite(rate) & (years > 0)
    if vendor.any():
        forward[vendor] = first.vendor_forward[vendor]
        forward_source[vendor] = "vendor"
        spot = parity.implied_spot(forward, error, rate * years, years)
    carry_years = np.log(spot) + rate * years - np.log(forward)

    beyond = (years > FAR) & (first.tenor_days < 365.0 * FAR) & (source != "vendor") & (source != "parity")
    sensitivity = np.full(count, np.nan)
    bump = beyond & paired & found
    if bump.any():
        bumped = parity.implied_forwards(pairs.part(bump[paired]), years[bump], rate[bump] + BUMP, spot, forward[bump])
        sensitivity[bump] = (bumped.stdev - stdev[bump]) / np.sqrt(years[bump]) * (0.01 / BUMP)

    known = np.isfinite(forward)
    if not known.any():  # the quotes told no forward, so they told no rate either
        rate[source == "parity"], source[source == "parity"] = np.nan, ""
    european = vendor & _priced_by_black(raw, quotes, sound, first, count)
    alone = known & (known.sum() == 1)
    flags = _in_words(
        {
            "rate_interpolated": interpolated,
            "rate_beyond_curve": beyond,
            "rate_uncertain": uncertain & known,
            "carry_unknown": alone,
            "carry_not_smooth": _not_smooth(carry_years, error / forward, years, known),
            "parity_tilted": tilted & found,
            "few_parity_strikes": strikes < 2 * parity.FEWEST,
            "european_prices": european,
        },
        np.where((source == "vendor") | (source == "parity"), 0.0, first.age_sessions),
    )
    return Terms(
        rate=rate,
        rate_source=source,
        rate_sensitivity=sensitivity,
        discount=np.where(years > 0, np.exp(-rate * years), np.nan),
        forward=forward,
        forward_source=forward_source,
        rate_years=rate * years,
        carry_years=carry_years,
        residual=residual,
        strikes=strikes,
        european=european,
        flags=flags,
        spot=spot,
    )


@dataclass(frozen=True)
class _First:
    """The first usable value of each expiration's rows, (n,)."""

    rate: np.ndarray
    tenor_days: np.ndarray
    age_sessions: np.ndarray
    rate_source: np.ndarray
    vendor_forward: np.ndarray
    vendor_discount: np.ndarray


def _first_of(raw: pd.DataFrame, expiry: np.ndarray, count: int) -> _First:
    def rows_of(usable: np.ndarray) -> np.ndarray:
        rows = np.flatnonzero(usable)[::-1]
        first = np.full(count, -1)
        first[expiry[rows]] = rows  # the last assignment stays: that of the first row
        return first

    def take(name: str, rows: np.ndarray) -> np.ndarray:
        return np.where(rows >= 0, raw[name].to_numpy(dtype=float)[rows], np.nan)

    rate = raw["rate"].to_numpy(dtype=float)
    forward, discount = (raw[name].to_numpy(dtype=float) for name in ("vendor_forward", "vendor_discount_factor"))
    has_rate = rows_of(np.abs(rate) <= MAX_RATE)
    has_forward = rows_of((forward > 0) & np.isfinite(forward))
    has_discount = rows_of((discount < MAX_VENDOR_GROWTH) & (discount > 1.0 / MAX_VENDOR_GROWTH))
    return _First(
        rate=take("rate", has_rate),
        tenor_days=take("rate_tenor_days", has_rate),
        age_sessions=take("rate_age_sessions", has_rate),
        rate_source=np.where(has_rate >= 0, raw["rate_source"].to_numpy()[has_rate], "").astype(object),
        vendor_forward=take("vendor_forward", has_forward),
        vendor_discount=take("vendor_discount_factor", has_discount),
    )


def _pairs(quotes: Quotes, sound: np.ndarray, years: np.ndarray, first: _First) -> tuple[parity.Pairs, np.ndarray]:
    """The pairs near the money of the expirations that have enough, and which those are, (n,) bool."""
    at = np.flatnonzero(sound)
    at = at[np.lexsort((quotes.strike[at], quotes.expiry[at]))]
    one, two = at[:-1], at[1:]  # no contract comes twice any more: two of a strike are its call and its put
    same = (quotes.strike[one] == quotes.strike[two]) & (quotes.expiry[one] == quotes.expiry[two])
    one, two = one[same], two[same]
    put, call = np.where(quotes.is_call[one], two, one), np.where(quotes.is_call[one], one, two)
    paired = np.bincount(quotes.expiry[put], minlength=len(years)) >= parity.FEWEST
    keep = paired[quotes.expiry[put]]
    put, call = put[keep], call[keep]
    discount = np.exp(-np.where(np.isfinite(first.rate), first.rate, GUESS) * years)
    near = parity.near_the_money(
        expiration=(np.cumsum(paired) - 1)[quotes.expiry[put]],
        strike=quotes.strike[put],
        call=quotes.mid[call],
        put=quotes.mid[put],
        spread=0.5 * np.hypot(quotes.spread[call], quotes.spread[put]),
        discount=discount[paired],
    )
    return near, paired


@np.errstate(all="ignore")
def _absurd(solved: parity.Forwards, pairs: parity.Pairs, years: np.ndarray) -> np.ndarray:
    """Which forwards (n,) leave the pairs further apart than spreads and a wrong rate do."""
    wrong_rate = RATE_ROOM * years * parity.NEAR * np.nan_to_num(solved.stdev)
    room = np.maximum(ABSURD_SPREADS * median(pairs.spread), (ABSURD + wrong_rate) * solved.forward)
    return solved.residual > room


def _rates(
    first: _First, years: np.ndarray, pairs: parity.Pairs, paired: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, bool]:
    """Rates (n,), where from, which are interpolated, and whether the quotes hardly tell the one they told."""
    rate, source = first.rate.copy(), first.rate_source.copy()
    vendor = np.isfinite(first.vendor_discount) & (years > 0) & (~paired | np.isnan(rate))
    rate[vendor] = -np.log(first.vendor_discount[vendor]) / years[vendor]
    source[vendor] = "vendor"
    known = np.isfinite(rate)
    missing = ~known & (years > 0)
    if not missing.any():
        return rate, source, missing, False
    if known.any():
        at = np.flatnonzero(known)
        rate[missing] = zero_rate(years[at], rate[at], years[missing])
        source[missing] = source[at[np.argmin(np.abs(years[missing][:, None] - years[at]), axis=1)]]
        return rate, source, missing, False
    told, error = parity_rate(pairs, years[paired])
    rate[missing], source[missing] = told, "parity"
    return rate, source, np.zeros(len(years), dtype=bool), error > UNDETERMINED


def _priced_by_black(raw: pd.DataFrame, quotes: Quotes, sound: np.ndarray, first: _First, count: int) -> np.ndarray:
    """Whose prices are Black's at the vendor's forward, discount factor and vols: stdev / vol is one number there.

    That number is the root of the vendor's time, which need not be ours. With early exercise in the prices, or in the
    vols, it would differ between puts and calls.
    """
    vol = raw["vendor_bid_vol"].to_numpy(dtype=float)
    forward, discount = first.vendor_forward[quotes.expiry], first.vendor_discount[quotes.expiry]
    k = np.log(quotes.strike / forward)
    use = np.flatnonzero(sound & quotes.has_bid & (vol > 0) & np.isfinite(k + discount) & (quotes.is_call == (k >= 0)))
    ratio = np.full(len(vol), np.nan)
    ratio[use] = implied_stdev(quotes.bid[use] / discount[use] / forward[use], k[use]) / vol[use]
    use = use[np.isfinite(ratio[use])]
    use = use[np.lexsort((ratio[use], quotes.expiry[use]))]
    number = np.bincount(quotes.expiry[use], minlength=count)
    start = np.cumsum(number) - number
    told = number >= 5
    low, middle, high = (ratio[use[(start + (number - 1) * share).astype(int)[told]]] for share in (0.05, 0.5, 0.95))
    european = np.zeros(count, dtype=bool)
    european[told] = high - low < EUROPEAN_SCATTER * middle
    return european


def _not_smooth(carry_years: np.ndarray, error: np.ndarray, years: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Spikes of cumulated carry: above both neighbours, or below both; at the ends, a step no yield explains."""
    odd = np.zeros(len(years), dtype=bool)
    at = np.flatnonzero(known)
    if len(at) < 3:
        return odd
    step = np.diff(carry_years[at])
    least = CARRY_SPIKE + 3.0 * np.nan_to_num(error[at])
    inner = (step[:-1] * step[1:] < 0) & (np.minimum(np.abs(step[:-1]), np.abs(step[1:])) > least[1:-1])
    odd[at[1:-1]] = inner
    limit = CARRY_STEP[0] + CARRY_STEP[1] * np.diff(years[at])
    odd[at[0]] |= abs(step[0]) > limit[0]
    odd[at[-1]] |= abs(step[-1]) > limit[-1]
    return odd


def _in_words(flags: dict[str, np.ndarray], age_sessions: np.ndarray) -> np.ndarray:
    words = np.empty(len(age_sessions), dtype=object)
    for row, age in enumerate(np.nan_to_num(age_sessions)):
        names = [f"rate_{age:.0f}_sessions_old"] if age >= 1 else []
        words[row] = ",".join(names + [name for name, flagged in flags.items() if flagged[row]])
    return words
