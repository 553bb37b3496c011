"""Sockgate itself: the real product, with sessions, limits and recovery on.

Only limits that a single client address would reach are raised, and the access log is off, as it
is for every other server here.
"""

import sys

from ..places import ROOT
from ..process import Process
from ..redisserver import Redis
from ..seed import SIGNING_KEY
from .base import Address, Dialogue, Server, websocket_request

MESSAGE = '{"event":"news","data":"%s"}'
BASE = "/realtime/000/c%d"
CONNECT = r'{"type":"connect","token":"%T"}'
CONNECT_IN_SOCKJS = r'["{\"type\":\"connect\",\"token\":\"%T\"}"]'.replace("\\", "\\\\")

_POST = r"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n{body}"


class Sockgate(Server):
    """``python -m gateway``, one worker."""

    name = "sockgate"
    versions = "this checkout"
    needs_tokens = True

    def prepare(self) -> None:
        """Nothing: it is here."""

    def process(self, port: int, redis: Redis, core: int) -> Process:
        """Give its process."""
        environ = {
            "SOCKGATE_REDIS_URL": redis.url,
            "SOCKGATE_SIGNING_KEYS": SIGNING_KEY,
            "SOCKGATE_PORT": str(port),
            "SOCKGATE_OPS_PORT": "0",
            "SOCKGATE_LOG_LEVEL": "warning",
            "SOCKGATE_MAX_UNAUTHENTICATED": "20000",
            "SOCKGATE_MAX_PER_ADDRESS": "20000",
            "PYTHONPATH": str(ROOT),
        }
        return Process(self.name, self.command(), core, port, environ)

    def command(self) -> list[str]:
        """Give what runs it."""
        return [sys.executable, "-m", "gateway"]

    def dialogue(self, transport: str) -> Dialogue | None:
        """Open a transport and show a token."""
        dialogues = {
            "websocket": self._websocket,
            "rawwebsocket": self._raw_websocket,
            "xhr_streaming": lambda: self._over_http("xhr_streaming"),
            "xhr": lambda: self._over_http("xhr"),
        }
        return dialogues[transport]() if transport in dialogues else None

    def _websocket(self) -> Dialogue:
        request = websocket_request(f"{BASE}/websocket")
        return Dialogue(request, "\x01o", ((CONNECT_IN_SOCKJS, "connected"),))

    def _raw_websocket(self) -> Dialogue:
        request = websocket_request("/realtime/websocket")
        return Dialogue(request, "101 Switching", ((CONNECT, "connected"),))

    def _over_http(self, kind: str) -> Dialogue:
        ask = _POST.format(path=f"{BASE}/{kind}", length=0, body="")
        send = _POST.format(path=f"{BASE}/xhr_send", length="%L", body="%F")
        return Dialogue(ask, "o\n", ((CONNECT_IN_SOCKJS, "connected"),), send)

    def to_all(self, body: int) -> Address:
        """Publish on the channel of everyone."""
        return Address("rt:broadcast", MESSAGE)

    def to_one(self, body: int) -> Address:
        """Publish on the channel of a user."""
        return Address("rt:user:%d", MESSAGE)
