"""Two ways in which a backtest can flatter, measured: folds that look ahead, and a lucky seed.

Neighbouring sessions share four of the five returns of their labels, and nearly all of their features. With shuffled
folds deep trees need not forecast: they find the neighbours of a held-out session in the training rows and repeat
their label. The same trees, taught only what was known, show what that was worth.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from vol_assets.errors import ForecastError
from vol_assets.features.l1 import L1_FEATURES
from vol_assets.forecasting.evaluation import score
from vol_assets.forecasting.frame import HORIZON, LABEL
from vol_assets.forecasting.losses import r2
from vol_assets.forecasting.protocol import Model
from vol_assets.forecasting.walk_forward import walk_forward

SHUFFLED, CONTIGUOUS, WALK_FORWARD = "shuffled", "contiguous", "walk_forward"


@dataclass(frozen=True)
class DeepTrees:
    """XGBoost as it comes, with room to memorise; not a model of ours."""

    max_depth: int = 6
    rounds: int = 300
    learning_rate: float = 0.05
    seed: int = 7

    def predict(self, inputs: np.ndarray, labels: np.ndarray, ahead: np.ndarray) -> np.ndarray:
        """Fit on (n, k) and (n,), forecast (m, k) -> (m,)."""
        import xgboost

        parameters = {
            "objective": "reg:squarederror",
            "tree_method": "hist",
            "max_bin": 64,
            "max_depth": self.max_depth,
            "eta": self.learning_rate,
            "seed": self.seed,
            "nthread": 1,
        }
        booster = xgboost.train(parameters, xgboost.DMatrix(inputs, label=labels, nthread=1), self.rounds)
        return booster.predict(xgboost.DMatrix(ahead, nthread=1)).astype(float)


@dataclass(frozen=True)
class Canary:
    """R2 of volatility by scheme (shuffled, contiguous, walk_forward), all on the same sessions."""

    r2: Mapping[str, float]
    sessions: int
    folds: int
    first: pd.Timestamp
    last: pd.Timestamp


def leakage_canary(
    frame: pd.DataFrame,
    *,
    model: DeepTrees = DeepTrees(),
    folds: int = 5,
    min_train: int = 750,
    refit_every: int = 126,
    seed: int = 7,
    workers: int = 2,
) -> Canary:
    """What three schemes of validation say of the same trees on the 21 features of a modelling frame.

    shuffled: sessions dealt into folds at random, as `KFold(shuffle=True)` does. contiguous: each fold one stretch of
    time; the neighbours are gone but for the edges, the future is still trained on. walk_forward: at every refit
    only labels that were over, those of five sessions and more before. All are scored on the sessions that the last
    of them forecasts. Fits run in `workers` threads, XGBoost releasing the interpreter. A ForecastError if no session
    is left to forecast after `min_train`.
    """
    inputs = frame[list(L1_FEATURES)].to_numpy(dtype=float)
    labels = frame[LABEL].to_numpy(dtype=float)
    usable = np.flatnonzero(np.isfinite(inputs).all(axis=1) & np.isfinite(labels))
    if len(usable) <= min_train + HORIZON:
        raise ForecastError(
            f"the leakage canary needs more than {min_train + HORIZON} sessions with features and a label (min_train "
            f"is {min_train}), there are {len(usable)}; materialise a longer history or lower min_train"
        )
    schemes = {
        SHUFFLED: _folds(np.random.default_rng(seed).permutation(usable), folds),
        CONTIGUOUS: _folds(usable, folds),
        WALK_FORWARD: _refits(usable, min_train, refit_every),
    }
    jobs = [(scheme, train, ahead) for scheme, splits in schemes.items() for train, ahead in splits]
    forecasts = {scheme: np.full(len(frame), np.nan) for scheme in schemes}
    with ThreadPoolExecutor(workers) as pool:
        made = pool.map(lambda job: model.predict(inputs[job[1]], labels[job[1]], inputs[job[2]]), jobs)
        for (scheme, _, ahead), forecast in zip(jobs, made, strict=True):
            forecasts[scheme][ahead] = forecast
    scored = np.flatnonzero(np.isfinite(forecasts[WALK_FORWARD]))
    return Canary(
        r2={scheme: r2(labels[scored], forecast[scored]) for scheme, forecast in forecasts.items()},
        sessions=len(scored),
        folds=folds,
        first=frame.index[scored[0]],
        last=frame.index[scored[-1]],
    )


def seed_spread(
    frame: pd.DataFrame,
    models_for_seed: Callable[[int], Sequence[Model]],
    seeds: Iterable[int],
    **walk_forward_options: Any,
) -> pd.DataFrame:
    """QLIKE of the walk-forward, models down and seeds across: how much of a ranking is the draw of the seed.

    models_for_seed(seed) -> the models with that seed, the same names for every seed. Options are those of
    `walk_forward`.
    """
    by_seed = {
        seed: score(walk_forward(frame, models_for_seed(seed), **walk_forward_options))["qlike"] for seed in seeds
    }
    return pd.DataFrame(by_seed).rename_axis(index="model", columns="seed")


def _folds(rows: np.ndarray, folds: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Each part of the rows in turn held out: (train, held out)."""
    for held_out in np.array_split(rows, folds):
        yield np.setdiff1d(rows, held_out), held_out


def _refits(rows: np.ndarray, min_train: int, refit_every: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Expanding window over row positions, which are sessions: (train, ahead), a label's length apart."""
    first = rows[min_train - 1] + HORIZON
    for origin in range(first, rows[-1] + 1, refit_every):
        ahead = rows[(rows >= origin) & (rows < origin + refit_every)]
        if len(ahead):
            yield rows[rows <= origin - HORIZON], ahead
