"""A server that answers the doctor with whatever a test wants."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from time import monotonic, sleep

Answer = Callable[[socket.socket], None]

LONGEST_DRIP_S = 20.0


@contextmanager
def hostile_server(*answers: Answer) -> Iterator[str]:
    """Answer one connection after the other; return the URL."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=_serve, args=(listener, answers), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def _serve(listener: socket.socket, answers: tuple[Answer, ...]) -> None:
    for answer in answers:
        with suppress(OSError):
            connection, _ = listener.accept()
            with connection:
                connection.recv(65_536)
                answer(connection)


def sending(data: bytes) -> Answer:
    """Send this."""
    return lambda connection: connection.sendall(data)


def dripping(head: bytes) -> Answer:
    """Send this, and then one byte after the other until the client goes away."""

    def drip(connection: socket.socket) -> None:
        connection.sendall(head)
        ends_at = monotonic() + LONGEST_DRIP_S
        while monotonic() < ends_at:
            connection.sendall(b"x")
            sleep(0.02)  # The drip, more often than any timeout of the reader.

    return drip


def response(body: bytes, status: str = "200 OK") -> bytes:
    """Write an HTTP response."""
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
