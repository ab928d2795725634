"""Whether a gateway answers, asked without being a client."""

from __future__ import annotations

import socket
import threading
from dataclasses import replace

import pytest
from smile_market import FAST

from vol_assets.errors import GatewayError
from vol_assets.ibkr import Gateway, Greeting, greet
from vol_assets.ibkr.framing import frame


def test_a_gateway_greets_with_its_version_and_its_time(simulate):
    simulator = simulate()
    greeting = greet(Gateway(port=simulator.port))
    assert greeting == Greeting(176, greeting.time)
    assert greeting.time.startswith("20240315 16:0")
    assert not simulator.asked


def test_a_greeting_takes_no_client_id(simulate, known, ask):
    simulator = simulate()
    for _ in range(3):
        greet(Gateway(port=simulator.port))
    assert ask(simulator, known).quoted


def test_a_greeting_in_pieces_is_put_together(simulate):
    assert greet(Gateway(port=simulate(replace(FAST, chunk=1)).port)).version == 176


def test_where_nothing_listens_it_says_what_to_start(free_port):
    with pytest.raises(GatewayError, match="start TWS or IB Gateway"):
        greet(Gateway(port=free_port()))


def test_a_gateway_that_says_nothing_is_given_up(simulate):
    with pytest.raises(GatewayError, match=r"within 0\.2 s"):
        greet(Gateway(port=simulate(replace(FAST, greeting=False)).port), seconds=0.2)


@pytest.mark.parametrize(
    ("says", "words"),
    [
        (b"", "closed the connection"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "another protocol"),
        (frame(b"hello\0"), "no TWS or IB Gateway"),
        (frame(b"x\0now\0"), "no TWS or IB Gateway"),
    ],
)
def test_what_is_no_gateway_is_told_from_one(says, words):
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(100)
                connection.sendall(says)

        threading.Thread(target=answer, daemon=True).start()
        with pytest.raises(GatewayError, match=words):
            greet(Gateway(port=server.getsockname()[1]))
