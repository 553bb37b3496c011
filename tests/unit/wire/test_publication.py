"""Publications: what publishers may send, and what leaves as a frame."""

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sockgate_gateway.wire.errors import PayloadError
from sockgate_gateway.wire.publication import (
    Coalescing,
    Publication,
    publication_frame,
    publication_head,
    read_publication,
    write_publication,
)

from tests.unit.wire.json_values import json_values, strict_json

epochs = st.from_regex(r"[A-Za-z0-9]{1,16}", fullmatch=True)
offsets = st.integers(1, 2**63)


@given(st.binary() | st.text().map(lambda text: text.encode(errors="replace")))
@example(b"[" * 100_000)
@example(b'#k3:1#"\xff"')
def test_publication_is_json_for_a_browser_or_a_payload_error(raw):
    try:
        publication = read_publication(raw)
    except PayloadError:
        with pytest.raises(UnicodeDecodeError):
            raw.decode()
    else:
        strict_json(publication.payload)


@given(json_values)
def test_json_passes_through_a_channel_unchanged(value):
    publication = read_publication(json.dumps(value).encode())
    assert publication == Publication(json.dumps(value).encode())


@given(st.text(st.characters(codec="utf-8")).filter(lambda text: not is_json(text)))
def test_invalid_json_becomes_a_json_string(text):
    raw = text.encode()
    if read_publication(raw).offset == 0:
        assert json.loads(read_publication(raw).payload) == text


def is_json(text):
    try:
        json.loads(text, parse_constant=float.fromhex)
    except ValueError:
        return False
    return True


@pytest.mark.parametrize(
    "raw",
    [
        *[b"#::#1", b"#:c#1", b"#:1:c#1", b"#k3::c#1", b"#::a b#1", b"#k3:0:c#1", b"#::\xc3\xa4#1"],
        *[
            b"#k3:1::#1",
            b"#k3:1::0#1",
            b"#k3:1::1e9#1",
            b"#k3:1::-5#1",
            b"#k3:1:c:#1",
            b"#k3:1:c:x#1",
        ],
        *[b"#k3:1::%b#1" % (b"9" * 20), b"#k3:1:c:5:5#1", b"#k3::5#1", b"#::c:5#1"],
    ],
)
def test_other_text_excludes_nobody(raw):
    assert read_publication(raw) == Publication(json.dumps(raw.decode()).encode())


@pytest.mark.parametrize(
    "raw",
    [
        b"#:::0:k#1",
        b"#:::60001:k#1",
        b"#:::1234567:k#1",
        b"#:::-1:k#1",
        b"#:::1.5:k#1",
        b"#:::100:#1",
        b"#:::100#1",
        b"#:::100:%b#1" % (b"k" * 65),
        b"#:::100:a\nb#1",
        b"#:::100:\xc3\xa4#1",
        b"#::a b:100:k#1",
        b"#::\xc3\xa4:100:k#1",
        b"#k3:7::100:k#1",
        b"#k3:7:c:100:k#1",
    ],
)
def test_other_text_has_no_key(raw):
    assert read_publication(raw) == Publication(json.dumps(raw.decode()).encode())


@pytest.mark.parametrize("excluded", ["", "Kx3_abc-DEF45678"])
@pytest.mark.parametrize(
    ("key", "within_ms"), [("order:7", 100), (" a:b,c ", 1), ("~" * 64, 60000)]
)
def test_key_and_window_survive_encoding(excluded, key, within_ms):
    publication = Publication(b"1", excluded=excluded, coalescing=Coalescing(key, within_ms))
    assert write_publication(publication) == f"#::{excluded}:{within_ms}:{key}#1".encode()
    assert read_publication(write_publication(publication)) == publication


@given(json_values, epochs, offsets)
def test_sequenced_publication_survives_encoding(value, epoch, offset):
    publication = Publication(json.dumps(value).encode(), epoch, offset)
    assert read_publication(write_publication(publication)) == publication


def test_plain_publication_is_written_as_it_is():
    assert write_publication(Publication(b'{"a":1}')) == b'{"a":1}'


@given(json_values, st.none() | offsets)
def test_publication_frame_carries_channel_data_and_offset(value, offset):
    publication = Publication(json.dumps(value).encode(), "k3" if offset else "", offset or 0)
    frame = publication_frame(publication_head("user:7"), publication)
    at = {} if not offset else {"epoch": "k3", "offset": 1} if offset == 1 else {"offset": offset}
    assert strict_json(frame) == {"channel": "user:7", "data": value, **at}
