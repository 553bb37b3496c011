"""Requests that never end."""

import asyncio
import ssl
from contextlib import ExitStack, closing, suppress

import pytest
from tornado.netutil import bind_sockets
from tornado.web import Application

from gateway import listeners
from gateway.config import Config
from tests.ports import free_port
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


BODY = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n"
CLIENT_HELLO = b"\x16\x03\x01\x40\x00\x01\x00\x3f\xfc\x03\x03"
"""The beginning of one that is to have 16 KiB."""


@pytest.mark.parametrize(
    ("begun", "tls"),
    [
        pytest.param(b"", None, id="request line"),
        pytest.param(b"GET / HTTP/1.1\r\nX: ", None, id="headers"),
        pytest.param(BODY, None, id="body"),
        pytest.param(CLIENT_HELLO, ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), id="TLS"),
    ],
)
async def test_request_that_comes_in_drops_is_given_up(monkeypatch, begun, tls):
    """However steadily: what is limited is the whole request, not the silence between bytes."""
    monkeypatch.setattr(listeners, "IDLE_HTTP_S", 0.2)
    (bound,) = bind_sockets(0, "127.0.0.1")
    server = listeners._serve(Application(), [bound], ssl_options=tls)
    async with asyncio.timeout(PATIENCE_S):
        await drip(bound.getsockname()[1], begun)
    server.stop()
    await server.close_all_connections()


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2"])
def test_operations_are_served_where_the_configuration_says(host):
    sockets, ops = listeners.bind(Config(port=0, ops_host=host, ops_port=free_port()))
    with ExitStack() as stack:
        for sock in (*sockets, *ops):
            stack.enter_context(closing(sock))
        assert {sock.getsockname()[0] for sock in sockets} == {"127.0.0.1"}
        assert {sock.getsockname()[0] for sock in ops} == {host}
