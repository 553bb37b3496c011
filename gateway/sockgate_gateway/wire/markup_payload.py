"""Which publications a page takes for markup to insert, in any form of JSON. Pure."""

import msgspec

from .events import is_markup
from .surrogates import replace_lone_surrogates


class MarkupPayload(bytes):
    """The payload of an event with markup: JSON, whose signature has not been verified."""


class _Named(msgspec.Struct, gc=False):
    """The member that a page takes for the event: the last one of this name."""

    event: msgspec.Raw = msgspec.Raw(b"null")


_named = msgspec.json.Decoder(_Named)
_text = msgspec.json.Decoder(str)


def has_markup(payload: bytes) -> bool:
    """Return whether a page would take a payload, valid JSON, for an event with markup."""
    try:
        return is_markup(_event_of(payload))
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return payload.startswith(b"{")  # Nothing is known of it, so it has to be signed.


def _event_of(payload: bytes) -> str:
    if not payload.startswith(b"{"):
        return ""
    try:
        named = _named.decode(payload)
    except msgspec.DecodeError:
        named = _named.decode(replace_lone_surrogates(payload.decode()))
    return _text.decode(named.event) if bytes(named.event).startswith(b'"') else ""
