"""The lake: partitioned Parquet on disk, one folder a table, one source a lake."""

from vol_assets.lake.parquet import Lake
from vol_assets.lake.stored import Stored

__all__ = ["Lake", "Stored"]
