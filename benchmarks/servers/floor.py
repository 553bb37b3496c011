"""The floor: a bare send() loop in C."""

from pathlib import Path

from .. import build
from ..process import Process
from ..redisserver import Redis
from .base import Address, Dialogue, Server, websocket_request

MESSAGE = '{"event":"news","data":"%s"}'


class Floor(Server):
    """The cost of the kernel; not a product."""

    name = "floor"
    versions = "floor.c"

    def prepare(self) -> None:
        """Compile it."""
        build.compiled("floor")

    def process(self, port: int, redis: Redis, core: int, *, compression: bool = False) -> Process:
        """Make its process."""
        command: list[str | Path] = [build.compiled("floor"), str(port), str(redis.port)]
        return Process(self.name, command, core, port)

    def dialogue(self, transport: str) -> Dialogue | None:
        """Open a WebSocket on ``/<number>``; it does not read frames."""
        if transport != "websocket":
            return None
        return Dialogue(websocket_request("/%d"), "101 Switching")

    def to_all(self, body: int) -> Address:
        """Publish on its channel."""
        return Address("floor.all", MESSAGE)

    def to_one(self, body: int) -> Address:
        """Publish on the channel of a number."""
        return Address("floor.%d", MESSAGE)
