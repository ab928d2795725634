"""The live store: the last weeks' polls and what was made of them, in SQLite or PostgreSQL; their way to the lake."""

from vol_assets.lake.live.history import awaited, compact, lacking
from vol_assets.lake.live.retention import kept_from
from vol_assets.lake.live.store import LiveStore
from vol_assets.lake.live.tables import FEATURES, PREDICTIONS, QUOTES, STATES, TABLES, Table

__all__ = [
    "FEATURES",
    "PREDICTIONS",
    "QUOTES",
    "STATES",
    "TABLES",
    "LiveStore",
    "Table",
    "awaited",
    "compact",
    "kept_from",
    "lacking",
]
