"""A trained network as a SmileModel, and how it comes to be and is kept.

Its folder has two files: model.json, with the scaler, and weights.pt, a state dict of tensors that is read with
`weights_only`, so that loading runs nothing that is in it. It predicts on the CPU, whatever it was trained on: a batch
is small, and the same everywhere.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
import pandas as pd

from vol_assets.errors import ForecastError
from vol_assets.smiles.dataset import fitting_samples
from vol_assets.smiles.networks.inputs import DEPTH, Scaler
from vol_assets.smiles.panel import Panel, Windows
from vol_assets.smiles.stored import Card, Carded, array, card_of, opened, require_windows, write

if TYPE_CHECKING:
    from vol_assets.smiles.networks.bodies import SmileNetwork

NETWORKS = ("gru", "lstm", "mlp", "transformer")
WEIGHTS = "weights.pt"


@dataclass(frozen=True, eq=False)
class NetworkModel(Carded):
    """A network with the units of what goes in and comes out."""

    card: Card
    scaler: Scaler
    network: SmileNetwork

    def forecast(self, windows: Windows) -> np.ndarray:
        import torch

        require_windows(windows)
        distances, context = map(torch.from_numpy, self.scaler.inputs(self.family, windows))
        with torch.inference_mode():
            change = self.network(distances, context).numpy().astype(float)
        last = windows.log_vol[:, -1][:, None]
        return last + change.reshape(-1, *self.scaler.target.shape) * self.scaler.target

    def save(self, folder: Path) -> None:
        import torch

        folder = write(folder, self.card, {"size": asdict(self.network.size), "scaler": asdict(self.scaler)})
        torch.save(self.network.state_dict(), folder / WEIGHTS)

    @classmethod
    def load(cls, folder: Path) -> Self:
        import pickle

        import torch

        from vol_assets.smiles.networks.bodies import Size, SmileNetwork

        with opened(folder, NETWORKS, WEIGHTS) as (card, numbers):
            horizons = len(card.horizons)
            shapes = {name: [horizons if size == "h" else size for size in s] for name, s in Scaler.SHAPES.items()}
            scaler = Scaler(**{name: array(numbers["scaler"], name, *shape) for name, shape in shapes.items()})
            size = Size(**numbers["size"])
            if (size.depth, size.horizons) != (DEPTH[card.family], horizons):
                raise ValueError(f"{size} is not that of a {card.family} network")
            network = SmileNetwork(card.kind, size)
            try:
                weights = torch.load(Path(folder) / WEIGHTS, map_location="cpu", weights_only=True)
                network.load_state_dict(weights)
            except (RuntimeError, OSError, EOFError, pickle.UnpicklingError) as error:
                raise ValueError(f"{WEIGHTS} holds no weights of this network: {error}") from error
            if not all(torch.isfinite(tensor).all() for tensor in network.state_dict().values()):
                raise ValueError(f"{WEIGHTS} has a weight that is not finite")
            return cls(card, scaler, network.eval())


@dataclass(frozen=True, eq=False)
class Trained:
    """A trained network, and how it got there.

    curve: epoch, train, validation: mean squared errors as shares of persistence's on the same samples; epoch 0 is
    the untrained network, which is persistence.
    """

    model: NetworkModel
    curve: pd.DataFrame


def train(
    kind: str,
    panel: Panel,
    split: np.ndarray,
    *,
    seed: int = 0,
    report: Callable[[int, float, float], None] | None = None,
) -> Trained:
    """Train a network (one of NETWORKS) on a family's states; a ForecastError where they have no sample.

    The same data, seed and machine give the same weights on a CPU. report: called after every epoch with a row of the
    curve.
    """
    if kind not in NETWORKS:
        raise ForecastError(f"there is no network {kind!r}; there are {', '.join(NETWORKS)}")
    from vol_assets.smiles.networks.training import Part, fitted

    learn, choose = fitting_samples(kind, panel, split)
    scaler = Scaler.of(panel.family, learn)
    parts = [Part(*scaler.inputs(panel.family, of.windows), of.change / scaler.target) for of in (learn, choose)]
    network, curve = fitted(kind, panel.family, *parts, seed=seed, report=report)
    return Trained(NetworkModel(card_of(kind, panel, split, seed=seed, libraries=("torch",)), scaler, network), curve)


def load_network(folder: Path) -> NetworkModel:
    """The network that a folder holds; a ForecastError says what is wrong with one that does not."""
    return NetworkModel.load(folder)
