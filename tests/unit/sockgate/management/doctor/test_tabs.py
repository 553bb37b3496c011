import pytest
from sockgate.management.doctor.report import StepFailed
from sockgate.management.doctor.tabs import StreamingTab
from sockgate.management.doctor.websocket_tab import WebSocketTab

from .hostile import hostile_server, response, sending

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
        with pytest.raises(StepFailed, match="is no gateway"):
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
