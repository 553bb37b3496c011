"""How many connections a limit of file descriptors allows."""

import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sockgate_gateway.loop.descriptors import (
    MIN_DESCRIPTORS,
    OVERHEAD,
    SPARE,
    Capacity,
    open_unix_socket,
)

RESERVED = SPARE + OVERHEAD


@pytest.mark.parametrize(
    ("wanted", "limit", "given"),
    [
        pytest.param((50_000, 5_000), 200_000, (50_000, 5_000), id="plenty"),
        pytest.param((200, 20), RESERVED + 220, (200, 20), id="just enough"),
        pytest.param((50_000, 5_000), RESERVED + 30_000, (25_000, 5_000), id="fewer connections"),
        pytest.param((50_000, 5_000), RESERVED + 220, (165, 55), id="a quarter pending"),
        pytest.param((100, 5_000), RESERVED + 220, (100, 120), id="the rest pending"),
    ],
)
def test_connections_are_reduced_to_the_limit(wanted, limit, given):
    assert Capacity(*wanted).within(limit) == Capacity(*given)


@given(
    st.builds(Capacity, st.integers(1, 10**6), st.integers(1, 10**6)),
    st.integers(MIN_DESCRIPTORS, 10**6),
)
def test_reduced_capacity_fits_and_is_never_more_than_configured(wanted, limit):
    allowed = wanted.within(limit)
    assert allowed.descriptors <= limit
    assert 1 <= allowed.connections <= wanted.connections
    assert 1 <= allowed.unauthenticated <= wanted.unauthenticated


def test_socket_for_a_browser_stays_below_the_ceiling():
    with socket.socket() as probe:
        lowest = probe.fileno()
    with open_unix_socket(lowest + 1) as sock:
        assert sock.fileno() == lowest
    with pytest.raises(OSError, match="Too many open files"):
        open_unix_socket(lowest)
