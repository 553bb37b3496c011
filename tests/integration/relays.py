"""What stands between two programs: it passes bytes on, and may be cut, led elsewhere or held."""

from contextlib import suppress
from socket import SHUT_RDWR, create_connection, create_server, socket
from threading import Event, Lock, Thread

from tests.ports import HOST

CHUNK_BYTES = 64 * 1024


class Relay:
    """Pass on what comes to a port of its own, in threads.

    Args:
        target: the port that it goes to; may be another one for the next connection.
    """

    def __init__(self, target: int) -> None:
        self.target = target
        self._listener = create_server((HOST, 0))
        self.port: int = self._listener.getsockname()[1]
        self._passages: list[_Passage] = []
        self._changing = Lock()
        self._flows = Event()
        self._flows.set()
        self._held_name = b""
        self._accepting = Thread(target=self._accept, daemon=True)
        self._accepting.start()

    def cut(self) -> None:
        """End all connections without a word."""
        with self._changing:
            for passage in self._passages:
                passage.end()

    def hold(self, name: bytes = b"") -> None:
        """Give no answers, to those who have said this name in the beginning."""
        self._held_name = name
        self._flows.clear()

    def release(self) -> None:
        """Go on."""
        self._flows.set()

    def stop(self) -> None:
        """End everything."""
        self._listener.shutdown(SHUT_RDWR)
        self._accepting.join()
        self._listener.close()
        self.release()
        self.cut()
        for passage in list(self._passages):
            passage.join()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                self._pass_on(self._listener.accept()[0])

    def _pass_on(self, near: socket) -> None:
        try:
            far = create_connection((HOST, self.target))
        except OSError:
            near.close()
            return
        passage = _Passage(self, near, far)
        with self._changing:
            self._passages = [*filter(_Passage.is_alive, self._passages), passage]
            passage.start()

    def wait_to_answer(self, beginning: bytes) -> None:
        """Wait while answers are held from who began like this."""
        if self._held_name in beginning:
            self._flows.wait()


class _Passage(Thread):
    """One connection, both ways."""

    def __init__(self, relay: Relay, near: socket, far: socket) -> None:
        super().__init__(daemon=True)
        self._relay = relay
        self._near = near
        self._far = far
        self._beginning = b""

    def run(self) -> None:
        asking = Thread(target=self._ask, daemon=True)
        asking.start()
        self._answer()
        asking.join()
        self._near.close()
        self._far.close()

    def end(self) -> None:
        for end in (self._near, self._far):
            with suppress(OSError):
                end.shutdown(SHUT_RDWR)

    def _ask(self) -> None:
        with suppress(OSError):
            while asked := self._near.recv(CHUNK_BYTES):
                self._beginning = self._beginning or asked
                self._far.sendall(asked)
        self.end()

    def _answer(self) -> None:
        with suppress(OSError):
            while answer := self._far.recv(CHUNK_BYTES):
                self._relay.wait_to_answer(self._beginning)
                self._near.sendall(answer)
        self.end()
