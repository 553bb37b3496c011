"""``REDIS_URL = "memory://"``: Redis in the process, for test suites without a server.

fakeredis runs the same commands and Lua scripts. All clients of a process share one server, and
processes share nothing. A gateway cannot read it, so that no browser can connect.
"""

from functools import cache
from typing import TYPE_CHECKING, Any, cast

from sockgate_gateway.redis_servers.options import PROTOCOL
from sockgate_gateway.wire.addresses import Kind, read_address

if TYPE_CHECKING:
    from redis import Redis
    from redis.asyncio import Redis as AsyncRedis


def is_memory(url: str) -> bool:
    """Check that a URL stands for Redis in the process; raises as ``read_address``."""
    return read_address(url).kind is Kind.MEMORY


def open_client() -> "Redis":
    """Open a client of the server in this process.

    Raises:
        ImportError: fakeredis is not installed.
    """
    return cast("Redis", _fakeredis().FakeRedis(server=_server(), protocol=PROTOCOL))


def open_async_client() -> "AsyncRedis":
    """Open the asyncio twin."""
    return cast("AsyncRedis", _fakeredis().FakeAsyncRedis(server=_server(), protocol=PROTOCOL))


def holds_data() -> bool:
    """Return whether anything is stored, without a command: suites ask before each test."""
    return _server.cache_info().currsize > 0 and any(map(len, _server().dbs.values()))


@cache
def _server() -> Any:
    return _fakeredis().FakeServer(version=(7, 4))


def _fakeredis() -> Any:
    try:
        import fakeredis
        import lupa  # noqa: F401  (the scripts need it)
    except ImportError as error:
        raise ImportError(
            'SOCKGATE["REDIS_URL"] is memory://, which needs fakeredis and Lua: '
            "pip install 'sockgate[testing]'"
        ) from error
    return fakeredis
