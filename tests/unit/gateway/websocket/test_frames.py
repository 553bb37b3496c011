"""RFC 6455 frames, held to the RFC and to what the ``websockets`` library reads."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame
from websockets.frames import Opcode as TheirOpcode
from websockets.protocol import State
from websockets.server import ServerProtocol

from gateway.websocket.frames import (
    FRAGMENT,
    FrameFailure,
    FrameReader,
    Message,
    Opcode,
    encode,
    encode_close,
    read_close,
    unmask,
)

LIMIT_BYTES = 70_000
DATA = st.sampled_from([Opcode.TEXT, Opcode.BINARY])
CONTROL = st.sampled_from([Opcode.PING, Opcode.PONG])
SIZES = st.sampled_from([0, 1, 124, 125, 126, 127, 128, 65_534, 65_535, 65_536, 65_537])
MASK = b"\x01\x82\x03\x84"


def frame(opcode: int, payload: bytes = b"", *, fin: bool = True) -> bytes:
    """Write a frame as a client does, by their hand."""
    return Frame(TheirOpcode(opcode), payload, fin=fin).serialize(mask=True)


def raw_frame(
    first: int, payload: bytes = b"", *, is_masked: bool = True, width: int | None = None
) -> bytes:
    """Write a frame that need not be right."""
    size = len(payload)
    width = width if width is not None else 0 if size < 126 else 2
    head = bytes((first, (0x80 if is_masked else 0) | {0: size, 2: 126, 8: 127}[width]))
    length = size.to_bytes(width) if width else b""
    return head + length + (MASK + unmask(payload, MASK) if is_masked else payload)


def cut(data: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[start:end] for start, end in pairwise(edges)]


def read(chunks: list[bytes], limit_bytes: int = LIMIT_BYTES) -> tuple[list[Message], int]:
    """Give the messages in these bytes, and the code with which they are refused, or 0."""
    reader, messages = FrameReader(limit_bytes), []
    try:
        for chunk in chunks:
            messages.extend(m for m in reader.feed(chunk) if m is not FRAGMENT)
    except FrameFailure as failure:
        return messages, failure.code
    return messages, 0


def read_by_oracle(chunks: list[bytes]) -> tuple[list[Message], int]:
    protocol = ServerProtocol(state=State.OPEN, max_size=LIMIT_BYTES)
    for chunk in chunks:
        protocol.receive_data(chunk)
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
    return messages, protocol.close_sent.code if protocol.close_sent else 0


@st.composite
def conversations(draw) -> tuple[list[Message], bytes]:
    """Messages in fragments with control frames between these, and how they travel."""
    messages, sent = [], b""
    for opcode in draw(st.lists(DATA, max_size=4)):
        payload = draw(st.binary(max_size=300) | st.builds(bytes, SIZES))
        parts = cut(payload, draw(st.lists(st.integers(0), max_size=3)))
        for number, part in enumerate(parts):
            for control in draw(st.lists(CONTROL, max_size=1)):
                messages.append(Message(control, draw(st.binary(max_size=125))))
                sent += frame(*messages[-1])
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
def test_reader_gives_the_same_messages_however_the_bytes_are_cut(conversation, places):
    messages, sent = conversation
    assert read(cut(sent, places)) == (messages, 0)


@given(conversation=conversations())
def test_reader_takes_one_byte_at_a_time(conversation):
    messages, sent = conversation
    if len(sent) < 2000:
        assert read([sent[at : at + 1] for at in range(len(sent))]) == (messages, 0)


@given(
    conversation=conversations(),
    frames=st.lists(broken_frames(), max_size=4),
    places=st.lists(st.integers(0), max_size=8),
)
def test_reader_reads_and_refuses_what_the_oracle_does(conversation, frames, places):
    close_frames = [data for data in frames if data[0] & 0x0F == Opcode.CLOSE]
    sent = conversation[1] + b"".join(data for data in frames if data not in close_frames)
    chunks = cut(sent, places)
    assert read(chunks) == read_by_oracle(chunks)


@given(st.lists(st.binary(max_size=40)))
def test_reader_raises_nothing_else_whatever_it_is_fed(chunks):
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
def test_reader_refuses_what_the_rfc_refuses(sent, code):
    assert read([sent]) == ([], code)
    assert read(cut(sent, list(range(20)))) == ([], code)


def test_reader_refuses_fragments_that_are_too_long_together():
    parts = [frame(1, bytes(600), fin=False), frame(0, bytes(600), fin=False)]
    assert read(parts, limit_bytes=1000) == ([], 1009)


def test_reader_refuses_a_long_message_by_its_header():
    assert read([frame(1, bytes(1001))[:14]], limit_bytes=1000) == ([], 1009)


def test_reader_tells_of_every_frame():
    shreds = [frame(1, fin=False), *[frame(0, fin=False)] * 3, frame(9), frame(0)]
    told = list(FrameReader(LIMIT_BYTES).feed(b"".join(shreds)))
    assert told == [FRAGMENT, *[FRAGMENT] * 3, (Opcode.PING, b""), (Opcode.TEXT, b"")]


def test_reader_does_not_copy_a_frame_for_each_drop_of_it():
    reader = FrameReader(LIMIT_BYTES)
    sent = frame(1, bytes(1000))
    list(reader.feed(sent[:500]))
    begun = reader._buffer
    for at in range(500, 1000):
        assert list(reader.feed(sent[at : at + 1])) == []
        assert reader._buffer is begun
    assert list(reader.feed(sent[1000:])) == [(Opcode.TEXT, bytes(1000))]


def test_reader_does_not_copy_a_message_for_each_shred_of_it():
    reader = FrameReader(LIMIT_BYTES)
    list(reader.feed(frame(1, b"a", fin=False)))
    begun = reader._fragments
    for _ in range(500):
        list(reader.feed(frame(0, b"b", fin=False)))
        assert reader._fragments is begun
    assert list(reader.feed(frame(0, b"c"))) == [(Opcode.TEXT, b"a" + b"b" * 500 + b"c")]


def test_reader_keeps_nothing_of_empty_fragments():
    reader = FrameReader(LIMIT_BYTES)
    list(reader.feed(frame(1, fin=False) + frame(0, fin=False) * 10_000))
    assert (reader._buffer, reader._fragments) == (b"", b"")


def test_reader_keeps_nothing_of_what_broke_the_protocol():
    reader = FrameReader(LIMIT_BYTES)
    list(reader.feed(frame(1, b"a")[:3]))
    with pytest.raises(FrameFailure):
        list(reader.feed(frame(1, b"a")[3:] + raw_frame(0x83) + bytes(1000)))
    assert reader._buffer == b""


def test_reader_takes_a_message_of_full_length():
    assert read([frame(1, b"x" * 1000)], limit_bytes=1000) == ([(Opcode.TEXT, b"x" * 1000)], 0)


def test_reader_gives_messages_before_the_breach():
    assert read([frame(1, b"a") + raw_frame(0x83)]) == ([(Opcode.TEXT, b"a")], 1002)


def test_reader_keeps_nothing_between_messages():
    reader = FrameReader(LIMIT_BYTES)
    list(reader.feed(frame(1, b"a", fin=False) + frame(0, b"b")))
    assert (reader._buffer, reader._fragments) == (b"", None)


@given(opcode=DATA, size=SIZES)
def test_frame_is_what_theirs_is(opcode, size):
    payload = bytes(size)
    theirs = Frame(TheirOpcode(opcode), payload).serialize(mask=False)
    assert encode(opcode, payload) == theirs


@given(payload=st.binary(), mask=st.binary(min_size=4, max_size=4))
def test_mask_undoes_itself(payload, mask):
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
def test_close_that_may_not_be_sent_is_refused(payload, code):
    with pytest.raises(FrameFailure) as failure:
        read_close(payload)
    assert failure.value.code == code
