"""Recordings of what a client and a gateway said: one JSON object a line, one line a frame.

The first line says when and with which gateway; each other one has `at` (seconds since then), `connection` (numbered
from 1), `by` (client or gateway) and `fields`, which joined by NUL are the frame's payload. Account numbers are not
kept: others of the same length stand for them.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from vol_assets.errors import GatewayError
from vol_assets.ibkr.simulator.messages import Tell


@dataclass(frozen=True)
class Recorded:
    """One frame. at: seconds since the recording began; fields: as `framing.decode` gives them."""

    at: float
    connection: int
    is_client: bool
    fields: tuple[str, ...]


class Recording:
    """A file that frames are written to as they come; a GatewayError where it is there already."""

    def __init__(self, path: Path, gateway: str, now: Callable[[], dt.datetime]):
        self._now, self._began = now, now()
        self._accounts: dict[str, str] = {}
        try:
            self._file = path.open("x")
        except FileExistsError as error:
            raise GatewayError(f"{path} is a recording already; give another name or delete it") from error
        except OSError as error:
            raise GatewayError(f"{path} cannot be written ({error.strerror})") from error
        self._write({"began": self._began.isoformat(), "gateway": gateway})

    def note(self, connection: int, is_client: bool, payload: bytes) -> None:
        """Write one frame."""
        fields = payload.decode(errors="surrogateescape").split("\0")
        if not is_client and fields[0] == str(int(Tell.ACCOUNTS)):
            for name in filter(None, fields[2].split(",")):
                kind = re.match(r"[A-Za-z]*", name)[0]  # letters say what kind of account it is
                self._accounts.setdefault(name, f"{kind}{len(self._accounts) + 1:0{len(name) - len(kind)}d}")
        for name, other in self._accounts.items():
            fields = [field.replace(name, other) for field in fields]
        at = (self._now() - self._began).total_seconds()
        by = "client" if is_client else "gateway"
        self._write({"at": round(at, 6), "connection": connection, "by": by, "fields": fields})

    def close(self) -> None:
        self._file.close()

    def _write(self, line: dict[str, object]) -> None:
        self._file.write(json.dumps(line) + "\n")
        self._file.flush()


def read(path: Path) -> tuple[dt.datetime, list[Recorded]]:
    """When a recording began, and its frames; a GatewayError that names the line that is none."""
    try:
        lines = path.read_text().splitlines() or [""]
    except (OSError, UnicodeDecodeError) as error:
        raise GatewayError(f"{path} cannot be read: {error}") from error
    parsed = []
    for number, line in enumerate(lines, 1):
        try:
            parsed.append(
                _frame(json.loads(line)) if number > 1 else dt.datetime.fromisoformat(json.loads(line)["began"])
            )
        except (ValueError, KeyError, TypeError, IndexError) as error:
            raise GatewayError(f"{path}, line {number}: expected a line of a recording, got {line!r:.80}") from error
    began, *frames = parsed
    return began, frames


def _frame(line: dict) -> Recorded:
    fields = line["fields"]
    if fields[-1] == "":  # the last field ends with a NUL, as all do, but for the client's first frame
        fields = fields[:-1]
    return Recorded(line["at"], line["connection"], line["by"] == "client", tuple(fields))
