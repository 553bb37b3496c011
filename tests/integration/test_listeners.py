"""Requests that never end."""

import asyncio
from contextlib import suppress

import pytest
from tornado.netutil import bind_sockets
from tornado.web import Application

from gateway import listeners
from gateway.listeners import Listeners
from tests.waiting import PATIENCE_S

pytestmark = pytest.mark.integration


async def drip(port: int, begun: bytes) -> None:
    """Send a byte again and again, until the server has had enough."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(begun)
    ended = asyncio.create_task(reader.read())
    while not ended.done():
        writer.write(b"x")
        await asyncio.sleep(0.01)
    with suppress(ConnectionError):
        await ended
    writer.close()


@pytest.mark.parametrize(
    "begun",
    [
        b"",
        b"GET / HTTP/1.1\r\nX: ",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n",
    ],
    ids=["request line", "headers", "body"],
)
async def test_request_that_comes_in_drops_is_given_up(monkeypatch, begun):
    """However steadily: what is limited is the whole request, not the silence between bytes."""
    monkeypatch.setattr(listeners, "IDLE_HTTP_S", 0.2)
    serving = Listeners()
    (bound,) = bind_sockets(0, "127.0.0.1")
    serving.serve_operations(Application(), [bound])
    async with asyncio.timeout(PATIENCE_S):
        await drip(bound.getsockname()[1], begun)
    await serving.close()
