"""An implied-volatility surface without static arbitrage: slices in order of time, and every smile between them.

Everything is said in normalised prices: o(k) is the undiscounted out-of-the-money price over the forward of its
expiration at log-moneyness k. A slice is a lognormal mixture or, where quotes are few, an eSSVI slice; both are convex
in strike. Calendar arbitrage is a price at fixed k that falls with time, so each expiration's price is the largest of
its own slice's and those of all expirations before it: a maximum of convex functions is convex, and whatever order
the fits left, the surface has.

Between expirations at-the-money total variance is linear in time. On a few nodes of time both neighbours are stretched
to it, log-means and stdevs by the same r, which keeps a smile's shape in stdevs, and their prices are combined by the
share of time: convex as any combination, and exact in a flat world. From node to node prices are combined at fixed k,
which never lets them fall with time where they do not fall between the nodes. (From expiration to expiration, the
textbook's way, that puts a smile between two flat slices: 0.8 vol points at 0.8 stdevs between 7 and 30 days.) Where
prices would fall between nodes, as much as must of the nodes is the textbook's combination.

Before the first and after the last expiration the nearest slice is stretched by r = sqrt(T / T_i), log-means and
stdevs alike: a mixture still, but an extrapolation, and marked so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np
from scipy.special import ndtr, ndtri

from vol_assets.quant import black, essvi, mixture, mixture_fit, svi
from vol_assets.quant.implied_vol import implied_stdev

REACH = 10.0  # at-the-money stdevs: how far a slice is looked at
NODES = 4  # steps, in equal ratios of time, from an expiration to the next
# Where prices between expirations must not fall with time: dense at the forward.
BAND_STDEVS = REACH * np.sinh(3.0 * np.linspace(-1.0, 1.0, 161)) / np.sinh(3.0)
BAND_MARGIN = 0.9  # of a share that some strike limits: the worst strike may lie between two that are looked at
BAND_TOLERANCE = 1e-9  # of the forward: a millionth of a dollar
DELTA_STEPS = 12  # of the search for a strike by delta
# An eSSVI slice as a mixture: how many components meet its price at which stdevs, each to so much of the stdev.
ESSVI_COMPONENTS, ESSVI_STDEVS, ESSVI_RESOLUTION = 4, np.linspace(-5.0, 5.0, 41), 1e-3
ESSVI_FLOOR = 1e-9  # of the forward: what no price need be nearer than


@dataclass(frozen=True)
class Surface:
    """Fitted slices of n expirations in order of time, as arrays.

    years, forward (n,); spot: the forward of time 0, USD; weights, means, stdevs (n, c) of the mixtures, unused
    components with weight 0, mean and stdev 1; theta, rho, psi (n,) of the eSSVI slices; is_mixture (n,): which of the
    two an expiration uses.
    """

    years: np.ndarray
    forward: np.ndarray
    spot: float
    weights: np.ndarray
    means: np.ndarray
    stdevs: np.ndarray
    theta: np.ndarray
    rho: np.ndarray
    psi: np.ndarray
    is_mixture: np.ndarray

    def forward_at(self, years: np.ndarray) -> np.ndarray:
        """Forwards (t,), USD: linear in their logarithm from the spot on, beyond the last with its mean growth."""
        times, logs = np.append(0.0, self.years), np.log(np.append(self.spot, self.forward))
        growth = (logs[-1] - logs[0]) / times[-1]
        return np.exp(np.interp(years, times, logs) + growth * np.maximum(np.asarray(years) - times[-1], 0.0))

    def part(self, which: np.ndarray) -> Surface:
        """The surface of some of the expirations."""
        arrays = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "spot"}
        return Surface(spot=self.spot, **{name: values[which] for name, values in arrays.items()})

    def own_prices(self, k: np.ndarray) -> np.ndarray:
        """Each slice's own price at k, (m,) or (n, m) -> (n, m): before the maximum over time."""
        return _prices(self._rows(np.arange(len(self.years))), k)

    @cached_property
    def at_money(self) -> np.ndarray:
        """Total stdev at the forward of each expiration, (n,)."""
        own = implied_stdev(self.own_prices(np.zeros(1))[:, 0], np.zeros(len(self.years)))
        return np.maximum.accumulate(own)

    @cached_property
    def lifters(self) -> list[np.ndarray]:
        """For each expiration the slices whose maximum is its price: itself, and earlier ones that come near it."""
        # Geometric steps see the shortest slice near the forward and the longest one far out.
        far = np.geomspace(0.05 * self.at_money.min(), REACH * self.at_money.max(), 96)
        k = np.concatenate([-far[::-1], [0.0], far])
        price = self.own_prices(k)
        # Prices under 1e-13 of the forward are below what a double's rounding leaves of any of them.
        price = np.where(price > 1e-13, price, 0.0)
        groups = []
        for i in range(len(price)):
            near = (price[:i] > 0.98 * price[i]) & (price[:i] > 0)
            groups.append(np.append(np.flatnonzero(near.any(axis=1)), i))
        return groups

    @cached_property
    def expirations(self) -> Smiles:
        """The smiles of the expirations themselves."""
        return self.smiles(self.years)

    def smiles(self, years: np.ndarray) -> Smiles:
        """The smiles at times (t,), whatever lies between, before or after the expirations."""
        years = np.atleast_1d(np.asarray(years, dtype=float))
        last = len(self.years) - 1
        upper = np.clip(np.searchsorted(self.years, years), 0, last)
        exact = np.isclose(self.years[upper], years, rtol=1e-12, atol=0)
        outside = ((years < self.years[0]) | (years > self.years[-1])) & ~exact
        stretch = np.where(outside, np.sqrt(years / self.years[upper]), 1.0)
        between = ~exact & ~outside
        time = np.flatnonzero(between)
        before = upper[time] - 1
        slices, shares = self._between(years[time], before)
        which = np.concatenate([upper[~between], *(before, before, before + 1, before + 1), *(before, before + 1)])
        owner = np.concatenate([np.flatnonzero(~between), np.tile(time, len(shares))])
        share = np.concatenate([np.ones((~between).sum()), shares.ravel()])
        stretch = np.concatenate([stretch[~between], slices.ravel()])
        order = np.argsort(owner, kind="stable")
        order = order[share[order] > 0]
        return Smiles(
            years=years,
            forward=self.forward_at(years),
            extrapolated=outside,
            _ends=self._ends(which[order], stretch[order]),
            _share=share[order],
            _owner=owner[order],
        )

    def _between(self, years: np.ndarray, before: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Stretches and shares (6, t) of what a smile between the expirations `before` and the next is made of.

        In order: the earlier slice stretched to the node before and to the node after, the same of the later slice,
        both as they are.
        """
        if not years.size:
            return np.empty((6, 0)), np.empty((6, 0))
        intervals, position = np.unique(before, return_inverse=True)
        kept = self._shape_share(intervals)[position]
        passed = (years - self.years[before]) / (self.years[before + 1] - self.years[before])
        nodes = self._nodes(before)
        segment = (nodes[:, 1:-1] <= passed[:, None]).sum(axis=1)
        ends = [np.take_along_axis(nodes, (segment + i)[:, None], axis=1)[:, 0] for i in (0, 1)]
        price, first, last = (self._at_money_price(before, share) for share in (passed, *ends))
        rise = last - first
        later = np.where(rise > 0, (price - first) / np.where(rise > 0, rise, 1.0), 0.0)
        shares = (kept * (1 - later), kept * later)
        mixed = (1 - kept) * self._mixed(before, passed)
        stretches = [self._stretches(before, end) for end in ends]
        one = np.ones(len(years))
        return (
            np.array([*(r[0] for r in stretches), *(r[1] for r in stretches), one, one]),
            np.array(
                [
                    *(share * (1 - end) for share, end in zip(shares, ends)),
                    *(share * end for share, end in zip(shares, ends)),
                    1 - kept - mixed,
                    mixed,
                ]
            ),
        )

    def _nodes(self, before: np.ndarray) -> np.ndarray:
        """Shares of the time to the next expiration at NODES + 1 times in equal ratios, (i, NODES + 1)."""
        ratio = (self.years[before + 1] / self.years[before])[:, None]
        return (ratio ** np.linspace(0.0, 1.0, NODES + 1) - 1.0) / (ratio - 1.0)

    def _at_money_stdev(self, before: np.ndarray, passed: np.ndarray) -> np.ndarray:
        low, high = self.at_money[before], self.at_money[before + 1]
        return np.sqrt((1 - passed) * low**2 + passed * high**2)

    def _at_money_price(self, before: np.ndarray, passed: np.ndarray) -> np.ndarray:
        return 2.0 * ndtr(0.5 * self._at_money_stdev(before, passed)) - 1.0

    def _mixed(self, before: np.ndarray, passed: np.ndarray) -> np.ndarray:
        """The share of the next expiration's prices at fixed k that gives the at-the-money variance."""
        floor, ceiling = (self._at_money_price(before, np.full(len(before), end)) for end in (0.0, 1.0))
        rise = ceiling - floor
        price = self._at_money_price(before, passed)
        return np.where(rise > 0, (price - floor) / np.where(rise > 0, rise, 1.0), passed)

    def _stretches(self, before: np.ndarray, passed: np.ndarray) -> list[np.ndarray]:
        """How much an expiration and the next are to be stretched for the at-the-money variance between them."""
        stdev = self._at_money_stdev(before, passed)
        return np.split(self._stretch_to(np.concatenate([before, before + 1]), np.tile(stdev, 2)), 2)

    def _shape_share(self, before: np.ndarray) -> np.ndarray:
        """How much of the way from the expirations `before` (i,) to the next goes by stretching: as much as lets no
        price at fixed k fall from node to node."""
        inner = self._nodes(before)[:, 1:-1]
        which, passed = np.repeat(before, inner.shape[1]), inner.ravel()
        k = BAND_STDEVS * self.at_money[before + 1, None]
        floor, ceiling = (self._ends(i, np.ones(len(i))).prices(k) for i in (before, before + 1))
        by_node = (*inner.shape, len(BAND_STDEVS))
        many = np.repeat(k, inner.shape[1], axis=0)
        ends = zip((which, which + 1), self._stretches(which, passed))
        low, high = (self._ends(i, r).prices(many).reshape(by_node) for i, r in ends)
        shaped = (1 - inner[..., None]) * low + inner[..., None] * high
        mixed = self._mixed(which, passed).reshape(inner.shape)[..., None]
        plain = (1 - mixed) * floor[:, None] + mixed * ceiling[:, None]
        gain, safe = (
            np.diff(np.concatenate([floor[:, None], way, ceiling[:, None]], axis=1), axis=1) for way in (shaped, plain)
        )
        falls = gain < -BAND_TOLERANCE
        safe = np.maximum(safe, 0.0)
        share = np.where(falls, safe / np.where(falls, safe - gain, 1.0), 1.0).min(axis=(1, 2))
        return np.where(share < 1.0, BAND_MARGIN * share, 1.0)

    def _stretch_to(self, which: np.ndarray, stdev: np.ndarray) -> np.ndarray:
        """How much the expirations `which` are to be stretched for an at-the-money stdev, (t,)."""
        zero = np.zeros((len(which), 1))
        r = np.ones(len(which))
        for _ in range(4):  # the stdev is all but proportional to r
            r = r * stdev / implied_stdev(self._ends(which, r).prices(zero)[:, 0], zero[:, 0])
        return r

    def _ends(self, which: np.ndarray, stretch: np.ndarray) -> _Ends:
        """The expirations `which` (e,), each stretched, with the slices whose maximum they are."""
        groups = [self.lifters[i] for i in which]
        sizes = np.array([len(group) for group in groups], dtype=int)
        rows = np.concatenate(groups) if groups else np.empty(0, dtype=int)
        of_row = np.repeat(np.arange(len(which)), sizes)
        return _Ends(_stretched(self._rows(rows), stretch[of_row]), np.cumsum(sizes) - sizes, of_row)

    def _rows(self, which: np.ndarray) -> _Rows:
        parts = (self.weights, self.means, self.stdevs, self.theta, self.rho, self.psi, self.is_mixture)
        return _Rows(*parts).part(which)


@dataclass(frozen=True)
class Smiles:
    """Smiles at t times, each with its forward; `extrapolated` where the time is outside the expirations.

    Methods take log-moneyness (m,) or (t, m) and return (t, m).
    """

    years: np.ndarray
    forward: np.ndarray
    extrapolated: np.ndarray
    _ends: _Ends
    _share: np.ndarray  # of each end in its smile
    _owner: np.ndarray  # the smile of each end, ascending

    def otm_price(self, k: np.ndarray) -> np.ndarray:
        """Undiscounted out-of-the-money price / forward."""
        return self._combine(self._ends.prices(self._spread(k)))

    def stdev(self, k: np.ndarray) -> np.ndarray:
        """Implied total stdev; NaN where the price is lost below a double's rounding."""
        price = self.otm_price(k)
        return implied_stdev(price, np.broadcast_to(k, price.shape))

    def vol(self, k: np.ndarray) -> np.ndarray:
        """Implied volatility, decimal a year."""
        return self.stdev(k) / np.sqrt(self.years)[:, None]

    @cached_property
    def at_money(self) -> np.ndarray:
        """Implied total stdev at the forward, (t,)."""
        return self.stdev(np.zeros(1))[:, 0]

    def density(self, k: np.ndarray) -> np.ndarray:
        """Density of ln(S_T / F), apart from the atoms where one slice takes over from another."""
        return self._combine(self._ends.of_highest(_density, self._spread(k)))

    def distribution(self, k: np.ndarray) -> np.ndarray:
        """P(ln(S_T / F) < k)."""
        return self._combine(self._ends.of_highest(_distribution, self._spread(k)))

    def quantile(self, probability: np.ndarray) -> np.ndarray:
        """ln(S_T / F) below which it ends with each probability (m,): by bisection, to 1e-10."""
        p = np.broadcast_to(probability, (len(self.years), np.shape(probability)[-1]))
        low, high = (np.broadcast_to(end * REACH * self.at_money[:, None], p.shape).copy() for end in (-1.0, 1.0))
        for _ in range(44):
            middle = 0.5 * (low + high)
            below = self.distribution(middle) < p
            low, high = np.where(below, middle, low), np.where(below, high, middle)
        return 0.5 * (low + high)

    def mixtures(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The laws of ln(S_T / F) as mixtures of normals: weights, means and stdevs, (t, c) each.

        Exact where slices are mixtures and none is lifted: a stretched slice is a mixture, and a combination of prices
        one of laws. Of slices whose maximum is a price the one highest at the forward stands. An eSSVI slice enters as
        the mixture that fits its prices. With |rho| to .3 and psi to .9 sqrt(theta) vols are then right to 5e-4 of the
        one at the forward within 2.5 stdevs, the 1 and 99 % quantiles to 3e-3 stdevs; with rho = -.7 to 5e-3 and .25.
        Unused components have weight 0, mean 0, stdev 1.
        """
        first = np.searchsorted(self._owner, np.arange(len(self.years)))
        place = np.arange(len(self._owner)) - first[self._owner]
        parts = _lognormals(self._ends.highest_at_the_forward())
        shape = (len(self.years), place.max(initial=0) + 1, parts[0].shape[1])
        weights, means, stdevs = np.zeros(shape), np.zeros(shape), np.ones(shape)
        for law, values in zip((weights, means, stdevs), parts):
            law[self._owner, place] = values
        weights[self._owner, place] *= self._share[:, None]
        used = weights > 0
        means = np.where(used, np.log(means, where=used, out=np.zeros(shape)) - 0.5 * stdevs**2, 0.0)
        return tuple(law.reshape(shape[0], -1) for law in (weights, means, np.where(used, stdevs, 1.0)))

    def at_delta(self, delta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Log-moneyness and total stdev where the call's forward delta N(d1) is `delta` (m,): two arrays (t, m).

        Secant on d1(k) = -k / s(k) + s(k) / 2 from the at-the-money smile.
        """
        d1 = ndtri(np.asarray(delta, dtype=float))
        s = self.at_money[:, None]
        k0 = np.broadcast_to(0.5 * s * s - d1 * s, (len(s), len(d1)))
        s0 = self.stdev(k0)
        k1 = 0.5 * s0 * s0 - d1 * s0
        miss0 = -k0 / s0 + 0.5 * s0 - d1
        for _ in range(DELTA_STEPS):
            s1 = self.stdev(k1)
            miss1 = -k1 / s1 + 0.5 * s1 - d1
            if np.abs(miss1[np.isfinite(miss1)]).max(initial=0.0) < 1e-12:
                break
            change = miss1 - miss0
            step = np.where(change != 0, -miss1 * (k1 - k0) / np.where(change != 0, change, 1.0), 0.0)
            k0, miss0 = k1, miss1
            k1 = k1 + np.clip(step, -s, s)
        return k1, self.stdev(k1)

    def _spread(self, k: np.ndarray) -> np.ndarray:
        k = np.asarray(k, dtype=float)
        return k if k.ndim == 1 else k[self._owner]

    def _combine(self, ends: np.ndarray) -> np.ndarray:
        first = np.searchsorted(self._owner, np.arange(len(self.years)))
        return np.add.reduceat(self._share[:, None] * ends, first, axis=0)


def expiration_smiles(surfaces: Sequence[Surface]) -> Smiles:
    """The smiles of the expirations of many surfaces, one after the other, as `Surface.expirations` of each.

    Of every expiration all slices before it are asked, not only its lifters: right where expirations are few.
    """
    arrays = {
        field.name: np.concatenate([getattr(surface, field.name) for surface in surfaces])
        for field in fields(Surface)
        if field.name != "spot"
    }
    years, forward = arrays.pop("years"), arrays.pop("forward")
    count = np.concatenate([np.arange(1, len(surface.years) + 1) for surface in surfaces])
    smile = np.arange(len(years))
    of_row, starts = np.repeat(smile, count), np.cumsum(count) - count
    slices = _Rows(**arrays).part(of_row - (count[of_row] - 1) + np.arange(len(of_row)) - starts[of_row])
    return Smiles(
        years=years,
        forward=forward,
        extrapolated=np.zeros(len(years), dtype=bool),
        _ends=_Ends(slices, starts, of_row),
        _share=np.ones(len(years)),
        _owner=smile,
    )


@dataclass(frozen=True)
class _Ends:
    """Expirations as maxima of slices: the first row of each (e,), and the expiration of each row."""

    rows: _Rows
    starts: np.ndarray
    of_row: np.ndarray

    def prices(self, k: np.ndarray) -> np.ndarray:
        """At k, (m,) or (e, m) -> (e, m)."""
        own = _prices(self.rows, self._spread(k))
        return own if len(self.starts) == len(self.of_row) else np.maximum.reduceat(own, self.starts, axis=0)

    def of_highest(self, function, k: np.ndarray) -> np.ndarray:
        """`function` of whichever slice has the highest price."""
        k = self._spread(k)
        value = function(self.rows, k)
        if len(self.starts) == len(self.of_row):
            return value
        price = _prices(self.rows, k)
        chosen = []
        for start, stop in zip(self.starts, np.append(self.starts[1:], len(price))):
            best = price[start:stop].argmax(axis=0)
            chosen.append(np.take_along_axis(value[start:stop], best[None], axis=0)[0])
        return np.array(chosen)

    def highest_at_the_forward(self) -> _Rows:
        """The slice of each expiration that has the highest price at the forward, (e,) rows."""
        if len(self.starts) == len(self.of_row):
            return self.rows
        price = _prices(self.rows, np.zeros(1))[:, 0]
        # By expiration, then by price: the last of each expiration.
        order = np.lexsort((price, self.of_row))
        return self.rows.part(order[np.append(self.starts[1:], len(order)) - 1])

    def _spread(self, k: np.ndarray) -> np.ndarray:
        return k if k.ndim == 1 else k[self.of_row]


@dataclass(frozen=True)
class _Rows:
    """Slices by row, any of them any number of times."""

    weights: np.ndarray
    means: np.ndarray
    stdevs: np.ndarray
    theta: np.ndarray
    rho: np.ndarray
    psi: np.ndarray
    is_mixture: np.ndarray

    def part(self, which: np.ndarray) -> _Rows:
        return _Rows(*(getattr(self, field.name)[which] for field in fields(self)))

    def mixtures(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        return tuple(part[self.is_mixture] for part in (self.weights, self.means, self.stdevs))

    def essvi(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        return tuple(part[~self.is_mixture, None] for part in (self.theta, self.rho, self.psi))


def _stretched(rows: _Rows, r: np.ndarray) -> _Rows:
    means = rows.means ** r[:, None]
    means = means / np.sum(rows.weights * means, axis=1, keepdims=True)
    parts = (rows.weights, means, rows.stdevs * r[:, None], rows.theta * r**2, rows.rho, rows.psi * r, rows.is_mixture)
    return _Rows(*parts)


def _lognormals(rows: _Rows) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Weights, means and stdevs of all rows, (e, c): eSSVI slices as mixtures that fit their prices."""
    if rows.is_mixture.all():
        return rows.mixtures()
    width = max(rows.weights.shape[1], ESSVI_COMPONENTS)
    fitted = _fitted_to_essvi(*rows.essvi())
    laws = []
    for own, found, unused in zip(rows.mixtures(), fitted, (0.0, 1.0, 1.0)):
        law = np.full((len(rows.is_mixture), width), unused)
        law[rows.is_mixture, : own.shape[1]] = own
        law[~rows.is_mixture, :ESSVI_COMPONENTS] = found
        laws.append(law)
    return tuple(laws)


def _fitted_to_essvi(theta: np.ndarray, rho: np.ndarray, psi: np.ndarray) -> mixture_fit.Mixtures:
    """Mixtures that fit the prices of eSSVI slices, parameters (e, 1); each price weighs by vega, for equal vols."""
    at_money = np.sqrt(theta)
    k = ESSVI_STDEVS * at_money
    stdev = _essvi_stdev(k, theta, rho, psi)
    vega = np.exp(-0.5 * (-k / stdev + 0.5 * stdev) ** 2) / np.sqrt(2.0 * np.pi)
    weight = 1.0 / (ESSVI_RESOLUTION * at_money * vega + ESSVI_FLOOR)
    meet, firm = np.full(k.shape, mixture_fit.MEET), np.full(k.shape, np.inf)
    targets = mixture_fit.Targets(k, black.otm_price(k, stdev), weight, meet, firm, at_money[:, 0])
    x, _ = mixture_fit.fit(targets, mixture_fit.start(ESSVI_COMPONENTS, -rho[:, 0]))
    return mixture_fit.parameters(x, at_money[:, 0])


def _prices(rows: _Rows, k: np.ndarray) -> np.ndarray:
    return _by_kind(rows, k, mixture.otm_price, lambda k, *slices: black.otm_price(k, _essvi_stdev(k, *slices)))


def _density(rows: _Rows, k: np.ndarray) -> np.ndarray:
    return _by_kind(rows, k, mixture.density, lambda k, *slices: svi.density(k, *_essvi_derivatives(k, *slices)))


def _distribution(rows: _Rows, k: np.ndarray) -> np.ndarray:
    def of_essvi(k: np.ndarray, *slices: np.ndarray) -> np.ndarray:
        w, slope, _ = _essvi_derivatives(k, *slices)
        return svi.distribution(k, w, slope)

    return _by_kind(rows, k, mixture.distribution, of_essvi)


def _by_kind(rows: _Rows, k: np.ndarray, of_mixture, of_essvi) -> np.ndarray:
    k = np.broadcast_to(k, (len(rows.theta), np.shape(k)[-1]))
    which = rows.is_mixture
    if which.all():
        return of_mixture(k, *rows.mixtures())
    result = np.empty(k.shape)
    result[which] = of_mixture(k[which], *rows.mixtures())
    result[~which] = of_essvi(k[~which], *rows.essvi())
    return result


def _essvi_stdev(k: np.ndarray, theta: np.ndarray, rho: np.ndarray, psi: np.ndarray) -> np.ndarray:
    return np.sqrt(essvi.total_variance(k, theta, rho, psi))


def _essvi_derivatives(
    k: np.ndarray, theta: np.ndarray, rho: np.ndarray, psi: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Total variance, its slope and its curvature."""
    inner = psi * k + rho * theta
    root = np.sqrt(inner**2 + theta**2 * (1.0 - rho**2))
    slope = 0.5 * psi * (rho + inner / root)
    curvature = 0.5 * psi**2 * theta**2 * (1.0 - rho**2) / root**3
    return essvi.total_variance(k, theta, rho, psi), slope, curvature
