"""The front door: every asset, job, schedule, sensor and resource of the code location.

`build_defs` makes it from settings, so that a test or a script can have one over another data folder.
"""

from __future__ import annotations

import warnings

import dagster as dg

from vol_assets.settings import Settings

warnings.filterwarnings("ignore", category=dg.BetaWarning)
warnings.filterwarnings("ignore", category=dg.PreviewWarning)

from vol_assets.assets import chains, gold, live_history, live_smile, surfaces  # noqa: E402
from vol_assets.assets.features import features_har, features_implied, features_l1  # noqa: E402
from vol_assets.assets.market import curated_market, raw_market  # noqa: E402
from vol_assets.assets.rv_backtest import rv_backtest  # noqa: E402
from vol_assets.assets.rv_evaluation import rv_evaluation  # noqa: E402
from vol_assets.assets.rv_explanation import rv_explanation  # noqa: E402
from vol_assets.assets.rv_ledger import rv_5d  # noqa: E402
from vol_assets.assets.rv_model import rv_model  # noqa: E402
from vol_assets.assets.scorecard import rv_scorecard  # noqa: E402
from vol_assets.assets.smile_dataset import smile_dataset  # noqa: E402
from vol_assets.assets.smile_leaderboard import smile_leaderboard  # noqa: E402
from vol_assets.assets.smile_networks import NETWORK_ASSETS  # noqa: E402
from vol_assets.assets.smile_next import spy_next  # noqa: E402
from vol_assets.automation.jobs import JOBS  # noqa: E402
from vol_assets.automation.progress import progress_logger  # noqa: E402
from vol_assets.automation.resources import build_resources  # noqa: E402
from vol_assets.automation.schedules import (  # noqa: E402
    build_daily_schedule,
    build_live_history_schedule,
    build_retraining_schedule,
    build_surface_schedule,
)
from vol_assets.automation.sensors import build_retraining_sensor  # noqa: E402
from vol_assets.automation.smile_sensor import build_smile_sensor  # noqa: E402

ASSETS = [
    raw_market,
    curated_market,
    features_l1,
    features_har,
    features_implied,
    rv_backtest,
    rv_evaluation,
    rv_model,
    rv_explanation,
    rv_5d,
    rv_scorecard,
    *chains.RAW,
    *chains.CURATED,
    *surfaces.SURFACE_ASSETS,
    *gold.GOLD_ASSETS,
    *live_smile.LIVE_ASSETS,
    *live_history.LIVE_HISTORY_ASSETS,
    smile_dataset,
    *NETWORK_ASSETS,
    smile_leaderboard,
    spy_next,
]


def build_defs(settings: Settings | None = None) -> dg.Definitions:
    """The code location for some settings (default: the environment's)."""
    settings = settings or Settings.from_env()
    return dg.Definitions(
        assets=ASSETS,
        jobs=JOBS,
        schedules=[
            build_daily_schedule(settings),
            build_surface_schedule(settings),
            build_live_history_schedule(settings),
            build_retraining_schedule(settings),
        ],
        sensors=[build_retraining_sensor(settings), build_smile_sensor(settings)],
        resources=build_resources(settings),
        # Steps take seconds and a process costs two or three: all steps of a run share one.
        executor=dg.in_process_executor,
        loggers={"console": dg.colored_console_logger, "progress": progress_logger},
    )


defs = build_defs()
