"""A TCP relay between two programs, which a test can cut, redirect or hold."""

from contextlib import suppress
from socket import SHUT_RDWR, create_connection, create_server, socket
from threading import Event, Lock, Thread
from time import sleep

from tests.ports import HOST

CHUNK_BYTES = 64 * 1024
BEGINNING_BYTES = 512


class Relay:
    """Relay connections from a port of its own, in threads.

    Args:
        target: the port to relay to; a change applies to the next connection.

    ``delay_s``: how much later each response arrives.
    """

    def __init__(self, target: int) -> None:
        self.target = target
        self._listener = create_server((HOST, 0))
        self.port: int = self._listener.getsockname()[1]
        self._connections: list[_RelayedConnection] = []
        self._changing = Lock()
        self._flows = Event()
        self._flows.set()
        self._held_name = b""
        self.delay_s = 0.0
        self._is_stopped = False
        self._accepting = Thread(target=self._accept, daemon=True)
        self._accepting.start()

    def cut(self) -> None:
        """Close all connections."""
        with self._changing:
            for connection in self._connections:
                connection.end()

    def hold(self, name: bytes = b"") -> None:
        """Hold the responses on connections that have sent this name in their first bytes."""
        self._held_name = name
        self._flows.clear()

    def release(self) -> None:
        """Deliver the held responses."""
        self._flows.set()

    def stop(self) -> None:
        """Close all connections and the port."""
        self._is_stopped = True
        self._listener.shutdown(SHUT_RDWR)
        self._accepting.join()
        self._listener.close()
        self.release()
        self.cut()
        for connection in list(self._connections):
            connection.join()

    def describe(self) -> str:
        """Say what it does, for a test that fails."""
        alive = sum(connection.is_alive() for connection in self._connections)
        accepts, flows = self._accepting.is_alive(), self._flows.is_set()
        return f"to {self.target}: accepts {accepts}, flows {flows}, {alive} connections"

    def wait_while_held(self, beginning: bytes) -> None:
        """Wait while responses are held on a connection with these first bytes."""
        if self.delay_s:
            sleep(self.delay_s)  # The latency of the network is what is tested.
        if self._held_name in beginning:
            self._flows.wait()

    def request(self, data: bytes) -> bytes:
        """Return what is sent on for a part of a request."""
        return data

    def _accept(self) -> None:
        while not self._is_stopped:
            with suppress(OSError):  # A client may have left already.
                self._open(self._listener.accept()[0])

    def _open(self, near: socket) -> None:
        try:
            far = create_connection((HOST, self.target))
        except OSError:
            near.close()
            return
        connection = _RelayedConnection(self, near, far)
        with self._changing:
            alive = filter(_RelayedConnection.is_alive, self._connections)
            self._connections = [*alive, connection]
            connection.start()


class _RelayedConnection(Thread):
    """One connection, in both directions."""

    def __init__(self, relay: Relay, near: socket, far: socket) -> None:
        super().__init__(daemon=True)
        self._relay = relay
        self._near = near
        self._far = far
        self._beginning = b""

    def run(self) -> None:
        requests = Thread(target=self._relay_requests, daemon=True)
        requests.start()
        self._relay_responses()
        requests.join()
        self._near.close()
        self._far.close()

    def end(self) -> None:
        for end in (self._near, self._far):
            with suppress(OSError):
                end.shutdown(SHUT_RDWR)

    def _relay_requests(self) -> None:
        with suppress(OSError):
            while data := self._near.recv(CHUNK_BYTES):
                if len(self._beginning) < BEGINNING_BYTES:  # A login comes before the name.
                    self._beginning += data
                self._far.sendall(self._relay.request(data))
        self.end()

    def _relay_responses(self) -> None:
        with suppress(OSError):
            while data := self._far.recv(CHUNK_BYTES):
                self._relay.wait_while_held(self._beginning)
                self._near.sendall(data)
        self.end()
