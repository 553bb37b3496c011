"""A server on the stage: started with a Redis of its own and with logins."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from . import machine, seed
from .places import BUILD
from .redisserver import Redis
from .servers.base import Running, Server

USERS = 8000


@contextmanager
def started(server: Server, *, compression: bool = False, users: int = USERS) -> Iterator[Running]:
    """Run a server until the end of the block, with so many users logged in.

    Raises:
        DidNotStart: it could not.
    """
    port, core = machine.free_port(), machine.server_core()
    with Redis() as redis:
        tokens = _seed(redis, users) if server.needs_tokens else None
        with server.process(port, redis, core, compression=compression) as process:
            yield Running(server, process, port, redis, tokens)


def _seed(redis: Redis, users: int) -> Path:
    tokens = BUILD / "tokens.txt"
    seed.seed(redis.url, users, tokens)
    return tokens
