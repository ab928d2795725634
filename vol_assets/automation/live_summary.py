"""What a stretch of live polls came to: how far predictions missed what came, and a picture of the newest one."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pandas as pd

from vol_assets.automation.resources import open_tracking
from vol_assets.errors import ForecastError
from vol_assets.lake.live import FEATURES, PREDICTIONS, STATES, LiveStore
from vol_assets.settings import Settings
from vol_assets.smiles.contracts import CONTRACT, served_contracts

SHOWN = "gru"  # the network of the picture, whoever serves


def summary(settings: Settings, first: dt.datetime, last: dt.datetime) -> str:
    """Polls between two instants in words, and a picture among the reports; a ForecastError if there are none."""
    with LiveStore(settings.live_url) as store:
        predictions, features, states = (store.read(table, first, last) for table in (PREDICTIONS, FEATURES, STATES))
        place = store.place
    if predictions.empty:
        raise ForecastError("nothing was polled and predicted; the lines above say why")
    picture = _picture(settings, states, features)
    polls, scored = features["ts"].nunique(), predictions["realised_vol"].notna().sum()
    return "\n".join(
        [
            f"{polls} polls, {len(features)} quotes with features, {len(predictions)} predicted vols, {scored} scored:",
            "  steps ahead   scored   RMSE, vol points   of the contract's own last vol",
            *_errors(predictions, features),
            f"  by {', '.join(_models(predictions))}",
            "",
            "Where to look:",
            f"  picture   {picture}"
            if picture
            else "  picture   none: no window of ten minutes without a gap, or no GRU",
            f"  tables    spy_option_chain, option_features, smile_state, predicted_smile in {place}",
            "  runs      make dev: the Dagster UI at http://127.0.0.1:3000, job live_smile_job",
            "  models    make mlflow: the MLflow UI at http://127.0.0.1:5000, model spy_smile_live",
        ]
    )


def _errors(predictions: pd.DataFrame, features: pd.DataFrame) -> list[str]:
    """A line a horizon: how far what was predicted, and each contract's own last vol, were from what came."""
    scored = predictions[predictions["realised_vol"].notna()]
    now = features[["ts", *CONTRACT, "implied_vol"]]
    scored = scored.merge(now, on=["ts", *CONTRACT])
    lines = []
    for ahead, rows in scored.groupby("horizon_steps"):
        ours, own = (
            100.0 * np.sqrt(((rows[name] - rows["realised_vol"]) ** 2).mean())
            for name in ("predicted_vol", "implied_vol")
        )
        lines.append(f"  {ahead:11d} {len(rows):8d} {ours:18.3f} {own:32.3f}")
    return lines


def _models(predictions: pd.DataFrame) -> list[str]:
    """Who predicted, and how much of it was flagged."""
    told = []
    for (kind, version), rows in predictions.groupby(["model", "model_version"]):
        flagged = rows["flagged"].mean()
        told.append(f"{kind}{f' version {version}' if version else ''} ({flagged:.0%} flagged)")
    return told


def _picture(settings: Settings, states: pd.DataFrame, features: pd.DataFrame) -> Path | None:
    """The newest prediction of ten steps whose outcome is known; None where there is none."""
    from vol_assets.charts import style
    from vol_assets.smiles import charts, states_of
    from vol_assets.smiles.panel import HORIZONS, LIVE, panel_of
    from vol_assets.tracking.smile_model import line, load, newest

    ahead = max(HORIZONS[LIVE])
    panel = panel_of(LIVE, states_of(states), pd.Timedelta(seconds=settings.bucket).to_pytimedelta())
    last = panel.with_target(panel.last_of_windows(), ahead)
    if not len(last):
        return None
    tracking = open_tracking(settings)
    version = newest(tracking, LIVE, SHOWN)
    if version is None:
        return None
    model = load(tracking, line(LIVE, SHOWN), str(version.version))
    rows = charts.forecast_rows(panel, last[-1], ahead, model, served_contracts(features))
    made = pd.Timestamp(panel.ts[last[-1]], tz="UTC")
    path = settings.reports / "live" / f"smile_{made:%Y-%m-%dT%H%MZ}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(style.png(charts.smiles(rows, made, ahead, SHOWN.upper())))
    return path
