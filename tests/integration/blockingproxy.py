"""An HTTP proxy that lets only complete responses through, as some company networks do."""

from contextlib import closing, suppress
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import SHUT_RDWR
from threading import Event, Thread, current_thread
from urllib.parse import urlsplit

from tests.ports import HOST

_OF_ONE_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length"}


class BlockingProxy:
    """Swallow WebSocket handshakes, and hold each response back until it is complete.

    Args:
        target: the port of the server behind it.

    ``paths`` are those of all requests, in their order.
    """

    def __init__(self, target: int) -> None:
        self.paths: list[str] = []
        self._upstream: dict[HTTPConnection, Thread] = {}
        self._is_stopping = Event()
        self._server = ThreadingHTTPServer((HOST, 0), self._handler(target))
        self._server.daemon_threads = True
        self.port: int = self._server.server_address[1]
        Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        """End all requests and close the port."""
        self._is_stopping.set()
        for connection, thread in list(self._upstream.items()):
            with suppress(OSError, AttributeError):
                connection.sock.shutdown(SHUT_RDWR)
            thread.join()
        self._server.shutdown()
        self._server.server_close()

    def _handler(self, target: int) -> type[BaseHTTPRequestHandler]:
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: object) -> None:
                """Log nothing."""

            def do_GET(self) -> None:
                proxy.paths.append(urlsplit(self.path).path)
                if "upgrade" in self.headers.get("Connection", "").lower():
                    proxy._is_stopping.wait()
                    self.close_connection = True
                else:
                    self._forward()

            do_POST = do_OPTIONS = do_GET  # noqa: N815 -- the base class calls these names

            def _forward(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                connection = HTTPConnection(HOST, target)
                proxy._upstream[connection] = current_thread()
                with closing(connection), suppress(OSError, HTTPException):
                    connection.request(self.command, self.path, body, dict(self.headers))
                    with connection.getresponse() as response:
                        self._answer(response.status, response.getheaders(), response.read())
                del proxy._upstream[connection]
                self.close_connection |= proxy._is_stopping.is_set()

            def _answer(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
                self.send_response(status)
                for name, value in headers:
                    if name.lower() not in _OF_ONE_HOP:
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        return Handler
