"""The next smiles as a poll's contracts see them: what the serving model says, and what came of it.

A model predicts ln vols at fixed stdevs. They become the vol of a contract at the forward of now, the best guess there
is of the one to come: one vol a strike, for call and put alike. Live smiles are those of the same expirations, nearer
by the horizon; daily ones have the same times to expiry, a session later, and what the state leaves out of a contract's
own fitted smile now (`contracts.remainder`) is put back.

A model is asked only where it has what it learnt from: LENGTH states, unbroken. Before that, without a model, and where
it answers with no number, the smile of now is held at fixed stdevs, and the prediction is flagged. Nothing is predicted
beyond the session, where no state of its kind follows.
"""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from vol_assets import clock
from vol_assets.errors import ContractError, ForecastError
from vol_assets.smiles.contracts import CONTRACT, remainder
from vol_assets.smiles.features import YEAR_SECONDS
from vol_assets.smiles.model import SmileModel
from vol_assets.smiles.panel import DAILY, HORIZONS, LENGTH, LIVE, SMILES, panel_of
from vol_assets.smiles.state import SmileState, input_names, smile_vols

PREDICTED_COLUMNS = ("ts", "target_ts", "family", "horizon_steps", *CONTRACT, "predicted_vol", "flagged")
REALISED_COLUMNS = ("family", "target_ts", *CONTRACT, "realised_vol")


def predict(
    model: SmileModel | None,
    states: Sequence[SmileState],
    used: pd.DataFrame,
    step: dt.timedelta,
    family: str = LIVE,
) -> pd.DataFrame:
    """The vols that the contracts of a poll will have, PREDICTED_COLUMNS, a row a (horizon, contract).

    model: None where nobody serves. states: ascending, the newest last; used: features of the poll that it was read
    from (ts, expiration, strike, right, years, forward; the daily family's are CONTRACT_COLUMNS); step: from one live
    state to the next. predicted_vol is a decimal a year; flagged: persistence stood in for the model.

    No rows where the poll has no smile, nor of contracts that are gone by then. Raises ForecastError for a model of
    another family or other inputs, ContractError for states out of order.
    """
    if model is not None:
        require(model, family, step)
    ts = [state.ts for state in states]
    if any(after <= before for before, after in itertools.pairwise(ts)):
        raise ContractError("a prediction needs its states in order, each instant once; sort them by ts")
    if used.empty or not states or states[-1].ts != used["ts"].iloc[0] or not len(states[-1].years):
        return _nothing()
    newest, horizons = states[-1], HORIZONS[family] if model is None else model.horizons
    targets = [_target(family, newest.ts, ahead, step) for ahead in horizons]
    held = np.broadcast_to(newest.log_vol, (len(horizons), *newest.log_vol.shape))
    said = _said(model, states, step, family)
    parts = [
        _rows(used, newest, vols, target, family, {"horizon_steps": ahead, "flagged": said is None})
        for ahead, target, vols in zip(horizons, targets, held if said is None else said)
        if target is not None
    ]
    return pd.concat(parts, ignore_index=True) if parts else _nothing()


def realised(due: pd.DataFrame, used: pd.DataFrame) -> pd.DataFrame:
    """What came of predictions: REALISED_COLUMNS, for those of `due` whose target is the poll of the features `used`.

    A contract's own vol, of its mid: a call and a put of one strike have each its own. A contract that was not quoted
    then has no row; nor has a target whose poll never came.
    """
    due = due[["family", "target_ts", *CONTRACT]].drop_duplicates()
    came = used[["ts", *CONTRACT, "implied_vol"]].rename(columns={"ts": "target_ts", "implied_vol": "realised_vol"})
    return due.merge(came, on=["target_ts", *CONTRACT])[list(REALISED_COLUMNS)]


def require(model: SmileModel, family: str, step: dt.timedelta | None = None) -> None:
    """A ForecastError that names the model if it is of another family, or was trained on other inputs or, where a live
    `step` is given, on another one."""
    if model.family != family:
        raise ForecastError(
            f"the model {model.kind} is of the {model.family} family and cannot predict {family} smiles; serve one of "
            f"spy_smile_{family}"
        )
    ours, its = tuple(input_names(SMILES)), tuple(model.inputs)
    if its != ours:
        others = [f"{name} is unknown here" for name in its if name not in ours]
        others += [f"it lacks {name}" for name in ours if name not in its]
        raise ForecastError(
            f"the model {model.kind} of the {family} family was trained on other inputs than states have now "
            f"({'; '.join(others[:4]) or 'the same in another order'}); train anew (the job train_smile_models)"
        )
    if step and model.step_seconds and model.step_seconds != step.total_seconds():
        raise ForecastError(
            f"the model {model.kind} of the {family} family was trained on a state every {model.step_seconds:g} s, and "
            f"here is one every {step.total_seconds():g} s; set VOL_ASSETS_BUCKET to what it was, or train anew"
        )


def _said(model: SmileModel | None, states: Sequence[SmileState], step: dt.timedelta, family: str) -> np.ndarray | None:
    """What the model says, (horizons, smiles, nodes), if it may be asked and answers."""
    if model is None or len(states) < LENGTH:
        return None
    panel = panel_of(family, states[-LENGTH:], step)  # a state of too few smiles is a gap, and leaves fewer
    last = panel.last_of_windows()
    if not len(last):
        return None
    said = model.forecast(panel.windows(last))[0]
    return said if np.isfinite(said).all() else None


def _target(family: str, ts: pd.Timestamp, ahead: int, step: dt.timedelta) -> pd.Timestamp | None:
    """The instant that is predicted; None where the session is over by then."""
    session = ts.astimezone(clock.NEW_YORK).date()
    if family == DAILY:  # as long before its close as this one
        return clock.close_instant(clock.offset(session, ahead)) - (clock.close_instant(session) - ts)
    target = ts + ahead * step
    return target if target < clock.close_instant(session) else None


def _rows(
    used: pd.DataFrame, now: SmileState, log_vol: np.ndarray, target: pd.Timestamp, family: str, named: dict[str, Any]
) -> pd.DataFrame:
    """The contracts of a poll that are alive at the target, with the vol that predicted smiles (n, nodes) give them."""
    ahead = (target - now.ts).total_seconds() / YEAR_SECONDS
    smiles = now.years - ahead if family == LIVE else now.years
    left = smiles > 0.0
    years, strike, forward = (used[name].to_numpy(dtype=float) for name in ("years", "strike", "forward"))
    alive = np.flatnonzero((years > ahead) & left.any())
    vols = np.empty(0)
    if len(alive):
        k = np.log(strike[alive] / forward[alive])
        vols = smile_vols(log_vol[left], smiles[left], years[alive] - ahead, k)
        if family == DAILY:
            fitted_vol = used["fitted_vol"].to_numpy(dtype=float)[alive]
            vols *= np.exp(remainder(fitted_vol, now.log_vol, now.years, years[alive], k))
    contracts = {name: used[name].array[alive] for name in ("ts", *CONTRACT)}
    target = pd.DatetimeIndex([target]).tz_convert("UTC").as_unit("us").repeat(len(alive))
    columns = {**contracts, **named, "target_ts": target, "family": family, "predicted_vol": vols}
    return pd.DataFrame({name: columns[name] for name in PREDICTED_COLUMNS})


def _nothing() -> pd.DataFrame:
    types = {"horizon_steps": "int64", "strike": float, "predicted_vol": float, "flagged": bool}
    types |= dict.fromkeys(("ts", "target_ts"), "datetime64[us, UTC]") | {"expiration": "datetime64[ns]"}
    return pd.DataFrame({name: pd.Series(dtype=types.get(name, object)) for name in PREDICTED_COLUMNS})
