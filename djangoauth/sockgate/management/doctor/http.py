"""HTTP as a browser speaks it to the site and the gateway, on the standard library alone.

No redirect is followed and no proxy is used: what answers at exactly this URL is what matters.
"""

import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from threading import Event, Timer
from typing import Any
from urllib.parse import urlsplit

from .report import StepFailed

MAX_BODY_BYTES = 64 * 1024
MAX_SHOWN = 120


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP response."""

    status: int
    headers: Mapping[str, str]
    body: str

    @property
    def is_of_gateway(self) -> bool:
        """Whether it is the answer of a gateway to a path that it does not serve."""
        has_its_headers = self.headers.get("Vary") == "Origin"
        return self.status == 404 and self.body == "Not Found" and has_its_headers

    @property
    def shown(self) -> str:
        """Its status and the beginning of its body, escaped, for a message."""
        return f"HTTP {self.status}, {self.body[:MAX_SHOWN]!a}"


@dataclass(frozen=True, slots=True)
class Peer:
    """The site or the gateway, for messages.

    Args:
        name: what should answer.
        mend: what to do when nothing does.
        anchor: the heading in docs/troubleshooting.md.
    """

    name: str
    mend: str
    anchor: str


def open_connection(url: str, timeout_s: float) -> HTTPConnection:
    """Prepare a connection to the host of a URL."""
    parts = urlsplit(url)
    if parts.scheme == "https":
        context = ssl.create_default_context()
        return HTTPSConnection(parts.netloc, timeout=timeout_s, context=context)
    return HTTPConnection(parts.netloc, timeout=timeout_s)


def exchange(
    peer: Peer,
    method: str,
    url: str,
    *,
    timeout_s: float,
    headers: Mapping[str, str],
    body: str | None = None,
) -> Answer:
    """Send a request, and read the response.

    Raises:
        StepFailed: nothing answers at the URL, or what answers speaks no HTTP.
    """
    try:
        with closing(open_connection(url, timeout_s)) as connection:
            connection.connect()
            with in_time(connection.sock, timeout_s):
                connection.request(method, path_of(url), body, dict(headers))
                response = connection.getresponse()
                text = response.read(MAX_BODY_BYTES).decode(errors="replace")
            return Answer(response.status, dict(response.headers.items()), text)
    except (OSError, HTTPException, ValueError) as error:
        raise unreachable(peer, url, error) from error


@contextmanager
def in_time(sock: socket.socket, timeout_s: float) -> Iterator[None]:
    """Break a connection off that has not done its work in time, however slowly bytes drip in.

    Args:
        sock: of the connection; its own timeout begins again with each byte.
        timeout_s: for the whole block.

    Raises:
        TimeoutError: the time is over.
    """
    is_over = Event()
    timer = Timer(timeout_s, _break_off, (sock, is_over))
    timer.daemon = True
    timer.start()
    try:
        yield
    except (OSError, HTTPException):
        if not is_over.is_set():
            raise
    finally:
        timer.cancel()
    if is_over.is_set():
        raise TimeoutError("timed out")


def _break_off(sock: Any, is_over: Event) -> None:
    is_over.set()
    with suppress(OSError):
        socket.socket.shutdown(sock, socket.SHUT_RDWR)  # That of TLS would change the reader.


def path_of(url: str) -> str:
    """Return the target of a request for a URL."""
    return urlsplit(url).path or "/"


def unreachable(peer: Peer, url: str, error: Exception) -> StepFailed:
    """Say that nothing answers at a URL."""
    cause = str(error) or type(error).__name__
    if isinstance(error, ssl.SSLError):
        mend = (
            "Check the certificate, and https:// or http:// in the URL. For an authority of your "
            "own, set the variable SSL_CERT_FILE to its certificate."
        )
        return StepFailed(f"No TLS with {peer.name} at {url}: {cause}.", mend, peer.anchor)
    return StepFailed(f"{peer.name} does not answer at {url}: {cause}.", peer.mend, peer.anchor)
