import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sockgate_gateway.wire.contract import Publish, SetPresence
from sockgate_gateway.wire.errors import FrameError
from sockgate_gateway.wire.protocol import read_client_frame
from sockgate_gateway.wire.publication import read_publication
from sockgate_gateway.wire.surrogates import replace_lone_surrogates

texts = st.text(st.characters() | st.sampled_from("\ud800\udbff\udc00\udfff\\u"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (r"\ud800", r"\ufffd"),
        (r"\uDFFF", r"\ufffd"),
        (r"\ud83d\ude00", r"\ud83d\ude00"),
        (r"\ude00\ud83d", r"\ufffd\ufffd"),
        (r"\ud800\ud83d\ude00", r"\ufffd\ud83d\ude00"),
        (r"\\ud800", r"\\ud800"),
        (r"\\\ud800", r"\\\ufffd"),
        (r"\ud80", r"\ud80"),
    ],
)
def test_only_halves_are_replaced(text, expected):
    assert replace_lone_surrogates(text) == expected


@given(texts)
def test_publication_with_any_text_stays_as_it_is(text):
    raw = json.dumps({"event": "said", "data": text}).encode()
    assert read_publication(raw).payload == raw


@given(texts)
def test_client_publishes_any_text(text):
    frame = {"type": "publish", "channel": "a", "event": "client-said", "data": {"said": text}}
    read = read_client_frame(json.dumps(frame))
    assert isinstance(read, Publish)
    assert bytes(read.data).decode() == json.dumps(frame["data"])


@pytest.mark.parametrize(
    "changed",
    [
        {"channel": "\ud800"},
        {"event": "\ud800"},
        {"id": "\ud800"},
        {"more": "\ud800"},
        {"type": "refresh", "token": "\ud800"},
    ],
)
def test_no_other_field_may_hold_half_a_pair(changed):
    frame = {"type": "publish", "channel": "a", "event": "client-said", "data": "\ud800"}
    with pytest.raises(FrameError):
        read_client_frame(json.dumps({**frame, **changed}))


@given(texts)
def test_page_shows_any_text_without_halves(text):
    frame = {"type": "set_presence", "channel": "a", "data": {"x": text}}
    read = read_client_frame(json.dumps(frame))
    assert isinstance(read, SetPresence)
    json.loads(bytes(read.data))["x"].encode()


def test_only_the_data_of_a_page_may_hold_half_a_pair():
    frame = {"type": "set_presence", "channel": "\ud800", "data": {"x": "\ud800"}}
    with pytest.raises(FrameError):
        read_client_frame(json.dumps(frame))
