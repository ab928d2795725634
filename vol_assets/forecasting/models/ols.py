"""Ordinary least squares, whose result does not depend on who else is computing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Line:
    """intercept + inputs @ slopes."""

    intercept: float
    slopes: tuple[float, ...]

    @classmethod
    def fit(cls, inputs: np.ndarray, target: np.ndarray) -> Line:
        """Inputs (n, k) and target (n,) -> the least-squares line, by the normal equations of centred inputs.

        The k x k moments are summed by numpy's own loops rather than by BLAS, which may split a sum by the threads
        it finds free: a backtest must not change in its last digits with the load of the machine. Centred and at
        k < 10, the equations lose nothing that matters against a QR.
        """
        centre, level = inputs.mean(axis=0), target.mean()
        x, y = inputs - centre, target - level
        moments = np.array([[(a * b).sum() for b in x.T] for a in x.T])
        slopes = np.linalg.lstsq(moments, np.array([(a * y).sum() for a in x.T]))[0]
        return cls(float(level - (slopes * centre).sum()), tuple(slopes.tolist()))

    def __call__(self, inputs: np.ndarray) -> np.ndarray:
        """Inputs (n, k) -> the line's value (n,)."""
        return self.intercept + (inputs * np.array(self.slopes)).sum(axis=1)

    def __add__(self, other: Line) -> Line:
        slopes = tuple(a + b for a, b in zip(self.slopes, other.slopes, strict=True))
        return Line(self.intercept + other.intercept, slopes)

    def __mul__(self, factor: float) -> Line:
        return Line(self.intercept * factor, tuple(slope * factor for slope in self.slopes))
