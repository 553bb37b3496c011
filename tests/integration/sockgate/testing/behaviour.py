"""What a site's tests may rely on, with ``memory://`` and with a real Redis alike.

``test_memory.py`` runs these tests on both, so that the one in memory cannot lie.
"""

import asyncio
import json
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from redis.client import PubSub
from sockgate import (
    ais_online,
    aposition,
    apublish,
    apublish_many,
    broadcast,
    channel_name,
    count_connections,
    is_online,
    online_users,
    position,
    publish,
    publish_many,
    publish_to,
    revoke_channel,
    revoke_user,
)
from sockgate.channels.presence import presence
from sockgate.redis_clients import pools
from sockgate_gateway.wire.control import RevokeChannel, RevokeSession, RevokeUser, read_control
from sockgate_gateway.wire.names import Names, sid_of
from sockgate_gateway.wire.presence import Present
from sockgate_gateway.wire.publication import read_publication

NAMES = Names()
TOKEN, GRANT = "/realtime/token/", "/realtime/grant/"
ROOM = "room:7"
TRIES = 20


class Received:
    """What was published in Redis on some channels."""

    def __init__(self, pubsub: PubSub, *channels: str) -> None:
        self._pubsub = pubsub
        pubsub.subscribe(*channels)
        for _ in channels:
            assert self._next()["type"] == "subscribe"

    def take(self, count: int) -> list[Any]:
        return [self._next()["data"] for _ in range(count)]

    def _next(self) -> Any:
        """Return the next message; redis-py also returns None for what is no message."""
        for _ in range(TRIES):
            if (message := self._pubsub.get_message(timeout=1)) is not None:
                return message
        raise AssertionError("no message")


@pytest.fixture
def pubsub(store: None):
    with pools.records().pubsub() as pubsub:
        yield pubsub


@pytest.fixture
def alice(store: None, transactional_db: None) -> User:
    return User.objects.create_user("alice", password="alice-demo")


@pytest.fixture
def browser(alice: User) -> Client:
    browser = Client()
    browser.force_login(alice)
    return browser


def grant_status(browser: Client, channel: str) -> int:
    return browser.post(GRANT, {"channel": channel}).status_code


def test_login_gets_a_token_and_a_visitor_does_not(browser: Client) -> None:
    assert browser.post(TOKEN).json()["token"]
    assert Client().post(TOKEN).status_code == 401


def test_visitor_gets_a_token_where_that_is_allowed(store: Any, db: None) -> None:
    store.SOCKGATE = {**store.SOCKGATE, "ANONYMOUS": True}
    visitor = Client()
    assert visitor.post(TOKEN).json()["token"]
    assert visitor.cookies["sessionid"].value


def test_page_with_the_tag_holds_a_token(browser: Client) -> None:
    assert '"token": "' in browser.get("/page/").content.decode()


def test_logout_ends_the_session_and_notifies_gateways(browser: Client, pubsub: PubSub) -> None:
    key = browser.session.session_key
    received = Received(pubsub, NAMES.control)
    browser.logout()
    assert read_control(received.take(1)[0]) == RevokeSession(sid_of(key))
    assert not pools.records().exists(NAMES.session(sid_of(key)))
    assert browser.post(TOKEN).status_code == 401


def test_session_keeps_its_data_under_another_key(browser: Client) -> None:
    session = browser.session
    session["cart"] = [1, 2]
    session.save()
    session.cycle_key()
    browser.cookies["sessionid"] = session.session_key
    assert browser.session["cart"] == [1, 2]
    assert pools.records().ttl(NAMES.session(sid_of(session.session_key))) > 0


def test_new_password_ends_other_sessions(browser: Client, alice: User) -> None:
    alice.set_password("another")
    alice.save()
    assert browser.post(TOKEN).status_code in (401, 503)
    assert alice.get_session_auth_hash() != browser.session.get("_auth_user_hash")


def test_group_is_in_the_record_of_its_members(browser: Client, alice: User) -> None:
    alice.groups.add(Group.objects.create(name="editors"))
    record = pools.records().hgetall(NAMES.user(str(alice.pk)))
    assert json.loads(record[b"channels"]) == ["group:editors"]


def test_revoked_user_has_no_session(browser: Client, alice: User, pubsub: PubSub) -> None:
    received = Received(pubsub, NAMES.control)
    revoke_user(alice)
    assert RevokeUser(str(alice.pk)) in map(read_control, received.take(1))
    assert browser.post(TOKEN).status_code == 401


def test_publications_reach_subscribers_in_redis(alice: User, pubsub: PubSub) -> None:
    received = Received(pubsub, *map(channel_name, (f"user:{alice.pk}", "user:99", "broadcast")))
    assert publish(alice, "news", {"a": 1}) == 1
    assert publish_many([alice.pk, 99, 100], "many") == 2
    assert broadcast("all") == 1
    payloads = [json.loads(payload) for payload in received.take(4)]
    assert payloads[0] == {"event": "news", "data": {"a": 1}}
    assert [payload["event"] for payload in payloads] == ["news", "many", "many", "all"]


def test_sequenced_publications_have_offsets_and_are_kept(store: None, pubsub: PubSub) -> None:
    epoch, before = position(ROOM)
    received = Received(pubsub, channel_name(ROOM))
    for key in ("a", "b", "a"):
        publish_to(ROOM, "said", key, idempotency_key=key, on_commit=False)
    found = [read_publication(payload) for payload in received.take(2)]
    assert [(one.epoch, one.offset) for one in found] == [(epoch, before + 1), (epoch, before + 2)]
    assert position(ROOM) == (epoch, before + 2)
    assert pools.records().llen(NAMES.history(ROOM)) == 2


def test_publications_from_a_loop_are_sent(store: None, pubsub: PubSub) -> None:
    received = Received(pubsub, channel_name("user:7"))

    async def run() -> tuple[Any, ...]:
        sent = await apublish(7, "news", on_commit=False)
        many = await apublish_many([7, 8], "many", on_commit=False)
        return sent, many, await ais_online(7), await aposition(ROOM)

    sent, many, is_there, at = asyncio.run(run())
    assert (sent, many, is_there) == (1, 1, False)
    assert at == position(ROOM)
    assert len(received.take(2)) == 2


def test_authorize_decides_about_grants(store: Any, browser: Client) -> None:
    namespaces = {"open": {"public": True}}
    allows = lambda request, channel: channel == ROOM  # noqa: E731
    store.SOCKGATE = {**store.SOCKGATE, "AUTHORIZE": allows, "NAMESPACES": namespaces}
    found = {name: grant_status(browser, name) for name in (ROOM, "room:8", "open:1", "user:1")}
    assert found == {ROOM: 200, "room:8": 403, "open:1": 200, "user:1": 403}
    assert grant_status(browser, "room 7") == 400
    assert grant_status(Client(), ROOM) == 401
    assert json.loads(pools.records().get(NAMES.namespaces))["open"]["public"] is True


def test_revoked_channel_notifies_gateways(alice: User, pubsub: PubSub) -> None:
    received = Received(pubsub, NAMES.control)
    revoke_channel(alice, ROOM)
    assert read_control(received.take(1)[0]) == RevokeChannel(str(alice.pk), ROOM)
    assert pools.records().hexists(NAMES.revoked(str(alice.pk)), ROOM)


def test_presence_is_what_workers_have_written(store: None, db: None) -> None:
    assert (online_users(), is_online(7)) == (set(), False)
    client = pools.records()
    client.sadd(NAMES.workers, "w1", "w2")
    client.set(NAMES.worker("w1"), 1, ex=60)
    for worker in ("w1", "w2"):
        client.hset(NAMES.presence("broadcast", worker), mapping={"7": 2, "": 1})
    assert presence("broadcast") == Present({"7": 2}, 1)
    assert (online_users(), is_online(7)) == ({"7"}, True)


def test_connections_are_counted_by_workers(store: None) -> None:
    assert count_connections("broadcast") == 0
