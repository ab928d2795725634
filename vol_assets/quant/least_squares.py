"""Levenberg-Marquardt for many small problems at once.

The expirations of a chain, or its candidate starts, are fitted together: each iteration evaluates residuals and
Jacobians of all unfinished problems in one pass over arrays and solves their normal equations in one batched call.
Damping is scaled by the diagonal (Marquardt 1963) and adapted a problem at a time (Nielsen 1999).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

PATIENCE = 3
RESIDUALS = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]


def solve(
    residuals: RESIDUALS,
    start: np.ndarray,
    *,
    iterations: int = 60,
    tolerance: float = 1e-4,
    longest_step: float = np.inf,
) -> tuple[np.ndarray, np.ndarray]:
    """Minimise sum r^2 / 2 of B problems with p parameters: (B, p) -> the parameters found (B, p), their costs (B,).

    residuals(x, which) gets (b, p) parameters and the numbers (b,) of the problems they belong to, and returns r
    (b, m) and its Jacobian transposed (b, p, m). A problem is finished when PATIENCE steps in a row improve its cost by
    less than `tolerance` of itself (one may just be a cautious one), or after `iterations` steps tried. No parameter
    moves by more than `longest_step` at once.
    """
    x = np.array(start, dtype=float)
    cost, gradient, curvature = _normal(*residuals(x, np.arange(len(x))))
    damping, growth = np.full(len(x), 1e-2), np.full(len(x), 2.0)
    idle = np.zeros(len(x), dtype=int)
    active = np.flatnonzero(np.isfinite(cost))
    for _ in range(iterations):
        if not active.size:
            break
        a = active
        diagonal = np.einsum("bpp->bp", curvature[a])
        scale = damping[a, None] * (diagonal + 1e-12 * diagonal.max(axis=1, keepdims=True) + 1e-300)
        system = curvature[a]
        np.einsum("bpp->bp", system)[...] += scale
        step = -np.linalg.solve(system, gradient[a][..., None])[..., 0]
        step *= np.minimum(1.0, longest_step / np.maximum(np.abs(step).max(axis=1, keepdims=True), 1e-300))
        tried = x[a] + step
        new_cost, new_gradient, new_curvature = _normal(*residuals(tried, a))
        promised = 0.5 * np.einsum("bp,bp->b", step, scale * step - gradient[a])
        gain = np.clip((cost[a] - new_cost) / np.maximum(promised, 1e-300), 0.0, 1.0)
        better = new_cost < cost[a]
        idle[a] = np.where(better & (cost[a] - new_cost > tolerance * cost[a]), 0, idle[a] + better)
        finished = (idle[a] >= PATIENCE) | (damping[a] > 1e12)
        damping[a] = np.where(better, damping[a] * np.maximum(1 / 3, 1 - (2 * gain - 1) ** 3), damping[a] * growth[a])
        growth[a] = np.where(better, 2.0, 2.0 * growth[a])
        b = a[better]
        x[b], cost[b], gradient[b], curvature[b] = (
            values[better] for values in (tried, new_cost, new_gradient, new_curvature)
        )
        active = a[~finished]
    return x, cost


def _normal(r: np.ndarray, jacobian: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Cost, gradient and Gauss-Newton curvature of each problem."""
    return 0.5 * np.einsum("bm,bm->b", r, r), (jacobian @ r[..., None])[..., 0], jacobian @ jacobian.swapaxes(1, 2)
