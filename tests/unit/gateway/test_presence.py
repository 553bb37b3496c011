"""Counting who is where, and writing it once, whatever Redis forgets."""

import asyncio
import json

import pytest

from gateway.connection import Connection, Identity, State
from gateway.errors import BrokerUnavailable
from gateway.hub import Hub
from gateway.presence import Change, Presence, Pulse
from gateway.registry import Limits, Registry
from gateway.wire.names import Names
from gateway.wire.namespaces import Policy
from gateway.wire.presence import Present
from tests.waiting import turn_loop

from .fakes import new_connection
from .test_hub import FakeSubscriptions

COUNTED = Policy(presence=True, join_leave=True)


class FakeStore:
    """A Redis that can be away, and forget."""

    def __init__(self) -> None:
        self.written: list[Change] = []
        self.pulse = Pulse(frozenset(), was_forgotten=False)
        self.is_away = False
        self.readings = 0
        self.at_worker: dict[str, Present] = {}
        self.backs: list[bool] = []

    async def beat(self) -> Pulse:
        self._require()
        return self.pulse

    async def write(self, changes, *, is_back=False) -> None:
        self._require()
        self.written += changes
        self.backs.append(is_back)

    async def read(self, channel: str) -> Present:
        self._require()
        self.readings += 1
        await turn_loop(1)
        return Present({"1": 1}, 0)

    async def read_worker(self, channel: str, worker: str) -> Present:
        self._require()
        return self.at_worker[worker]

    async def part(self) -> None:
        self._require()

    def _require(self) -> None:
        if self.is_away:
            raise BrokerUnavailable("away")

    def beats_once_more(self) -> None:
        """Fail after the next heartbeat."""
        beat = self.beat

        async def last_beat() -> Pulse:
            pulse = await beat()
            self.is_away = True
            return pulse

        self.beat = last_beat

    def counts(self) -> dict[tuple[str, str], int]:
        return {(change.channel, change.uid): change.count for change in self.written}


@pytest.fixture
def store():
    return FakeStore()


@pytest.fixture
def hub():
    return Hub(Names(), FakeSubscriptions(), 1000)


def new_presence(hub: Hub, store: FakeStore) -> Presence:
    policies = {"room:7": COUNTED}
    return Presence(hub, store, lambda channel: policies.get(channel, Policy()))


def visitor(hub: Hub, uid: str | None, *channels: str) -> Connection:
    connection = new_connection()
    connection.enter(State.CHECKING)
    connection.uid = uid
    for channel in channels:
        hub.join(connection, channel)
    connection.welcome(Identity("sid", uid, channels, None), b"{}")
    return connection


async def test_comers_and_goers_are_counted_where_somebody_counts(hub, store):
    presence = new_presence(hub, store)
    first, second = (visitor(hub, "1", "room:7", "broadcast", "user:1") for _ in range(2))
    visitor(hub, None, "room:7")
    hub.leave_all(first)
    await presence.of("room:7")
    assert store.counts() == {("room:7", "1"): 1, ("broadcast", "1"): 1, ("room:7", ""): 1}
    hub.leave_all(second)
    await presence.of("room:7")
    assert store.counts()["room:7", "1"] == 0


async def test_only_users_are_told_of(hub, store):
    presence = new_presence(hub, store)
    visitor(hub, "1", "room:7", "broadcast")
    visitor(hub, None, "room:7")
    await presence.of("room:7")
    told = {(change.channel, change.uid) for change in store.written if change.is_told}
    assert told == {("room:7", "1")}


async def test_connection_that_changes_its_user_changes_the_counts(hub, store):
    presence = new_presence(hub, store)
    registry = Registry(Limits(9, 9, 9, 9))
    registry.on_rename = presence.renamed
    connection = visitor(hub, None, "room:7")
    registry.refile(connection, "sid", "1")
    await presence.of("room:7")
    assert store.counts() == {("room:7", ""): 0, ("room:7", "1"): 1}


async def test_what_could_not_be_written_is_written_later(hub, store):
    presence = new_presence(hub, store)
    visitor(hub, "1", "room:7")
    store.is_away = True
    with pytest.raises(BrokerUnavailable):
        await presence.of("room:7")
    await presence.part()
    store.is_away = False
    await presence.of("room:7")
    assert store.counts() == {("room:7", "1"): 1}


async def test_those_who_ask_together_share_one_reading(hub, store):
    presence = new_presence(hub, store)
    answers = await asyncio.gather(*(presence.of("room:7") for _ in range(5)))
    assert answers == [Present({"1": 1}, 0)] * 5
    assert store.readings == 1


async def test_forgotten_worker_writes_everything_again(hub, store):
    presence = new_presence(hub, store)
    visitor(hub, "1", "room:7")
    await presence.of("room:7")
    store.written.clear()
    store.pulse = Pulse(frozenset(), was_forgotten=True)
    await presence.look_around()
    await presence.of("room:7")
    assert store.counts() == {("room:7", "1"): 1}
    assert store.backs == [False, True]


async def test_worker_that_could_not_say_that_it_is_back_says_it_later(hub, store):
    presence = new_presence(hub, store)
    visitor(hub, "1", "room:7")
    store.pulse = Pulse(frozenset(), was_forgotten=True)
    await presence.look_around()
    store.is_away = True
    with pytest.raises(BrokerUnavailable):
        await presence.of("room:7")
    store.is_away = False
    await presence.of("room:7")
    visitor(hub, "2", "room:7")
    await presence.of("room:7")
    assert store.backs == [True, False]


async def test_what_will_be_forgotten_soon_is_written_again_and_nobody_is_back(hub, store):
    presence = new_presence(hub, store)
    visitor(hub, "1", "room:7")
    await presence.of("room:7")
    store.pulse = Pulse(frozenset(), was_forgotten=False, is_stale=True)
    await presence.look_around()
    await presence.of("room:7")
    assert store.backs == [False, False]


async def test_other_policies_count_who_is_there_already(hub, store):
    policies = {"room:7": Policy()}
    presence = Presence(hub, store, lambda channel: policies.get(channel, Policy()))
    gone = visitor(hub, "1", "room:7", "broadcast")
    visitor(hub, "1", "room:7")
    visitor(hub, None, "room:7")
    policies["room:7"] = COUNTED
    presence.recount()
    await presence.of("room:7")
    assert store.counts() == {("room:7", "1"): 2, ("room:7", ""): 1, ("broadcast", "1"): 1}
    hub.leave_all(gone)
    policies["room:7"] = Policy()
    presence.recount()
    await presence.of("room:7")
    assert store.counts() == {("room:7", "1"): 0, ("room:7", ""): 0, ("broadcast", "1"): 0}


async def test_nobody_is_held_for_dead_by_a_worker_that_was_forgotten_itself(hub, store):
    presence = new_presence(hub, store)
    watcher = visitor(hub, "1", "room:7")
    watcher.transport.batches.clear()
    store.at_worker["other"] = Present({"2": 1}, 0)
    store.pulse = Pulse(frozenset({"other"}), was_forgotten=False)
    await presence.look_around()
    store.pulse = Pulse(frozenset(), was_forgotten=True)
    await presence.look_around()
    assert not watcher.transport.frames
    store.pulse = Pulse(frozenset(), was_forgotten=False)
    await presence.look_around()
    assert [json.loads(frame)["type"] for frame in watcher.transport.frames] == ["leave"]


async def test_the_dead_are_told_of_once_redis_can_be_asked(hub, store):
    presence = new_presence(hub, store)
    watcher = visitor(hub, "1", "room:7")
    watcher.transport.batches.clear()
    store.pulse = Pulse(frozenset({"doomed"}), was_forgotten=False)
    await presence.look_around()
    store.at_worker["doomed"] = Present({"2": 1}, 0)
    store.pulse = Pulse(frozenset(), was_forgotten=False)
    store.beats_once_more()
    with pytest.raises(BrokerUnavailable):
        await presence.look_around()
    assert not watcher.transport.frames
    store.is_away = False
    del store.beat
    for _ in range(2):
        await presence.look_around()
    assert [json.loads(frame)["type"] for frame in watcher.transport.frames] == ["leave"]


async def test_users_of_a_dead_worker_are_told_of_as_gone(hub, store):
    presence = new_presence(hub, store)
    watcher = visitor(hub, "1", "room:7")
    watcher.transport.batches.clear()
    store.pulse = Pulse(frozenset({"doomed"}), was_forgotten=False)
    await presence.look_around()
    store.at_worker["doomed"] = Present({"1": 1, "2": 3}, 1)
    store.pulse = Pulse(frozenset(), was_forgotten=False)
    await presence.look_around()
    frames = list(map(json.loads, watcher.transport.frames))
    assert frames == [{"type": "leave", "channel": "room:7", "user": "2"}]


async def test_cancellation_that_strays_into_a_heartbeat_does_not_end_them(hub, store):
    beats = iter([asyncio.CancelledError, None])
    store.has_beaten = asyncio.Event()

    async def beat() -> Pulse:
        if (error := next(beats)) is not None:
            raise error
        store.has_beaten.set()
        return store.pulse

    store.beat = beat
    running = asyncio.create_task(Presence(hub, store, lambda _: COUNTED).run())
    async with asyncio.timeout(5):
        await store.has_beaten.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
