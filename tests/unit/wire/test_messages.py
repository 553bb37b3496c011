"""Frames and publications: what browsers and publishers may send, and what leaves as a frame."""

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.wire import messages
from gateway.wire.errors import FrameError, PayloadError
from gateway.wire.messages import Publication

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
epochs = st.from_regex(r"[A-Za-z0-9]{1,16}", fullmatch=True)
offsets = st.integers(1, 2**63)


def strict_json(text):
    """Read JSON as a browser does: without NaN and Infinity."""
    return json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))


@given(st.text() | json_values.map(json.dumps))
@example("[" * 100_000)
@example('{"type":"connect","token":"\\ud800"}')
@example("\ud800")
def test_hostile_frame_is_a_frame_or_a_frame_error(text):
    try:
        frame = messages.read_client_frame(text)
    except FrameError as error:
        assert len(str(error)) <= 200
    else:
        assert isinstance(frame, messages.ClientFrame)


@given(
    st.fixed_dictionaries(
        {"type": st.sampled_from(["connect", "subscribe", "refresh", "ping"])},
        optional=dict.fromkeys(("token", "channel", "grant", "recover", "id", "more"), json_values),
    )
)
def test_frame_with_any_fields_is_a_frame_or_a_frame_error(fields):
    try:
        frame = messages.read_client_frame(json.dumps(fields))
    except FrameError:
        return
    assert type(frame).__name__.lower() == fields["type"]


@given(st.binary() | st.text().map(lambda text: text.encode(errors="replace")))
@example(b"[" * 100_000)
@example(b'#k3:1#"\xff"')
def test_publication_is_json_for_a_browser_or_a_payload_error(raw):
    try:
        publication = messages.read_publication(raw)
    except PayloadError:
        with pytest.raises(UnicodeDecodeError):
            raw.decode()
    else:
        strict_json(publication.payload)


@given(json_values)
def test_json_passes_through_a_channel_unchanged(value):
    publication = messages.read_publication(json.dumps(value).encode())
    assert publication == Publication(json.dumps(value).encode())


@given(st.text(st.characters(codec="utf-8")).filter(lambda text: not is_json(text)))
def test_text_that_is_no_json_becomes_a_json_string(text):
    raw = text.encode()
    if messages.read_publication(raw).offset == 0:
        assert json.loads(messages.read_publication(raw).payload) == text


def is_json(text):
    try:
        json.loads(text, parse_constant=float.fromhex)
    except ValueError:
        return False
    return True


@given(json_values, epochs, offsets)
def test_sequenced_publication_survives_the_way(value, epoch, offset):
    publication = Publication(json.dumps(value).encode(), epoch, offset)
    assert messages.read_publication(messages.write_publication(publication)) == publication


def test_plain_publication_is_written_as_it_is():
    assert messages.write_publication(Publication(b'{"a":1}')) == b'{"a":1}'


@given(json_values, st.none() | offsets)
def test_publication_frame_carries_channel_data_and_offset(value, offset):
    publication = Publication(json.dumps(value).encode(), "k3" if offset else "", offset or 0)
    frame = messages.publication_frame(messages.publication_head("user:7"), publication)
    at = {} if not offset else {"epoch": "k3", "offset": 1} if offset == 1 else {"offset": offset}
    assert strict_json(frame) == {"channel": "user:7", "data": value, **at}


@pytest.mark.parametrize("reply_to", [0, "", 7, "s1"])
def test_answer_names_the_frame_that_it_answers(reply_to):
    answers = (
        messages.error("code", "message", reply_to),
        messages.subscribed("room:7", reply_to),
        messages.unsubscribed("room:7", reply_to),
        messages.refreshed("7", None, reply_to),
        messages.pong(reply_to),
    )
    assert [json.loads(answer)["reply_to"] for answer in answers] == [reply_to] * len(answers)


@given(st.text(st.characters(codec="utf-8")), st.text(st.characters(codec="utf-8")))
def test_error_frame_quotes_whatever_it_says(code, message):
    frame = json.loads(messages.error(code, message))
    assert frame == {"type": "error", "code": code, "message": message}
