"""MLflow: runs found by tag, the model registry, and the forecaster as an MLflow model."""

from vol_assets.tracking.crownings import GATE, HAND, Crowning
from vol_assets.tracking.store import CHALLENGER, CHAMPION, Tracking, git_revision

__all__ = ["CHALLENGER", "CHAMPION", "GATE", "HAND", "Crowning", "Tracking", "git_revision"]
