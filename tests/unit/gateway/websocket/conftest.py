"""Fixtures of the WebSocket's unit tests."""

from contextlib import asynccontextmanager

import pytest
from sockgate_gateway.websocket.framing import RAW, SOCKJS

from tests.unit.gateway.websocket.browser import Browser
from tests.unit.gateway.websocket.gateway import Gateway


@pytest.fixture
def sockjs(clock):
    browser = Browser(clock, SOCKJS)
    assert browser.texts() == ["o"]
    return browser


@pytest.fixture
def raw(clock):
    return Browser(clock, RAW)


@pytest.fixture(params=["sockjs", "raw"])
def browser(request):
    return request.getfixturevalue(request.param)


@pytest.fixture(params=["tornado", "fast_path"])
def open_gateway(request):
    """Open a gateway, once with Tornado's path alone and once with the fast path before it."""

    @asynccontextmanager
    async def open_gateway(**options):
        gateway = Gateway(uses_fast_path=request.param == "fast_path", **options)
        try:
            yield gateway
        finally:
            await gateway.stop()

    return open_gateway
