"""Payloads of requests: a JSON array of strings. Pure."""

from typing import Any

import msgspec

from ..wire.surrogates import replace_lone_surrogates


class MalformedPayload(ValueError):
    """A payload is not an array of strings; the message is the SockJS protocol's answer."""


class _Frame(msgspec.Struct):
    secret: Any = None


_messages = msgspec.json.Decoder(list[str])
_any_json = msgspec.json.Decoder(msgspec.Raw)
_frames = msgspec.json.Decoder(_Frame)


def read_messages(payload: bytes) -> list[str]:
    """Decode ``["…","…"]``.

    Raises:
        MalformedPayload: it is empty, not UTF-8, not JSON, JSON of another shape, or holds half a
            surrogate pair.
    """
    if not payload:
        raise MalformedPayload("Payload expected.")
    try:
        return _messages.decode(payload)
    except msgspec.ValidationError as error:
        _check_json(payload)
        raise MalformedPayload("Payload expected.") from error
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise MalformedPayload("Broken JSON encoding.") from error


def _check_json(payload: bytes) -> None:
    try:
        _any_json.decode(payload)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise MalformedPayload("Broken JSON encoding.") from error


def read_secret(message: str) -> Any:
    """Return the member ``secret`` of a frame, or None."""
    for text in (message, replace_lone_surrogates(message)):
        try:
            return _frames.decode(text).secret
        except (msgspec.MsgspecError, UnicodeError, RecursionError):
            continue
    return None


def exceeds(messages: list[str], limit_bytes: int) -> bool:
    """Return whether a message has more bytes of UTF-8 than the limit."""
    return any(len(message.encode()) > limit_bytes for message in messages)
