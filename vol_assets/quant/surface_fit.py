"""From quotes to a surface: eSSVI for the backbone, mixtures for the details, calendar order, certificates.

1. eSSVI is fitted from the shortest expiration on: level, slope and width of every smile, arbitrage-free.
2. Every expiration with enough quotes gets a mixture, all of them fitted together: 4 components from 20 quotes, 3 from
   8. It starts leaning as the eSSVI slice does (where that leads to a bad fit, from other shapes too), and beyond the
   outermost quotes is drawn to it, weakly.
   Each mid weighs by its uncertainty: its half-spread, and what a mixture cannot resolve of a smile anyway.
   The ask of a strike without a bid bounds the price from above.
3. Where a slice crosses a neighbour, both are fitted again with the neighbour's prices as bounds.
4. What is left of crossings the surface's maximum over time takes out (`surface`), and `certify` measures: the least
   density of any slice and the worst fall of a price with time, to 10 stdevs; and by how much prices were lifted.

Many chains are fitted as one long row of expirations, in which only neighbours of a chain see each other. Nothing is
remembered from another session: a range of sessions is the same as its sessions one by one.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from vol_assets.quant import black, essvi, mixture_fit
from vol_assets.quant.mixture_fit import LOWER, MEET, UPPER, Mixtures, Targets
from vol_assets.quant.surface import REACH, Surface

COMPONENTS = {4: 20, 3: 8}  # mixture components: from how many quotes on
TAPER = 8.0  # stdevs from the forward over which a quote's say fades
RESOLUTION = 0.004  # of the at-the-money vol: what a mixture cannot resolve of a smile
SOFT = 5.0  # uncertainties beyond which a miss pulls no harder
QUOTE_SCALE = 8.0  # a mean quote's residual against the pull towards the start
MISS = 0.8  # rms residual, in uncertainties, from which the other starts are tried
SCREENING = 12  # steps after which another start must be
PROMISING = 1.1  # times as costly as the usual one's end at most, to be followed further
BOUND_SOFTNESS, BOUND_SHARPER = 0.5, 5.0  # uncertainty of an ask as a bound, as a share of it; later, how much less
LOST = 3.0  # times the limit of a miss: then every start is followed
WING_TRUST = 2.0  # uncertainty of the backbone's price beyond the quotes, as a share of it
WING_STEPS = np.array([0.5, 1.0, 1.75, 2.5, 3.5])  # stdevs beyond the outermost quote
ORDER_TOLERANCE = 1e-7  # of the forward: a crossing smaller than this is left to the maximum
ORDER_WEIGHT = 1e-3  # uncertainty of a neighbour's bound, in at-the-money stdevs
ORDER_ROUNDS, ORDER_STEPS = 2, 20


@dataclass(frozen=True)
class Quotes:
    """The quotes of one expiration, European and out of the money, sorted by k.

    years, forward: of the expiration. k, bid, mid, ask: (n,) log-moneyness and total stdevs implied by the quote;
    where there is no bid, bid and mid are NaN. A ValueError for strikes out of order.
    """

    years: float
    forward: float
    k: np.ndarray
    bid: np.ndarray
    mid: np.ndarray
    ask: np.ndarray

    def __post_init__(self) -> None:
        if (np.diff(self.k) < 0).any():
            raise ValueError("the quotes of an expiration must be sorted by k, and these are not")

    @property
    def fitted(self) -> np.ndarray:
        """Which quotes have a mid."""
        return np.isfinite(self.mid)


@dataclass(frozen=True)
class Certificate:
    """What was measured of a surface, one value an expiration.

    min_density: least density of ln(S_T / F) times the at-the-money stdev; calendar_gap: worst fall of a normalised
    price from the expiration before to this one; lift: the most that a price was lifted to keep calendar order. The
    last two in units of the forward.
    """

    min_density: np.ndarray
    calendar_gap: np.ndarray
    lift: np.ndarray


def stacked(expirations: Sequence[Quotes]) -> np.ndarray:
    """k, bid, mid, ask of every expiration, (4, n, longest), filled up with NaN."""
    arrays = np.full((4, len(expirations), max(len(quotes.k) for quotes in expirations)), np.nan)
    for i, quotes in enumerate(expirations):
        arrays[:, i, : len(quotes.k)] = quotes.k, quotes.bid, quotes.mid, quotes.ask
    return arrays


def fit_surface(expirations: Sequence[Quotes], spot: float) -> Surface:
    """The surface of expirations in order of time, each with at least one quote that has a mid."""
    return fit_surfaces([expirations], [spot])[0]


def fit_surfaces(chains: Sequence[Sequence[Quotes]], spots: Sequence[float]) -> list[Surface]:
    """The surface of each chain, of such expirations and with its spot; fitted together, each as it would be alone."""
    expirations = [quotes for chain in chains for quotes in chain]
    starts = np.cumsum([0, *(len(chain) for chain in chains)])
    first = np.isin(np.arange(len(expirations)), starts)
    mids = [(quotes.k[quotes.fitted], quotes.mid[quotes.fitted]) for quotes in expirations]
    backbone = essvi.fit(mids, first)
    at_money = np.array([essvi.at_the_money(*of_one) for of_one in mids])
    components = np.select([[len(k) >= least for k, _ in mids] for least in COMPONENTS.values()], list(COMPONENTS), 0)
    n, widest = len(expirations), max(COMPONENTS)
    slices = Surface(
        years=np.array([quotes.years for quotes in expirations]),
        forward=np.array([quotes.forward for quotes in expirations]),
        spot=np.nan,  # of all chains in a row, which only their own prices are asked of
        weights=np.eye(1, widest).repeat(n, axis=0),
        means=np.ones((n, widest)),
        stdevs=np.ones((n, widest)),
        theta=np.array([slice_.theta for slice_ in backbone]),
        rho=np.array([slice_.rho for slice_ in backbone]),
        psi=np.array([slice_.psi for slice_ in backbone]),
        is_mixture=components > 0,
    )
    targets = _targets(expirations, backbone, at_money)
    which = {c: np.flatnonzero(components == c) for c in COMPONENTS if (components == c).any()}
    found = {c: _mixtures(targets.rows(rows), c, -slices.rho[rows]) for c, rows in which.items()}
    slices = _with_mixtures(slices, which, found, at_money)
    # From here on bounds are sharp; from a far start a sharp one would be all that a fit sees.
    targets = replace(targets, weight=np.where(targets.kind == UPPER, BOUND_SHARPER, 1.0) * targets.weight)
    for _ in range(ORDER_ROUNDS):
        bounds = _neighbours(slices, at_money, first)
        again = _breaking(slices, targets, bounds)
        if not again.any():
            break
        for c, rows in which.items():
            broken = again[rows]
            if broken.any():
                both = targets.rows(rows[broken]).beside(bounds.rows(rows[broken]))
                found[c][broken], _ = mixture_fit.fit(both, found[c][broken], iterations=ORDER_STEPS)
        slices = _with_mixtures(slices, which, found, at_money)
    return [
        replace(slices.part(slice(start, end)), spot=spot)
        for (start, end), spot in zip(itertools.pairwise(starts), spots)
    ]


def certify(surface: Surface) -> Certificate:
    """Measure density and calendar order on 401 points to 10 stdevs of every expiration, and the lifts."""
    steps = np.linspace(-REACH, REACH, 401)
    k = steps * surface.at_money[:, None]
    smiles = surface.expirations
    price, own = smiles.otm_price(k), surface.own_prices(k)
    earlier = surface.smiles(np.append(surface.years[0], surface.years[:-1])).otm_price(k)
    gap = np.maximum(earlier - price, 0.0).max(axis=1)
    gap[0] = 0.0
    density = smiles.density(k).min(axis=1) * surface.at_money
    return Certificate(min_density=density, calendar_gap=gap, lift=np.maximum(price - own, 0.0).max(axis=1))


def _targets(expirations: Sequence[Quotes], backbone: Sequence[essvi.Slice], at_money: np.ndarray) -> Targets:
    """The wings and quotes of every expiration, filled up to equal length with rows of weight 0."""
    k, bid, mid, ask = stacked(expirations)
    there, fitted = np.isfinite(k), np.isfinite(mid)
    k, s = np.where(there, k, 0.0), at_money[:, None]
    stdev = np.where(there, np.where(fitted, mid, ask), s)
    price, ask_price = black.otm_price(k, stdev), black.otm_price(k, np.where(there, ask, s))
    bid_price = black.otm_price(k, np.where(fitted, bid, s))
    half_spread = np.where(fitted, 0.5 * (ask_price - bid_price), BOUND_SOFTNESS * ask_price)
    vega = np.exp(-0.5 * (-k / stdev + 0.5 * stdev) ** 2) / np.sqrt(2.0 * np.pi)
    uncertainty = np.hypot(np.maximum(half_spread, 0.0), RESOLUTION * s * vega) + 1e-9
    uncertainty *= np.exp(0.5 * (k / (TAPER * s)) ** 2)

    low, high = (np.where(fitted, k, fill) for fill in (np.inf, -np.inf))
    wing = np.hstack([low.min(axis=1)[:, None] - WING_STEPS * s, high.max(axis=1)[:, None] + WING_STEPS * s])
    parameters = (np.array(values)[:, None] for values in zip(*backbone))
    wing_price = black.otm_price(wing, np.sqrt(essvi.total_variance(wing, *parameters)))

    # The residual of a quote that is missed by its uncertainty: all quotes together weigh the same.
    scale = (QUOTE_SCALE / np.sqrt(fitted.sum(axis=1)))[:, None]
    weight = np.where(there, scale / uncertainty, 0.0)
    return Targets(
        k=np.hstack([wing, k]),
        price=np.hstack([wing_price, price]),
        weight=np.hstack([scale / (WING_TRUST * wing_price + 1e-7), weight]),
        kind=np.hstack([np.full(wing.shape, MEET), np.where(there & ~fitted, UPPER, MEET)]),
        soft=np.broadcast_to(SOFT * scale, (len(k), wing.shape[1] + k.shape[1])),
        at_money=at_money,
    )


def _mixtures(targets: Targets, components: int, lean: np.ndarray) -> np.ndarray:
    """The best parameters from the usual start; where they miss the quotes, from the other starts too."""
    x, cost = mixture_fit.fit(targets, mixture_fit.start(components, lean))
    limit = 0.5 * (QUOTE_SCALE * MISS) ** 2
    missed = np.flatnonzero(cost > limit)
    for shape in range(1, mixture_fit.STARTS) if missed.size else ():
        begun = mixture_fit.start(components, lean[missed], shape)
        begun, costs = mixture_fit.fit(targets.rows(missed), begun, iterations=SCREENING)
        promising = (costs < PROMISING * cost[missed]) | (cost[missed] > LOST * limit)
        which = missed[promising]
        if which.size:
            again, costs = mixture_fit.fit(targets.rows(which), begun[promising])
            better = costs < cost[which]
            x[which[better]], cost[which[better]] = again[better], costs[better]
    return x


def _neighbours(slices: Surface, at_money: np.ndarray, first: np.ndarray) -> Targets:
    """The neighbours' prices as bounds on every expiration; first: which have none before them."""
    k = np.linspace(-6.0, 6.0, 41) * at_money[:, None]
    later = np.flatnonzero(~first)
    before, after = np.zeros_like(k), np.ones_like(k)  # the first has nothing before it, the last nothing after
    if later.size:
        before[later] = slices.part(later - 1).own_prices(k[later])
        after[later - 1] = slices.part(later).own_prices(k[later - 1])
    weight = np.full_like(k, 1.0 / (ORDER_WEIGHT * at_money)[:, None])
    firm = np.full_like(k, np.inf)
    lower = Targets(k, before, weight, np.full(k.shape, LOWER), firm, at_money)
    return lower.beside(Targets(k, after, weight, np.full(k.shape, UPPER), firm, at_money))


def _breaking(slices: Surface, targets: Targets, bounds: Targets) -> np.ndarray:
    """Which expirations cross a neighbour, or the ask of a strike without a bid by more than its uncertainty."""
    crosses = bounds.kind * (slices.own_prices(bounds.k) - bounds.price) > ORDER_TOLERANCE
    over = targets.kind * (slices.own_prices(targets.k) - targets.price) * targets.weight > QUOTE_SCALE
    return slices.is_mixture & (crosses.any(axis=1) | over.any(axis=1))


def _with_mixtures(
    slices: Surface, which: Mapping[int, np.ndarray], found: Mapping[int, np.ndarray], at_money: np.ndarray
) -> Surface:
    """The slices with the mixtures that parameters stand for; which: their rows by the number of components."""
    arrays = {name: getattr(slices, name).copy() for name in Mixtures._fields}
    for c, rows in which.items():
        for name, values in mixture_fit.parameters(found[c], at_money[rows])._asdict().items():
            arrays[name][rows, :c] = values
    return replace(slices, **arrays)
