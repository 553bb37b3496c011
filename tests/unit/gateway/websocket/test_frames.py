"""RFC 6455 frames, compared with the RFC and with the ``websockets`` library."""

from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sockgate_gateway.websocket.frames import (
    FRAGMENT,
    FrameReader,
    Message,
    Opcode,
    WebSocketProtocolError,
    encode,
    encode_close,
    read_close,
    unmask,
)
from websockets.frames import Frame
from websockets.frames import Opcode as TheirOpcode
from websockets.protocol import State
from websockets.server import ServerProtocol

LIMIT_BYTES = 70_000
DATA = st.sampled_from([Opcode.TEXT, Opcode.BINARY])
CONTROL = st.sampled_from([Opcode.PING, Opcode.PONG])
SIZES = st.sampled_from([0, 1, 124, 125, 126, 127, 128, 65_534, 65_535, 65_536, 65_537])
MASK = b"\x01\x82\x03\x84"


def frame(opcode: int, payload: bytes = b"", *, fin: bool = True) -> bytes:
    """Return a client's frame, encoded by the ``websockets`` library."""
    return Frame(TheirOpcode(opcode), payload, fin=fin).serialize(mask=True)


def raw_frame(
    first: int, payload: bytes = b"", *, is_masked: bool = True, width: int | None = None
) -> bytes:
    """Return a client's frame, possibly an invalid one."""
    size = len(payload)
    width = width if width is not None else 0 if size < 126 else 2
    head = bytes((first, (0x80 if is_masked else 0) | {0: size, 2: 126, 8: 127}[width]))
    length = size.to_bytes(width) if width else b""
    return head + length + (MASK + unmask(payload, MASK) if is_masked else payload)


OUT_OF_PLACE_AND_TOO_LONG = [raw_frame(first, bytes(65_536), width=8) for first in (0x01, 0x81)]
"""The second frame begins a message within a message, and both are too long together."""


def cut(data: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[start:end] for start, end in pairwise(edges)]


def read(chunks: list[bytes], limit_bytes: int = LIMIT_BYTES) -> tuple[list[Message], int]:
    """Return the messages in these bytes, and the close code of a protocol error, or 0."""
    reader, messages = FrameReader(limit_bytes), []
    try:
        for chunk in chunks:
            messages.extend(m for m in reader.feed(chunk) if m is not FRAGMENT)
    except WebSocketProtocolError as failure:
        return messages, failure.code
    return messages, 0


def read_by_oracle(frames: list[bytes]) -> tuple[list[Message], set[int]]:
    """Return the messages in these frames, and the close codes that are right.

    A frame may break the protocol (1002) and be too long (1009) as well. RFC 6455 does not rank
    the two, so both codes are right. An oracle without a limit shows whether the frame for which
    the other oracle sends 1009 breaks the protocol, too. In all other cases one code is right.
    """
    protocol = ServerProtocol(state=State.OPEN, max_size=LIMIT_BYTES)
    unlimited = ServerProtocol(state=State.OPEN, max_size=None)
    codes = {0}
    for data in frames:
        protocol.receive_data(data)
        unlimited.receive_data(data)
        if protocol.close_sent:
            codes = {one.close_sent.code for one in (protocol, unlimited) if one.close_sent}
            break
    messages, parts = [], []
    for event in protocol.events_received():
        if event.opcode in (TheirOpcode.PING, TheirOpcode.PONG):
            messages.append(Message(Opcode(event.opcode), bytes(event.data)))
            continue
        parts.append(event)
        if event.fin:
            payload = b"".join(bytes(part.data) for part in parts)
            messages.append(Message(Opcode(parts[0].opcode), payload))
            parts = []
    return messages, codes


@st.composite
def conversations(draw) -> tuple[list[Message], bytes]:
    """Messages in fragments with control frames between these, and how they travel."""
    messages, sent = [], b""
    for opcode in draw(st.lists(DATA, max_size=4)):
        payload = draw(st.binary(max_size=300) | st.builds(bytes, SIZES))
        parts = cut(payload, draw(st.lists(st.integers(0), max_size=3)))
        for number, part in enumerate(parts):
            for control in draw(st.lists(CONTROL, max_size=1)):
                data = draw(st.binary(max_size=125))
                messages.append(Message(control, data))
                sent += frame(control, data)
            is_last = number == len(parts) - 1
            sent += frame(opcode if number == 0 else Opcode.CONTINUATION, part, fin=is_last)
        messages.append(Message(opcode, payload))
    return messages, sent


@st.composite
def broken_frames(draw) -> bytes:
    """Any first byte on a frame of any size, masked or not."""
    payload = bytes(draw(SIZES | st.integers(0, 130)))
    return raw_frame(
        draw(st.integers(0, 255)),
        payload,
        is_masked=draw(st.sampled_from([True, True, True, False])),
        width=8 if len(payload) >= 1 << 16 else None,
    )


@given(conversation=conversations(), places=st.lists(st.integers(0), max_size=20))
def test_reader_yields_the_same_messages_however_the_bytes_are_split(conversation, places):
    messages, sent = conversation
    assert read(cut(sent, places)) == (messages, 0)


@given(conversation=conversations())
def test_reader_accepts_one_byte_at_a_time(conversation):
    messages, sent = conversation
    if len(sent) < 2000:
        assert read([sent[at : at + 1] for at in range(len(sent))]) == (messages, 0)


@given(
    conversation=conversations(),
    frames=st.lists(broken_frames(), max_size=4),
    places=st.lists(st.integers(0), max_size=8),
)
@example(conversation=([], b""), frames=OUT_OF_PLACE_AND_TOO_LONG, places=[])
def test_reader_agrees_with_the_oracle(conversation, frames, places):
    sent = [conversation[1], *(data for data in frames if data[0] & 0x0F != Opcode.CLOSE)]
    messages, code = read(cut(b"".join(sent), places))
    expected, codes = read_by_oracle(sent)
    assert messages == expected
    assert code in codes


@given(st.lists(st.binary(max_size=40)))
def test_reader_raises_no_other_error_on_any_data(chunks):
    read(chunks)


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        pytest.param(raw_frame(0x81, b"a", is_masked=False), 1002, id="not masked"),
        pytest.param(raw_frame(0xC1, b"a"), 1002, id="first reserved bit"),
        pytest.param(raw_frame(0xA1, b"a"), 1002, id="second reserved bit"),
        pytest.param(raw_frame(0x91, b"a"), 1002, id="third reserved bit"),
        pytest.param(raw_frame(0x83), 1002, id="unknown data opcode"),
        pytest.param(raw_frame(0x8B), 1002, id="unknown control opcode"),
        pytest.param(raw_frame(0x89, bytes(126)), 1002, id="long ping"),
        pytest.param(raw_frame(0x88, bytes(126)), 1002, id="long close"),
        pytest.param(raw_frame(0x09), 1002, id="ping in fragments"),
        pytest.param(raw_frame(0x80, b"a"), 1002, id="continuation of nothing"),
        pytest.param(frame(1, b"a", fin=False) + frame(1, b"b"), 1002, id="text within text"),
        pytest.param(frame(1, b"a", fin=False) + frame(2, b"b"), 1002, id="binary within text"),
        pytest.param(raw_frame(0x81, b"a", width=2), 1002, id="16 bits for a short length"),
        pytest.param(raw_frame(0x81, bytes(200), width=8), 1002, id="64 bits for a short length"),
        pytest.param(bytes((0x82, 0xFF)) + b"\xff" * 12, 1002, id="negative length"),
        pytest.param(bytes((0x82, 0xFF)) + b"\x7f" + bytes(11), 1009, id="absurd length"),
        pytest.param(frame(2, bytes(LIMIT_BYTES + 1)), 1009, id="too long"),
    ],
)
def test_reader_rejects_what_the_rfc_rejects(sent, code):
    assert read([sent]) == ([], code)
    assert read(cut(sent, list(range(20)))) == ([], code)


def test_reader_rejects_fragments_that_are_too_long_together():
    parts = [frame(1, bytes(600), fin=False), frame(0, bytes(600), fin=False)]
    assert read(parts, limit_bytes=1000) == ([], 1009)


def test_reader_rejects_a_long_message_by_its_header():
    assert read([frame(1, bytes(1001))[:14]], limit_bytes=1000) == ([], 1009)


def test_reader_yields_for_every_frame():
    fragments = [frame(1, fin=False), *[frame(0, fin=False)] * 3, frame(9), frame(0)]
    messages = list(FrameReader(LIMIT_BYTES).feed(b"".join(fragments)))
    assert messages == [
        FRAGMENT,
        *[FRAGMENT] * 3,
        Message(Opcode.PING, b""),
        Message(Opcode.TEXT, b""),
    ]


def test_reader_does_not_copy_a_frame_for_each_packet_of_it():
    reader = FrameReader(LIMIT_BYTES)
    sent = frame(1, bytes(1000))
    list(reader.feed(sent[:500]))
    begun = reader._buffer
    for at in range(500, 1000):
        assert list(reader.feed(sent[at : at + 1])) == []
        assert reader._buffer is begun
    assert list(reader.feed(sent[1000:])) == [Message(Opcode.TEXT, bytes(1000))]


def test_reader_does_not_copy_a_message_for_each_fragment_of_it():
    reader = FrameReader(LIMIT_BYTES)
    list(reader.feed(frame(1, b"a", fin=False)))
    begun = reader._fragments
    for _ in range(500):
        list(reader.feed(frame(0, b"b", fin=False)))
        assert reader._fragments is begun
    assert list(reader.feed(frame(0, b"c"))) == [Message(Opcode.TEXT, b"a" + b"b" * 500 + b"c")]


def test_reader_buffers_no_empty_fragments():
    reader = FrameReader(LIMIT_BYTES)
    list(reader.feed(frame(1, fin=False) + frame(0, fin=False) * 10_000))
    assert (reader._buffer, reader._fragments) == (b"", b"")


def test_reader_keeps_no_data_after_a_protocol_error():
    reader = FrameReader(LIMIT_BYTES)
    list(reader.feed(frame(1, b"a")[:3]))
    with pytest.raises(WebSocketProtocolError):
        list(reader.feed(frame(1, b"a")[3:] + raw_frame(0x83) + bytes(1000)))
    assert reader._buffer == b""


def test_reader_accepts_a_message_of_full_length():
    assert read([frame(1, b"x" * 1000)], limit_bytes=1000) == (
        [Message(Opcode.TEXT, b"x" * 1000)],
        0,
    )


def test_reader_yields_messages_before_a_protocol_error():
    assert read([frame(1, b"a") + raw_frame(0x83)]) == ([Message(Opcode.TEXT, b"a")], 1002)


def test_reader_buffers_no_data_between_messages():
    reader = FrameReader(LIMIT_BYTES)
    list(reader.feed(frame(1, b"a", fin=False) + frame(0, b"b")))
    assert (reader._buffer, reader._fragments) == (b"", None)


@given(opcode=DATA, size=SIZES)
def test_frame_equals_that_of_another_library(opcode, size):
    payload = bytes(size)
    theirs = Frame(TheirOpcode(opcode), payload).serialize(mask=False)
    assert encode(opcode, payload) == theirs


@given(payload=st.binary(), mask=st.binary(min_size=4, max_size=4))
def test_mask_is_its_own_inverse(payload, mask):
    assert unmask(payload, mask) == bytes(b ^ mask[n % 4] for n, b in enumerate(payload))
    assert unmask(unmask(payload, mask), mask) == payload


@given(code=st.integers(3000, 4999), reason=st.text())
def test_close_frame_fits_and_is_utf8(code, reason):
    sent = encode_close(code, reason)
    assert len(sent) <= 127
    assert read_close(sent[2:]) == code
    assert reason.startswith(sent[4:].decode())


@pytest.mark.parametrize("code", [1000, 1001, 1002, 1003, 1007, 1011, 1014, 3000, 4999])
def test_close_code_that_may_be_sent_is_read(code):
    assert read_close(code.to_bytes(2) + b"why") == code


def test_close_without_a_code_is_read():
    assert read_close(b"") == 1005


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        (b"\x03", 1002),
        *((bad.to_bytes(2), 1002) for bad in (0, 999, 1004, 1005, 1006, 1015, 2999, 5000, 65535)),
        ((1000).to_bytes(2) + b"\xff", 1007),
    ],
)
def test_close_code_that_may_not_be_sent_is_rejected(payload, code):
    with pytest.raises(WebSocketProtocolError) as failure:
        read_close(payload)
    assert failure.value.code == code
