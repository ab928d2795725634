"""Extended SSVI: the backbone of a surface, free of static arbitrage by construction.

A slice has total variance w(k) = (theta + rho psi k + sqrt((psi k + rho theta)^2 + theta^2 (1 - rho^2))) / 2 with its
own theta (at-the-money variance), rho and psi (Hendriks and Martini 2019). Slices are fitted from the shortest on,
each inside the box that the one before leaves it (Mingone 2022, arXiv 2204.00312): with
p = max((1 + rho_0) / (1 + rho), (1 - rho_0) / (1 - rho)),

    theta >= theta_0 p,    psi_0 p <= psi <= min(psi_0 theta / theta_0, 4 / (1 + |rho|), 2 sqrt(theta / (1 + |rho|))),

so neither butterfly nor calendar arbitrage can arise. (theta is kept so large that there is such a psi.) Three
parameters follow a smile's level, slope and width, not its details: the mixture takes its start and its far wings from
here, and an expiration with a handful of quotes has nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.special import expit

from vol_assets.quant import least_squares

RHO_LIMIT = 0.999
FIRST_RHO = -0.3  # where the first slice starts
MOST_QUOTES = 60  # of an expiration: three parameters need no more, spread evenly
STEP, RIDGE = 1e-6, 1e-3  # of a parameter, and the weight of its distance from the start
LEANS = np.array([-0.5, -0.2, 0.2, 0.5])  # of starts beside the predecessor's, in arctanh rho
TAPER = 2.5  # quotes further from the forward than this many stdevs fade out of the fit


class Slice(NamedTuple):
    """One expiration's parameters."""

    theta: float
    rho: float
    psi: float


def total_variance(k: np.ndarray, theta: np.ndarray, rho: np.ndarray, psi: np.ndarray) -> np.ndarray:
    """w(k); parameters broadcast against k."""
    return 0.5 * (theta + rho * psi * k + np.sqrt((psi * k + rho * theta) ** 2 + theta**2 * (1.0 - rho**2)))


def fit(quotes: Sequence[tuple[np.ndarray, np.ndarray]], first: Sequence[bool] | None = None) -> list[Slice]:
    """Fit each expiration, in order of time: its (k, total stdev of the mid) arrays, one quote or more each.

    first: which expirations begin a chain, where many follow each other. All are first fitted free of each other, in
    one go; one that then lies outside the box is fitted again inside it.
    """
    slices: list[Slice] = []
    for number, (of_one, free) in enumerate(zip(quotes, _fit(quotes, None))):
        before = slices[-1] if number and not (first is not None and first[number]) else None
        slices.append(free if before is None or _inside_box(free, before) else _fit([of_one], before, free)[0])
    return slices


def _fit(
    quotes: Sequence[tuple[np.ndarray, np.ndarray]], before: Slice | None, free: Slice | None = None
) -> list[Slice]:
    """Slices of expirations that all come after the same one, or none; `free`: where the box's fit would rather be.

    The box has a kink where rho is its predecessor's, at which a fit that starts there stays: several starts, the best
    counts.
    """
    at_money = np.array([at_the_money(*of_one) for of_one in quotes])
    k, stdev, weight = np.zeros((3, len(quotes), MOST_QUOTES))
    for i, (of_k, of_stdev) in enumerate(quotes):
        thin = slice(None, None, 1 + (len(of_k) - 1) // MOST_QUOTES)
        count = len(of_k[thin])
        k[i, :count], stdev[i, :count] = of_k[thin], of_stdev[thin]
        weight[i, :count] = np.exp(-0.5 * (of_k[thin] / (TAPER * at_money[i])) ** 2) / at_money[i]
    rho = np.array([FIRST_RHO] if before is None else [before.rho, free.rho])
    leaning = np.arctanh(np.clip(rho / RHO_LIMIT, -0.99, 0.99))
    leaning = leaning if before is None else np.concatenate([leaning, leaning[0] + LEANS])
    theta = at_money**2 if free is None else np.array([free.theta])
    least = _box(RHO_LIMIT * np.tanh(leaning)[:, None], None, before)[0]  # (starts, 1)
    starts = np.zeros((len(leaning), len(quotes), 3))
    starts[..., 0] = leaning[:, None]
    starts[..., 1] = np.log(np.maximum(theta - least, 1e-3 * theta))
    steps = np.vstack([np.zeros(3), STEP * np.eye(3)])[:, None, :]  # of the numerical derivatives
    begun = starts.reshape(-1, 3)

    def residuals(x: np.ndarray, which: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        moved, of = x + steps, which % len(quotes)  # (4, b, 3)
        theta, rho, psi = (value[..., None] for value in _from_free(moved, before))
        r = (np.sqrt(total_variance(k[of], theta, rho, psi)) - stdev[of]) * weight[of]
        r = np.concatenate([r, RIDGE * (moved - begun[which])], axis=2)  # one quote says nothing of slope and width
        return r[0], ((r[1:] - r[0]) / STEP).swapaxes(0, 1)

    x, cost = least_squares.solve(residuals, begun, iterations=30)
    best = cost.reshape(len(leaning), len(quotes)).argmin(axis=0)
    x = x.reshape(starts.shape)[best, np.arange(len(quotes))]
    return [Slice(*(float(value) for value in one)) for one in zip(*_from_free(x, before))]


def at_the_money(k: np.ndarray, stdev: np.ndarray) -> float:
    """A robust level at the forward: the median stdev of the five quotes nearest to it.

    Where all quotes are on one side of the forward, at a distance, the line through the nearer half of them, at 0.
    """
    nearest = np.argsort(np.abs(k))
    level = float(np.median(stdev[nearest[:5]]))
    one_sided = len(k) > 2 and (k.min() > 0.25 * level or k.max() < -0.25 * level)
    if one_sided:
        half = nearest[: max(3, len(k) // 2)]
        line = np.polynomial.Polynomial.fit(k[half], stdev[half], 1)
        level = float(np.clip(line(0.0), 0.5 * level, 2.0 * level))
    return level


def _box(rho: np.ndarray, theta: np.ndarray | None, before: Slice | None) -> tuple[np.ndarray, ...]:
    """The least theta, and the least and the largest psi, that a slice may have; theta None: its least."""
    theta_0, rho_0, psi_0 = before or (0.0, 0.0, 0.0)
    ratio = np.maximum((1 + rho_0) / (1 + rho), (1 - rho_0) / (1 - rho))
    least_theta = np.maximum(theta_0 * ratio, 0.25 * (psi_0 * ratio) ** 2 * (1.0 + np.abs(rho)))
    theta = least_theta if theta is None else theta
    highest = np.minimum(4.0 / (1.0 + np.abs(rho)), 2.0 * np.sqrt(theta / (1.0 + np.abs(rho))))
    return least_theta, psi_0 * ratio, np.minimum(highest, psi_0 / theta_0 * theta) if before else highest


def _inside_box(one: Slice, before: Slice) -> bool:
    least_theta, lowest, highest = _box(one.rho, one.theta, before)
    return bool(one.theta >= least_theta and lowest <= one.psi <= highest)


def _from_free(x: np.ndarray, before: Slice | None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Unconstrained (..., 3) -> theta, rho, psi inside the box."""
    rho = RHO_LIMIT * np.tanh(x[..., 0])
    theta = _box(rho, None, before)[0] + np.exp(np.clip(x[..., 1], -40.0, 5.0))
    _, lowest, highest = _box(rho, theta, before)
    psi = lowest + np.maximum(highest - lowest, 0.0) * expit(x[..., 2])
    return theta, rho, np.minimum(psi, 4.0 / (1.0 + np.abs(rho)))  # at vols of 200 % the box may be empty
