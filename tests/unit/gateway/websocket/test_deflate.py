"""permessage-deflate, compared with another library."""

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sockgate_gateway.websocket.deflate import deflate, inflate, negotiate
from sockgate_gateway.websocket.frames import (
    CLOSE_INVALID_DATA,
    CLOSE_PROTOCOL_ERROR,
    CLOSE_TOO_BIG,
    FRAGMENT,
    FrameReader,
    Message,
    Opcode,
    WebSocketProtocolError,
)
from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.frames import Frame
from websockets.frames import Opcode as TheirOpcode


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
    with pytest.raises(WebSocketProtocolError) as failure:
        inflate(bomb, 32 * 1024)
    assert failure.value.code == CLOSE_TOO_BIG


@given(st.binary(max_size=200))
def test_inflate_of_any_data_fails_with_a_code_or_keeps_the_limit(payload):
    try:
        assert len(inflate(payload, 100)) <= 100
    except WebSocketProtocolError as failure:
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
def test_supported_offer_is_found(extensions, expected):
    assert bool(negotiate(extensions)) is expected


@pytest.mark.parametrize(
    ("extensions", "parameters"),
    [
        ("permessage-deflate", ""),
        ("permessage-deflate; client_max_window_bits=9", ""),
        ("permessage-deflate; server_max_window_bits=15", "; server_max_window_bits=15"),
        ('permessage-deflate; server_max_window_bits="15"', "; server_max_window_bits=15"),
        ("permessage-deflate; server_max_window_bits=9, permessage-deflate", ""),
        ("permessage-deflate, permessage-deflate; server_max_window_bits=15", ""),
    ],
)
def test_response_names_the_window_that_the_client_limits(extensions, parameters):
    flags = "; server_no_context_takeover; client_no_context_takeover"
    assert negotiate(extensions) == f"permessage-deflate{flags}{parameters}"


@pytest.mark.parametrize(
    "parameters",
    [
        "client_max_window_bits=8",
        "client_max_window_bits=15",
        'client_max_window_bits="10"',
        "client_max_window_bits = 12 ; server_no_context_takeover",
    ],
)
def test_well_formed_offer_is_accepted(parameters):
    assert negotiate(f"permessage-deflate; {parameters}")
    assert negotiate(f"permessage-deflate;{parameters}")


@pytest.mark.parametrize(
    "parameters",
    [
        "client_max_window_bits=7",
        "client_max_window_bits=16",
        "client_max_window_bits=08",
        "client_max_window_bits=",
        "client_max_window_bits=x",
        'client_max_window_bits=""',
        'client_max_window_bits="10',
        "client_max_window_bits; client_max_window_bits",
        "client_max_window_bits=10; client_max_window_bits=10",
        "server_max_window_bits=16",
        "server_max_window_bits=015",
        "server_no_context_takeover=1",
        "client_no_context_takeover=true",
        "server_no_context_takeover; server_no_context_takeover",
        "server_max_window_bits",
        "",
        "; client_max_window_bits",
        "client_max_window_bits;",
        "client max_window_bits",
        "client_max_window_bits=1 0",
    ],
)
def test_malformed_offer_is_declined(parameters):
    offer = f"permessage-deflate; {parameters}"
    assert not negotiate(offer)
    assert negotiate(f"{offer}, permessage-deflate")


def final(payload: bytes) -> bytes:
    """Compress, and set BFINAL in the last block."""
    compressor = zlib.compressobj(6, zlib.DEFLATED, -zlib.MAX_WBITS)
    return compressor.compress(payload) + compressor.flush()


def test_inflate_reads_the_examples_of_the_rfc():
    """RFC 7692 sections 7.2.3.1 and 7.2.3.3 to 7.2.3.6."""
    assert inflate(bytes.fromhex("f248cdc9c90700"), 5) == b"Hello"
    assert inflate(bytes.fromhex("000500faff48656c6c6f00"), 5) == b"Hello"
    assert inflate(bytes.fromhex("f348cdc9c9070000"), 5) == b"Hello"
    assert inflate(bytes.fromhex("f24805000000ffffcac9c90700"), 5) == b"Hello"
    assert inflate(b"\x00", 5) == b""


@given(st.lists(st.binary(max_size=500), min_size=1, max_size=5), st.binary(max_size=500))
def test_inflate_continues_after_a_final_block(parts, last):
    payload = b"".join(map(final, parts))
    assert inflate(payload + deflate(last), 5000) == b"".join(parts) + last
    assert inflate(payload + b"\x00", 5000) == b"".join(parts)
    assert inflate(payload, 5000) == b"".join(parts)


def test_inflate_stops_at_the_limit_after_a_final_block():
    with pytest.raises(WebSocketProtocolError) as failure:
        inflate(final(b"a" * 60) + deflate(b"b" * 60), 100)
    assert failure.value.code == CLOSE_TOO_BIG


@pytest.mark.parametrize(
    "payload",
    [
        pytest.param(final(b"") * 1000 + b"\x00", id="a thousand final blocks"),
        pytest.param(final(b"whole") + b"\xff\xff", id="garbage after a final block"),
        pytest.param(deflate(b"a long message of many words")[:-8], id="cut off"),
    ],
)
def test_inflate_rejects_incomplete_or_invalid_data(payload):
    with pytest.raises(WebSocketProtocolError) as failure:
        inflate(payload, 5000)
    assert failure.value.code == CLOSE_INVALID_DATA


def test_reader_inflates_a_message_in_fragments():
    payload = deflate(b"hello " * 50)
    reader = FrameReader(1000, inflate)
    data = masked(0x41, payload[:10]) + masked(0x89, b"ping") + masked(0x80, payload[10:])
    assert list(reader.feed(data)) == [
        FRAGMENT,
        Message(Opcode.PING, b"ping"),
        Message(Opcode.TEXT, b"hello " * 50),
    ]


def test_reader_reads_plain_messages_with_compression():
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
    ids=["not negotiated", "control frame", "continuation", "another bit"],
)
def test_reader_rejects_the_compression_bit_elsewhere(inflater, data):
    with pytest.raises(WebSocketProtocolError) as failure:
        list(FrameReader(1000, inflater).feed(data))
    assert failure.value.code == CLOSE_PROTOCOL_ERROR


def test_compressed_message_is_held_to_the_limit():
    with pytest.raises(WebSocketProtocolError) as failure:
        list(FrameReader(1000, inflate).feed(masked(0xC1, deflate(bytes(20_000)))))
    assert failure.value.code == CLOSE_TOO_BIG
