"""What a database says when it cannot, as one StoreError: what is wrong and what to do, and never a password."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from vol_assets.errors import StoreError

if TYPE_CHECKING:
    from sqlalchemy import URL

LOCKED = "it is locked: another process has held it for more than {patience:g} s; the next try may pass, or end it"
OTHER = "it has lost a table or column since it was opened ({said}); open it again"
BROKEN = "it is no SQLite database or a damaged one ({said}); move the file away"
UNWRITABLE = "it cannot be opened or written ({said}); free the disk, make it writable or correct VOL_ASSETS_LIVE_URL"
DOWN = "it does not answer ({said}); start it or correct VOL_ASSETS_LIVE_URL"

# By PostgreSQL's code of the error where there is one, otherwise by the words: the first that fits.
_CODES = {
    "55P03": LOCKED,
    "40P01": LOCKED,
    "42P01": OTHER,
    "42703": OTHER,
    "53100": UNWRITABLE,
    "57P": DOWN,
    "08": DOWN,
}
_WORDS = {
    "is locked": LOCKED,
    "no such (table|column)|has no column": OTHER,
    "not a database|malformed|disk image": BROKEN,
    "unable to open|readonly|is full|disk I/O": UNWRITABLE,
    "connection|connect to|could not translate|terminat|timeout expired|does not exist|authentication": DOWN,
}


@contextmanager
def in_words(url: URL, place: str, patience: float) -> Iterator[None]:
    """Have what SQLAlchemy raises inside the block raised as a StoreError."""
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except SQLAlchemyError as error:
        raise StoreError(f"the live store {place}: {_what(error, url, patience)}") from error


def _what(error: Exception, url: URL, patience: float) -> str:
    raised = getattr(error, "orig", None) or error
    said = (str(raised).strip() or type(raised).__name__).splitlines()[0][:300]
    if url.password:
        said = said.replace(str(url.password), "***")
    code = getattr(raised, "pgcode", None) or ""
    words = [form for start, form in _CODES.items() if code and code.startswith(start)]
    words += [form for pattern, form in _WORDS.items() if not code and re.search(pattern, said)]
    return (words[0] if words else "it fails ({said})").format(said=said, patience=patience)
