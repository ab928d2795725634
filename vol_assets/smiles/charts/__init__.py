"""Pictures of smile models: what they learn from, how they were trained, who is better, and one prediction beside
what came of it.

Each function returns a matplotlib Figure, drawn by Agg.
"""

from vol_assets.smiles.charts.dataset import dataset
from vol_assets.smiles.charts.leaderboard import leaderboard
from vol_assets.smiles.charts.smiles import forecast_rows, smiles
from vol_assets.smiles.charts.training import training

__all__ = ["dataset", "forecast_rows", "leaderboard", "smiles", "training"]
