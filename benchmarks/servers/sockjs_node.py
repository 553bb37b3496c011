"""sockjs-node, fed by Redis."""

from pathlib import Path

from .. import build
from ..places import PROGRAMS
from ..process import Process
from ..redisserver import Redis
from .base import Address, Dialogue, Server, http_post, websocket_request
from .floor import MESSAGE

PACKAGES = ("sockjs@0.3.24", "redis@6.3.1")


def sockjs_dialogue(transport: str) -> Dialogue | None:
    """Open SockJS under ``/push``, and name the user."""
    base, steps = "/push/000/%P-%d", (('["%D"]', "welcome"),)
    if transport == "websocket":
        return Dialogue(websocket_request(f"{base}/websocket"), "\x01o", steps)
    if transport not in ("xhr_streaming", "xhr"):
        return None
    ask, send = http_post(f"{base}/{transport}"), http_post(f"{base}/xhr_send", "%F", "%L")
    return Dialogue(ask, "o\n", steps, send)


class SockJsNode(Server):
    """sockjs-node without authentication."""

    name = "sockjs-node"
    versions = " ".join(PACKAGES)

    def prepare(self) -> None:
        """Install it."""
        build.node_modules_with(*PACKAGES)

    def process(self, port: int, redis: Redis, core: int, *, compression: bool = False) -> Process:
        """Make its process."""
        command: list[str | Path] = [
            "node",
            PROGRAMS / "sockjs_node.js",
            str(port),
            str(redis.port),
        ]
        return Process(self.name, command, core, port, build.node_environ())

    def dialogue(self, transport: str) -> Dialogue | None:
        """Speak SockJS."""
        return sockjs_dialogue(transport)

    def to_all(self, body: int) -> Address:
        """Publish on its channel."""
        return Address("news", MESSAGE)

    def to_one(self, body: int) -> Address:
        """Publish on the channel of a user."""
        return Address("user:%D", MESSAGE)
