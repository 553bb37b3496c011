"""Frames: what browsers may send, and what the gateway answers."""

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sockgate_gateway.wire import contract, protocol
from sockgate_gateway.wire.errors import FrameError

from tests.unit.wire.json_values import json_values


@given(st.text() | json_values.map(json.dumps))
@example("[" * 100_000)
@example('{"type":"connect","token":"\\ud800"}')
@example("\ud800")
def test_hostile_frame_is_a_frame_or_a_frame_error(text):
    try:
        frame = protocol.read_client_frame(text)
    except FrameError as error:
        assert len(str(error)) <= 200
    else:
        assert isinstance(frame, contract.ClientFrame)


@given(
    st.fixed_dictionaries(
        {"type": st.sampled_from(["connect", "subscribe", "refresh", "ping"])},
        optional=dict.fromkeys(("token", "channel", "grant", "recover", "id", "more"), json_values),
    )
)
def test_frame_with_any_fields_is_a_frame_or_a_frame_error(fields):
    try:
        frame = protocol.read_client_frame(json.dumps(fields))
    except FrameError:
        return
    assert type(frame).__name__.lower() == fields["type"]


@pytest.mark.parametrize("reply_to", [0, "", 7, "s1"])
def test_reply_names_its_request(reply_to):
    answers = (
        contract.Rejection("code", "message", reply_to),
        contract.Subscribed("room:7", reply_to=reply_to),
        contract.Unsubscribed("room:7", reply_to=reply_to),
        contract.Refreshed("7", None, reply_to=reply_to),
        contract.Pong(reply_to),
    )
    for answer in answers:
        assert json.loads(protocol.write(answer))["reply_to"] == reply_to


@given(st.text(st.characters(codec="utf-8")), st.text(st.characters(codec="utf-8")))
def test_error_frame_quotes_any_text(code, message):
    frame = json.loads(protocol.write(contract.Rejection(code, message)))
    assert frame == {"type": "error", "code": code, "message": message}
