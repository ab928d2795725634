"""What a network has to beat: forecasts of the smile that need no network, each a SmileModel like those.

persistence   the state stays as it is, at fixed stdevs from the forward
fixed_k       the vol of every strike stays as it is: the smile now, read where the nodes will be when time has passed
local_level   the smoothed state: a fit's noise is not to be held for the smile. Without it half of what a network
              gains over persistence would look like foresight
ar1           every node by itself: its change from its last change, or from its distance to its mean
pca_var       the same for the principal components of all nodes together, each from the last changes of all

Their numbers are estimated on the training samples, their forms (what to regress on, how many components) chosen on
the validation samples, each time by the mean squared error in units of a change's variance.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Self

import numpy as np
from scipy.optimize import minimize_scalar

from vol_assets.errors import ForecastError
from vol_assets.smiles.dataset import Samples, fitting_samples
from vol_assets.smiles.panel import DAILY, LENGTH, SMILES, Panel, Windows
from vol_assets.smiles.state import NODES, smile_vols
from vol_assets.smiles.stored import Card, Carded, array, card_of, opened, require_windows, write

COMPONENTS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32)  # how many pca_var may have
YEAR = np.timedelta64(365, "D")
SHORTEST = 1.0 / (365.0 * 24.0 * 60.0)  # years: a minute is left of every smile

_N = (SMILES, len(NODES))


class _Baseline(Carded):
    """A baseline's numbers are its fields beside `card`, arrays of the shapes in SHAPES ("h": horizons, -1: any)."""

    KIND: ClassVar[str]
    SHAPES: ClassVar[dict[str, tuple[int | str, ...]]] = {}

    def save(self, folder: Path) -> None:
        write(folder, self.card, {name: getattr(self, name) for name in self.SHAPES})

    @classmethod
    def load(cls, folder: Path) -> Self:
        with opened(folder, (cls.KIND,)) as (card, numbers):
            many = {"h": len(card.horizons)}
            shapes = {name: [many.get(size, size) for size in shape] for name, shape in cls.SHAPES.items()}
            return cls(card, **{name: array(numbers, name, *shape) for name, shape in shapes.items()})


@dataclass(frozen=True, eq=False)
class Persistence(_Baseline):
    """The last state."""

    card: Card
    KIND = "persistence"

    @classmethod
    def fit(cls, card: Card, train: Samples, validation: Samples) -> Self:
        return cls(card)

    def forecast(self, windows: Windows) -> np.ndarray:
        require_windows(windows)
        return np.repeat(windows.log_vol[:, -1:], len(self.horizons), axis=1)


@dataclass(frozen=True, eq=False)
class FixedK(_Baseline):
    """The vol of every contract stays as it is. step: years from a state to the next, (1,).

    A smile of the live family has so much less time left at the horizon, and is read now where its nodes will then be.
    One of the daily family has as much time left as now: it will be made of what now has a session more.
    """

    card: Card
    step: np.ndarray
    KIND = "fixed_k"
    SHAPES: ClassVar = {"step": (1,)}

    @classmethod
    def fit(cls, card: Card, train: Samples, validation: Samples) -> Self:
        panel = train.panel
        years = (panel.ts[train.last + 1] - panel.ts[train.last]) / YEAR
        return cls(card, np.array([np.mean(years)]))

    def forecast(self, windows: Windows) -> np.ndarray:
        require_windows(windows)
        last, now = windows.log_vol[:, -1], windows.years[:, -1]
        forecast = np.empty((len(last), len(self.horizons), *_N))
        for column, ahead in enumerate(self.horizons):
            passed = ahead * self.step
            then, at = (now, now + passed) if self.family == DAILY else (np.maximum(now - passed, SHORTEST), now)
            smile = np.arange(len(last)).repeat(SMILES)
            money = smile_vols(last, now, at.ravel(), np.zeros(at.size), smile)
            k = NODES * (money * np.sqrt(then.ravel()))[:, None]
            points = at.ravel().repeat(len(NODES)), k.ravel(), smile.repeat(len(NODES))
            forecast[:, column] = np.log(smile_vols(last, now, *points)).reshape(-1, *_N)
        return forecast


@dataclass(frozen=True, eq=False)
class LocalLevel(_Baseline):
    """The exponentially weighted mean of a window. weight: (h, n, nodes) of the newest state against all before."""

    card: Card
    weight: np.ndarray
    KIND = "local_level"
    SHAPES: ClassVar = {"weight": ("h", *_N)}

    @classmethod
    def fit(cls, card: Card, train: Samples, validation: Samples) -> Self:
        away = train.windows.log_vol - train.windows.log_vol[:, -1:]

        def error(weight: float, number: int, *node: int) -> float:
            level = _smoothing(np.array(weight)) @ away[(slice(None), slice(None), *node)].T
            return np.mean((train.change[(slice(None), number, *node)] - level) ** 2)

        weight = np.empty((len(card.horizons), *_N))
        for at in np.ndindex(weight.shape):
            weight[at] = minimize_scalar(error, bounds=(0.02, 1.0), args=at, method="bounded").x
        return cls(card, weight)

    def forecast(self, windows: Windows) -> np.ndarray:
        require_windows(windows)
        return np.einsum("hnkl,blnk->bhnk", _smoothing(self.weight), windows.log_vol)


@dataclass(frozen=True, eq=False)
class Ar1(_Baseline):
    """Every node's change on its last change or on its distance from its mean: the slope on the other is 0.

    mean: (n, nodes) of ln vol; intercept, on_change, on_level: (h, n, nodes). On changes it sees through the noise of
    the fit, which a change undoes at the next step; on levels it sees a return to the mean.
    """

    card: Card
    mean: np.ndarray
    intercept: np.ndarray
    on_change: np.ndarray
    on_level: np.ndarray
    KIND = "ar1"
    SHAPES: ClassVar = {"mean": _N, **dict.fromkeys(("intercept", "on_change", "on_level"), ("h", *_N))}

    @classmethod
    def fit(cls, card: Card, train: Samples, validation: Samples) -> Self:
        mean = train.windows.log_vol[:, -1].mean(axis=0)
        changes, levels = _changes(train.windows.log_vol), train.windows.log_vol[:, -1] - mean
        none = np.zeros(train.change.shape[1:])

        def slopes(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            away = x - x.mean(axis=0)
            slope = np.einsum("bnk,bhnk->hnk", away, train.change) / (away**2).sum(axis=0)
            return train.change.mean(axis=0) - slope * x.mean(axis=0), slope

        def on(x: np.ndarray) -> np.ndarray:
            return np.einsum("bnk,bhnk->hnk", x, train.change) / (x**2).sum(axis=0)

        drift, on_change = slopes(changes)
        pull, on_level = slopes(levels)
        forms = (
            cls(card, mean, none, on(changes), none),
            cls(card, mean, drift, on_change, none),
            cls(card, mean, pull, none, on_level),
        )
        return _best(forms, validation)

    def forecast(self, windows: Windows) -> np.ndarray:
        require_windows(windows)
        last, change = windows.log_vol[:, -1], _changes(windows.log_vol)
        moved = self.intercept + self.on_change * change[:, None] + self.on_level * (last - self.mean)[:, None]
        return last[:, None] + moved


@dataclass(frozen=True, eq=False)
class PcaVar(_Baseline):
    """The first principal components' changes on all their last changes or distances from their means.

    mean: (n, nodes) of ln vol; components: (c, n * nodes), orthonormal; intercept: (h, c); on_change, on_level:
    (h, c, c), of what (row) on what (column). What the components leave of a state stays as it is.
    """

    card: Card
    mean: np.ndarray
    components: np.ndarray
    intercept: np.ndarray
    on_change: np.ndarray
    on_level: np.ndarray
    KIND = "pca_var"
    SHAPES: ClassVar = {
        "mean": _N,
        "components": (-1, SMILES * len(NODES)),
        "intercept": ("h", -1),
        "on_change": ("h", -1, -1),
        "on_level": ("h", -1, -1),
    }

    @classmethod
    def fit(cls, card: Card, train: Samples, validation: Samples) -> Self:
        last = train.windows.log_vol[:, -1]
        mean = last.mean(axis=0)
        flat = (last - mean).reshape(len(last), -1)
        components = np.linalg.svd(flat, full_matrices=False)[2]
        forms = [
            cls._of(card, mean, components[:count], train, on_changes)
            for count in COMPONENTS
            if count <= len(components)
            for on_changes in (True, False)
        ]
        return _best(forms, validation)

    @classmethod
    def _of(cls, card: Card, mean: np.ndarray, components: np.ndarray, train: Samples, on_changes: bool) -> Self:
        last, count = train.windows.log_vol[:, -1], len(components)
        x = _changes(train.windows.log_vol) if on_changes else last - mean
        scores = x.reshape(len(x), -1) @ components.T
        inputs = np.column_stack([np.ones(len(scores)), scores])
        wanted = train.change.reshape(len(scores), -1, components.shape[1]) @ components.T
        slopes = np.linalg.lstsq(inputs, wanted.reshape(len(scores), -1), rcond=None)[0]
        slopes = slopes.reshape(1 + count, -1, count).transpose(1, 2, 0)  # (h, c, 1 + c)
        intercept, slope = slopes[..., 0].copy(), slopes[..., 1:].copy()  # a sum's last bit goes by the layout
        none = np.zeros_like(slope)
        return cls(card, mean, components, intercept, *((slope, none) if on_changes else (none, slope)))

    def forecast(self, windows: Windows) -> np.ndarray:
        require_windows(windows)
        last = windows.log_vol[:, -1]
        change, level = (
            x.reshape(len(last), -1) @ self.components.T for x in (_changes(windows.log_vol), last - self.mean)
        )
        moved = self.intercept + np.einsum("hij,bj->bhi", self.on_change, change)
        moved = moved + np.einsum("hij,bj->bhi", self.on_level, level)
        return last[:, None] + (moved @ self.components).reshape(len(last), -1, *_N)


_KINDS = {model.KIND: model for model in (Persistence, FixedK, LocalLevel, Ar1, PcaVar)}
BASELINES = tuple(_KINDS)


def fit_baseline(kind: str, panel: Panel, split: np.ndarray) -> _Baseline:
    """A baseline (one of BASELINES) fitted on a family's states; a ForecastError where they have no sample."""
    if kind not in _KINDS:
        raise ForecastError(f"there is no baseline {kind!r}; there are {', '.join(BASELINES)}")
    samples = fitting_samples(kind, panel, split)
    return _KINDS[kind].fit(card_of(kind, panel, split, libraries=("scipy",)), *samples)


def load_baseline(folder: Path) -> _Baseline:
    """The baseline that a folder holds; a ForecastError says what is wrong with one that does not."""
    with opened(folder, BASELINES) as (card, _):
        return _KINDS[card.kind].load(folder)


def _best(models: Iterable[_Baseline], validation: Samples) -> _Baseline:
    """The one that predicts the validation samples best, all outputs in units of their changes' variance."""
    variance = (validation.change**2).mean(axis=0)
    ahead = validation.windows.log_vol[:, -1:] + validation.change
    return min(models, key=lambda model: np.mean((model.forecast(validation.windows) - ahead) ** 2 / variance))


def _changes(log_vol: np.ndarray) -> np.ndarray:
    return log_vol[:, -1] - log_vol[:, -2]


def _smoothing(weight: np.ndarray) -> np.ndarray:
    """The weights (..., LENGTH) of a window's states, the oldest standing for all before it."""
    age = np.arange(LENGTH - 1, -1, -1)
    weights = weight[..., None] * (1.0 - weight[..., None]) ** age
    weights[..., 0] /= weight
    return weights
