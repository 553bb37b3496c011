"""The WebSocket transport in both framings, with a fake stream and a fake lifecycle."""

import pytest
from sockgate_gateway.connections.batch import Batch
from sockgate_gateway.errors import Disconnect
from sockgate_gateway.websocket.transport import CLOSE_TIMEOUT_S, LATE_AGAIN_S, MOST_PINGS
from sockgate_gateway.wire.closecodes import CloseCode
from websockets.frames import Close, Frame
from websockets.frames import Opcode as TheirOpcode

from tests.unit.gateway.websocket.browser import HEARTBEAT_S, LIMIT_BYTES


def test_binary_message_is_a_protocol_error(browser):
    browser.send(b'["a"]', TheirOpcode.BINARY)
    assert browser.lifecycle.codes == [CloseCode.PROTOCOL_ERROR]
    assert browser.close.code == CloseCode.PROTOCOL_ERROR


def test_invalid_utf8_closes_with_the_code_of_the_rfc(browser):
    browser.send(b'["\xff"]')
    assert browser.close.code == 1007
    assert browser.lifecycle.codes == [1007]


def test_invalid_frame_closes_with_the_code_of_the_rfc(browser):
    browser.websocket.on_data(b"\x81\x01a")
    assert browser.close.code == 1002
    assert browser.lifecycle.codes == [1002]


def test_long_message_closes_with_our_code(browser):
    browser.send('["%s"]' % ("x" * LIMIT_BYTES))
    assert browser.lifecycle.received_texts == []
    assert browser.close == Close(4502, "message too large")


def test_ping_is_answered(browser):
    browser.send(b"are you there", TheirOpcode.PING)
    (pong,) = browser.frames()
    assert (pong.opcode, pong.data) == (TheirOpcode.PONG, b"are you there")


def test_ping_above_the_rate_limit_is_not_answered(browser):
    browser.lifecycle.is_flooded = True
    browser.send(b"are you there", TheirOpcode.PING)
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
    assert browser.lifecycle.counted == count


def test_every_message_in_an_array_is_counted(sockjs):
    sockjs.send('["a", "b", "c"]')
    assert sockjs.lifecycle.counted == 3


def test_websocket_closes_once(browser):
    browser.websocket.close(CloseCode.DRAIN)
    browser.websocket.close(CloseCode.SESSION_ENDED)
    browser.websocket.send(Batch((b"too late",)))
    assert browser.close.code == CloseCode.DRAIN
    assert not browser.stream.is_closed


def test_messages_after_closing_are_ignored(browser):
    browser.websocket.close(CloseCode.DRAIN)
    browser.send('["a"]')
    browser.send(b"", TheirOpcode.PING)
    assert browser.lifecycle.received_texts == []


def test_browser_that_sends_on_after_closing_is_disconnected(browser):
    browser.websocket.close(CloseCode.FLOOD)
    for _ in range(2):
        browser.send("x" * (LIMIT_BYTES - 50))
    assert not browser.stream.is_closed
    browser.send("x" * 100)
    assert browser.stream.is_closed
    assert browser.lifecycle.received_texts == []


def test_messages_after_a_frame_that_closed_are_ignored(sockjs):
    sockjs.websocket.on_data(
        Frame(TheirOpcode.BINARY, b"x").serialize(mask=True)
        + Frame(TheirOpcode.TEXT, b'["a"]').serialize(mask=True)
    )
    assert sockjs.lifecycle.received_texts == []
    assert sockjs.lifecycle.codes == [CloseCode.PROTOCOL_ERROR]


def test_stream_is_closed_when_the_browser_answers_the_close(browser):
    browser.websocket.close(CloseCode.DRAIN)
    browser.send(Close(3001, "").serialize(), TheirOpcode.CLOSE)
    assert browser.stream.is_closed


def test_stream_is_closed_when_the_browser_does_not_answer(browser, clock):
    browser.websocket.close(CloseCode.DRAIN)
    clock.advance(CLOSE_TIMEOUT_S + 1)
    assert browser.stream.is_closed


def test_heartbeat_timer_does_not_end_the_closing_handshake_early(browser, clock):
    clock.advance(HEARTBEAT_S)
    browser.websocket.close(CloseCode.DRAIN)
    clock.advance(CLOSE_TIMEOUT_S - 0.5)
    assert not browser.stream.is_closed


@pytest.mark.parametrize(("close", "code"), [(Close(1000, "bye"), 1000), (Close(3999, ""), 3999)])
def test_close_of_the_browser_is_echoed(browser, close, code):
    browser.send(close.serialize(), TheirOpcode.CLOSE)
    assert browser.close.code == code
    assert browser.lifecycle.codes == [code]
    assert browser.stream.is_closing


def test_close_without_a_code_is_echoed(browser):
    browser.send(b"", TheirOpcode.CLOSE)
    assert browser.close.code == 1005
    assert browser.lifecycle.codes == [1005]


def test_invalid_close_is_a_protocol_error(browser):
    browser.send((1005).to_bytes(2), TheirOpcode.CLOSE)
    assert browser.close.code == 1002


def test_browser_that_answers_pings_stays_connected(browser, clock):
    for _ in range(10):
        clock.advance(HEARTBEAT_S)
        browser.send(b"", TheirOpcode.PONG)
    assert browser.lifecycle.codes == []


def test_silent_browser_is_closed(browser, clock):
    clock.advance(2 * HEARTBEAT_S + 2)
    assert browser.lifecycle.codes == [CloseCode.HEARTBEAT_TIMEOUT]
    assert browser.close.code == CloseCode.HEARTBEAT_TIMEOUT
    clock.advance(CLOSE_TIMEOUT_S + 1)
    assert browser.stream.is_closed


def test_browser_whose_answer_nobody_has_read_stays_connected(browser, clock):
    """After a hang, timers run before all sockets are read."""
    clock.advance(HEARTBEAT_S + 1)
    browser.stream.has_unread = True
    clock.hang(2 * HEARTBEAT_S)
    clock.advance(10 * LATE_AGAIN_S)
    assert browser.lifecycle.codes == []
    browser.stream.has_unread = False
    clock.advance(2 * LATE_AGAIN_S)
    assert browser.lifecycle.codes == [CloseCode.HEARTBEAT_TIMEOUT]


def test_late_worker_lets_a_browser_answer_once_more(browser, clock):
    clock.advance(HEARTBEAT_S + 1)
    clock.hang(2 * HEARTBEAT_S)
    assert [frame.opcode for frame in browser.frames()].count(TheirOpcode.PING) == 2
    browser.send(b"", TheirOpcode.PONG)
    clock.advance(HEARTBEAT_S + 1)
    assert browser.lifecycle.codes == []


def test_silent_browser_is_closed_although_the_worker_is_always_late(browser, clock):
    for _ in range(MOST_PINGS):
        clock.hang(HEARTBEAT_S + 1)
        assert browser.lifecycle.codes == []
    clock.hang(HEARTBEAT_S + 1)
    assert browser.lifecycle.codes == [CloseCode.HEARTBEAT_TIMEOUT]


def test_disconnected_browser_gets_no_more_frames(browser, clock):
    browser.websocket.on_disconnect()
    assert browser.lifecycle.codes == [1006]
    browser.frames()
    browser.websocket.send(Batch((b"into the void",)))
    clock.advance(3 * HEARTBEAT_S)
    assert browser.stream.written == b""


def test_slow_consumer_receives_the_close_code_if_it_reads_again(browser):
    browser.websocket.on_outbox_full(Disconnect(CloseCode.SLOW_CONSUMER, "unread"))
    browser.websocket.on_outbox_full(Disconnect(CloseCode.SLOW_CONSUMER, "unread"))
    assert browser.stream.has_discarded
    assert browser.lifecycle.codes == [CloseCode.SLOW_CONSUMER]
    assert browser.close == Close(3004, "messages were not read in time")
