"""Fitting models together: a base that several share is fitted once, and all are calibrated on the same folds.

Factors come from levels out of fold: a fit predicts rows it has seen too well, trees most of all. The two folds are
alternate blocks of BLOCK consecutive sessions, and training keeps GAP sessions away from those held out (labels reach
five ahead). With one long block a fold, 2008 is predicted by trees that never saw a crisis, and the residuals are far
wider than those of a forecast a month ahead (QLIKE of 2010: 0.47 against 0.20).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from vol_assets.forecasting.calibration import Calibration, Fitted
from vol_assets.forecasting.frame import label
from vol_assets.forecasting.protocol import Level, Model, Residuals

FOLDS = 2
BLOCK = 126  # sessions: half a year
GAP = 10


def fit(models: Sequence[Model], frame: pd.DataFrame) -> dict[str, Fitted]:
    """Every model and every base of one, fitted on all rows of the frame, by name.

    A ForecastError if rows have nulls, are too few, or hold a column that never varies.
    """
    levels = fit_levels(models, frame)
    recipes = _with_bases(models)
    outside = _out_of_fold([m for m in recipes.values() if m.residuals is Residuals.OUT_OF_FOLD], frame, levels)
    realised = label(frame)
    fitted = {}
    for name, model in recipes.items():
        past = outside[name] if name in outside else levels[name](frame)
        calibration = Calibration.smeared(realised, past)
        if model.residuals is Residuals.AS_IT_IS:
            calibration = calibration.at_its_word()
        fitted[name] = Fitted(levels[name], calibration)
    return fitted


def fit_levels(models: Sequence[Model], frame: pd.DataFrame) -> dict[str, Level]:
    """The levels of the models and their bases, by name, each fitted once."""
    levels: dict[str, Level] = {}
    for name, model in _with_bases(models).items():
        levels[name] = model.fit(frame, *(levels[base.name] for base in model.bases))
    return levels


def folds(rows: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """(train, held out) as masks (rows,) of each fold.

    With 12 rows in blocks of 3 and a gap of 1:

        held out  111000111000    train  000010000011
        held out  000111000111    train  110000010000
    """
    block = min(BLOCK, rows // FOLDS)
    fold = np.arange(rows) // block % FOLDS
    for number in range(FOLDS):
        held_out = fold == number
        near = np.convolve(held_out, np.ones(2 * GAP + 1), "same") > 0
        yield ~near, held_out


def _out_of_fold(models: Sequence[Model], frame: pd.DataFrame, levels: dict[str, Level]) -> dict[str, np.ndarray]:
    """What each model's level is at every row when the row's fold was not trained on.

    Optional inputs of which a fold has too few to learn from are taken out of `levels`, too: with them the level would
    be another than the one whose errors are measured.
    """
    outside = {model.name: np.empty(len(frame)) for model in models}
    for train, held_out in folds(len(frame)) if models else ():
        of_fold = fit_levels(models, frame[train])
        for name, values in outside.items():
            values[held_out] = of_fold[name](frame[held_out])
            if getattr(levels[name], "optional", None) and not of_fold[name].optional:
                levels[name] = replace(levels[name], optional=None)
    return outside


def _with_bases(models: Sequence[Model]) -> dict[str, Model]:
    """The models and what they are built on, bases first, by name."""
    found: dict[str, Model] = {}
    for model in models:
        found |= _with_bases(model.bases)
        found.setdefault(model.name, model)
    return found
