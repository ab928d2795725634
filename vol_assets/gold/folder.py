"""The reports folder: `gold/<session>/gold_surface_data.json` and `gold_report.pdf` beside it."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vol_assets.errors import ReportError
from vol_assets.gold.document.write import write_files

DOCUMENT = "gold_surface_data.json"
PDF = "gold_report.pdf"


@dataclass(frozen=True)
class Reports:
    """Where the reports of one data folder are, and the language of their pages."""

    root: Path
    language: str = "en"

    def path(self, session: dt.date, name: str) -> Path:
        return self.root / "gold" / str(session) / name

    def write(self, session: dt.date, name: str, content: bytes) -> Path:
        """Replace one file of a session, whole or not at all."""
        path = self.path(session, name)
        write_files(path.parent, {name: content})
        return path

    def read_document(self, session: dt.date) -> dict[str, Any]:
        """The document of a session; a ReportError where there is none that can be read."""
        path = self.path(session, DOCUMENT)
        try:
            return json.loads(path.read_bytes())
        except FileNotFoundError:
            raise ReportError(f"{path} is not there; materialize gold/surface_data of {session} first") from None
        except ValueError as error:
            raise ReportError(f"{path} is no JSON any more ({error}); materialize gold/surface_data again") from error
