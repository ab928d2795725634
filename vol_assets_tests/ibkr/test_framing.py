"""Frames of the TWS API, in whatever pieces they come."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vol_assets.errors import GatewayError
from vol_assets.ibkr.framing import LONGEST, Frames, decode, encode, frame

TEXT = st.text(st.characters(blacklist_characters="\0", blacklist_categories=["Cs"]), max_size=40)
MESSAGES = st.lists(st.lists(TEXT, min_size=1, max_size=8), max_size=8)


@settings(max_examples=60)
@given(messages=MESSAGES, cuts=st.lists(st.integers(0, 2000), max_size=30))
def test_messages_come_out_as_they_went_in_wherever_the_stream_is_cut(messages, cuts):
    stream = b"".join(encode(*fields) for fields in messages)
    ends = sorted({min(cut, len(stream)) for cut in cuts} | {0, len(stream)})
    frames = Frames()
    payloads = [payload for start, end in itertools.pairwise(ends) for payload in frames.feed(stream[start:end])]
    assert [decode(payload) for payload in payloads] == messages


@settings(max_examples=40)
@given(messages=MESSAGES)
def test_a_stream_of_single_bytes_gives_each_message_with_its_last_byte(messages):
    frames = Frames()
    for fields in messages:
        *most, last = (bytes([byte]) for byte in encode(*fields))
        assert [frames.feed(piece) for piece in most] == [[]] * len(most)
        assert [decode(payload) for payload in frames.feed(last)] == [fields]


@given(payload=st.binary(max_size=200))
def test_bytes_that_are_no_text_survive_decoding(payload):
    whole = payload.replace(b"\0", b"") + b"\0"
    assert encode(*decode(whole)) == frame(whole)


def test_values_are_written_as_the_protocol_wants_them():
    assert encode(71, 2, True, False, None, 1.5, "x") == b"\0\0\0\x10" + b"71\x002\x001\x000\x00\x001.5\x00x\0"


def test_a_field_with_a_nul_in_it_is_refused():
    with pytest.raises(GatewayError, match="NUL"):
        encode("a\0b")


@pytest.mark.parametrize("stream", [b"HTTP/1.1 400 Bad Request\r\n", (LONGEST + 1).to_bytes(4, "big")])
def test_a_length_that_no_message_has_tells_another_protocol(stream):
    with pytest.raises(GatewayError, match="another protocol"):
        Frames().feed(stream)
