"""Publications and revocations in transactions on two databases; see ``test_several_databases``."""

import json
import os
import unittest
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import django

django.setup()

from asgiref.sync import async_to_sync, sync_to_async  # noqa: E402
from django.contrib.auth.models import Group, User  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connections, transaction  # noqa: E402
from django.test import Client, TestCase  # noqa: E402
from django.urls import resolve  # noqa: E402
from redis import Redis  # noqa: E402
from sockgate import (  # noqa: E402
    abroadcast,
    apublish,
    apublish_many,
    apublish_to,
    apublish_to_group,
    atouch,
    broadcast,
    publish,
    publish_many,
    publish_to,
    publish_to_group,
    refresh_users,
    revoke_channel,
    touch,
)
from sockgate_gateway.wire.names import Names  # noqa: E402

redis = Redis.from_url(os.environ["SOCKGATE_REDIS_URL"])
pubsub = redis.pubsub()
pubsub.psubscribe("rt:*")
pubsub.get_message(timeout=5)


def received() -> list[str]:
    """The channels of what was published since the last call."""
    pubsub.ping()
    channels = []
    while (message := pubsub.get_message(timeout=5)) and message["type"] != "pong":
        assert json.loads(message["data"])["event"] in ("news", "touch")
        channels.append(message["channel"].decode())
    return channels


@contextmanager
def rolled_back(using: str) -> Iterator[None]:
    with transaction.atomic(using=using):
        yield
        transaction.set_rollback(True, using=using)


EACH: list[Any] = [
    lambda **how: publish(1, "news", **how),
    lambda **how: publish_to("room:1", "news", **how),
    lambda **how: publish_to_group("the editors", "news", **how),
    lambda **how: publish_many([1, 2], "news", **how),
    lambda **how: broadcast("news", **how),
    lambda **how: async_to_sync(apublish)(1, "news", **how),
    lambda **how: async_to_sync(apublish_to)("room:1", "news", **how),
    lambda **how: async_to_sync(apublish_to_group)(Group(name="the editors"), "news", **how),
    lambda **how: async_to_sync(apublish_many)([1, 2], "news", **how),
    lambda **how: async_to_sync(abroadcast)("news", **how),
    lambda **how: touch("room:1", **how),
    lambda **how: async_to_sync(atouch)("room:1", **how),
]

call_command("migrate", verbosity=0)
call_command("migrate", database="other", verbosity=0)

for call in EACH:
    # A transaction on a database that is not the default one.
    with transaction.atomic(using="other"):
        assert call() is None
        assert received() == []
    assert received()
    with rolled_back("other"):
        call()
    assert received() == []
    # Of two transactions, the last commit counts, and each can roll it back.
    with transaction.atomic(), transaction.atomic(using="other"):
        assert call() is None
    assert received()
    with transaction.atomic():
        with transaction.atomic(using="other"):
            call()
        assert received() == []
    assert received()
    with rolled_back("default"), transaction.atomic(using="other"):
        call()
    assert received() == []
    with transaction.atomic(), rolled_back("other"):
        call()
    assert received() == []
    # A savepoint that is rolled back takes its publications with it.
    with transaction.atomic(using="other"), transaction.atomic(), rolled_back("other"):
        call()
    assert received() == []
    # Named, one alone counts.
    with rolled_back("default"), transaction.atomic(using="other"):
        assert call(using="other") is None
    assert received()
    with rolled_back("default"):
        assert call(using="other") is not None
    assert received()
    with rolled_back("other"):
        assert call(on_commit=False) is not None
    assert received()
    assert call() is not None
    assert received()
    for mistake in ({"using": "elsewhere"}, {"using": "other", "on_commit": False}):
        try:
            call(**mistake)
        except (TypeError, django.db.utils.ConnectionDoesNotExist):
            assert received() == []
        else:
            raise AssertionError(mistake)


async def publish_in_a_transaction_that_async_code_opened() -> None:
    block = transaction.atomic(using="other")
    await sync_to_async(block.__enter__)()
    assert await apublish(1, "news") is None
    assert received() == []
    await sync_to_async(block.__exit__)(None, None, None)
    assert received() == ["rt:user:1"]


async_to_sync(publish_in_a_transaction_that_async_code_opened)()


# What is taken away is taken again at each commit, and a rollback elsewhere changes nothing.
control = redis.pubsub()
control.subscribe(Names().control)
control.get_message(timeout=5)


def control_messages() -> int:
    control.ping()
    count = 0
    while (message := control.get_message(timeout=5)) and message["type"] != "pong":
        count += 1
    return count


with transaction.atomic(using="other"):
    revoke_channel(1, "room:1")
    assert control_messages() == 1
assert control_messages() == 1
with rolled_back("default"), transaction.atomic(using="other"):
    revoke_channel(1, "room:1")
assert control_messages() == 2

alice = User.objects.create_user("alice", password="alice-demo")
Client().force_login(alice)
control_messages()
with rolled_back("other"):
    User.objects.filter(pk=alice.pk).update(is_active=False)
    refresh_users([alice])
    assert not redis.exists(Names().user(str(alice.pk)))
assert control_messages() == 1

# The admin's broadcasts are committed before they leave, whatever database has ATOMIC_REQUESTS.
add_view: Any = resolve("/admin/sockgate/broadcast/add/").func
assert add_view._non_atomic_requests == {"default", "other"}


class InTestCase(TestCase):
    """``TestCase`` holds a transaction open on each database."""

    databases = {"default", "other"}  # noqa: RUF012

    def test_publication_waits_as_on_commit_does(self) -> None:
        assert publish(1, "news") is None
        assert received() == []

    def test_captured_callbacks_publish(self) -> None:
        with self.captureOnCommitCallbacks(execute=True):
            publish(1, "news")
        assert received() == ["rt:user:1"]

    def test_publication_waits_for_a_transaction_on_another_database(self) -> None:
        with (
            self.captureOnCommitCallbacks(using="other", execute=True),
            transaction.atomic(using="other"),
        ):
            publish(1, "news")
        assert received() == ["rt:user:1"]


suite = unittest.defaultTestLoader.loadTestsFromTestCase(InTestCase)
assert unittest.TextTestRunner().run(suite).wasSuccessful()
connections.close_all()
pubsub.close()
control.close()
redis.close()
