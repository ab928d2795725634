"""smile/dataset: the states that smile models learn from, a row a state of either family, with its split."""

from __future__ import annotations

import pandas as pd
import pandera.pandas as pa

from vol_assets.contracts.contract import Contract, column
from vol_assets.contracts.live import NODE_COLUMNS, POSITIVE, covariates
from vol_assets.contracts.market import SESSION_CHECK

FAMILIES = ("live", "daily")
SPLITS = ("train", "validation", "test", "purged")
RANKS = range(4)


def _numbers(dtype: str, names: list[str], what: str, *checks: pa.Check, unit: str = "") -> dict[str, pa.Column]:
    return {name: column(dtype, what.format(name[-1]), *checks, unit=unit) for name in names}


def _in_order(frame: pd.DataFrame) -> bool:
    return frame.groupby("family", sort=False)["ts"].is_monotonic_increasing.all()


SMILE_DATASET = Contract(
    key=("smile", "dataset"),
    description="States of SPY's smile in order of time, a row a bucket (live) or session (daily), with their split.",
    columns={
        "date": column("datetime64[ns]", "exchange session (New York date)", SESSION_CHECK),
        "family": column("str", "live or daily", pa.Check.isin(FAMILIES, error="live or daily")),
        "split": column(
            "str", "what the state is used for", pa.Check.isin(SPLITS, error="train, validation, test or purged")
        ),
        "run": column("int64", "number, in its family, of the unbroken run of states that it belongs to"),
        "ts": column("datetime64[us, UTC]", "start of the bucket, or instant of the session's quotes", unit="UTC"),
        **_numbers("datetime64[ns]", [f"expiration_{rank}" for rank in RANKS], "day that smile {} ends"),
        **_numbers(
            "float64", [f"years_{rank}" for rank in RANKS], "time to the end of smile {}", POSITIVE, unit="years"
        ),
        **_numbers("float64", [f"forward_{rank}" for rank in RANKS], "forward of smile {}", POSITIVE, unit="USD"),
        **{
            name.replace("vol_", f"vol_{rank}_"): column(
                "float64",
                f"ln of the vol of smile {rank}, {name.removeprefix('log_vol_')} stdevs from its forward",
                unit="ln of a decimal",
            )
            for rank in RANKS
            for name in NODE_COLUMNS
        },
        **covariates(nullable=False),
        "spot_return": column(
            "float64",
            "log return of the share since the open (live), the close before (daily)",
            unit="log",
            nullable=True,
        ),
    },
    unique=("family", "ts"),
    checks=(pa.Check(_in_order, name="in order of time", error="in order of time, by family"),),
    by_session=False,
)
