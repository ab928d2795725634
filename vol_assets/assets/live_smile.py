"""live/spy_quotes, live/spy_features, live/spy_predicted: a poll of SPY's smile, its features, and the smiles to come.

All three write the live store and none has a value. Each reads what the one before stored, so a prediction is made of
what is kept, and any of them can be run again by itself. What a gateway or a store does wrong ends the step with its
reason: as a failure, tried once more where another moment may mend it, or, where the market is closed, without output,
which skips what comes after.

Delayed quotes are stored and predicted from like others, and such predictions are flagged; nothing is scored by them,
for what came then is not known.
"""

import datetime as dt
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import dagster as dg
import numpy as np
import pandas as pd

from vol_assets import clock
from vol_assets.assets.live_champion import predictor_of
from vol_assets.assets.live_pages import (
    errors,
    instant,
    poll_said,
    predicted_table,
    quotes_table,
    rate_said,
    state_table,
)
from vol_assets.assets.live_rate import LiveRate
from vol_assets.assets.pages import table
from vol_assets.assets.publish import OWNERS
from vol_assets.errors import ForecastError, RegistryError, StoreError
from vol_assets.ibkr import Outcome
from vol_assets.ibkr.desk import Desk
from vol_assets.lake import Lake
from vol_assets.lake.live import FEATURES, QUOTES, STATES, LiveStore, Table
from vol_assets.tracking import Tracking

POOL = "ibkr"  # the gateway takes one connection of a client id
JOB = "live_smile_job"
MAX_RUNTIME = 90  # seconds
RETRY = dg.RetryPolicy(max_retries=1, delay=2)  # two polls and as many waits for a store's lock end within MAX_RUNTIME

PASSING = frozenset(
    {
        Outcome.REFUSED,
        Outcome.SILENT,
        Outcome.DROPPED,
        Outcome.OFFLINE,
        Outcome.DUPLICATE_CLIENT,
        Outcome.TOO_FAST,
        Outcome.NO_LINES,
    }
)
"""Outcomes that another moment may mend. The others want a person: a subscription, a clock, a login elsewhere."""


def _live_asset(name: str, *, deps: list, kinds: set[str], description: str, **options: Any):
    return dg.asset(
        key=["live", name],
        group_name="live",
        owners=OWNERS,
        kinds=kinds,
        deps=deps,
        retry_policy=RETRY,
        description=description,
        **options,
    )


@_live_asset(
    "spy_quotes",
    deps=[],
    kinds={"ibkr", "sql"},
    pool=POOL,
    output_required=False,  # a closed market leaves nothing to go on with
    description="One poll of the gateway: SPY's share and up to 89 of its options, bid, ask, sizes and IB's greeks, "
    "with our own vol of each mid, into the live store's spy_option_chain.",
)
def spy_quotes(
    context: dg.AssetExecutionContext,
    ibkr: dg.ResourceParam[Desk],
    live_store: dg.ResourceParam[Callable[[], LiveStore]],
    live_rate: dg.ResourceParam[Callable[[dt.date], LiveRate]],
) -> Iterator:
    from vol_assets.smiles import features

    with _store(context, live_store) as store:  # before the poll, which a store that is down would waste
        try:
            done = ibkr.poll()
        except OSError as error:
            raise dg.Failure(
                f"live/spy_quotes: what the gateway says of contracts cannot be kept in {ibkr.folder} ({error}); make "
                "it writable, or room on its disk"
            ) from error
        said = poll_said(done)
        context.log.info(f"live/spy_quotes: {done.outcome}: {done.reason}")
        if done.outcome is Outcome.MARKET_CLOSED:
            yield dg.AssetObservation(context.asset_key, description="no quotes were stored", metadata=said)
            return
        if not done.quoted:
            raise dg.Failure(
                f"live/spy_quotes: {done.outcome}: {done.reason}",
                metadata=said,
                allow_retries=done.outcome in PASSING,
            )
        quotes = done.quotes
        rate = _rate(context, live_rate, _session(quotes["ts"].iloc[0]))
        used = features(quotes, rate.rate, np.nan).used
        quotes = quotes.assign(own_vol=used["implied_vol"].reindex(quotes.index))
        count = store.write_quotes(quotes)
    kinds = quotes["market_data_type"].value_counts()
    yield dg.MaterializeResult(
        metadata={
            **said,
            "bucket": instant(quotes["ts"].iloc[0]),
            "quotes": count,
            "with a vol of our own": int(quotes["own_vol"].notna().sum()),
            "market data": ", ".join(f"{number} {kind}" for kind, number in kinds.items()),
            "SPY": float(quotes["underlying"].iloc[0]),
            **rate_said(rate),
            "nearest the money": quotes_table(quotes),
        }
    )


@_live_asset(
    "spy_features",
    deps=[spy_quotes],
    kinds={"sql"},
    description="The newest bucket's quotes as features, and the state of its smiles, ln vols at fixed stdevs from the "
    "forward, into the live store's option_features and smile_state.",
)
def spy_features(
    context: dg.AssetExecutionContext,
    ibkr: dg.ResourceParam[Desk],
    live_store: dg.ResourceParam[Callable[[], LiveStore]],
    live_rate: dg.ResourceParam[Callable[[dt.date], LiveRate]],
) -> dg.MaterializeResult:
    from vol_assets.smiles import features, live_state, state_rows

    with _store(context, live_store) as store:
        quotes, age = _newest(context, ibkr, store, QUOTES, "live/spy_quotes")
        ts = quotes["ts"].iloc[0]
        rate = _rate(context, live_rate, _session(ts))
        opening = _opening(store, ts, ibkr.step)
        used, dropped = features(quotes, rate.rate, opening)
        lost = dropped["reason"].value_counts()
        if used.empty:
            raise dg.Failure(
                f"live/spy_features: none of {len(quotes)} quotes of {instant(ts)} can be used "
                f"({', '.join(f'{count} {reason}' for reason, count in lost.items())})",
                allow_retries=False,
            )
        states = state_rows(live_state(used))
        store.write_features(used)
        store.write_states(states)
    if states.empty:
        context.log.warning(f"live/spy_features: too few quotes of {instant(ts)} for a smile; nothing is predicted")
    return dg.MaterializeResult(
        metadata={
            "bucket": instant(ts),
            **age,
            "quotes used": len(used),
            "quotes left out": int(lost.sum()),
            **({"why left out": table(lost.rename_axis("reason").reset_index())} if len(lost) else {}),
            "SPY at the open": float(opening) if np.isfinite(opening) else "unknown",
            **rate_said(rate),
            "smiles": len(states),
            "state": state_table(states),
        }
    )


@_live_asset(
    "spy_predicted",
    deps=[spy_features, dg.AssetKey(["smile", "leaderboard"])],  # whose gate says who predicts
    kinds={"sql", "mlflow", "pytorch"},
    description="The vol of every contract one and ten buckets ahead by the champion of spy_smile_live, into the live "
    "store's predicted_smile, and what came of the predictions that are due. Flagged where persistence stands in, as "
    "after a gap or while nobody is crowned, and where quotes are delayed.",
)
def spy_predicted(
    context: dg.AssetExecutionContext,
    ibkr: dg.ResourceParam[Desk],
    live_store: dg.ResourceParam[Callable[[], LiveStore]],
    lake: dg.ResourceParam[Lake],
    mlflow: dg.ResourceParam[Tracking],
) -> dg.MaterializeResult:
    from vol_assets.smiles import states_of
    from vol_assets.smiles.panel import GAP, LENGTH, LIVE
    from vol_assets.smiles.predictor import predict, realised

    with _store(context, live_store) as store:
        used, age = _newest(context, ibkr, store, FEATURES, "live/spy_features")
        ts = used["ts"].iloc[0]
        since = ts - GAP * LENGTH * ibkr.step
        states = states_of(store.read(STATES, since, ts))[-LENGTH:]
        first = states[0].ts if states else ts
        quotes = store.read(QUOTES, first, ts, ["ts", "con_id", "market_data_type", "source"])
        try:
            predictor = predictor_of(lake, mlflow, LIVE, context.log.warning)
            predicted = predict(predictor.model, states, used, ibkr.step)
        except (ForecastError, RegistryError) as error:
            raise dg.Failure(f"live/spy_predicted: {error}", allow_retries=False) from error
        flags = _flags(predicted, len(states), quotes, lake.source)
        predicted = predicted.assign(model=predictor.kind, model_version=predictor.version, flagged=bool(flags))
        store.write_predictions(predicted)
        due = store.unscored(LIVE, ts, ts)
        live = (quotes.loc[quotes["ts"] == ts, "market_data_type"] == "live").all()
        came = realised(due, used if live else used[:0])
        scored = store.score(came)
    return dg.MaterializeResult(
        metadata={
            "bucket": instant(ts),
            **age,
            "model": str(predictor),
            "flagged": "; ".join(flags) or "no",
            "states": len(states),
            "predictions": len(predicted),
            "scored": scored,
            **errors(due, came),
            "nearest the money": predicted_table(predicted, used),
        }
    )


LIVE_ASSETS = [spy_quotes, spy_features, spy_predicted]


@contextmanager
def _store(context: dg.AssetExecutionContext, opened: Callable[[], LiveStore]) -> Iterator[LiveStore]:
    """The store, open inside the block; what is wrong with it is the step's failure."""
    try:
        with opened() as store:
            yield store
    except StoreError as error:
        raise dg.Failure(f"{context.asset_key.to_user_string()}: {error}") from error


def _newest(
    context: dg.AssetExecutionContext, desk: Desk, store: LiveStore, table: Table, maker: str
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """The newest bucket of a table, and how old it is for the page.

    The job takes none that is not of now, as the clock is: that of a poll that failed, or of a simulated clock that was
    further on. A person may have the newest there is worked on, however late.
    """
    name, now = context.asset_key.to_user_string(), desk.now()
    rows = store.read(table, now - desk.fresh, now)
    rows = rows[rows["ts"] == rows["ts"].max()]
    if not rows.empty:
        return rows, {"age in seconds": (now - rows["ts"].iloc[0]).total_seconds()}
    rows = store.latest(table)
    if rows.empty:
        raise dg.Failure(f"{name}: the live store has nothing of {maker} yet; run it first", allow_retries=False)
    said = f"the newest of {maker} is of {instant(rows['ts'].iloc[0])}, and it is {instant(now)} now"
    if context.run.job_name == JOB:
        raise dg.Failure(f"{name}: {said}; the next bucket's may come in time", allow_retries=False)
    context.log.warning(f"{name}: made late, {said}")
    return rows, {"made late": said}


def _flags(predicted: pd.DataFrame, states: int, quotes: pd.DataFrame, source: str) -> list[str]:
    """Why predictions are not to be trusted as the model's. quotes: those that their states were read from; source: of
    the lake that the model was trained on."""
    flags = []
    if predicted["flagged"].any():
        flags.append(f"persistence stands in, with {states} states to predict from")
    if (quotes["market_data_type"] != "live").any():
        flags.append("delayed quotes")
    if ((quotes["source"] == "simulator") != (source == "sample")).any():
        flags.append(f"quotes of {' and '.join(quotes['source'].unique())}, and a lake of the source {source}")
    return flags


def _opening(store: LiveStore, ts: pd.Timestamp, step: dt.timedelta) -> float:
    """The share's price (USD) at the open of the session that a bucket is in, as `opening_price` has it."""
    from vol_assets.smiles.history import opening_price

    opens = clock.open_instant(_session(ts))
    columns = ["ts", "underlying", "market_data_type"]
    return opening_price(store.read(QUOTES, opens, opens + 2 * step, columns), _session(ts), step)


def _rate(context: dg.AssetExecutionContext, live_rate: Callable[[dt.date], LiveRate], session: dt.date) -> LiveRate:
    rate = live_rate(session)
    if not rate.known:
        context.log.warning(f"{context.asset_key.to_user_string()}: the rate is {rate.source}")
    return rate


def _session(ts: pd.Timestamp) -> dt.date:
    return ts.astimezone(clock.NEW_YORK).date()
