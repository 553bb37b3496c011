import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sockgate_gateway.connections.batch import Batch
from sockgate_gateway.sockjs.framing import Encoding, chunk, close_frame, script_string

# Whatever UTF-8 can carry: a frame never holds half a surrogate pair.
texts = st.text(st.characters(exclude_categories=["Cs"]))


def line(frame: bytes) -> bytes:
    return frame + b"\n"


@given(texts)
def test_close_frame_is_json_in_ascii(reason):
    frame = close_frame(3000, reason)
    assert frame.isascii()
    assert frame[:1] == b"c"
    assert json.loads(frame[1:]) == [3000, reason]


@given(texts)
def test_script_string_contains_the_frame(text):
    assert json.loads(script_string(text.encode())) == text


@given(texts)
def test_script_string_cannot_end_a_script(text):
    string = script_string(text.encode())
    assert string.isascii()
    assert b"<" not in string
    assert b"\n" not in string


@pytest.mark.parametrize(
    ("body", "expected"),
    [(b"o\n", b"2\r\no\n\r\n"), (b"x" * 26, b"1a\r\n" + b"x" * 26 + b"\r\n")],
)
def test_chunk_begins_with_its_length_in_hexadecimal(body, expected):
    assert chunk(body) == expected


def test_encoding_wraps_a_frame():
    assert Encoding(line).frame(b"h") == b"h\n"


def test_encoding_wraps_and_chunks_a_frame():
    assert Encoding(line, is_chunked=True).frame(b"h") == b"2\r\nh\n\r\n"


def test_encoding_of_a_batch_is_an_array():
    batch = Batch((b'{"a":1}', b'"b"'))
    assert Encoding(line).batch(batch) == b'a["{\\"a\\":1}","\\"b\\""]\n'


def test_batch_is_encoded_once_for_all_browsers_of_a_transport():
    encoding, batch = Encoding(line), Batch((b"1",))
    assert batch.encoded(encoding.batch) is batch.encoded(encoding.batch)


def test_batch_is_encoded_for_each_transport():
    batch = Batch((b"1",))
    plain, chunked = Encoding(line), Encoding(line, is_chunked=True)
    assert batch.encoded(plain.batch) == b'a["1"]\n'
    assert batch.encoded(chunked.batch) == b'7\r\na["1"]\n\r\n'


@pytest.mark.parametrize("size", [20, 300])
def test_overhead_is_about_what_a_chunk_adds(size):
    plain, chunked = Encoding(line), Encoding(line, is_chunked=True)
    frame = b"x" * size
    added = len(chunked.frame(frame)) - len(plain.frame(frame))
    assert abs(chunked.overhead_bytes - added) <= 1
    assert plain.overhead_bytes == 0
