"""Pending publications: their order, their limit, and which of them a reply cannot contain."""

from sockgate_gateway.channels.buffer import PendingPublications
from sockgate_gateway.wire.publication import Publication


def pub(offset: int, epoch: str = "e") -> Publication:
    return Publication(b"%d" % offset, epoch, offset)


PLAIN = Publication(b"plain")


def pending_with(*publications: Publication, limit_bytes: int = 1000) -> PendingPublications:
    pending = PendingPublications(limit_bytes)
    for publication in publications:
        pending.add(publication)
    return pending


def test_pending_publications_keep_their_order():
    assert list(pending_with(pub(2), PLAIN, pub(1))) == [pub(2), PLAIN, pub(1)]


def test_add_returns_whether_the_limit_holds():
    pending = PendingPublications(limit_bytes=2)
    assert [pending.add(pub(offset)) for offset in (1, 2, 3)] == [True, True, False]


def test_clear_makes_room():
    pending = pending_with(pub(1), pub(2), limit_bytes=2)
    pending.clear()
    assert pending.add(pub(3))
    assert list(pending) == [pub(3)]


def test_plain_publications_are_in_no_history():
    assert not pending_with(pub(1)).has_plain
    assert pending_with(pub(1), PLAIN).has_plain


def test_furthest_is_the_last_position_of_the_epoch():
    pending = pending_with(pub(6), pub(9, "other"), pub(5))
    assert pending.furthest(None) is None
    assert pending.furthest(("e", 4)) == ("e", 6)
    assert pending.furthest(("e", 7)) == ("e", 7)


def test_publications_that_no_reply_contains_are_still_due():
    pending = pending_with(pub(3, "over"), PLAIN, pub(1))
    pending.note_request(None)
    pending.add(pub(2))
    assert list(pending.still_due()) == [PLAIN, pub(2)]


def test_request_covers_offsets_from_its_own_on():
    pending = pending_with()
    pending.note_request(None)
    assert not pending.is_requested_from(3)
    pending.note_request(3)
    assert pending.is_requested_from(3)
    assert not pending.is_requested_from(2)


def test_reach_counts_what_arrived_after_the_request():
    pending = pending_with(pub(4))
    pending.note_request(3)
    assert not pending.reaches("e", 4)
    pending.add(pub(5))
    assert pending.reaches("e", 5)
    assert not pending.reaches("e", 6)
    assert not pending.reaches("other", 5)
