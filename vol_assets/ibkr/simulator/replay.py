"""A gateway that says again what a recorded one said.

    python -m vol_assets.ibkr.simulator.replay --port 4002 --file session.jsonl

A request is known by its message and its fields, whatever its id and its place among others; it gets the answers that
it got then, as long after it as then. Asked again it gets what it got the next time, or else the same. What a gateway
said unasked follows the last request without an id before it. A contract that was not asked for then is one that the
gateway does not know.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from pathlib import Path

from vol_assets.errors import GatewayError
from vol_assets.ibkr.framing import HELLO, decode, encode, length_of
from vol_assets.ibkr.simulator.messages import ASKED_ID_AT, TOLD_ID_AT, Ask, Tell, notice
from vol_assets.ibkr.simulator.recording import Recorded, read
from vol_assets.ibkr.simulator.server import Server, arguments, run

Request = tuple[str, ...]
Answers = list[tuple[float, tuple[str, ...]]]
HANDSHAKE: Request = ("handshake",)


class Replay(Server):
    """Serves the recording at `path`. began: when it was made, UTC."""

    def __init__(self, path: Path):
        super().__init__()
        self.began, frames = read(path)
        self._answers = _answers(frames)
        if HANDSHAKE not in self._answers:
            raise GatewayError(f"{path} holds no connection to a gateway; record one")

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        waiting: dict[str, list[asyncio.TimerHandle]] = defaultdict(list)
        times: dict[Request, int] = defaultdict(int)

        def send(fields: tuple[object, ...]) -> None:
            if not writer.is_closing():
                writer.write(encode(*fields))

        def answer(request: Request, id_: str) -> None:
            known = self._answers.get(request)
            if known is None:
                if id_:
                    send(notice(200, "not asked for in the recording", id_))
                return
            answers = known[min(times[request], len(known) - 1)]
            times[request] += 1
            for after, fields in answers:
                place = _place(fields, TOLD_ID_AT)
                told = fields if not id_ or place is None else (*fields[:place], id_, *fields[place + 1 :])
                waiting[id_].append(self.loop.call_later(after, send, told))

        try:
            await reader.readexactly(len(HELLO))
            await reader.readexactly(length_of(await reader.readexactly(4)))
            answer(HANDSHAKE, "")
            while True:
                payload = await reader.readexactly(length_of(await reader.readexactly(4)))
                request, id_ = _request(tuple(decode(payload)))
                if request[0] == str(int(Ask.CANCEL_MARKET_DATA)):
                    for handle in waiting.pop(id_, []):
                        handle.cancel()
                else:
                    answer(request, id_)
        finally:
            for handle in (handle for handles in waiting.values() for handle in handles):
                handle.cancel()


def _answers(frames: list[Recorded]) -> dict[Request, list[Answers]]:
    """What each request got, once for every time that it was made."""
    answers: dict[Request, list[Answers]] = defaultdict(list)
    for number in sorted({frame.connection for frame in frames}):
        by_id: dict[str, tuple[float, Answers]] = {}
        for frame in (frame for frame in frames if frame.connection == number):
            if frame.is_client:
                request, id_ = _request(frame.fields)
                answers[request].append(answer := [])
                by_id[id_] = (frame.at, answer)
            else:
                place = _place(frame.fields, TOLD_ID_AT)
                id_ = "" if place is None else frame.fields[place]
                if known := by_id.get(id_) or by_id.get(""):
                    asked_at, answer = known
                    answer.append((frame.at - asked_at, frame.fields))
    return dict(answers)


def _request(fields: tuple[str, ...]) -> tuple[Request, str]:
    """A client's message without its id, and the id; empty where it has none: then the message's number says all."""
    if fields[0].startswith("v"):
        return HANDSHAKE, ""
    place = _place(fields, ASKED_ID_AT)
    if place is None:
        return (fields[0],), ""
    return fields[:place] + fields[place + 1 :], fields[place]


def _place(fields: tuple[str, ...], places: dict[Ask, int] | dict[Tell, int]) -> int | None:
    number = fields[0]
    place = places.get(int(number)) if number.isdecimal() else None
    return place if place is not None and fields[place] != "-1" else None


def main() -> None:
    """The command."""
    parser = arguments(__doc__)
    parser.add_argument("--port", type=int, default=4002, help="where to listen (%(default)s)")
    parser.add_argument("--file", type=Path, required=True, help="the replay file to serve")
    options = parser.parse_args()
    try:
        replay = Replay(options.file)
    except GatewayError as error:
        parser.error(str(error))
    run(replay, options.port, lambda: f"replaying {options.file} of {replay.began} on 127.0.0.1:{replay.port}")


if __name__ == "__main__":
    main()
