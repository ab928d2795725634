"""A TCP server on this machine: run by a command, or by a thread for as long as a `with` block lasts."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Future

from vol_assets.errors import GatewayError

HOST = "127.0.0.1"
PATIENCE = 60.0  # seconds for the thread to start or to end


class Server:
    """A subclass says in `connected` what it serves. port: where it listens."""

    def __init__(self) -> None:
        self.port = 0
        self.loop: asyncio.AbstractEventLoop
        self._server: asyncio.Server | None = None
        self._thread: threading.Thread | None = None
        self._tasks: set[asyncio.Task] = set()

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection until it ends."""
        raise NotImplementedError

    async def prepared(self) -> None:
        """What is to be done before listening."""

    async def serve(self, port: int = 0, listening: Callable[[], None] = lambda: None) -> None:
        """Serve until stopped; `port` 0 takes a free one. `listening` is called when it can be reached."""
        self.loop, self._stopped = asyncio.get_running_loop(), asyncio.Event()
        await self.prepared()
        try:
            await self.listen(port)
            listening()
            await self._stopped.wait()
        finally:
            self.close()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def listen(self, port: int) -> None:
        """Listen on a port, and no longer on another one."""
        self.close()
        try:
            self._server = await asyncio.start_server(self._connected, HOST, port)
        except OSError as error:
            raise GatewayError(f"cannot listen on {HOST}:{port} ({error.strerror}); choose another port") from error
        self.port = self._server.sockets[0].getsockname()[1]

    def close(self) -> None:
        """Listen no longer."""
        if self._server:
            self._server.close()

    def stop(self) -> None:
        """End `serve`, from any thread."""
        self.soon(self._stopped.set)

    def soon(self, action: Callable[..., object], *arguments: object) -> None:
        """Have something done in the server's thread; nothing once it has ended."""
        with contextlib.suppress(RuntimeError):
            self.loop.call_soon_threadsafe(action, *arguments)

    def __enter__(self):
        started: Future[None] = Future()

        def work() -> None:
            try:
                asyncio.run(self.serve(listening=lambda: started.set_result(None)))
            except BaseException as error:
                if started.done():
                    raise
                started.set_exception(error)

        self._thread = threading.Thread(target=work, name=type(self).__name__, daemon=True)
        self._thread.start()
        started.result(PATIENCE)
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._thread.join(PATIENCE)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        self._tasks.add(task)
        try:
            await self.connected(reader, writer)
        except (asyncio.CancelledError, asyncio.IncompleteReadError, ConnectionError, GatewayError):
            pass  # stopped, or the other side is gone or speaks another protocol: asyncio would print it
        finally:
            self._tasks.discard(task)
            writer.close()


def run(server: Server, port: int, words: Callable[[], str]) -> None:
    """Serve in this thread until SIGINT or SIGTERM; say `words` when the server can be reached."""

    async def serve() -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, server.stop)
        await server.serve(port, listening=lambda: print(words(), flush=True))

    try:
        asyncio.run(serve())
    except GatewayError as error:
        raise SystemExit(str(error)) from error


def arguments(description: str | None) -> argparse.ArgumentParser:
    """A command's parser; the module's docstring is its description."""
    return argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
