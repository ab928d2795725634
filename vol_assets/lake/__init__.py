"""The lake: partitioned Parquet on disk, one folder a table, one source a lake."""

from vol_assets.lake.parquet import Lake

__all__ = ["Lake"]
