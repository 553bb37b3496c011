"""A WebSocket on a fake stream, read by another library's client."""

from sockgate_gateway.connections.connection import Connection
from sockgate_gateway.connections.states import State
from sockgate_gateway.websocket.transport import WebSocket, WebSocketContext
from sockgate_gateway.wire.closecodes import CloseCode
from websockets.client import ClientProtocol
from websockets.frames import Close, Frame
from websockets.frames import Opcode as TheirOpcode
from websockets.protocol import State as TheirState
from websockets.uri import parse_uri

HEARTBEAT_S = 25.0
LIMIT_BYTES = 1000


class FakeLifecycle:
    """Records the calls of a transport."""

    def __init__(self) -> None:
        self.received_texts: list[str] = []
        self.codes: list[int] = []
        self.is_flooded = False
        self.counted = 0

    def open(self, transport, address: str) -> Connection:
        return Connection("id", transport, address, 0)

    def allow_frames(self, connection: Connection) -> bool:
        self.counted += 1
        return not self.is_flooded

    def receive(self, connection: Connection, text: str) -> None:
        self.allow_frames(connection)
        if connection.state is not State.CLOSED:
            self.received_texts.append(text)

    def transport_closed(
        self, connection: Connection, code: int = 1006, cause: str = "", *, by_client: bool = False
    ) -> None:
        if connection.state is not State.CLOSED:
            connection.release()
            self.codes.append(code)

    def close(self, connection: Connection, code: CloseCode, cause: str = "") -> None:
        if connection.state is not State.CLOSED:
            transport = connection.transport
            self.transport_closed(connection, code)
            transport.close(code)


class FakeStream:
    """Records written data."""

    def __init__(self) -> None:
        self.written = b""
        self.is_closing = self.is_closed = self.has_discarded = self.has_unread = False

    def write(self, data: bytes, conflation_key: bytes | None = None) -> None:
        self.written += data

    def discard_unsent(self) -> None:
        self.has_discarded = True

    def close_when_flushed(self) -> None:
        self.is_closing = True

    def close(self) -> None:
        self.is_closed = True


class Browser:
    """A WebSocket, read by another library's client."""

    def __init__(self, clock, framing) -> None:
        self.lifecycle = FakeLifecycle()
        self.stream = FakeStream()
        context = WebSocketContext(
            lifecycle=self.lifecycle,
            wheel=clock.wheel,
            poller=None,
            heartbeat_s=HEARTBEAT_S,
            max_message_bytes=LIMIT_BYTES,
            max_outbox_bytes=10**6,
            take_over=lambda *_: None,
        )
        self.websocket = WebSocket(context, framing, "192.0.2.1")
        self.websocket.attach(self.stream, b"")
        self._theirs = ClientProtocol(parse_uri("ws://x/"), state=TheirState.OPEN)

    def send(self, text: str | bytes, opcode: TheirOpcode = TheirOpcode.TEXT) -> None:
        data = text.encode() if isinstance(text, str) else text
        self.websocket.on_data(Frame(opcode, data).serialize(mask=True))

    def frames(self) -> list[Frame]:
        """Return the frames since the last call."""
        self._theirs.receive_data(self.stream.written)
        self.stream.written = b""
        assert self._theirs.parser_exc is None
        return self._theirs.events_received()

    def texts(self) -> list[str]:
        return [f.data.decode() for f in self.frames() if f.opcode is TheirOpcode.TEXT]

    @property
    def close(self) -> Close | None:
        self.frames()
        return self._theirs.close_rcvd
