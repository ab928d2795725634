"""The champion of the registry, as the assets use it: it serves even while the registry cannot.

Whatever could be loaded once is kept beside the lake's MLflow folder. When MLflow does not answer, or what it holds
cannot be read, the last good champion goes on, and every forecast it makes says so by a flag.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from vol_assets.errors import ForecastError, RegistryError
from vol_assets.forecasting.ledger import Champion
from vol_assets.lake import Lake
from vol_assets.tracking import Tracking

logger = logging.getLogger(__name__)

UNREACHABLE = "registry_unreachable"
UNREADABLE = "champion_unreadable"


def champion_of(lake: Lake, tracking: Tracking, warn: Callable[[str], None] = logger.warning) -> Champion | None:
    """The champion, or the last one that could be loaded with a notice; None when nobody was ever crowned.

    A ForecastError when it was trained on another source than the lake's, or when there is nothing to serve with.
    `warn` is told what is wrong when the last good one steps in.
    """
    from vol_assets.tracking import serving
    from vol_assets.tracking.rv_model import MODEL, load_champion

    notice = ""
    try:
        loaded = load_champion(tracking)
    except (RegistryError, ForecastError) as error:
        notice = UNREACHABLE if isinstance(error, RegistryError) else UNREADABLE
        loaded = _last_good(tracking, MODEL, error)
        warn(f"{error}; version {loaded[1]}, the last champion that could be loaded, serves meanwhile")
    if loaded is None:
        return None
    forecaster, version, source = loaded
    serving.require_source(MODEL, version, source, lake.source)
    if not notice:
        serving.keep(tracking, MODEL, loaded)
    return Champion(forecaster, version, notice)


def _last_good(tracking: Tracking, model: str, trouble: Exception) -> tuple:
    from vol_assets.tracking import serving

    try:
        loaded = serving.last_good(tracking, model)
    except ForecastError as error:
        raise ForecastError(f"{trouble}; and {error}") from trouble
    if loaded is None:
        remedy = (
            "" if isinstance(trouble, RegistryError) else "; train anew (the job train_rv_model), or `make promote`"
        )
        raise ForecastError(
            f"{trouble}; and no champion that was loaded before is kept in {serving.path_of(tracking, model)}{remedy}"
        ) from trouble
    return loaded
