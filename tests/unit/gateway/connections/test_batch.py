"""A batch is encoded once for each way of travelling."""

import json

from hypothesis import given
from hypothesis import strategies as st
from sockgate_gateway.connections.batch import Batch, sockjs_array


def test_batch_encodes_once_for_all_its_connections():
    calls = []

    def encode(batch: Batch) -> bytes:
        calls.append(batch)
        return b"encoded"

    batch = Batch((b"1", b"2"))
    assert [batch.encoded(encode) for _ in range(3)] == [b"encoded"] * 3
    assert calls == [batch]


def test_batch_keeps_one_encoding_for_each_transport():
    batch = Batch((b"1",))
    assert batch.encoded(lambda batch: b"one way") == b"one way"
    assert batch.encoded(lambda batch: b"another") == b"another"


def test_batch_counts_bytes_not_characters():
    assert Batch(("é".encode(), b"ab")).size_bytes == 4


@given(st.lists(st.text(), max_size=5))
def test_sockjs_array_contains_every_frame_and_is_ascii(texts):
    encoded = sockjs_array(Batch(tuple(text.encode() for text in texts)))
    assert encoded[:1] == b"a"
    assert json.loads(encoded[1:]) == texts
    assert encoded.isascii()
