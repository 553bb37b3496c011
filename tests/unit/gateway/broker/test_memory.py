"""The broker without a server behaves as Redis does."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from math import inf

import pytest

from gateway.broker.memory import MemoryBroker
from gateway.wire.control import ControlMessage
from gateway.wire.records import SessionRecord, UserRecord

from .behaviour import VISITOR, BrokerBehaviour, Ear


class MemoryBench:
    """The twin, with Django's side made to wait as a network does."""

    def __init__(self) -> None:
        self._broker = broker = MemoryBroker()
        self.ear = Ear()
        broker.listen(self.ear)
        self.read, self.read_many, self.reply = broker.read, broker.read_many, broker.reply
        self.want, self.unwant, self.confirmed = broker.want, broker.unwant, broker.confirmed

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

    async def tell(self, message: ControlMessage) -> None:
        self._broker.tell(message)

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


def test_nothing_is_heard_before_somebody_listens():
    broker = MemoryBroker()
    broker.want("a")
    assert broker.publish("a", b"1") == 0
