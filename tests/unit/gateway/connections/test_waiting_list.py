"""Which connection of a full list is closed."""

from hypothesis import given
from hypothesis import strategies as st
from sockgate_gateway.connections.waiting_list import WaitingList


def new_list(*entries: tuple[int, str]) -> WaitingList[int]:
    waiting = WaitingList[int]()
    for number, source in entries:
        waiting.enter(number, source)
    return waiting


def test_empty_list_has_no_oldest_connection():
    waiting = new_list()
    assert (len(waiting), waiting.count("a")) == (0, 0)
    assert waiting.oldest_of("a") is None
    assert waiting.oldest_of_fullest() is None


def test_oldest_of_the_fullest_source_is_found():
    waiting = new_list((1, "a"), (2, "b"), (3, "b"))
    assert waiting.oldest_of_fullest() == 2
    assert waiting.oldest_of("a") == 1
    waiting.leave(2)
    waiting.leave(3)
    assert waiting.oldest_of_fullest() == 1


def test_oldest_of_all_is_found_where_no_source_is_fuller():
    assert new_list((1, "a"), (2, "b"), (3, "c")).oldest_of_fullest() == 1


def test_leaving_twice_is_leaving_once():
    waiting = new_list((1, "a"))
    waiting.leave(1)
    waiting.leave(1)
    assert len(waiting) == 0


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 9))))
def test_list_behaves_like_a_plain_list(steps):
    """Compare with a plain list, searched from its beginning."""
    waiting, plain = new_list(), []
    for enters, number in steps:
        source = str(number % 3)
        if enters and (number, source) not in plain:
            waiting.enter(number, source)
            plain.append((number, source))
        elif not enters:
            waiting.leave(number)
            plain = [entry for entry in plain if entry[0] != number]
        counts = {s: sum(s == other for _, other in plain) for s in "012"}
        assert len(waiting) == len(plain)
        assert {s: waiting.count(s) for s in "012"} == counts
        found = waiting.oldest_of_fullest()
        if not plain:
            assert found is None
            continue
        fullest = str(found % 3)
        assert counts[fullest] == max(counts.values())
        assert found == next(n for n, other in plain if other == fullest)
