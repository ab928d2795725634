"""forecast/rv_5d, the ledger: a session table like any other, filled by the rules of `forecasting.ledger`."""

import datetime as dt
from collections.abc import Iterator

import dagster as dg
import pandas as pd

from vol_assets.assets.champion import champion_of
from vol_assets.assets.pages import table
from vol_assets.assets.publish import asked_sessions, publish, session_asset
from vol_assets.assets.rv_training import REGISTERED, rv_backtest, rv_model
from vol_assets.contracts.features import FEATURES_L1
from vol_assets.contracts.forecast import RV_5D, RV_BACKTEST
from vol_assets.contracts.market import CURATED_MARKET
from vol_assets.contracts.symbols import REQUIRED_SYMBOLS
from vol_assets.forecasting.ledger import ledger
from vol_assets.lake import Lake
from vol_assets.tracking import Tracking


@session_asset(
    RV_5D,
    group="forecast",
    ins={"features_l1": dg.AssetIn(dg.AssetKey(FEATURES_L1.key))},
    deps=[rv_model, rv_backtest],
    description="The ledger: SPY's expected volatility over the next five sessions with its 10/50/90 % interval, and "
    "which model made it when. Live rows are never rewritten; sessions before the first out-of-sample date have none.",
)
def rv_5d(
    context: dg.AssetExecutionContext,
    features_l1: pd.DataFrame,
    lake: dg.ResourceParam[Lake],
    mlflow: dg.ResourceParam[Tracking],
) -> Iterator:
    asked = asked_sessions(context)
    days = pd.DatetimeIndex(asked, name="date").as_unit("ns")
    stored = lake.read(RV_5D, asked[0], asked[-1])
    backtest = None
    if lake.path(RV_BACKTEST).exists():
        backtest = lake.read_table(RV_BACKTEST)
        backtest = backtest[backtest["model"] == REGISTERED]
    features = features_l1.set_index("date").reindex(days)
    unfinished = _unfinished(lake, asked)
    if unfinished:
        # Forecasting from half a day would freeze it into a live row.
        context.log.warning(f"forecast/rv_5d: bars fetched before the close on {', '.join(map(str, unfinished))}")
        features.loc[pd.DatetimeIndex(unfinished)] = float("nan")
    rows, rejects = ledger(
        features,
        stored,
        champion=champion_of(lake, mlflow),
        backtest=backtest,
        now=dt.datetime.now(dt.UTC),
    )
    held = lake.sessions(RV_5D)
    same = _unchanged(stored, rows, [session for session in asked if session in set(held)])
    newest = _in_words(rows.iloc[-1]) if len(rows) else "none"
    if len(rows):
        context.log.info(f"forecast/rv_5d {newest}")
    rowless = days.difference(rows["date"]).difference(rejects["date"])
    forgotten = [day for day in rowless if backtest is not None and day > backtest["date"].min()]
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
        unchanged=same,
        rowless=[day.date() for day in rowless],
        metadata={
            "newest forecast": newest,
            "origins": ", ".join(f"{n} {o}" for o, n in rows["origin"].value_counts().items()) or "no rows",
            "last ten forecasts": table(rows.tail(10).drop(columns=["forecast_var", "made_at"])),
        },
    )


def _in_words(row: pd.Series) -> str:
    """One forecast as a person reads it."""
    return (
        f"{row['date']:%Y-%m-%d}: {row['forecast_vol']:.1%} ({row['p10']:.1%} ... {row['p90']:.1%}) over the next "
        f"5 sessions, {row['origin']}, {row['model']} version {row['model_version']}"
    )


def _unfinished(lake: Lake, asked: list[dt.date]) -> list[dt.date]:
    """The sessions of which a required symbol's bar was fetched before the close."""
    bars = lake.read(CURATED_MARKET, asked[0], asked[-1], ["symbol", "quality_flags"])
    early = bars["symbol"].isin(REQUIRED_SYMBOLS) & bars["quality_flags"].str.contains("unfinished")
    return [day.date() for day in bars.loc[early, "date"].unique()]


def _unchanged(stored: pd.DataFrame, rows: pd.DataFrame, held: list[dt.date]) -> list[dt.date]:
    """The sessions of `held` whose stored row, or lack of one, is what would be written."""
    old, new = stored.set_index("date"), rows.set_index("date")
    same = []
    for session in held:
        day = pd.Timestamp(session)
        if (day in old.index) == (day in new.index) and (day not in old.index or old.loc[day].equals(new.loc[day])):
            same.append(session)
    return same
