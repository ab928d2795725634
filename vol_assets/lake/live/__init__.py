"""The live store: the last weeks' quotes, features and predictions in SQLite or PostgreSQL; their way to the lake."""

from vol_assets.lake.live.history import compact, lacking
from vol_assets.lake.live.store import LiveStore
from vol_assets.lake.live.tables import FEATURES, PREDICTIONS, QUOTES, TABLES, Table

__all__ = ["FEATURES", "PREDICTIONS", "QUOTES", "TABLES", "LiveStore", "Table", "compact", "lacking"]
