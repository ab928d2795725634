"""forecast/rv_5d, the ledger: a session table like any other, filled by the rules of `forecasting.ledger`."""

import datetime as dt
from collections.abc import Iterator, Sequence

import dagster as dg
import numpy as np
import pandas as pd

from vol_assets import clock
from vol_assets.assets.champion import champion_of
from vol_assets.assets.pages import picture, short_days, table
from vol_assets.assets.publish import asked_sessions, publish, session_asset
from vol_assets.assets.training import REGISTERED, spy_returns
from vol_assets.contracts.features import FEATURES_HAR, FEATURES_IMPLIED, FEATURES_L1
from vol_assets.contracts.forecast import RV_5D, RV_BACKTEST
from vol_assets.contracts.market import CURATED_MARKET
from vol_assets.contracts.symbols import REQUIRED_SYMBOLS
from vol_assets.contracts.tenors import TENORS
from vol_assets.forecasting.ledger import ledger
from vol_assets.forecasting.outlook import outlook, realised_history
from vol_assets.lake import Lake
from vol_assets.tracking import Tracking


@session_asset(
    RV_5D,
    group="forecast",
    ins={
        "features_l1": dg.AssetIn(dg.AssetKey(FEATURES_L1.key)),
        "features_har": dg.AssetIn(dg.AssetKey(FEATURES_HAR.key)),
        "features_implied": dg.AssetIn(dg.AssetKey(FEATURES_IMPLIED.key)),
    },
    deps=[dg.AssetKey(["forecast", "rv_model"]), dg.AssetKey(RV_BACKTEST.key)],
    description="The ledger: SPY's expected volatility over the next five sessions with its 10/50/90 % interval, the "
    "baseline's beside it, and which model made it when. Live rows are never rewritten; sessions before the first "
    "out-of-sample date have none.",
)
def rv_5d(
    context: dg.AssetExecutionContext,
    features_l1: pd.DataFrame,
    features_har: pd.DataFrame,
    features_implied: pd.DataFrame,
    lake: dg.ResourceParam[Lake],
    mlflow: dg.ResourceParam[Tracking],
) -> Iterator:
    asked = asked_sessions(context)
    days = pd.DatetimeIndex(asked, name="date").as_unit("ns")
    stored = lake.read(RV_5D, asked[0], asked[-1])
    backtest = lake.read_table(RV_BACKTEST) if lake.path(RV_BACKTEST).exists() else None
    tables = (features_l1, features_har, features_implied)
    unfinished = _unfinished(lake, asked)
    if unfinished:
        context.log.warning(f"forecast/rv_5d: bars fetched before the close on {', '.join(map(str, unfinished))}")
    rows, rejects = ledger(
        pd.concat([features.set_index("date").reindex(days) for features in tables], axis=1),
        stored,
        champion=champion_of(lake, mlflow, context.log.warning),
        backtest=backtest,
        registered=REGISTERED,
        now=dt.datetime.now(dt.UTC),
        unfinished=unfinished,
    )
    newest = _in_words(rows.iloc[-1]) if len(rows) else "none"
    if len(rows):
        context.log.info(f"forecast/rv_5d {newest}")
    rowless = days.difference(rows["date"]).difference(rejects["date"])
    forgotten = [day for day in rowless if _after_the_first(backtest, day)]
    if forgotten:
        context.log.warning(
            f"forecast/rv_5d: {len(forgotten)} sessions, the first {forgotten[0]:%Y-%m-%d}, have features but no "
            "forecast: their bars came after the training; run train_rv_model and then this again"
        )
    yield from publish(
        context,
        lake,
        RV_5D,
        rows,
        rejects=rejects,
        unchanged=unchanged(stored, rows, [session for session in asked if lake.path(RV_5D, session).exists()]),
        rowless=[day.date() for day in rowless],
        metadata={
            "newest forecast": newest,
            **(_outlook(lake, rows.iloc[-1]) if len(rows) else {}),
            "last ten forecasts": table(_last_ten(lake, rows, days), decimals=1),
            "forecasts of this run": ", ".join(f"{n} {o}" for o, n in rows["origin"].value_counts().items()) or "none",
        },
    )


def unchanged(stored: pd.DataFrame, rows: pd.DataFrame, held: Sequence[dt.date]) -> list[dt.date]:
    """The sessions of `held` whose stored row, or lack of one, is what would be written; at most a row a session."""
    old, new = stored.set_index("date"), rows.set_index("date")
    both = old.index.intersection(new.index)
    before, after = old.loc[both], new.loc[both]
    same = both[((before == after) | (before.isna() & after.isna())).all(axis=1)]
    differ = old.index.union(new.index).difference(same)
    return [session for session in held if pd.Timestamp(session) not in differ]


def made_by(rows: pd.DataFrame) -> pd.Series:
    """Who made each forecast, and how: the model, its version where it is a registered one, and the origin."""
    registered = rows["model_version"] != rows["origin"]
    return rows["model"] + (" v" + rows["model_version"]).where(registered, "") + ", " + rows["origin"]


def _last_ten(lake: Lake, rows: pd.DataFrame, days: pd.DatetimeIndex) -> pd.DataFrame:
    """The ledger's last ten sessions once it has `rows` on `days`: in percent, narrow enough for a page."""
    last = days[-1].date()
    before = lake.read(RV_5D, clock.offset(last, -9), last)
    before = before[~before["date"].isin(days)]
    parts = [part for part in (before, rows) if len(part)] or [rows]
    last_ten = pd.concat(parts).sort_values("date").tail(10)
    vols = {"forecast %": "forecast_vol", "p10 %": "p10", "p90 %": "p90", "baseline %": "baseline_vol"}
    shown = pd.DataFrame(
        {
            "date": short_days(last_ten["date"]),
            **{heading: 100 * last_ten[name].astype(float) for heading, name in vols.items()},
            "made by": made_by(last_ten),
        }
    )
    flags = last_ten["flags"].str.replace(",", ", ")
    return shown.assign(flags=flags) if flags.any() else shown


def _outlook(lake: Lake, newest: pd.Series) -> dict[str, dg.MetadataValue]:
    """What the newest forecast means, as a table and, where there is a history to draw, a picture."""
    from vol_assets.forecasting import charts

    day = newest["date"].date()
    realised = realised_history(spy_returns(lake))
    today = outlook(newest, realised, implied_7d=implied_7d(lake, day), **_indices(lake, day))
    drawable = realised.loc[: newest["date"]].notna().sum() > 1
    return {
        "outlook": table(today.in_words()),
        **({"today": picture(charts.today(today, realised))} if drawable else {}),
    }


def implied_7d(lake: Lake, day: dt.date) -> float:
    """The 7-day model-free volatility of SPY's options; null without a smile that encloses seven days."""
    rows = lake.read(TENORS["SPY"], day, day, ["tenor_days", "model_free_vol", "extrapolated"])
    rows = rows[(rows["tenor_days"] == 7) & ~rows["extrapolated"]]
    return float(rows["model_free_vol"].iloc[0]) if len(rows) else np.nan


def _indices(lake: Lake, day: dt.date) -> dict[str, float]:
    """VIX9D and VIX of a session, decimal; null where curated/market has none, or flags it as out of range."""
    bars = lake.read(CURATED_MARKET, day, day, ["symbol", "close", "quality_flags"])
    bars = bars[~bars["quality_flags"].str.contains("implausible_level|not_positive")]
    closes = dict(zip(bars["symbol"], bars["close"] / 100.0, strict=True))
    return {"vix9d": closes.get("VIX9D", np.nan), "vix": closes.get("VIX", np.nan)}


def _in_words(row: pd.Series) -> str:
    """One forecast as a person reads it."""
    flags = "; " + row["flags"].replace(",", ", ") if row["flags"] else ""
    return (
        f"{row['date']:%Y-%m-%d}: {row['forecast_vol']:.1%} ({row['p10']:.1%} ... {row['p90']:.1%}) over the next "
        f"5 sessions, {row['origin']}, {row['model']} version {row['model_version']}{flags}"
    )


def _after_the_first(backtest: pd.DataFrame | None, day: pd.Timestamp) -> bool:
    """Whether a session is later than the backtest's first forecast."""
    if backtest is None:
        return False
    tested = backtest.loc[backtest["model"] == REGISTERED, "date"]
    return len(tested) > 0 and day > tested.min()


def _unfinished(lake: Lake, asked: list[dt.date]) -> list[dt.date]:
    """The sessions of which a required symbol's bar was fetched before the close."""
    bars = lake.read(CURATED_MARKET, asked[0], asked[-1], ["symbol", "quality_flags"])
    early = bars["symbol"].isin(REQUIRED_SYMBOLS) & bars["quality_flags"].str.contains("unfinished")
    return [day.date() for day in bars.loc[early, "date"].unique()]
