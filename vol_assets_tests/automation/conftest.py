"""The desk of the live smile's tests."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

import pytest
from live_desk import LiveDesk, open_desk


@pytest.fixture
def desk_with(tmp_path) -> Iterator[Callable[..., LiveDesk]]:
    """A function that opens a desk on a simulated gateway for the length of a test."""
    with contextlib.ExitStack() as stack:
        yield lambda *how, **options: stack.enter_context(open_desk(tmp_path, *how, **options))
