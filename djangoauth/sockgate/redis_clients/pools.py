"""The Redis clients of this process.

Strategy: redis-py's pools are safe between threads and after a fork, so one client of each kind
serves the process. An asyncio connection belongs to its event loop, and Django starts a loop per
request when an async view runs under WSGI. So each loop has its own client, held by an async
generator: asyncio closes the generators of a loop when the loop ends, and thereby the client.

redis-py is imported with the first client, because it takes a tenth of a second.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator
from functools import cache
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed
from django.dispatch import receiver
from sockgate_gateway.redis_servers.options import Timeouts
from sockgate_gateway.wire.addresses import Kind, read_address

from .. import conf
from ..conf.defaults import debug_defaults
from . import time_budget
from .retries import PUBLISHER_TIMEOUTS, RECORDS_TIMEOUTS, RETRIES

if TYPE_CHECKING:
    from redis import Redis
    from redis.asyncio import Redis as AsyncRedis
    from redis.credentials import CredentialProvider

    from .embedded import EmbeddedPassword

log = logging.getLogger("sockgate")

_Kind = tuple[int, Timeouts]
_LoopKey = tuple[asyncio.AbstractEventLoop, str, _Kind]
_Holder = AsyncGenerator["AsyncRedis", None]
_async_clients: "dict[_LoopKey, tuple[_Holder, AsyncRedis]]" = {}


def records() -> "Redis":
    """Return the client for commands that may run twice: records and control messages.

    It retries, except inside a time budget (see ``time_budget``).
    """
    return _client(conf.current().redis_url, *_records_kind())


def publisher() -> "Redis":
    """Return the client for publications: it never retries, so each arrives at most once."""
    return _client(conf.current().redis_url, 0, PUBLISHER_TIMEOUTS)


async def async_records() -> "AsyncRedis":
    """Return the asyncio twin of ``records`` for the running loop."""
    return await _async_client(_records_kind())


async def async_publisher() -> "AsyncRedis":
    """Return the asyncio twin of ``publisher`` for the running loop."""
    return await _async_client((0, PUBLISHER_TIMEOUTS))


def kind() -> Kind:
    """Return whether Redis is one server, watched by Sentinels, or a cluster."""
    return read_address(conf.current().redis_url).kind


def _records_kind() -> _Kind:
    budget_s = time_budget.current_budget_s()
    return (RETRIES, RECORDS_TIMEOUTS) if budget_s is None else (0, _timeouts_within(budget_s))


@cache
def _timeouts_within(budget_s: float) -> Timeouts:
    return Timeouts(
        connect_s=budget_s * time_budget.CONNECT_SHARE,
        reply_s=budget_s * time_budget.REPLY_SHARE,
        sentinel_s=budget_s * time_budget.SENTINEL_SHARE,
        is_fixed=True,
    )


@cache
def _client(url: str, retries: int, timeouts: Timeouts) -> "Redis":
    from .clients import open_client

    return open_client(url, retries, timeouts, _credentials_for(url))


def _credentials_for(url: str) -> "CredentialProvider | None":
    factory = conf.current().redis_credentials
    return _guard_of(url) if factory is None else _made_by(factory)


@cache
def _made_by(factory: Any) -> "CredentialProvider":
    """Return the provider of this process.

    Raises:
        ImproperlyConfigured: the factory cannot be used.
    """
    from sockgate_gateway.redis_servers import credentials

    try:
        if isinstance(factory, str):
            return credentials.load_credentials(factory)
        return credentials.made_by(factory)
    except credentials.CredentialsError as error:
        raise ImproperlyConfigured(f'SOCKGATE["REDIS_CREDENTIALS"]: {error}.') from error


def _guard_of(url: str) -> "EmbeddedPassword | None":
    """Return the guard of the embedded Valkey, and log a warning when it does not run."""
    folder = debug_defaults.embedded_folder(url)
    if folder is None:
        return None
    from .embedded import EmbeddedPassword

    guard = EmbeddedPassword(folder, url)
    if reason := guard.reason_not_to_connect:
        log.warning(reason)
    return guard


async def _async_client(kind: _Kind) -> "AsyncRedis":
    key = asyncio.get_running_loop(), conf.current().redis_url, kind
    if key not in _async_clients:
        holder = _hold_client(key)
        _async_clients[key] = holder, await anext(holder)
    return _async_clients[key][1]


async def _hold_client(key: _LoopKey) -> _Holder:
    from sockgate_gateway.redis_servers.clients import close_async_client

    from .clients import open_async_client

    _, url, (retries, timeouts) = key
    client = open_async_client(url, retries, timeouts, _credentials_for(url))
    try:
        yield client
    finally:
        _async_clients.pop(key, None)
        await close_async_client(client)


@receiver(setting_changed, dispatch_uid="sockgate.redis_clients.pools")
def _forget(*, setting: str, **_: Any) -> None:
    if setting == "SOCKGATE":
        _made_by.cache_clear()
        _client.cache_clear()  # A client closes when its last user drops it.
