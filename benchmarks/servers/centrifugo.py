"""Centrifugo on the same Redis."""

import json
import subprocess
from functools import cache
from pathlib import Path

from .. import build
from ..places import BUILD, PROGRAMS
from ..process import Process
from ..redisserver import Redis
from .base import Address, Dialogue, Server, websocket_request
from .written import FILLER, template_of

SOURCE = PROGRAMS / "centrifugo"
PACKAGE = "github.com/centrifugal/centrifugo/v6"


class Centrifugo(Server):
    """Its Redis engine and its JSON protocol, without authentication and authorization."""

    name = "Centrifugo"
    versions = f"{PACKAGE} v6.9.1"

    def prepare(self) -> None:
        """Compile the server and the program that encodes its publications."""
        _server()
        _writer()

    def process(self, port: int, redis: Redis, core: int, *, compression: bool = False) -> Process:
        """Make its process."""
        config = BUILD / "centrifugo.json"
        config.write_text(json.dumps(_config(port, redis)))
        command: list[str | Path] = [_server(), "--config", config]
        return Process(self.name, command, core, port)

    def dialogue(self, transport: str) -> Dialogue | None:
        """Connect, and subscribe to everyone's channel and to a user's."""
        if transport != "websocket":
            return None
        request = websocket_request("/connection/websocket")
        steps = (
            ('{"id":1,"connect":{}}', '"connect":{"client"'),
            ('{"id":2,"subscribe":{"channel":"news"}}', '"id":2'),
            ('{"id":3,"subscribe":{"channel":"user.%D"}}', '"id":3'),
        )
        return Dialogue(request, "101 Switching", steps, heartbeat=("{}", "{}"))

    def to_all(self, body: int) -> Address:
        """Publish on the channel of everyone."""
        return Address("centrifugo.client.news", _written(body))

    def to_one(self, body: int) -> Address:
        """Publish on the channel of a user."""
        return Address("centrifugo.client.user.%D", _written(body))


def _config(port: int, redis: Redis) -> dict[str, object]:
    return {
        "http_server": {"address": "127.0.0.1", "port": str(port)},
        "log": {"level": "warn"},
        "client": {"insecure": True, "allowed_origins": ["*"]},
        "engine": {"type": "redis", "redis": {"address": f"127.0.0.1:{redis.port}"}},
    }


def _server() -> Path:
    return build.go_program(SOURCE, PACKAGE)


def _writer() -> Path:
    return build.go_program(SOURCE)


@cache
def _written(body: int) -> str:
    """Encode a publication with its own library."""
    payload = subprocess.check_output([_writer(), FILLER * body], text=True)
    return template_of(bytes.fromhex(payload), body)
