"""The ledger: which forecast stands for each session, made by which model, and where it comes from.

    live         made after the session's close and before the next session's open
    replayed     made later, by a model whose training labels had all ended by that session
    walk_forward the backtest's out-of-sample forecast for that session

A session gets the champion's forecast if the champion could have been trained by then, otherwise the backtest's,
otherwise no row: never an in-sample fit. A row once written stays. Only a replayed or walk_forward row is made
anew, and only by the very model that made it, when the data it came from were corrected.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import pandas as pd

from vol_assets import clock
from vol_assets.contracts import REJECT_COLUMNS
from vol_assets.contracts.forecast import RV_5D
from vol_assets.errors import ForecastError
from vol_assets.forecasting.frame import HORIZON
from vol_assets.forecasting.rv_model import RvForecaster

WALK_FORWARD = "walk_forward"  # such rows come from no registered version
NUMBERS = ["forecast_vol", "forecast_var", "p10", "p50", "p90"]
COLUMNS = [name for name in RV_5D.columns if name != "date"]


@dataclass(frozen=True)
class Champion:
    """The model that forecasts now, and the version it is registered under."""

    forecaster: RvForecaster
    version: str

    @property
    def known_through(self) -> dt.date:
        """The first session at whose close every training label had ended."""
        return clock.offset(self.forecaster.trained_through.date(), HORIZON)


def ledger(
    features: pd.DataFrame,
    stored: pd.DataFrame,
    *,
    champion: Champion | None,
    backtest: pd.DataFrame | None,
    now: dt.datetime,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The ledger rows of the sessions of `features` (indexed by session), and rejects for those that have to fail.

    stored: rows the ledger holds already. backtest: the registered model's rows of forecast/rv_backtest.
    A ForecastError when a session needs a champion and there is none. Rejected: sessions with null features for
    which a forecast is due.
    """
    made = _made(features, champion, backtest, now)
    due = _due(features, champion, backtest)
    kept = _kept(stored.set_index("date"), made)
    parts = [part for part in (kept, made.loc[made.index.difference(kept.index)]) if len(part)]
    rows = pd.concat(parts).sort_index() if parts else kept
    null = [day for day in features.index[features.isna().any(axis=1)] if day in due and day not in rows.index]
    rejects = pd.DataFrame(
        [(day, "SPY", "complete features of finished bars (see the gaps of features/l1)", "null") for day in null],
        columns=REJECT_COLUMNS,
    )
    return rows.rename_axis("date").reset_index()[["date", *COLUMNS]], rejects


def _due(features: pd.DataFrame, champion: Champion | None, backtest: pd.DataFrame | None) -> pd.DatetimeIndex:
    """The sessions for which there has to be a forecast: all from the first out-of-sample date on."""
    starts = []
    if champion is not None:
        starts.append(pd.Timestamp(champion.known_through))
    if backtest is not None and len(backtest):
        starts.append(backtest["date"].min())
    return features.index[features.index >= min(starts)] if starts else features.index[:0]


def _made(
    features: pd.DataFrame, champion: Champion | None, backtest: pd.DataFrame | None, now: dt.datetime
) -> pd.DataFrame:
    """The forecast each session would get now."""
    complete = features[features.notna().all(axis=1)]
    parts = []
    if backtest is not None:
        rows = backtest.set_index("date").reindex(complete.index).dropna(subset=["forecast_vol"])
        parts.append(rows.assign(model_version=WALK_FORWARD, made_at=_instant(now), origin=WALK_FORWARD))
    if champion is None:
        covered = parts[0].index if parts else complete.index[:0]
        last = backtest["date"].max() if backtest is not None and len(backtest) else None
        waiting = [day for day in features.index.difference(covered) if last is None or day > last]
        if waiting:
            raise ForecastError(
                f"no champion of spy_rv_5d to forecast {waiting[-1]:%Y-%m-%d} with; materialize forecast/rv_model "
                "(the job train_rv_model, or `make materialize SELECT=group:forecast`)"
            )
    else:
        ahead = complete[complete.index >= pd.Timestamp(champion.known_through)]
        if len(ahead):
            parts.append(_by_champion(ahead, champion, now))
    rows = pd.concat([part[COLUMNS] for part in parts]) if parts else pd.DataFrame(columns=COLUMNS)
    return rows[~rows.index.duplicated(keep="last")]  # the champion's where both could forecast


def _by_champion(features: pd.DataFrame, champion: Champion, now: dt.datetime) -> pd.DataFrame:
    forecast = champion.forecaster.forecast(features)
    live = [_is_live(day.date(), now) for day in features.index]
    return pd.DataFrame(
        {
            "forecast_vol": forecast.vol,
            "forecast_var": forecast.var,
            "p10": forecast.p10,
            "p50": forecast.p50,
            "p90": forecast.p90,
            "model": champion.forecaster.name,
            "model_version": champion.version,
            "trained_through": champion.forecaster.trained_through,
            "made_at": _instant(now),
            "origin": np.where(live, "live", "replayed"),
        },
        index=features.index,
    )


def _kept(stored: pd.DataFrame, made: pd.DataFrame) -> pd.DataFrame:
    """The stored rows that stay: all but those their own model makes differently now."""
    both = stored.index.intersection(made.index)
    old, new = stored.loc[both], made.loc[both]
    by_same_model = (
        (old["model_version"] == new["model_version"])
        & (old["trained_through"] == new["trained_through"])
        & (old["origin"] != "live")
    )
    differs = ~np.isclose(old[NUMBERS].to_numpy(float), new[NUMBERS].to_numpy(float), rtol=1e-9, atol=0).all(axis=1)
    return stored.drop(index=both[by_same_model & differs])


def _is_live(session: dt.date, now: dt.datetime) -> bool:
    return clock.close_instant(session) <= now < clock.open_instant(clock.offset(session, 1))


def _instant(now: dt.datetime) -> pd.Timestamp:
    return pd.Timestamp(now).tz_convert("UTC").as_unit("us")
