"""Functions of several variables as products of Chebyshev polynomials.

A smooth function on [-1, 1]^d is interpolated at the Chebyshev points of the first kind, one count of points an axis,
and evaluated as sum c_ij.. T_i(x) T_j(y) .. (Trefethen, "Approximation theory and approximation practice", 2013). The
axes are split into two halves, so that a block of rows costs one matrix product.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np

FOLDER = Path(__file__).parent / "tables"
BLOCK = 1024  # rows at a time: their intermediate products stay in the cache
TILE = 32  # rows of one matrix product


@cache
def table(name: str) -> np.ndarray:
    """The coefficients that `build` has made."""
    return np.load(FOLDER / f"{name}.npy")


def points(count: int) -> np.ndarray:
    """The Chebyshev points of the first kind."""
    return np.cos(np.pi * (np.arange(count) + 0.5) / count)


def coefficients(values: np.ndarray) -> np.ndarray:
    """Values at the points of every axis -> coefficients, an array of the same shape."""
    for axis, count in enumerate(values.shape):
        to_coefficients = 2 / count * np.cos(np.outer(np.arange(count), np.pi * (np.arange(count) + 0.5) / count))
        to_coefficients[0] /= 2
        values = np.moveaxis(np.tensordot(to_coefficients, values, axes=(1, axis)), 0, axis)
    return values


def evaluate(coefficients: np.ndarray, where: tuple[np.ndarray, ...]) -> np.ndarray:
    """The function at `where`: one array (n,) of [-1, 1] an axis, values beyond are taken at the edge."""
    half = len(where) // 2
    first, second = coefficients.shape[:half], coefficients.shape[half:]
    matrix = coefficients.reshape(int(np.prod(first)), int(np.prod(second))).T
    found = np.empty(len(where[0]))
    for start in range(0, len(found), BLOCK):
        rows = slice(start, start + BLOCK)
        left = _products([axis[rows] for axis in where[:half]], first)
        right = _products([axis[rows] for axis in where[half:]], second)
        np.einsum("cn,cn->n", _matmul(matrix, left), right, out=found[rows])
    return found


def evaluate_all(coefficients: np.ndarray, where: tuple[np.ndarray, ...]) -> np.ndarray:
    """Several functions on the same axes, the first axis of `coefficients` numbers them: (functions, n)."""
    return _matmul(coefficients.reshape(len(coefficients), -1), _products(list(where), coefficients.shape[1:]))


def _matmul(matrix: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """matrix @ columns, (m, c) and (c, n), in products so small that BLAS keeps each in its thread.

    Among several processes on few cores its threads wait for one another, at twenty times the cost.
    """
    whole = columns.shape[1] // TILE * TILE
    tiles = columns[:, :whole].reshape(len(columns), whole // TILE, TILE).transpose(1, 0, 2)
    found = np.empty((len(matrix), columns.shape[1]))
    found[:, :whole] = np.matmul(matrix, tiles).transpose(1, 0, 2).reshape(len(matrix), whole)
    found[:, whole:] = matrix @ columns[:, whole:]
    return found


def _products(where: list[np.ndarray], counts: tuple[int, ...]) -> np.ndarray:
    """All products T_i(x) T_j(y) ..: (the product of the counts, n)."""
    found = _polynomials(where[0], counts[0])
    for x, count in zip(where[1:], counts[1:]):
        found = (found[:, None, :] * _polynomials(x, count)).reshape(len(found) * count, len(x))
    return found


def _polynomials(x: np.ndarray, count: int) -> np.ndarray:
    """T_0 ... T_(count - 1) at x: (count, n), by T_n = 2 x T_(n-1) - T_(n-2)."""
    found = np.empty((count, len(x)))
    found[0], found[1] = 1.0, np.clip(x, -1.0, 1.0)
    twice = 2 * found[1]
    for n in range(2, count):
        np.multiply(found[n - 1], twice, out=found[n])
        found[n] -= found[n - 2]
    return found
