"""Connections by session and user, and their limits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sockgate_gateway.connections.connection import Identity
from sockgate_gateway.connections.registry import Limits, Registry
from sockgate_gateway.connections.sources import source_of
from sockgate_gateway.errors import Disconnect
from sockgate_gateway.wire.closecodes import CloseCode

from tests.unit.gateway.fakes import ignore, new_connection

ADDRESS = "192.0.2.1"


def new_registry(**limits: int) -> Registry:
    return Registry(
        Limits(**{"total": 9, "unauthenticated": 9, "per_user": 9, "per_address": 9, **limits}),
        on_user_changed=ignore,
    )


def admit(registry: Registry, address: str = ADDRESS):
    connection = new_connection(address=address)
    assert registry.find_displaced(connection.source) is None
    registry.add(connection)
    return connection


def settle(registry: Registry, sid: str = "sid", uid: str | None = "7"):
    connection = admit(registry)
    registry.file(connection, sid, uid)
    registry.leave_unauthenticated(connection)
    return connection


@pytest.mark.parametrize("limit", ["total", "unauthenticated", "per_address"])
def test_oldest_connection_without_a_token_is_displaced(limit):
    registry = new_registry(**{limit: 2})
    first, second = admit(registry), admit(registry)
    assert registry.find_displaced(ADDRESS) is first
    registry.note_token(first)
    assert registry.find_displaced(ADDRESS) is second


@pytest.mark.parametrize("limit", ["total", "unauthenticated", "per_address"])
def test_registry_full_of_connections_with_a_token_has_no_room(limit):
    registry = new_registry(**{limit: 2})
    for _ in range(2):
        registry.note_token(admit(registry))
    with pytest.raises(Disconnect) as refused:
        registry.find_displaced(ADDRESS)
    assert refused.value.code is CloseCode.OVERLOADED


def test_connection_of_the_fullest_source_is_displaced():
    registry = new_registry(unauthenticated=3)
    admit(registry, "192.0.2.2")
    oldest = admit(registry)
    admit(registry)
    assert registry.find_displaced("192.0.2.3") is oldest


@pytest.mark.parametrize("limit", ["total", "unauthenticated", "per_address"])
def test_registry_has_room_again_after_a_removal(limit):
    registry = new_registry(**{limit: 2})
    admit(registry)
    registry.remove(admit(registry))
    assert registry.find_displaced(ADDRESS) is None


def test_one_address_cannot_keep_others_out():
    registry = new_registry(per_address=1)
    admit(registry)
    assert registry.find_displaced("192.0.2.2") is None


def test_network_of_an_ipv6_subscriber_counts_as_one_address():
    registry = new_registry(per_address=1)
    registry.remove(admit(registry, "2001:db8::1"))
    oldest = admit(registry, "2001:db8::1")
    assert registry.find_displaced(source_of("2001:db8:0:1::1")) is None
    assert registry.find_displaced(source_of("2001:db8::2")) is oldest


@pytest.mark.parametrize("limit", ["unauthenticated", "per_address"])
def test_welcomed_connections_are_not_pending(limit):
    registry = new_registry(**{limit: 1})
    settle(registry)
    assert registry.find_displaced(ADDRESS) is None
    assert registry.unauthenticated == 0


def test_connections_of_a_user_are_limited():
    registry = new_registry(per_user=1)
    settle(registry)
    other = admit(registry)
    with pytest.raises(Disconnect) as refused:
        registry.file(other, "another-sid", "7")
    assert refused.value.code is CloseCode.TOO_MANY_CONNECTIONS
    registry.file(other, "another-sid", "8")


def test_refreshed_connection_is_counted_once():
    registry = new_registry(per_user=1)
    connection = settle(registry)
    registry.file(connection, "another-sid", "7")
    assert registry.by_sid["another-sid"] == registry.by_uid["7"] == (connection,)


def test_visitors_are_limited_by_session():
    registry = new_registry(per_user=1)
    settle(registry, "one", None)
    connection = settle(registry, "two", None)
    registry.file(connection, "two", None)
    assert len(registry.by_uid) == 0
    with pytest.raises(Disconnect) as refused:
        registry.file(admit(registry), "two", None)
    assert refused.value.code is CloseCode.TOO_MANY_CONNECTIONS


def test_connection_is_found_by_session_and_user():
    registry = new_registry()
    first, second, other = settle(registry), settle(registry), settle(registry, "other", "8")
    assert registry.by_sid["sid"] == registry.by_uid["7"] == (first, second)
    assert registry.by_uid["8"] == (other,)
    assert registry.by_sid["unknown"] == ()


def test_connection_can_be_indexed_again():
    registry = new_registry()
    connection = settle(registry)
    registry.refile(connection, "new-sid", "8")
    assert (registry.by_sid["sid"], registry.by_uid["7"]) == ((), ())
    assert registry.by_sid["new-sid"] == registry.by_uid["8"] == (connection,)
    assert (connection.sid, connection.uid) == ("new-sid", "8")


def test_removed_connection_leaves_no_index_entry():
    registry = new_registry()
    connections = [settle(registry), admit(registry)]
    for connection in connections:
        registry.remove(connection)
        registry.remove(connection)
    assert not registry.connections
    assert registry.unauthenticated == 0
    assert list(registry.by_sid) == list(registry.by_uid) == []
    assert registry._unauthenticated_by_source == {}
    assert len(registry._without_token) == 0


def test_open_connections_are_those_that_were_welcomed():
    registry = new_registry()
    admit(registry)
    connection = settle(registry)
    connection.start_check()
    connection.welcome(Identity("sid", "7", (), None), b"{}")
    assert registry.open_connections() == [connection]


@given(st.lists(st.tuples(st.sampled_from(["add", "accept", "remove"]), st.integers(0, 4))))
def test_pending_connections_are_counted_in_any_sequence_of_events(steps):
    registry = new_registry()
    connections = [new_connection(address=str(n % 2)) for n in range(5)]
    present, unauthenticated = set(), set()
    for step, n in steps:
        if step == "add" and n not in present:
            registry.add(connections[n])
            present.add(n)
            unauthenticated.add(n)
        elif step == "accept":
            registry.leave_unauthenticated(connections[n])
            unauthenticated.discard(n)
        elif step == "remove":
            registry.remove(connections[n])
            present.discard(n)
            unauthenticated.discard(n)
        assert registry.unauthenticated == len(unauthenticated)
        assert sum(registry._unauthenticated_by_source.values()) == len(unauthenticated)
        assert len(registry.connections) == len(present)
