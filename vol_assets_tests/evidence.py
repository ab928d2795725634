"""`make evidence`: what docs/forecast.md says of the models, measured again.

    make evidence                             the sample market, 2007 to today, against its true variance; minutes
    make evidence VARIANTS=1                  also models that were tried and are not served
    make evidence PICTURES=/tmp/pictures      and the pictures of docs/forecast.md
    VOL_ASSETS_SOURCE=files VOL_ASSETS_FILES=/folder make evidence TO=2019-12-31 OUT_OF_SAMPLE=2012-01-04

The walk-forward that forecast/rv_backtest runs, without Dagster or a lake: bars of the source to features to forecasts,
refitted every 21 sessions from the first session of OUT_OF_SAMPLE on (default: once 750 sessions can be trained on). On
the sample market `true_variance` stands in the table: the expected variance that returns were drawn with, unknown to
every model.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from vol_assets import clock
from vol_assets.charts.style import png
from vol_assets.curation.bars import curate
from vol_assets.curation.raw import raw_bars
from vol_assets.features.har import har_features
from vol_assets.features.implied import IMPLIED_FEATURES, implied_features
from vol_assets.features.l1 import l1_features
from vol_assets.forecasting import charts
from vol_assets.forecasting.canary import leakage_canary, seed_spread
from vol_assets.forecasting.evaluation import Evaluation, evaluate
from vol_assets.forecasting.frame import HORIZON, LABEL, RANGE_LABEL, modelling_frame
from vol_assets.forecasting.models import (
    ENSEMBLE,
    GAMMA_GLM,
    HAR_IV_PLUS,
    LOG_HAR_IV,
    MODELS,
    XGB_21,
    XGB_RESIDUAL,
    with_seed,
)
from vol_assets.forecasting.walk_forward import trainable_before, walk_forward
from vol_assets.settings import Settings
from vol_assets.sources import SYMBOLS, open_source

MIN_TRAIN = 750
SEEDS = 5
OF_OTHER_SEEDS = 126  # sessions between refits where many walk-forwards are run

RESIDUAL_OF_RANGES = replace(XGB_RESIDUAL, name="xgb_residual_ranges", learns_from=RANGE_LABEL)
WITHOUT_IMPLIED = replace(ENSEMBLE, name="ensemble_without_implied", optional=())
VARIANTS = (
    replace(LOG_HAR_IV, name="log_har_iv_ranges", learns_from=RANGE_LABEL),
    replace(HAR_IV_PLUS, name="har_iv_plus_realised", learns_from=LABEL),
    replace(GAMMA_GLM, name="gamma_glm_realised", learns_from=LABEL),
    replace(XGB_21, name="xgb_21_ranges", learns_from=RANGE_LABEL),
    RESIDUAL_OF_RANGES,
    replace(ENSEMBLE, name="ensemble_ranges", bases=(HAR_IV_PLUS, GAMMA_GLM, RESIDUAL_OF_RANGES)),
    replace(ENSEMBLE, name="ensemble_with_xgb_21", bases=(*ENSEMBLE.bases, XGB_21)),
    WITHOUT_IMPLIED,
)
"""The other label each, all learning from ranges, a fourth member, and the ensemble with VVIX, VIX9D and SKEW left
aside, where the source has them."""


def history(first: str, last: str) -> tuple[pd.DataFrame, pd.Series]:
    """The modelling frame of the source's bars, and SPY's daily log returns."""
    days = clock.sessions(first, last)
    source = open_source(Settings.from_env())
    bars = curate(raw_bars(source.daily_bars(SYMBOLS, days[0], days[-1]), source.name))
    spy = bars[bars["symbol"] == "SPY"].set_index("date")["log_return"]
    return modelling_frame(l1_features(bars), har_features(bars), spy, implied_features(bars)), spy


def has_implied(frame: pd.DataFrame) -> bool:
    """Whether the source has VVIX, VIX9D and SKEW on any session."""
    return bool(frame[list(IMPLIED_FEATURES)].notna().all(axis=1).any())


def true_variance(backtest: pd.DataFrame) -> pd.DataFrame:
    """The rows that a model would have made which knew the sample market's expected variance."""
    from vol_assets.sources.sample import true_expected_variance

    rows = backtest[backtest["model"] == ENSEMBLE.name].assign(model="true_variance")
    days = pd.DatetimeIndex(rows["date"])
    variance = true_expected_variance(days[0].date(), days[-1].date(), HORIZON).reindex(days).to_numpy()
    return rows.assign(forecast_var=variance, forecast_vol=np.sqrt(variance))


def draw(found: Evaluation, backtest: pd.DataFrame, folder: Path) -> None:
    """The pictures of docs/forecast.md."""
    folder.mkdir(parents=True, exist_ok=True)
    pictures = {
        "ladder": charts.qlike_ladder(found),
        "years": charts.yearly_ratios(found),
        "cumulative": charts.cumulative_qlike(backtest, models=("har_iv_plus", "xgb_21", "xgb_residual", "ensemble")),
        "reliability": charts.reliability(found),
        "calibration": charts.calibration(backtest, ("ensemble", "log_har_iv", "har")),
        "exceedances": charts.exceedances(found),
        "leakage": charts.leakage(found.canary),
        "seeds": charts.seed_dots(found.seeds),
    }
    for name, figure in pictures.items():
        (folder / f"{name}.png").write_bytes(png(figure, 96))


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="make evidence")
    parser.add_argument("--from", dest="first", default=str(clock.FIRST_SESSION))
    parser.add_argument("--to", dest="last", default=str(clock.offset(pd.Timestamp.now(), -1)))
    parser.add_argument("--out-of-sample", help="the first session that is forecast")
    parser.add_argument("--variants", action="store_true", help="also models that were tried and are not served")
    parser.add_argument("--pictures", type=Path, help="a folder for the pictures of docs/forecast.md")
    options = parser.parse_args(arguments)

    frame, returns = history(options.first, options.last)
    variants = VARIANTS if has_implied(frame) else tuple(model for model in VARIANTS if model is not WITHOUT_IMPLIED)
    models = (*MODELS, *(variants if options.variants else ()))
    origin = options.out_of_sample
    rows = trainable_before(frame, pd.Timestamp(origin)) if origin else MIN_TRAIN
    started = time.monotonic()
    backtest = walk_forward(frame, models, min_train=rows)
    print(f"{len(models)} models in {time.monotonic() - started:.0f} s\n", flush=True)
    if Settings.from_env().source == "sample":
        backtest = pd.concat([backtest, true_variance(backtest)], ignore_index=True)
    often = {"min_train": rows, "refit_every": OF_OTHER_SEEDS}
    found = evaluate(
        backtest,
        returns=returns,
        seeds=seed_spread(frame, with_seed, range(1, SEEDS + 1), **often),
        canary=leakage_canary(frame, **often),
    )
    print(found.summary(ENSEMBLE.name))
    print()
    print(found.every_fifth["qlike_vs_log_har_iv"].unstack("offset").round(3).to_string())
    print(found.by_year["qlike_vs_log_har_iv"].unstack("year").round(2).to_string())
    print(found.exceedances.round(3).to_string())
    print(found.seeds.round(4).to_string())
    print({scheme: round(value, 3) for scheme, value in found.canary.r2.items()})
    if options.pictures:
        draw(found, backtest, options.pictures)
        print(f"pictures in {options.pictures}")


if __name__ == "__main__":
    main()
