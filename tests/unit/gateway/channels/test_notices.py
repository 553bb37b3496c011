"""Notices of presence: who receives them, in which order with publications, in how many writes."""

import json

import pytest
from sockgate_gateway.channels.hub import Hub
from sockgate_gateway.connections.connection import Connection
from sockgate_gateway.wire.contract import Join, Leave
from sockgate_gateway.wire.names import Names
from sockgate_gateway.wire.namespaces import Policy
from sockgate_gateway.wire.protocol import write

from tests.unit.gateway.channels.test_hub import FakeSubscriptions, subscriber
from tests.unit.gateway.fakes import new_hub

NAMES = Names()


def new(overflow: str) -> Hub:
    policy = Policy(overflow=overflow, recover=False)
    return new_hub(NAMES, FakeSubscriptions(), 1000, lambda _: policy)


@pytest.fixture
def hub():
    return new("close")


def received(connection: Connection) -> list[str]:
    frames = [json.loads(frame) for frame in connection.transport.frames]
    return [frame.get("type") or frame["data"] for frame in frames]


def test_notices_of_a_read_are_one_write_that_all_connections_of_the_channel_share(hub):
    first, second = subscriber(hub, "a"), subscriber(hub, "a")
    for number in range(100):
        hub.notices.add("a", write(Leave("a", str(number))))
    assert first.transport.batches == []
    hub.fan_out([])
    assert [len(batch.frames) for batch in first.transport.batches] == [100]
    assert second.transport.batches[0] is first.transport.batches[0]
    hub.fan_out([])
    assert len(first.transport.batches) == 1


@pytest.mark.parametrize("overflow", ["close", "latest"])
def test_notices_come_before_the_publications_of_their_read(overflow):
    hub = new(overflow)
    connection = subscriber(hub, "a", "b")
    hub.notices.add("a", write(Join("a", "1")))
    hub.notices.add("b", write(Leave("b", "1")))
    hub.fan_out([(b"rt:a", b'"1"'), (b"rt:a", b'"2"'), (b"rt:b", b'"3"')])
    found = received(connection)
    assert sorted(found[:2]) == ["join", "leave"]
    assert found[2:] == ["1", "2", "3"]
    assert len(connection.transport.batches) == 1 or overflow == "latest"


def test_publication_is_counted_as_delivered_and_a_notice_is_not(hub):
    subscriber(hub, "a")
    hub.notices.add("a", write(Join("a", "1")))
    hub.fan_out([(b"rt:a", b'"1"')])
    assert (hub.publications, hub.deliveries) == (1, 1)


def test_connection_that_has_left_within_the_read_receives_no_notice(hub):
    connection, other = subscriber(hub, "a"), subscriber(hub, "b")
    hub.notices.add("a", write(Join("a", "1")))
    hub.unsubscribe(connection, "a")
    hub.fan_out([(b"rt:b", b'"1"')])
    assert (received(connection), received(other)) == ([], ["1"])
