"""From a report to a document, checked against its schema, and from a document to the bytes of its file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
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
