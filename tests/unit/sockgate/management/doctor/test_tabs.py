import socket

import pytest
from sockgate.management.doctor import websocket_tab
from sockgate.management.doctor.report import StepFailed
from sockgate.management.doctor.tabs import StreamingTab
from sockgate.management.doctor.websocket_tab import WebSocketTab

from .hostile import Answer, dripping, hostile_server, response, sending

ORIGIN = "http://testserver"
PATIENT_S = 60.0
SENT = response(b"", "204 No Content")


@pytest.mark.parametrize(
    "frame",
    [b"a[" * 1000, b"a[1]", b'a["[]"]', b'a["{"]', b"c[]", b'c["4500","bye"]', b"c\x9b\xff"],
)
def test_frame_that_is_none_of_a_gateway_is_a_failed_step(frame: bytes) -> None:
    with hostile_server(sending(response(b"o\n" + frame + b"\n")), sending(SENT)) as url:
        tab = StreamingTab(url, ORIGIN, PATIENT_S)
        with pytest.raises(StepFailed, match="is not a gateway"):
            tab.connect("token")
        tab.close()


@pytest.mark.parametrize("channels", ["[1]", "7", "null"])
def test_welcome_with_odd_channels_is_read(channels: str) -> None:
    welcome = f'o\na["{{\\"type\\":\\"connected\\",\\"channels\\":{channels}}}"]\n'.encode()
    with hostile_server(sending(response(welcome)), sending(SENT)) as url:
        tab = StreamingTab(url, ORIGIN, PATIENT_S)
        assert tab.connect("token") == "channels "
        tab.close()


def test_websocket_follows_no_redirect() -> None:
    visits: list[object] = []
    with hostile_server(visits.append) as elsewhere:
        redirect = f"HTTP/1.1 302 Found\r\nLocation: ws{elsewhere[4:]}/\r\n\r\n".encode()
        with hostile_server(sending(redirect)) as url:
            tab = WebSocketTab(url, ORIGIN, PATIENT_S)
            with pytest.raises(StepFailed, match="No WebSocket can be opened"):
                tab.open()
            tab.close()
    assert visits == []


ACCEPTED = b"HTTP/1.1 101 Switching\r\nSec-WebSocket-Accept: ICX+Yqv66kxgM0FcWaLWlFLwTAI=\r\n\r\n"


@pytest.fixture
def known_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every key is 16 zeros, and ``ACCEPTED`` answers it."""
    monkeypatch.setattr(websocket_tab, "urandom", bytes)


def speaking(data: bytes) -> Answer:
    """Send this, and read on until the client goes away."""

    def speak(connection: socket.socket) -> None:
        connection.sendall(data)
        while connection.recv(65_536):
            pass

    return speak


def text(content: bytes, first: int = 0x81) -> bytes:
    size = len(content)
    return (
        bytes((first,))
        + (bytes((size,)) if size < 126 else b"\x7e" + size.to_bytes(2, "big"))
        + content
    )


@pytest.mark.usefixtures("known_key")
@pytest.mark.parametrize(
    "frames",
    [
        text(b"o"),
        text(b"", 0x89) + text(b"", 0x8A) + text(b"o"),  # A ping, a pong.
        text(b"", 0x01) + text(b"ping", 0x89) + text(b"o", 0x80),  # In two fragments.
    ],
)
def test_websocket_reads_messages_between_control_frames(frames: bytes) -> None:
    long = b'a["{\\"type\\":\\"connected\\",\\"x\\":\\"' + b"x" * 500 + b'\\"}"]'
    with hostile_server(speaking(ACCEPTED + frames + text(long))) as url:
        tab = WebSocketTab(url, ORIGIN, PATIENT_S)
        assert tab.connect("token") == "channels "
        tab.close()


@pytest.mark.usefixtures("known_key")
@pytest.mark.parametrize(
    "frames", [b"", b"\x88\x00", b"\x81", b"\x81\x05o", b"\x81\x81abcdo", b"\x81\x7f" + b"\xff" * 8]
)
def test_websocket_that_breaks_off_or_breaks_the_protocol_fails_the_step(frames: bytes) -> None:
    with hostile_server(sending(ACCEPTED + frames)) as url:
        tab = WebSocketTab(url, ORIGIN, PATIENT_S)
        with pytest.raises(StepFailed):
            tab.connect("token")
        tab.close()


@pytest.mark.parametrize(
    "answer",
    [b"", b"SSH-2.0\r\n\r\n", b"HTTP/1.1 abc\r\n\r\n", b"HTTP/1.1 101 x\r\n\r\n", ACCEPTED],
)
def test_what_is_no_websocket_fails_the_step(answer: bytes) -> None:
    with hostile_server(sending(answer)) as url:
        tab = WebSocketTab(url, ORIGIN, PATIENT_S)
        with pytest.raises(StepFailed, match="No WebSocket can be opened"):
            tab.open()
        tab.close()


@pytest.mark.usefixtures("known_key")
def test_websocket_that_drips_ends_in_time() -> None:
    with hostile_server(dripping(ACCEPTED + b"\x81\x7e\x40\x00")) as url:
        tab = WebSocketTab(url, ORIGIN, 0.3)
        with pytest.raises(StepFailed, match="Nothing has arrived over websocket"):
            tab.connect("token")
        tab.close()
