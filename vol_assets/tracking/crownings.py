"""Who was champion when and why, as the registry itself tells: each crowning is a tag of the version crowned.

    crowned 2026-11-21T13:04:10.123456Z    {"by": "gate", "replaced": "3", "reason": "QLIKE is 0.92 of ..."}

A tag a crowning, set once: nothing is overwritten when a version is crowned again, and the history of a model is the
tags of its versions in the order of time.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from vol_assets.errors import RegistryError

GATE, HAND = "gate", "hand"
TAG = "crowned "
INSTANT = "%Y-%m-%dT%H:%M:%S.%fZ"


@dataclass(frozen=True)
class Crowning:
    """A version got the crown, at an instant (UTC), by GATE or HAND, from the version `replaced` or from nobody."""

    version: str
    at: dt.datetime
    by: str
    reason: str
    replaced: str | None
    rolled_back: bool = False

    @property
    def tag(self) -> tuple[str, str]:
        """Key and value of the tag that records it."""
        value: dict[str, Any] = {"by": self.by, "replaced": self.replaced, "reason": self.reason}
        if self.rolled_back:
            value["rolled_back"] = True
        return f"{TAG}{self.at:{INSTANT}}", json.dumps(value, ensure_ascii=False)


def read(version: str, tags: dict[str, str]) -> list[Crowning]:
    """The crownings among a version's tags, in the order of time; a RegistryError for one that was edited."""
    found = []
    for key, text in tags.items():
        if not key.startswith(TAG):
            continue
        try:
            at = dt.datetime.strptime(key.removeprefix(TAG), INSTANT).replace(tzinfo=dt.UTC)
            value = json.loads(text)
            rolled_back = bool(value.get("rolled_back", False))
            found.append(Crowning(version, at, value["by"], value["reason"], value["replaced"], rolled_back))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise RegistryError(
                f"the tag {key!r} of version {version} does not say who was crowned by whom and why ({text[:80]!r}); "
                "correct it in MLflow, or delete it"
            ) from error
    return sorted(found, key=lambda crowning: crowning.at)


def predecessor(crownings: Iterable[Crowning], champion: str) -> str | None:
    """The version that had the crown before the present champion; None if there was none.

    A rollback undoes a crowning and is none of its own: after it, the next goes one further back, not to and fro.
    Where the alias was moved in MLflow itself, what the crownings say they replaced tells of it.
    """
    line: list[str] = []
    for crowning in sorted(crownings, key=lambda crowning: crowning.at):
        line = _up_to(line, crowning.replaced) if crowning.replaced else []
        if crowning.rolled_back:
            line.pop()
        if line[-1:] != [crowning.version]:
            line.append(crowning.version)
    return next(iter(_up_to(line, champion)[-2:-1]), None)


def _up_to(line: list[str], version: str) -> list[str]:
    """The line of champions that ends with a version: cut after its last reign, or longer by one unheard of."""
    if version not in line:
        return [*line, version]
    return line[: len(line) - line[::-1].index(version)]
