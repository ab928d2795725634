"""smile/dataset: the states of every stored session, of both families, with the split that trains and judges models.

It reads what the lake holds: every session of live/states, and of surface/spy with the share's close before it. A model
and a leaderboard know their data by the fingerprint of these very rows.
"""

import datetime as dt
from collections.abc import Iterator

import dagster as dg
import numpy as np
import pandas as pd

from vol_assets import clock
from vol_assets.assets.pages import picture, table
from vol_assets.assets.smile_families import GROUP, MAKE, Data, Progress
from vol_assets.assets.training import training_asset
from vol_assets.assets.workers import in_order
from vol_assets.contracts.live import LIVE_STATES
from vol_assets.contracts.market import CURATED_MARKET
from vol_assets.contracts.smiles import SMILE_DATASET, SPLITS
from vol_assets.contracts.surfaces import SURFACES
from vol_assets.ibkr.desk import Desk
from vol_assets.lake import Lake, Stored
from vol_assets.smiles.dataset import dataset_frame, samples, split
from vol_assets.smiles.gather import Gathered, close_state, daily_panel, live_panel
from vol_assets.smiles.panel import DAILY, FAMILIES, LIVE, SMILES
from vol_assets.smiles.state import SmileState

SURFACE = SURFACES["SPY"]


@training_asset(
    "dataset",
    group=GROUP,
    contract=SMILE_DATASET,
    deps=[dg.AssetKey(contract.key) for contract in (LIVE_STATES, SURFACE, CURATED_MARKET)],
    kinds={"parquet", "pandas"},
    description="States of SPY's smile in order of time: a row a bucket from live/states, a row a session from "
    "surface/spy. Split by whole sessions 60/20/20 in order of time, purged where windows would reach across. A family "
    "without sessions in the lake has no rows.",
)
def smile_dataset(
    context: dg.AssetExecutionContext, lake: dg.ResourceParam[Lake], ibkr: dg.ResourceParam[Desk]
) -> dg.MaterializeResult:
    progress = Progress(context)
    gathered = {LIVE: _live(lake, ibkr.step, progress), DAILY: _daily(lake, progress)}
    data: dict[str, Data] = {}
    for family in FAMILIES:
        found = gathered[family]
        if found is None:
            continue
        if not len(found.panel):
            progress.skip(family, f"none of the {found.thin} states has {SMILES} smiles; {MAKE[family]}")
            continue
        data[family] = Data.of(found.panel, split(found.panel))
        progress.finish(family, _in_words(found, data[family]))
    progress.require_any()
    from vol_assets.smiles import charts

    frames = [dataset_frame(one.panel, one.split) for one in data.values()]
    frame = pd.concat(frames, ignore_index=True)
    SMILE_DATASET.require(frame)
    return dg.MaterializeResult(
        value=frame,
        metadata={
            "dagster/row_count": len(frame),
            "splits": table(pd.concat([_splits(family, one) for family, one in data.items()])),
            "gaps": table(pd.concat([_gaps(family, gathered[family]) for family in data])),
            **{f"{family} states": picture(charts.dataset(one.panel, one.split)) for family, one in data.items()},
            **{f"{family} data fingerprint": one.fingerprint for family, one in data.items()},
            **progress.metadata,
        },
    )


def _live(lake: Lake, step: dt.timedelta, progress: Progress) -> Gathered | None:
    held = lake.sessions(LIVE_STATES)
    if not held:
        progress.skip(LIVE, f"live/states holds no session yet; {MAKE[LIVE]}")
        return None
    return live_panel(lake.read(LIVE_STATES, held[0], held[-1]), step)


def _daily(lake: Lake, progress: Progress) -> Gathered | None:
    held = lake.sessions(SURFACE)
    if not held:
        progress.skip(DAILY, f"surface/spy holds no session yet; {MAKE[DAILY]}")
        return None
    before = spots_before(lake, held)
    stored = Stored.sessions(lake, SURFACE, held)
    arguments = ((one, before.get(one.session, np.nan)) for one in stored)
    return daily_panel(_told(in_order(close_state, arguments, len(held)), len(held), progress))


def _told(states: Iterator[SmileState | None], total: int, progress: Progress) -> Iterator[SmileState | None]:
    """The states as they come, a line at every fifth of the way."""
    for number, state in enumerate(states, 1):
        yield state
        if total >= 100 and number * 5 // total > (number - 1) * 5 // total:
            progress.context.log.info(f"{progress.asset}: states of {number} of {total} sessions")


def spots_before(lake: Lake, held: list[dt.date]) -> dict[dt.date, float]:
    """The share's price at the close before each session (USD), on that session's terms after a dividend or a split.

    From curated/market; else what the surface of the session before says; sessions without either are left out.
    """
    bars = lake.read(CURATED_MARKET, held[0], held[-1], ["symbol", "close", "log_return"])
    bars = bars[(bars["symbol"] == "SPY") & bars["log_return"].notna()]
    before = bars["close"] / np.exp(bars["log_return"])
    found = dict(zip(bars["date"].dt.date, before.astype(float)))
    for session in held:
        last = clock.offset(session, -1)
        if session not in found and lake.path(SURFACE, last).exists():
            found[session] = float(lake.read(SURFACE, last, last, ["spot"])["spot"].iloc[0])
    return found


def _in_words(found: Gathered, data: Data) -> str:
    counts = ", ".join(f"{int((data.split == which).sum()):,} {which}" for which in SPLITS)
    runs = len(np.unique(data.panel.run))
    thin = f"; {found.thin} of too few smiles" if found.thin else ""
    return (
        f"{len(data.panel):,} states of {len(np.unique(data.panel.session))} sessions ({counts}) in {runs} unbroken "
        f"run{'s' * (runs > 1)}{thin}"
    )


def _splits(family: str, data: Data) -> pd.DataFrame:
    """A row a split: sessions, states and the windows that have all their targets."""
    rows = []
    for which in SPLITS:
        sessions = np.unique(data.panel.session[data.split == which])
        windows = len(samples(data.panel, data.split, which)) if which != SPLITS[-1] else 0
        ends = (str(sessions[0]), str(sessions[-1])) if len(sessions) else ("", "")
        rows.append((family, which, len(sessions), *ends, int((data.split == which).sum()), windows))
    return pd.DataFrame(rows, columns=["family", "split", "sessions", "first", "last", "states", "windows"])


def _gaps(family: str, found: Gathered) -> pd.DataFrame:
    """What breaks a family's states into runs, in a row."""
    runs = np.bincount(found.panel.run)
    return pd.DataFrame(
        {
            "family": [family],
            "sessions": [len(np.unique(found.panel.session))],
            "unbroken runs": [len(runs)],
            "longest": [int(runs.max())],
            "too few smiles": [found.thin],
            "without spot's return": [int(np.isnan(found.panel.covariates[:, -1]).sum())],
        }
    )
