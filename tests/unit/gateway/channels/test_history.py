"""Which publications a history reply can recover."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sockgate_gateway.channels.history import HistoryReply, history_reply
from sockgate_gateway.wire.publication import Publication, read_publication


def reply_of(last: int, *offsets: int, epoch: str = "e") -> HistoryReply:
    return history_reply(epoch, last, [(offset, b"%d" % offset) for offset in offsets])


def offsets(publications: tuple[Publication, ...] | None) -> list[int] | None:
    return None if publications is None else [found.offset for found in publications]


@given(st.integers(0, 20), st.integers(0, 20), st.integers(-1, 25))
def test_reply_returns_all_after_a_position_or_none(last, kept, since):
    reply = reply_of(last, *range(last, max(last - kept, 0), -1))
    missed = reply.after(("e", since))
    if since > last or since < last - kept or since < 0:
        assert missed is None
    else:
        assert offsets(missed) == list(range(since + 1, last + 1))


def test_position_of_another_epoch_cannot_be_recovered():
    assert reply_of(2, 2, 1).after(("other", 1)) is None


def test_channel_without_an_epoch_recovers_nothing():
    assert history_reply("", 0, []).after(("", 0)) is None


@pytest.mark.parametrize(
    ("found", "kept"),
    [
        pytest.param((5, 4, 2, 1), [4, 5], id="a hole"),
        pytest.param((4, 3), [], id="the last is missing"),
        pytest.param((6, 5), [], id="more than was published"),
    ],
)
def test_publications_before_a_hole_are_dropped(found, kept):
    assert offsets(reply_of(5, *found).recent) == kept


def test_kept_payload_is_read_as_a_live_one():
    recent = history_reply("e", 3, [(3, b"\xff"), (2, b"plain text"), (1, b"[1]")]).recent
    assert [found.payload for found in recent] == [b"[1]", b'"plain text"', b""]
    assert offsets(recent) == [1, 2, 3]


def test_publication_that_is_too_large_live_is_not_recovered_either():
    kept = [(3, b"[3]"), (2, b'"' + b"x" * 90 + b'"'), (1, b"[1]")]
    recent = history_reply("e", 3, kept, max_bytes=90).recent
    assert [found.payload for found in recent] == [b"[1]", b"", b"[3]"]


@pytest.mark.parametrize("live", [b"#e:33::1700000000123#12345678", b"#e:34#12345678"])
@pytest.mark.parametrize("room", [0, -1])
def test_size_of_a_kept_publication_is_that_of_the_live_one(live, room):
    offset = read_publication(live).offset
    (kept,) = history_reply("e", offset, [(offset, b"12345678")], max_bytes=len(live) + room).recent
    assert bool(kept.payload) == (room == 0)
