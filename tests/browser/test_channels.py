"""Channels on request in a real browser: grants, recovery, presence."""

import pytest

from djangoauth.publisher import Publisher

from .rooms import Room
from .windows import TRANSPORTS

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
def test_page_is_given_what_it_missed_while_the_gateway_was_gone(
    stack, alice, publisher, transport
):
    channel = f"room:{transport}"
    page = alice.open(f"/?transport={transport}")  # Whose policy lets that transport run.
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


def test_page_is_told_when_what_it_missed_is_gone(stack, alice, publisher):
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


def test_page_sees_who_comes_and_goes(alice, bob):
    hers = Room(alice.open(), "room:7", "join", "leave")
    hers.expect(["subscribed", None], ["join", "1"])
    his = Room(bob.open(), "room:7")
    hers.expect(["join", "2"])
    assert hers.presence()["users"] == {"1": 1, "2": 1}
    his.leave()
    hers.expect(["leave", "2"])
    assert hers.presence()["users"] == {"1": 1}
    for room in (hers, his):
        room.close()


def test_page_is_refused_what_django_refuses(alice):
    room = Room(alice.open(), "room:staff").expect(["unsubscribed", "not_allowed"])
    room.close()
