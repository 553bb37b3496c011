"""Silent connections and unusual handshakes, on Tornado's path and the fast path."""

import asyncio
import socket
from contextlib import asynccontextmanager

import pytest

from tests.unit.gateway.websocket.gateway import Gateway, handshake
from tests.waiting import PATIENCE_S, until


@pytest.mark.parametrize(
    "unusual",
    [
        pytest.param(lambda plain: plain, id="plain"),
        pytest.param(lambda plain: plain.replace(b"Host: ", b"Host:"), id="no space"),
        pytest.param(lambda plain: plain.replace(b"\r\n", b"\n"), id="bare LF"),
        pytest.param(lambda plain: b"\r\n" + plain, id="empty line before"),
        pytest.param(lambda plain: plain[:-2] + b"Cookie: a=\xe9\r\n\r\n", id="not ASCII"),
        pytest.param(lambda plain: plain[:-2] + b"Cookie: %b\r\n\r\n" % (b"x" * 5000), id="long"),
        pytest.param(lambda plain: plain[:-2] + b"A: a\r\nA: b\r\n\r\n", id="header twice"),
        pytest.param(lambda plain: plain[:-2] + b"Content-Length: 0\r\n\r\n", id="body"),
    ],
)
@pytest.mark.parametrize("pause", ["none", "before", "within"])
async def test_unusual_handshake_is_accepted(open_gateway, unusual, pause):
    request = unusual(handshake())
    async with open_gateway() as gateway, gateway.dial() as (reader, writer):
        if pause != "none":
            await until(lambda: len(gateway.pending) == 1)
        if pause == "within":
            writer.write(request[:30])
            await until(gateway.count_tornado_connections)
        writer.write(request[30:] if pause == "within" else request)
        assert await reader.readline() == b"HTTP/1.1 101 Switching Protocols\r\n"
        await until(lambda: len(gateway.pending) == 0)
        assert gateway.count_tornado_connections() == 0


async def test_silent_connection_that_disconnects_is_not_pending(open_gateway):
    async with open_gateway() as gateway:
        async with gateway.dial():
            await until(lambda: len(gateway.pending) == 1)
        await until(lambda: len(gateway.pending) == 0)
        assert gateway.count_tornado_connections() == 0


async def test_oldest_silent_connection_is_closed(open_gateway):
    async with (
        open_gateway(per_address=2) as gateway,
        gateway.dial() as (first, _),
        gateway.dial() as (_, second),
        gateway.dial(),
    ):
        assert await first.read() == b""
        second.write(handshake())
        await until(lambda: len(gateway.lifecycle.connections) == 1)
        assert len(gateway.pending) == 1


async def test_connection_with_the_descriptor_of_one_that_was_answered_is_served(open_gateway):
    async with open_gateway() as gateway:
        async with gateway.dial() as (reader, writer):
            await until(lambda: len(gateway.pending) == 1)
            writer.write(b"GET /early HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            assert (await reader.read()).startswith(b"HTTP/1.1 ")
        assert len(gateway.pending) == 0
        unusual = handshake().replace(b"Host: ", b"Host:")
        async with gateway.dial() as (reader, writer):
            writer.write(unusual)
            async with asyncio.timeout(PATIENCE_S):
                assert await reader.readline() == b"HTTP/1.1 101 Switching Protocols\r\n"


async def test_long_silent_connection_is_handed_to_tornado(open_gateway):
    async with open_gateway() as gateway, gateway.dial() as (reader, writer):
        await until(lambda: len(gateway.pending) == 1)
        gateway.clock.advance(5)
        await until(lambda: gateway.count_tornado_connections() and len(gateway.pending) == 1)
        writer.write(handshake())
        assert await reader.readline() == b"HTTP/1.1 101 Switching Protocols\r\n"


@asynccontextmanager
async def fast_gateway():
    gateway = Gateway(uses_fast_path=True)
    yield gateway
    await gateway.stop()


async def test_handshake_that_a_late_worker_has_not_read_is_not_silence():
    async with fast_gateway() as gateway, gateway.dial() as (reader, writer):
        await until(lambda: len(gateway.pending) == 1)
        writer.write(handshake())
        gateway.clock.advance(5)
        assert gateway.count_tornado_connections() == 0
        assert await reader.readline() == b"HTTP/1.1 101 Switching Protocols\r\n"


@pytest.mark.parametrize("is_busy", [True, False])
async def test_client_that_has_left_costs_a_busy_worker_no_handshake(is_busy):
    async with fast_gateway() as gateway:
        gateway.lifecycle.is_busy = is_busy
        with socket.create_connection(("127.0.0.1", gateway.port)) as left:
            left.send(handshake())
        async with gateway.dial() as (reader, writer):  # It is accepted after the other one.
            writer.write(handshake())
            await reader.readline()
        assert len(gateway.lifecycle.connections) == (1 if is_busy else 2)


async def test_silent_connection_is_served_after_the_server_stopped_accepting(open_gateway):
    async with open_gateway() as gateway, gateway.dial() as (reader, writer):
        await until(lambda: len(gateway.pending) == 1)
        gateway.server.stop()
        await until(gateway.count_tornado_connections)
        writer.write(b"GET /page HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        assert (await reader.read()).endswith(b"127.0.0.1 http")
