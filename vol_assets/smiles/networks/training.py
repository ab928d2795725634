"""From samples to the weights of a network: first its straight path, then what its body finds beside that.

Errors count in root mean squares of the change that is predicted, so no node or horizon outweighs the others. Little of
a change can be predicted, so what is learnt has to be held down. The straight path is a ridge regression that trusts a
node's own past more than that of the others. Validation chooses its penalty, for each horizon by itself, since targets
that overlap tell less. Then the body is trained on what is left, by AdamW. Of its weights running means count, which a
single batch hardly moves, and of all epochs the one that predicts the validation samples best. To predict nothing is
always among the choices: a network that finds nothing stays persistence.

Smiles of the sample market move by linear laws, and there the straight path has nearly all of the skill.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from vol_assets.smiles.networks.bodies import Size, SmileNetwork
from vol_assets.smiles.networks.inputs import DEPTH, STATES, WIDTH
from vol_assets.smiles.panel import DAILY, LIVE

RIDGES = tuple(10.0 ** (half / 2.0) for half in range(5, 12))  # squared errors a squared weight: 300 ... 300,000
OWN = 0.03  # of the penalty: for what a node's own distances, and spot's, say of it
MEMORY = 0.99  # of a running mean, a step
STEEPEST = 1.0  # norm of a gradient


class Plan(NamedTuple):
    """How the networks of a family are trained.

    width, dropout: as in Size; rate, decay: of AdamW; batch: samples; epochs: at most; patience: epochs without gain.
    """

    width: int
    dropout: float
    rate: float
    decay: float
    batch: int
    epochs: int
    patience: int


PLANS = {
    LIVE: Plan(width=32, dropout=0.5, rate=1e-3, decay=3.0, batch=256, epochs=40, patience=6),
    DAILY: Plan(width=16, dropout=0.5, rate=3e-4, decay=3.0, batch=64, epochs=40, patience=6),
}


class Part(NamedTuple):
    """The samples of a split: distances, context (as in Inputs) and change (B, h, n, nodes) in the scaler's units."""

    distances: np.ndarray
    context: np.ndarray
    change: np.ndarray


class _Tensors(NamedTuple):
    distances: Tensor
    context: Tensor
    change: Tensor  # (B, h, n * nodes)


def fitted(
    kind: str,
    family: str,
    learn: Part,
    choose: Part,
    *,
    seed: int,
    report: Callable[[int, float, float], None] | None = None,
) -> tuple[SmileNetwork, pd.DataFrame]:
    """The network with the weights of its best epoch, on the CPU, and its curve (as in Trained)."""
    plan, device = PLANS[family], torch.device("cuda" if torch.cuda.is_available() else "cpu")
    with _seeded(seed):
        parts = [
            _Tensors(*(torch.from_numpy(np.float32(each)).to(device) for each in part)) for part in (learn, choose)
        ]
        parts = [part._replace(change=part.change.flatten(2)) for part in parts]
        network = SmileNetwork(kind, Size(DEPTH[family], parts[0].change.shape[1], plan.width, plan.dropout)).to(device)
        curve, best, kept = [(0, 1.0, 1.0)], 0, copy.deepcopy(network.state_dict())
        for epoch, state in enumerate(_epochs(network, *parts, plan), start=1):
            curve.append((epoch, *(_share_of_persistence(state, *part) for part in parts)))
            if report:
                report(*curve[-1])
            if curve[-1][2] < curve[best][2]:
                best, kept = epoch, copy.deepcopy(state.state_dict())
            if epoch - best >= plan.patience:
                break
        network.load_state_dict(kept)
    return network.cpu().eval(), pd.DataFrame(curve, columns=["epoch", "train", "validation"])


def _epochs(network: SmileNetwork, learn: _Tensors, choose: _Tensors, plan: Plan) -> Iterator[SmileNetwork]:
    """The network after each epoch: the first finds the straight path, the others train the body."""
    with torch.no_grad():
        network.straight.weight.copy_(_straight(learn, choose))
    network.straight.requires_grad_(False)
    yield network
    rest = learn._replace(change=learn.change - network.along_the_straight_path(learn.distances))
    body = [each for each in network.parameters() if each.requires_grad]
    optimiser = torch.optim.AdamW(body, lr=plan.rate, weight_decay=plan.decay)
    mean = AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(MEMORY))
    for _ in range(plan.epochs):
        network.train()
        for some in torch.randperm(len(rest.change)).to(rest.change.device).split(plan.batch):
            optimiser.zero_grad()
            found = network.beside_it(rest.distances[some], rest.context[some])
            (found - rest.change[some]).square().mean().backward()
            torch.nn.utils.clip_grad_norm_(body, STEEPEST)
            optimiser.step()
            mean.update_parameters(network)
        yield mean.module


def _straight(learn: _Tensors, choose: _Tensors) -> Tensor:
    """The weights of the straight path, (h * STATES, depth * WIDTH); those of a horizon are 0 if that is best."""
    (x, y), (at, came) = ((part.distances.flatten(1).double(), part.change.double()) for part in (learn, choose))
    square, cross = x.T @ x, torch.einsum("bi,bhk->kih", x, y)
    slopes = torch.stack([torch.zeros_like(cross)] * (1 + len(RIDGES)))  # (1 + ridges, STATES, input, h)
    for node in range(STATES):
        penalty = torch.ones(WIDTH, dtype=x.dtype, device=x.device)
        penalty[[node, *range(STATES, WIDTH)]] = OWN  # spot is every node's
        penalty = torch.diag(penalty.repeat(x.shape[1] // WIDTH))
        for number, ridge in enumerate(RIDGES, start=1):
            root = torch.linalg.cholesky(square + ridge * penalty)
            slopes[number, node] = torch.cholesky_solve(cross[node], root)
    error = torch.stack([(torch.einsum("bi,kih->bhk", at, each) - came).square().mean(dim=(0, 2)) for each in slopes])
    best = error.argmin(dim=0)
    return torch.cat([slopes[ridge, :, :, horizon] for horizon, ridge in enumerate(best.tolist())]).float()


def _share_of_persistence(network: SmileNetwork, distances: Tensor, context: Tensor, change: Tensor) -> float:
    network.eval()
    with torch.inference_mode():
        return float((network(distances, context) - change).square().mean() / change.square().mean())


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Random numbers from this seed, and one thread, whose sums have one order; afterwards all is as before."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            yield
    finally:
        torch.set_num_threads(threads)
