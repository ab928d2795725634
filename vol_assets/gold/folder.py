"""The reports folder: `gold/<session>/gold_surface_data.json` and `gold_report.pdf` beside it.

A file is written aside on the same file system and synced before it is renamed into place, so that a killed process or
a full disk leaves it as it was or as it should be.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vol_assets.errors import ReportError

DOCUMENT = "gold_surface_data.json"
PDF = "gold_report.pdf"


@dataclass(frozen=True)
class Reports:
    """Where the reports of one data folder are, and the language of their pages."""

    root: Path
    language: str = "en"

    def path(self, session: dt.date, name: str) -> Path:
        """Where a file of a session is, or would be."""
        return self.root / "gold" / str(session) / name

    def write(self, session: dt.date, name: str, content: bytes) -> Path:
        """Replace one file of a session, whole or not at all; a ReportError where it cannot be written."""
        path = self.path(session, name)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(prefix=".aside-", dir=path.parent) as aside:
                with open(Path(aside) / name, "wb") as file:
                    file.write(content)
                    file.flush()
                    os.fsync(file.fileno())
                os.replace(Path(aside) / name, path)
                _sync(path.parent)
        except OSError as error:
            raise ReportError(
                f"writing {path} failed ({error}); nothing half-written was kept. "
                "Make the folder writable or point VOL_ASSETS_DATA at another"
            ) from error
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


def _sync(folder: Path) -> None:
    """Make the renames in a folder last through a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
