"""The ledger: which forecast stands for each session, made by which model, and where it comes from.

    live         made after the session's close and before the next session's open
    replayed     made later, by a model whose training labels had all ended by that session
    walk_forward the backtest's out-of-sample forecast for that session

A session gets the champion's forecast if the champion could have been trained by then, otherwise the backtest's,
otherwise no row: never an in-sample fit. A row once written stays. Only a replayed or walk_forward row is made
anew, when the data it came from were corrected, and only by who made it: the same version, or a backtest of the same
model trained through the same session. Flags are the champion's; the backtest's rows carry none.

Beside each forecast stands the baseline, what the reference said at the same time after the same training: a forecast
is scored against it. A session that should have a forecast and cannot is rejected with the reason, alone.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import pandas as pd

from vol_assets import clock
from vol_assets.contracts import REJECT_COLUMNS
from vol_assets.contracts.features import FEATURES_HAR, FEATURES_L1, HAR_FEATURES, L1_FEATURES
from vol_assets.contracts.forecast import RV_5D
from vol_assets.errors import ForecastError
from vol_assets.forecasting.frame import HORIZON
from vol_assets.forecasting.models import REFERENCE
from vol_assets.forecasting.rv_model import RvForecaster

WALK_FORWARD = "walk_forward"  # such rows come from no registered version
OUTSIDE = "outside_training_range"  # flagged as outside_training_range:<feature>, a flag a feature
WITHOUT_OPTIONAL = "without_optional_inputs"  # the model learnt from features/implied, and the session has none
REQUIRED = [*L1_FEATURES, *HAR_FEATURES]
NUMBERS = ["forecast_vol", "forecast_var", "p10", "p50", "p90", "baseline_vol", "baseline_var"]
MADE_BY = ["model", "model_version", "trained_through"]
COLUMNS = [name for name in RV_5D.columns if name != "date"]

COMPLETE = "complete features of finished bars (see the check no_gaps)"
SERVED = "a model to forecast with"


@dataclass(frozen=True)
class Champion:
    """The model that forecasts now, the version it is registered under, and what its rows should say of it.

    notice: a flag for each row it makes (`registry_unreachable`), without a comma; empty when all is well.
    """

    forecaster: RvForecaster
    version: str
    notice: str = ""

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
    registered: str,
    now: dt.datetime,
    unfinished: Collection[dt.date] = (),
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The ledger rows of the sessions of `features`, and rejects for those that should have one and cannot.

    features: L1_FEATURES and HAR_FEATURES, which have to be there, and IMPLIED_FEATURES, which need not; indexed by
    session. stored: rows the ledger holds already. backtest: forecast/rv_backtest, of which the model `registered` and
    the reference are read. unfinished: sessions with a bar fetched before the close; a forecast from half a day would
    be frozen into a live row.
    A ForecastError when the champion reads columns that there are not.
    """
    tested = _walk_forward(backtest, registered)
    usable = np.isfinite(features[REQUIRED]).all(axis=1) & ~features.index.isin(pd.DatetimeIndex(list(unfinished)))
    made = _made(features[usable], champion, tested, now)
    kept = _kept(stored.set_index("date"), made)
    parts = [part for part in (kept, made.loc[made.index.difference(kept.index)]) if len(part)]
    rows = pd.concat(parts).sort_index() if parts else kept
    rejects = pd.DataFrame(
        [
            (day, "SPY", *why)
            for day in features.index.difference(rows.index)
            if (why := _refusal(day, features.loc[day], bool(usable[day]), champion, tested))
        ],
        columns=REJECT_COLUMNS,
    )
    return rows.rename_axis("date").reset_index()[["date", *COLUMNS]], rejects


def _walk_forward(backtest: pd.DataFrame | None, registered: str) -> pd.DataFrame:
    """The backtest's rows of the registered model by session, the reference's forecasts beside them."""
    columns = ["date", "model", "forecast_vol", "forecast_var", "p10", "p50", "p90", "trained_through"]
    rows = pd.DataFrame(columns=columns) if backtest is None else backtest[columns]
    own, reference = (rows[rows["model"] == name].set_index("date") for name in (registered, REFERENCE.name))
    baseline = reference[["forecast_vol", "forecast_var"]].set_axis(["baseline_vol", "baseline_var"], axis=1)
    return own.join(baseline)


def _refusal(
    day: pd.Timestamp, features: pd.Series, usable: bool, champion: Champion | None, tested: pd.DataFrame
) -> tuple[str, str] | None:
    """The rule that a session without a forecast breaks and how; None where it rightly has none."""
    starts = [pd.Timestamp(champion.known_through)] if champion else []
    starts += [tested.index.min()] if len(tested) else []
    if starts and day < min(starts):
        return None  # before the first out-of-sample date
    if not usable:
        return COMPLETE, _lacking(features) or "a bar came before the close; fetch the session again"
    if champion is None and (tested.empty or day > tested.index.max()):
        return SERVED, (
            f"no champion of spy_rv_5d to forecast {day:%Y-%m-%d} with; materialize forecast/rv_model "
            "(the job train_rv_model, or `make materialize SELECT=group:forecast`)"
        )
    return None


def _lacking(features: pd.Series) -> str:
    """Which features of a session are null or infinite, by table; empty when none is."""
    found = []
    for contract, columns in ((FEATURES_L1, L1_FEATURES), (FEATURES_HAR, HAR_FEATURES)):
        values = features[list(columns)].astype(float)
        for what, where in (("null", values.isna()), ("infinite", np.isinf(values))):
            names = list(values.index[where])
            if names:
                found.append(f"{what} in {contract.name}: {'all' if len(names) == len(columns) else ', '.join(names)}")
    return "; ".join(found)


def _made(features: pd.DataFrame, champion: Champion | None, tested: pd.DataFrame, now: dt.datetime) -> pd.DataFrame:
    """The forecast each session would get now."""
    parts = []
    covered = tested.loc[tested.index.intersection(features.index)]
    if len(covered):
        parts.append(covered.assign(model_version=WALK_FORWARD, made_at=_instant(now), origin=WALK_FORWARD, flags=""))
    if champion is not None:
        ahead = features[features.index >= pd.Timestamp(champion.known_through)]
        if len(ahead):
            parts.append(_by_champion(ahead, champion, now))
    rows = pd.concat([part[COLUMNS] for part in parts]) if parts else pd.DataFrame(columns=COLUMNS)
    return rows[~rows.index.duplicated(keep="last")]  # the champion's where both could forecast


def _by_champion(features: pd.DataFrame, champion: Champion, now: dt.datetime) -> pd.DataFrame:
    forecaster = champion.forecaster
    absent = [name for name in forecaster.columns if name not in features]
    if absent:
        raise ForecastError(
            f"version {champion.version} of spy_rv_5d reads {', '.join(absent)}, which neither features/l1 nor "
            "features/har has; train anew (the job train_rv_model), or crown a version that this code trained"
        )
    forecast, baseline = forecaster.forecast(features), forecaster.reference_forecast(features)
    live = [_is_live(day.date(), now) for day in features.index]
    outside, without = forecaster.outside(features), forecaster.without_optional(features)
    return pd.DataFrame(
        {
            "forecast_vol": forecast.vol,
            "forecast_var": forecast.var,
            "p10": forecast.p10,
            "p50": forecast.p50,
            "p90": forecast.p90,
            "model": forecaster.name,
            "model_version": champion.version,
            "trained_through": forecaster.trained_through,
            "made_at": _instant(now),
            "origin": np.where(live, "live", "replayed"),
            "baseline_vol": baseline.vol,
            "baseline_var": baseline.var,
            "flags": [_flags(*row, champion.notice) for row in zip(outside, without, strict=True)],
        },
        index=features.index,
    )


def _flags(outside: str, without_optional: bool, notice: str) -> str:
    """What is to be said of a forecast, a flag a notice; outside: comma-separated features outside their range."""
    flags = [f"{OUTSIDE}:{name}" for name in outside.split(",") if name]
    return ",".join([*flags, *([WITHOUT_OPTIONAL] if without_optional else []), *([notice] if notice else [])])


def _kept(stored: pd.DataFrame, made: pd.DataFrame) -> pd.DataFrame:
    """The stored rows that stay: all but those their own model makes differently now."""
    both = stored.index.intersection(made.index)
    old, new = stored.loc[both], made.loc[both]
    by_same_model = (old[MADE_BY].to_numpy() == new[MADE_BY].to_numpy()).all(axis=1) & (
        old["origin"] != "live"
    ).to_numpy()
    before, after = old[NUMBERS].to_numpy(float), new[NUMBERS].to_numpy(float)
    differs = ~np.isclose(before, after, rtol=1e-9, atol=0, equal_nan=True).all(axis=1)
    return stored.drop(index=both[by_same_model & differs])


def _is_live(session: dt.date, now: dt.datetime) -> bool:
    return clock.close_instant(session) <= now < clock.open_instant(clock.offset(session, 1))


def _instant(now: dt.datetime) -> pd.Timestamp:
    return pd.Timestamp(now).tz_convert("UTC").as_unit("us")
