"""Centrifuge on the same Redis: the Go library that Centrifugo is made of."""

import subprocess
from functools import cache
from pathlib import Path

from .. import build
from ..places import PROGRAMS
from ..process import Process
from ..redisserver import Redis
from .base import Address, Dialogue, Server, websocket_request
from .written import FILLER, template_of

SOURCE = PROGRAMS / "centrifuge"


class Centrifuge(Server):
    """Its Redis broker and its JSON protocol; users are whoever they say they are."""

    name = "Centrifuge"
    versions = "github.com/centrifugal/centrifuge v0.40.1"

    def prepare(self) -> None:
        """Compile it."""
        build.go_program(SOURCE)

    def process(self, port: int, redis: Redis, core: int, *, compression: bool = False) -> Process:
        """Give its process."""
        program = build.go_program(SOURCE)
        command: list[str | Path] = [program, "serve", str(port), str(redis.port)]
        return Process(self.name, command, core, port)

    def dialogue(self, transport: str) -> Dialogue | None:
        """Connect; the server subscribes before it answers."""
        if transport != "websocket":
            return None
        request = websocket_request("/connection/websocket")
        steps = (('{"id":1,"connect":{"data":{"user":"%D"}}}', '"connect":{"client"'),)
        return Dialogue(request, "101 Switching", steps, heartbeat=("{}", "{}"))

    def to_all(self, body: int) -> Address:
        """Publish on the channel of everyone."""
        return Address("centrifuge.client.broadcast", _written(body))

    def to_one(self, body: int) -> Address:
        """Publish on the channel of a user."""
        return Address("centrifuge.client.user:%D", _written(body))


@cache
def _written(body: int) -> str:
    """Ask the library itself what it publishes."""
    command: list[str | Path] = [build.go_program(SOURCE), "publication", FILLER * body]
    payload = subprocess.check_output(command, text=True)
    return template_of(bytes.fromhex(payload), body)
