"""The resources of a code location, built from one Settings object.

They are made when a run starts, not when definitions load: that is when a lake of another source, an unwritable
folder or a missing drop folder is reported.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import dagster as dg

from vol_assets.assets.live_rate import live_rate
from vol_assets.gold.folder import Reports
from vol_assets.ibkr.desk import Desk
from vol_assets.lake import Lake
from vol_assets.lake.io_manager import LakeIOManager
from vol_assets.lake.live import LiveStore
from vol_assets.settings import Settings
from vol_assets.sources import open_source
from vol_assets.tracking import Tracking

EXPERIMENT = "vol_assets"


def build_resources(settings: Settings) -> dict[str, Any]:
    """The resources by key: `market`, `lake`, `io_manager`, `mlflow`, `reports`; of the live smile `ibkr`, the desk
    that polls, `live_store`, which opens the store (`with live_store() as store:`), and `live_rate`, the rate of a
    session."""

    def lake(_: dg.InitResourceContext) -> Lake:
        lake = Lake(settings.lake, settings.source)
        lake.claim()
        return lake

    def market(_: dg.InitResourceContext) -> Any:
        return open_source(settings)

    def io_manager(context: dg.InitResourceContext) -> LakeIOManager:
        return LakeIOManager(context.resources.lake)

    def mlflow(_: dg.InitResourceContext) -> Tracking:
        return open_tracking(settings)

    def reports(_: dg.InitResourceContext) -> Reports:
        return Reports(settings.reports, settings.report_language)

    def ibkr(_: dg.InitResourceContext) -> Desk:
        return Desk.of(settings)

    def live_store(_: dg.InitResourceContext) -> partial[LiveStore]:
        return partial(LiveStore, settings.live_url)

    def rate(context: dg.InitResourceContext) -> partial:
        return partial(live_rate, context.resources.lake, setting=settings.rate)

    return {
        "lake": dg.ResourceDefinition(lake, description=f"Parquet lake at {settings.lake}"),
        "market": dg.ResourceDefinition(market, description=f"market data from {settings.source}"),
        "io_manager": dg.IOManagerDefinition(io_manager, required_resource_keys={"lake"}),
        "mlflow": dg.ResourceDefinition(mlflow, description=f"MLflow at {settings.mlflow_uri}"),
        "reports": dg.ResourceDefinition(reports, description=f"reports in {settings.reports}"),
        "ibkr": dg.ResourceDefinition(ibkr, description="the desk that polls the gateway of Interactive Brokers"),
        "live_store": dg.ResourceDefinition(live_store, description="opens the live store"),
        "live_rate": dg.ResourceDefinition(
            rate, required_resource_keys={"lake"}, description="the zero rate of a session's live options"
        ),
    }


def open_tracking(settings: Settings) -> Tracking:
    """The MLflow store of some settings, and its experiment."""
    return Tracking(settings.mlflow_uri, EXPERIMENT, settings.data / "mlflow" / "artifacts", settings.mlflow_ui)
