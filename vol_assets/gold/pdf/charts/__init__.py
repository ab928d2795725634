"""The charts of the report: each reads the `analysis` block and gives an SVG of the size asked for."""
