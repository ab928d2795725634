"""raw/market and curated/market: bars as they came, and bars that can be trusted or are flagged."""

from collections.abc import Iterator

import dagster as dg
import pandas as pd

from vol_assets import clock
from vol_assets.assets.pages import table
from vol_assets.assets.publish import asked_sessions, named, publish, session_asset, warning
from vol_assets.contracts import REJECT_COLUMNS
from vol_assets.contracts.market import CURATED_MARKET, RAW_MARKET
from vol_assets.contracts.symbols import REQUIRED_SYMBOLS, SYMBOLS
from vol_assets.curation.bars import LOOKBACK_SESSIONS, curate
from vol_assets.curation.raw import changed_sessions, incomplete_sessions, raw_bars, with_stored
from vol_assets.lake import Lake
from vol_assets.sources import MarketSource

COMPLETE_CHECK = "complete"
FLAGS_CHECK = "flags"
# Flags that ask for a look when a required symbol has them; a repeated close to the cent is every week's business.
WORTH_A_LOOK = ("unfinished", "stale_bar", "vix_equals_vix3m", "no_previous_close")


@session_asset(
    RAW_MARKET,
    group="raw",
    checks=[COMPLETE_CHECK],
    description="Daily bars of every symbol as fetched, with when they came and the previous close on the same "
    "adjustment basis. A fetch equal to what is stored leaves the file untouched.",
)
def raw_market(
    context: dg.AssetExecutionContext, lake: dg.ResourceParam[Lake], market: dg.ResourceParam[MarketSource]
) -> Iterator:
    asked = asked_sessions(context)
    context.log.info(f"raw/market: asking {market.name} for {len(asked)} sessions, {asked[0]} ... {asked[-1]}")
    answer = market.daily_bars(SYMBOLS, asked[0], asked[-1])
    for note in answer.notes:
        context.log.info(f"raw/market: {note}")
    stored = lake.read(RAW_MARKET, asked[0], asked[-1])
    fetched, kept = with_stored(raw_bars(answer, market.name), stored)
    if kept:
        context.log.warning(f"raw/market: {kept} stored bars that {market.name} no longer has were kept")
    changed = set(changed_sessions(stored, fetched).date)
    rewritten = sorted(changed & set(stored["date"].dt.date))
    if rewritten:
        context.log.warning(f"raw/market: {len(rewritten)} stored sessions came back different: {named(rewritten)}")
    incomplete = incomplete_sessions(fetched) if len(fetched) else []
    for problem in answer.problems:
        if problem.symbol not in REQUIRED_SYMBOLS:  # its bar is missing then, which blocks nothing
            context.log.warning(f"raw/market: {problem.session} {problem.symbol} left out: {problem.value}")
    rejects = pd.DataFrame(
        [
            (pd.Timestamp(problem.session), problem.symbol, problem.rule, problem.value)
            for problem in answer.problems
            if problem.symbol in REQUIRED_SYMBOLS
        ],
        columns=REJECT_COLUMNS,
    )
    newest = fetched[fetched["date"] == fetched["date"].max()] if len(fetched) else fetched
    yield from publish(
        context,
        lake,
        RAW_MARKET,
        fetched,
        rejects=rejects,
        unchanged=[session for session in asked if session not in changed],
        metadata={
            "source": market.name,
            "stored sessions that changed": len(rewritten),
            "bars": table(newest.drop(columns=["date", "source"])),
            "notes": dg.MetadataValue.md("\n".join(f"- {note}" for note in answer.notes) or "none"),
        },
        checks=[
            warning(
                COMPLETE_CHECK,
                not incomplete,
                incomplete_sessions=len(incomplete),
                which=named(incomplete),
                remedy="the daily job fetches incomplete sessions of the last ten again",
            )
        ],
    )


@session_asset(
    CURATED_MARKET,
    group="curated",
    ins={"raw_market": dg.AssetIn(dg.AssetKey(RAW_MARKET.key))},
    checks=[FLAGS_CHECK],
    description="Validated bars, a row for every symbol: total log return, overnight and Garman-Klass variance, flags. "
    "A session whose required symbols are not all sound is refused; optional symbols are flagged and never block.",
)
def curated_market(
    context: dg.AssetExecutionContext, raw_market: pd.DataFrame, lake: dg.ResourceParam[Lake]
) -> Iterator:
    asked = asked_sessions(context)
    history = lake.read(RAW_MARKET, clock.offset(asked[0], -LOOKBACK_SESSIONS), clock.offset(asked[0], -1))
    raw = pd.concat([history, raw_market], ignore_index=True) if len(history) else raw_market
    curated = curate(raw) if len(raw_market) else pd.DataFrame(columns=list(CURATED_MARKET.columns))
    curated = curated[curated["date"] >= pd.Timestamp(asked[0])].reset_index(drop=True)
    counts = flag_counts(curated)
    notable = counts[counts["flag"].isin(WORTH_A_LOOK) & counts["symbol"].isin(REQUIRED_SYMBOLS)]
    newest = curated[curated["date"] == curated["date"].max()] if len(curated) else curated
    yield from publish(
        context,
        lake,
        CURATED_MARKET,
        curated,
        metadata={"bars": table(newest.drop(columns="date")), "flags of this run": table(counts)},
        checks=[warning(FLAGS_CHECK, notable.empty, flags=table(counts))],
    )


def flag_counts(curated: pd.DataFrame) -> pd.DataFrame:
    """How often each flag was set, and when first: flag, symbol, rows, first."""
    flagged = curated.loc[curated["quality_flags"] != "", ["date", "symbol", "quality_flags"]]
    each = flagged.assign(flag=flagged["quality_flags"].str.split(",")).explode("flag")
    return (
        each.groupby(["flag", "symbol"], as_index=False)
        .agg(rows=("date", "size"), first=("date", "min"))
        .loc[:, ["flag", "symbol", "rows", "first"]]
    )
