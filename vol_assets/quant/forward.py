"""Forward, spot and carry from put-call parity of American quotes.

With P_E, C_E the European prices of a strike K and D the discount factor, F = K + (C_E - P_E) / D. SPY and GLD options
are American, and the value of early exercise enters C - P at every strike: by it raw parity misses the forward of a
year by up to half a percent, and the regression of C - P on K, which is right for European options, gives rates far
below zero. So both legs are brought to their European stdevs first, which needs the forward and the carry:

1. Start: the median of raw parity over the strikes where |C - P| is least; their straddle gives the stdev.
2. Take up to STRIKES pairs within NEAR stdevs of the money.
3. De-Americanise both legs at the present forward and carry; each pair gives a forward F (1 + c_E - p_E), with c_E, p_E
   the out-of-the-money prices over F. Their bisquare mean (Beaton and Tukey 1974), weighted by 1 / spread^2, is the
   next forward; repeat until it stays.

The spot is implied as well: ln F - rT = ln S - Q(T), a line through the forwards in which long expirations count
little, and the carry of each, Q = qT, is what its forward leaves of it. A vendor's spot is not asked: it is
rarely quoted at the same instant as the options.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from vol_assets.quant.american import de_americanise
from vol_assets.quant.black import otm_price
from vol_assets.quant.implied_vol import implied_stdev
from vol_assets.quant.rows import line, location, median, rank, table

STRIKES = 24  # pairs an expiration: more make it slower, hardly better
NEAR = 0.6  # stdevs from the money; beyond, the in-the-money leg is mostly intrinsic value
FEWEST = 3  # pairs below which there is no forward
START = 9  # strikes that the first guess is the median of
PASSES = 6
STAYS = 2e-6  # relative change of the forward that ends the passes: what is left is a tenth of it
CONTRACTION = 0.5  # a pass leaves less than this of the error, mostly a seventh
LEAST_SPREAD = 0.01  # USD, on a pair: a weight must not grow without limit
SPOT_NOISE = 1e-4  # relative noise of a forward beyond its own error
SPOT_DRIFT = 0.02  # relative, a year: how far dividends paid in lumps and a curve take ln F - rT from a line
SPOT_ROUNDS = 8
CARRY_PRIOR = 0.1  # a year: with one expiration the carry is unknown and taken as 0
RIGHTS = np.array(["C", "P"])[:, None, None]


@dataclass(frozen=True)
class Pairs:
    """Strikes that have a call and a put: (n, m), one row an expiration, filled up with NaN; prices as quoted."""

    strike: np.ndarray
    call: np.ndarray
    put: np.ndarray
    spread: np.ndarray  # root of the summed squares of the two half-spreads

    def part(self, which: np.ndarray) -> Pairs:
        return Pairs(self.strike[which], self.call[which], self.put[which], self.spread[which])


@dataclass(frozen=True)
class Forwards:
    """What parity says of each expiration, (n,); NaN where it says nothing.

    forward in USD; error: its standard error; residual: weighted rms of parity, USD; strikes: pairs it rests on;
    carry_years: Q = qT; stdev: European total stdev at the money; slope, slope_error: of the pairs' forwards over their
    strikes, 0 at the right rate and without dividends paid in lumps; chain: which one it is of. spots: of each chain.
    """

    forward: np.ndarray
    error: np.ndarray
    residual: np.ndarray
    strikes: np.ndarray
    carry_years: np.ndarray
    stdev: np.ndarray
    slope: np.ndarray
    slope_error: np.ndarray
    chain: np.ndarray
    spots: np.ndarray

    @property
    def spot(self) -> float:
        """The spot of the only chain."""
        return float(self.spots[0])

    def without(self, which: np.ndarray, rate_years: np.ndarray, years: np.ndarray) -> Forwards:
        """The same, (n,), but for the forwards of `which`, and with the spots that the others imply."""
        forward = np.where(which, np.nan, self.forward)
        carry_years, spots = _carry(forward, self.error, rate_years, years, None, self.chain)
        return replace(self, forward=forward, carry_years=carry_years, spots=spots)


@np.errstate(all="ignore")
def near_the_money(
    expiration: np.ndarray,
    strike: np.ndarray,
    call: np.ndarray,
    put: np.ndarray,
    spread: np.ndarray,
    discount: np.ndarray,
) -> Pairs:
    """The pairs of each expiration that its forward is taken from.

    expiration: (p,) row number of each pair, below n = len(discount); the others (p,), as in Pairs; discount: (n,)
    discount factors, roughly known ones will do. Rows are (n, m) with m <= STRIKES.
    """
    count = len(discount)
    parity = strike + (call - put) / discount[expiration]
    ranks = rank(expiration, np.abs(call - put))
    forward = median(table(expiration, ranks, START, count, parity))
    straddle = median(table(expiration, ranks, FEWEST, count, call + put)) / discount
    stdev = np.sqrt(np.pi / 2) * straddle / forward
    distance = np.abs(np.log(strike / forward[expiration]))
    # Widely spaced strikes of a few days' options: at least a handful, which the table of early exercise may refuse.
    near = (distance <= NEAR * stdev[expiration]) | (rank(expiration, distance) < 2 * FEWEST)
    use = np.flatnonzero(near & np.isfinite(distance))
    row = expiration[use]
    # Where there are more, STRIKES of them evenly from the lowest to the highest.
    share = np.minimum(STRIKES / np.maximum(np.bincount(row, minlength=count), 1), 1.0)[row]
    column, before = (np.floor((rank(row, strike[use]) + step) * share + 1e-9).astype(int) for step in (1, 0))
    use, row, column = use[column > before], row[column > before], before[column > before]
    return Pairs(*(table(row, column, STRIKES, count, values[use]) for values in (strike, call, put, spread)))


@np.errstate(all="ignore")
def implied_forwards(
    pairs: Pairs,
    years: np.ndarray,
    rate: np.ndarray,
    spot: float | None = None,
    start: np.ndarray | None = None,
    chain: np.ndarray | None = None,
) -> Forwards:
    """The forwards at which European puts and calls agree.

    years, rate: (n,) to each expiration of `pairs`. spot: where it is known from elsewhere; otherwise implied.
    start: (n,) forwards that are nearly right, if there are any. chain: (n,) which of many chains each expiration is
    of, ascending; by default there is one. Chains are worked out together and have no say in one another.
    """
    chain = np.zeros(len(years), dtype=int) if chain is None else chain
    rate_years = rate * years
    growth = np.exp(rate_years)[:, None]
    undiscounted = Pairs(pairs.strike, pairs.call * growth, pairs.put * growth, pairs.spread * growth)
    spread = np.maximum(undiscounted.spread, LEAST_SPREAD)
    # No finer than what the spreads allow: half of the quotes may agree by chance, or by rounding, to nothing.
    weight, least_scale = 1.0 / spread**2, 0.25 * np.nanmin(spread, axis=1, initial=np.inf)
    forward = median(pairs.strike + undiscounted.call - undiscounted.put) if start is None else start.copy()
    error, change = np.full(len(years), np.nan), np.full(len(years), np.nan)
    at = np.arange(len(years))  # the expirations of chains that do not stay yet
    for count in range(PASSES):
        carry_years, _ = _carry(forward[at], error[at], rate_years[at], years[at], spot, chain[at])
        passed = _pass(undiscounted.part(at), weight[at], least_scale[at], forward[at], rate_years[at], carry_years)
        if not count:
            last = passed
        for whole, part in zip(last, passed):
            whole[at] = part
        weight[at], error[at] = passed.weight, passed.residual / np.sqrt(passed.strikes)
        before, change[at] = change[at], passed.found - forward[at]
        # Steps shrink by a constant factor: jump to where they lead (Aitken).
        shrinks = np.nan_to_num(np.clip(change[at] / before, -CONTRACTION, CONTRACTION))
        starts, number = _numbered(chain[at])
        moves = (np.fmax.reduceat(np.abs(change[at] / forward[at]), starts) > STAYS)[number]
        forward[at] = passed.found + np.where(moves, change[at] * shrinks / (1.0 - shrinks), 0.0)
        at = at[moves]
        if not at.size:
            break
    carry_years, spots = _carry(forward, error, rate_years, years, spot, chain)
    stdev, _, _ = line(last.k, 0.5 * (last.call + last.put), last.robust)
    _, slope, slope_error = line(pairs.strike - forward[:, None], last.of_pair, last.robust)
    return Forwards(
        forward=forward,
        error=error,
        residual=last.residual,
        strikes=last.strikes.astype(float),
        carry_years=carry_years,
        stdev=stdev,
        slope=slope,
        slope_error=slope_error,
        chain=chain,
        spots=spots,
    )


def implied_spot(forward: np.ndarray, error: np.ndarray, rate_years: np.ndarray, years: np.ndarray) -> float:
    """The spot that forwards (n,) with standard errors (n,; NaN: unknown) agree on; NaN where there is no forward.

    A line ln S - q T through ln F - rT, on which a forward off by many errors has no say; q = 0 +- CARRY_PRIOR a year
    beforehand, which matters only when one expiration or a few of nearly the same day are all there is.
    """
    return float(_implied_spots(forward, error, rate_years, years, np.zeros(len(years), dtype=int))[0][0])


@np.errstate(all="ignore")
def _implied_spots(
    forward: np.ndarray, error: np.ndarray, rate_years: np.ndarray, years: np.ndarray, chain: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """As `implied_spot`, of many chains; and which of them each expiration is of."""
    starts, number = _numbered(chain)

    def total(values: np.ndarray) -> np.ndarray:
        return np.add.reduceat(values, starts)

    level = np.log(forward) - rate_years
    use = np.isfinite(level)
    origin = np.fmax.reduceat(level, starts)  # subtracted, so that the prior on q meets numbers of its own size
    level, years = np.where(use, level - origin[number], 0.0), np.where(use, years, 0.0)
    sigma = np.sqrt(np.nan_to_num(error / forward, nan=SPOT_NOISE) ** 2 + SPOT_NOISE**2 + (SPOT_DRIFT * years) ** 2)
    weight = use / sigma**2
    for _ in range(SPOT_ROUNDS):
        weights = total(weight)
        mean_years, mean = total(weight * years) / weights, total(weight * level) / weights
        from_mean = weight * (years - mean_years[number])
        carry = -total(from_mean * level) / (total(from_mean * years) + CARRY_PRIOR**-2)
        spot = mean + carry * mean_years
        misfit = np.abs(level - spot[number] + carry[number] * years) / sigma
        weight = use / (sigma * np.maximum(misfit / 2.0, 1.0)) ** 2
    return np.exp(origin + spot), number


class _Pass(NamedTuple):
    """What a pass finds at the forwards it is given: of each pair (n, m), and of each expiration (n,)."""

    k: np.ndarray
    call: np.ndarray
    put: np.ndarray
    of_pair: np.ndarray
    weight: np.ndarray
    robust: np.ndarray
    found: np.ndarray
    residual: np.ndarray
    strikes: np.ndarray


def _pass(
    undiscounted: Pairs,
    weight: np.ndarray,
    least_scale: np.ndarray,
    forward: np.ndarray,
    rate_years: np.ndarray,
    carry_years: np.ndarray,
) -> _Pass:
    k, call, put = _european(undiscounted, forward, rate_years, carry_years)
    of_pair = forward[:, None] * (1.0 + otm_price(k, call) - otm_price(k, put))
    weight = np.where(np.isfinite(of_pair), weight, 0.0)  # once out of the table, a pair stays out
    found, robust = location(of_pair, weight, least_scale)
    residual = np.sqrt(np.nansum(robust * (of_pair - found[:, None]) ** 2, axis=1) / robust.sum(axis=1))
    strikes = (robust > 0).sum(axis=1)
    found = np.where((strikes >= FEWEST) & (found > 0), found, np.nan)
    return _Pass(k, call, put, of_pair, weight, robust, found, residual, strikes)


def _european(
    undiscounted: Pairs, forward: np.ndarray, rate_years: np.ndarray, carry_years: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Log-moneyness and European stdevs of call and put, (n, m) each; NaN where early exercise leaves none."""
    moneyness = undiscounted.strike / forward[:, None]
    k = np.log(moneyness)
    value = np.stack([undiscounted.call, undiscounted.put]) / forward[:, None]
    american = implied_stdev(value - np.maximum([1.0 - moneyness, moneyness - 1.0], 0.0), k)
    (call, put), _ = de_americanise(american, k, rate_years[:, None], carry_years[:, None], RIGHTS)
    return k, call, put


def _carry(
    forward: np.ndarray,
    error: np.ndarray,
    rate_years: np.ndarray,
    years: np.ndarray,
    spot: float | None,
    chain: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """The carry (times years) of each expiration, and the spot of each chain."""
    if spot is None:
        spots, number = _implied_spots(forward, error, rate_years, years, chain)
    else:
        starts, number = _numbered(chain)
        spots = np.full(len(starts), spot)
    return np.log(spots[number]) + rate_years - np.log(forward), spots


def _numbered(chain: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The first expiration of each chain, and the number of each expiration's among those that there are."""
    begins = np.diff(chain, prepend=-1) > 0
    return np.flatnonzero(begins), np.cumsum(begins) - 1
