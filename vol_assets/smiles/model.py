"""What predicts a smile: one protocol for the networks and for the baselines they are held against.

A model sees windows of states and says what the states will be. It knows its family and what its inputs are called, so
that one that was trained on other inputs is refused and not fed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol, Self

import numpy as np

from vol_assets.smiles.panel import Windows


class SmileModel(Protocol):
    """A trained model of one family.

    kind: what it is (gru, persistence); family: live or daily; horizons: steps ahead that it predicts, ascending;
    inputs: names of a state's inputs, in order (`input_names`); step_seconds: of a step, 0 where it is a session.
    """

    kind: str
    family: str
    horizons: tuple[int, ...]
    inputs: tuple[str, ...]
    step_seconds: float

    def forecast(self, windows: Windows) -> np.ndarray:
        """ln vol at the nodes of every smile, (B, horizons, n, nodes), from B windows."""
        ...

    def save(self, folder: Path) -> None:
        """Write all that `load` needs into a folder, made if it is not there."""
        ...

    @classmethod
    def load(cls, folder: Path) -> Self:
        """What `save` wrote; a ForecastError says what is wrong with a folder that holds no such model."""
        ...
