"""The jobs: the daily one, training, the main job that is both, and option chains to surfaces and the gold report.

Backfill sessions from the asset graph or the shell, never from a job's page: a job makes one run a session there,
whatever the assets' backfill policy says.
"""

from __future__ import annotations

import dagster as dg

SESSION_TABLES = dg.AssetSelection.assets(
    "raw/market",
    "curated/market",
    "features/l1",
    "features/har",
    "features/implied",
    "forecast/rv_5d",
    "monitoring/scorecard",
)
GOLD = ("gold/surface_data", "gold/report")
SURFACES = (
    *(f"{layer}/{underlying}_chain" for layer in ("raw", "curated") for underlying in ("spy", "gld")),
    *(f"{layer}/{underlying}" for layer in ("surface", "tenors", "richness") for underlying in ("spy", "gld")),
)
TRAINING = dg.AssetSelection.assets(
    "forecast/rv_backtest", "forecast/rv_evaluation", "forecast/rv_model", "forecast/rv_explanation"
)

daily_job = dg.define_asset_job(
    "daily_job",
    SESSION_TABLES,
    description="One session: fetch, curate, features, the champion's forecast into the ledger, and its scores.",
    tags={"dagster/max_runtime": 1800},
)
train_rv_model = dg.define_asset_job(
    "train_rv_model",
    TRAINING,
    description="Walk-forward backtest, its evaluation, training and registration of spy_rv_5d, its explanation.",
)
main_job = dg.define_asset_job(
    "main_job",
    SESSION_TABLES | TRAINING,
    description="From raw markets to the forecast: every session table, the backtest, the model, the ledger.",
)
surface_job = dg.define_asset_job(
    "surface_job",
    dg.AssetSelection.assets("raw/market", "curated/market", *SURFACES, *GOLD),
    description="One session: option chains of SPY and GLD to arbitrage-free surfaces, tenors and richness, and the "
    "gold report. It brings the session's bars too, and goes on without them.",
    tags={"dagster/max_runtime": 1800},
)
JOBS = [daily_job, train_rv_model, main_job, surface_job]
