"""Asyncio connections that pack with hiredis, and whose errors name the server.

redis-py packs with hiredis for blocking clients alone; its own packing, in Python, is a good part
of what a connect costs (``python -m benchmarks techniques``, ``hiredis_packing``). Connections over
TLS or a Unix socket pack as redis-py does.

redis-py names the server in some errors only: not where the server refuses a password or a command,
nor where connecting takes too long. No error names the credentials.
"""

from typing import Any

from hiredis import pack_command
from redis.asyncio.connection import (
    AbstractConnection,
    Connection,
    SSLConnection,
    UnixDomainSocketConnection,
)
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError, ResponseError

from .errors import is_refusal


class HiredisConnection(Connection):
    """A TCP connection that packs its commands with hiredis."""

    def pack_command(self, *args: Any) -> list[bytes]:
        """Pack one command; redis-py splits the names of a few that hold two words."""
        if " " in args[0]:
            return super().pack_command(*args)
        return [pack_command(args)]


class ErrorsNameServer(AbstractConnection):
    """Adds host and port of the server to the errors of a connection.

    It goes without a name where the server refuses ``CLIENT``, as Memorystore for Redis does.
    """

    async def connect_check_health(self, *args: Any, **options: Any) -> None:
        """Connect."""
        try:
            await super().connect_check_health(*args, **options)
        except RedisError as error:
            _add_server(error, self._host_error())
            raise

    async def on_connect_check_health(self, check_health: bool = True) -> None:
        """Log in, give the name, select the database."""
        try:
            await super().on_connect_check_health(check_health)
        except ResponseError as error:
            if not self.client_name or not is_refusal(error):
                raise
            self.client_name = None
            await super().on_connect_check_health(check_health)

    async def send_packed_command(self, *args: Any, **options: Any) -> None:
        """Send one command; a link that was closed meanwhile has the error of a lost one."""
        try:
            await super().send_packed_command(*args, **options)
        except AttributeError as error:  # redis-py writes to a stream that is None.
            if self.is_connected:
                raise
            text = f"the connection was closed meanwhile (Redis at {self._host_error()})"
            raise RedisConnectionError(text) from error

    async def read_response(self, *args: Any, **options: Any) -> Any:
        """Read one reply."""
        try:
            return await super().read_response(*args, **options)
        except RedisError as error:
            _add_server(error, self._host_error())
            raise


class TCPConnection(ErrorsNameServer, HiredisConnection):
    """A TCP connection to Redis."""


class TLSConnection(ErrorsNameServer, SSLConnection):
    """A TLS connection to Redis."""


class UnixConnection(ErrorsNameServer, UnixDomainSocketConnection):
    """A connection to Redis over a Unix socket."""


def _add_server(error: RedisError, server: str) -> None:
    text = str(error)
    if server not in text:
        error.args = (f"{text.rstrip('.')} (Redis at {server})",)
