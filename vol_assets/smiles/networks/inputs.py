"""What a network sees of a window, and what it says in return, in units of the training samples.

Levels of ln vol differ by .2 from session to session, their changes from state to state by .005: beside such levels a
network sees nothing move, and of levels that it never saw it makes changes that never come. So it gets distances: how
far each earlier state was from the last one, in standard deviations of a one-step change, and how far spot was. Vols
come back to their mean over months, which tells the daily family something and the live one nothing; a daily window
begins with the distance of the mean state. Beside them is the context: times to expiry and covariates of the last
state, standardised. What a network says is the change from the last state, in root mean squares of that change.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple, Self

import numpy as np

from vol_assets.smiles.dataset import Samples
from vol_assets.smiles.panel import DAILY, LENGTH, LIVE, SMILES, Windows
from vol_assets.smiles.state import COVARIATES, NODES

SPOT_RETURN = COVARIATES.index("spot_return")
FARTHEST = 3.0  # standard deviations from the mean: what is beyond is seen as this far, since no sample was there
WILDEST = 12.0  # standard deviations of a change
LEAST = 1e-9  # of a standard deviation: an input that never varied is 0

STATES = SMILES * len(NODES)
WIDTH = STATES + 1  # of a distance: all smiles, and spot
DEPTH = {LIVE: LENGTH - 1, DAILY: LENGTH}
CONTEXT = SMILES + len(COVARIATES)


class Inputs(NamedTuple):
    """Of B windows, float32: distances (B, DEPTH, WIDTH), oldest first; context (B, CONTEXT)."""

    distances: np.ndarray
    context: np.ndarray


@dataclass(frozen=True, eq=False)
class Scaler:
    """Units, from the training samples alone.

    change: (n * nodes,) standard deviation of ln vol from a state to the next; move: (1,) of spot's log return over a
    step; level, level_sd: (n * nodes,) mean and standard deviation of ln vol; mean, scale: (CONTEXT,) of the context,
    scale being 1 / standard deviation, 0 for what never varied; target: (h, n, nodes) root mean square of the changes
    that are to be predicted.
    """

    change: np.ndarray
    move: np.ndarray
    level: np.ndarray
    level_sd: np.ndarray
    mean: np.ndarray
    scale: np.ndarray
    target: np.ndarray
    SHAPES: ClassVar = {
        **dict.fromkeys(("change", "level", "level_sd"), (STATES,)),
        "move": (1,),
        **dict.fromkeys(("mean", "scale"), (CONTEXT,)),
        "target": ("h", SMILES, len(NODES)),
    }

    @classmethod
    def of(cls, family: str, train: Samples) -> Self:
        states, context = _states(family, train.windows), _context(train.windows)
        level, level_sd = _mean_and_sd(states[:, -1, :STATES])
        mean, sd = _mean_and_sd(context)
        step = np.maximum(_mean_and_sd(states[:, -1] - states[:, -2])[1], LEAST)
        return cls(
            change=step[:STATES],
            move=step[STATES:],
            level=level,
            level_sd=np.maximum(level_sd, LEAST),
            mean=mean,
            scale=np.where(sd > LEAST, 1.0 / np.maximum(sd, LEAST), 0.0),
            target=np.maximum(np.sqrt((train.change**2).mean(axis=0)), LEAST),
        )

    def inputs(self, family: str, windows: Windows) -> Inputs:
        """What a network sees of these windows; a spot return that is not known counts as none."""
        states, context = _states(family, windows), _context(windows)
        distances = (states[:, :-1] - states[:, -1:]) / np.append(self.change, self.move)
        if family == DAILY:
            from_mean = (self.level - states[:, -1, :STATES]) / self.level_sd
            distances = np.concatenate([np.pad(from_mean, [(0, 0), (0, 1)])[:, None], distances], axis=1)
        return Inputs(_within(distances, WILDEST), _within((context - self.mean) * self.scale, FARTHEST))


def _states(family: str, windows: Windows) -> np.ndarray:
    """ln vols and ln of spot, up to a constant, (B, LENGTH, WIDTH)."""
    spot = np.nan_to_num(windows.covariates[..., SPOT_RETURN])  # since the open, or since the close before
    spot = np.cumsum(spot, axis=1) if family == DAILY else spot
    return np.concatenate([windows.log_vol.reshape(*spot.shape, STATES), spot[..., None]], axis=2)


def _context(windows: Windows) -> np.ndarray:
    return np.concatenate([windows.years[:, -1], windows.covariates[:, -1]], axis=1)


def _mean_and_sd(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of the known values of each column; 0 where none is known."""
    known = np.isfinite(values)
    count = np.maximum(known.sum(axis=0), 1)
    mean = np.where(known, values, 0.0).sum(axis=0) / count
    return mean, np.sqrt(np.where(known, (values - mean) ** 2, 0.0).sum(axis=0) / count)


def _within(values: np.ndarray, limit: float) -> np.ndarray:
    return np.clip(np.nan_to_num(values, nan=0.0), -limit, limit).astype(np.float32)
