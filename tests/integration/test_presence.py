"""Presence across gateways, also after one of them fails."""

import asyncio
import os
import signal
from collections.abc import Iterator

import pytest
from sockgate_gateway.wire.control import NamespacesChanged
from sockgate_gateway.wire.namespaces import read_namespaces
from sockgate_gateway.wire.presence import WORKER_TTL_S

from tests.integration.gatewayprocess import NAMES, Django, Gateway, receive_frame
from tests.integration.requests import receive_type, request, subscribe
from tests.waiting import until, wait_until

pytestmark = pytest.mark.integration

NAMESPACES = {"room": {"presence": True, "join_leave": True}}


@pytest.fixture
def django(django) -> Django:
    django.write_namespaces(NAMESPACES)
    return django


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
    """The first of them, once both are in Redis; otherwise each would send its joins again."""
    names = {gateway.worker.encode() for gateway in gateways}
    wait_until(lambda: names <= django.redis.smembers(NAMES.workers))
    django.publish_control(NamespacesChanged())
    return gateways[0]


async def test_presence_counts_connections_of_all_workers(gateways, gateway, django, redis_server):
    alice, bob, visitor = django.log_in("a", "1"), django.log_in("b", "2"), django.log_in("s", "")
    async with (
        gateways[0].welcomed(alice) as first,
        gateways[1].welcomed(alice) as second,
        gateways[1].welcomed(bob) as third,
        gateways[0].welcomed(visitor) as fourth,
    ):
        for browser, sid in ((first, "a"), (second, "a"), (third, "b"), (fourth, "s")):
            await subscribe(browser, "room:7", sid)
        wanted = {"1": 2, "2": 1}
        async with asyncio.timeout(10):
            while (answer := await request(first, "presence", channel="room:7"))["users"] != wanted:
                await asyncio.sleep(0.02)  # Poll: counts are written with a delay.
        assert answer["anonymous"] == 1
        assert (await request(first, "presence", channel="user:1"))["code"] == "not_allowed"
        refused = await request(first, "presence", channel="room:8")
        assert (refused["code"], refused["channel"]) == ("not_allowed", "room:8")


async def test_join_and_leave_are_sent_once_across_workers(gateways, gateway, django):
    alice, bob = django.log_in("a", "1"), django.log_in("b", "2")
    async with gateway.welcomed(alice) as member:
        await subscribe(member, "room:7", "a")
        assert (await receive_type(member, "join"))["user"] == "1"
        async with gateways[0].welcomed(bob) as one, gateways[1].welcomed(bob) as two:
            await subscribe(one, "room:7", "b")
            assert await receive_type(member, "join") == {
                "type": "join",
                "channel": "room:7",
                "user": "2",
            }
            await subscribe(two, "room:7", "b")
            await until_present(two, {"1": 1, "2": 2})
            await one.close()
            await until_present(two, {"1": 1, "2": 1})
        assert (await receive_frame(member))["type"] == "leave"


async def until_present(browser, users: dict) -> None:
    async with asyncio.timeout(10):
        while (await request(browser, "presence", channel="room:7"))["users"] != users:
            await asyncio.sleep(0.02)  # Poll: no frame announces the change.


async def test_presence_is_right_again_after_a_worker_was_killed(
    gateway, django, redis_server, tmp_path
):
    doomed = Gateway(redis_server.connection_url, tmp_path / "log").start()
    alice, bob = django.log_in("a", "1"), django.log_in("b", "2")
    async with gateway.welcomed(alice) as member:
        await subscribe(member, "room:7", "a")
        async with doomed.welcomed(bob) as browser:
            await subscribe(browser, "room:7", "b")
            await until_present(member, {"1": 1, "2": 1})
            doomed.process.kill()
            doomed.process.wait()
        hasten_death(django)
        assert (await receive_type(member, "leave"))["user"] == "2"
        await until_present(member, {"1": 1})


def hasten_death(django: Django) -> None:
    """Shorten the expiry of silent workers, but of none with a heartbeat."""
    for key in django.redis.scan_iter(NAMES.worker("*")):
        assert django.redis.pttl(key) <= WORKER_TTL_S * 1000
        if django.redis.pttl(key) < WORKER_TTL_S * 1000:
            django.redis.pexpire(key, 5_100)


async def test_users_of_a_worker_that_was_stopped_join_again(gateways, gateway, django):
    alice, bob = django.log_in("a", "1"), django.log_in("b", "2")
    async with gateway.welcomed(alice) as member, gateways[1].welcomed(bob) as browser:
        await subscribe(member, "room:7", "a")
        await subscribe(browser, "room:7", "b")
        await until_present(member, {"1": 1, "2": 1})
        os.kill(gateways[1].process.pid, signal.SIGSTOP)
        try:
            hasten_death(django)
            assert (await receive_type(member, "leave"))["user"] == "2"
        finally:
            os.kill(gateways[1].process.pid, signal.SIGCONT)
        assert (await receive_type(member, "join"))["user"] == "2"
        await until_present(member, {"1": 1, "2": 1})


async def test_presence_that_is_switched_on_counts_subscribed_users(gateway, django):
    plain = read_namespaces('{"room": {"history": 7}}').to_json()
    counted = django.redis.getset(NAMES.namespaces, plain)
    django.publish_control(NamespacesChanged())
    async with gateway.welcomed(django.log_in("a", "1")) as browser:
        await until_rejected(browser)
        await subscribe(browser, "room:7", "a")
        django.redis.set(NAMES.namespaces, counted)
        django.publish_control(NamespacesChanged())
        assert (await receive_type(browser, "join"))["user"] == "1"
        await until_present(browser, {"1": 1})


async def until_rejected(browser) -> None:
    """Wait until the gateway rejects presence requests, also for a subscribed channel."""
    await subscribe(browser, "room:8", "a")
    async with asyncio.timeout(10):
        while (await request(browser, "presence", channel="room:8"))["type"] != "error":
            await asyncio.sleep(0.02)  # Poll: no frame announces the change.


async def test_presence_is_written_again_after_redis_lost_it(gateway, django):
    async with gateway.welcomed(django.log_in("a", "1")) as member:
        await subscribe(member, "room:7", "a")
        await until_present(member, {"1": 1})
        kept = {key: django.redis.dump(key) for key in django.redis.scan_iter("sockgate:[sun]*")}
        django.redis.flushall()
        for key, record in kept.items():
            django.redis.restore(key, 100_000, record)
        await until_present(member, {"1": 1})


async def test_all_connections_are_online(gateway, django):
    async with gateway.welcomed(django.log_in("a", "1")):
        await until(lambda: online(django, "1"))
    await until(lambda: not online(django, "1"))


def online(django: Django, uid: str) -> bool:
    workers = map(bytes.decode, django.redis.smembers(NAMES.workers))
    living = [worker for worker in workers if django.redis.exists(NAMES.worker(worker))]
    return any(django.redis.hexists(NAMES.presence("broadcast", w), uid) for w in living)
