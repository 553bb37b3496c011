"""Read a small JSON document from the provider, with one deadline for all of it.

Strategy: the timeout of a socket begins again with each byte, so a provider that drips bytes keeps
a reader for ever. A timer therefore shuts the TCP connection down at the deadline. It holds a
duplicate of the socket, because TLS takes the first one over before its handshake.
"""

import json
import socket
import ssl
from functools import partial
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from threading import Lock, Timer
from typing import Any
from urllib.error import HTTPError
from urllib.request import (
    HTTPHandler,
    HTTPRedirectHandler,
    HTTPSHandler,
    Request,
    build_opener,
)

from .errors import ProviderUnavailable

TIMEOUT_S = 5.0
MAX_BYTES = 256 * 1024


def fetch(url: str, timeout_s: float = TIMEOUT_S) -> Any:
    """Read a JSON document from a provider; redirects are not followed.

    Args:
        url: https, or http on this machine, as the settings admit.
        timeout_s: for connecting, TLS, the headers and the body together.

    Raises:
        ProviderUnavailable: no usable response in time.
    """
    # The settings admit https:// alone, and http:// on this machine.
    request = Request(  # noqa: S310
        url, headers={"Accept": "application/json", "User-Agent": "sockgate"}
    )
    deadline = _Deadline()
    timer = Timer(timeout_s, deadline.expire)
    timer.daemon = True
    timer.start()
    opener = build_opener(_NoRedirect, _PlainHandler(deadline), _TLSHandler(deadline))
    try:
        with opener.open(request, timeout=timeout_s) as response:
            body = response.read(MAX_BYTES + 1)
        if len(body) > MAX_BYTES:
            raise ProviderUnavailable(f"the key set has more than {MAX_BYTES} bytes")
        return json.loads(body)
    except HTTPError as error:
        error.close()  # It is the response.
        raise ProviderUnavailable(f"the key set cannot be read: status {error.code}") from None
    except (OSError, HTTPException, ValueError, RecursionError) as error:
        late = f"no complete response within {timeout_s:g} s"
        cause = late if deadline.is_over else _cause_of(error)
        raise ProviderUnavailable(f"the key set cannot be read: {cause}") from error
    finally:
        timer.cancel()
        deadline.release()


def _cause_of(error: Exception) -> str:
    """Name an error; only the system's own texts quote nothing of the URL or the response."""
    inner = getattr(error, "reason", None)
    cause = inner if isinstance(inner, OSError) else error
    text = cause.strerror if isinstance(cause, OSError) else None
    return f"{type(cause).__name__}: {text}" if text else type(cause).__name__


class _Deadline:
    """Shuts down the connections of a request when its time is over."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._sockets: list[socket.socket] = []
        self.is_over = False

    def watch(self, connected: socket.socket) -> None:
        with self._lock:
            self._sockets.append(connected.dup())
        if self.is_over:
            self.expire()

    def expire(self) -> None:
        self.is_over = True
        with self._lock:
            for one in self._sockets:
                try:
                    one.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue  # The provider has closed it.

    def release(self) -> None:
        with self._lock:
            for one in self._sockets:
                one.close()
            self._sockets.clear()


class _NoRedirect(HTTPRedirectHandler):
    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


class _PlainConnection(HTTPConnection):
    def __init__(self, *args: Any, deadline: _Deadline, **options: Any) -> None:
        super().__init__(*args, **options)
        self._deadline = deadline

    def connect(self) -> None:
        super().connect()
        self._deadline.watch(self.sock)


class _PlainHandler(HTTPHandler):
    def __init__(self, deadline: _Deadline) -> None:
        super().__init__()
        self._deadline = deadline

    def http_open(self, req: Request) -> Any:
        return self.do_open(partial(_PlainConnection, deadline=self._deadline), req)


class _TLSHandler(HTTPSHandler):
    def __init__(self, deadline: _Deadline) -> None:
        context = _WatchedContext(ssl.PROTOCOL_TLS_CLIENT)  # It verifies certificate and host.
        context.load_default_certs()
        context.deadline = deadline
        self._own_context = context
        super().__init__(context=context)

    def https_open(self, req: Request) -> Any:
        return self.do_open(HTTPSConnection, req, context=self._own_context)


class _WatchedContext(ssl.SSLContext):
    deadline: _Deadline

    def wrap_socket(self, sock: socket.socket, *args: Any, **options: Any) -> ssl.SSLSocket:
        self.deadline.watch(sock)
        return super().wrap_socket(sock, *args, **options)
