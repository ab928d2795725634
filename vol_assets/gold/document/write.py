"""From a report to a document, and from documents and pages to files that are there whole or not at all."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from vol_assets.errors import ReportError
from vol_assets.gold.document.plain import plain
from vol_assets.gold.document.seed import SCHEMA_VERSION, Document, seed_blocks
from vol_assets.gold.report import GoldReport

SHOWN = 80  # characters of a refused value that a message shows
_LINE = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode


def document_of(report: GoldReport) -> dict[str, Any]:
    """The document of a report, as plain data; `docs/gold_surface_data.schema.json` says what its numbers mean."""
    return plain(Document(SCHEMA_VERSION, *seed_blocks(report), report))


def validated(document: dict[str, Any]) -> None:
    """Check a document against its schema; a ReportError names the first place it breaks and what lies there."""
    error = next(_validator().iter_errors(document), None)
    if error is None:
        return
    while error.kind.name == "anyOf":  # an object or null: what is wrong with the object
        error = error.kind.context[0][0]
    path = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in error.instance_path).lstrip(".")
    came = json.dumps(error.instance, ensure_ascii=False)
    came = came if len(came) <= SHOWN else f"{came[:SHOWN]} ..."
    raise ReportError(
        f"the gold document breaks its schema at {path or 'its root'}: {error.message}; it is {came}. "
        "`python -m vol_assets.gold.document.schema` prints what may stand there"
    )


@cache
def _validator() -> Any:
    import jsonschema_rs

    from vol_assets.gold.document.schema import document_schema

    return jsonschema_rs.Draft202012Validator(document_schema(), mask="it", validate_formats=True)


def to_json(document: dict[str, Any]) -> bytes:
    """A document as UTF-8 JSON, the same bytes for equal documents; a ReportError where a number is not finite.

    What holds no further list or object stands on one line: a quote, an interval, the strikes of a curve.
    """
    try:
        return ("".join(_lines(document, "\n")) + "\n").encode()
    except ValueError as error:
        raise ReportError(f"a document holds finite numbers and null, never NaN or infinity ({error})") from error


def _lines(value: Any, margin: str) -> Iterator[str]:
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    if not any(isinstance(part, dict | list) for part in parts):
        yield _LINE(value)
        return
    keys = [f"{_LINE(key)}: " for key in value] if isinstance(value, dict) else [""] * len(value)
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    inner = f"{margin} "
    for number, (key, part) in enumerate(zip(keys, parts)):
        yield f"{',' if number else opening}{inner}{key}"
        yield from _lines(part, inner)
    yield f"{margin}{closing}"


def write_files(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write files into a folder, made if need be; files of other names there are left alone.

    All are written aside on the same file system and synced before the first is renamed into place, so that a killed
    process or a full disk leaves every file as it was or as it should be. A ReportError where it cannot be written.
    """
    for name in files:
        if Path(name).name != name:
            raise ReportError(f"{name!r} is no name of a file; give one without a folder")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".aside-", dir=folder) as aside:
            for name, content in files.items():
                with open(Path(aside) / name, "wb") as file:
                    file.write(content)
                    file.flush()
                    os.fsync(file.fileno())
            for name in files:
                os.replace(Path(aside) / name, folder / name)
            _sync(folder)
    except OSError as error:
        raise ReportError(
            f"writing {', '.join(files)} into {folder} failed ({error}); nothing half-written was kept. "
            "Make the folder writable or point VOL_ASSETS_DATA at another"
        ) from error


def _sync(folder: Path) -> None:
    """Make the renames in a folder last through a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
