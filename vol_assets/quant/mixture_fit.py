"""Fitting lognormal mixtures to the quotes of many expirations at once.

Prices are fitted, each against its own uncertainty. Parameters are free of constraints: weights a softmax, log-means
within +-6 at-the-money stdevs and component stdevs within [0.25, 5] of one, both through a logistic; then the means are
scaled to sum w m = 1. Without bounds a fit spends a weight of 1e-4 on a stdev of 100 and with it on any model-free
variance; with half of these it loses the puts that SPY quotes beyond 6 stdevs. A weak pull towards the start settles
what quotes leave open. Residuals are softened (the loss of scipy's `soft_l1`): from some uncertainties on a row pulls
with constant force, so that neither a wrong quote nor a far wing that the start misses a thousandfold decides alone.

A row of the target is one of three kinds: a price to meet, an upper bound (the ask of a strike without a bid, the
next expiration's price), or a lower bound (the price of the expiration before).
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import NamedTuple

import numpy as np
from scipy.special import expit, ndtr

from vol_assets.quant import least_squares

LOWER, MEET, UPPER = -1, 0, 1
STDEV_BOUNDS = np.log([0.25, 5.0])  # of a component, over the at-the-money stdev
MEAN_BOUND = 6.0  # at-the-money stdevs
RIDGE = 3e-2  # of a parameter's distance from its start, in residuals' units

LONGEST_STEP = 1.0  # of a parameter: a logistic that saturates in one leap has no slope to come back by
WORTH_A_BATCH = 0.7  # of the work of one batch

_INV_ROOT_2PI = 1.0 / np.sqrt(2.0 * np.pi)
# Starts: weights, log-means and component stdevs over the at-the-money stdev, of smiles that lean left. The first of
# each is the usual one; the others are for smiles that it does not lead to.
_SHAPES = {
    3: (
        ([0.60, 0.32, 0.08], [0.35, -0.45, -1.6], [0.70, 0.95, 1.5]),
        ([0.45, 0.45, 0.10], [0.60, -0.30, -1.2], [0.45, 0.85, 1.3]),
        ([0.65, 0.25, 0.10], [0.05, -0.10, 0.10], [0.70, 1.30, 2.2]),
    ),
    4: (
        ([0.42, 0.34, 0.18, 0.06], [0.45, -0.05, -0.9, -1.9], [0.55, 0.80, 1.05, 1.7]),
        ([0.30, 0.40, 0.25, 0.05], [0.70, 0.10, -0.7, -1.5], [0.35, 0.70, 0.90, 1.3]),
        ([0.55, 0.30, 0.10, 0.05], [0.30, -0.40, -1.2, 0.8], [0.65, 0.90, 1.60, 1.2]),
    ),
}
STARTS = 3


class Mixtures(NamedTuple):
    """B mixtures of c components: arrays (B, c)."""

    weights: np.ndarray
    means: np.ndarray
    stdevs: np.ndarray


ROWS = ("k", "price", "weight", "kind", "soft")


@dataclass(frozen=True)
class Targets:
    """What B mixtures are to meet: (B, n) arrays, rows filled up with weight 0.

    k: log-moneyness; price: undiscounted out-of-the-money price / forward; weight: one over its uncertainty;
    kind: LOWER, MEET or UPPER; soft: residuals (misses times weights) beyond this pull no harder; at_money: (B,)
    at-the-money stdev.
    """

    k: np.ndarray
    price: np.ndarray
    weight: np.ndarray
    kind: np.ndarray
    soft: np.ndarray
    at_money: np.ndarray

    def rows(self, which: np.ndarray) -> Targets:
        """Some of the mixtures."""
        return Targets(*(getattr(self, field.name)[which] for field in fields(self)))

    def first(self, count: int) -> Targets:
        """The first `count` rows of each."""
        return Targets(*(getattr(self, name)[:, :count] for name in ROWS), self.at_money)

    def beside(self, other: Targets) -> Targets:
        """Both sets of rows."""
        return Targets(*(np.hstack([getattr(self, n), getattr(other, n)]) for n in ROWS), self.at_money)


def start(components: int, lean: np.ndarray, shape: int = 0) -> np.ndarray:
    """Parameters to start from, (B, 3 c - 1): one of the STARTS shapes, leaning left by `lean` (B,), -1 ... 1."""
    weights, means, stdevs = (np.array(values) for values in _SHAPES[components][shape])
    x = np.empty((len(lean), 3 * components - 1))
    x[:, : components - 1] = np.log(weights[1:] / weights[0])
    x[:, components - 1 : 2 * components - 1] = np.arctanh(means * lean[:, None] / MEAN_BOUND)
    low, high = STDEV_BOUNDS
    share = (np.log(stdevs) - low) / (high - low)
    x[:, 2 * components - 1 :] = np.log(share / (1.0 - share))
    return x


def fit(targets: Targets, x: np.ndarray, *, iterations: int = 60) -> tuple[np.ndarray, np.ndarray]:
    """The parameters (B, 3 c - 1) that meet the targets best from the start `x`, and their costs (B,)."""
    found, cost = np.empty_like(x), np.empty(len(x))
    for which, longest in _batches((targets.weight > 0).sum(axis=1)):
        found[which], cost[which] = _fit(targets.rows(which).first(longest), x[which], iterations)
    return found, cost


def _batches(lengths: np.ndarray) -> list[tuple[np.ndarray, int]]:
    """All problems together, or short and long ones apart where filling up the short ones would cost more."""
    order = np.argsort(lengths, kind="stable")
    count, longest = len(lengths), int(lengths.max())
    area = lengths[order] * np.arange(1, count + 1) + longest * np.arange(count - 1, -1, -1)
    cut = int(area.argmin()) + 1
    if cut == count or area[cut - 1] > WORTH_A_BATCH * count * longest:
        return [(order, longest)]
    return [(order[:cut], int(lengths[order[cut - 1]])), (order[cut:], longest)]


def _fit(targets: Targets, x: np.ndarray, iterations: int) -> tuple[np.ndarray, np.ndarray]:
    side = np.where(targets.k < 0, -1.0, 1.0)
    strike = np.exp(targets.k)
    origin = x.copy()
    ridge = RIDGE * np.eye(x.shape[1])

    def residuals(x: np.ndarray, which: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        if len(which) == len(origin):
            which = slice(None)
        price, jacobian = _price_and_jacobian(x, targets.k[which], side[which], strike[which], targets.at_money[which])
        miss = price - targets.price[which]
        scale = np.where(targets.kind[which] * miss >= 0, targets.weight[which], 0.0)
        miss, scale = _softened(miss * scale, scale, targets.soft[which])
        r = np.hstack([miss, RIDGE * (x - origin[which])])
        return r, np.concatenate([jacobian * scale[:, None, :], np.broadcast_to(ridge, (len(x), *ridge.shape))], axis=2)

    return least_squares.solve(residuals, x, iterations=iterations, longest_step=LONGEST_STEP)


def _softened(r: np.ndarray, slope: np.ndarray, soft: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Residuals whose squares are soft^2 2 (sqrt(1 + (r / soft)^2) - 1), and their slopes."""
    root = np.sqrt(1.0 + (r / soft) ** 2)
    gain = np.sqrt(2.0 / (root + 1.0))
    return r * gain, slope / (root * gain)


def parameters(x: np.ndarray, at_money: np.ndarray) -> Mixtures:
    """The mixtures that parameters (B, 3 c - 1) stand for."""
    weights, _, mean, stdevs, _, _ = _unpack(x, at_money)
    return Mixtures(weights, mean, stdevs)


def _unpack(x: np.ndarray, at_money: np.ndarray) -> tuple[np.ndarray, ...]:
    c = (x.shape[1] + 1) // 3
    logits = np.hstack([np.zeros((len(x), 1)), x[:, : c - 1]])
    weights = np.exp(logits - logits.max(axis=1, keepdims=True))
    weights /= weights.sum(axis=1, keepdims=True)
    bend = np.tanh(x[:, c - 1 : 2 * c - 1])
    means = np.exp(MEAN_BOUND * at_money[:, None] * bend)
    means /= (weights * means).sum(axis=1, keepdims=True)
    share = expit(x[:, 2 * c - 1 :])
    low, high = STDEV_BOUNDS
    stdevs = at_money[:, None] * np.exp(low + (high - low) * share)
    d_mean = MEAN_BOUND * at_money[:, None] * (1.0 - bend**2)  # d ln u / d x before the means are scaled
    d_stdev = (high - low) * share * (1.0 - share)  # d ln s / d x
    return weights, logits, means, stdevs, d_mean, d_stdev


def _price_and_jacobian(
    x: np.ndarray, k: np.ndarray, side: np.ndarray, strike: np.ndarray, at_money: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Prices (B, n) and their derivatives by the parameters (B, 3 c - 1, n)."""
    weights, _, means, stdevs, d_mean, d_stdev = _unpack(x, at_money)
    w, m, s = weights[..., None], means[..., None], stdevs[..., None]
    side = side[:, None, :]
    d1 = (np.log(means)[..., None] - k[:, None, :]) / s + 0.5 * s
    stock = m * side * ndtr(side * d1)  # (B, c, n)
    leg = stock - (strike * side[:, 0, :])[:, None, :] * ndtr(side * (d1 - s))
    price = (w * leg).sum(axis=1)
    by_mean = w * stock  # by ln m_i, the others held
    total = by_mean.sum(axis=1, keepdims=True)
    by_logit = w * (leg - price[:, None, :] - total * (m - 1.0))
    by_u = (by_mean - w * m * total) * d_mean[..., None]
    by_stdev = w * m * _INV_ROOT_2PI * np.exp(-0.5 * d1 * d1) * (s * d_stdev[..., None])
    return price, np.concatenate([by_logit[:, 1:], by_u, by_stdev], axis=1)
