"""A connection that packs its commands with hiredis.

redis-py does so for blocking clients alone; its own packing, in Python, is a good part of what a
connect costs. Connections over TLS or a Unix socket are redis-py's own, and pack as it does.
"""

from typing import Any

from hiredis import pack_command
from redis.asyncio.connection import Connection


class PackingConnection(Connection):
    """A TCP connection to Redis."""

    def pack_command(self, *args: Any) -> list[bytes]:
        """Pack one command; the name of a few holds two words, which redis-py knows to split."""
        if " " in args[0]:
            return super().pack_command(*args)
        return [pack_command(args)]
