"""What an asset's page shows: column schemas with units, small tables, and pictures.

Metadata is stored in Dagster's event log with every run, so tables are short and a picture is one small PNG.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import dagster as dg
import pandas as pd

from vol_assets.charts.style import png
from vol_assets.contracts import Contract

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TABLE_ROWS = 30
PICTURE_DPI = 96  # a point is a point on the screen
PICTURE_WIDTH = 1080  # pixels: what is wider is cut by the dialog on a laptop's screen


def column_schema(contract: Contract) -> dg.TableSchema:
    """The contract as Dagster's column table: types, descriptions with units, constraints in words."""
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                name=column["name"],
                type=column["type"],
                description=column["description"] + (f" [{column['unit']}]" if column["unit"] else ""),
                constraints=dg.TableColumnConstraints(
                    nullable=column["nullable"] == "yes", other=[column["checks"]] if column["checks"] else []
                ),
            )
            for column in contract.describe()
        ],
        constraints=dg.TableConstraints(other=[str(check.error or check.name) for check in contract.checks]),
    )


def table(frame: pd.DataFrame, decimals: int = 4) -> dg.MetadataValue:
    """A frame as a Markdown table, at most TABLE_ROWS rows, numbers aligned on their decimals."""
    shown = frame.head(TABLE_ROWS)
    lines = [
        "| " + " | ".join(str(name) for name in shown.columns) + " |",
        "|" + "|".join(" ---: " if shown[name].dtype.kind in "fi" else " --- " for name in shown.columns) + "|",
        *("| " + " | ".join(_cell(value, decimals) for value in row) + " |" for row in shown.itertuples(index=False)),
    ]
    if len(frame) > TABLE_ROWS:
        lines.append(f"\n{len(frame) - TABLE_ROWS} more rows")
    return dg.MetadataValue.md("\n".join(lines))


def short_days(days: pd.Series) -> pd.Series:
    """Days as 25 Nov, never wrapped: for the last ten of something."""
    return days.dt.strftime("%d\N{NO-BREAK SPACE}%b")


def picture(figure: Figure) -> dg.MetadataValue:
    """A Matplotlib figure as a PNG inside Markdown."""
    return png_in_markdown(page_png(figure))


def page_png(figure: Figure) -> bytes:
    """A Matplotlib figure as a PNG file that fits a page."""
    return png(figure, min(PICTURE_DPI, int(PICTURE_WIDTH / figure.get_figwidth())))


def png_in_markdown(image: bytes) -> dg.MetadataValue:
    """A PNG file inside Markdown."""
    encoded = base64.b64encode(image).decode()
    return dg.MetadataValue.md(f"![picture](data:image/png;base64,{encoded})")


def _cell(value: object, decimals: int) -> str:
    if value is None or value is pd.NaT or (isinstance(value, float) and pd.isna(value)):
        return ""
    if isinstance(value, pd.Timestamp):
        return f"{value:%Y-%m-%d}"
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1e5 else f"{value:,.{decimals}f}"
    return str(value).replace("|", "\\|")
