"""Sockgate itself: the real product, with sessions, limits and recovery on.

Only limits that a single client address would reach are raised, and the access log is off, as it
is for every other server here.
"""

import json
import sys
from dataclasses import replace
from functools import partial

from redis import from_url as open_redis
from sockgate.publishing.publisher import Publisher
from sockgate.publishing.sending import PublishRequest
from sockgate_gateway.wire.names import BROADCAST, Names
from sockgate_gateway.wire.namespaces import Policy
from sockgate_gateway.wire.scripts import PUBLISH

from ..interpreter import own_environment
from ..places import ROOT
from ..process import Process
from ..redisserver import Redis
from ..seed import SIGNING_KEY
from .base import Address, Dialogue, Server, http_post, websocket_request

MESSAGE = '{"event":"news","data":"%s"}'
BASE = "/realtime/000/%P-%d"
CONNECT = '{"type":"connect","token":"%T"}'
MISSED = 10
"""Publications that each client has missed when all reconnect."""


class Sockgate(Server):
    """``python -m sockgate_gateway``, one worker.

    Args:
        python: runs it, until ``prepare`` finds a better one.
    """

    name = "sockgate"
    versions = "this checkout"
    needs_tokens = True
    can_compress = True

    def __init__(self, python: str = sys.executable) -> None:
        self.python = python

    def prepare(self) -> None:
        """Install its dependencies for the servers' Python."""
        self.python = str(own_environment())

    def process(self, port: int, redis: Redis, core: int, *, compression: bool = False) -> Process:
        """Make its process."""
        environ = {
            "SOCKGATE_REDIS_URL": redis.url,
            "SOCKGATE_SIGNING_KEYS": SIGNING_KEY,
            "SOCKGATE_PORT": str(port),
            "SOCKGATE_OPS_PORT": "0",
            "SOCKGATE_LOG_LEVEL": "warning",
            "SOCKGATE_COMPRESSION": "yes" if compression else "no",
            "SOCKGATE_MAX_UNAUTHENTICATED": "20000",
            "SOCKGATE_MAX_PER_ADDRESS": "20000",
            "PYTHONPATH": str(ROOT / "gateway"),
        }
        return Process(self.name, self.command(), core, port, environ)

    def command(self) -> list[str]:
        """Return the command line."""
        return [self.python, "-m", "sockgate_gateway"]

    def dialogue(self, transport: str) -> Dialogue | None:
        """Open a transport, or a WebSocket and a channel of that namespace, with a token."""
        dialogues = {
            "websocket": self.websocket,
            "rawwebsocket": self._raw_websocket,
            "xhr_streaming": lambda: self._over_http("xhr_streaming"),
            "xhr": lambda: self._over_http("xhr"),
            **{
                name: partial(self._subscribed, f"{name}:1")
                for name in ("plain", "counted", "join_leave")
            },
        }
        return dialogues[transport]() if transport in dialogues else None

    def in_sequence(self, redis: Redis, *, to_one: bool) -> Address | None:
        """Call the script of sequenced publications, as the product's own publisher does."""
        with open_redis(redis.url) as client:
            client.script_load(PUBLISH)
        channel = "user:%d" if to_one else BROADCAST
        words = PublishRequest(channel, MESSAGE.encode(), Policy()).command(Names())
        texts = (word.decode() if isinstance(word, bytes) else str(word) for word in words)
        return Address("", MESSAGE, words=tuple(texts))

    def miss_something(self, redis: Redis) -> Dialogue | None:
        """Publish in sequence. Clients reconnect with a position, and wait for the last one."""
        with Publisher(redis.url) as publisher:
            position = publisher.position(BROADCAST)
            for number in range(1, MISSED + 1):
                publisher.broadcast("news", f"missed {number}", sequenced=True)
        connect = {"type": "connect", "token": "%T", "recover": {BROADCAST: position}}
        return self.websocket(json.dumps(connect), f"missed {MISSED}")

    def websocket(self, connect: str = CONNECT, welcome: str = "connected") -> Dialogue:
        """Open SockJS on a WebSocket, send this first frame, and wait for that text."""
        request = websocket_request(f"{BASE}/websocket")
        return Dialogue(request, "\x01o", ((_in_sockjs(connect), welcome),))

    def _raw_websocket(self) -> Dialogue:
        request = websocket_request("/realtime/websocket")
        return Dialogue(request, "101 Switching", ((CONNECT, "connected"),))

    def _subscribed(self, channel: str) -> Dialogue:
        """Open SockJS on a WebSocket, and then a channel of one of the seed's namespaces."""
        opened = self.websocket()
        subscribe = _in_sockjs(json.dumps({"type": "subscribe", "channel": channel}))
        return replace(opened, steps=(*opened.steps, (subscribe, "subscribed")))

    def _over_http(self, kind: str) -> Dialogue:
        ask, send = http_post(f"{BASE}/{kind}"), http_post(f"{BASE}/xhr_send", "%F", "%L")
        return Dialogue(ask, "o\n", ((_in_sockjs(CONNECT), "connected"),), send)

    def to_all(self, body: int) -> Address:
        """Publish on the channel of everyone."""
        return Address("rt:broadcast", MESSAGE)

    def to_one(self, body: int) -> Address:
        """Publish on the channel of a user."""
        return Address("rt:user:%d", MESSAGE)


def _in_sockjs(frame: str) -> str:
    """Wrap a frame as SockJS does, in a pattern of wsload."""
    return json.dumps([frame]).replace("\\", "\\\\")
