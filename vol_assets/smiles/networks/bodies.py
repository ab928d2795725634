"""The networks: what each makes of a window, and the two ways from there to the change that it predicts.

All four share a frame. A straight linear path leads from the distances to the change: smoothing, the greater part of
what can be predicted, is linear. Beside it a body makes features of distances and context, and a head maps them to the
change. Both ends are zero at the start, so that a network says "no change" until it has learnt better.

A mirrored window has the mirrored change: of the body's features only what changes sign with the distances goes on.
So the context bends the answer to a move, but no move means no change, whatever the level and the hour: a drift of the
training sessions is no drift of those to come.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from vol_assets.smiles.networks.inputs import CONTEXT, STATES, WIDTH

HEADS, LAYERS = 4, 1  # of the transformer


@dataclass(frozen=True)
class Size:
    """depth: distances of a window; horizons; width: of a body's features; dropout: share of them dropped in
    training."""

    depth: int
    horizons: int
    width: int
    dropout: float


class SmileNetwork(nn.Module):
    """Distances (B, depth, WIDTH) and context (B, CONTEXT) to changes (B, horizons, STATES), in the scaler's units."""

    def __init__(self, kind: str, size: Size) -> None:
        super().__init__()
        self.size = size
        self.body = BODIES[kind](size)
        self.drop = nn.Dropout(size.dropout)
        self.head = nn.Linear(size.width, size.horizons * STATES, bias=False)
        self.straight = nn.Linear(size.depth * WIDTH, size.horizons * STATES, bias=False)
        for end in (self.head, self.straight):
            nn.init.zeros_(end.weight)

    def forward(self, distances: Tensor, context: Tensor) -> Tensor:
        return self.along_the_straight_path(distances) + self.beside_it(distances, context)

    def along_the_straight_path(self, distances: Tensor) -> Tensor:
        return self.straight(distances.flatten(1)).unflatten(1, (self.size.horizons, STATES))

    def beside_it(self, distances: Tensor, context: Tensor) -> Tensor:
        both = self.body(torch.cat([distances, -distances]), torch.cat([context, context]))
        seen, mirrored = both.chunk(2)
        return self.head(self.drop(0.5 * (seen - mirrored))).unflatten(1, (self.size.horizons, STATES))


class _Recurrent(nn.Module):
    """The last output of a recurrent layer that reads the distances in order, the context beside each."""

    def __init__(self, layer: type[nn.GRU] | type[nn.LSTM], size: Size) -> None:
        super().__init__()
        self.layer = layer(WIDTH + CONTEXT, size.width, batch_first=True)

    def forward(self, distances: Tensor, context: Tensor) -> Tensor:
        beside = context[:, None].expand(-1, distances.shape[1], -1)
        return self.layer(torch.cat([distances, beside], dim=2))[0][:, -1]


class Gru(_Recurrent):
    def __init__(self, size: Size) -> None:
        super().__init__(nn.GRU, size)


class Lstm(_Recurrent):
    def __init__(self, size: Size) -> None:
        super().__init__(nn.LSTM, size)


class Mlp(nn.Module):
    """Two layers on all distances and the context at once."""

    def __init__(self, size: Size) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(size.depth * WIDTH + CONTEXT, size.width),
            nn.GELU(),
            nn.Dropout(size.dropout),
            nn.Linear(size.width, size.width),
            nn.GELU(),
        )

    def forward(self, distances: Tensor, context: Tensor) -> Tensor:
        return self.layers(torch.cat([distances.flatten(1), context], dim=1))


class Transformer(nn.Module):
    """Distances and context as tokens, each at a learnt position; the context's token gathers the features."""

    def __init__(self, size: Size) -> None:
        super().__init__()
        self.distance = nn.Linear(WIDTH, size.width)
        self.context = nn.Linear(CONTEXT, size.width)
        self.position = nn.Parameter(0.02 * torch.randn(size.depth + 1, size.width))
        layer = nn.TransformerEncoderLayer(
            size.width, HEADS, 2 * size.width, size.dropout, activation="gelu", batch_first=True, norm_first=True
        )
        self.layers = nn.TransformerEncoder(layer, LAYERS, enable_nested_tensor=False)
        self.norm = nn.LayerNorm(size.width)

    def forward(self, distances: Tensor, context: Tensor) -> Tensor:
        tokens = torch.cat([self.distance(distances), self.context(context)[:, None]], dim=1) + self.position
        return self.norm(self.layers(tokens)[:, -1])


BODIES = {"gru": Gru, "lstm": Lstm, "mlp": Mlp, "transformer": Transformer}
