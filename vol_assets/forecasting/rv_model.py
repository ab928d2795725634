"""The deployable forecaster: a model fitted on everything known so far beside its reference, saved in open formats.

A saved forecaster is a folder of JSON: `forecaster.json` (lines, factors, provenance) and a `trees_<n>.json` in
XGBoost's own format for each booster. A file of numbers can be read in ten years, compared, and loaded without
running anything that is in it; a folder that holds something else is refused.
"""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from vol_assets.errors import ForecastError
from vol_assets.forecasting.calibration import Calibration, Fitted
from vol_assets.forecasting.fitting import fit
from vol_assets.forecasting.frame import trainable
from vol_assets.forecasting.models import ENSEMBLE, REFERENCE
from vol_assets.forecasting.models.additive import LogAdditive, OptionalLine, Trees
from vol_assets.forecasting.models.ols import Line
from vol_assets.forecasting.protocol import Forecast, Model

SCHEMA = "vol_assets.forecaster/1"
FILE = "forecaster.json"
TREES = "trees_{}.json"
# Two years: fewer have seen one regime at most, and the walk-forward has nothing to say about them.
MIN_SESSIONS = 500


@dataclass(frozen=True)
class RvForecaster:
    """A fitted model with its provenance. Both levels are `LogAdditive`.

    reference: log_har_iv fitted on the same sessions, which every forecast is scored against. trained_through: the
    session of the last training row (its label ends five sessions later). feature_ranges and feature_means: (min, max)
    and mean of each input over the training rows, of an optional one over those that have it. Outside the range trees
    do not extrapolate; around the means forecasts are explained.
    """

    name: str
    fitted: Fitted
    reference: Fitted
    trained_through: pd.Timestamp
    trained_rows: int
    feature_ranges: dict[str, tuple[float, float]]
    feature_means: dict[str, float]

    @property
    def columns(self) -> tuple[str, ...]:
        """The inputs it needs, of features/l1 and features/har."""
        return tuple(name for name in self.feature_ranges if name not in self.optional_columns)

    @property
    def optional_columns(self) -> tuple[str, ...]:
        """The inputs of features/implied that it uses on sessions that have them; none if it never learnt from any."""
        optional = self.fitted.level.optional
        return () if optional is None else optional.columns

    def without_optional(self, frame: pd.DataFrame) -> pd.Series:
        """Which rows are forecast without the optional inputs that the model learnt from."""
        optional = self.fitted.level.optional
        missing = np.zeros(len(frame), bool) if optional is None else ~optional.present(frame)
        return pd.Series(missing, frame.index)

    def forecast(self, frame: pd.DataFrame) -> Forecast:
        """Forecast every row of a frame that has the inputs; a ForecastError names sessions with null ones."""
        return self.fitted.forecast(frame)

    def reference_forecast(self, frame: pd.DataFrame) -> Forecast:
        """What the reference says of the same rows."""
        return self.reference.forecast(frame)

    def outside(self, frame: pd.DataFrame) -> pd.Series:
        """The inputs outside their training range in each row, comma-separated; empty where there are none.

        Optional inputs that a row lacks are not outside of anything.
        """
        low, high = (np.array(bounds) for bounds in zip(*self.feature_ranges.values(), strict=True))
        names = np.array(list(self.feature_ranges))
        inputs = frame.reindex(columns=names).to_numpy(dtype=float)
        return pd.Series([",".join(names[row]) for row in (inputs < low) | (inputs > high)], frame.index, dtype=object)

    def save(self, folder: Path | str) -> None:
        """Write the forecaster into a new or empty folder."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        boosters: list[Any] = []
        saved = {
            "schema": SCHEMA,
            "name": self.name,
            "trained_through": f"{self.trained_through:%Y-%m-%d}",
            "trained_rows": self.trained_rows,
            "forecast": _as_json(self.fitted, boosters),
            "reference": _as_json(self.reference, boosters),
            "feature_ranges": self.feature_ranges,
            "feature_means": self.feature_means,
        }
        for number, booster in enumerate(boosters):
            booster.save_model(folder / TREES.format(number))
        (folder / FILE).write_text(json.dumps(saved, indent=2) + "\n")

    @classmethod
    def load(cls, folder: Path | str) -> RvForecaster:
        """Read a saved forecaster, whose forecasts are those of the saved one to the bit.

        A ForecastError says what is missing, of another schema, or not a forecaster's file at all.
        """
        folder = Path(folder)
        saved = _read(folder)
        try:
            count = sum(len(saved[part]["trees"]) for part in ("forecast", "reference"))
            files = [TREES.format(number) for number in range(count)]
            _refuse_others(folder, {FILE, *files})
            boosters = [_booster(folder / name) for name in files]
            loaded = cls(
                name=str(saved["name"]),
                fitted=_fitted(saved["forecast"], boosters),
                reference=_fitted(saved["reference"], boosters),
                trained_through=pd.Timestamp(dt.date.fromisoformat(saved["trained_through"])).as_unit("ns"),
                trained_rows=int(saved["trained_rows"]),
                feature_ranges={k: (float(low), float(high)) for k, (low, high) in saved["feature_ranges"].items()},
                feature_means={k: float(mean) for k, mean in saved["feature_means"].items()},
            )
            _require_sound(loaded)
            return loaded
        except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
            raise ForecastError(
                f"{folder / FILE} is no forecaster of schema {SCHEMA} ({type(error).__name__}: {error}); train anew"
            ) from error


def train(frame: pd.DataFrame, model: Model = ENSEMBLE) -> RvForecaster:
    """Fit on every complete session of a modelling frame whose label is known.

    A ForecastError if there are fewer than MIN_SESSIONS, or if an input never varies.
    """
    rows = frame[trainable(frame)]
    if len(rows) < MIN_SESSIONS:
        raise ForecastError(
            f"{model.name} needs at least {MIN_SESSIONS} complete sessions whose five sessions are over, there are "
            f"{len(rows)} in {frame.index[0]:%Y-%m-%d} ... {frame.index[-1]:%Y-%m-%d}; backfill a longer history"
        )
    fitted = fit([model, REFERENCE], rows)
    level, reference = fitted[model.name].level, fitted[REFERENCE.name].level
    columns = list(dict.fromkeys((*level.inputs, *reference.inputs)))
    inputs = rows[columns + list(level.optional.columns if level.optional else ())]
    return RvForecaster(
        name=model.name,
        fitted=fitted[model.name],
        reference=fitted[REFERENCE.name],
        trained_through=rows.index[-1],
        trained_rows=len(rows),
        feature_ranges={name: (float(values.min()), float(values.max())) for name, values in inputs.items()},
        feature_means={name: float(values.mean()) for name, values in inputs.items()},
    )


def _refuse_others(folder: Path, expected: set[str]) -> None:
    """A ForecastError for a folder that holds anything but a forecaster's files."""
    strangers = sorted({path.name for path in folder.iterdir()} - expected)
    if strangers:
        raise ForecastError(
            f"{folder} holds {', '.join(strangers)}, which is no part of the forecaster: nothing of it is loaded; "
            "find out who put it there, then train anew"
        )


def _read(folder: Path) -> dict[str, Any]:
    """forecaster.json as it is, of our schema."""
    if not (folder / FILE).is_file():
        raise ForecastError(f"{folder} holds no forecaster: {FILE} is missing; train one and save it there")
    try:
        saved = json.loads((folder / FILE).read_text())
    except (ValueError, UnicodeDecodeError) as error:
        raise ForecastError(f"{folder / FILE} is not JSON ({error}); nothing of it is loaded, train anew") from error
    schema = saved.get("schema") if isinstance(saved, dict) else None
    if schema != SCHEMA:
        raise ForecastError(
            f"{folder / FILE} has the schema {schema!r}, this code reads {SCHEMA!r}; train anew, or use the code it "
            "was saved by"
        )
    return saved


def _require_sound(forecaster: RvForecaster) -> None:
    """A ValueError for numbers that no training leaves behind: they would forecast nonsense without a word."""
    for part in (forecaster.fitted, forecaster.reference):
        level, factors = part.level, asdict(part.calibration)
        optional = level.optional or OptionalLine((), (), ())
        numbers = [level.line.intercept, *level.line.slopes, *optional.slopes, *optional.means, *factors.values()]
        if not np.isfinite([*numbers, *(trees.weight for trees in level.trees)]).all():
            raise ValueError("a number that is not finite")
        if min(factors.values()) <= 0 or not factors["p10"] <= factors["p50"] <= factors["p90"]:
            raise ValueError(f"factors {factors}, which are to be above zero and in order")
        if not len(optional.columns) == len(optional.slopes) == len(optional.means):
            raise ValueError("not one slope and one mean an optional input")
        unknown = {*level.inputs, *optional.columns} - set(forecaster.feature_ranges)
        if unknown or set(forecaster.feature_means) != set(forecaster.feature_ranges):
            raise ValueError(f"no range and mean of {', '.join(sorted(unknown)) or 'every input'}")


def _as_json(fitted: Fitted, boosters: list[Any]) -> dict[str, Any]:
    level = fitted.level
    trees = []
    for part in level.trees:
        trees.append({"file": TREES.format(len(boosters)), "weight": part.weight, "columns": part.columns})
        boosters.append(part.booster)
    return {
        "intercept": level.line.intercept,
        "slopes": dict(zip(level.columns, level.line.slopes, strict=True)),
        "trees": trees,
        "optional": None if level.optional is None else asdict(level.optional),
        "calibration": asdict(fitted.calibration),
    }


def _fitted(saved: dict[str, Any], boosters: list[Any]) -> Fitted:
    line = Line(float(saved["intercept"]), tuple(float(slope) for slope in saved["slopes"].values()))
    by_name = {TREES.format(number): booster for number, booster in enumerate(boosters)}
    trees = tuple(
        Trees(tuple(part["columns"]), by_name[part["file"]], float(part["weight"])) for part in saved["trees"]
    )
    optional = saved["optional"]
    if optional is not None:
        optional = OptionalLine(**{name: tuple(values) for name, values in optional.items()})
    return Fitted(LogAdditive(tuple(saved["slopes"]), line, trees, optional), Calibration(**saved["calibration"]))


def _booster(path: Path) -> Any:
    """Trees from XGBoost's JSON, and from nothing else: its loader guesses a format by the first bytes."""
    import xgboost

    if not path.is_file():
        raise ForecastError(f"{path.parent} holds no whole forecaster: {path.name} is missing; train anew")
    try:
        json.loads(path.read_text())
        return xgboost.Booster({"nthread": 1}, model_file=path)
    except (ValueError, UnicodeDecodeError, xgboost.core.XGBoostError) as error:
        raise ForecastError(f"{path} is no booster in XGBoost's JSON format; nothing of it is loaded") from error
