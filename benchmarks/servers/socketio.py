"""Socket.IO 4 on the same Redis: the Redis adapter, published to by its own emitter's bytes."""

import os
import subprocess
from functools import cache
from pathlib import Path

from .. import build
from ..places import PROGRAMS
from ..process import Process
from ..redisserver import Redis
from .base import Address, Dialogue, Server, websocket_request
from .written import FILLER, USER, pattern_of, template_of

PACKAGES = (
    "socket.io@4.8.4",
    "@socket.io/redis-adapter@8.3.0",
    "@socket.io/redis-emitter@5.1.0",
    "redis@6.3.1",
    "bufferutil@4.1.0",
)


class SocketIo(Server):
    """Socket.IO without authentication."""

    name = "Socket.IO"
    versions = " ".join(PACKAGES)
    can_compress = True

    def prepare(self) -> None:
        """Install it."""
        build.node_modules_with(*PACKAGES)

    def process(self, port: int, redis: Redis, core: int, *, compression: bool = False) -> Process:
        """Make its process."""
        command: list[str | Path] = ["node", PROGRAMS / "socketio.js", str(port), str(redis.port)]
        environ = {**build.node_environ(), "COMPRESSION": "1" if compression else ""}
        return Process(self.name, command, core, port, environ)

    def dialogue(self, transport: str) -> Dialogue | None:
        """Open Engine.IO, then the namespace, which answers once the room is joined."""
        if transport != "websocket":
            return None
        request = websocket_request("/socket.io/?EIO=4&transport=websocket")
        steps = (('40{"user":"%D"}', '40{"sid"'),)
        return Dialogue(request, '0{"sid"', steps, heartbeat=("2", "3"))

    def to_all(self, body: int) -> Address:
        """Emit to everyone."""
        return _address(body, "")

    def to_one(self, body: int) -> Address:
        """Emit to the room of a user."""
        return _address(body, f"user:{USER}")


@cache
def _address(body: int, room: str) -> Address:
    """Encode a publication with the emitter itself."""
    command: list[str | Path] = ["node", PROGRAMS / "socketio_emitter.js", FILLER * body, room]
    environ = {**os.environ, **build.node_environ()}
    channel, payload = subprocess.check_output(command, env=environ, text=True).split()
    return Address(pattern_of(channel.encode()), template_of(bytes.fromhex(payload), body))
