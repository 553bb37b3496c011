"""What sockjs-tornado 1.0.7 gets wrong over WebSocket, and we must not.

As in ``test_defects.py``, each test runs on our server and on the plain library, where it must
fail.
"""

from itertools import count

import pytest
from sockgate_gateway.wire.closecodes import CloseCode
from websockets.frames import Close, Opcode

from tests.integration.sockjs.service import PREFIX, Service
from tests.integration.sockjs.socketbrowser import SocketBrowser

SOCKJS, RAW = "SockJS", "raw"
_ids = count()


class Farewell(int):
    """A close code with a reason that needs care."""

    reason = 'said "adé"'


@pytest.fixture
def open_browser():
    """Open a WebSocket of either kind on a service, up to where messages may flow."""
    opened: list[SocketBrowser] = []

    def open_browser(service: Service, kind: str = SOCKJS) -> SocketBrowser:
        path = "/websocket" if kind == RAW else f"/000/socket{next(_ids)}/websocket"
        browser = SocketBrowser(service.browser.port, PREFIX + path, service.patience_s)
        opened.append(browser)
        if kind == SOCKJS:
            assert browser.next_text() == "o"
        return browser

    yield open_browser
    for browser in opened:
        browser.close()


@pytest.fixture(params=[SOCKJS, RAW])
def kind(request) -> str:
    return request.param


class TestBroadcast:
    """Defect 7."""

    def test_dead_browser_does_not_keep_others_from_a_broadcast(
        self, serve_either, open_browser, kind
    ):
        service = serve_either()
        dead, *alive = [open_browser(service, kind) for _ in range(3)]
        service.broadcast("one", "two", after=dead.die)
        for browser in alive:
            received = browser.next_text() + browser.next_text()
            assert received in ("onetwo", 'a["one"]a["two"]')


class TestHeartbeat:
    """Defect 9."""

    def test_browser_receives_a_ping(self, serve_either, open_browser, kind):
        service = serve_either(heartbeat=0.1)
        browser = open_browser(service, kind)
        service.advance(1)
        frames = [browser.next_frame()] if kind == RAW else [browser.next_frame() for _ in "hp"]
        assert frames[-1].opcode is Opcode.PING

    def test_browser_without_a_pong_is_closed(self, serve_either, open_browser, kind):
        service = serve_either(heartbeat=0.1)
        open_browser(service, kind)
        for _ in range(5):  # So late a worker lets a browser answer three pings.
            service.advance(1)
        service.until(lambda: service.closed == [CloseCode.HEARTBEAT_TIMEOUT])


class TestIncoming:
    """Defect 11."""

    @pytest.mark.parametrize(
        "payload", ['"abc"', "5", "null", '{"a": 1}', "[5]", "[null]", '["\\ud800"]']
    )
    def test_message_that_is_no_array_of_strings_closes(self, serve_either, open_browser, payload):
        service = serve_either()
        browser = open_browser(service)
        browser.send(payload)
        service.until(lambda: service.closed or service.received)
        assert service.received == []
        assert service.closed == [CloseCode.PROTOCOL_ERROR]

    @pytest.mark.parametrize("payload", ['["a', "{}"])
    def test_broken_framing_is_answered_by_the_close_alone(self, serve, open_browser, payload):
        """SockJS protocol, WebsocketHttpErrors.test_broken_json: no frame comes first."""
        browser = open_browser(serve())
        browser.send(payload)
        assert browser.next_frame().opcode is Opcode.CLOSE


class TestFarewell:
    """Defect 16."""

    def test_close_frame_carries_code_and_reason(self, serve_either, open_browser, kind):
        service = serve_either()
        browser = open_browser(service, kind)
        service.end_newest()
        if kind == SOCKJS:
            assert browser.next_text() == 'c[3000,"going away"]'
        assert browser.next_close() == Close(3000, "going away")

    def test_reason_is_json_and_utf8(self, serve_either, open_browser):
        service = serve_either()
        browser = open_browser(service)
        service.end_newest(Farewell(3000))
        assert browser.next_text() in ('c[3000,"said \\"adé\\""]', 'c[3000,"said \\"ad\\u00e9\\""]')
        assert browser.next_close() == Close(3000, Farewell.reason)
