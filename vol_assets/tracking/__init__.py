"""MLflow: runs found by tag, the model registry, and the forecaster as an MLflow model."""

from vol_assets.tracking.store import CHAMPION, Tracking, git_revision

__all__ = ["CHAMPION", "Tracking", "git_revision"]
