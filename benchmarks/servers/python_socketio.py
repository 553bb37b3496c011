"""python-socketio with its Redis manager."""

import json
from typing import Any

from .asgi import UVICORN, AsgiServer
from .base import Address, Dialogue
from .socketio import SocketIo


class PythonSocketIo(AsgiServer):
    """The Socket.IO server that Python projects use."""

    name = "python-socketio"
    module = "python_socketio"
    packages = ("python-socketio==5.18.1", *UVICORN)
    versions = " ".join(packages)

    def dialogue(self, transport: str) -> Dialogue | None:
        """Speak Socket.IO."""
        return SocketIo().dialogue(transport)

    def to_all(self, body: int) -> Address:
        """Emit to everyone."""
        return _address(None)

    def to_one(self, body: int) -> Address:
        """Emit to the room of a user."""
        return _address("user:%D")


def _address(room: str | None) -> Address:
    """Write the publication of its write-only manager: JSON, on one channel."""
    message: dict[str, Any] = {"method": "emit", "event": "news", "data": ["%s"]}
    message |= {"binary": False, "namespace": "/", "room": room}
    message |= {"skip_sid": None, "callback": None, "host_id": "publisher"}
    return Address("socketio", json.dumps(message))
