"""Who is where, right across gateways, whatever becomes of one of them."""

import asyncio
import json
import os
import signal
from collections.abc import Iterator

import pytest
from redis import Redis

from gateway.wire.control import NamespacesChanged
from gateway.wire.namespaces import read_namespaces
from gateway.wire.presence import WORKER_TTL_S
from tests.waiting import until

from .asking import ask, hear_of, subscribe
from .gatewayprocess import NAMES, Django, Gateway, hear
from .sentinels import wait_until

pytestmark = pytest.mark.integration

NAMESPACES = {"room": {"presence": True, "join_leave": True}}


@pytest.fixture
def django(redis_server) -> Iterator[Django]:
    with Redis.from_url(redis_server.connection_url, protocol=2) as redis:
        redis.flushall()
        redis.set(NAMES.namespaces, read_namespaces(json.dumps(NAMESPACES)).to_json())
        yield Django(redis)


@pytest.fixture(scope="module")
def gateways(redis_server, tmp_path_factory) -> Iterator[list[Gateway]]:
    """Two nodes of one deployment."""
    folder = tmp_path_factory.mktemp("gateways")
    started = [
        Gateway(redis_server.connection_url, folder / f"log{n}", audit_interval=1).start()
        for n in range(2)
    ]
    yield started
    for gateway in started:
        gateway.stop()


@pytest.fixture
def gateway(gateways, django) -> Gateway:
    """One of them; Redis knows both, or each would tell of its users again."""
    names = {gateway.worker.encode() for gateway in gateways}
    wait_until(lambda: names <= django.redis.smembers(NAMES.workers))
    django.tell(NamespacesChanged())
    return gateways[0]


async def test_presence_counts_connections_of_all_workers(gateways, gateway, django, redis_server):
    alice, bob, stranger = django.log_in("a", "1"), django.log_in("b", "2"), django.log_in("s", "")
    async with (
        gateways[0].welcomed(alice) as first,
        gateways[1].welcomed(alice) as second,
        gateways[1].welcomed(bob) as third,
        gateways[0].welcomed(stranger) as fourth,
    ):
        for browser, sid in ((first, "a"), (second, "a"), (third, "b"), (fourth, "s")):
            await subscribe(browser, "room:7", sid)
        wanted = {"1": 2, "2": 1}
        async with asyncio.timeout(10):
            while (answer := await ask(first, "presence", channel="room:7"))["users"] != wanted:
                await asyncio.sleep(0.02)
        assert answer["anonymous"] == 1
        assert (await ask(first, "presence", channel="user:1"))["code"] == "not_allowed"
        assert (await ask(first, "presence", channel="room:8"))["code"] == "not_allowed"


async def test_comers_and_goers_are_told_once_across_workers(gateways, gateway, django):
    alice, bob = django.log_in("a", "1"), django.log_in("b", "2")
    async with gateway.welcomed(alice) as watcher:
        await subscribe(watcher, "room:7", "a")
        assert (await hear_of(watcher, "join"))["user"] == "1"
        async with gateways[0].welcomed(bob) as one, gateways[1].welcomed(bob) as two:
            await subscribe(one, "room:7", "b")
            assert await hear_of(watcher, "join") == {
                "type": "join",
                "channel": "room:7",
                "user": "2",
            }
            await subscribe(two, "room:7", "b")
            await until_present(two, {"1": 1, "2": 2})
            await one.close()
            await until_present(two, {"1": 1, "2": 1})
        assert (await hear(watcher))["type"] == "leave"


async def until_present(browser, users: dict) -> None:
    async with asyncio.timeout(10):
        while (await ask(browser, "presence", channel="room:7"))["users"] != users:
            await asyncio.sleep(0.02)


async def test_presence_is_right_again_after_a_worker_was_killed(
    gateway, django, redis_server, tmp_path
):
    doomed = Gateway(redis_server.connection_url, tmp_path / "log").start()
    alice, bob = django.log_in("a", "1"), django.log_in("b", "2")
    async with gateway.welcomed(alice) as watcher:
        await subscribe(watcher, "room:7", "a")
        async with doomed.welcomed(bob) as browser:
            await subscribe(browser, "room:7", "b")
            await until_present(watcher, {"1": 1, "2": 1})
            doomed.process.kill()
            doomed.process.wait()
        hasten_death(django)
        assert (await hear_of(watcher, "leave"))["user"] == "2"
        await until_present(watcher, {"1": 1})


def hasten_death(django: Django) -> None:
    """Let Redis forget silent workers sooner than in life, though none that beats."""
    for key in django.redis.scan_iter(NAMES.worker("*")):
        assert django.redis.pttl(key) <= WORKER_TTL_S * 1000
        if django.redis.pttl(key) < WORKER_TTL_S * 1000:
            django.redis.pexpire(key, 5_100)


async def test_users_of_a_worker_that_stood_still_come_again(gateways, gateway, django):
    alice, bob = django.log_in("a", "1"), django.log_in("b", "2")
    async with gateway.welcomed(alice) as watcher, gateways[1].welcomed(bob) as browser:
        await subscribe(watcher, "room:7", "a")
        await subscribe(browser, "room:7", "b")
        await until_present(watcher, {"1": 1, "2": 1})
        os.kill(gateways[1].process.pid, signal.SIGSTOP)
        try:
            hasten_death(django)
            assert (await hear_of(watcher, "leave"))["user"] == "2"
        finally:
            os.kill(gateways[1].process.pid, signal.SIGCONT)
        assert (await hear_of(watcher, "join"))["user"] == "2"
        await until_present(watcher, {"1": 1, "2": 1})


async def test_namespace_that_is_counted_from_now_on_counts_who_is_there(gateway, django):
    plain = read_namespaces('{"room": {"history": 7}}').to_json()
    counted = django.redis.getset(NAMES.namespaces, plain)
    django.tell(NamespacesChanged())
    async with gateway.welcomed(django.log_in("a", "1")) as browser:
        await until_refused(browser)
        await subscribe(browser, "room:7", "a")
        django.redis.set(NAMES.namespaces, counted)
        django.tell(NamespacesChanged())
        assert (await hear_of(browser, "join"))["user"] == "1"
        await until_present(browser, {"1": 1})


async def until_refused(browser) -> None:
    """Wait until the gateway counts nobody, which it says of the channels that one hears."""
    await subscribe(browser, "room:8", "a")
    async with asyncio.timeout(10):
        while (await ask(browser, "presence", channel="room:8"))["type"] != "error":
            await asyncio.sleep(0.02)


async def test_presence_is_written_again_after_redis_forgot_it(gateway, django):
    async with gateway.welcomed(django.log_in("a", "1")) as watcher:
        await subscribe(watcher, "room:7", "a")
        await until_present(watcher, {"1": 1})
        kept = {key: django.redis.dump(key) for key in django.redis.scan_iter("sockgate:[sun]*")}
        django.redis.flushall()
        for key, record in kept.items():
            django.redis.restore(key, 100_000, record)
        await until_present(watcher, {"1": 1})


async def test_all_connections_are_online(gateway, django):
    async with gateway.welcomed(django.log_in("a", "1")):
        await until(lambda: online(django, "1"))
    await until(lambda: not online(django, "1"))


def online(django: Django, uid: str) -> bool:
    workers = map(bytes.decode, django.redis.smembers(NAMES.workers))
    living = [worker for worker in workers if django.redis.exists(NAMES.worker(worker))]
    return any(django.redis.hexists(NAMES.presence("broadcast", w), uid) for w in living)
