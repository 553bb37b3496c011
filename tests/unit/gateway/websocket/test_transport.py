"""A browser on a WebSocket, in both dialects, with a link and an endpoint of the test's making."""

import json

import pytest
from websockets.client import ClientProtocol
from websockets.frames import Close, Frame
from websockets.frames import Opcode as TheirOpcode
from websockets.protocol import State as TheirState
from websockets.uri import parse_uri

from gateway.batch import Batch
from gateway.connection import Connection, State
from gateway.errors import Refused
from gateway.websocket.transport import (
    CLOSE_TIMEOUT_S,
    RAW,
    SOCKJS,
    Surroundings,
    WebSocket,
)
from gateway.wire.closecodes import CloseCode

HEARTBEAT_S = 25.0
LIMIT_BYTES = 1000


class FakeEndpoint:
    """The endpoint as a transport sees it."""

    def __init__(self) -> None:
        self.received_texts: list[str] = []
        self.codes: list[int] = []
        self.is_flooded = False
        self.counted = 0

    def opened(self, transport, address: str) -> Connection:
        return Connection("id", transport, address, 0)

    def admits(self, connection: Connection) -> bool:
        self.counted += 1
        return not self.is_flooded

    def received(self, connection: Connection, text: str) -> None:
        self.admits(connection)
        if connection.state is not State.CLOSED:
            self.received_texts.append(text)

    def closed(self, connection: Connection, code: int = 1006) -> None:
        if connection.state is not State.CLOSED:
            connection.enter(State.CLOSED)
            self.codes.append(code)

    def close(self, connection: Connection, code: CloseCode, cause: str = "") -> None:
        if connection.state is not State.CLOSED:
            self.closed(connection, code)
            connection.transport.close(code)


class FakeLink:
    """A link that keeps what is written."""

    def __init__(self) -> None:
        self.written = b""
        self.is_ending = self.is_closed = self.has_forgotten = False

    def write(self, data: bytes, conflation_key: bytes | None = None) -> None:
        self.written += data

    def forget_backlog(self) -> None:
        self.has_forgotten = True

    def close_when_flushed(self) -> None:
        self.is_ending = True

    def close(self) -> None:
        self.is_closed = True


class Browser:
    """A WebSocket and what a browser's own implementation makes of what it sends."""

    def __init__(self, clock, dialect) -> None:
        self.endpoint = FakeEndpoint()
        self.link = FakeLink()
        self.websocket = WebSocket(
            Surroundings(self.endpoint, clock.wheel, None, HEARTBEAT_S, LIMIT_BYTES, 10**6),
            dialect,
            "192.0.2.1",
        )
        self.websocket.attach(self.link, b"")
        self._theirs = ClientProtocol(parse_uri("ws://x/"), state=TheirState.OPEN)

    def says(self, text: str | bytes, opcode: TheirOpcode = TheirOpcode.TEXT) -> None:
        data = text.encode() if isinstance(text, str) else text
        self.websocket.on_data(Frame(opcode, data).serialize(mask=True))

    def frames(self) -> list[Frame]:
        """Give what has arrived since last asked."""
        self._theirs.receive_data(self.link.written)
        self.link.written = b""
        assert self._theirs.parser_exc is None
        return self._theirs.events_received()

    def texts(self) -> list[str]:
        return [f.data.decode() for f in self.frames() if f.opcode is TheirOpcode.TEXT]

    @property
    def close(self) -> Close | None:
        self.frames()
        return self._theirs.close_rcvd


@pytest.fixture
def sockjs(clock):
    browser = Browser(clock, SOCKJS)
    assert browser.texts() == ["o"]
    return browser


@pytest.fixture
def raw(clock):
    return Browser(clock, RAW)


@pytest.fixture(params=["sockjs", "raw"])
def browser(request):
    return request.getfixturevalue(request.param)


def test_raw_websocket_begins_with_nothing(raw):
    assert raw.frames() == []


def test_batch_is_one_array_in_sockjs(sockjs):
    sockjs.websocket.send(Batch((b'{"a":1}', '"é"'.encode())))
    (text,) = sockjs.texts()
    assert json.loads(text.removeprefix("a")) == ['{"a":1}', '"é"']


def test_batch_is_a_message_for_each_frame_in_raw(raw):
    raw.websocket.send(Batch((b'{"a":1}', '"é"'.encode())))
    assert raw.texts() == ['{"a":1}', '"é"']


def test_batch_is_encoded_once_for_all_of_a_dialect(clock):
    batch, browsers = Batch((b"1",)), [Browser(clock, SOCKJS) for _ in range(2)]
    encodings = set()
    for browser in browsers:
        browser.link.write = lambda data, key: encodings.add(id(data))
        browser.websocket.send(batch)
    assert len(encodings) == 1


def test_sockjs_message_holds_several_frames(sockjs):
    sockjs.says('["one", "two"]')
    sockjs.says("[]")
    sockjs.says("")
    assert sockjs.endpoint.received_texts == ["one", "two"]


def test_raw_message_is_one_frame(raw):
    raw.says('["one", "two"]')
    raw.says("")
    assert raw.endpoint.received_texts == ['["one", "two"]']


@pytest.mark.parametrize(
    "text",
    ['"abc"', "5", "null", '{"a": 1}', "[5]", "[null]", '["a", 5]', '["\\ud800"]', "[", "[" * 900],
)
def test_sockjs_message_of_another_shape_is_a_breach(sockjs, text):
    sockjs.says(text)
    assert sockjs.endpoint.received_texts == []
    assert sockjs.endpoint.codes == [CloseCode.PROTOCOL_ERROR]


def test_binary_message_is_a_breach(browser):
    browser.says(b'["a"]', TheirOpcode.BINARY)
    assert browser.endpoint.codes == [CloseCode.PROTOCOL_ERROR]
    assert browser.close.code == CloseCode.PROTOCOL_ERROR


def test_invalid_utf8_is_refused_as_the_rfc_says(browser):
    browser.says(b'["\xff"]')
    assert browser.close.code == 1007
    assert browser.endpoint.codes == [1007]


def test_broken_frame_is_refused_as_the_rfc_says(browser):
    browser.websocket.on_data(b"\x81\x01a")
    assert browser.close.code == 1002
    assert browser.endpoint.codes == [1002]


def test_long_message_is_refused_with_our_code(browser):
    browser.says('["%s"]' % ("x" * LIMIT_BYTES))
    assert browser.endpoint.received_texts == []
    assert browser.close == Close(4502, "message too large")


def test_ping_is_answered(browser):
    browser.says(b"are you there", TheirOpcode.PING)
    (pong,) = browser.frames()
    assert (pong.opcode, pong.data) == (TheirOpcode.PONG, b"are you there")


def test_ping_too_many_is_not_answered(browser):
    browser.endpoint.is_flooded = True
    browser.says(b"are you there", TheirOpcode.PING)
    assert browser.frames() == []


@pytest.mark.parametrize(
    ("frames", "count"),
    [
        pytest.param([Frame(TheirOpcode.PING, b"")] * 3, 3, id="pings"),
        pytest.param([Frame(TheirOpcode.PONG, b"")] * 3, 3, id="pongs"),
        pytest.param([Frame(TheirOpcode.TEXT, b"")] * 3, 3, id="empty texts"),
        pytest.param([Frame(TheirOpcode.TEXT, b"[]")] * 3, 3, id="empty arrays, or short frames"),
        pytest.param(
            [
                Frame(TheirOpcode.TEXT, b"[", fin=False),
                *[Frame(TheirOpcode.CONT, b"", fin=False)] * 5,
                Frame(TheirOpcode.CONT, b"]"),
            ],
            7,
            id="fragments",
        ),
    ],
)
def test_every_frame_is_counted(browser, frames, count):
    browser.websocket.on_data(b"".join(frame.serialize(mask=True) for frame in frames))
    assert browser.endpoint.counted == count


def test_every_message_in_an_array_is_counted(sockjs):
    sockjs.says('["a", "b", "c"]')
    assert sockjs.endpoint.counted == 3


def test_sockjs_says_farewell_before_the_close_frame(sockjs):
    sockjs.websocket.close(CloseCode.SESSION_ENDED)
    assert sockjs.texts() == ['c[4500,"session ended"]']
    assert sockjs.close == Close(4500, "session ended")
    assert sockjs.link.is_ending


def test_raw_says_code_and_reason_in_the_close_frame(raw):
    raw.websocket.close(CloseCode.SESSION_ENDED)
    (frame,) = raw.frames()
    assert Close.parse(frame.data) == Close(4500, "session ended")


def test_websocket_closes_once(browser):
    browser.websocket.close(CloseCode.DRAIN)
    browser.websocket.close(CloseCode.SESSION_ENDED)
    browser.websocket.send(Batch((b"too late",)))
    assert browser.close.code == CloseCode.DRAIN
    assert not browser.link.is_closed


def test_nothing_is_received_after_closing(browser):
    browser.websocket.close(CloseCode.DRAIN)
    browser.says('["a"]')
    browser.says(b"", TheirOpcode.PING)
    assert browser.endpoint.received_texts == []


def test_browser_that_runs_on_after_closing_is_not_read_to_the_end(browser):
    browser.websocket.close(CloseCode.FLOOD)
    for _ in range(2):
        browser.says("x" * (LIMIT_BYTES - 50))
    assert not browser.link.is_closed
    browser.says("x" * 100)
    assert browser.link.is_closed
    assert browser.endpoint.received_texts == []


def test_nothing_is_received_after_a_frame_that_closed(sockjs):
    sockjs.websocket.on_data(
        Frame(TheirOpcode.BINARY, b"x").serialize(mask=True)
        + Frame(TheirOpcode.TEXT, b'["a"]').serialize(mask=True)
    )
    assert sockjs.endpoint.received_texts == []
    assert sockjs.endpoint.codes == [CloseCode.PROTOCOL_ERROR]


def test_link_is_let_go_when_the_browser_answers_the_close(browser):
    browser.websocket.close(CloseCode.DRAIN)
    browser.says(Close(3001, "").serialize(), TheirOpcode.CLOSE)
    assert browser.link.is_closed


def test_link_is_let_go_when_the_browser_does_not_answer(browser, clock):
    browser.websocket.close(CloseCode.DRAIN)
    clock.advance(CLOSE_TIMEOUT_S + 1)
    assert browser.link.is_closed


def test_heartbeat_does_not_cut_a_close_short(browser, clock):
    clock.advance(HEARTBEAT_S)
    browser.websocket.close(CloseCode.DRAIN)
    clock.advance(CLOSE_TIMEOUT_S - 0.5)
    assert not browser.link.is_closed


@pytest.mark.parametrize(("close", "code"), [(Close(1000, "bye"), 1000), (Close(3999, ""), 3999)])
def test_close_of_the_browser_is_answered_alike(browser, close, code):
    browser.says(close.serialize(), TheirOpcode.CLOSE)
    assert browser.close.code == code
    assert browser.endpoint.codes == [code]
    assert browser.link.is_ending


def test_close_without_a_code_is_answered_alike(browser):
    browser.says(b"", TheirOpcode.CLOSE)
    assert browser.close.code == 1005
    assert browser.endpoint.codes == [1005]


def test_bad_close_is_refused(browser):
    browser.says((1005).to_bytes(2), TheirOpcode.CLOSE)
    assert browser.close.code == 1002


def test_heartbeat_is_a_frame_in_sockjs_and_a_ping_in_both(clock):
    for dialect, texts in ((SOCKJS, ["o", "h"]), (RAW, [])):
        browser = Browser(clock, dialect)
        clock.advance(HEARTBEAT_S + 1)
        frames = browser.frames()
        assert [f.data.decode() for f in frames if f.opcode is TheirOpcode.TEXT] == texts
        assert frames[-1].opcode is TheirOpcode.PING


def test_browser_that_answers_pings_stays(browser, clock):
    for _ in range(10):
        clock.advance(HEARTBEAT_S)
        browser.says(b"", TheirOpcode.PONG)
    assert browser.endpoint.codes == []


def test_dead_browser_is_found(browser, clock):
    clock.advance(2 * HEARTBEAT_S + 2)
    assert browser.endpoint.codes == [CloseCode.HEARTBEAT_TIMEOUT]
    assert browser.close.code == CloseCode.HEARTBEAT_TIMEOUT
    clock.advance(CLOSE_TIMEOUT_S + 1)
    assert browser.link.is_closed


def test_browser_that_is_gone_is_forgotten(browser, clock):
    browser.websocket.on_gone()
    assert browser.endpoint.codes == [1006]
    browser.frames()
    browser.websocket.send(Batch((b"into the void",)))
    clock.advance(3 * HEARTBEAT_S)
    assert browser.link.written == b""


def test_stalled_browser_is_told_why_should_it_read_on(browser):
    browser.websocket.on_stalled(Refused(CloseCode.SLOW_CONSUMER, "unread"))
    browser.websocket.on_stalled(Refused(CloseCode.SLOW_CONSUMER, "unread"))
    assert browser.link.has_forgotten
    assert browser.endpoint.codes == [CloseCode.SLOW_CONSUMER]
    assert browser.close == Close(3004, "messages were not read in time")
