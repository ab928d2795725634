"""The tables of the report: each reads the `analysis` block and gives what the template draws, or an SVG of why not."""
