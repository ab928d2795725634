"""The pages of the report: charts as SVG by a small toolkit of our own, set into A4 landscape pages by Typst."""
