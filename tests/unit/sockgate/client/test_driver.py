"""The driver counts what a frame holds, and bounds how many grants are fetched at a time."""

import asyncio
import json
from typing import Any

from sockgate.client import IssuedGrant, IssuedToken
from sockgate.client import driver as module
from sockgate.client.driver import Driver
from sockgate.client.protocol.actions import FetchGrant
from sockgate.client.protocol.client_protocol import ClientProtocol
from sockgate.client.sockets import SocketOptions

from tests.waiting import until


class Source:
    """Answers no request for a grant until the test says so."""

    def __init__(self) -> None:
        self.running = 0
        self.most = 0
        self.answer = asyncio.Event()

    async def fetch_token(self) -> IssuedToken:
        return IssuedToken("T1")

    async def fetch_grant(self, channel: str) -> IssuedGrant:
        self.running += 1
        self.most = max(self.most, self.running)
        await self.answer.wait()
        self.running -= 1
        return IssuedGrant("G1")


def make_driver(source: Source, events: list[Any]) -> Driver:
    return Driver(
        ClientProtocol(),
        source,
        SocketOptions(),
        lambda event, characters: events.append((event, characters)),
        lambda answer: None,
    )


async def test_event_has_the_characters_of_its_frame() -> None:
    events: list[Any] = []
    driver = make_driver(Source(), events)
    text = json.dumps({"channel": "user:7", "data": "x" * 100})
    driver._receive(text)
    (found,) = events
    assert found[1] == len(text)


async def test_few_grants_are_fetched_at_a_time() -> None:
    source = Source()
    driver = make_driver(source, [])
    count = module._MAX_GRANT_FETCHES + 4
    for number in range(count):
        driver._start(driver._fetch_grant(FetchGrant(number, f"room:{number}")))
    await until(lambda: source.running == module._MAX_GRANT_FETCHES)
    source.answer.set()
    await until(lambda: not driver._tasks)
    assert source.most == module._MAX_GRANT_FETCHES
