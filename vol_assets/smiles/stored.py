"""The folder that a smile model is kept in, and the way back from one to the model.

`model.json` says what the model is, what it was trained on and all its numbers but a network's weights, which are in
`weights.pt` beside it. A folder that holds anything else, lacks a number, or is of a model with other inputs or
horizons than this code makes is refused: such a model would predict nonsense without a word.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from vol_assets.errors import ForecastError
from vol_assets.smiles.dataset import TRAIN, fingerprint
from vol_assets.smiles.model import SmileModel
from vol_assets.smiles.panel import FAMILIES, HORIZONS, LENGTH, SMILES, Panel, Windows
from vol_assets.smiles.state import COVARIATES, NODES, input_names

SCHEMA = "vol_assets.smile_model/1"
FILE = "model.json"


@dataclass(frozen=True)
class Card:
    """What a model is and where it comes from.

    kind, family, horizons (steps), inputs, step_seconds: as in SmileModel; fingerprint: of the data set;
    trained_through: last session of training, ISO; seed: of a network, 0 for what draws no numbers; libraries: versions
    it was made with.
    """

    kind: str
    family: str
    horizons: tuple[int, ...]
    inputs: tuple[str, ...]
    step_seconds: float
    fingerprint: str
    trained_through: str
    seed: int
    libraries: dict[str, str]


class Carded:
    """What a SmileModel says of itself, from its `card`."""

    card: Card

    @property
    def kind(self) -> str:
        return self.card.kind

    @property
    def family(self) -> str:
        return self.card.family

    @property
    def horizons(self) -> tuple[int, ...]:
        return self.card.horizons

    @property
    def inputs(self) -> tuple[str, ...]:
        return self.card.inputs

    @property
    def step_seconds(self) -> float:
        return self.card.step_seconds


def card_of(kind: str, panel: Panel, split: np.ndarray, *, seed: int = 0, libraries: tuple[str, ...] = ()) -> Card:
    """The card of a model of this kind, trained on this data set with these libraries and numpy."""
    return Card(
        kind=kind,
        family=panel.family,
        horizons=HORIZONS[panel.family],
        inputs=tuple(input_names(SMILES)),
        step_seconds=panel.step_seconds,
        fingerprint=fingerprint(panel, split),
        trained_through=str(panel.session[split == TRAIN].max()),
        seed=seed,
        libraries={name: version(name) for name in ("numpy", *libraries)},
    )


def write(folder: Path | str, card: Card, numbers: dict[str, Any]) -> Path:
    """Write model.json into a folder, made if it is not there; the folder. numbers: arrays, and what JSON has."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    saved = {"schema": SCHEMA, **asdict(card), "numbers": numbers}
    (folder / FILE).write_text(json.dumps(saved, indent=1, allow_nan=False, default=np.ndarray.tolist) + "\n")
    return folder


@contextmanager
def opened(folder: Path | str, kinds: Sequence[str], *others: str) -> Iterator[tuple[Card, dict[str, Any]]]:
    """The card and the numbers of a saved model of one of these kinds, whose folder also has the files `others`.

    What the block that makes a model of them finds wrong with them (KeyError, TypeError, ValueError) becomes a
    ForecastError, as does what is wrong with the folder.
    """
    folder = Path(folder)
    card, numbers = _read(folder)
    if card.kind not in kinds:
        raise ForecastError(f"{folder} holds a model of kind {card.kind!r}, not {' or '.join(kinds)}; use load_model")
    _require_files(folder, {FILE, *others})
    try:
        yield card, numbers
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ForecastError(
            f"{folder} holds no whole model of kind {card.kind} ({type(error).__name__}: {error}); nothing of it is "
            "used, train anew"
        ) from error


def array(numbers: dict[str, Any], name: str, *shape: int) -> np.ndarray:
    """One of a model's arrays; a ValueError for another shape (-1: any) or a number that is not finite."""
    values = np.array(numbers[name], dtype=float)
    if values.ndim != len(shape) or any(here not in (-1, there) for there, here in zip(values.shape, shape)):
        raise ValueError(f"{name} has the shape {values.shape}, not {shape}")
    if not np.isfinite(values).all():
        raise ValueError(f"{name} has a number that is not finite")
    return values


def load_model(folder: Path | str, family: str | None = None) -> SmileModel:
    """The model that a folder holds, whatever its kind.

    Raises ForecastError if it holds none, one that is damaged or made for other inputs, or one of another family than
    the one asked for.
    """
    from vol_assets.smiles.baselines import BASELINES, load_baseline  # they are written with what is above
    from vol_assets.smiles.networks import NETWORKS, load_network

    card, _ = _read(Path(folder))
    if family not in (None, card.family):
        raise ForecastError(
            f"{folder} holds a model of the {card.family} family, {family} was asked for: their states are not the "
            "same; give the folder of one trained on the other"
        )
    if card.kind not in (*BASELINES, *NETWORKS):
        raise ForecastError(
            f"{folder} holds a model of kind {card.kind!r}; this code has {', '.join((*BASELINES, *NETWORKS))}"
        )
    return (load_network if card.kind in NETWORKS else load_baseline)(folder)


def require_windows(windows: Windows) -> None:
    """A ForecastError for windows of another shape than models take, or with a log vol or a time that is not finite."""
    batch = len(windows.log_vol)
    found = tuple(np.shape(part) for part in windows)
    needed = (batch, LENGTH, SMILES, len(NODES)), (batch, LENGTH, SMILES), (batch, LENGTH, len(COVARIATES))
    if found != needed:
        raise ForecastError(f"a smile model takes windows of the shapes {needed}, these have {found}")
    if not (np.isfinite(windows.log_vol).all() and np.isfinite(windows.years).all()):
        raise ForecastError("a window has a log vol or a time that is not finite; leave its state out, as a gap")


def _read(folder: Path) -> tuple[Card, dict[str, Any]]:
    """model.json of our schema, with the inputs and horizons that this code makes."""
    path = folder / FILE
    if not path.is_file():
        raise ForecastError(f"{folder} holds no smile model: {FILE} is missing; train one and save it there")
    try:
        saved = json.loads(path.read_text())
    except (ValueError, UnicodeDecodeError) as error:
        raise ForecastError(f"{path} is not JSON ({error}); nothing of it is loaded, train anew") from error
    schema = saved.get("schema") if isinstance(saved, dict) else None
    if schema != SCHEMA:
        raise ForecastError(f"{path} has the schema {schema!r}, this code reads {SCHEMA!r}; train anew")
    try:
        card = Card(**{field.name: saved[field.name] for field in fields(Card)})
        numbers, horizons, inputs = dict(saved["numbers"]), tuple(card.horizons), tuple(card.inputs)
        card = replace(card, horizons=horizons, inputs=inputs, step_seconds=float(card.step_seconds))
    except (KeyError, TypeError, ValueError) as error:
        raise ForecastError(f"{path} is no whole model ({type(error).__name__}: {error}); train anew") from error
    if card.family not in FAMILIES:
        raise ForecastError(f"{path} is of the family {card.family!r}; there are {' and '.join(FAMILIES)}; train anew")
    if horizons != HORIZONS[card.family]:
        raise ForecastError(
            f"{path} predicts {horizons} steps ahead, {card.family} models predict {HORIZONS[card.family]}; train anew"
        )
    ours = tuple(input_names(SMILES))
    if inputs != ours:
        strange = sorted(set(inputs) ^ set(ours), key=str) or "another order"
        raise ForecastError(f"{path} was trained on other inputs than states have now ({strange}); train anew")
    return card, numbers


def _require_files(folder: Path, expected: set[str]) -> None:
    found = {path.name for path in folder.iterdir()}
    if found != expected:
        raise ForecastError(
            f"{folder} holds {', '.join(sorted(found))}; this model is {', '.join(sorted(expected))}: nothing of it is "
            "loaded; find out who changed it, then train anew"
        )
