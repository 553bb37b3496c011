"""What waits for a reading: in which order, how much, and what of it is still due."""

from gateway.backlog import Backlog
from gateway.wire.publication import Publication


def pub(offset: int, epoch: str = "e") -> Publication:
    return Publication(b"%d" % offset, epoch, offset)


PLAIN = Publication(b"plain")


def backlog(*waiting: Publication, limit_bytes: int = 1000) -> Backlog:
    made = Backlog(limit_bytes)
    for publication in waiting:
        made.add(publication)
    return made


def test_backlog_keeps_the_order():
    assert list(backlog(pub(2), PLAIN, pub(1))) == [pub(2), PLAIN, pub(1)]


def test_backlog_tells_when_there_is_no_room():
    waiting = Backlog(limit_bytes=2)
    assert [waiting.add(pub(offset)) for offset in (1, 2, 3)] == [True, True, False]


def test_backlog_has_room_again_once_it_was_cleared():
    waiting = backlog(pub(1), pub(2), limit_bytes=2)
    waiting.clear()
    assert waiting.add(pub(3))
    assert list(waiting) == [pub(3)]


def test_backlog_that_was_cleared_must_be_read_again():
    waiting = backlog(pub(1))
    waiting.clear()
    assert waiting.is_overtaken
    waiting.ask(None)
    assert not waiting.is_overtaken


def test_backlog_knows_what_is_in_no_history():
    assert not backlog(pub(1)).has_plain
    assert backlog(pub(1), PLAIN).has_plain


def test_furthest_is_the_last_of_the_epoch_that_is_known():
    waiting = backlog(pub(6), pub(9, "other"), pub(5))
    assert waiting.furthest(None) is None
    assert waiting.furthest(("e", 4)) == ("e", 6)
    assert waiting.furthest(("e", 7)) == ("e", 7)


def test_what_waited_for_the_reading_is_due_where_no_history_has_it():
    waiting = backlog(pub(3, "over"), PLAIN, pub(1))
    waiting.ask(None)
    waiting.add(pub(2))
    assert list(waiting.still_due()) == [PLAIN, pub(2)]


def test_backlog_knows_how_far_back_was_asked():
    waiting = backlog()
    waiting.ask(None)
    assert not waiting.reaches_back_to(3)
    waiting.ask(3)
    assert waiting.reaches_back_to(3)
    assert not waiting.reaches_back_to(2)


def test_backlog_knows_how_far_it_went_on_since_it_was_asked():
    waiting = backlog(pub(4))
    waiting.ask(3)
    assert not waiting.goes_on_to("e", 4)
    waiting.add(pub(5))
    assert waiting.goes_on_to("e", 5)
    assert not waiting.goes_on_to("e", 6)
    assert not waiting.goes_on_to("other", 5)
