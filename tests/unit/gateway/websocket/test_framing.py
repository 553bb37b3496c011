"""SockJS and raw framing: batches, messages, open frame, heartbeat and close frame."""

import json

import pytest
from sockgate_gateway.connections.batch import Batch
from sockgate_gateway.websocket.framing import RAW, SOCKJS
from sockgate_gateway.wire.closecodes import CloseCode
from websockets.frames import Close
from websockets.frames import Opcode as TheirOpcode

from tests.unit.gateway.websocket.browser import HEARTBEAT_S, Browser


def test_raw_websocket_has_no_open_frame(raw):
    assert raw.frames() == []


def test_batch_is_one_array_in_sockjs(sockjs):
    sockjs.websocket.send(Batch((b'{"a":1}', '"é"'.encode())))
    (text,) = sockjs.texts()
    assert json.loads(text.removeprefix("a")) == ['{"a":1}', '"é"']


def test_batch_is_a_message_for_each_frame_in_raw(raw):
    raw.websocket.send(Batch((b'{"a":1}', '"é"'.encode())))
    assert raw.texts() == ['{"a":1}', '"é"']


def test_batch_is_encoded_once_for_each_framing(clock):
    batch, browsers = Batch((b"1",)), [Browser(clock, SOCKJS) for _ in range(2)]
    encodings = set()
    for browser in browsers:
        browser.stream.write = lambda data, key: encodings.add(id(data))
        browser.websocket.send(batch)
    assert len(encodings) == 1


def test_sockjs_message_holds_several_frames(sockjs):
    sockjs.send('["one", "two"]')
    sockjs.send("[]")
    sockjs.send("")
    assert sockjs.lifecycle.received_texts == ["one", "two"]


def test_raw_message_is_one_frame(raw):
    raw.send('["one", "two"]')
    raw.send("")
    assert raw.lifecycle.received_texts == ['["one", "two"]']


@pytest.mark.parametrize(
    "text",
    ['"abc"', "5", "null", '{"a": 1}', "[5]", "[null]", '["a", 5]', '["\\ud800"]', "[", "[" * 900],
)
def test_sockjs_message_of_another_shape_is_a_protocol_error(sockjs, text):
    sockjs.send(text)
    assert sockjs.lifecycle.received_texts == []
    assert sockjs.lifecycle.codes == [CloseCode.PROTOCOL_ERROR]


def test_sockjs_close_frame_precedes_the_websocket_close_frame(sockjs):
    sockjs.websocket.close(CloseCode.SESSION_ENDED)
    assert sockjs.texts() == ['c[4500,"session ended"]']
    assert sockjs.close == Close(4500, "session ended")
    assert sockjs.stream.is_closing


def test_raw_close_frame_has_code_and_reason(raw):
    raw.websocket.close(CloseCode.SESSION_ENDED)
    (frame,) = raw.frames()
    assert Close.parse(frame.data) == Close(4500, "session ended")


def test_heartbeat_is_a_frame_in_sockjs_and_a_ping_in_both(clock):
    for framing, texts in ((SOCKJS, ["o", "h"]), (RAW, [])):
        browser = Browser(clock, framing)
        clock.advance(HEARTBEAT_S + 1)
        frames = browser.frames()
        assert [f.data.decode() for f in frames if f.opcode is TheirOpcode.TEXT] == texts
        assert frames[-1].opcode is TheirOpcode.PING
