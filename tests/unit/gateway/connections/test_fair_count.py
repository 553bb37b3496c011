"""One source counts in full for itself, and as few for the others."""

from hypothesis import given
from hypothesis import strategies as st
from sockgate_gateway.connections.fair_count import MOST_OF_ANOTHER, FairCount


def test_another_source_is_hardly_in_the_way():
    counts = FairCount()
    for _ in range(1000):
        counts.add("a stranger")
    assert counts.ahead_of("a visitor") == MOST_OF_ANOTHER
    assert counts.ahead_of("a stranger") == 1000


def test_crowd_from_many_sources_counts_in_full():
    counts = FairCount()
    for number in range(1000):
        counts.add(str(number))
    assert counts.ahead_of("a visitor") == counts.ahead_of("7") == 1000


@given(st.lists(st.sampled_from("abc"), max_size=40), st.lists(st.integers(0, 39), max_size=40))
def test_what_is_removed_counts_no_more(added: list[str], removed: list[int]):
    counts = FairCount()
    for source in added:
        counts.add(source)
    left = list(added)
    for place in removed:
        if place < len(left):
            counts.remove(left.pop(place))
    for source in "abcd":
        others = sum(min(left.count(other), MOST_OF_ANOTHER) for other in "abc" if other != source)
        assert counts.ahead_of(source) == left.count(source) + others
