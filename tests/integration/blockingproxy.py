"""An HTTP proxy that lets no WebSocket through, as in some company networks."""

from base64 import b64encode
from contextlib import closing, suppress
from hashlib import sha1
from http.client import HTTPConnection, HTTPException, HTTPResponse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import SHUT_RDWR, create_connection, socket
from threading import Event, Thread, current_thread
from urllib.parse import urlsplit

from tests.ports import HOST

_OF_ONE_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length"}


class BlockingProxy:
    """Hold each response back until it is complete, and do one of these with a WebSocket handshake.

    - ``swallow``: answer nothing
    - ``refuse``: answer 403
    - ``mute``: answer 101, and let nothing through
    - ``pass``: let it and its bytes through

    Args:
        target: the port of the server behind it.
        upgrades: one of these; may change.
        streams: let each part of a response through at once.

    ``paths`` are those of all requests, in their order.
    """

    def __init__(self, target: int, upgrades: str = "swallow", *, streams: bool = False) -> None:
        self.paths: list[str] = []
        self.upgrades = upgrades
        self._streams = streams
        self._tunnels: list[socket] = []
        self._upstream: dict[HTTPConnection, Thread] = {}
        self._is_stopping = Event()
        self._server = ThreadingHTTPServer((HOST, 0), self._handler(target))
        self._server.daemon_threads = True
        self.port: int = self._server.server_address[1]
        Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        """End all requests and close the port."""
        self._is_stopping.set()
        for tunnel in self._tunnels:
            with suppress(OSError):
                tunnel.shutdown(SHUT_RDWR)
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
                    self.close_connection = True
                    {
                        "swallow": proxy._is_stopping.wait,
                        "refuse": lambda: self.send_error(403),
                        "mute": self._stay_mute,
                        "pass": self._pass,
                    }[proxy.upgrades]()
                else:
                    self._forward()

            do_POST = do_OPTIONS = do_GET  # noqa: N815 -- the base class calls these names

            def _stay_mute(self) -> None:
                key = self.headers["Sec-WebSocket-Key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
                accept = b64encode(sha1(key.encode()).digest()).decode()
                self.send_response_only(101)
                self.send_header("Upgrade", "websocket")
                self.send_header("Connection", "Upgrade")
                self.send_header("Sec-WebSocket-Accept", accept)
                self.end_headers()
                proxy._tunnels.append(self.connection)
                with suppress(OSError):
                    while self.connection.recv(65536):
                        pass

            def _pass(self) -> None:
                with suppress(OSError), create_connection((HOST, target)) as behind:
                    proxy._tunnels += [self.connection, behind]
                    head = [self.requestline, *(f"{k}: {v}" for k, v in self.headers.items())]
                    behind.sendall("".join(f"{line}\r\n" for line in [*head, ""]).encode())
                    back = Thread(target=_pump, args=(behind, self.connection))
                    back.start()
                    _pump(self.connection, behind)
                    back.join()

            def _forward(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                connection = HTTPConnection(HOST, target)
                proxy._upstream[connection] = current_thread()
                with closing(connection), suppress(OSError, HTTPException):
                    connection.request(self.command, self.path, body, dict(self.headers))
                    with connection.getresponse() as response:
                        if proxy._streams:
                            self._stream(response)
                        else:
                            body = response.read()
                            self._answer(response.status, response.getheaders(), body)
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

            def _stream(self, response: HTTPResponse) -> None:
                self.send_response(response.status)
                for name, value in response.getheaders():
                    if name.lower() not in _OF_ONE_HOP:
                        self.send_header(name, value)
                self.send_header("Connection", "close")
                self.end_headers()
                self.close_connection = True
                while part := response.read1(65536):
                    self.wfile.write(part)

        return Handler


def _pump(source: socket, target: socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(SHUT_RDWR)
