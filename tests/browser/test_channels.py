"""Subscriptions in a real browser: grants, recovery, presence."""

import pytest
from sockgate.publishing.publisher import Publisher

from tests.browser.room import Room
from tests.browser.windows import TRANSPORTS

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def alice(log_in_once):
    return log_in_once("alice")


@pytest.fixture(scope="module")
def bob(log_in_once):
    return log_in_once("bob")


@pytest.fixture
def publisher(stack):
    with Publisher(stack._redis_url) as publisher:
        yield publisher


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_page_recovers_publications_of_the_gateways_absence(stack, alice, publisher, transport):
    channel = f"room:{transport}"
    page = alice.open(f"/?transport={transport}")  # The policy of this page allows the transport.
    room = Room(page, channel, transport=transport).expect(["subscribed", None])
    publisher.publish_to(channel, "news", 1)
    room.expect(["news", 1])
    stack.gateway.stop()
    room.expect_state("waiting")
    for number in (2, 3):
        publisher.publish_to(channel, "news", number)
    stack.gateway.start()
    room.expect(["subscribed", None], ["news", 2], ["news", 3])
    publisher.publish_to(channel, "news", 4)
    room.expect(["news", 4])
    room.close()


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_newcomer_receives_the_newest_publications(alice, publisher, transport):
    channel = f"room:newest-{transport}"
    for number in (1, 2, 3):
        publisher.publish_to(channel, "news", number)
    page = alice.open(f"/?transport={transport}")
    room = Room(page, channel, transport=transport, recover=2)
    room.expect(["subscribed", None], ["news", 2], ["news", 3])
    publisher.publish_to(channel, "news", 4)
    room.expect(["news", 4])
    room.close()


def test_page_receives_a_gap_when_the_history_is_too_short(stack, alice, publisher):
    room = Room(alice.open(), "room:gone").expect(["subscribed", None])
    publisher.publish_to("room:gone", "news", 1)
    room.expect(["news", 1])
    stack.gateway.kill()
    room.expect_state("waiting")
    for number in range(150):
        publisher.publish_to("room:gone", "news", number)
    stack.gateway.start()
    room.expect(["subscribed", None], ["gap", None])
    room.close()


def test_page_receives_joins_leaves_and_presence(alice, bob):
    alices = Room(alice.open(), "room:7", "join", "leave")
    alices.expect(["subscribed", None], ["join", "1"])
    bobs = Room(bob.open(), "room:7")
    alices.expect(["join", "2"])
    assert alices.presence()["users"] == {"1": 1, "2": 1}
    bobs.unsubscribe()
    alices.expect(["leave", "2"])
    assert alices.presence()["users"] == {"1": 1}
    for room in (alices, bobs):
        room.close()


def test_page_is_rejected_when_django_does_not_authorize(alice):
    room = Room(alice.open(), "room:staff").expect(["unsubscribed", "not_allowed"])
    room.close()
