"""Socket.IO 4 on the same Redis: the Redis adapter, published to by its own emitter's bytes."""

import os
import subprocess
from functools import cache

from .. import build
from ..places import SERVERS
from ..process import Process
from ..redisserver import Redis
from .base import Address, Dialogue, Server, websocket_request

PACKAGES = (
    "socket.io@4.8.4",
    "@socket.io/redis-adapter@8.3.0",
    "@socket.io/redis-emitter@5.1.0",
    "redis@6.3.1",
    "bufferutil@4.1.0",
)


class SocketIo(Server):
    """Socket.IO without any check of who connects."""

    name = "Socket.IO"
    versions = " ".join(PACKAGES)

    def prepare(self) -> None:
        """Install it."""
        build.node_modules_with(*PACKAGES)

    def process(self, port: int, redis: Redis, core: int) -> Process:
        """Give its process."""
        command = ["node", SERVERS / "socketio.js", str(port), str(redis.port)]
        return Process(self.name, command, core, port, _environ())

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
        return _address(body, "user:000000")


@cache
def _address(body: int, room: str) -> Address:
    """Ask the emitter itself what it publishes, and leave a place for marker and user."""
    filling = "~" * body  # unlike the byte of any length
    command = ["node", SERVERS / "socketio_emitter.js", filling, room]
    output = subprocess.check_output(command, env={**os.environ, **_environ()}, text=True)
    channel, payload = output.split()
    before, _, after = bytes.fromhex(payload).partition(filling.encode())
    template = f"{_escaped(before)}%s{_escaped(after)}"
    return Address(*(text.replace("000000", "%D") for text in (channel, template)))


def _escaped(text: bytes) -> str:
    printable = range(0x20, 0x7F)
    safe = (chr(byte) if byte in printable and byte != 0x5C else f"\\x{byte:02x}" for byte in text)
    return "".join(safe)


def _environ() -> dict[str, str]:
    return {"NODE_PATH": str(build.BUILD / "node" / "node_modules"), "NODE_ENV": "production"}
