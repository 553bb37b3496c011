"""Who is here, under which session and user, and how many may be."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.connection import State
from gateway.errors import Refused
from gateway.registry import Limits, Registry
from gateway.wire.closecodes import CloseCode

from .fakes import new_connection

ADDRESS = "192.0.2.1"


def new_registry(**limits: int) -> Registry:
    return Registry(
        Limits(**{"total": 9, "unauthenticated": 9, "per_user": 9, "per_address": 9, **limits})
    )


def admit(registry: Registry, address: str = ADDRESS):
    registry.check_room(address)
    connection = new_connection(address=address)
    registry.add(connection)
    return connection


def settle(registry: Registry, sid: str = "sid", uid: str | None = "7"):
    connection = admit(registry)
    registry.claim(connection, sid, uid)
    registry.accept(connection)
    return connection


@pytest.mark.parametrize("limit", ["total", "unauthenticated", "per_address"])
def test_full_registry_has_no_room(limit):
    registry = new_registry(**{limit: 2})
    admit(registry)
    admit(registry)
    with pytest.raises(Refused) as refused:
        registry.check_room(ADDRESS)
    assert refused.value.code is CloseCode.OVERLOADED


@pytest.mark.parametrize("limit", ["total", "unauthenticated", "per_address"])
def test_there_is_room_again_when_one_has_gone(limit):
    registry = new_registry(**{limit: 2})
    admit(registry)
    registry.remove(admit(registry))
    registry.check_room(ADDRESS)


def test_one_address_cannot_keep_others_out():
    registry = new_registry(per_address=1)
    admit(registry)
    registry.check_room("192.0.2.2")


def test_network_of_an_ipv6_subscriber_counts_as_one_address():
    registry = new_registry(per_address=1)
    registry.remove(admit(registry, "2001:db8::1"))
    admit(registry, "2001:db8::1")
    registry.check_room("2001:db8:0:1::1")
    with pytest.raises(Refused):
        registry.check_room("2001:db8::2")


@pytest.mark.parametrize("limit", ["unauthenticated", "per_address"])
def test_welcomed_connections_are_no_strangers(limit):
    registry = new_registry(**{limit: 1})
    settle(registry)
    registry.check_room(ADDRESS)
    assert registry.unauthenticated == 0


def test_user_has_no_more_connections_than_he_may():
    registry = new_registry(per_user=1)
    settle(registry)
    other = admit(registry)
    with pytest.raises(Refused) as refused:
        registry.claim(other, "another-sid", "7")
    assert refused.value.code is CloseCode.TOO_MANY_CONNECTIONS
    registry.claim(other, "another-sid", "8")


def test_connection_that_shows_another_token_of_its_user_is_not_one_more():
    registry = new_registry(per_user=1)
    connection = settle(registry)
    registry.claim(connection, "another-sid", "7")
    assert registry.by_sid["another-sid"] == registry.by_uid["7"] == (connection,)


def test_visitors_are_not_one_user_but_each_is_one():
    registry = new_registry(per_user=1)
    settle(registry, "one", None)
    connection = settle(registry, "two", None)
    registry.claim(connection, "two", None)
    assert len(registry.by_uid) == 0
    with pytest.raises(Refused) as refused:
        registry.claim(admit(registry), "two", None)
    assert refused.value.code is CloseCode.TOO_MANY_CONNECTIONS


def test_connection_is_found_by_session_and_user():
    registry = new_registry()
    first, second, other = settle(registry), settle(registry), settle(registry, "other", "8")
    assert registry.by_sid["sid"] == registry.by_uid["7"] == (first, second)
    assert registry.by_uid["8"] == (other,)
    assert registry.by_sid["unknown"] == ()


def test_connection_can_be_filed_anew():
    registry = new_registry()
    connection = settle(registry)
    registry.refile(connection, "new-sid", "8")
    assert (registry.by_sid["sid"], registry.by_uid["7"]) == ((), ())
    assert registry.by_sid["new-sid"] == registry.by_uid["8"] == (connection,)
    assert (connection.sid, connection.uid) == ("new-sid", "8")


def test_removed_connection_leaves_nothing_behind():
    registry = new_registry()
    connections = [settle(registry), admit(registry)]
    for connection in connections:
        registry.remove(connection)
        registry.remove(connection)
    assert not registry.connections
    assert registry.unauthenticated == 0
    assert list(registry.by_sid) == list(registry.by_uid) == []
    assert registry._strangers_by_source == {}


def test_open_connections_are_those_that_were_welcomed():
    registry = new_registry()
    admit(registry)
    connection = settle(registry)
    connection.enter(State.CHECKING)
    connection.enter(State.OPEN)
    assert registry.open_connections() == [connection]


@given(st.lists(st.tuples(st.sampled_from(["add", "accept", "remove"]), st.integers(0, 4))))
def test_strangers_are_counted_whatever_happens(steps):
    registry = new_registry()
    connections = [new_connection(address=str(n % 2)) for n in range(5)]
    present, strangers = set(), set()
    for step, n in steps:
        if step == "add" and n not in present:
            registry.add(connections[n])
            present.add(n)
            strangers.add(n)
        elif step == "accept":
            registry.accept(connections[n])
            strangers.discard(n)
        elif step == "remove":
            registry.remove(connections[n])
            present.discard(n)
            strangers.discard(n)
        assert registry.unauthenticated == len(strangers)
        assert sum(registry._strangers_by_source.values()) == len(strangers)
        assert len(registry.connections) == len(present)
