"""What other processes do to a live store in its tests: module-level functions, so that a fresh process finds them."""

from __future__ import annotations

import signal
import time

import pandas as pd
from stored_frames import MINUTE, OPEN, features, quotes

from vol_assets.lake.live import FEATURES, QUOTES, LiveStore

CONTRACTS = 40
BUCKETS = 25
DEADLINE = 30.0  # seconds, after which a process gives up


def open_only(url: str) -> list[int]:
    with LiveStore(url) as store:
        return [len(store.latest(table)) for table in (QUOTES, FEATURES)]


def write_buckets(url: str) -> int:
    """BUCKETS polls, one after the other, each with one level in all of its quotes."""
    with LiveStore(url) as store:
        return sum(
            store.write_quotes(quotes(OPEN + MINUTE * bucket, contracts=CONTRACTS, level=1.0 + bucket))
            for bucket in range(BUCKETS)
        )


def watch(url: str) -> list[tuple[int, int]]:
    """The newest bucket until the last is there: of each that was seen, how many rows it had and how many levels."""
    seen: dict[pd.Timestamp, tuple[int, int]] = {}
    until = time.monotonic() + DEADLINE
    with LiveStore(url) as store:
        while OPEN + MINUTE * (BUCKETS - 1) not in seen and time.monotonic() < until:
            newest = store.latest(QUOTES)
            if len(newest):
                seen[newest["ts"][0]] = (len(newest), newest["bid"].nunique())
    return list(seen.values())


def rewrite(url: str, level: float) -> int:
    """The same bucket again and again, quotes and features, with a rest between: SQLite's lock is not handed on in
    turn, and a writer that never rests can starve the others."""
    with LiveStore(url, patience=DEADLINE) as store:
        for _ in range(4):
            time.sleep(0.1)
            poll = quotes(contracts=CONTRACTS, level=level)
            store.write_quotes(poll.sample(frac=1.0, random_state=int(level)))
            store.write_features(features(poll))
    return len(poll)


def hang_before_commit(url: str, told) -> None:
    """Write a poll over one that is there, say so when every row is sent, and never commit."""
    import sqlalchemy as sa

    @sa.event.listens_for(sa.Engine, "commit")
    def hang(_connection) -> None:
        told.set()
        signal.pause()

    LiveStore(url).write_quotes(quotes(buckets=2, contracts=5000, level=9.0))
