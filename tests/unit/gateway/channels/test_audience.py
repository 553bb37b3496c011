"""What pages are notified of at once, they do not do at once."""

from random import Random

import pytest
from sockgate_gateway.channels.audience import Audience
from sockgate_gateway.channels.presence_counts import PresenceCounts
from sockgate_gateway.connections.journal import Journal

RATE = 100
PAGES = 12_000


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def new_audience(clock: Clock, workers: int = 1) -> Audience:
    counts = PresenceCounts()
    counts.workers = workers
    return Audience(counts, RATE, Journal(), clock)


def worst_second(moments: list[float]) -> int:
    ordered, first, worst = sorted(moments), 0, 0
    for last, moment in enumerate(ordered):
        while ordered[first] <= moment - 1:
            first += 1
        worst = max(worst, last - first + 1)
    return worst


@pytest.mark.parametrize("workers", [1, 4])
@pytest.mark.parametrize("arrive_within_s", [0.0, 1, 4, 20, 60])
def test_crowd_that_is_notified_one_by_one_is_spread(arrive_within_s: float, workers: int) -> None:
    random, clock = Random(7), Clock()
    audiences = [new_audience(clock, workers) for _ in range(workers)]
    moments = []
    for number in range(PAGES):
        clock.now = arrive_within_s * number / PAGES
        crowd = audiences[number % workers].of_arrival(str(number))
        moments.append(clock.now + random.random() * crowd["within"])
    assert worst_second(moments) <= 1.5 * RATE


def test_one_that_comes_alone_need_not_wait() -> None:
    clock = Clock()
    audience = new_audience(clock, workers=4)
    for number in range(10):
        clock.now = number
        for _ in range(100):  # Its channels.
            assert audience.of_arrival(str(number)) == {"audience": 1, "within": 0}


def test_rights_that_are_taken_away_concern_at_most_all_connections() -> None:
    audience = new_audience(Clock(), workers=4)
    audience._counts.connections, audience._counts.connections_elsewhere = 100, 300
    crowds = [audience.of_revocation(str(number)) for number in range(100)]
    assert crowds[0] == {"audience": 1, "within": 0}
    assert crowds[-1] == {"audience": 400, "within": 4}


@pytest.mark.parametrize(
    ("connections", "within"),
    [(0, 0), (1, 0.4), (10, 3), (100, 4), (3000, 120), (9000, 120)],
)
def test_gap_says_how_many_act_and_within_which_time(connections: int, within: float) -> None:
    audience = new_audience(Clock(), workers=4)
    crowd = {"audience": 4 * connections, "within": within}
    assert audience.of_gap(connections, is_of_all=False) == crowd
    audience._counts.connections = connections
    audience._counts.connections_elsewhere = 3 * connections
    assert audience.of_gap(1, is_of_all=True) == crowd
