"""Presence is cheap to ask for: a crowd is only counted, and each answer is charged to its user."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from sockgate_gateway.connections.replay_budget import REPLAYS
from sockgate_gateway.wire.limits import MAX_DATA_BYTES
from sockgate_gateway.wire.presence import MAX_REPLY_USERS, USER_DATA, write_beat
from websockets.asyncio.client import ClientConnection, connect

from tests.integration.gatewayprocess import NAMES, Django, receive_until, show
from tests.integration.running_worker import OUTBOX_BYTES, RunningWorker, run_worker

pytestmark = pytest.mark.integration

BUDGET_BYTES = REPLAYS * OUTBOX_BYTES // 2
OTHER_WORKER = "another"


@asynccontextmanager
async def worker(django: Django, users: int, **policy: Any) -> AsyncIterator[RunningWorker]:
    """Run a worker beside another one, at which so many users are on a channel."""
    namespaces = json.dumps({"open": {"public": True, "presence": True, **policy}})
    django.redis.hset(
        NAMES.presence("open:1", OTHER_WORKER), mapping={100_000 + n: 1 for n in range(users)}
    )
    django.redis.sadd(NAMES.workers, OTHER_WORKER)
    django.redis.set(NAMES.worker(OTHER_WORKER), write_beat(users))
    async with run_worker(
        django.redis, namespaces=namespaces, max_frames_per_second=10_000.0
    ) as running:
        yield running


@asynccontextmanager
async def page(running: RunningWorker, uid: str) -> AsyncIterator[ClientConnection]:
    url = f"ws://127.0.0.1:{running.port}/realtime/websocket"
    async with connect(url, compression=None, proxy=None) as browser:
        await show(browser, running.django.log_in(f"sid{uid}", uid, 1000))
        await receive_until(browser, type="connected")
        await browser.send('{"type":"subscribe","channel":"open:1","id":1}')
        await receive_until(browser, type="subscribed")
        yield browser


async def ask(browser: ClientConnection) -> dict[str, Any]:
    await browser.send('{"type":"presence","channel":"open:1","id":2}')
    return await receive_until(browser, reply_to=2)


async def ask_until_refused(browser: ClientConnection) -> list[dict[str, Any]]:
    """Ask again and again, as often as the budget allows at most; return the answers."""
    answers = [await ask(browser)]
    while answers[-1]["type"] == "presence":
        assert len(answers) < BUDGET_BYTES // 1000, "nothing was charged"
        answers.append(await ask(browser))
    assert answers[-1]["code"] == "too_many"
    return answers[:-1]


@pytest.mark.parametrize(("limit", "is_named"), [(19, False), (20, True)])
async def test_crowd_above_the_limit_is_counted(django: Django, limit: int, is_named: bool) -> None:
    async with worker(django, 19, presence_limit=limit) as running, page(running, "7") as browser:
        answer = await ask(browser)
        assert len(answer["users"]) == (20 if is_named else 0)
        assert answer.get("count") == (None if is_named else 20)


async def test_answers_are_charged_by_their_bytes_to_the_user(django: Django) -> None:
    async with worker(django, 900) as running, page(running, "7") as browser:
        answers = await ask_until_refused(browser)
        sent_bytes = len(answers) * len(json.dumps(answers[0], separators=(",", ":")))
        assert BUDGET_BYTES / 2 < sent_bytes <= BUDGET_BYTES
        async with page(running, "7") as other_tab:
            assert (await ask(other_tab))["code"] == "too_many"
        async with page(running, "8") as of_another:
            assert (await ask(of_another))["type"] == "presence"


async def test_counting_a_crowd_is_charged_and_its_result_shared(
    django: Django, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sockgate_gateway.channels.presence.COUNT_AGE_S", 1000.0)
    async with worker(django, 20_000) as running, page(running, "7") as browser:
        before = reads(django)
        answers = await ask_until_refused(browser)
        assert {len(json.dumps(answer)) < 200 for answer in answers} == {True}
        assert answers[0]["count"] == 20_001
        assert len(answers) <= BUDGET_BYTES / 200_000 + 1
        assert reads(django) - before == 1


def reads(django: Django) -> int:
    """Return how often a presence was read."""
    return django.redis.info("commandstats").get("cmdstat_hgetall", {"calls": 0})["calls"]


async def test_data_that_an_answer_leaves_out_is_charged(django: Django) -> None:
    uids = [str(100_000 + n) for n in range(MAX_REPLY_USERS)]
    data = json.dumps({"about": "x" * (MAX_DATA_BYTES - 20)})
    for uid in uids:
        django.redis.hset(NAMES.user(uid), USER_DATA, data)
    read_bytes = len(uids) * len(data)
    shown = {"presence_data": "server"}
    async with worker(django, len(uids), **shown) as running, page(running, "7") as browser:
        answers = await ask_until_refused(browser)
    assert answers[0]["data_truncated"]
    assert len(json.dumps(answers[0])) < read_bytes / 2
    assert len(answers) <= BUDGET_BYTES / read_bytes + 1


async def test_read_is_charged_also_for_a_client_that_has_left_the_channel(django: Django) -> None:
    async with worker(django, 900) as running, page(running, "7") as browser:
        for number in range(BUDGET_BYTES // 9_000 + 1):
            await browser.send('{"type":"presence","channel":"open:1","id":1}')
            await browser.send('{"type":"unsubscribe","channel":"open:1"}')
            await browser.send(f'{{"type":"subscribe","channel":"open:1","id":"s{number}"}}')
            await receive_until(browser, reply_to=f"s{number}")
        assert (await ask(browser))["code"] == "too_many"
