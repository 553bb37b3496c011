"""The broker without a server behaves as Redis does."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from math import inf

import pytest
from sockgate_gateway.wire.control import ControlMessage
from sockgate_gateway.wire.records import SessionRecord, UserRecord

from tests.unit.gateway.broker.behaviour import VISITOR, BrokerBehaviour, RecordingListener
from tests.unit.gateway.memory_broker import MemoryBroker


class MemoryBench:
    """The twin, with Django's side made to wait as a network does."""

    def __init__(self) -> None:
        self._broker = broker = MemoryBroker()
        self.listener = RecordingListener()
        broker.listen(self.listener, self.listener)
        self.read, self.read_many, self.reply = broker.read, broker.read_many, broker.reply
        self.subscribe, self.unsubscribe, self.confirmed = (
            broker.subscribe,
            broker.unsubscribe,
            broker.confirmed,
        )

    @property
    def is_live(self) -> bool:
        return self._broker.is_live

    async def write_session(self, sid: str, record: SessionRecord, ttl_s: float = inf) -> None:
        self._broker.write_session(sid, record, ttl_s)

    async def delete_session(self, sid: str) -> None:
        self._broker.delete_session(sid)

    async def write_user(self, uid: str, record: UserRecord) -> None:
        self._broker.write_user(uid, record)

    async def delete_user(self, uid: str) -> None:
        self._broker.delete_user(uid)

    async def publish(self, channel: str, payload: bytes) -> int:
        return self._broker.publish(channel, payload)

    async def publish_control(self, message: ControlMessage) -> None:
        self._broker.publish_control(message)

    async def answers(self, reply_to: str) -> list[int]:
        return self._broker.answers(reply_to)

    async def cut(self) -> None:
        self._broker.cut()

    async def mend(self) -> None:
        self._broker.mend()


class TestMemoryBroker(BrokerBehaviour):
    @pytest.fixture
    def bench(self):
        @asynccontextmanager
        async def open_bench() -> AsyncIterator[MemoryBench]:
            yield MemoryBench()

        return open_bench


async def test_session_ends_with_the_clock(clock):
    broker = MemoryBroker(clock=clock.read)
    broker.write_session("sid", VISITOR, 10)
    clock.advance(9)
    assert (await broker.read("sid", None)).ttl_s == 1
    clock.advance(1)
    assert (await broker.read("sid", None)).session is None


def test_publication_before_the_subscription_is_not_received():
    broker = MemoryBroker()
    broker.subscribe("a")
    assert broker.publish("a", b"1") == 0
