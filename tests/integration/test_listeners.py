"""Listeners: slow requests time out, and the ops port is bound as configured."""

import asyncio
import ssl
from contextlib import ExitStack, closing, suppress
from time import monotonic

import pytest
from sockgate_gateway.config.config import Config
from sockgate_gateway.http.pending import PendingConnections
from sockgate_gateway.http.proxies import ProxyPolicy
from sockgate_gateway.loop.acceptor import DescriptorLimit, PauseLog
from sockgate_gateway.loop.descriptors import browser_ceiling
from sockgate_gateway.server import listeners
from tornado.netutil import bind_sockets
from tornado.web import Application

from tests.ports import free_port
from tests.waiting import PATIENCE_S

pytestmark = pytest.mark.integration


async def drip(port: int, begun: bytes) -> None:
    """Send one byte after another until the server closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(begun)
    ended = asyncio.create_task(reader.read())
    while not ended.done():
        writer.write(b"x")
        await asyncio.sleep(0.01)  # Slow, but never silent for the timeout.
    with suppress(ConnectionError):
        await ended
    writer.close()


BODY = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n"
CLIENT_HELLO = b"\x16\x03\x01\x40\x00\x01\x00\x3f\xfc\x03\x03"
"""The beginning of a ClientHello of 16 KiB."""


@pytest.mark.parametrize(
    ("begun", "tls"),
    [
        pytest.param(b"", None, id="request line"),
        pytest.param(b"GET / HTTP/1.1\r\nX: ", None, id="headers"),
        pytest.param(BODY, None, id="body"),
        pytest.param(CLIENT_HELLO, ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), id="TLS"),
    ],
)
async def test_slow_request_times_out(monkeypatch, begun, tls):
    """The timeout limits the whole request, not the silence between two bytes."""
    monkeypatch.setattr(listeners, "IDLE_HTTP_S", 0.2)
    (bound,) = bind_sockets(0, "127.0.0.1")
    limit = DescriptorLimit(browser_ceiling(), lambda: False, PauseLog(monotonic))
    pending = PendingConnections(ProxyPolicy([]), total=9, per_address=9)
    server = listeners._serve(Application(), [bound], limit, pending, max_body_bytes=10**6, tls=tls)
    async with asyncio.timeout(PATIENCE_S):
        await drip(bound.getsockname()[1], begun)
    server.stop()
    await server.close_all_connections()


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2"])
def test_ops_port_is_bound_to_the_configured_address(host):
    sockets, ops = listeners.bind(Config(port=0, ops_host=host, ops_port=free_port()))
    with ExitStack() as stack:
        for sock in (*sockets, *ops):
            stack.enter_context(closing(sock))
        assert {sock.getsockname()[0] for sock in sockets} == {"127.0.0.1"}
        assert {sock.getsockname()[0] for sock in ops} == {host}
