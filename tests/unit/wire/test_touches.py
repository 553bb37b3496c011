"""A touch is what a page would read as one, whoever has written it and however."""

import json
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sockgate_gateway.wire import publication
from sockgate_gateway.wire.publication import Publication, read_publication, state_touch
from sockgate_gateway.wire.touches import MAX_MARK, first_mark, read_mark

from tests.vectors import VECTORS

HEADS = ["", "#k3:7#", "#k3:1:c1#", "#::c1#", "#:::250:order:7#", "#::c1:250:order:7#"]


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("case", VECTORS["touches"], ids=lambda case: case["payload"][:60])
def test_touch_is_recognized_in_every_form(case, head):
    raw = (head + " " + case["payload"] + " ").encode()
    assert read_publication(raw).touch == case["touch"]


def spellings(letter: str) -> list[str]:
    return [letter, f"\\u{ord(letter):04x}", f"\\u{ord(letter):04X}"]


def test_touch_with_any_of_its_letters_escaped_is_recognized():
    for letters in product(*map(spellings, "touch")):
        raw = b'{"event":"%b","data":1}' % "".join(letters).encode()
        assert json.loads(raw)["event"] == "touch"
        assert read_publication(raw).touch == 0, raw


@pytest.mark.parametrize("text", ["Grüße", "привет", "😀", "<b>", "a\\b", "\x1f", "touc h"])
def test_ordinary_escaped_text_costs_no_second_reading(monkeypatch, text):
    monkeypatch.setattr(publication, "read_touch", None)
    data = json.dumps(text).replace("<", "\\u003C")
    raw = b'{"event":"news","data":%b}' % data.encode()
    assert read_publication(raw).payload == raw


def test_too_deep_to_be_read_counts_as_a_touch_or_is_no_json():
    for depth in range(100, 3000, 50):
        nested = "[" * depth + "]" * depth
        raw = b'{"event":%b,"event":"touch","data":1}' % nested.encode()
        found = read_publication(raw)
        assert found.touch == 0 or isinstance(json.loads(found.payload), str)


@given(st.dictionaries(st.text(), st.text()), st.text(), st.booleans())
def test_other_events_are_none(data, event, is_ascii):
    if event == "touch":
        return
    text = json.dumps({"event": event, "data": data}, ensure_ascii=is_ascii)
    assert read_publication(text.encode(errors="replace")).touch is None


def test_touch_is_delivered_with_what_the_gateway_states_alone():
    raw = b'#k3:7:c1#{"event":"touch","data":{"audience":1e-9},"from":"7","audience":1e-9}'
    stated = state_touch(read_publication(raw), 12, 5)
    assert stated == Publication(
        b'{"event":"touch","data":{"audience":12}}',
        "k3",
        7,
        "c1",
        touch=0,
        end=b',"audience":12,"touched":5}',
    )


@pytest.mark.parametrize(
    ("stored", "mark"),
    [
        (None, 0),
        (b"7", 7),
        (b"%d" % MAX_MARK, MAX_MARK),
        (b"%d" % (MAX_MARK + 1), None),
        (b"-1", None),
        (b"", None),
        (b"x", None),
        (b"1.5", None),
        ("²".encode(), None),
    ],
)
def test_stored_mark_is_checked(stored, mark):
    assert read_mark(stored) == mark


def test_first_marks_rise():
    assert 0 < first_mark() - 2000 < first_mark() < MAX_MARK
