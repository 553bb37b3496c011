"""A running server, with a Redis of its own and with logins."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from . import machine, seed
from .redisserver import Redis
from .servers.base import Running, Server

USERS = 8000


@contextmanager
def started(server: Server, *, compression: bool = False, users: int = USERS) -> Iterator[Running]:
    """Run a server until the end of the block, with ``users`` users logged in.

    Raises:
        DidNotStart: it could not.
    """
    port, core = machine.free_port(), machine.server_core()
    with Redis() as redis, TemporaryDirectory() as folder:
        tokens = Path(folder) / "tokens" if server.needs_tokens else None
        if tokens:
            seed.seed(redis.url, users, tokens)
        with server.process(port, redis, core, compression=compression) as process:
            yield Running(server, process, port, redis, tokens)
