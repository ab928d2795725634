"""One function over many sessions, on both cores, in order, with few of them in memory.

Short ranges run here; longer ones go to worker processes (a thread would wait for the interpreter's lock). They are
forked from a clean server process, since this one has Dagster's threads, once for all assets of a run. A function that
is sent there should come from a room without Dagster, or every worker loads that first.
"""

from __future__ import annotations

import itertools
import multiprocessing
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import cache
from typing import Any

from threadpoolctl import threadpool_limits

from vol_assets.errors import VolAssetsError
from vol_assets.lake import Stored

FROM_SESSIONS = 24  # fewer do not pay for starting processes
BLOCK_SESSIONS = 4  # sent and answered together
BLOCKS_AHEAD = 4  # of each worker: all that is in memory
MAX_WORKERS = 4
LOADED_ONCE = ["vol_assets.curation.chains", "vol_assets.sources.sample", "vol_assets.surfaces.tenors"]


def in_order(
    function: Callable[..., Any], arguments: Iterable[tuple], count: int, *, block: int = BLOCK_SESSIONS
) -> Iterator[Any]:
    """function(*one) of each of the `count` arguments, in their order; functions and arguments must pickle.

    A `Stored` argument is read by the worker: reading costs this process more than writing what comes back. block: how
    many are sent together, 1 where each takes seconds; so many fewer pay for starting processes.
    """
    if count < FROM_SESSIONS * block // BLOCK_SESSIONS or _workers() < 2:
        with _one_thread():
            for one in arguments:
                yield _call(function, one)
        return
    arguments, pending = iter(arguments), deque()
    pool = _pool()
    try:
        while True:
            while len(pending) < _workers() * BLOCKS_AHEAD:
                together = list(itertools.islice(arguments, block))
                if not together:
                    break
                pending.append(pool.submit(_block, function, together))
            if not pending:
                return
            yield from pending.popleft().result()
    except BrokenProcessPool as error:
        _pool.cache_clear()
        raise VolAssetsError(
            "a worker process died, most likely for want of memory; run a shorter range, or give the machine more"
        ) from error
    finally:
        for future in pending:
            future.cancel()


def _workers() -> int:
    return min(MAX_WORKERS, len(os.sched_getaffinity(0)))


@cache
def _pool() -> ProcessPoolExecutor:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(LOADED_ONCE)
    return ProcessPoolExecutor(_workers(), mp_context=context, initializer=_one_thread)


def _block(function: Callable[..., Any], block: list[tuple]) -> list[Any]:
    return [_call(function, one) for one in block]


def _call(function: Callable[..., Any], arguments: tuple) -> Any:
    return function(*(one.read() if isinstance(one, Stored) else one for one in arguments))


def _one_thread() -> threadpool_limits:
    """Chains are small arrays: the threads of a linear algebra library cost more in waiting than they do in work."""
    return threadpool_limits(1)
