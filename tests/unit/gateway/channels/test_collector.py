"""Frames of one read: who receives which, who shares a batch, and what that takes."""

import tracemalloc

from sockgate_gateway.channels.collector import Collector

from tests.unit.gateway.channels.single_channel import subscriber


def test_connections_with_the_same_frames_share_a_batch_and_others_have_theirs():
    a, b, c = (subscriber() for _ in range(3))
    collector = Collector()
    for connections, frames in (([a, b], [b"1", b"2"]), ([b, a, c], [b"3"]), ([c], [b"4"])):
        collector.add(connections, frames)
    collector.send()
    assert a.transport.batches[0] is b.transport.batches[0]
    assert [one.transport.frames for one in (a, b, c)] == [
        *([b"1", b"2", b"3"], [b"1", b"2", b"3"]),
        [b"3", b"4"],
    ]


def peak_bytes(publications: int) -> int:
    """Return what it takes when publications alternate between a common and an own channel."""
    connections = [subscriber() for _ in range(20)]
    tracemalloc.start()
    collector = Collector()
    for number in range(publications):
        collector.add(connections, [b"a"])
        collector.add([connections[number % 20]], [b"x"])
    collector.send()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak


def test_twice_the_publications_that_alternate_take_at_most_two_and_a_half_times_the_memory():
    assert peak_bytes(2000) < 2.5 * peak_bytes(1000)
