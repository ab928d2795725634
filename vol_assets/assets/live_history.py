"""live/history and live/states: what a session's polls saw, in the lake, and the states that networks learn from.

Polls come from the live store, which lets go of them some sessions after they are in the lake. On the sample source
sessions are simulated, as polls of the gateway's simulator every bucket would have seen them, and what was polled stays
out of the lake. Elsewhere quotes of the simulator are refused, since a training would take them for the market's.
"""

import datetime as dt
from collections.abc import Callable, Iterator

import dagster as dg
import numpy as np
import pandas as pd

from vol_assets.assets.live_rate import LiveRate
from vol_assets.assets.pages import picture, table
from vol_assets.assets.publish import (
    SessionRows,
    asked_sessions,
    named,
    not_stored,
    publish_each,
    session_asset,
    warning,
)
from vol_assets.assets.workers import in_order
from vol_assets.contracts import REJECT_COLUMNS
from vol_assets.contracts.live import COVARIATES, LIVE_HISTORY, LIVE_STATES
from vol_assets.errors import StoreError
from vol_assets.ibkr.desk import Desk
from vol_assets.lake import Lake, Stored
from vol_assets.lake.live import LiveStore, compact, kept_from, lacking
from vol_assets.smiles.contracts import LIVE_INPUTS

UNDERLYING = "SPY"
SAMPLE = "sample"
COVERAGE_CHECK, RATE_CHECK, RETENTION_CHECK, SMILES_CHECK = "coverage", "rate", "retention", "smiles"
LONGEST_GAP = 600.0  # seconds
LEAST_WHOLE = 0.9  # of a session's states, with all four smiles
STATE_INPUTS = (*LIVE_INPUTS, *COVARIATES)


@session_asset(
    LIVE_HISTORY,
    group="live",
    deps=[dg.AssetKey(["live", "spy_features"])],
    checks=[COVERAGE_CHECK, RATE_CHECK, RETENTION_CHECK],
    description="SPY's quotes of every bucket of a session with the features they were served with, from the live "
    "store; on the sample source those of a simulated session.",
)
def live_history(
    context: dg.AssetExecutionContext,
    lake: dg.ResourceParam[Lake],
    ibkr: dg.ResourceParam[Desk],
    live_store: dg.ResourceParam[Callable[[], LiveStore]],
    live_rate: dg.ResourceParam[Callable[[dt.date], LiveRate]],
) -> Iterator:
    from vol_assets.smiles.history import Coverage, coverage

    asked = asked_sessions(context)
    rates = {session: live_rate(session) for session in asked}
    covered: dict[dt.date, Coverage] = {}
    newest: list[pd.DataFrame] = []

    def simulated() -> Iterator[SessionRows]:
        from vol_assets.ibkr.simulator.history import simulated_history

        arguments = ((UNDERLYING, session, ibkr.bucket, rates[session].rate) for session in asked)
        for session, rows in zip(asked, in_order(simulated_history, arguments, len(asked), block=1), strict=True):
            yield SessionRows(session, rows)

    def sessions() -> Iterator[SessionRows]:
        for one in simulated() if lake.source == SAMPLE else _compacted(asked, live_store):
            if one.rejects is None:
                covered[one.session] = coverage(one.rows["ts"], one.session)
                newest[:] = [one.rows]
            yield one

    def metadata() -> dict[str, dg.MetadataValue | str | int | float]:
        last = covered[asked[-1]]
        return {
            "polls": last.polls,
            "buckets without a poll": last.missed,
            "longest gap in minutes": last.longest / 60.0,
            "quotes from": ", ".join(newest[0]["source"].unique()),
            "newest session": table(_by_expiration(newest[0])),
        }

    def checks() -> list[dg.AssetCheckResult]:
        gappy = [session for session, one in covered.items() if one.longest > LONGEST_GAP]
        unrated = [session for session, rate in rates.items() if not rate.known]
        return [
            warning(
                COVERAGE_CHECK,
                not gappy,
                sessions_with_a_gap_of_more_than_ten_minutes=named(gappy),
                buckets_without_a_poll=sum(one.missed for one in covered.values()),
            ),
            warning(RATE_CHECK, not unrated, sessions_valued_at_a_usual_rate=named(unrated)),
        ]

    try:
        yield from publish_each(context, lake, LIVE_HISTORY, sessions(), metadata=metadata, checks=checks)
    except dg.Failure:  # sessions were refused; the others are in the lake, and the store may let go of them
        yield _retained(context, ibkr, live_store, lake)
        raise
    yield _retained(context, ibkr, live_store, lake)


@session_asset(
    LIVE_STATES,
    group="live",
    deps=[dg.AssetKey(LIVE_HISTORY.key)],
    checks=[SMILES_CHECK],
    description="The state of every bucket of a session: ln vols of its smiles at fixed stdevs from the forward, and "
    "the time of day and the share's return beside them. Of live quotes; delayed ones make none.",
)
def live_states(context: dg.AssetExecutionContext, lake: dg.ResourceParam[Lake]) -> Iterator:
    from vol_assets.smiles.history import session_states
    from vol_assets.smiles.panel import SMILES

    asked = asked_sessions(context)
    newest: list[pd.DataFrame] = []
    whole: dict[dt.date, float] = {}

    def sessions() -> Iterator[SessionRows]:
        stored = Stored.sessions(lake, LIVE_HISTORY, asked, STATE_INPUTS)
        arguments = zip(stored, asked)
        for session, rows in zip(asked, in_order(session_states, arguments, len(asked), block=1), strict=True):
            if rows.empty:
                yield SessionRows(session, rows, _without_states(lake, session))
                continue
            newest[:] = [rows]
            whole[session] = float((rows.groupby("ts").size() == SMILES).mean())
            yield SessionRows(session, rows)

    def metadata() -> dict[str, dg.MetadataValue | int]:
        from vol_assets.smiles.charts.session import session_smiles

        return {
            "states": int(newest[0]["ts"].nunique()),
            "newest session": table(_by_rank(newest[0])),
            "smiles": picture(session_smiles(newest[0])),
        }

    def checks() -> list[dg.AssetCheckResult]:
        thin = [session for session, share in whole.items() if share < LEAST_WHOLE]
        return [
            warning(
                SMILES_CHECK,
                not thin,
                sessions_with_few_whole_states=named(thin),
                what_is_few=f"below {LEAST_WHOLE:.0%} of the buckets with all {SMILES} smiles",
            )
        ]

    yield from publish_each(context, lake, LIVE_STATES, sessions(), metadata=metadata, checks=checks)


LIVE_HISTORY_ASSETS = [live_history, live_states]


def _compacted(asked: list[dt.date], live_store: Callable[[], LiveStore]) -> Iterator[SessionRows]:
    with live_store() as store:
        for session in asked:
            rows = compact(store, session)
            yield SessionRows(session, rows, _unusable(rows, session, store.place))


def _unusable(rows: pd.DataFrame, session: dt.date, place: str) -> pd.DataFrame | None:
    """Why a session's polls are no history of the market, if they are none."""
    if rows.empty:
        said = f"the live store {place} has none; sessions that nobody polled cannot be had afterwards"
        return _reject(session, "polls of the session", said)
    if (rows["source"] == "simulator").any():
        said = (
            f"the live store {place} holds the simulator's, and a training would take them for the market's; give the "
            "simulator a VOL_ASSETS_LIVE_URL of its own and delete them"
        )
        return _reject(session, "polls of the market", said)
    return None


def _without_states(lake: Lake, session: dt.date) -> pd.DataFrame:
    if not lake.path(LIVE_HISTORY, session).exists():
        return not_stored(session, LIVE_HISTORY)
    kinds = lake.read(LIVE_HISTORY, session, session, ["market_data_type"])["market_data_type"].value_counts()
    held = ", ".join(f"{count} {kind}" for kind, count in kinds.items())
    return _reject(session, "smiles of live quotes", f"no poll has enough usable quotes for one; it has {held} quotes")


def _reject(session: dt.date, rule: str, value: str) -> pd.DataFrame:
    return pd.DataFrame([(pd.Timestamp(session), "", rule, value)], columns=REJECT_COLUMNS)


def _retained(
    context: dg.AssetExecutionContext, desk: Desk, live_store: Callable[[], LiveStore], lake: Lake
) -> dg.AssetCheckResult:
    """Have the store let go of what is kept long enough; how many rows that were, and what it keeps longer than that.

    On the sample source the lake takes nothing of the store, which waits for nothing there. A store that is locked may
    let go another night: the lake has the polls by now.
    """
    now = desk.now()
    try:
        with live_store() as store:
            lacked = [] if lake.source == SAMPLE else lacking(store, lake)
            dropped = store.retain(now, lacked)
    except StoreError as error:
        context.log.warning(f"{LIVE_HISTORY.name}: nothing was dropped from the live store: {error}")
        return warning(RETENTION_CHECK, False, rows_dropped_from_the_live_store=f"none: {error}")
    rows = ", ".join(f"{count:,} of {name}" for name, count in dropped.items())
    context.log.info(f"{LIVE_HISTORY.name}: dropped from the live store: {rows}")
    overdue = [session for session in lacked if session < kept_from(now)]
    if overdue:
        context.log.warning(
            f"{LIVE_HISTORY.name}: the live store keeps everything from {overdue[0]} on, since the lake lacks "
            f"{named(overdue)}; materialize {LIVE_HISTORY.name} there, or delete what it refuses"
        )
    return warning(
        RETENTION_CHECK,
        not overdue,
        rows_dropped_from_the_live_store=rows,
        old_sessions_that_the_lake_lacks=named(overdue),
    )


def _by_expiration(rows: pd.DataFrame) -> pd.DataFrame:
    """A session's quotes, a row an expiration."""
    rows = rows.assign(spread=rows["ask"] - rows["bid"], used=rows["own_vol"].notna())
    return rows.groupby("expiration", as_index=False).agg(
        contracts=("con_id", "nunique"),
        quotes=("con_id", "size"),
        with_a_vol=("used", "mean"),
        median_spread=("spread", "median"),
        first_forward=("forward", "first"),
        last_forward=("forward", "last"),
    )


def _by_rank(rows: pd.DataFrame) -> pd.DataFrame:
    """A session's states, a row an expiration: the vol at its forward, and how much that moves from state to state."""
    rows = rows.assign(
        vol=np.exp(rows["log_vol_+0.0"]), skew=np.exp(rows["log_vol_-1.0"]) - np.exp(rows["log_vol_+1.0"])
    )
    rows = rows.sort_values(["rank", "ts"])
    return (
        rows.assign(move=rows.groupby("rank")["vol"].diff())
        .groupby(["rank", "expiration"], as_index=False)
        .agg(
            states=("ts", "size"),
            first_vol=("vol", "first"),
            last_vol=("vol", "last"),
            move_of_a_state=("move", "std"),
            mean_skew=("skew", "mean"),
        )
    )
