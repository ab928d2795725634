"""Pictures of a surface: each function returns a matplotlib Figure, drawn by Agg, WIDTH inches wide.

Rows are one session's of surface/<underlying> or tenors/<underlying>; the Surface is the one these rows stand for.
"""

from vol_assets.surfaces.charts.density import densities
from vol_assets.surfaces.charts.heat_map import heat_map
from vol_assets.surfaces.charts.smiles import smiles
from vol_assets.surfaces.charts.term_structure import term_structure

__all__ = ["densities", "heat_map", "smiles", "term_structure"]
