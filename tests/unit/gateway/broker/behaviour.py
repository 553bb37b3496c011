"""What a worker needs of a broker: one suite for Redis and for the memory broker.

A suite names its broker in the fixture ``bench``, which opens a ``Bench`` for one test.
"""

from collections.abc import Callable, Iterable
from contextlib import AbstractAsyncContextManager
from math import inf
from typing import Protocol

import pytest
from sockgate_gateway.channels.hub import Received
from sockgate_gateway.connections.connection import Claim
from sockgate_gateway.errors import BrokerUnavailable
from sockgate_gateway.sessions.authenticator import Login
from sockgate_gateway.wire.control import ControlMessage, RevokeSession, UserChanged, read_control
from sockgate_gateway.wire.records import SessionRecord, UserRecord

from tests.waiting import until

ALICE = SessionRecord("7", "digest")
ALICE_NOW = UserRecord("digest", ("group:editors",))
VISITOR = SessionRecord("", "")


class RecordingListener:
    """A listener that records its calls."""

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.control_messages: list[ControlMessage] = []
        self.parts_lost: list[tuple[str, set[bytes]]] = []
        self.parts_restored: list[str] = []
        self.moved: list[bytes] = []
        self.lost = 0
        self.restored = 0

    def fan_out(self, received: list[Received]) -> None:
        self.received += received

    def receive_control(self, raw: bytes) -> None:
        self.control_messages.append(read_control(raw))

    def part_lost(self, part: str, keys: Iterable[bytes]) -> None:
        self.parts_lost.append((part, set(keys)))

    def part_restored(self, part: str) -> None:
        self.parts_restored.append(part)

    def channels_moved(self, keys: Iterable[bytes]) -> None:
        self.moved += keys

    def link_lost(self, cause: str = "") -> None:
        self.lost += 1

    def link_restored(self) -> None:
        self.restored += 1


class Bench(Protocol):
    """Both sides of a broker: the worker's and Django's."""

    listener: RecordingListener

    @property
    def is_live(self) -> bool: ...
    async def read(self, sid: str, uid: str | None) -> Login: ...
    async def read_many(self, claims: list[Claim]) -> list[Login]: ...
    def subscribe(self, channel: str) -> None: ...
    def unsubscribe(self, channel: str) -> None: ...
    async def confirmed(self, channels: tuple[str, ...]) -> None: ...
    def reply(self, reply_to: str, answer: int) -> None: ...

    async def write_session(self, sid: str, record: SessionRecord, ttl_s: float = inf) -> None: ...
    async def delete_session(self, sid: str) -> None: ...
    async def write_user(self, uid: str, record: UserRecord) -> None: ...
    async def delete_user(self, uid: str) -> None: ...
    async def publish(self, channel: str, payload: bytes) -> int: ...
    async def publish_control(self, message: ControlMessage) -> None: ...
    async def answers(self, reply_to: str) -> list[int]: ...
    async def cut(self) -> None: ...
    async def mend(self) -> None: ...


OpenBench = Callable[[], AbstractAsyncContextManager[Bench]]


class BrokerBehaviour:
    """The suite."""

    @pytest.fixture
    def bench(self) -> OpenBench:
        raise NotImplementedError

    # Sessions

    async def test_session_is_read_with_its_user(self, bench: OpenBench):
        async with bench() as broker:
            await broker.write_session("sid", ALICE, 100)
            await broker.write_user("7", ALICE_NOW)
            login = await broker.read("sid", "7")
            assert (login.session, login.user) == (ALICE, ALICE_NOW)
            assert 90 < login.ttl_s <= 100

    async def test_session_without_end_has_no_ttl(self, bench: OpenBench):
        async with bench() as broker:
            await broker.write_session("sid", VISITOR)
            assert await broker.read("sid", None) == Login(VISITOR, None, None)

    async def test_unknown_session_is_none(self, bench: OpenBench):
        async with bench() as broker:
            assert await broker.read("unknown", "7") == Login(None, None, None)

    async def test_deleted_session_and_user_are_none(self, bench: OpenBench):
        async with bench() as broker:
            await broker.write_session("sid", ALICE)
            await broker.write_user("7", ALICE_NOW)
            await broker.delete_user("7")
            assert await broker.read("sid", "7") == Login(ALICE, None, None)
            await broker.delete_session("sid")
            assert await broker.read("sid", "7") == Login(None, None, None)

    async def test_many_sessions_are_read_in_their_order(self, bench: OpenBench):
        async with bench() as broker:
            for number in range(5):
                await broker.write_session(f"sid{number}", SessionRecord(str(number), "digest"))
            claims = [(f"sid{number}", str(number)) for number in (3, 1, 4, 1, 9)]
            logins = await broker.read_many(claims)
            users = [login.session and login.session.user for login in logins]
            assert users == ["3", "1", "4", "1", None]
            assert await broker.read_many([]) == []

    async def test_sessions_cannot_be_read_without_a_link(self, bench: OpenBench):
        async with bench() as broker:
            await broker.write_session("sid", ALICE)
            await broker.cut()
            with pytest.raises(BrokerUnavailable):
                await broker.read("sid", "7")
            with pytest.raises(BrokerUnavailable):
                await broker.read_many([("sid", "7")])

    # Channels

    async def test_subscribed_channel_delivers_once_it_is_confirmed(self, bench: OpenBench):
        async with bench() as broker:
            broker.subscribe("a")
            await broker.confirmed(("a",))
            assert await broker.publish("a", b'"news"') == 1
            await until(lambda: broker.listener.received == [(b"rt:a", b'"news"')])

    async def test_other_channels_are_not_delivered(self, bench: OpenBench):
        async with bench() as broker:
            broker.subscribe("a")
            await broker.confirmed(("a",))
            assert await broker.publish("b", b"1") == 0
            await broker.publish("a", b"2")
            await until(lambda: broker.listener.received)
            assert broker.listener.received == [(b"rt:a", b"2")]

    async def test_publications_come_in_their_order(self, bench: OpenBench):
        async with bench() as broker:
            broker.subscribe("a")
            broker.subscribe("b")
            await broker.confirmed(("a", "b"))
            for number in range(200):
                await broker.publish("ab"[number % 2], b"%d" % number)
            await until(lambda: len(broker.listener.received) == 200)
            assert [int(payload) for _, payload in broker.listener.received] == list(range(200))

    async def test_unsubscribed_channel_is_released_in_the_end(self, bench: OpenBench):
        async with bench() as broker:
            broker.subscribe("a")
            await broker.confirmed(("a",))
            broker.unsubscribe("a")
            while await broker.publish("a", b"1"):
                pass
            broker.subscribe("a")
            await broker.confirmed(("a",))
            assert await broker.publish("a", b"2") == 1

    async def test_confirmed_channels_need_no_waiting(self, bench: OpenBench):
        async with bench() as broker:
            broker.subscribe("a")
            await broker.confirmed(("a",))
            await broker.confirmed(("a",))
            await broker.confirmed(())

    # Control messages

    async def test_control_messages_always_arrive(self, bench: OpenBench):
        async with bench() as broker:
            messages = [RevokeSession("sid"), UserChanged("7")]
            for message in messages:
                await broker.publish_control(message)
            await until(lambda: broker.listener.control_messages == messages)

    async def test_replies_reach_the_key_of_their_request(self, bench: OpenBench):
        async with bench() as broker:
            broker.reply("question", 3)
            broker.reply("question", 4)
            broker.reply("another", 5)
            found: list[int] = []
            while len(found) < 2:
                found += await broker.answers("question")
            assert sorted(found) == [3, 4]

    # The link

    async def test_broker_is_live_from_the_start(self, bench: OpenBench):
        async with bench() as broker:
            await until(lambda: broker.is_live)
            assert broker.listener.restored == 1

    async def test_lost_link_is_restored_and_notified(self, bench: OpenBench):
        async with bench() as broker:
            broker.subscribe("a")
            await broker.confirmed(("a",))
            await broker.cut()
            await until(lambda: not broker.is_live)
            with pytest.raises(BrokerUnavailable):
                broker.subscribe("b")
                await broker.confirmed(("b",))
            await broker.mend()
            await until(lambda: broker.is_live)
            assert broker.listener.restored == 2

    async def test_channels_are_subscribed_again_after_the_link_was_lost(self, bench: OpenBench):
        async with bench() as broker:
            broker.subscribe("a")
            await broker.confirmed(("a",))
            await broker.cut()
            broker.subscribe("b")
            await broker.mend()
            await until(lambda: broker.listener.restored == 2)
            assert [await broker.publish(channel, b"1") for channel in "ab"] == [1, 1]
            await until(lambda: len(broker.listener.received) == 2)
