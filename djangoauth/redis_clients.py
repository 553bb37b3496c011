"""The Redis clients of this process.

Strategy: redis-py's pools are safe between threads and after a fork, so one client of each kind
serves the process. An asyncio connection belongs to its event loop, and Django starts a loop per
request when an async view runs under WSGI. So each loop has a client of its own, held by an async
generator: asyncio closes the generators of a loop when the loop ends, and with it the client.
"""

import asyncio
from collections.abc import AsyncGenerator
from functools import cache
from typing import Any

from django.core.signals import setting_changed
from django.dispatch import receiver
from redis import Redis
from redis.asyncio import Redis as AsyncRedis

from gateway.wire.addresses import Kind, read_address

from . import conf
from .clients import RETRIES, close_async_client, open_async_client, open_client

_LoopKey = tuple[asyncio.AbstractEventLoop, str, int]
_Holder = AsyncGenerator[AsyncRedis, None]
_async_clients: dict[_LoopKey, tuple[_Holder, AsyncRedis]] = {}


def records() -> Redis:
    """Give the client for what may be done twice: records and control messages. It retries."""
    return _client(conf.current().redis_url, RETRIES)


def publisher() -> Redis:
    """Give the client for publications: it never retries, so each arrives at most once."""
    return _client(conf.current().redis_url, 0)


async def async_records() -> AsyncRedis:
    """Give the running loop's twin of ``records``."""
    return await _async_client(RETRIES)


async def async_publisher() -> AsyncRedis:
    """Give the running loop's twin of ``publisher``."""
    return await _async_client(0)


def kind() -> Kind:
    """Tell whether Redis is one server, watched by Sentinels, or a cluster."""
    return read_address(conf.current().redis_url).kind


@cache
def _client(url: str, retries: int) -> Redis:
    return open_client(url, retries)


async def _async_client(retries: int) -> AsyncRedis:
    key = asyncio.get_running_loop(), conf.current().redis_url, retries
    if key not in _async_clients:
        holder = _hold_client(key)
        _async_clients[key] = holder, await anext(holder)
    return _async_clients[key][1]


async def _hold_client(key: _LoopKey) -> _Holder:
    _, url, retries = key
    client = open_async_client(url, retries)
    try:
        yield client
    finally:
        _async_clients.pop(key, None)
        await close_async_client(client)


@receiver(setting_changed, dispatch_uid="djangoauth.redis_clients")
def _forget(*, setting: str, **_: Any) -> None:
    if setting == "SOCKGATE":
        _client.cache_clear()  # A client closes when the last one who uses it lets go.
