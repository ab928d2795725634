"""monitoring/scorecard: what became of the forecast made five sessions before, and how the last ones did."""

import datetime as dt
from bisect import bisect_left
from collections.abc import Iterator

import dagster as dg
import pandas as pd

from vol_assets import clock
from vol_assets.assets.pages import picture, short_days, table
from vol_assets.assets.publish import asked_sessions, publish, session_asset, warning
from vol_assets.assets.rv_ledger import made_by, unchanged
from vol_assets.contracts import REJECT_COLUMNS
from vol_assets.contracts.forecast import RV_5D
from vol_assets.contracts.market import CURATED_MARKET
from vol_assets.contracts.monitoring import SCORE_WINDOWS, SCORECARD
from vol_assets.forecasting.frame import HORIZON
from vol_assets.forecasting.scorecard import degradation, score, scorecard
from vol_assets.lake import Lake

SKILL_CHECK = "skill"
LOOKBACK = max(SCORE_WINDOWS)  # scored sessions
MARGIN = 21  # sessions read besides, for the few without a score


@session_asset(
    SCORECARD,
    group="monitoring",
    deps=[dg.AssetKey(RV_5D.key), dg.AssetKey(CURATED_MARKET.key)],
    checks=[SKILL_CHECK],
    description="The ledger held against what happened: each forecast scored at the close of its fifth session, beside "
    "the baseline on the same sessions, and the last quarter and year of scores. Sessions that end no forecast have no "
    "row.",
)
def rv_scorecard(context: dg.AssetExecutionContext, lake: dg.ResourceParam[Lake]) -> Iterator:
    asked = asked_sessions(context)
    made, returns = _read(lake, asked)
    scored = score(made, returns)
    rows = scorecard(scored, pd.Timestamp(asked[0]))
    rejects = _unscored(made, returns, asked)
    stored = lake.read(SCORECARD, asked[0], asked[-1])
    rowless = pd.DatetimeIndex(asked).difference(rows["date"]).difference(rejects["date"])
    verdict = degradation(scored)
    context.log.info(f"{SCORECARD.name}: {verdict.reason}")
    yield from publish(
        context,
        lake,
        SCORECARD,
        rows,
        rejects=rejects,
        unchanged=unchanged(stored, rows, [session for session in asked if lake.path(SCORECARD, session).exists()]),
        rowless=[day.date() for day in rowless],
        metadata={
            "skill": verdict.reason,
            "last ten scored": table(_in_short(scored.tail(10)), decimals=1),
            "the last quarter and year": table(_in_windows(rows), decimals=2),
            **_picture(scored),
        },
        checks=[
            warning(
                SKILL_CHECK,
                not verdict.degraded,
                what=verdict.reason,
                QLIKE_against_the_baseline=verdict.ratio,
                t=verdict.t,
                scored_forecasts=verdict.sessions,
            )
        ],
    )


def _read(lake: Lake, asked: list[dt.date]) -> tuple[pd.DataFrame, pd.Series]:
    """The ledger's rows that the sessions asked for score or look back at, and SPY's returns since the first of them.

    Windows count scored sessions, so the reading goes further back until they are full or the ledger begins.
    """
    held = lake.sessions(RV_5D)
    start, last = bisect_left(held, clock.offset(asked[0], -HORIZON)), clock.offset(asked[-1], -HORIZON)
    back = LOOKBACK + MARGIN
    while True:
        earliest = held[max(start - back, 0)] if start else clock.offset(asked[0], -HORIZON)
        made = lake.read(RV_5D, earliest, last)
        bars = lake.read(CURATED_MARKET, earliest, asked[-1], ["symbol", "log_return"])
        returns = bars[bars["symbol"] == "SPY"].set_index("date")["log_return"]
        before = score(made, returns)["date"] < pd.Timestamp(asked[0])
        if before.sum() >= LOOKBACK - 1 or back >= start:
            return made, returns
        back *= 2


def _unscored(made: pd.DataFrame, returns: pd.Series, asked: list[dt.date]) -> pd.DataFrame:
    """A reject for each session asked for that ends a forecast of which a return is missing."""
    sessions = clock.sessions(clock.offset(asked[0], -HORIZON), asked[-1])
    forecast = set(made["date"].dt.date)
    known = set(returns.dropna().index.date)
    wanted = set(asked)
    rejects = []
    for position, session in enumerate(sessions[HORIZON:]):
        lacking = [day for day in sessions[position + 1 : position + 1 + HORIZON] if day not in known]
        if session in wanted and sessions[position] in forecast and lacking:
            rejects.append((pd.Timestamp(session), "SPY", "returns of the forecast's five sessions", _named(lacking)))
    return pd.DataFrame(rejects, columns=REJECT_COLUMNS)


def _named(lacking: list[dt.date]) -> str:
    return f"none on {', '.join(map(str, lacking))}; materialize curated/market there, then this again"


def _in_short(scored: pd.DataFrame) -> pd.DataFrame:
    """Rows of `score` in percent, narrow enough for a page."""
    return pd.DataFrame(
        {
            "scored": short_days(scored["date"]),
            "made": short_days(scored["forecast_date"]),
            "made by": made_by(scored),
            "forecast %": 100 * scored["forecast_vol"],
            "realised %": 100 * scored["realised"],
            "error, points": 100 * scored["error"],
            "inside": scored["inside"].map({True: "yes", False: "NO"}),
        }
    )


def _in_windows(rows: pd.DataFrame) -> pd.DataFrame:
    """The newest rolling figures, a row a window."""
    words = {
        "qlike_ratio": ("QLIKE / baseline's", 1),
        "worse_t": ("t of being worse", 1),
        "coverage": ("inside 80 % interval, %", 100),
        "bias": ("mean error, points", 100),
        "live": ("live forecasts", 1),
    }
    newest = rows.tail(1)
    shown = {
        heading: [unit * value for w in SCORE_WINDOWS for value in newest[f"{name}_{w}"]]
        for name, (heading, unit) in words.items()
    }
    return pd.DataFrame({"scored sessions": [w for w in SCORE_WINDOWS for _ in range(len(newest))], **shown})


def _picture(scored: pd.DataFrame) -> dict[str, dg.MetadataValue]:
    from vol_assets.forecasting.charts.scorecard import skill

    known = scored.dropna(subset=["baseline_qlike"])
    return {"skill over time": picture(skill(known))} if len(known) > 1 else {}
