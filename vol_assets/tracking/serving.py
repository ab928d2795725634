"""The last champion that could be loaded, kept beside the MLflow folder: it serves while the registry cannot.

One JSON file a model, replaced as a whole, with the model's own files inside (in base64: weights are bytes): a reader
finds the old copy or the new one, never half of each.
"""

from __future__ import annotations

import base64
import hashlib
import json
import logging
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from vol_assets.errors import ForecastError
from vol_assets.forecasting.rv_model import RvForecaster

if TYPE_CHECKING:
    from vol_assets.tracking.store import Tracking

SCHEMA = "vol_assets.serving/2"

PREFIX = "spy_smile_"

Model = TypeVar("Model")


class Savable(Protocol):
    """What can be kept: it writes itself into a folder that is there, as plain files."""

    def save(self, folder: Path) -> Any: ...


def serving_line(family: str) -> str:
    """The registered model whose champion serves a family of smiles."""
    return f"{PREFIX}{family}"


def require_source(model: str, version: str, trained_on: str, source: str) -> None:
    """A ForecastError when a champion was trained on another source than the lake's."""
    if trained_on != source:
        raise ForecastError(
            f"the champion of {model} (version {version}) was trained on the source {trained_on!r}, this lake holds "
            f"{source!r}; train on this lake, or point MLFLOW_TRACKING_URI at its own store"
        )


def path_of(tracking: Tracking, model: str) -> Path:
    """Where the copy lies."""
    return tracking.artifacts.with_name("serving") / f"{model}.json"


def asked_of(tracking: Tracking, model: str) -> Path:
    """The marker of whoever would ask too often: its time is when the registry was last asked who serves, its text why
    nobody does. A copy is younger where a version was crowned here since."""
    return path_of(tracking, model).with_suffix(".asked")


def keep(tracking: Tracking, model: str, loaded: tuple[Savable, str, str]) -> None:
    """Keep a champion, as loaded from the registry. That it cannot be written is warned of: it serves all the same."""
    champion, version, source = loaded
    path = path_of(tracking, model)
    with tempfile.TemporaryDirectory() as folder:
        champion.save(Path(folder))
        saved = sorted(Path(folder).iterdir())
        files = {one.name: base64.b64encode(one.read_bytes()).decode() for one in saved}
    copy = {"schema": SCHEMA, "store": _store(tracking), "version": version, "source": source, "files": files}
    text = json.dumps(copy)
    try:
        if path.exists() and path.read_text() == text:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = path.with_name(f".{path.name}.{os.getpid()}")
        with open(aside, "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    except (OSError, ValueError) as error:
        logging.getLogger(__name__).warning("%s is not kept in %s: %s", model, path, error)


def last_good(
    tracking: Tracking, model: str, load: Callable[[Path], Model] = RvForecaster.load
) -> tuple[Model, str, str] | None:
    """The copy, as `load` makes it of its files; None if there is none of this MLflow store.

    A ForecastError when it is damaged.
    """
    path = path_of(tracking, model)
    if not path.exists():
        return None
    try:
        copy = json.loads(path.read_text())
        if copy["schema"] != SCHEMA or copy["store"] != _store(tracking):
            return None
        with tempfile.TemporaryDirectory() as folder:
            for name, text in copy["files"].items():
                (Path(folder) / Path(name).name).write_bytes(base64.b64decode(text, validate=True))
            return load(Path(folder)), str(copy["version"]), str(copy["source"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError, ForecastError) as error:
        raise ForecastError(f"the copy in {path} cannot be loaded either ({error}); delete it") from error


def _store(tracking: Tracking) -> str:
    """Which MLflow store: a fingerprint of its URI, which may hold a password."""
    return hashlib.sha256(tracking.uri.encode()).hexdigest()[:16]
