"""Stand between a client and a real gateway, pass everything on as it comes, and keep it in a replay file.

    python -m vol_assets.ibkr.simulator.recorder --gateway 127.0.0.1:7497 --port 4003 --file session.jsonl

and let the client connect to port 4003. Look into the file before giving it away: it holds what was asked and answered,
with account numbers replaced; a poll asks for nothing of the account.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Callable
from pathlib import Path

from vol_assets.errors import GatewayError
from vol_assets.ibkr.framing import HELLO, Frames
from vol_assets.ibkr.simulator.recording import Recording
from vol_assets.ibkr.simulator.server import Server, arguments, run

PIECE = 1 << 16


class Recorder(Server):
    """A proxy of the gateway at host and port that keeps what passes in the file at `path`."""

    def __init__(
        self, host: str, port: int, path: Path, now: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC)
    ):
        super().__init__()
        self._gateway = (host, port)
        self._recording = Recording(path, f"{host}:{port}", now)
        self._connections = 0

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections += 1
        connection = self._connections
        theirs, ours = await asyncio.open_connection(*self._gateway)
        try:
            pumps = (self._pump(reader, ours, connection, True), self._pump(theirs, writer, connection, False))
            await asyncio.gather(*pumps)
        finally:
            ours.close()

    async def _pump(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, connection: int, is_client: bool
    ) -> None:
        frames, hello = Frames(), len(HELLO) if is_client else 0  # the client's first bytes are no frame
        while data := await source.read(PIECE):
            sink.write(data)
            await sink.drain()
            skipped = min(hello, len(data))
            hello -= skipped
            for payload in frames.feed(data[skipped:]):
                self._recording.note(connection, is_client, payload)
        sink.write_eof()

    async def serve(self, port: int = 0, listening: Callable[[], None] = lambda: None) -> None:
        try:
            await super().serve(port, listening)
        finally:
            self._recording.close()


def main() -> None:
    """The command."""
    parser = arguments(__doc__)
    parser.add_argument("--gateway", default="127.0.0.1:7497", help="host:port of the gateway (%(default)s)")
    parser.add_argument("--port", type=int, default=4003, help="where to listen (%(default)s)")
    parser.add_argument("--file", type=Path, required=True, help="the replay file to write")
    options = parser.parse_args()
    host, _, port = options.gateway.rpartition(":")
    if not host or not port.isdecimal():
        parser.error(f"a gateway like 127.0.0.1:7497 is expected, not {options.gateway}")
    try:
        recorder = Recorder(host, int(port), options.file)
    except GatewayError as error:
        parser.error(str(error))
    run(recorder, options.port, lambda: f"recording {options.gateway} on 127.0.0.1:{recorder.port} to {options.file}")


if __name__ == "__main__":
    main()
