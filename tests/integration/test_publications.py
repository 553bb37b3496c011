"""Publications of browsers: across gateways, in order, and recovered."""

import json
from collections.abc import Iterator
from contextlib import suppress

import pytest
from sockgate_gateway.wire.closecodes import CloseCode
from websockets.exceptions import ConnectionClosed

from tests.integration.gatewayprocess import (
    FRIEND,
    NAMES,
    Gateway,
    receive_close,
    receive_frame,
)
from tests.integration.pages import open_chromium
from tests.integration.requests import request

pytestmark = pytest.mark.integration

NAMESPACES = {
    "chat": {"public": True, "publish": "subscribers"},
    "cursor": {"public": True, "publish": "subscribers", "history": 0},
    "open": {"public": True},
}
MANY = 900
"""So many frames at once are allowed, but publications count tenfold."""


@pytest.fixture(scope="module")
def gateways(redis_server, tmp_path_factory) -> Iterator[list[Gateway]]:
    folder = tmp_path_factory.mktemp("gateways")
    namespaces = json.dumps(NAMESPACES)
    started = [
        Gateway(redis_server.connection_url, folder / f"log{n}", namespaces=namespaces).start()
        for n in range(2)
    ]
    yield started
    for gateway in started:
        gateway.stop()


PUBLISH_HELLO = """
(given) => new Promise((resolve) => {
  const rt = Sockgate.connect({
    url: given.url, getToken: (answer) => answer(null, given.token), transports: ["websocket"],
  });
  const room = rt.subscribe("chat:7", {grant: null});
  let received = [];
  room.on("client-said", (data, message) => received = [data, message.from, message.offset]);
  room.on("subscribed", () => room.publish("client-said", {text: "hello"}, (refusal, frame) => {
    room.publish("client-done");
    room.on("client-done", () => resolve([...received, refusal, frame.offset]));
  }));
})
"""


async def publish(browser, channel: str, data: object, event: str = "client-said") -> dict:
    return await request(browser, "publish", channel=channel, event=event, data=data)


async def receive_on(browser, channel: str) -> dict:
    while (frame := await receive_frame(browser)).get("channel") != channel or "data" not in frame:
        pass
    return frame


async def test_publication_of_a_browser_reaches_all_subscribers(gateways, django):
    alice, bob = django.log_in("a", "1"), django.log_in("b", "2")
    django.redis.script_flush()
    async with gateways[0].welcomed(alice) as one, gateways[1].welcomed(bob) as two:
        for browser in (one, two):
            for channel in ("chat:7", "cursor:7"):
                await request(browser, "subscribe", channel=channel)
        assert (await publish(one, "chat:7", {"text": "é"}))["offset"] == 1
        assert "offset" not in await publish(one, "cursor:7", [3, 4], "client-moved")
        payload = {"event": "client-said", "data": {"text": "é"}, "from": "1"}
        frame = await receive_on(two, "chat:7")
        assert (frame["data"], frame["offset"]) == (payload, 1)
        moved = {"event": "client-moved", "data": [3, 4], "from": "1"}
        assert (await receive_on(two, "cursor:7"))["data"] == moved


async def test_publications_of_browsers_are_recovered(gateways, django):
    alice, bob = django.log_in("a", "1"), django.log_in("b", "2")
    async with gateways[0].welcomed(alice) as one:
        reply = await request(one, "subscribe", channel="chat:8")
        for number in range(3):
            await publish(one, "chat:8", number)
        async with gateways[1].welcomed(bob) as two:
            at = [reply["epoch"], 1]
            answer = await request(two, "subscribe", channel="chat:8", recover=at)
            assert answer["recovered"] is True
            found = [(await receive_on(two, "chat:8"))["data"]["data"] for _ in range(2)]
    assert found == [1, 2]


@pytest.mark.parametrize(
    ("uid", "channel", "event", "code"),
    [
        ("1", "open:7", "client-said", "not_allowed"),
        ("1", "chat:9", "client-said", "not_allowed"),
        ("1", "user:1", "client-said", "not_allowed"),
        ("1", "broadcast", "client-said", "not_allowed"),
        ("", "chat:7", "client-said", "not_allowed"),
        ("1", "chat:7", "news", "bad_event"),
    ],
)
async def test_publication_of_a_browser_is_rejected(gateways, django, uid, channel, event, code):
    async with gateways[0].welcomed(django.log_in("a", uid)) as browser:
        for subscribed in ("chat:7", "open:7"):
            await request(browser, "subscribe", channel=subscribed)
        assert (await publish(browser, channel, 1, event))["code"] == code
        assert not django.redis.exists(NAMES.history(channel))


async def test_publications_of_one_browser_keep_their_order(gateways, django):
    async with gateways[0].welcomed(django.log_in("a", "1")) as browser:
        await request(browser, "subscribe", channel="chat:7")
        for number in range(50):
            said = {"type": "publish", "channel": "chat:7", "event": "client-said"}
            await browser.send(json.dumps({**said, "data": number}))
        found = [(await receive_on(browser, "chat:7"))["data"]["data"] for _ in range(50)]
    assert found == list(range(50))


@pytest.mark.browser
async def test_page_publishes_and_receives_its_own_publication(gateways, django):
    given = {
        "url": f"http://127.0.0.1:{gateways[0].port}/realtime",
        "token": django.log_in("a", "1"),
    }
    async with open_chromium() as context:
        page = await context.new_page()
        await page.goto(FRIEND)
        assert await page.evaluate(PUBLISH_HELLO, given) == [{"text": "hello"}, "1", 1, None, 1]


async def test_browser_that_publishes_too_much_is_closed(gateways, django):
    said = {"type": "publish", "channel": "chat:7", "event": "client-said", "data": 1}
    async with gateways[0].welcomed(django.log_in("a", "1")) as browser:
        await request(browser, "subscribe", channel="chat:7")
        with suppress(ConnectionClosed):
            for _ in range(MANY):
                await browser.send(json.dumps(said))
        code, _ = await receive_close(browser)
        assert code == CloseCode.FLOOD
    assert int(django.redis.hget(NAMES.offset("chat:7"), "offset")) < MANY
