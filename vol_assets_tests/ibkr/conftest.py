"""Simulated gateways for the tests of the client, and folders in which every contract is known already."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from smile_market import FAST, FEW, NOON, SmileMarket

from vol_assets.ibkr import Gateway, Limits, Poll, poll
from vol_assets.ibkr.known import Known, known_path
from vol_assets.ibkr.simulator import Behaviour, SimulatedClock, Simulator
from vol_assets.ibkr.simulator.contracts import SHARE_NUMBER


@pytest.fixture
def simulate() -> Iterator[Callable[..., Simulator]]:
    """A function that starts a simulated gateway for the length of a test; it is noon of a session there."""
    with contextlib.ExitStack() as stack:

        def start(behaviour: Behaviour = FAST, market=None, at: dt.datetime = NOON, **options) -> Simulator:
            return stack.enter_context(Simulator(market or SmileMarket(), SimulatedClock(at), behaviour, **options))

        yield start


@pytest.fixture
def known(tmp_path) -> Path:
    """A folder in which every contract of the smile market is known, so that a poll asks for quotes alone."""
    market = SmileMarket()
    everything = Known(
        share=SHARE_NUMBER,
        expirations=sorted({key.expiration for key in market.numbers}),
        strikes=sorted({key.strike for key in market.numbers}),
        multiplier="100",
        numbers=dict(market.numbers),
        vol=0.18,
    )
    everything.write(known_path(tmp_path, "simulator", "SPY", NOON.date()))
    return tmp_path


@pytest.fixture
def ask() -> Callable[..., Poll]:
    """A function that polls a simulated gateway, on its clock."""

    def ask(simulator: Simulator, folder: Path, limits: Limits = FEW, client_id: int = 10, **options) -> Poll:
        return poll(
            Gateway(port=simulator.port, client_id=client_id),
            folder,
            now=options.pop("now", simulator.now),
            limits=limits,
            **options,
        )

    return ask
