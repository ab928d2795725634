"""Smile models in the registry: a line a family and kind, and the line of what serves a family.

    spy_smile_live_gru, version 3    what a training left
      artifacts/smile_model/         what `SmileModel.save` wrote: numbers, the only thing that is ever loaded here
      tags                           source, data_fingerprint, kind, trained_through
    spy_smile_live, version 2        a copy of a version of one of those, which the tag `copy_of` names; crownings
      alias champion                 the one that serves

Lines of different kinds thus have one history of who served, and a rollback brings back whatever kind served before.
Import this module inside functions only: it imports MLflow.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import mlflow
import numpy as np
import pandas as pd
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, DataType, Schema

from vol_assets.errors import ForecastError, RegistryError
from vol_assets.smiles.model import SmileModel
from vol_assets.smiles.panel import FAMILIES, LENGTH, SMILES, Windows
from vol_assets.smiles.predictor import require
from vol_assets.smiles.state import NODES
from vol_assets.smiles.stored import load_model
from vol_assets.tracking import serving
from vol_assets.tracking.crownings import GATE, HAND
from vol_assets.tracking.serving import PREFIX, serving_line
from vol_assets.tracking.store import Tracking

ARTIFACT = "smile_model"
COPY_OF = "copy_of"
FINGERPRINT = "data_fingerprint"
HORIZON = "horizon_steps"
REQUIREMENTS = ["torch", "scipy", "numpy", "pandas"]

logger = logging.getLogger(__name__)


class Champion(NamedTuple):
    """What serves a family: the model, its version in the serving line, and its kind."""

    model: SmileModel
    version: str
    kind: str


def line(family: str, kind: str) -> str:
    """The registered model of a kind."""
    return f"{PREFIX}{family}_{kind}"


def family_of(name: str) -> str | None:
    """The family of a registered model of either sort; None for a name that is none of ours."""
    family = name.removeprefix(PREFIX).split("_")[0]
    return family if name.startswith(PREFIX) and family in FAMILIES else None


# ---------------------------------------------------------------------- what is served, as a table


def state_frame(inputs: tuple[str, ...], windows: Windows) -> pd.DataFrame:
    """Windows as rows: LENGTH states each, oldest first, columns as a model's inputs are called."""
    states = [part.reshape(part.shape[0] * part.shape[1], -1) for part in windows]
    return pd.DataFrame(np.concatenate(states, axis=1), columns=list(inputs))


def forecast_frame(model: SmileModel, states: pd.DataFrame) -> pd.DataFrame:
    """What a model says of windows as `state_frame` has them: a row a (window, horizon), ln vols by smile and node.

    A ForecastError if the rows are not whole windows.
    """
    if len(states) % LENGTH:
        raise ForecastError(f"a window is {LENGTH} states, oldest first; {len(states)} rows are no whole windows")
    numbers = states[list(model.inputs)].to_numpy(dtype=float).reshape(-1, LENGTH, len(model.inputs))
    count, nodes = len(numbers), len(NODES)
    log_vol, years, covariates = np.split(numbers, [SMILES * nodes, SMILES * (nodes + 1)], axis=2)
    said = model.forecast(Windows(log_vol.reshape(count, LENGTH, SMILES, nodes), years, covariates))
    frame = pd.DataFrame(said.reshape(count * len(model.horizons), -1), columns=list(model.inputs[: SMILES * nodes]))
    frame.insert(0, HORIZON, np.tile(np.array(model.horizons, dtype=np.int64), count))
    return frame


def _signature(model: SmileModel) -> ModelSignature:
    """Doubles in and out, by name: a window without one of them is refused."""
    outputs = [ColSpec(DataType.double, name) for name in model.inputs[: SMILES * len(NODES)]]
    return ModelSignature(
        inputs=Schema([ColSpec(DataType.double, name) for name in model.inputs]),
        outputs=Schema([ColSpec(DataType.long, HORIZON), *outputs]),
    )


# ---------------------------------------------------------------------- a line a kind


def register(tracking: Tracking, model: SmileModel, example: Windows, tags: Mapping[str, str]) -> str:
    """Log a model to the active run and register it under its family and kind; returns the version, tagged."""
    name = line(model.family, model.kind)
    with tempfile.TemporaryDirectory() as folder, tracking.answering():
        saved = Path(folder) / ARTIFACT
        saved.mkdir()
        model.save(saved)
        logged = mlflow.pyfunc.log_model(
            name=name,
            python_model=str(Path(__file__).with_name("smile_python_model.py")),
            artifacts={ARTIFACT: str(saved)},
            signature=_signature(model),
            input_example=state_frame(model.inputs, example),
            pip_requirements=REQUIREMENTS,
        )
        _ensure(tracking, name, f"SPY's next {model.family} smile by {model.kind}")
        run_id = mlflow.active_run().info.run_id
        made = tracking.client.create_model_version(
            name, logged.model_uri, run_id, tags={**tags, "kind": model.kind}, model_id=logged.model_id
        )
    return str(made.version)


def newest(tracking: Tracking, family: str, kind: str, fingerprint: str | None = None) -> Any | None:
    """The newest version of a kind, of those trained on the data of a fingerprint if one is given; None if none is."""
    found = tracking.versions(line(family, kind))
    found = [one for one in found if fingerprint in (None, one.tags.get(FINGERPRINT))]
    return found[-1] if found else None


def load(tracking: Tracking, name: str, version: str) -> SmileModel:
    """A version of a line of either sort, read as the numbers it is: nothing that lies with it is run or unpickled.

    A RegistryError where MLflow does not answer or has no such version, a ForecastError that names the version if what
    it holds is no model of ours, or one of another family or other inputs.
    """
    found, family = tracking.version(name, version), family_of(name)
    with tempfile.TemporaryDirectory() as folder:
        try:
            model = load_model(tracking.artifact(name, str(found.version), ARTIFACT, folder), family)
            require(model, family)
        except ForecastError as error:
            raise ForecastError(f"{name} version {found.version} cannot be loaded: {error}") from error
    return model


# ---------------------------------------------------------------------- what serves


def serve(tracking: Tracking, family: str, kind: str, version: str, reason: str, by: str = GATE) -> str:
    """Copy a version of a kind into the serving line, once, and crown the copy, if it can be loaded; its version there.

    Nothing is recorded where it is the champion already.
    """
    name, source = serving_line(family), f"{line(family, kind)}/{version}"
    model = load(tracking, line(family, kind), version)
    copies = [one for one in tracking.versions(name) if one.tags.get(COPY_OF) == source]
    copy = copies[-1] if copies else _copy(tracking, family, kind, version)
    tracking.crown(name, str(copy.version), reason, by)
    serving.keep(tracking, name, (model, str(copy.version), copy.tags.get("source", "")))
    return str(copy.version)


def champion_of_family(
    tracking: Tracking, family: str, source: str | None = None, warn: Callable[[str], None] = logger.warning
) -> Champion | None:
    """What serves a family; None when nobody was crowned yet, or when nothing that was can be had.

    The copy beside the lake is read where it is of the version that the registry names, and serves while the registry
    does not answer or holds what cannot be loaded: `warn` is told then. source: of the lake; a ForecastError if the
    champion was trained on another.
    """
    name = serving_line(family)
    load_copy = partial(load_model, family=family)
    if not tracking.made:
        return None
    try:
        kept = serving.last_good(tracking, name, load_copy)
    except ForecastError as error:
        kept = None
        warn(str(error))
    try:
        loaded = _champion(tracking, name, kept)
    except (RegistryError, ForecastError) as error:
        loaded = kept
        stands_in = f"version {kept[1]}, the last champion that could be loaded, serves" if kept else "nobody serves"
        warn(f"{error}; {stands_in} meanwhile")
    if loaded is None:
        return None
    model, version, trained_on = loaded
    if source is not None:
        serving.require_source(name, version, trained_on, source)
    if loaded is not kept:
        serving.keep(tracking, name, loaded)
    return Champion(model, version, model.kind)


def promote(
    tracking: Tracking, name: str, version: str, reason: str, source: str, by: str = HAND
) -> tuple[Any | None, Any]:
    """Crown a version of the serving line, or of a kind's by way of a copy; the champion before (or None) and now.

    A RegistryError if it was trained on another source or is the champion already.
    """
    model = _servable(tracking, name, version, source)
    serves = serving_line(model.family)
    before = tracking.champion(serves)
    if name != serves:
        serve(tracking, model.family, model.kind, version, reason, by)
    else:
        tracking.crown(name, version, reason, by)
        serving.keep(tracking, name, (model, version, source))
    now = tracking.champion(serves)
    if before is not None and before.version == now.version:
        raise RegistryError(f"version {version} of {name} is the champion already; nothing was changed")
    return before, now


def roll_back(tracking: Tracking, name: str, reason: str, source: str) -> tuple[Any, Any]:
    """Give a serving line's crown back to the version that had it before; the champion before and now."""
    version = tracking.predecessor(name)
    model = _servable(tracking, name, version, source)
    before = tracking.champion(name)
    tracking.roll_back(name, reason)
    serving.keep(tracking, name, (model, version, source))
    return before, tracking.champion(name)


Loaded = tuple[SmileModel, str, str]
"""A model, its version in the serving line, and the source of the data it was trained on."""


def _champion(tracking: Tracking, name: str, kept: Loaded | None) -> Loaded | None:
    """The champion that the registry names: from the copy that is kept if it is of that version."""
    found = tracking.champion(name)
    if found is None:
        return None
    version = str(found.version)
    if kept is not None and kept[1] == version:
        return kept
    return load(tracking, name, version), version, found.tags.get("source", "")


def _servable(tracking: Tracking, name: str, version: str, source: str) -> SmileModel:
    model, trained_on = load(tracking, name, version), tracking.version(name, version).tags.get("source", "")
    if trained_on != source:
        raise RegistryError(
            f"version {version} of {name} was trained on the source {trained_on!r}, this lake holds {source!r}; choose "
            "a version of this source"
        )
    return model


def _copy(tracking: Tracking, family: str, kind: str, version: str) -> Any:
    """A new version of the serving line that is that version: the registry's own copy, without its talk."""
    name, source = line(family, kind), tracking.version(line(family, kind), version)
    with tracking.answering():
        _ensure(
            tracking, serving_line(family), f"what serves SPY's next {family} smile: copies of spy_smile_{family}_*"
        )
        return tracking.client.create_model_version(
            serving_line(family),
            f"models:/{name}/{version}",
            source.run_id,
            tags={**source.tags, COPY_OF: f"{name}/{version}"},
            model_id=source.model_id,
        )


def _ensure(tracking: Tracking, name: str, description: str) -> None:
    if not tracking.client.search_registered_models(f"name = '{name}'"):
        tracking.client.create_registered_model(name, description=description)
