"""Examples of frames: values of each kind, and those of which a decoder must reject the frame."""

import json
from collections.abc import Iterator
from typing import Any

import msgspec
from sockgate_gateway.wire.closecodes import CloseCode
from sockgate_gateway.wire.contract import CLIENT_FRAMES, GATEWAY_FRAMES, Recover

from tests.contract.rows import Member, members_of, type_of

_NAME = "{}:7"
"""A string is made of the name of its member."""

_ID = int | str

RIGHT: dict[Any, list[Any]] = {
    str: [_NAME, "é"],
    int: [7, 0],
    float: [2.5, 10],
    bool: [True, False],
    _ID: [7, "s1"],
    Recover: [["k3", 42], "all", 1],
    msgspec.Raw: [{"a": [1, "é"]}, None, 0],
    dict[str, Any]: [{"user:7": {"epoch": "k3", "offset": 42, "recovered": True}}, {}],
    dict[str, int]: [{"7": 2, "8": 1}, {}],
    dict[str, Recover]: [{"user:7": ["k3", 42], "broadcast": "all", "room:7": 1}, {}],
    dict[str, msgspec.Raw]: [{"7": {"name": "é"}}, {}],
    dict[str, list[msgspec.Raw]]: [{"7": [{"page": 1}, {}]}, {}],
}

_WRONG_RECOVER = [["k3"], ["k3", "7"], ["k3", 7.5], [3, 7], True, 1.5, 20.5, {"newest": 1}]
WRONG: dict[Any, list[Any]] = {
    str: [7, {}, "\ud800"],
    _ID: [1.5, {}, True],
    Recover: _WRONG_RECOVER,
    msgspec.Raw: [],
    dict[str, Recover]: [[], 7, "all", *({"a": wrong} for wrong in _WRONG_RECOVER), {"a": None}],
}
"""Of what clients send."""

MALFORMED = [
    "",
    "null",
    "5",
    '"connect"',
    "[]",
    '[{"type":"ping"}]',
    "{}",
    '{"type":"Connect","token":"T"}',
    '{"type":"connect","token":"T","recover":{"a":20.0}}',
    '{"type":7}',
    '{"token":"T"}',
    '{"type":"ping"',
    '{"type":"ping"}}',
    '{"type":"ping"} {"type":"ping"}',
    "{'type':'ping'}",
    '{"type":"ping","id":NaN}',
    '{"type":"publish","channel":"a","event":"client-said","data":NaN}',
    '\ufeff{"type":"ping"}',
]
"""Which no frame can be, whatever the rows are."""


def right(member: Member) -> list[Any]:
    values = [_of(member, value) for value in RIGHT[member.kind]]
    return [*values, None] if member.may_be_null else values


def _of(member: Member, value: Any) -> Any:
    return value.format(member.name) if isinstance(value, str) else value


def whole(frame: type[msgspec.Struct]) -> dict[str, Any]:
    """Return a frame with all its members."""
    return {member.name: right(member)[0] for member in members_of(frame)}


def right_frames(frame: type[msgspec.Struct]) -> Iterator[dict[str, Any]]:
    """Yield the least frame, the whole one, and others with another value of one member."""
    members = members_of(frame)
    least = {member.name: right(member)[0] for member in members if member.is_required}
    yield least
    if whole(frame) != least:
        yield whole(frame)
    for member in members:
        for value in right(member)[1:]:
            yield {**least, member.name: value}


def wrong_frames(frame: type[msgspec.Struct]) -> Iterator[dict[str, Any]]:
    """Yield frames that lack a member, or have a wrong one."""
    members = members_of(frame)
    least = {member.name: right(member)[0] for member in members if member.is_required}
    for member in members:
        if member.is_required:
            yield {name: value for name, value in least.items() if name != member.name}
        null = [] if member.may_be_null or member.kind is msgspec.Raw else [None]
        for value in [*WRONG[member.kind], *null]:
            yield {**least, member.name: value}


def text_of(frame: type[msgspec.Struct], fields: dict[str, Any], **options: Any) -> str:
    return json.dumps({"type": type_of(frame), **fields}, separators=(",", ":"), **options)


SEEDS = [text_of(frame, whole(frame)).encode() for frame in CLIENT_FRAMES]
"""For the fuzzers."""


def client_frames() -> dict[str, list[Any]]:
    """Return the examples of the vectors."""
    valid = [
        {"text": text_of(frame, fields), "class": frame.__name__, "fields": _all(frame, fields)}
        for frame in CLIENT_FRAMES
        for fields in right_frames(frame)
    ]
    invalid = [text_of(frame, fields) for frame in CLIENT_FRAMES for fields in wrong_frames(frame)]
    return {"valid": valid, "invalid": MALFORMED + invalid}


def _all(frame: type[msgspec.Struct], fields: dict[str, Any]) -> dict[str, Any]:
    defaults = {
        member.name: None if member.may_be_null else {}
        for member in members_of(frame)
        if not member.is_required
    }
    return {**defaults, **fields}


def gateway_frames() -> list[Any]:
    """Return the least and the whole frame of each row of the gateway."""
    return [
        {
            "class": frame.__name__,
            "fields": fields,
            "text": text_of(frame, fields, ensure_ascii=False),
        }
        for frame in GATEWAY_FRAMES
        for fields in _least_and_whole(frame)
    ]


def close_codes() -> list[Any]:
    """Return each close code, with what its row says to clients."""
    return [
        {
            "name": code.name,
            "code": int(code),
            "reason": code.reason,
            "reconnect": code.come_back != "no",
            "fresh_token": code.come_back == "with a fresh token",
        }
        for code in CloseCode
    ]


def _least_and_whole(frame: type[msgspec.Struct]) -> list[dict[str, Any]]:
    frames = list(right_frames(frame))
    return frames[:2] if len(frames) > 1 and frames[1] == whole(frame) else frames[:1]
