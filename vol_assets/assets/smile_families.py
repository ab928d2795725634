"""What the assets of the smile share: both families in each, one without data told of and passed over.

Live smiles take polls and daily ones option chains; a lake may have either. So an asset does what it can for each
family and says in words why it did nothing for another. Only where there is nothing at all it fails.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import dagster as dg
import numpy as np

from vol_assets.contracts.smiles import SMILE_DATASET
from vol_assets.errors import ForecastError
from vol_assets.lake import Lake
from vol_assets.smiles.dataset import TRAIN, fingerprint, panels_of
from vol_assets.smiles.panel import DAILY, FAMILIES, LIVE, Panel
from vol_assets.tracking import Tracking

GROUP = "smile"
MAKE = {
    LIVE: "materialize live/history and live/states of some sessions",
    DAILY: "materialize raw/spy_chain, curated/spy_chain and surface/spy of some sessions",
}


@dataclass(frozen=True, eq=False)
class Data:
    """The states of a family as smile/dataset holds them, their split, and the fingerprint of both."""

    panel: Panel
    split: np.ndarray
    fingerprint: str

    @classmethod
    def of(cls, panel: Panel, split: np.ndarray) -> Data:
        return cls(panel, split, fingerprint(panel, split))

    @property
    def trained_through(self) -> dt.date:
        return self.panel.session[self.split == TRAIN].max().item()

    @property
    def span(self) -> str:
        """The first and last session."""
        return f"{self.panel.session[0]} ... {self.panel.session[-1]}"


@dataclass
class Progress:
    """What became of each family so far; an asset's page and log are told of both."""

    context: dg.AssetExecutionContext
    done: list[str] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)

    @property
    def asset(self) -> str:
        return self.context.asset_key.to_user_string()

    def skip(self, family: str, why: str) -> None:
        """Pass a family over, for a reason."""
        self.skipped[family] = why
        self.context.log.warning(f"{self.asset}: no {family} smiles: {why}")

    def finish(self, family: str, told: str) -> None:
        self.done.append(family)
        self.context.log.info(f"{self.asset}: {family}: {told}")

    def require_any(self) -> None:
        """A ForecastError where no family could be served."""
        if not self.done:
            why = "; ".join(f"no {family} smiles: {reason}" for family, reason in self.skipped.items())
            raise ForecastError(f"{self.asset} has nothing to work on: {why}")

    @property
    def metadata(self) -> dict[str, str]:
        return {f"{family} skipped": why for family, why in self.skipped.items()}


def data_of(lake: Lake, progress: Progress) -> dict[str, Data]:
    """The families that smile/dataset has states of; the others are passed over."""
    panels = panels_of(lake.read_table(SMILE_DATASET))
    for family in FAMILIES:
        if family not in panels:
            progress.skip(family, f"smile/dataset has none; {MAKE[family]}, then smile/dataset again")
    return {family: Data.of(*found) for family, found in panels.items()}


def version_tags(lake: Lake, data: Data) -> dict[str, str]:
    """What a model version was made from."""
    return {
        "source": lake.source,
        "data_fingerprint": data.fingerprint,
        "trained_through": str(data.trained_through),
    }


def run_tags(lake: Lake, data: Mapping[str, Data]) -> dict[str, str]:
    """What an MLflow run was made from."""
    return {"source": lake.source, **{f"data_fingerprint.{family}": one.fingerprint for family, one in data.items()}}


def provenance(tracking: Tracking, run_id: str, data: Mapping[str, Data]) -> dict[str, Any]:
    """An asset page's way to its MLflow run and to what was read."""
    return {
        "MLflow run": dg.MetadataValue.url(tracking.url(run_id)),
        "MLflow run id": run_id,
        **{f"{family} data fingerprint": one.fingerprint for family, one in data.items()},
        **{f"{family} sessions": one.span for family, one in data.items()},
    }
