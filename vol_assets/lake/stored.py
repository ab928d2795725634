"""One session of a table, named now and read where it is worked on: in a worker process."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import pandas as pd

from vol_assets.contracts import CONTRACTS, Contract
from vol_assets.lake.parquet import Lake


@dataclass(frozen=True)
class Stored:
    """A session of the table under `key`, or some columns of it; unlike a contract it pickles."""

    lake: Lake
    key: tuple[str, ...]
    session: dt.date
    columns: tuple[str, ...] | None = None

    @classmethod
    def sessions(
        cls, lake: Lake, contract: Contract, sessions: list[dt.date], columns: tuple[str, ...] | None = None
    ) -> list[Stored]:
        """One for each session."""
        return [cls(lake, contract.key, session, columns) for session in sessions]

    def read(self) -> pd.DataFrame:
        """Its rows; none where the lake does not hold the session."""
        return self.lake.read(CONTRACTS[self.key], self.session, self.session, self.columns)
