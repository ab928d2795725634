"""A lake in a temporary folder and frames to put into it: any table, numbers that name their row."""

import numpy as np
import pandas as pd
import pytest

from vol_assets import clock
from vol_assets.contracts import Contract
from vol_assets.lake import Lake


def frame_for(contract: Contract, first: str, last: str, rows: int = 3) -> pd.DataFrame:
    """`rows` rows a session, every column of the contract filled with values of its type, nulls where they may be."""
    dates = pd.DatetimeIndex(clock.sessions(first, last)).as_unit("ns").repeat(rows)
    count = np.arange(len(dates))
    values = {
        "float64": count / 7,
        "int64": count,
        "str": [f"text {n}" for n in count],
        "bool": count % 2 == 0,
        "datetime64[ns]": pd.Timestamp("2001-01-01").as_unit("ns") + pd.to_timedelta(count, unit="D"),
        "datetime64[us, UTC]": pd.DatetimeIndex(
            pd.Timestamp("2001-01-01 12:34:56.789012", tz="UTC") + pd.to_timedelta(count, unit="h")
        ).as_unit("us"),
    }
    columns = {"date": pd.Series(dates)}
    for name, spec in contract.columns.items():
        if name != "date":
            column = pd.Series(values[spec.metadata["dtype"]])
            columns[name] = column.mask(column.index % 5 == 0, np.nan) if spec.nullable else column
    return pd.DataFrame(columns)


@pytest.fixture(scope="session")
def make_frame():
    return frame_for


@pytest.fixture
def lake(tmp_path) -> Lake:
    return Lake(tmp_path / "lake", "sample")
