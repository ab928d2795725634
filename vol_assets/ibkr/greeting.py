"""Whether a gateway answers: the first two frames of the protocol over a plain socket, and no more.

It takes no client id and no market-data line, so a sensor may do it every few seconds while a poll is running.
"""

from __future__ import annotations

import socket
import time
from typing import NamedTuple

from vol_assets.errors import GatewayError
from vol_assets.ibkr.framing import HELLO, Frames, decode, frame

VERSIONS = b"v157..176"  # what ib_insync speaks


class Gateway(NamedTuple):
    """Where a gateway listens, and the client id to use there: one connection at a time may have it."""

    host: str = "127.0.0.1"
    port: int = 7497
    client_id: int = 10

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


class Greeting(NamedTuple):
    """What a gateway says of itself: the protocol version agreed on, its time as it writes it (in its own zone)."""

    version: int
    time: str


def greet(gateway: Gateway, seconds: float = 2.0) -> Greeting:
    """The gateway's first words within `seconds`; a GatewayError that says what came instead and what to look at."""
    end = time.monotonic() + seconds
    try:
        with socket.create_connection(gateway[:2], timeout=seconds) as connection:
            connection.sendall(HELLO + frame(VERSIONS))
            frames, payloads = Frames(), []
            while not payloads:
                connection.settimeout(max(end - time.monotonic(), 1e-3))
                data = connection.recv(4096)
                if not data:
                    raise GatewayError(f"{gateway} closed the connection; is this address among its trusted ones?")
                payloads = frames.feed(data)
    except TimeoutError as error:
        raise GatewayError(
            f"nothing answered at {gateway} within {seconds:g} s; look at the gateway's window for a question or a "
            "login that it waits with"
        ) from error
    except OSError as error:
        raise GatewayError(
            f"no gateway at {gateway} ({error.strerror or error}); start TWS or IB Gateway, enable socket clients in "
            "its API settings, and compare the port"
        ) from error
    fields = decode(payloads[0])
    if len(fields) != 2 or not fields[0].isdecimal():
        raise GatewayError(f"{gateway} is no TWS or IB Gateway: expected its version and time, it said {fields!r:.100}")
    return Greeting(int(fields[0]), fields[1])
