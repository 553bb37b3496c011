"""A queue that is bounded in bytes, whatever is put in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sockgate_gateway.connections.outbox import Outbox
from sockgate_gateway.errors import Disconnect
from sockgate_gateway.wire.closecodes import CloseCode


def filled(*chunks: bytes, limit_bytes: int = 100) -> Outbox:
    outbox = Outbox(limit_bytes)
    for chunk in chunks:
        outbox.put(chunk)
    return outbox


def test_outbox_returns_chunks_in_order():
    outbox = filled(b"one", b"two")
    assert outbox.take() == (b"one", b"two")
    assert not outbox
    assert outbox.take() == ()


def test_outbox_refuses_a_chunk_over_its_limit_and_keeps_the_rest():
    outbox = filled(b"12345", limit_bytes=8)
    with pytest.raises(Disconnect) as refused:
        outbox.put(b"6789")
    assert refused.value.code is CloseCode.SLOW_CONSUMER
    assert outbox.take() == (b"12345",)


def test_outbox_may_be_filled_to_its_limit():
    assert filled(b"1234", b"5678", limit_bytes=8).size_bytes == 8


def test_outbox_can_be_sent_in_pieces():
    outbox = filled(b"hello", b"world")
    outbox.drop(2)
    assert outbox.first() == b"llo"
    outbox.drop(3)
    assert outbox.first() == b"world"
    assert outbox.size_bytes == 5


@given(st.lists(st.binary(min_size=1), max_size=8), st.data())
def test_outbox_counts_its_bytes_however_it_is_emptied(chunks, data):
    outbox = filled(*chunks, limit_bytes=10_000)
    sent = b""
    while outbox:
        piece = outbox.first()[: data.draw(st.integers(1, len(outbox.first())))]
        outbox.drop(len(piece))
        sent += piece
        assert outbox.size_bytes == len(b"".join(chunks)) - len(sent)
    assert sent == b"".join(chunks)


def test_outbox_can_be_reduced_to_the_chunk_in_progress():
    outbox = filled(b"hello", b"world")
    outbox.drop(2)
    outbox.keep_first()
    assert outbox.size_bytes == 3
    assert outbox.take() == (b"llo",)


def test_empty_outbox_can_be_reduced():
    outbox = Outbox(10)
    outbox.keep_first()
    assert not outbox


def test_newer_chunk_takes_the_place_of_the_one_with_its_key():
    outbox = filled(b"plain", limit_bytes=12)
    outbox.put(b"old", b"ticker")
    outbox.put(b"x", b"other")
    outbox.put(b"newer", b"ticker")
    assert outbox.size_bytes == 11
    assert outbox.take() == (b"plain", b"newer", b"x")


def test_chunk_sent_in_part_is_not_replaced():
    outbox = Outbox(100)
    outbox.put(b"abc", b"ticker")
    outbox.drop(1)
    outbox.put(b"def", b"ticker")
    assert outbox.take() == (b"bc", b"def")


def test_newer_chunk_is_refused_where_it_does_not_fit():
    outbox = filled(b"12345678", limit_bytes=10)
    outbox.put(b"9", b"ticker")
    with pytest.raises(Disconnect):
        outbox.put(b"999", b"ticker")
    assert outbox.take() == (b"12345678", b"9")
