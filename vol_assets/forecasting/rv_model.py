"""The deployable forecaster: boosted trees fitted on everything known so far, saved in open formats.

A saved forecaster is a folder with `booster.json` (XGBoost's own format) and `calibration.json` (what else it
needs). No pickle: a file of numbers can be read in ten years, compared, and loaded without running its code.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import pandas as pd

from vol_assets.errors import ForecastError
from vol_assets.forecasting.calibration import Calibration
from vol_assets.forecasting.frame import trainable, training_arrays
from vol_assets.forecasting.models.boosted import XGB_21, BoostedTrees, FittedBoostedTrees
from vol_assets.forecasting.protocol import Forecast

BOOSTER_FILE = "booster.json"
CALIBRATION_FILE = "calibration.json"


@dataclass(frozen=True)
class RvForecaster:
    """A fitted model with its provenance.

    trained_through is the session of the last training row (its label ends five sessions later), trained_rows their
    number, feature_ranges the (min, max) of each feature over them: outside these, trees do not extrapolate.
    """

    name: str
    fitted: FittedBoostedTrees
    trained_through: pd.Timestamp
    trained_rows: int
    feature_ranges: dict[str, tuple[float, float]]

    def forecast(self, frame: pd.DataFrame) -> Forecast:
        """Forecast every row of a frame that has the features; a ForecastError names sessions with null ones."""
        return self.fitted.forecast(frame)

    def save(self, folder: Path | str) -> None:
        """Write the forecaster into a folder, made if need be."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        self.fitted.booster.save_model(folder / BOOSTER_FILE)
        calibration = {
            "name": self.name,
            "trained_through": f"{self.trained_through:%Y-%m-%d}",
            "trained_rows": self.trained_rows,
            "calibration": asdict(self.fitted.calibration),
            "feature_ranges": self.feature_ranges,
        }
        (folder / CALIBRATION_FILE).write_text(json.dumps(calibration, indent=2) + "\n")

    @classmethod
    def load(cls, folder: Path | str) -> RvForecaster:
        """Read a saved forecaster, whose forecasts are those of the saved one to the bit."""
        import xgboost

        folder = Path(folder)
        for name in (BOOSTER_FILE, CALIBRATION_FILE):
            if not (folder / name).is_file():
                raise ForecastError(f"{folder} holds no forecaster: {name} is missing; train one and save it there")
        saved = json.loads((folder / CALIBRATION_FILE).read_text())
        booster = xgboost.Booster({"nthread": 1}, model_file=folder / BOOSTER_FILE)
        return cls(
            name=saved["name"],
            fitted=FittedBoostedTrees(tuple(booster.feature_names), booster, Calibration(**saved["calibration"])),
            trained_through=pd.Timestamp(saved["trained_through"]).as_unit("ns"),
            trained_rows=saved["trained_rows"],
            feature_ranges={name: (low, high) for name, (low, high) in saved["feature_ranges"].items()},
        )


def train(frame: pd.DataFrame, model: BoostedTrees = XGB_21) -> RvForecaster:
    """Fit on every complete session of a modelling frame whose label is known; a ForecastError if they are too few."""
    rows = frame[trainable(frame)]
    inputs, _ = training_arrays(rows, model.columns)
    ranges = zip(inputs.min(axis=0).tolist(), inputs.max(axis=0).tolist(), strict=True)
    return RvForecaster(
        name=model.name,
        fitted=model.fit(rows),
        trained_through=rows.index[-1],
        trained_rows=len(rows),
        feature_ranges=dict(zip(model.columns, ranges, strict=True)),
    )
