"""The Dagster IO manager of the lake: single sessions and ranges, frames and iterators, projected columns.

Stored: a frame with a `date` column, or an iterator of (session, rows), written as it comes. It may hold fewer
sessions than the run asks for when the others lie in the lake already (an unchanged fetch is not written again);
it may never hold others. Loaded: one frame over the run's range, or, where the input is annotated `Iterator` (bare:
Dagster takes no `Iterator[...]`), one (session, rows) at a time. `metadata={"columns": [...]}` on the input reads
those columns alone.

Dagster's own UPathIOManager refuses runs over more than one partition.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator

import dagster as dg
import pandas as pd

from vol_assets import clock
from vol_assets.contracts import CONTRACTS, Contract
from vol_assets.errors import LakeError
from vol_assets.lake.parquet import Lake


class LakeIOManager(dg.IOManager):
    """Stores and loads the tables that have a contract under their asset key."""

    def __init__(self, lake: Lake):
        self.lake = lake

    def handle_output(self, context: dg.OutputContext, obj: pd.DataFrame | Iterable) -> None:
        contract = _contract(context.asset_key)
        if not contract.by_session:
            self.lake.write_table(contract, obj)
            return
        asked = [dt.date.fromisoformat(key) for key in context.asset_partition_keys]
        if isinstance(obj, pd.DataFrame):
            self._refuse_others(contract, {day.date() for day in pd.to_datetime(obj["date"].unique())}, asked)
            self.lake.write(contract, obj)
        else:
            self.lake.write_sessions(contract, self._checked(contract, obj, asked))
        absent = [session for session in asked if not self.lake.path(contract, session).exists()]
        if absent:
            raise LakeError(f"{contract.name}: the output holds no rows for {_some(absent)}, which the run asked for")

    def load_input(self, context: dg.InputContext) -> pd.DataFrame | Iterator[tuple[dt.date, pd.DataFrame]]:
        contract = _contract(context.asset_key)
        columns = (context.definition_metadata or {}).get("columns")
        if not contract.by_session:
            return self.lake.read_table(contract, columns)
        keys = context.asset_partition_keys
        if not keys:
            raise LakeError(f"{contract.name}: the run asks for an empty range of sessions; are its ends swapped?")
        first, last = dt.date.fromisoformat(keys[0]), dt.date.fromisoformat(keys[-1])
        if context.dagster_type.typing_type in (Iterator, Iterable):
            return self.lake.iterate(contract, first, last, columns)
        return self.lake.read(contract, first, last, columns)

    def _checked(
        self, contract: Contract, pairs: Iterable[tuple[dt.date, pd.DataFrame]], asked: list[dt.date]
    ) -> Iterator[tuple[dt.date, pd.DataFrame]]:
        for session, rows in pairs:
            self._refuse_others(contract, {clock.as_date(session)}, asked)
            yield clock.as_date(session), rows

    def _refuse_others(self, contract: Contract, held: set[dt.date], asked: list[dt.date]) -> None:
        others = sorted(held - set(asked))
        if others:
            raise LakeError(f"{contract.name}: the output holds {_some(others)}, which the run did not ask for")


def _contract(key: dg.AssetKey) -> Contract:
    try:
        return CONTRACTS[tuple(key.path)]
    except KeyError:
        raise LakeError(f"{key.to_user_string()} has no contract; add one to vol_assets.contracts") from None


def _some(sessions: list[dt.date]) -> str:
    shown = ", ".join(str(session) for session in sessions[:5])
    return shown if len(sessions) <= 5 else f"{shown} and {len(sessions) - 5} more"
