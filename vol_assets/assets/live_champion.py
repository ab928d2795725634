"""Who predicts the live smile, asked every minute: the copy beside the lake, confirmed by the registry now and then.

To import MLflow takes longer than to predict, and one that is silent would take the bucket. Crowning a version here
renews the copy at once, so MLflow is asked only for what was crowned from elsewhere, in its own UI or on another
machine, and that may wait for ASK_AGAIN. A marker beside the copy says when MLflow was asked, whatever came of it: one
that is down, or knows no champion, is not asked again before ASK_AGAIN either.
"""

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

from vol_assets.errors import ForecastError
from vol_assets.lake import Lake
from vol_assets.smiles.model import SmileModel
from vol_assets.tracking import Tracking, serving

ASK_AGAIN = 600.0  # seconds
NOBODY = "nobody is crowned yet"


class Predictor(NamedTuple):
    """A model with its version and kind, as predictions name them; without one, persistence, and why."""

    model: SmileModel | None
    version: str
    kind: str
    why: str = ""

    def __str__(self) -> str:
        return f"{self.kind} version {self.version}" if self.model else f"{self.kind}: {self.why}"


def predictor_of(lake: Lake, tracking: Tracking, family: str, warn: Callable[[str], None]) -> Predictor:
    """The champion of a family, or persistence where there is none that can be used; `warn` is told what is wrong.

    A ForecastError when it was trained on another source than the lake's.
    """
    asked = serving.asked_of(tracking, serving.serving_line(family))
    if _age(asked) < ASK_AGAIN:
        return _of_copy(lake, tracking, family, warn) or _nobody(asked.read_text())
    if not tracking.made:
        return _nobody(NOBODY)
    from vol_assets.tracking.smile_model import champion_of_family

    troubles: list[str] = []
    with tracking.in_haste():
        champion = champion_of_family(tracking, family, lake.source, troubles.append)
    for said in troubles:
        warn(said)
    why = troubles[-1] if troubles else NOBODY
    try:
        asked.parent.mkdir(parents=True, exist_ok=True)
        asked.write_text(why)
    except OSError as error:
        warn(f"{asked} cannot be written ({error}): MLflow is asked again at the next bucket")
    return Predictor(*champion) if champion else _nobody(why)


def _of_copy(lake: Lake, tracking: Tracking, family: str, warn: Callable[[str], None]) -> Predictor | None:
    """The champion as it is kept, or persistence where the copy is damaged; None where there is none."""
    from vol_assets.smiles.stored import load_model

    name = serving.serving_line(family)
    try:
        kept = serving.last_good(tracking, name, partial(load_model, family=family))
    except ForecastError as error:
        warn(str(error))
        return _nobody(str(error))
    if kept is None:
        return None
    model, version, trained_on = kept
    serving.require_source(name, version, trained_on, lake.source)
    return Predictor(model, version, model.kind)


def _nobody(why: str) -> Predictor:
    return Predictor(None, "", "persistence", why)


def _age(path: Path) -> float:
    """Seconds since a file was written; infinite where there is none."""
    return time.time() - path.stat().st_mtime if path.exists() else float("inf")
