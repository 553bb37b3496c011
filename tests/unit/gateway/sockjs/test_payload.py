import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sockgate_gateway.sockjs.payload import (
    MalformedPayload,
    exceeds,
    read_messages,
)

texts = st.text(st.characters(exclude_categories=["Cs"]))
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner) | st.dictionaries(texts, inner),
)


@given(st.lists(texts), st.booleans())
def test_array_of_strings_is_read(messages, is_ascii):
    assert read_messages(json.dumps(messages, ensure_ascii=is_ascii).encode()) == messages


@given(values)
def test_any_other_json_is_misused(value):
    payload = json.dumps(value).encode()
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        assert read_messages(payload) == value
    else:
        with pytest.raises(MalformedPayload, match=r"Payload expected\."):
            read_messages(payload)


@given(st.binary())
def test_any_bytes_are_read_or_refused(payload):
    try:
        messages = read_messages(payload)
    except MalformedPayload:
        return
    assert exceeds(messages, 0) == any(messages)


def test_empty_payload_is_refused():
    with pytest.raises(MalformedPayload, match=r"Payload expected\."):
        read_messages(b"")


@pytest.mark.parametrize(
    "payload",
    [
        b'["x',
        b'["\xff"]',
        b'["\\ud800"]',
        b'["\\udc00\\ud800"]',
        b'["\xed\xa0\x80"]',
        b"[] []",
        b'["a",]',
        b'{"a',
        b"[1, 2",
        b"nothing",
    ],
)
def test_malformed_json_is_broken(payload):
    with pytest.raises(MalformedPayload, match=r"Broken JSON encoding\."):
        read_messages(payload)


def test_deep_json_is_refused():
    with pytest.raises(MalformedPayload):
        read_messages(b"[" * 100_000)


def test_cause_does_not_hold_the_payload():
    with pytest.raises(MalformedPayload) as raised:
        read_messages(b'["secret", 5]')
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize(
    ("messages", "expected"),
    [([], False), (["1234"], False), (["12345"], True), (["", "éé"], False), (["éé1"], True)],
)
def test_length_is_counted_in_utf8(messages, expected):
    assert exceeds(messages, 4) is expected
