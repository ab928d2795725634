"""Which states train a model, which choose it and which judge it; and all of them as one table.

Sessions are split whole and in order of time, 60/20/20. A sample, a window with its targets, is of the split of its
last state. Where a run reaches across a border, as those of sessions do and those of buckets never, the first states
after it are purged: windows that end there would share states with samples from before.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, fields
from typing import Self

import numpy as np
import pandas as pd

from vol_assets.contracts.smiles import SMILE_DATASET, SPLITS
from vol_assets.errors import ForecastError
from vol_assets.smiles.panel import FAMILIES, HORIZONS, LENGTH, SMILES, Panel, Windows
from vol_assets.smiles.state import COVARIATES, NODES, input_names

__all__ = ["SPLITS", "Samples", "dataset_frame", "fingerprint", "fitting_samples", "panels_of", "samples", "split"]

TRAIN, VALIDATION, TEST, PURGED = SPLITS
FIFTHS = (3, 4)  # of the sessions: where validation and test begin


def split(panel: Panel) -> np.ndarray:
    """The split of each state, (m,) of SPLITS; of three sessions or more each split gets one at least."""
    sessions, number = np.unique(panel.session, return_inverse=True)
    first, second = (fifths * len(sessions) // 5 for fifths in FIFTHS)
    first = max(first, 1)
    second = max(second, first + 1)
    which = np.array(SPLITS[:3], dtype=object)[(number >= first).astype(int) + (number >= second)]
    states, purged = np.arange(len(panel)), LENGTH + max(HORIZONS[panel.family])
    for border in np.flatnonzero(which[1:] != which[:-1]) + 1:
        reached = panel.run == panel.run[border - 1]
        which[reached & (states >= border) & (states < border + purged)] = PURGED
    return which


def samples(panel: Panel, split: np.ndarray, which: str, ahead: int | None = None) -> np.ndarray:
    """The numbers of the states that end the windows of one split, whose state `ahead` steps later is of it too.

    ahead: steps; those of the family's longest horizon if it is not given.
    """
    ahead = max(HORIZONS[panel.family]) if ahead is None else ahead
    last = panel.with_target(panel.last_of_windows(), ahead)
    return last[(split[last] == which) & (split[last + ahead] == which)]


@dataclass(frozen=True, eq=False)
class Samples:
    """B windows that end at the states `last` (B,), and the change of ln vol from there on, (B, horizons, n, nodes)."""

    panel: Panel
    last: np.ndarray
    windows: Windows
    change: np.ndarray

    @classmethod
    def of(cls, panel: Panel, last: np.ndarray) -> Self:
        ahead = last[:, None] + np.array(HORIZONS[panel.family])
        return cls(panel, last, panel.windows(last), panel.log_vol[ahead] - panel.log_vol[last][:, None])


def fitting_samples(kind: str, panel: Panel, split: np.ndarray) -> tuple[Samples, Samples]:
    """The samples that train a model of this kind and those that choose it; a ForecastError if there are none."""
    found = [samples(panel, split, which) for which in (TRAIN, VALIDATION)]
    if not all(map(len, found)):
        raise ForecastError(
            f"{kind} needs windows of {LENGTH} unbroken states with a target {max(HORIZONS[panel.family])} steps later "
            f"in training and validation; {len(panel)} states of the {panel.family} family hold {len(found[0])} and "
            f"{len(found[1])}: gather or simulate more sessions"
        )
    train, validation = (Samples.of(panel, last) for last in found)
    return train, validation


def dataset_frame(panel: Panel, split: np.ndarray) -> pd.DataFrame:
    """The rows of smile/dataset for one family; those of both go one under the other."""
    ranks, states = range(SMILES), len(panel)
    columns = {
        "date": panel.session.astype("datetime64[ns]"),
        "family": np.full(states, panel.family, dtype=object),
        "split": split,
        "run": panel.run.astype(np.int64),
        "ts": pd.DatetimeIndex(panel.ts, tz="UTC").as_unit("us"),
        **{f"expiration_{rank}": panel.expirations[:, rank].astype("datetime64[ns]") for rank in ranks},
        **{f"years_{rank}": panel.years[:, rank] for rank in ranks},
        **{f"forward_{rank}": panel.forward[:, rank] for rank in ranks},
        **dict(zip(input_names(SMILES)[: SMILES * len(NODES)], panel.log_vol.reshape(states, -1).T)),
        **dict(zip(COVARIATES, panel.covariates.T)),
    }
    return pd.DataFrame(columns, columns=list(SMILE_DATASET.columns))


def panels_of(frame: pd.DataFrame) -> dict[str, tuple[Panel, np.ndarray]]:
    """The panel and the split of each family that smile/dataset has rows of."""
    ranks = range(SMILES)
    found = {}
    for family in FAMILIES:
        rows = frame[frame["family"] == family]
        if rows.empty:
            continue
        panel = Panel(
            family=family,
            ts=rows["ts"].dt.tz_localize(None).to_numpy().astype("datetime64[us]"),
            session=rows["date"].to_numpy().astype("datetime64[D]"),
            expirations=rows[[f"expiration_{rank}" for rank in ranks]].to_numpy().astype("datetime64[D]"),
            years=rows[[f"years_{rank}" for rank in ranks]].to_numpy(),
            forward=rows[[f"forward_{rank}" for rank in ranks]].to_numpy(),
            log_vol=rows[input_names(SMILES)[: SMILES * len(NODES)]].to_numpy().reshape(len(rows), SMILES, len(NODES)),
            covariates=rows[list(COVARIATES)].to_numpy(),
            run=rows["run"].to_numpy(),
        )
        found[family] = panel, rows["split"].to_numpy()
    return found


def fingerprint(panel: Panel, split: np.ndarray) -> str:
    """SHA-256, in hex, of every number and name of a family's states and of their split."""
    digest = hashlib.sha256(panel.family.encode())
    for field in fields(panel)[1:]:
        values = np.ascontiguousarray(getattr(panel, field.name))
        digest.update(f"{field.name} {values.shape}".encode())
        digest.update(values.astype(values.dtype.newbyteorder("<"), copy=False).tobytes())
    digest.update(" ".join(split).encode())
    return digest.hexdigest()
