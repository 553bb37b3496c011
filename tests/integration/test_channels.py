"""Channels on request, fresh tokens, slow browsers: the gateway on a real Redis."""

import asyncio
import json
from collections.abc import Iterator
from time import time

import pytest
from sockgate_gateway.wire.closecodes import CloseCode
from sockgate_gateway.wire.control import NamespacesChanged, RevokeChannel, SessionMoved
from websockets.exceptions import ConnectionClosed

from tests.integration.gatewayprocess import (
    NAMES,
    Django,
    Gateway,
    receive_close,
    receive_frame,
    show,
)
from tests.integration.requests import grant, receive_type, request, subscribe
from tests.waiting import wait_until

pytestmark = pytest.mark.integration

NAMESPACES = {
    "room": {"presence": True, "join_leave": True},
    "open": {"public": True},
    "ticker": {"public": True, "recover": False, "overflow": "latest"},
}


CLOSED_AS_SLOW = f'sockgate_closed_total{{code="{CloseCode.SLOW_CONSUMER:d}"}}'


@pytest.fixture
def django(django) -> Django:
    django.write_namespaces(NAMESPACES)
    return django


@pytest.fixture(scope="module")
def gateways(redis_server, tmp_path_factory) -> Iterator[list[Gateway]]:
    """Two nodes of one deployment."""
    folder = tmp_path_factory.mktemp("gateways")
    options = {"max_channels": 6, "audit_interval": 1, "max_outbox": 100_000}
    started = [
        Gateway(redis_server.connection_url, folder / f"log{n}", **options).start()
        for n in range(2)
    ]
    yield started
    for gateway in started:
        gateway.stop()


@pytest.fixture
def gateway(gateways, django) -> Gateway:
    django.publish_control(NamespacesChanged())
    return gateways[0]


async def test_granted_channel_is_subscribed(gateway, django):
    async with gateway.welcomed(django.log_in("sid")) as browser:
        answer = await subscribe(browser, "room:7")
        assert (answer["type"], answer["channel"], answer["offset"]) == ("subscribed", "room:7", 0)
        assert "recovered" not in answer
        django.publish("room:7", "hello")
        while (frame := await receive_frame(browser)).get("data") != "hello":
            pass
        assert frame["channel"] == "room:7"


async def test_public_channel_needs_no_grant(gateway, django):
    async with gateway.welcomed(django.log_in("sid", "")) as browser:
        assert (await request(browser, "subscribe", channel="open:1"))["type"] == "subscribed"


@pytest.mark.parametrize(
    ("channel", "shown", "code"),
    [
        ("room:1", None, "not_allowed"),
        ("room:1", "nonsense", "not_allowed"),
        ("room:1", grant("room:8"), "not_allowed"),
        ("room:1", grant("room:1", "another sid"), "not_allowed"),
        ("room:1", grant("room:1", age_s=4000), "not_allowed"),
        ("room:1", grant("room:1", key="k" * 40), "not_allowed"),
        ("user:8", grant("user:8"), "not_allowed"),
        ("group:admins", grant("group:admins"), "not_allowed"),
        ("", grant("x"), "bad_channel"),
        ("room:{7}", grant("room:{7}"), "bad_channel"),
        ("r" * 256, grant("r" * 256), "bad_channel"),
    ],
    ids=[
        "no grant",
        "no signature",
        "other channel",
        "other session",
        "old",
        "unknown key",
        "other user",
        "group",
        "empty name",
        "braces",
        "long name",
    ],
)
async def test_subscription_is_rejected(gateway, django, channel, shown, code):
    async with gateway.welcomed(django.log_in("sid")) as browser:
        answer = await request(browser, "subscribe", channel=channel, grant=shown)
        assert (answer["type"], answer["code"], "revoked" in answer) == ("error", code, False)
        assert django.subscribers(channel) == 0


async def test_refusal_states_when_to_ask_for_another_grant(gateway, django):
    async with gateway.welcomed(django.log_in("sid")) as browser:
        answer = await request(browser, "subscribe", channel="room:1", grant="old")
        assert (answer["audience"], answer["within"]) == (1, 0)


async def test_refusals_that_another_grant_does_not_mend_state_no_time(gateway, django):
    async with gateway.welcomed(django.log_in("sid")) as browser:
        answer = await request(browser, "subscribe", channel="room:{7}", grant="old")
        assert (answer["code"], "within" in answer) == ("bad_channel", False)
        answer = await request(browser, "publish", channel="room:1", event="client-x", data=1)
        assert (answer["code"], "within" in answer) == ("not_allowed", False)


async def test_channels_of_a_connection_are_limited(gateway, django):
    async with gateway.welcomed(django.log_in("sid")) as browser:
        for number in range(4):
            assert (await subscribe(browser, f"room:{number}"))["type"] == "subscribed"
        assert (await subscribe(browser, "room:9"))["code"] == "too_many_channels"
        assert (await request(browser, "unsubscribe", channel="room:0"))["type"] == "unsubscribed"
        assert (await subscribe(browser, "room:9"))["type"] == "subscribed"
        assert (await subscribe(browser, "room:9"))["type"] == "subscribed"


async def test_unsubscribed_channel_is_not_received(gateway, django):
    async with gateway.welcomed(django.log_in("sid")) as browser:
        await subscribe(browser, "room:7")
        await request(browser, "unsubscribe", channel="room:7")
        django.publish("room:7", "not received")
        django.publish("user:7", "received")
        while "data" not in (frame := await receive_frame(browser)):
            pass
        assert frame["data"] == "received"
        refusal = await request(browser, "unsubscribe", channel="broadcast")
        assert refusal["code"] == "not_allowed"


async def test_revoked_channel_is_unsubscribed_and_its_old_grants_are_rejected(gateway, django):
    async with gateway.welcomed(django.log_in("sid")) as browser:
        await subscribe(browser, "room:7")
        old = grant("room:7")
        django.redis.hset(NAMES.revoked("7"), "room:7", int(time()))
        django.publish_control(RevokeChannel("7", "room:7"))
        assert (await receive_type(browser, "unsubscribed"))["channel"] == "room:7"
        answer = await request(browser, "subscribe", channel="room:7", grant=old)
        assert (answer["code"], answer["revoked"]) == ("not_allowed", True)
        fresh = grant("room:7", age_s=-2)
        answer = await request(browser, "subscribe", channel="room:7", grant=fresh)
        assert answer["type"] == "subscribed"


async def test_lost_revocation_is_repaired_by_the_audit(gateway, django):
    async with gateway.welcomed(django.log_in("sid")) as browser:
        await subscribe(browser, "room:7")
        django.redis.hset(NAMES.revoked("7"), "room:7", int(time()) + 1)
        assert (await receive_type(browser, "unsubscribed"))["channel"] == "room:7"


async def test_channel_stays_when_its_session_moves(gateway, django):
    async with gateway.welcomed(django.log_in("sid")) as browser:
        await subscribe(browser, "room:7")
        django.log_in("moved")
        django.publish_control(SessionMoved("sid", "moved"))
        django.redis.delete(NAMES.session("sid"))
        assert (await subscribe(browser, "room:8"))["code"] == "not_allowed"
        assert (await subscribe(browser, "room:8", "moved"))["type"] == "subscribed"
        django.publish("room:7", "still")
        while (await receive_frame(browser)).get("data") != "still":
            pass


async def test_fresh_token_keeps_the_connection(gateway, django):
    async with gateway.welcomed(django.log_in("sid", "7")) as browser:
        answer = await request(browser, "refresh", token=django.log_in("other", "7"))
        assert (answer["type"], answer["user"]) == ("refreshed", "7")
        django.redis.delete(NAMES.session("sid"))
        django.publish("user:7", "still")
        while (await receive_frame(browser)).get("data") != "still":
            pass


async def test_visitor_becomes_a_user(gateway, django):
    async with gateway.welcomed(django.log_in("sid", "")) as browser:
        token = django.log_in("logged in", "7")
        await browser.send(json.dumps({"type": "refresh", "token": token, "id": 1}))
        frames = [await receive_frame(browser) for _ in range(2)]
        assert {frame["type"] for frame in frames} == {"refreshed", "subscribed"}
        django.publish("user:7", "for me")
        while (await receive_frame(browser)).get("data") != "for me":
            pass


async def test_token_of_another_user_ends_the_connection(gateway, django):
    async with gateway.welcomed(django.log_in("sid", "7")) as browser:
        token = django.log_in("other", "8")
        await browser.send(json.dumps({"type": "refresh", "token": token}))
        assert (await receive_close(browser))[0] == 4402


@pytest.mark.parametrize(("token", "code"), [("nonsense", 4400), ("ended", 4402)])
async def test_invalid_token_ends_the_connection(gateway, django, token, code):
    async with gateway.welcomed(django.log_in("sid", "7")) as browser:
        if token == "ended":
            token = django.token("never logged in")
        await browser.send(json.dumps({"type": "refresh", "token": token}))
        assert (await receive_close(browser))[0] == code


async def test_slow_browser_is_closed_with_a_code_that_lets_it_recover(gateway, django):
    before = gateway.metric(CLOSED_AS_SLOW)
    async with gateway.connect(max_queue=1) as browser:
        await show(browser, django.log_in("sid"))
        await receive_type(browser, "connected")
        for number in range(100):
            django.publish("user:7", [number, "x" * 100_000])
        # A browser that reads meanwhile keeps up with a gateway on a loaded machine.
        await asyncio.to_thread(wait_until, lambda: gateway.metric(CLOSED_AS_SLOW) == before + 1)
        with pytest.raises(ConnectionClosed) as closed:
            while True:
                await receive_frame(browser)
    # The code itself may be stuck behind what the browser did not read.
    assert closed.value.rcvd is None or closed.value.rcvd.code == CloseCode.SLOW_CONSUMER


async def test_slow_browser_does_not_delay_others(gateway, django):
    before = gateway.metric(CLOSED_AS_SLOW)
    async with (
        gateway.connect(max_queue=1) as slow,
        gateway.welcomed(django.log_in("sid")) as browser,
    ):
        await show(slow, django.log_in("slow"))
        await receive_type(slow, "connected")
        for number in range(100):
            django.publish("broadcast", [number, "x" * 50_000])
            assert (await receive_frame(browser))["data"][0] == number
        assert gateway.metric(CLOSED_AS_SLOW) == before + 1


async def test_slow_browser_receives_the_latest_of_a_conflated_channel(gateway, django):
    async with gateway.connect(max_queue=1) as browser:
        await show(browser, django.log_in("sid"))
        await receive_type(browser, "connected")
        assert (await request(browser, "subscribe", channel="ticker:1"))["type"] == "subscribed"
        for first in range(0, 400, 20):
            with django.redis.pipeline() as burst:
                for number in range(first, first + 20):
                    burst.publish(NAMES.channel("ticker:1"), json.dumps([number, "x" * 40_000]))
                burst.execute()
        received = [0]
        while received[-1] != 399:
            received.append((await receive_frame(browser))["data"][0])
        assert received == sorted(received)
        assert len(received) < 400


async def test_policies_are_read_again_when_they_change(gateway, django):
    async with gateway.welcomed(django.log_in("sid")) as browser:
        assert (await request(browser, "subscribe", channel="new:1"))["code"] == "not_allowed"
        django.redis.set(NAMES.namespaces, b'{"new": {"public": true}}')
        django.publish_control(NamespacesChanged())
        async with asyncio.timeout(10):
            while (await request(browser, "subscribe", channel="new:1"))["type"] != "subscribed":
                await asyncio.sleep(0.02)  # Poll: the gateway reads the policies soon.
