"""Channels that only a client has named: little in Redis, for a short time, and counted."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from sockgate.publishing.positions import read_position
from sockgate_gateway.connections.name_budget import BURST_S, PER_SECOND
from sockgate_gateway.wire.namespaces import NAMED_BY_CLIENTS_TTL_S, Policy
from sockgate_gateway.wire.publish_request import PublishRequest
from websockets.asyncio.client import ClientConnection, connect

from tests.integration.gatewayprocess import NAMES, Django, receive_until, show
from tests.integration.running_worker import RunningWorker, run_worker

pytestmark = pytest.mark.integration

DAY_S = 24 * 3600
MOST_BYTES_A_DAY = 0.2e9
NAMESPACES = json.dumps({"open": {"public": True, "publish": "subscribers"}})


@asynccontextmanager
async def page(django: Django) -> AsyncIterator[tuple[RunningWorker, ClientConnection]]:
    """Run a worker, and open a connection of user 7."""
    async with run_worker(
        django.redis, namespaces=NAMESPACES, max_frames_per_second=10_000.0
    ) as running:
        url = f"ws://127.0.0.1:{running.port}/realtime/websocket"
        async with connect(url, compression=None, proxy=None) as browser:
            await show(browser, running.token)
            await receive_until(browser, type="connected")
            yield running, browser


async def request(browser: ClientConnection, kind: str, channel: str, **rest: Any) -> Any:
    await browser.send(json.dumps({"type": kind, "channel": channel, "id": 1, **rest}))
    return await receive_until(browser, reply_to=1)


def publish(django: Django, channel: str, data: object) -> None:
    """Publish as Django does."""
    payload = json.dumps({"event": "said", "data": data}).encode()
    request = PublishRequest(channel, payload, Policy())
    django.redis.execute_command(*request.command(NAMES, with_text=True))


def ttl_s(django: Django, channel: str) -> float:
    return django.redis.pttl(NAMES.offset(channel)) / 1000


async def test_worst_user_leaves_little_in_a_day(django: Django) -> None:
    before = set(django.redis.keys())
    async with page(django) as (_, browser):
        for number in range(100):
            channel = f"open:{number:0>59}"
            await request(browser, "subscribe", channel)
            await request(browser, "unsubscribe", channel)
        keys = [key for key in set(django.redis.keys()) - before if b":open:" in key]
        assert len(keys) == 100  # One key each, and nothing else.
        assert max(django.redis.ttl(key) for key in keys) <= DAY_S
        largest = max(django.redis.memory_usage(key) or 0 for key in keys)
    names_of_the_first_day = PER_SECOND * (BURST_S + DAY_S)
    assert names_of_the_first_day * largest < MOST_BYTES_A_DAY


async def test_position_lives_long_once_django_publishes(django: Django) -> None:
    async with page(django) as (running, browser):
        await request(browser, "subscribe", "open:1")
        assert ttl_s(django, "open:1") <= NAMED_BY_CLIENTS_TTL_S
        publish(django, "open:1", "x")
        await receive_until(browser, channel="open:1", offset=1)
        assert ttl_s(django, "open:1") > NAMED_BY_CLIENTS_TTL_S
        # What a client publishes does not shorten that, and alone it keeps a position for a day.
        for channel in ("open:1", "open:2"):
            await request(browser, "subscribe", channel)
            await request(browser, "publish", channel, event="client-said", data=1)
        assert ttl_s(django, "open:1") > NAMED_BY_CLIENTS_TTL_S
        assert ttl_s(django, "open:2") <= NAMED_BY_CLIENTS_TTL_S
        # Automatic channels are named by Django.
        assert ttl_s(django, "user:7") > NAMED_BY_CLIENTS_TTL_S
        assert running.worker.parts.names.refused == 0


async def test_position_that_django_reads_lives_long(django: Django) -> None:
    async with page(django) as (_, browser):
        answer = await request(browser, "subscribe", "open:1")
        assert read_position(django.redis, NAMES, "open:1") == (answer["epoch"], answer["offset"])
        assert ttl_s(django, "open:1") > NAMED_BY_CLIENTS_TTL_S


async def test_client_that_left_recovers_the_first_publication(django: Django) -> None:
    async with page(django) as (_, browser):
        answer = await request(browser, "subscribe", "open:1")
        await request(browser, "unsubscribe", "open:1")
        publish(django, "open:1", "first")
        since = [answer["epoch"], answer["offset"]]
        answer = await request(browser, "subscribe", "open:1", recover=since)
        assert answer["recovered"]
        assert (await receive_until(browser, channel="open:1", offset=1))["data"]["data"] == "first"


async def test_positions_live_on_while_somebody_is_subscribed(django: Django) -> None:
    async with page(django) as (running, browser):
        await request(browser, "subscribe", "open:1")
        await request(browser, "subscribe", "open:2")
        publish(django, "open:2", "x")
        for channel in ("open:1", "open:2"):
            django.redis.expire(NAMES.offset(channel), 60)
        await running.worker.parts.position_renewal.renew()
        assert ttl_s(django, "open:1") > 60
        assert ttl_s(django, "open:2") <= 60  # The next publication renews it.


async def test_spent_budget_refuses_new_names_and_says_so(
    django: Django, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sockgate_gateway.connections.name_budget.BURST_S", 5 / PER_SECOND)
    async with page(django) as (running, browser):
        running.worker.parts.presence_counts.workers = 2  # Each name costs as many.
        answers = [await request(browser, "subscribe", f"open:{n}") for n in range(3)]
        assert [answer["type"] for answer in answers] == ["subscribed", "subscribed", "error"]
        assert answers[2]["code"] == "unavailable"  # Clients ask again later.
        assert "too many channels" in answers[2]["message"]
        assert not django.redis.exists(NAMES.offset("open:2"))
        assert running.worker.parts.names.refused == 1
        # A name that is in use costs nothing.
        await request(browser, "subscribe", "open:0")
