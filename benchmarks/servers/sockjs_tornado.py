"""sockjs-tornado as its README shows it, with redis-py: a gateway without Sockgate."""

from pathlib import Path

from ..interpreter import own_environment
from ..places import PROGRAMS
from ..process import Process
from ..redisserver import Redis
from .base import Address, Dialogue, Server
from .floor import MESSAGE
from .sockjs_node import sockjs_dialogue


class SockJsTornado(Server):
    """The plain library, in the versions that Sockgate uses."""

    name = "sockjs-tornado"
    versions = "sockjs-tornado, tornado and redis-py as Sockgate has them"

    def prepare(self) -> None:
        """Install what it needs."""
        own_environment()

    def process(self, port: int, redis: Redis, core: int, *, compression: bool = False) -> Process:
        """Make its process."""
        command: list[str | Path] = [
            own_environment(),
            PROGRAMS / "sockjs_tornado.py",
            str(port),
            str(redis.port),
        ]
        return Process(self.name, command, core, port)

    def dialogue(self, transport: str) -> Dialogue | None:
        """Speak SockJS."""
        return sockjs_dialogue(transport)

    def to_all(self, body: int) -> Address:
        """Publish on its channel."""
        return Address("news", MESSAGE)

    def to_one(self, body: int) -> Address:
        """Publish on the channel of a user."""
        return Address("user:%D", MESSAGE)
