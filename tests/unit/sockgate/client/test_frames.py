"""The frames of the Python client are those of ``tests/vectors.json``."""

import json
from typing import Any

import pytest
from sockgate.client import Message, frames
from sockgate_gateway.wire.events import RESERVED_EVENTS
from sockgate_gateway.wire.protocol import read_client_frame

from tests.vectors import VECTORS


@pytest.mark.parametrize("case", VECTORS["client_frames"]["valid"], ids=lambda case: case["text"])
def test_frame_is_written_as_the_gateway_reads_it(case: dict[str, Any]) -> None:
    frame = read_client_frame(case["text"])
    written = frames.write_frame(frame)
    assert read_client_frame(written) == frame
    assert set(json.loads(written)) <= set(json.loads(case["text"]))  # Defaults are left out.


@pytest.mark.parametrize("case", VECTORS["server_frames"], ids=lambda case: case["text"])
def test_frame_of_the_gateway_is_read_and_is_no_publication(case: dict[str, Any]) -> None:
    frame = frames.read_frame(case["text"])
    assert frame == json.loads(case["text"])
    assert not frames.is_publication(frame)


@pytest.mark.parametrize("case", VECTORS["publications"]["valid"], ids=lambda case: case["name"])
def test_publication_becomes_the_message_of_the_vectors(case: dict[str, Any]) -> None:
    frame = frames.read_frame(case["frame"])
    assert frame is not None
    assert frames.is_publication(frame)
    expected = case["message"]
    assert frames.message_of(frame) == Message(
        expected["event"],
        expected["data"],
        case["channel"],
        case["offset"] or None,
        expected.get("from"),
    )


@pytest.mark.parametrize("text", ["", "null", "5", '"text"', "[]", "{", "[" * 100_000])
def test_other_texts_are_no_frames(text: str) -> None:
    assert frames.read_frame(text) is None


def test_reserved_events_arrive_as_message() -> None:
    for event in RESERVED_EVENTS:
        renamed = frames.without_reserved_name(Message(event, 1, "user:7", 3, "8"))
        assert renamed == Message("message", 1, "user:7", 3, "8")


def test_number_that_json_does_not_know_is_rejected() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        frames.write_data([float("nan")])


@pytest.mark.parametrize("text", ['{"x":NaN}', '{"x":-Infinity}', "[" * 100_000])
def test_text_that_is_no_json_is_no_frame(text: str) -> None:
    assert frames.read_frame(text) is None


def test_text_without_utf8_form_raises_at_the_caller() -> None:
    with pytest.raises(ValueError, match="surrogates"):
        frames.write_data("\ud800")


def test_presence_of_an_odd_answer_is_empty() -> None:
    presence = frames.presence_of("room:1", {"users": [7], "anonymous": None})
    assert (presence.users, presence.anonymous) == ({}, 0)
