"""Who predicts the live smile, asked every minute: the copy beside the lake, confirmed by the registry now and then.

To import MLflow takes longer than to predict. Crowning a version here renews the copy at once, so MLflow is asked only
for what was crowned from elsewhere, in its own UI or on another machine, and that may wait for ASK_AGAIN.
"""

import os
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
    from vol_assets.smiles.stored import load_model

    name, troubles = f"spy_smile_{family}", []

    def trouble(said: str) -> None:
        warn(said)
        troubles.append(said)

    copy = serving.path_of(tracking, name)
    if _age(copy) < ASK_AGAIN:
        try:
            kept = serving.last_good(tracking, name, partial(load_model, family=family))
        except ForecastError as error:
            kept = trouble(str(error))
        if kept is not None and kept[2] == lake.source:
            return Predictor(kept[0], kept[1], kept[0].kind)
    champion = None
    if not _is_unmade(tracking):
        from vol_assets.tracking.smile_model import champion_of_family

        champion = champion_of_family(tracking, family, lake.source, trouble)
    if champion is None:
        return Predictor(None, "", "persistence", troubles[-1] if troubles else NOBODY)
    if copy.exists():
        os.utime(copy)
    return Predictor(*champion)


def _is_unmade(tracking: Tracking) -> bool:
    """Whether MLflow's database is a file that is not there: to ask would make it, which takes longer than a bucket."""
    scheme, _, path = tracking.uri.partition(":///")
    return scheme == "sqlite" and not Path(path).exists()


def _age(path: Path) -> float:
    """Seconds since a file was written or confirmed; infinite where there is none."""
    return time.time() - path.stat().st_mtime if path.exists() else float("inf")
