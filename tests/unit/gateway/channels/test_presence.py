"""Counts of subscribed users, written again after Redis has lost them."""

import asyncio
import json
from time import monotonic

import pytest
from sockgate_gateway.channels.hub import Hub
from sockgate_gateway.channels.notice_budget import NoticeBudget
from sockgate_gateway.channels.presence import Presence
from sockgate_gateway.channels.presence_counts import PresenceCounts
from sockgate_gateway.channels.presence_store import Change, Heartbeat
from sockgate_gateway.connections.connection import Connection, Identity
from sockgate_gateway.connections.registry import Limits, Registry
from sockgate_gateway.errors import BrokerUnavailable
from sockgate_gateway.loop.timer_wheel import TimerWheel
from sockgate_gateway.wire.names import Names
from sockgate_gateway.wire.namespaces import Policy
from sockgate_gateway.wire.presence import Present, StoredData

from tests.unit.gateway.channels.test_hub import FakeSubscriptions
from tests.unit.gateway.fakes import SilentJoin, new_connection, new_hub
from tests.waiting import turn_loop

COUNTED = Policy(presence=True, join_leave=True)


class FakeStore:
    """A Redis that can be unavailable, and lose the worker."""

    def __init__(self) -> None:
        self.written: list[Change] = []
        self.next_heartbeat = Heartbeat(frozenset(), was_forgotten=False)
        self.is_away = False
        self.reads = 0
        self.by_worker: dict[str, Present] = {}
        self.backs: list[bool] = []
        self.is_written: asyncio.Event | None = None

    async def beat(self, connections: int) -> Heartbeat:
        self._require()
        self.connections = connections
        return self.next_heartbeat

    async def write(self, changes, *, is_back=False) -> None:
        self._require()
        if self.is_written:
            await self.is_written.wait()
        self.written += changes
        self.backs.append(is_back)

    async def read_others(self, channel: str) -> Present:
        self._require()
        self.reads += 1
        await turn_loop(1)
        return Present({"1": 1}, 2)

    async def read_data(self, channel, uids, *, has_pages) -> list[StoredData]:
        self._require()
        return [StoredData(b'{"name":"x"}') for _ in uids]

    async def read_worker(self, channel: str, worker: str) -> Present:
        self._require()
        return self.by_worker[worker]

    async def remove_worker(self) -> None:
        self._require()

    def _require(self) -> None:
        if self.is_away:
            raise BrokerUnavailable("away")

    def fail_after_the_next_heartbeat(self) -> None:
        """Fail after the next heartbeat."""
        beat = self.beat

        async def last_beat(connections: int) -> Heartbeat:
            pulse = await beat(connections)
            self.is_away = True
            return pulse

        self.beat = last_beat

    def counts(self) -> dict[tuple[str, str], int]:
        return {(change.channel, change.uid): change.count for change in self.written}


@pytest.fixture
def store():
    return FakeStore()


@pytest.fixture
def policies():
    """The policies by channel; a test may change them."""
    return {"room:7": COUNTED}


@pytest.fixture
def policy_of(policies):
    return lambda name: policies.get(name, Policy())


@pytest.fixture
def counts():
    return PresenceCounts()


@pytest.fixture
def hub(counts, policy_of):
    return new_hub(Names(), FakeSubscriptions(), 1000, policy_of, counts=counts)


@pytest.fixture
def presence(hub, counts, store, policy_of):
    notices = NoticeBudget(TimerWheel(monotonic), lambda channel: len(hub.connections_on(channel)))
    return Presence(hub, counts, store, policy_of, lambda: 7, notices)


def subscriber(hub: Hub, uid: str | None, *channels: str) -> Connection:
    connection = new_connection()
    connection.start_check()
    connection.uid = uid
    for channel in channels:
        hub.subscribe(connection, channel, SilentJoin())
    connection.welcome(Identity("sid", uid, channels, None), b"{}")
    connection.resume()
    return connection


async def test_connections_are_counted_on_channels_with_presence(hub, store, presence):
    first, second = (subscriber(hub, "1", "room:7", "broadcast", "user:1") for _ in range(2))
    subscriber(hub, None, "room:7")
    hub.unsubscribe_all(first)
    await presence.read("room:7")
    assert store.counts() == {("room:7", "1"): 1, ("broadcast", "1"): 1, ("room:7", ""): 1}
    hub.unsubscribe_all(second)
    await presence.read("room:7")
    assert store.counts()["room:7", "1"] == 0


async def test_notices_are_sent_for_users_alone(hub, store, presence):
    subscriber(hub, "1", "room:7", "broadcast")
    subscriber(hub, None, "room:7")
    await presence.read("room:7")
    with_notices = {(change.channel, change.uid) for change in store.written if change.has_notices}
    assert with_notices == {("room:7", "1")}


async def test_connection_that_changes_its_user_changes_the_counts(hub, store, presence):
    limits = Limits(total=9, unauthenticated=9, per_user=9, per_address=9)
    registry = Registry(limits, on_user_changed=presence.user_changed)
    connection = subscriber(hub, None, "room:7")
    registry.refile(connection, "sid", "1")
    await presence.read("room:7")
    assert store.counts() == {("room:7", ""): 0, ("room:7", "1"): 1}


async def test_counts_that_could_not_be_written_are_written_later(hub, store, presence):
    subscriber(hub, "1", "room:7")
    store.is_away = True
    with pytest.raises(BrokerUnavailable):
        await presence.read("room:7")
    await presence.stop()
    store.is_away = False
    await presence.read("room:7")
    assert store.counts() == {("room:7", "1"): 1}


async def test_simultaneous_reads_are_one(hub, store, presence):
    answers = await asyncio.gather(*(presence.read("room:7") for _ in range(5)))
    assert answers == [Present({"1": 1}, 2)] * 5
    assert store.reads == 1


async def test_own_connections_are_present_while_their_counts_are_being_written(
    hub, store, presence
):
    store.is_written = asyncio.Event()
    for uid in ("1", "1", "3", None):
        subscriber(hub, uid, "room:7")
    reads = [asyncio.create_task(presence.read(name)) for name in ("room:8", "room:7")]
    await turn_loop(3)
    store.is_written.set()
    assert await asyncio.gather(*reads) == [Present({"1": 1}, 2), Present({"1": 3, "3": 1}, 3)]


async def test_older_count_is_never_written_after_a_newer_one(hub, store, presence):
    gone = subscriber(hub, "1", "room:7")
    await presence.read("room:7")
    hub.unsubscribe_all(gone)
    is_written = store.is_written = asyncio.Event()
    older = asyncio.create_task(presence.read("room:8"))
    await turn_loop(3)
    store.is_written = None
    subscriber(hub, "1", "room:7")
    newer = asyncio.create_task(presence.read("room:7"))
    await turn_loop(3)
    is_written.set()
    await asyncio.gather(older, newer)
    assert store.counts() == {("room:7", "1"): 1}


async def test_worker_lost_by_redis_writes_all_counts_again(hub, store, presence):
    subscriber(hub, "1", "room:7")
    await presence.read("room:7")
    store.written.clear()
    store.next_heartbeat = Heartbeat(frozenset(), was_forgotten=True)
    await presence.heartbeat()
    await presence.read("room:7")
    assert store.counts() == {("room:7", "1"): 1}
    assert store.backs == [False, True]


async def test_return_of_a_worker_is_written_later_when_redis_is_unavailable(hub, store, presence):
    subscriber(hub, "1", "room:7")
    store.next_heartbeat = Heartbeat(frozenset(), was_forgotten=True)
    await presence.heartbeat()
    store.is_away = True
    with pytest.raises(BrokerUnavailable):
        await presence.read("room:7")
    store.is_away = False
    await presence.read("room:7")
    subscriber(hub, "2", "room:7")
    await presence.read("room:7")
    assert store.backs == [True, False]


async def test_counts_that_expire_soon_are_written_again_and_are_not_new(hub, store, presence):
    subscriber(hub, "1", "room:7")
    await presence.read("room:7")
    store.next_heartbeat = Heartbeat(frozenset(), was_forgotten=False, is_stale=True)
    await presence.heartbeat()
    await presence.read("room:7")
    assert store.backs == [False, False]


async def test_recount_includes_connections_that_are_subscribed_already(
    hub, store, presence, policies
):
    policies["room:7"] = Policy()
    gone = subscriber(hub, "1", "room:7", "broadcast")
    subscriber(hub, "1", "room:7")
    subscriber(hub, None, "room:7")
    policies["room:7"] = COUNTED
    presence.recount()
    await presence.read("room:7")
    assert store.counts() == {("room:7", "1"): 2, ("room:7", ""): 1, ("broadcast", "1"): 1}
    hub.unsubscribe_all(gone)
    policies["room:7"] = Policy()
    presence.recount()
    await presence.read("room:7")
    assert store.counts() == {("room:7", "1"): 0, ("room:7", ""): 0, ("broadcast", "1"): 0}


async def test_worker_lost_by_redis_takes_no_other_for_dead(hub, store, presence):
    member = subscriber(hub, "1", "room:7")
    member.transport.batches.clear()
    store.by_worker["other"] = Present({"2": 1}, 0)
    store.next_heartbeat = Heartbeat(frozenset({"other"}), was_forgotten=False)
    await presence.heartbeat()
    store.next_heartbeat = Heartbeat(frozenset(), was_forgotten=True)
    await presence.heartbeat()
    assert not member.transport.frames
    store.next_heartbeat = Heartbeat(frozenset(), was_forgotten=False)
    await presence.heartbeat()
    assert [json.loads(frame)["type"] for frame in member.transport.frames] == ["leave"]


async def test_leaves_of_a_dead_worker_are_sent_once_redis_is_available(hub, store, presence):
    member = subscriber(hub, "1", "room:7")
    member.transport.batches.clear()
    store.next_heartbeat = Heartbeat(frozenset({"doomed"}), was_forgotten=False)
    await presence.heartbeat()
    store.by_worker["doomed"] = Present({"2": 1}, 0)
    store.next_heartbeat = Heartbeat(frozenset(), was_forgotten=False)
    store.fail_after_the_next_heartbeat()
    with pytest.raises(BrokerUnavailable):
        await presence.heartbeat()
    assert not member.transport.frames
    store.is_away = False
    del store.beat
    for _ in range(2):
        await presence.heartbeat()
    assert [json.loads(frame)["type"] for frame in member.transport.frames] == ["leave"]


async def test_users_of_a_dead_worker_leave(hub, store, presence):
    member = subscriber(hub, "1", "room:7")
    member.transport.batches.clear()
    store.next_heartbeat = Heartbeat(frozenset({"doomed"}), was_forgotten=False)
    await presence.heartbeat()
    store.by_worker["doomed"] = Present({"1": 1, "2": 3}, 1)
    store.next_heartbeat = Heartbeat(frozenset(), was_forgotten=False)
    await presence.heartbeat()
    frames = list(map(json.loads, member.transport.frames))
    assert frames == [{"type": "leave", "channel": "room:7", "user": "2"}]


async def test_heartbeat_counts_the_workers_that_live(presence, counts, store):
    assert counts.workers == 1
    store.next_heartbeat = Heartbeat(frozenset({"w2", "w3"}), was_forgotten=False)
    await presence.heartbeat()
    assert counts.workers == 3


async def test_heartbeat_says_and_learns_how_many_connections_workers_have(presence, store):
    live = frozenset({"w2", "w3", "old"})
    store.next_heartbeat = Heartbeat(live, was_forgotten=False, connections={"w2": 30, "w3": 5})
    await presence.heartbeat()
    assert store.connections == 7
    assert presence.connections == 42


async def test_cancelled_heartbeat_does_not_end_the_heartbeats(hub, store, presence):
    beats = iter([asyncio.CancelledError, None])
    store.was_beaten = asyncio.Event()

    async def beat(connections: int) -> Heartbeat:
        if (error := next(beats)) is not None:
            raise error
        store.was_beaten.set()
        return store.next_heartbeat

    store.beat = beat
    running = asyncio.create_task(presence.run())
    async with asyncio.timeout(5):
        await store.was_beaten.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
