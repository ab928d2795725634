"""The frames of the TWS API: a length of four bytes, big-endian, then text fields, each ended by a NUL.

A client opens with the four bytes of HELLO and one frame `v<least>..<most>`; the gateway's first frame is its version
and the time. All later frames of a version up to 200 begin with the message's number.
"""

from __future__ import annotations

import struct

from vol_assets.errors import GatewayError

HELLO = b"API\0"
LONGEST = 1 << 24  # bytes: the longest answers (option parameters, a year of bars) stay below a hundredth of it

_LENGTH = struct.Struct(">I")


def frame(payload: bytes) -> bytes:
    """The payload after its length."""
    return _LENGTH.pack(len(payload)) + payload


def encode(*fields: object) -> bytes:
    """One frame of the fields: booleans as 1 and 0, None as an empty field; a GatewayError for a NUL inside one."""
    texts = [_text(field) for field in fields]
    if any("\0" in text for text in texts):
        raise GatewayError(f"a field of a message must not contain NUL, which ends it; there is one in {texts}")
    return frame("".join(f"{text}\0" for text in texts).encode(errors="surrogateescape"))


def decode(payload: bytes) -> list[str]:
    """The fields of a frame's payload; bytes that are no UTF-8 come through as lone surrogates."""
    return payload.decode(errors="surrogateescape").split("\0")[:-1]


class Frames:
    """Cuts a stream of bytes, however it comes in pieces, into the payloads of its frames."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[bytes]:
        """The payloads completed by `data`; a GatewayError for a length that no message has."""
        rest, payloads, start = self._rest + data, [], 0
        while len(rest) - start >= _LENGTH.size:
            end = start + _LENGTH.size + length_of(rest[start : start + _LENGTH.size])
            if len(rest) < end:
                break
            payloads.append(rest[start + _LENGTH.size : end])
            start = end
        self._rest = rest[start:]
        return payloads


def length_of(prefix: bytes) -> int:
    """The length that the four bytes before a payload give; a GatewayError beyond LONGEST."""
    (length,) = _LENGTH.unpack(prefix)
    if length > LONGEST:
        raise GatewayError(
            f"a message of the TWS API is at most {LONGEST} bytes long; {prefix!r} announces {length}: "
            "what is on the other side speaks another protocol"
        )
    return length


def _text(field: object) -> str:
    if field is None:
        return ""
    return str(int(field)) if isinstance(field, bool) else str(field)
