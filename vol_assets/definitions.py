"""The front door: every asset, job, schedule and resource of the code location.

`build_defs` makes it from settings, so that a test or a script can have one over another data folder.
"""

from __future__ import annotations

import warnings

import dagster as dg

from vol_assets.settings import Settings

warnings.filterwarnings("ignore", category=dg.BetaWarning)
warnings.filterwarnings("ignore", category=dg.PreviewWarning)

from vol_assets.assets import chains, surfaces  # noqa: E402
from vol_assets.assets.features import features_har, features_l1  # noqa: E402
from vol_assets.assets.market import curated_market, raw_market  # noqa: E402
from vol_assets.assets.rv_ledger import rv_5d  # noqa: E402
from vol_assets.assets.rv_training import rv_backtest, rv_explanation, rv_model  # noqa: E402
from vol_assets.automation.jobs import JOBS  # noqa: E402
from vol_assets.automation.progress import progress_logger  # noqa: E402
from vol_assets.automation.resources import build_resources  # noqa: E402
from vol_assets.automation.schedules import build_daily_schedule, build_surface_schedule  # noqa: E402

ASSETS = [
    raw_market,
    curated_market,
    features_l1,
    features_har,
    rv_backtest,
    rv_model,
    rv_explanation,
    rv_5d,
    *chains.RAW,
    *chains.CURATED,
    *surfaces.SURFACE_ASSETS,
]


def build_defs(settings: Settings | None = None) -> dg.Definitions:
    """The code location for some settings (default: the environment's)."""
    settings = settings or Settings.from_env()
    return dg.Definitions(
        assets=ASSETS,
        jobs=JOBS,
        schedules=[build_daily_schedule(settings), build_surface_schedule(settings)],
        resources=build_resources(settings),
        # Steps take seconds and a process costs two or three: all steps of a run share one.
        executor=dg.in_process_executor,
        loggers={"console": dg.colored_console_logger, "progress": progress_logger},
    )


defs = build_defs()
