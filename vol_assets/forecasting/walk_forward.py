"""Walk-forward backtest: at every refit a model sees only what was known then, and forecasts until the next one.

At origin T the training rows are t <= T - purge: the label of row T - 5 ends with session T's return, so nothing
after T's close has been seen. The forecasts of T ... T + refit_every - 1 are made by that fit, each from the inputs
of its own session (and, by the GARCH models, of the sessions between).

Refits do not depend on each other. A long backtest sends them to worker processes: two threads would take two thirds of
the time of one (half of the work holds the interpreter's lock), two processes take half. They are forked from a clean
server, since a process that calls this may have threads.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from vol_assets.errors import ForecastError
from vol_assets.forecasting.fitting import fit
from vol_assets.forecasting.frame import HORIZON, LABEL, complete, trainable
from vol_assets.forecasting.protocol import Model

FROM_REFITS = 24  # fewer do not pay for starting processes


@dataclass(frozen=True)
class Refit:
    """Row positions in the modelling frame: what one fit is trained on, what it may read, and what it forecasts."""

    train: np.ndarray
    between: np.ndarray  # complete rows after the last training row and before the first forecast
    forecast: np.ndarray


def walk_forward(
    frame: pd.DataFrame,
    models: Sequence[Model],
    *,
    min_train: int = 750,
    refit_every: int = 21,
    purge: int = HORIZON,
    workers: int = 2,
    progress: Callable[[int, int], None] | None = None,
) -> pd.DataFrame:
    """Forecast every complete session after the first origin by every model, each refitted as history grows.

    Returns a row a (date, model): date, model, forecast_vol, forecast_var, p10, p50, p90, realised (annualised
    decimals; realised is null while its five sessions are not over) and trained_through (the last training row's
    session). FROM_REFITS and more refits run in `workers` processes, to which the models must pickle; the result is the
    same to the bit for any number of them. `progress(done, total)` counts refits. A ForecastError tells how many usable
    sessions there are when they are too few.
    """
    schedule = refits(frame, min_train=min_train, refit_every=refit_every, purge=purge)
    blocks = []
    for block in _in_order(frame, models, schedule, workers):
        blocks.append(block)
        if progress is not None:
            progress(len(blocks), len(schedule))
    return pd.concat(blocks).sort_values("date", kind="stable", ignore_index=True)


def refits(frame: pd.DataFrame, *, min_train: int, refit_every: int, purge: int = HORIZON) -> list[Refit]:
    """The schedule: an expanding window from the first origin, which is the first with `min_train` rows to train on.

    With 12 complete rows, the last 5 of them without a label, min_train=3, refit_every=2 and purge=5:

        origin 7   train 0..2   forecast 7, 8
        origin 9   train 0..4   forecast 9, 10
        origin 11  train 0..6   forecast 11

    It is counted from the start, so more data adds refits and changes none (scikit-learn's TimeSeriesSplit counts
    from the end). Rows with nulls are neither trained on nor forecast.
    """
    if purge < HORIZON:
        raise ForecastError(f"purge is {purge}; below {HORIZON} the training labels would reach past the origin")
    usable = np.flatnonzero(trainable(frame))
    known = usable[usable < len(frame) - purge]
    if len(known) < min_train:
        raise ForecastError(
            f"the walk-forward needs {min_train} usable sessions to train on before its first forecast (min_train) "
            f"and there are {len(known)} in {len(frame)} rows; materialise a longer history or lower min_train"
        )
    forecastable = np.flatnonzero(complete(frame))
    schedule = []
    for origin in range(known[min_train - 1] + purge, len(frame), refit_every):
        ahead = forecastable[(forecastable >= origin) & (forecastable < origin + refit_every)]
        if len(ahead):
            train = usable[usable <= origin - purge]
            between = forecastable[(forecastable > train[-1]) & (forecastable < ahead[0])]
            schedule.append(Refit(train, between, ahead))
    return schedule


def trainable_before(frame: pd.DataFrame, origin: pd.Timestamp) -> int:
    """How many sessions can be trained on at the close of `origin`: the `min_train` whose first forecast is there.

    A ForecastError if `origin` is no session of the frame.
    """
    if origin not in frame.index:
        raise ForecastError(
            f"{origin:%Y-%m-%d} is no session of the history, which runs {frame.index[0]:%Y-%m-%d} ... "
            f"{frame.index[-1]:%Y-%m-%d}"
        )
    return int(trainable(frame).iloc[: max(frame.index.get_loc(origin) - HORIZON + 1, 0)].sum())


def _in_order(
    frame: pd.DataFrame, models: Sequence[Model], schedule: list[Refit], workers: int
) -> Iterator[pd.DataFrame]:
    """The forecasts of each refit, here or by workers."""
    if workers < 2 or len(schedule) < FROM_REFITS:
        yield from (_forecasts(frame, models, refit) for refit in schedule)
        return
    context = multiprocessing.get_context("forkserver")
    with ProcessPoolExecutor(workers, context, initializer=_begin, initargs=(frame, tuple(models))) as pool:
        try:
            yield from pool.map(_by_worker, schedule)
        except BrokenProcessPool as error:
            raise ForecastError(
                "a worker process of the walk-forward died, most likely for want of memory; give the machine more"
            ) from error
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


_given: dict[str, Any] = {}  # a worker's frame and models, sent once


def _begin(frame: pd.DataFrame, models: tuple[Model, ...]) -> None:
    _given.update(frame=frame, models=models)


def _by_worker(refit: Refit) -> pd.DataFrame:
    return _forecasts(_given["frame"], _given["models"], refit)


def _forecasts(frame: pd.DataFrame, models: Sequence[Model], refit: Refit) -> pd.DataFrame:
    train, ahead = frame.iloc[refit.train], frame.iloc[refit.forecast]
    since = frame.iloc[np.concatenate([refit.between, refit.forecast])]
    fitted = fit(models, train)
    tables = []
    for model in models:
        forecast = fitted[model.name].forecast(since)
        table = pd.DataFrame(
            {
                "date": since.index,
                "model": model.name,
                "forecast_vol": forecast.vol,
                "forecast_var": forecast.var,
                "p10": forecast.p10,
                "p50": forecast.p50,
                "p90": forecast.p90,
                "realised": since[LABEL].to_numpy(),
                "trained_through": train.index[-1],
            }
        )
        tables.append(table.tail(len(ahead)))
    return pd.concat(tables)
