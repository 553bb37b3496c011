"""A tab on sockjs-client under Node.js."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from queue import Queue
from threading import Thread
from typing import Any

from tests.e2e.tabs import PATIENCE_S, Close

PROGRAM = Path(__file__).parents[1] / "node" / "sockjs.cjs"
TRANSPORTS = ("websocket", "xhr-streaming", "xhr-polling", "eventsource")


class NodeTab:
    """One connection.

    Args:
        url: of the gateway, with its prefix.
        transport: the only one that sockjs-client may use.
    """

    def __init__(self, url: str, transport: str) -> None:
        self._command = [find_node(), str(PROGRAM), url, transport]
        self._events: Queue[dict[str, Any]] = Queue()

    def open(self) -> None:
        self._process = subprocess.Popen(
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._reader = Thread(target=self._listen)
        self._reader.start()
        self.transport = self._events.get(timeout=PATIENCE_S)["transport"]

    def send(self, text: str) -> None:
        assert self._process.stdin
        self._process.stdin.write(text + "\n")
        self._process.stdin.flush()

    def read(self) -> dict[str, Any] | Close:
        event = self._events.get(timeout=PATIENCE_S)
        return Close(*event["close"]) if "close" in event else dict(event["frame"])

    def show(self, token: str) -> dict[str, Any] | Close:
        self.send(json.dumps({"type": "connect", "token": token}))
        return self.read()

    def close(self) -> None:
        """End its input, and so the program."""
        with self._process:
            assert self._process.stdin
            self._process.stdin.close()
            self._process.wait(PATIENCE_S)
            self._reader.join()

    def _listen(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            self._events.put(json.loads(line))


def find_node() -> str:
    """Give the program that runs JavaScript."""
    # On the path, or beside the interpreter, where make links it.
    path = os.pathsep.join((os.environ["PATH"], str(Path(sys.executable).parent)))
    found = shutil.which("node", path=path)
    assert found, "Node.js is not installed"
    return found
