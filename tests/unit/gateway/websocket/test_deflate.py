"""Compression, against another library's."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.frames import Frame
from websockets.frames import Opcode as TheirOpcode

from gateway.websocket.deflate import deflate, inflate, is_offered
from gateway.websocket.frames import (
    CLOSE_INVALID_DATA,
    CLOSE_PROTOCOL_ERROR,
    CLOSE_TOO_BIG,
    FRAGMENT,
    FrameFailure,
    FrameReader,
    Message,
    Opcode,
)


def theirs():
    return PerMessageDeflate(
        remote_no_context_takeover=True,
        local_no_context_takeover=True,
        remote_max_window_bits=15,
        local_max_window_bits=15,
    )


def masked(first, payload):
    assert len(payload) < 126
    return bytes((first, 0x80 | len(payload))) + bytes(4) + payload


@given(st.binary(max_size=5000))
def test_deflate_is_read_by_another_library(payload):
    frame = Frame(TheirOpcode.TEXT, deflate(payload), rsv1=True)
    assert theirs().decode(frame).data == payload


@given(st.binary(max_size=5000))
def test_inflate_reads_another_library(payload):
    frame = theirs().encode(Frame(TheirOpcode.TEXT, payload))
    assert inflate(bytes(frame.data), 5000) == payload


def test_inflate_stops_at_the_limit():
    bomb = deflate(bytes(50_000_000))
    with pytest.raises(FrameFailure) as failure:
        inflate(bomb, 32 * 1024)
    assert failure.value.code == CLOSE_TOO_BIG


@given(st.binary(max_size=200))
def test_inflate_of_anything_fails_with_a_code_or_keeps_the_limit(payload):
    try:
        assert len(inflate(payload, 100)) <= 100
    except FrameFailure as failure:
        assert failure.code in (CLOSE_INVALID_DATA, CLOSE_TOO_BIG)


@pytest.mark.parametrize(
    ("extensions", "expected"),
    [
        ("permessage-deflate; client_max_window_bits", True),
        ("permessage-deflate", True),
        ("x-other, permessage-deflate; server_no_context_takeover", True),
        ("permessage-deflate; server_max_window_bits=10", False),
        ("permessage-deflate; server_max_window_bits=10, permessage-deflate", True),
        ("permessage-deflate; unknown", False),
        ("permessage-bzip2", False),
        ("", False),
    ],
)
def test_is_offered_takes_what_can_be_kept(extensions, expected):
    assert is_offered(extensions) is expected


def test_reader_inflates_a_message_in_fragments():
    payload = deflate(b"hello " * 50)
    reader = FrameReader(1000, inflate)
    data = masked(0x41, payload[:10]) + masked(0x89, b"ping") + masked(0x80, payload[10:])
    assert list(reader.feed(data)) == [
        FRAGMENT,
        Message(Opcode.PING, b"ping"),
        Message(Opcode.TEXT, b"hello " * 50),
    ]


def test_reader_takes_plain_messages_where_compression_was_agreed():
    reader = FrameReader(1000, inflate)
    assert list(reader.feed(masked(0x81, b"plain"))) == [Message(Opcode.TEXT, b"plain")]


@pytest.mark.parametrize(
    ("inflater", "data"),
    [
        (None, masked(0xC1, deflate(b"x"))),
        (inflate, masked(0xC9, b"ping")),
        (inflate, masked(0x01, b"a") + masked(0xC0, b"b")),
        (inflate, masked(0xA1, b"a")),
    ],
    ids=["not agreed", "control frame", "continuation", "another bit"],
)
def test_reader_refuses_the_bit_where_it_means_nothing(inflater, data):
    with pytest.raises(FrameFailure) as failure:
        list(FrameReader(1000, inflater).feed(data))
    assert failure.value.code == CLOSE_PROTOCOL_ERROR


def test_reader_holds_a_compressed_message_to_the_limit():
    with pytest.raises(FrameFailure) as failure:
        list(FrameReader(1000, inflate).feed(masked(0xC1, deflate(bytes(20_000)))))
    assert failure.value.code == CLOSE_TOO_BIG
