"""How long sequenced publications take, by namespace."""

from collections.abc import Callable, Collection

import pytest
from sockgate_gateway.channels.latencies import LONGEST_S, MOST_NAMESPACES, Latencies
from sockgate_gateway.histogram import SECONDS

from tests.unit.gateway.fakes import Clock

NOW = 1_700_000_000.0


@pytest.fixture
def clock() -> Clock:
    clock = Clock()
    clock.now = NOW
    return clock


def new_latencies(clock: Clock, declared: Callable[[], Collection[str]]) -> Latencies:
    """Return histograms where the clock of Redis is an hour ahead."""
    clock.now -= 3600
    return Latencies(clock.read, lambda: 3600.0, declared)


def counts(latencies: Latencies) -> dict[str, float]:
    return {name: sum(read[:-1]) for name, read in latencies.read().items()}


def test_publication_is_observed_in_the_histogram_of_its_namespace(clock: Clock) -> None:
    latencies = new_latencies(clock, lambda: ["room"])
    times = {"room": 0.2, "chess": 3, "user": 0.0}
    latencies.observe(
        [(latencies.of(name), int((NOW - ago_s) * 1000)) for name, ago_s in times.items()]
    )
    assert counts(latencies) == {"room": 1, "other": 2}
    *buckets, total = latencies.read()["room"]
    assert total == pytest.approx(0.2)
    assert buckets[SECONDS.index(0.25)] == 1


def test_declared_namespace_has_a_series_before_its_first_publication(clock: Clock) -> None:
    assert counts(new_latencies(clock, lambda: ["room"])) == {"room": 0, "other": 0}


def test_names_that_are_not_declared_have_no_series(clock: Clock) -> None:
    latencies = new_latencies(clock, tuple)
    assert {id(latencies.of(f"invented{number}")) for number in range(99)} == {
        id(latencies.of("other"))
    }


def test_series_are_few_where_very_many_namespaces_are_declared(clock: Clock) -> None:
    declared = [f"room{number}" for number in range(10 * MOST_NAMESPACES)]
    assert len(counts(new_latencies(clock, lambda: declared))) == MOST_NAMESPACES + 1


@pytest.mark.parametrize(("published_s", "expected_s"), [(1, LONGEST_S), (2_000_000_000, 0)])
def test_time_that_somebody_has_invented_is_bounded(
    clock: Clock, published_s: int, expected_s: float
) -> None:
    latencies = new_latencies(clock, tuple)
    latencies.observe([(latencies.of("room"), published_s * 1000)])
    assert latencies.read()["other"][-1] == expected_s
