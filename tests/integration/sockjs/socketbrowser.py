"""A WebSocket as a browser speaks it, which may also fall silent, or die."""

import socket
import struct

from websockets.client import ClientProtocol
from websockets.frames import Close, Frame, Opcode
from websockets.uri import parse_uri


class SocketBrowser:
    """One open WebSocket.

    Args:
        port: of the server.
        path: of the endpoint.
        patience_s: how long a frame may take to come.
    """

    def __init__(self, port: int, path: str, patience_s: float) -> None:
        self._sock = socket.create_connection(("127.0.0.1", port), timeout=patience_s)
        self._protocol = ClientProtocol(parse_uri(f"ws://127.0.0.1:{port}{path}"))
        self._protocol.send_request(self._protocol.connect())
        self._flush()
        self._frames: list[Frame] = []
        while self._protocol.state.name == "CONNECTING":
            self._receive()
        assert self._protocol.handshake_exc is None

    def send(self, text: str) -> None:
        self._protocol.send_text(text.encode())
        self._flush()

    def next_frame(self) -> Frame:
        while not self._frames:
            self._receive()
        return self._frames.pop(0)

    def next_text(self) -> str:
        frame = self.next_frame()
        assert frame.opcode is Opcode.TEXT, frame
        return frame.data.decode()

    def next_close(self) -> Close:
        frame = self.next_frame()
        assert frame.opcode is Opcode.CLOSE, frame
        return Close.parse(frame.data)

    def die(self) -> None:
        """End without a word, as when the power fails; the server's kernel knows at once."""
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._sock.close()

    def close(self) -> None:
        self._sock.close()

    def _receive(self) -> None:
        try:
            data = self._sock.recv(65536)
        except TimeoutError as error:
            raise AssertionError("nothing came") from error
        assert data, "the server has ended"
        self._protocol.receive_data(data)
        self._frames += [e for e in self._protocol.events_received() if isinstance(e, Frame)]

    def _flush(self) -> None:
        for data in self._protocol.data_to_send():
            self._sock.sendall(data)
