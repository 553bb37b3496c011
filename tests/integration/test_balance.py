"""Two gateways: after one was lost and is back, the other one sends clients to it."""

import asyncio
from contextlib import AsyncExitStack, suppress

import pytest
from sockgate_gateway.server.balance import FLOOR, SETTLE_S
from sockgate_gateway.wire.closecodes import CloseCode
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from tests.integration.gatewayprocess import ANSWER_LIMIT_S, Gateway
from tests.waiting import until, wait_until

pytestmark = pytest.mark.integration

CLIENTS = FLOOR + 20


async def end_of(browser: ClientConnection) -> int:
    """Read on until the gateway closes, however long that takes."""
    with suppress(ConnectionClosed):
        while True:
            await browser.recv()
    return browser.close_code or 0


async def test_gateway_sends_clients_to_one_that_has_few(redis_server, tmp_path, django):
    full = Gateway(redis_server.connection_url, tmp_path / "full").start()
    token = django.log_in("sid")
    try:
        async with AsyncExitStack() as stack:
            browsers = [
                await stack.enter_async_context(full.welcomed(token)) for _ in range(CLIENTS)
            ]
            empty = Gateway(redis_server.connection_url, tmp_path / "empty").start()
            stack.callback(empty.stop)
            ends = [asyncio.create_task(end_of(browser)) for browser in browsers]
            async with asyncio.timeout(SETTLE_S + ANSWER_LIMIT_S):
                await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            await until(lambda: full.metric("sockgate_connections") == FLOOR)
            await until(lambda: sum(end.done() for end in ends) == CLIENTS - FLOOR)
            codes = {end.result() for end in ends if end.done()}
            assert codes == {CloseCode.DRAIN}
            assert all(end.done() for end in ends[: CLIENTS - FLOOR]), "the oldest"
            assert full.metric("sockgate_balanced_total") == CLIENTS - FLOOR
            wait_until(lambda: "event=balancing" in full.log.read_text())
            for end in ends:
                end.cancel()
    finally:
        full.stop()
