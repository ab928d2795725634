"""The champion of the registry, as the assets use it."""

from vol_assets.errors import ForecastError
from vol_assets.forecasting.ledger import Champion
from vol_assets.lake import Lake
from vol_assets.tracking import Tracking


def champion_of(lake: Lake, tracking: Tracking) -> Champion | None:
    """The registered champion, or None; a ForecastError when it was trained on another source than the lake's."""
    from vol_assets.tracking.rv_model import MODEL, load_champion

    loaded = load_champion(tracking)
    if loaded is None:
        return None
    forecaster, version, source = loaded
    if source != lake.source:
        raise ForecastError(
            f"the champion of {MODEL} (version {version}) was trained on the source {source!r}, this lake holds "
            f"{lake.source!r}; train on this lake, or point MLFLOW_TRACKING_URI at its own store"
        )
    return Champion(forecaster, version)
