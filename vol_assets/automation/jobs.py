"""The jobs: the daily one, training, the main job that is both, option chains to surfaces and the gold report, the
live smile, a poll at a time, its sessions into the lake, and the training of what predicts it.

Backfill sessions from the asset graph or the shell, never from a job's page: a job makes one run a session there,
whatever the assets' backfill policy says.
"""

from __future__ import annotations

import dagster as dg

from vol_assets.assets.live_smile import JOB as LIVE_SMILE
from vol_assets.assets.live_smile import MAX_RUNTIME
from vol_assets.smiles.networks import NETWORKS

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
    dg.AssetSelection.assets("raw/market", "curated/market", *SURFACES, "smile/spy_next", *GOLD),
    description="One session: option chains of SPY and GLD to arbitrage-free surfaces, tenors and richness, SPY's next "
    "smile, and the gold report. It brings the session's bars too, and goes on without them.",
    tags={"dagster/max_runtime": 1800},
)
live_smile_job = dg.define_asset_job(
    LIVE_SMILE,
    dg.AssetSelection.assets("live/spy_quotes", "live/spy_features", "live/spy_predicted"),
    description="One poll of the gateway: quotes, features, and the smiles predicted from them. ibkr_smile_sensor asks "
    "for one a bucket.",
    # Before what takes long: a bucket that waits in the queue is gone.
    tags={"dagster/max_runtime": MAX_RUNTIME, "dagster/priority": "1"},
)
live_history_job = dg.define_asset_job(
    "live_history_job",
    dg.AssetSelection.assets("live/history", "live/states"),
    description="One session: what was polled from the live store into the lake, and the states of its smiles.",
    tags={"dagster/max_runtime": 1800},
)
train_smile_models = dg.define_asset_job(
    "train_smile_models",
    dg.AssetSelection.assets("smile/dataset", *(f"smile/{kind}" for kind in NETWORKS), "smile/leaderboard"),
    description="States of all stored sessions, the four networks on both families, and the leaderboard whose gate "
    "says who serves.",
)
JOBS = [daily_job, train_rv_model, main_job, surface_job, live_smile_job, live_history_job, train_smile_models]
