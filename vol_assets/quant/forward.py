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
    strikes, 0 at the right rate and without dividends paid in lumps. spot in USD.
    """

    forward: np.ndarray
    error: np.ndarray
    residual: np.ndarray
    strikes: np.ndarray
    carry_years: np.ndarray
    stdev: np.ndarray
    slope: np.ndarray
    slope_error: np.ndarray
    spot: float

    def without(self, which: np.ndarray, rate_years: np.ndarray, years: np.ndarray) -> Forwards:
        """The same, (n,), but for the forwards of `which`, and with the spot that the others imply."""
        forward = np.where(which, np.nan, self.forward)
        carry_years, spot = _carry(forward, self.error, rate_years, years, None)
        return replace(self, forward=forward, carry_years=carry_years, spot=spot)


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
) -> Forwards:
    """The forwards at which European puts and calls agree.

    years, rate: (n,) to each expiration of `pairs`. spot: where it is known from elsewhere; otherwise implied.
    start: (n,) forwards that are nearly right, if there are any.
    """
    rate_years = rate * years
    growth = np.exp(rate_years)[:, None]
    undiscounted = Pairs(pairs.strike, pairs.call * growth, pairs.put * growth, pairs.spread * growth)
    spread = np.maximum(undiscounted.spread, LEAST_SPREAD)
    # No finer than what the spreads allow: half of the quotes may agree by chance, or by rounding, to nothing.
    weight, least_scale = 1.0 / spread**2, 0.25 * np.nanmin(spread, axis=1, initial=np.inf)
    forward = median(pairs.strike + undiscounted.call - undiscounted.put) if start is None else start
    error, change = np.full(len(years), np.nan), np.full(len(years), np.nan)
    for _ in range(PASSES):
        carry_years, _ = _carry(forward, error, rate_years, years, spot)
        k, call, put = _european(undiscounted, forward, rate_years, carry_years)
        of_pair = forward[:, None] * (1.0 + otm_price(k, call) - otm_price(k, put))
        weight = np.where(np.isfinite(of_pair), weight, 0.0)  # once out of the table, a pair stays out
        found, robust = location(of_pair, weight, least_scale)
        residual = np.sqrt(np.nansum(robust * (of_pair - found[:, None]) ** 2, axis=1) / robust.sum(axis=1))
        strikes = (robust > 0).sum(axis=1)
        found = np.where((strikes >= FEWEST) & (found > 0), found, np.nan)
        error = residual / np.sqrt(strikes)
        before, change = change, found - forward
        if not np.nanmax(np.abs(change / forward), initial=0.0) > STAYS:
            forward = found
            break
        # Steps shrink by a constant factor: jump to where they lead (Aitken).
        shrinks = np.nan_to_num(np.clip(change / before, -CONTRACTION, CONTRACTION))
        forward = found + change * shrinks / (1.0 - shrinks)
    carry_years, spot = _carry(forward, error, rate_years, years, spot)
    stdev, _, _ = line(k, 0.5 * (call + put), robust)
    _, slope, slope_error = line(pairs.strike - forward[:, None], of_pair, robust)
    return Forwards(forward, error, residual, strikes.astype(float), carry_years, stdev, slope, slope_error, spot)


@np.errstate(all="ignore")
def implied_spot(forward: np.ndarray, error: np.ndarray, rate_years: np.ndarray, years: np.ndarray) -> float:
    """The spot that forwards (n,) with standard errors (n,; NaN: unknown) agree on; NaN where there is no forward.

    A line ln S - q T through ln F - rT, on which a forward off by many errors has no say; q = 0 +- CARRY_PRIOR a year
    beforehand, which matters only when one expiration or a few of nearly the same day are all there is.
    """
    level = np.log(forward) - rate_years
    use = np.isfinite(level)
    if not use.any():
        return np.nan
    level, years, error = level[use], years[use], np.nan_to_num((error / forward)[use], nan=SPOT_NOISE)
    sigma = np.sqrt(error**2 + SPOT_NOISE**2 + (SPOT_DRIFT * years) ** 2)
    weight, origin = 1.0 / sigma**2, level[0]  # subtracted, so that the prior on q meets numbers of its own size
    level = level - origin
    for _ in range(SPOT_ROUNDS):
        total = weight.sum()
        mean_years, mean = weight @ years / total, weight @ level / total
        from_mean = weight * (years - mean_years)
        carry = -(from_mean @ level) / (from_mean @ years + CARRY_PRIOR**-2)
        spot = mean + carry * mean_years
        misfit = np.abs(level - spot + carry * years) / sigma
        weight = 1.0 / (sigma * np.maximum(misfit / 2.0, 1.0)) ** 2
    return float(np.exp(origin + spot))


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
    forward: np.ndarray, error: np.ndarray, rate_years: np.ndarray, years: np.ndarray, spot: float | None
) -> tuple[np.ndarray, float]:
    if spot is None:
        spot = implied_spot(forward, error, rate_years, years)
    return np.log(spot) + rate_years - np.log(forward), spot
