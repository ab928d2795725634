"""features/l1, har and implied: one row a session, from its own curated bars and those of the sessions before.

The same session comes through the IO manager; earlier ones are read from the lake over the stated lookback.
(Partition mappings with offsets would make a backfill from the UI run past its end.) A session missing inside
the lookback makes the row null, and the check says which it was.
"""

import datetime as dt
from collections.abc import Callable, Iterator

import dagster as dg
import pandas as pd

from vol_assets import clock
from vol_assets.assets.pages import picture, table
from vol_assets.assets.partitions import SESSIONS
from vol_assets.assets.publish import asked_sessions, publish, session_asset, warning
from vol_assets.contracts import Contract
from vol_assets.contracts.features import FEATURES_HAR, FEATURES_IMPLIED, FEATURES_L1
from vol_assets.contracts.market import CURATED_MARKET
from vol_assets.contracts.symbols import FUNDS
from vol_assets.features import har, implied, l1
from vol_assets.lake import Lake

GAPS_CHECK = "no_gaps"
CHART_SESSIONS = 504  # two years in the picture


@session_asset(
    FEATURES_L1,
    group="features",
    ins={"curated_market": dg.AssetIn(dg.AssetKey(CURATED_MARKET.key))},
    checks=[GAPS_CHECK],
    description="The 21 features of the volatility forecast, from the last 60 sessions. " + (l1.__doc__ or ""),
)
def features_l1(
    context: dg.AssetExecutionContext, curated_market: pd.DataFrame, lake: dg.ResourceParam[Lake]
) -> Iterator:
    yield from _features(context, lake, FEATURES_L1, curated_market, l1.l1_features, l1.LOOKBACK_SESSIONS)


@session_asset(
    FEATURES_HAR,
    group="features",
    ins={"curated_market": dg.AssetIn(dg.AssetKey(CURATED_MARKET.key))},
    checks=[GAPS_CHECK],
    description="Regressors of the log-HAR models, from the last 22 sessions. " + (har.__doc__ or ""),
)
def features_har(
    context: dg.AssetExecutionContext, curated_market: pd.DataFrame, lake: dg.ResourceParam[Lake]
) -> Iterator:
    yield from _features(context, lake, FEATURES_HAR, curated_market, har.har_features, har.LOOKBACK_SESSIONS)


@session_asset(
    FEATURES_IMPLIED,
    group="features",
    ins={"curated_market": dg.AssetIn(dg.AssetKey(CURATED_MARKET.key))},
    checks=[GAPS_CHECK],
    description="VVIX, VIX9D / VIX and SKEW in logs, for the models that can use them. " + (implied.__doc__ or ""),
)
def features_implied(
    context: dg.AssetExecutionContext, curated_market: pd.DataFrame, lake: dg.ResourceParam[Lake]
) -> Iterator:
    yield from _features(
        context, lake, FEATURES_IMPLIED, curated_market, implied.implied_features, implied.LOOKBACK_SESSIONS
    )


def _features(
    context: dg.AssetExecutionContext,
    lake: Lake,
    contract: Contract,
    curated: pd.DataFrame,
    compute: Callable[[pd.DataFrame], pd.DataFrame],
    lookback: int,
) -> Iterator:
    asked = asked_sessions(context)
    earliest = clock.offset(asked[0], -lookback)
    bars = pd.concat([lake.read(CURATED_MARKET, earliest, clock.offset(asked[0], -1)), curated], ignore_index=True)
    days = pd.DatetimeIndex(asked, name="date").as_unit("ns")
    nothing = pd.DataFrame(float("nan"), index=days, columns=[name for name in contract.columns if name != "date"])
    computed = compute(bars) if len(bars) else nothing
    rows = computed.reindex(days)
    null = [day.date() for day in rows.index[rows.isna().all(axis=1)]]
    if contract is FEATURES_IMPLIED:
        gaps, by_design = sessions_since_complete(computed, null), "null until the source has VVIX, VIX9D and SKEW"
    else:
        gaps = sorted({*missing_sessions(lake, null, lookback), *sessions_without_return(lake, bars, null)})
        by_design = f"rows before the {lookback + 1}th session with every return are null by design"
    if gaps:
        context.log.warning(
            f"{contract.name}: {len(null)} null rows, for want of bars or returns on {', '.join(map(str, gaps[:5]))}"
        )
    yield from publish(
        context,
        lake,
        contract,
        rows.reset_index(),
        metadata={
            "null rows": len(null),
            "newest row": table(rows.tail(1).T.reset_index().set_axis(["feature", "value"], axis=1)),
            **(_picture(lake, rows) if contract is FEATURES_L1 else {}),
        },
        checks=[
            warning(
                GAPS_CHECK,
                not gaps,
                null_rows=len(null),
                sessions_without_bars_or_returns=", ".join(map(str, gaps[:20])) or "none",
                warm_up=by_design,
            )
        ],
    )


def missing_sessions(lake: Lake, null: list[dt.date], lookback: int) -> list[dt.date]:
    """The sessions curated/market lacks in the windows of null rows; before the first partition none can be."""
    if not null:
        return []
    start = max(clock.offset(null[0], -lookback), dt.date.fromisoformat(SESSIONS.get_first_partition_key()))
    windows = {s for session in null for s in clock.sessions(max(clock.offset(session, -lookback), start), session)}
    return sorted(windows - set(lake.sessions(CURATED_MARKET)))


def sessions_without_return(lake: Lake, bars: pd.DataFrame, null: list[dt.date]) -> list[dt.date]:
    """The sessions of `bars` up to the last null row where a fund has no return, but for the first the lake holds."""
    if not null:
        return []
    held = lake.sessions(CURATED_MARKET)
    lacking = bars[bars["symbol"].isin(FUNDS) & bars["log_return"].isna()]
    days = {day.date() for day in lacking["date"].unique()}
    return sorted(day for day in days if day <= null[-1] and day != held[0])


def sessions_since_complete(computed: pd.DataFrame, null: list[dt.date]) -> list[dt.date]:
    """The null sessions after a complete one: the source has the symbols, and here one of them is missing or odd."""
    complete = computed.index[computed.notna().all(axis=1)]
    return [day for day in null if len(complete) and pd.Timestamp(day) > complete[0]]


def _picture(lake: Lake, rows: pd.DataFrame) -> dict[str, dg.MetadataValue]:
    from vol_assets.forecasting.charts import feature_history

    before = [session for session in lake.sessions(FEATURES_L1) if session < rows.index[0].date()]
    wanted = CHART_SESSIONS - len(rows)
    if wanted > 0 and before:
        earlier = lake.read(FEATURES_L1, before[-wanted:][0], before[-1]).set_index("date")
        rows = pd.concat([earlier, rows])
    shown = rows.tail(CHART_SESSIONS)
    drawable = len(shown) > 1 and shown.notna().any(axis=None)  # one session has no time axis
    return {"over time": picture(feature_history(shown))} if drawable else {}
