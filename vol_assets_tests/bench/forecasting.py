"""The forecast: the walk-forward of every model, one forecast from stored features, SHAP of ten years."""

from __future__ import annotations

from collections.abc import Iterator

from vol_assets_tests.bench.processes import data_folder, run


def walk_forward() -> Iterator[tuple[str, str, str]]:
    """Nineteen years of every model, on two processes and on one, and judging them."""
    with data_folder() as folder:
        rows, two, one, judged, peak, models = run(folder, "python", "-c", HISTORY + WALK_FORWARD).printed.split()
        yield (
            f"walk-forward, {models} models, {rows} sessions, two processes",
            f"{float(two):.0f} s",
            f"target 180 s; {float(one):.0f} s by one",
        )
        yield "its evaluation: tests, bootstraps, years", f"{float(judged):.1f} s", ""
        yield "peak memory", f"{float(peak):.2f} GB", "target 2 GB"


def serving() -> Iterator[tuple[str, str, str]]:
    """One session's forecast from what is stored, the first in a process and warm; training; explaining ten years."""
    with data_folder() as folder:
        trained, loaded, first, warm, shap, rows = run(folder, "python", "-c", HISTORY + SERVING).printed.split()
        yield "training the ensemble on nineteen years", f"{float(trained):.1f} s", ""
        yield "loading a saved forecaster", f"{1e3 * float(loaded):.0f} ms", ""
        yield "one forecast from stored features, warm", f"{1e3 * float(warm):.0f} ms", "target 50 ms"
        yield "the first one in a process, imports apart", f"{1e3 * float(first):.0f} ms", ""
        yield f"explaining {rows} sessions by SHAP and lines", f"{float(shap):.2f} s", "target 5 s"


HISTORY = """
import os, resource, time
from pathlib import Path
import pandas as pd
from vol_assets import clock
from vol_assets.contracts.features import FEATURES_HAR, FEATURES_IMPLIED, FEATURES_L1
from vol_assets.curation.bars import curate
from vol_assets.curation.raw import raw_bars
from vol_assets.features.har import har_features
from vol_assets.features.implied import implied_features
from vol_assets.features.l1 import l1_features
from vol_assets.forecasting.frame import complete, modelling_frame
from vol_assets.lake import Lake
from vol_assets.sources.sample import SampleMarket
from vol_assets.sources import SYMBOLS

first, last = clock.sessions("2007-04-11", "2026-06-30")[0], clock.offset("2026-06-30", 0)
bars = curate(raw_bars(SampleMarket().daily_bars(SYMBOLS, first, last), "sample"))
spy = bars[bars["symbol"] == "SPY"].set_index("date")["log_return"]
l1, har, implied = l1_features(bars), har_features(bars), implied_features(bars)
frame = modelling_frame(l1, har, spy, implied)

def timed(work):
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
"""

WALK_FORWARD = """
from vol_assets.forecasting.evaluation import evaluate
from vol_assets.forecasting.models import MODELS
from vol_assets.forecasting.walk_forward import walk_forward

import arch, xgboost  # noqa: F401 - imported by the first fit otherwise
seconds = [timed(lambda: walk_forward(frame, MODELS, workers=workers)) for workers in (2, 1)]
backtest = walk_forward(frame, MODELS, refit_every=126)
judged = timed(lambda: evaluate(backtest, returns=spy))
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
print(len(frame), *seconds, judged, peak, len(MODELS))
"""

SERVING = """
from vol_assets.forecasting.explanation import explain
from vol_assets.forecasting.rv_model import RvForecaster, train

import shap, xgboost  # noqa: F401 - imports apart
root = Path(os.environ["VOL_ASSETS_DATA"])
lake = Lake(root / "lake", "sample")
tables = (FEATURES_L1, FEATURES_HAR, FEATURES_IMPLIED)
for contract, rows in zip(tables, (l1, har, implied)):
    lake.write(contract, rows.tail(30).reset_index())
trained = timed(lambda: train(frame))
train(frame).save(root / "forecaster")
loaded = timed(lambda: RvForecaster.load(root / "forecaster"))
forecaster = RvForecaster.load(root / "forecaster")

def one():
    rows = pd.concat([lake.read(contract, last, last).set_index("date") for contract in tables], axis=1)
    forecaster.forecast(rows)
    forecaster.reference_forecast(rows)

first_one = timed(one)
warm = min(timed(one) for _ in range(20))
ten_years = frame[complete(frame)].tail(2520)
explain(forecaster, ten_years.tail(5))
print(trained, loaded, first_one, warm, timed(lambda: explain(forecaster, ten_years)), len(ten_years))
"""
