"""What a gateway has said of contracts in a session, in one small JSON file: asked for once, it serves all day.

A contract's number stays; a strike that has no contract has none all day, and is remembered as None. Numbers of the
simulator are none of the exchange's, so each source has its own folder. Files of other days are deleted.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
import threading
from dataclasses import dataclass, field
from pathlib import Path

from vol_assets.ibkr.plan import OptionKey


@dataclass
class Known:
    """Contracts of one underlying in one session.

    share: number of the underlying's contract; expirations and strikes: all there are, in no combination; numbers: of
    options, None: there is no such contract; vol: the share's last known 30-day implied vol, decimal a year.
    """

    share: int | None = None
    expirations: list[dt.date] = field(default_factory=list)
    strikes: list[float] = field(default_factory=list)
    multiplier: str = ""
    numbers: dict[OptionKey, int | None] = field(default_factory=dict)
    vol: float | None = None

    def strikes_of(self, expiration: dt.date) -> list[float]:
        """The strikes that may have contracts of both rights in that expiration."""
        missing = {key.strike for key, number in self.numbers.items() if key.expiration == expiration and not number}
        return [strike for strike in self.strikes if strike not in missing]

    @classmethod
    def read(cls, path: Path) -> Known:
        """What the file holds; nothing known where there is none, or none that can be read."""
        try:
            content = json.loads(path.read_text())
            return cls(
                share=content["share"],
                expirations=[dt.date.fromisoformat(day) for day in content["expirations"]],
                strikes=content["strikes"],
                multiplier=content["multiplier"],
                numbers={
                    OptionKey(dt.date.fromisoformat(day), strike, right): number
                    for day, strike, right, number in content["numbers"]
                },
                vol=content["vol"],
            )
        except (OSError, ValueError, KeyError, TypeError):
            return cls()

    def write(self, path: Path) -> None:
        """Replace the file in one step, and delete those of other days."""
        content = {
            "share": self.share,
            "expirations": [str(day) for day in self.expirations],
            "strikes": self.strikes,
            "multiplier": self.multiplier,
            "numbers": [(str(day), strike, right, number) for (day, strike, right), number in self.numbers.items()],
            "vol": self.vol,
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = path.with_suffix(f".{os.getpid()}.{threading.get_ident()}")
        aside.write_text(json.dumps(content))
        aside.replace(path)
        for other in path.parent.glob("*.json"):
            if other != path:
                with contextlib.suppress(FileNotFoundError):
                    other.unlink()


def known_path(folder: Path, source: str, underlying: str, session: dt.date) -> Path:
    """Where a session's contracts are kept."""
    return folder / source / underlying / f"{session}.json"
