"""Newcomers receive the newest publications of a channel, before newer ones: on a real Redis."""

import asyncio
import json
from collections.abc import Iterator

import pytest
from sockgate_gateway.connections.replay_budget import REPLAYS
from sockgate_gateway.wire.control import UserChanged
from sockgate_gateway.wire.tokens import Grant, GrantSigner

from tests.integration.gatewayprocess import (
    KEY,
    NAMES,
    Django,
    Gateway,
    receive_close,
    receive_frame,
)
from tests.integration.sequences import ClientState, publish_in_sequence
from tests.integration.test_recovery import kill_subscribers

pytestmark = pytest.mark.integration

GAP = ClientState.GAP
NAMESPACES = {
    "user": {"state": "latest"},
    "price": {"state": "latest", "public": True},
    "chat": {"public": True},
    "plain": {"public": True, "recover": False},
    "room": {"state": "latest"},
}


@pytest.fixture(scope="module")
def gateway(redis_server, tmp_path_factory) -> Iterator[Gateway]:
    log = tmp_path_factory.mktemp("gateway") / "log"
    options = {"release_delay": 0, "max_outbox": 200_000, "max_replay": 50}
    gateway = Gateway(
        redis_server.connection_url, log, namespaces=json.dumps(NAMESPACES), **options
    )
    yield gateway.start()
    gateway.stop()


@pytest.fixture
def token(django) -> str:
    return django.log_in("sid")


def publish(django: Django, channel: str, *data: object) -> None:
    for one in data:
        publish_in_sequence(django.redis, channel, one)


async def subscribe(browser, state: ClientState, channel: str, **fields) -> dict:
    await browser.send(json.dumps({"type": "subscribe", "channel": channel, **fields}))
    return await state.receive_type(browser, "subscribed")


async def connect(gateway: Gateway, token: str, state: ClientState):
    browser = await gateway.connect()
    await browser.send(state.connect_frame(token))
    await state.receive_type(browser, "connected")
    return browser


async def receive_all(browser, state: ClientState, django: Django, channel: str) -> list:
    """What was received on a channel, up to a publication of now."""
    publish(django, channel, "end")
    await state.receive_until(browser, channel, "end")
    assert (state.holes, state.duplicates) == (0, 0)
    return state.received[channel][:-1]


async def test_newcomer_receives_the_newest_publication(gateway, django, token):
    publish(django, "price:gold", 1, 2, 3)
    state = ClientState()
    async with await connect(gateway, token, state) as browser:
        answer = await subscribe(browser, state, "price:gold")
        assert answer["offset"] == 2
        assert answer["state"] == "latest"
        assert "recovered" not in answer
        assert await receive_all(browser, state, django, "price:gold") == [3]


async def test_newcomer_to_a_live_channel_receives_the_newest_publication(gateway, django, token):
    stayed, newcomer = ClientState(), ClientState()
    async with await connect(gateway, token, stayed) as staying:
        await subscribe(staying, stayed, "price:gold")
        publish(django, "price:gold", 1, 2)
        await stayed.receive_until(staying, "price:gold", 2)
        async with await connect(gateway, token, newcomer) as browser:
            await subscribe(browser, newcomer, "price:gold")
            assert await receive_all(browser, newcomer, django, "price:gold") == [2]
        await stayed.receive_until(staying, "price:gold", "end")
    assert stayed.received["price:gold"] == [1, 2, "end"]


async def test_automatic_channel_has_its_state_with_the_connect(gateway, django, token):
    publish(django, "user:7", 1, 2)
    state = ClientState()
    async with await connect(gateway, token, state) as browser:
        assert state.welcome["channels"]["user:7"]["offset"] == 1
        assert await receive_all(browser, state, django, "user:7") == [2]


async def test_assigned_channel_brings_its_state(gateway, django, token):
    publish(django, "room:7", 1, 2)
    state = ClientState()
    async with await connect(gateway, token, state) as browser:
        django.redis.hset(NAMES.user("7"), "channels", '["room:7"]')
        django.publish_control(UserChanged("7"))
        await state.receive_type(browser, "subscribed")
        assert await receive_all(browser, state, django, "room:7") == [2]


async def test_first_subscriber_of_an_empty_channel_receives_nothing(gateway, django, token):
    state = ClientState()
    async with await connect(gateway, token, state) as browser:
        await subscribe(browser, state, "price:none")
        assert await receive_all(browser, state, django, "price:none") == []


@pytest.mark.parametrize(
    ("recover", "expected"),
    [(1, [9]), (4, [6, 7, 8, 9]), (1000, list(range(1, 10))), ("all", list(range(1, 10)))],
)
async def test_newcomer_receives_as_many_as_it_asks_for(gateway, django, token, recover, expected):
    publish(django, "chat:7", *range(1, 10))
    state = ClientState()
    async with await connect(gateway, token, state) as browser:
        answer = await subscribe(browser, state, "chat:7", recover=recover)
        assert answer["recovered"] is True
        assert await receive_all(browser, state, django, "chat:7") == expected


async def test_connect_recovers_the_newest_of_an_automatic_channel(gateway, django, token):
    publish(django, "user:7", *range(1, 10))
    state = ClientState()
    state.positions = {"user:7": 3, "broadcast": "all"}
    async with await connect(gateway, token, state) as browser:
        assert state.welcome["channels"]["user:7"]["recovered"] is True
        assert await receive_all(browser, state, django, "user:7") == [7, 8, 9]


async def test_newest_are_limited_as_a_recovery_is(gateway, django, token):
    publish(django, "chat:7", *range(1, 80))
    publish(django, "chat:8", *["x" * 30_000] * 9, "last")
    state = ClientState()
    async with await connect(gateway, token, state) as browser:
        await subscribe(browser, state, "chat:7", recover="all")
        await subscribe(browser, state, "chat:8", recover="all")
        assert await receive_all(browser, state, django, "chat:7") == list(range(30, 80))
        assert await receive_all(browser, state, django, "chat:8") == ["x" * 30_000] * 3 + ["last"]


async def test_namespace_without_recovery_answers_that_it_has_nothing(gateway, django, token):
    state = ClientState()
    async with await connect(gateway, token, state) as browser:
        answer = await subscribe(browser, state, "plain:7", recover="all")
        assert answer["recovered"] is False
        assert "epoch" not in answer


async def test_lost_position_is_a_gap_and_then_the_newest_publication(gateway, django, token):
    publish(django, "price:gold", 1, 2)
    state = ClientState()
    async with await connect(gateway, token, state) as browser:
        await subscribe(browser, state, "price:gold")
        await state.receive_until(browser, "price:gold", 2)
    django.redis.flushdb()
    django.write_namespaces(NAMESPACES)
    publish(django, "price:gold", 3, 4)
    position = state.positions["price:gold"]
    async with await connect(gateway, django.log_in("sid"), state) as browser:
        answer = await subscribe(browser, state, "price:gold", recover=position)
        assert (answer["recovered"], answer["offset"]) == (False, 1)
        assert await receive_all(browser, state, django, "price:gold") == [2, GAP, 4]


async def test_recovered_position_is_no_newcomer(gateway, django, token):
    publish(django, "price:gold", 1)
    state = ClientState()
    async with await connect(gateway, token, state) as browser:
        await subscribe(browser, state, "price:gold")
        await state.receive_until(browser, "price:gold", 1)
    publish(django, "price:gold", 2, 3)
    async with await connect(gateway, token, state) as browser:
        position = state.positions["price:gold"]
        answer = await subscribe(browser, state, "price:gold", recover=position)
        assert answer["recovered"] is True
        assert await receive_all(browser, state, django, "price:gold") == [1, 2, 3]


async def test_state_follows_the_gap_of_a_lost_link(gateway, django, token):
    state = ClientState()
    async with await connect(gateway, token, state) as browser:
        await subscribe(browser, state, "price:gold")
        publish(django, "price:gold", 1)
        await state.receive_until(browser, "price:gold", 1)
        # Another epoch, whose publications the worker has not received.
        await asyncio.to_thread(_replace, django, "price:gold")
        await state.receive_until(browser, "price:gold", "replaced")
        assert await receive_all(browser, state, django, "price:gold") == [1, GAP, "replaced"]


def _replace(django: Django, channel: str) -> None:
    with django.redis.pipeline() as pipe:
        pipe.hset(NAMES.offset(channel), mapping={"epoch": "other", "offset": 7})
        pipe.delete(NAMES.history(channel))
        pipe.rpush(NAMES.history(channel), '7 1 "replaced"')
        pipe.execute()
    kill_subscribers(django.redis)


async def test_newcomers_of_one_moment_receive_all_once_while_the_link_breaks(
    gateway, django, token
):
    states = [ClientState() for _ in range(20)]
    browsers = [await connect(gateway, token, state) for state in states]
    publish(django, "price:gold", 0)
    for number, browser in enumerate(browsers, 1):
        await browser.send(wish(number))
        if number % 7 == 0:
            kill_subscribers(django.redis)
        publish(django, "price:gold", number)
    publish(django, "price:gold", "end")
    for number, (state, browser) in enumerate(zip(states, browsers, strict=True), 1):
        while "end" not in state.received.get("price:gold", ()):
            frame = await receive_frame(browser)
            state.handle(frame)
            if frame.get("code") == "unavailable":
                await browser.send(wish(number))
        *received, _ = state.received["price:gold"]
        first = 0 if number % 2 else received[0] if received else 21
        assert received == list(range(first, 21))
        assert (state.holes, state.duplicates) == (0, 0)
        await browser.close()


def wish(number: int) -> str:
    recover = {"recover": "all"} if number % 2 else {}
    return json.dumps({"type": "subscribe", "channel": "price:gold", **recover})


# Attacks.

BAD = ["x", "", "ALL", 0, -1, 2**53 + 1, 10**400, True, False, 1.0, 1e3, [], [[]], {}, ["e"]]


@pytest.mark.parametrize("recover", [*map(json.dumps, BAD), "[" * 9000, "-0", "01", "NaN"])
@pytest.mark.parametrize(
    "frame",
    [
        '{"type":"subscribe","channel":"chat:7","recover":%s}',
        '{"type":"connect","token":"TOKEN","recover":{"user:7":%s}}',
    ],
)
async def test_bad_value_ends_the_connection(gateway, django, token, recover, frame):
    async with gateway.connect() as browser:
        if "subscribe" in frame:
            await browser.send(json.dumps({"type": "connect", "token": token}))
            assert (await receive_frame(browser))["type"] == "connected"
        await browser.send((frame % recover).replace("TOKEN", token))
        assert (await receive_close(browser))[0] == 4501
    async with gateway.welcomed(token):
        pass


@pytest.mark.parametrize("recover", [None, 1, "all"])
async def test_client_without_a_grant_receives_nothing(gateway, django, token, recover):
    publish(django, "room:7", "secret")
    grants = GrantSigner([KEY])
    foreign = [
        None,
        "",
        "x",
        grants.issue(Grant("sid", "room:8")),
        grants.issue(Grant("s", "room:7")),
    ]
    async with gateway.welcomed(token) as browser:
        for number, grant in enumerate(foreign):
            asked = {"channel": "room:7", "grant": grant, "recover": recover, "id": number}
            await browser.send(json.dumps({"type": "subscribe", **asked}))
            frame = await receive_frame(browser)
            assert (frame["code"], frame["reply_to"]) == ("not_allowed", number)
        await browser.send('{"type":"ping"}')
        assert (await receive_frame(browser))["type"] == "pong"


async def test_all_of_a_hundred_channels_is_bounded(gateway, django, token):
    """9 MB are kept. The client receives its budget, and a gap for each channel beyond."""
    names = [f"chat:{number}" for number in range(97)]
    for name in names:
        publish(django, name, *["x" * 9_000] * 10)
    peak, received_bytes, answers = gateway.peak_bytes(), 0, {}
    async with gateway.welcomed(token) as browser:
        for name in names:
            await browser.send(json.dumps({"type": "subscribe", "channel": name, "recover": "all"}))
            while name not in answers:
                text = await browser.recv()
                received_bytes += len(text)
                frame = json.loads(text)
                if frame.get("type") == "subscribed":
                    answers[frame["channel"]] = frame["recovered"]
    assert answers[names[0]] is True
    assert answers[names[-1]] is False
    assert received_bytes < 2 * REPLAYS * 100_000
    assert gateway.peak_bytes() - peak < 20_000_000
