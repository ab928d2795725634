"""What the assets share that are made from all sessions at once: their shape, what they read, and where that is kept.

They read every session the lake holds, by the lake reader, and say which those were. Each keeps its own MLflow run.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg
import pandas as pd

from vol_assets.assets.pages import column_schema, page_png, png_in_markdown
from vol_assets.assets.publish import OWNERS
from vol_assets.contracts import Contract
from vol_assets.contracts.features import FEATURES_HAR, FEATURES_IMPLIED, FEATURES_L1
from vol_assets.contracts.market import CURATED_MARKET
from vol_assets.errors import ForecastError
from vol_assets.forecasting.frame import complete, modelling_frame
from vol_assets.forecasting.models import ENSEMBLE
from vol_assets.lake import Lake
from vol_assets.tracking import Tracking

if TYPE_CHECKING:
    from matplotlib.figure import Figure

REGISTERED = ENSEMBLE.name  # the model of the backtest that is trained, registered and, if it may, served


def training_asset(
    name: str,
    *,
    deps: list,
    kinds: set[str],
    description: str,
    group: str = "forecast",
    contract: Contract | None = None,
    checks: Sequence[dg.AssetCheckSpec] = (),
):
    """`dg.asset` for what is made from all sessions at once; single-run, so that a range can select it too."""
    metadata: dict[str, Any] = {"dagster/column_schema": column_schema(contract)} if contract else {}
    return dg.asset(
        key=[group, name],
        group_name=group,
        owners=OWNERS,
        kinds=kinds,
        deps=deps,
        backfill_policy=dg.BackfillPolicy.single_run(),
        metadata=metadata,
        check_specs=list(checks) or None,
        description=description,
    )


def modelling_history(lake: Lake) -> pd.DataFrame:
    """The modelling frame of every session the lake has features for."""
    held = lake.sessions(FEATURES_L1)
    if not held:
        raise ForecastError("features/l1 is empty; backfill it first (`make backfill FROM=... TO=... SELECT=...`)")
    first, last = held[0], held[-1]
    return modelling_frame(
        lake.read(FEATURES_L1, first, last).set_index("date"),
        lake.read(FEATURES_HAR, first, last).set_index("date"),
        spy_returns(lake),
        lake.read(FEATURES_IMPLIED, first, last).set_index("date"),
    )


def spy_returns(lake: Lake) -> pd.Series:
    """SPY's daily total log returns by session, of every session the lake has curated.

    Returns from before the first features fill the baselines' first windows.
    """
    held = lake.sessions(CURATED_MARKET)
    bars = lake.read(CURATED_MARKET, held[0], held[-1], ["symbol", "log_return"])
    return bars[bars["symbol"] == "SPY"].set_index("date")["log_return"]


def fingerprint(frame: pd.DataFrame) -> str:
    """A short hash of the sessions and numbers a model was trained on."""
    digest = hashlib.sha256(pd.util.hash_pandas_object(frame, index=True).to_numpy().tobytes())
    return digest.hexdigest()[:16]


def progress(context: dg.AssetExecutionContext, name: str) -> Callable[[int, int], None]:
    """Report at every fifth of the way."""

    def report(done: int, total: int) -> None:
        if done == total or done * 5 // total > (done - 1) * 5 // total:
            context.log.info(f"{name}: {done} of {total} refits")

    return report


def identity(context: dg.AssetExecutionContext) -> dict[str, str]:
    """The tags that name an asset's MLflow run."""
    return {"dagster.run_id": context.run.run_id, "dagster.asset": context.asset_key.to_user_string()}


def tags(lake: Lake, frame: pd.DataFrame) -> dict[str, str]:
    """What a run or a model version was made from."""
    return {"source": lake.source, "data_fingerprint": fingerprint(frame)}


def pictures(figures: Mapping[str, Figure]) -> dict[str, dg.MetadataValue]:
    """Figures by title, drawn once: into the active MLflow run, and as an asset page's metadata."""
    import mlflow

    drawn = {title: page_png(figure) for title, figure in figures.items()}
    with tempfile.TemporaryDirectory() as folder:
        for title, image in drawn.items():
            (Path(folder) / f"{title.replace(' ', '_')}.png").write_bytes(image)
        mlflow.log_artifacts(folder)
    return {title: png_in_markdown(image) for title, image in drawn.items()}


def sessions(frame: pd.DataFrame) -> dict[str, Any]:
    """The complete sessions of a frame, as MLflow parameters."""
    rows = frame.index[complete(frame)]
    return {"first_session": f"{rows[0]:%Y-%m-%d}", "last_session": f"{rows[-1]:%Y-%m-%d}", "sessions": len(rows)}


def span(frame: pd.DataFrame) -> str:
    """The first and last session of a frame."""
    return f"{frame.index[0]:%Y-%m-%d} ... {frame.index[-1]:%Y-%m-%d}"


def provenance(tracking: Tracking, run_id: str, frame: pd.DataFrame) -> dict[str, Any]:
    """An asset page's way to its MLflow run and to what was read."""
    return {
        "MLflow run": dg.MetadataValue.url(tracking.url(run_id)),
        "MLflow run id": run_id,
        "data fingerprint": fingerprint(frame),
        "sessions read": span(frame),
    }
