"""The modelling frame: everything known at a session's close beside what the next five sessions then did.

With r the daily total log return of SPY, annualised decimals throughout:

    abs_return_1d    sqrt(252) * |r_t|
    rv_5d, rv_22d    sqrt(252 / w * sum of the last w squared returns)
    ewma_vol         sqrt(252 * weighted mean of squared returns), weight 0.94^k on the return k sessions back
    realised_vol_5d  sqrt(252 / 5 * sum_{k=1..5} r_{t+k}^2): the label, null until its five sessions are over
    range_vol_5d     the same of Garman-Klass + overnight variances: a quieter measure of the same volatility

Five squared returns are a noisy label. Models are scored on the first; lines learn from the second.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from vol_assets import clock
from vol_assets.errors import ForecastError
from vol_assets.features.har import HAR_FEATURES
from vol_assets.features.implied import IMPLIED_FEATURES
from vol_assets.features.l1 import L1_FEATURES, SESSIONS_A_YEAR, realised_vol
from vol_assets.features.windows import total, windows

HORIZON = 5  # sessions the forecast looks ahead
LABEL = "realised_vol_5d"
RANGE_LABEL = "range_vol_5d"
TRAILING_VOLS = ("abs_return_1d", "rv_5d", "rv_22d", "ewma_vol")
INPUTS = L1_FEATURES + HAR_FEATURES + TRAILING_VOLS

EWMA_DECAY = 0.94  # RiskMetrics Technical Document (1996), daily data
# As long as the longest window of the L1 features, so that it costs no further session; it holds 97.6 % of the weight.
EWMA_SESSIONS = 60
# Five sessions without a move have volatility 0, of which neither a logarithm nor QLIKE exists. 0.1 % a year is far
# below anything a market does (SPY's calmest five sessions since 2007: 1.3 %).
VOL_FLOOR = 1e-3
# Below this a regression of five coefficients or a boosted tree with 20 rows a leaf is arithmetic, not a model.
MIN_ROWS = 100


def modelling_frame(
    l1: pd.DataFrame, har: pd.DataFrame, spy_log_return: pd.Series, implied: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Features and returns -> INPUTS + IMPLIED_FEATURES + (LABEL, RANGE_LABEL), a row a session of `l1`'s span,
    ascending.

    Parameters
    ----------
    l1, har : indexed by session (DatetimeIndex, in any order), with L1_FEATURES and HAR_FEATURES.
    spy_log_return : daily total log return of SPY, indexed alike; a longer history fills the first windows.
    implied : indexed alike, with IMPLIED_FEATURES, which are null where it has no row; optional, and so are they.

    A session that is absent from an input is null there, so five rows are always five sessions. Rows with nulls
    stay in the frame; `complete` and `trainable` say which rows may be used.
    """
    for name, table in (("l1", l1), ("har", har), ("spy_log_return", spy_log_return)):
        _require_sessions(name, table.index)
    first, last = min(l1.index.min(), spy_log_return.index.min()), max(l1.index.max(), spy_log_return.index.max())
    index = pd.DatetimeIndex(clock.sessions(first, last), name="date")
    r = spy_log_return.reindex(index).to_numpy(dtype=float)

    frame = pd.concat([l1[list(L1_FEATURES)].reindex(index), har[list(HAR_FEATURES)].reindex(index)], axis=1)
    frame["abs_return_1d"] = realised_vol(r, 1)
    frame["rv_5d"] = realised_vol(r, 5)
    frame["rv_22d"] = realised_vol(r, 22)
    frame["ewma_vol"] = ewma_vol(r)
    for name in IMPLIED_FEATURES:
        frame[name] = np.nan if implied is None else implied[name].reindex(index)
    frame[LABEL] = realised_vol_ahead(r)
    # What the trailing five sessions will be, five sessions later.
    frame[RANGE_LABEL] = np.exp(0.5 * frame["log_var_5d"]).shift(-HORIZON)
    return frame.loc[l1.index.min() : l1.index.max()]


def realised_vol_ahead(returns: np.ndarray) -> np.ndarray:
    """sqrt(252 / 5 * sum of the next five squared returns), shape (n,) -> (n,); the last five are null."""
    ahead = np.full(len(returns), np.nan)
    ahead[:-HORIZON] = total(returns**2, HORIZON)[HORIZON:]
    return np.sqrt(SESSIONS_A_YEAR / HORIZON * ahead)


def ewma_vol(returns: np.ndarray) -> np.ndarray:
    """RiskMetrics volatility, annualised, over a finite window so that a daily run equals a rebuild."""
    weights = EWMA_DECAY ** np.arange(EWMA_SESSIONS)[::-1]
    weighted = windows(returns**2, EWMA_SESSIONS) * (weights / weights.sum())
    return np.sqrt(SESSIONS_A_YEAR * weighted.sum(axis=1))


def complete(frame: pd.DataFrame) -> pd.Series:
    """Which sessions may be forecast: nothing null or infinite among INPUTS."""
    return np.isfinite(frame[list(INPUTS)]).all(axis=1)


def trainable(frame: pd.DataFrame) -> pd.Series:
    """Which sessions may be trained on: complete, and their five sessions are over."""
    return complete(frame) & frame[[LABEL, RANGE_LABEL]].notna().all(axis=1)


def input_array(frame: pd.DataFrame, columns: tuple[str, ...]) -> np.ndarray:
    """The columns as a float array (rows, columns); a ForecastError names the sessions and columns that are null or
    infinite."""
    inputs = frame[list(columns)].to_numpy(dtype=float)
    sound = np.isfinite(inputs)
    if not sound.all():
        rows = ~sound.all(axis=1)
        first = int(rows.argmax())
        raise ForecastError(
            f"{rows.sum()} of {len(frame)} sessions have null or infinite inputs, the first "
            f"{frame.index[first]:%Y-%m-%d} in {', '.join(np.array(columns)[~sound[first]])}; leave such sessions out "
            f"(see frame.complete) or mend the bars they are computed from"
        )
    return inputs


def training_inputs(frame: pd.DataFrame, columns: tuple[str, ...]) -> np.ndarray:
    """Inputs (rows, columns) to fit on; a ForecastError if the rows are too few or a column never varies."""
    if len(frame) < MIN_ROWS:
        raise ForecastError(
            f"a volatility model needs at least {MIN_ROWS} training sessions, there are {len(frame)}; "
            f"materialise a longer history of the features"
        )
    inputs = input_array(frame, columns)
    constant = np.ptp(inputs, axis=0) == 0
    if constant.any():
        raise ForecastError(
            f"{', '.join(np.array(columns)[constant])} never varies over the training sessions "
            f"{frame.index[0]:%Y-%m-%d} ... {frame.index[-1]:%Y-%m-%d}; a series behind it is stuck: mend its bars"
        )
    return inputs


def label(frame: pd.DataFrame, name: str = LABEL) -> np.ndarray:
    """What came, by squared returns or ranges (rows,), not below VOL_FLOOR; a ForecastError where it is not known."""
    return np.maximum(input_array(frame, (name,))[:, 0], VOL_FLOOR)


def _require_sessions(name: str, index: pd.Index) -> None:
    if not isinstance(index, pd.DatetimeIndex) or index.tz is not None or not len(index):
        raise ForecastError(f"{name} must be indexed by session (naive DatetimeIndex, not empty), got {index[:3]!r}")
    if index.has_duplicates:
        raise ForecastError(f"{name} has session {index[index.duplicated()][0]:%Y-%m-%d} twice; a session is one row")
    strangers = index.difference(pd.DatetimeIndex(clock.sessions(index.min(), index.max())))
    if len(strangers):
        raise ForecastError(f"{name} has a row for {strangers[0]:%Y-%m-%d}, which is no XNYS session; drop it")
