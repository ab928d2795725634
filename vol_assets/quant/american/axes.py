"""The two axes that both tables of European stdevs have: z = k/s and s, each through its root, onto -1 ... 1."""

from __future__ import annotations

import numpy as np

LOWEST_Z, HIGHEST_Z = -5.0, 0.6
LOWEST_STDEV, HIGHEST_STDEV = 0.004, 1.5  # below, the limit of small s is reached

_Z = np.sqrt(1.0 - HIGHEST_Z), np.sqrt(1.0 - LOWEST_Z)
_S = np.sqrt(LOWEST_STDEV), np.sqrt(HIGHEST_STDEV)


def unit_z(z: np.ndarray) -> np.ndarray:
    """-1 at HIGHEST_Z, 1 at LOWEST_Z."""
    return 2 * (np.sqrt(1.0 - z) - _Z[0]) / (_Z[1] - _Z[0]) - 1


def z_of(x: np.ndarray) -> np.ndarray:
    """The inverse of `unit_z`."""
    return 1.0 - (_Z[0] + (_Z[1] - _Z[0]) * (x + 1) / 2) ** 2


def unit_s(s: np.ndarray) -> np.ndarray:
    """-1 at LOWEST_STDEV, 1 at HIGHEST_STDEV."""
    return 2 * (np.sqrt(s) - _S[0]) / (_S[1] - _S[0]) - 1


def s_of(y: np.ndarray) -> np.ndarray:
    """The inverse of `unit_s`."""
    return (_S[0] + (_S[1] - _S[0]) * (y + 1) / 2) ** 2
